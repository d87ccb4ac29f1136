//! Making a workspace (C1 … C6).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::support_href;
use crate::access::actor::SignedInPerson;
use crate::access::handle::Handle;
use crate::access::membership;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::thousands;
use crate::frame::Shell;
use crate::tenancy::workspaces::actions::{self, Created};
use crate::tenancy::workspaces::forms::{Fields, NewForm};
use crate::tenancy::workspaces::model::Slots;
use crate::tenancy::workspaces::queries;

#[derive(Template)]
#[template(path = "tenancy/workspaces/new.html")]
struct NewPage {
    shell: Shell,
    owner: Field,
    owners: Vec<(String, String)>,
    fields: Fields,
    prefix: String,
    room: Option<Room>,
    support: Option<(String, String)>,
}

/// The slots of an account that has a limit, this workspace included.
struct Room {
    is_full: bool,
    used: String,
    left: String,
    /// A class for each slot; none when there are too many to draw.
    meter: Vec<&'static str>,
}

/// Slots that are drawn; more are only told.
const DRAWN: i64 = 20;

impl Room {
    fn of(slots: Slots) -> Option<Self> {
        let limit = slots.limit?;
        let drawn = if limit > DRAWN { 0 } else { limit };
        let class = |slot: i64| match slot {
            slot if slot < slots.used => "on",
            slot if slot == slots.used => "in",
            _ => "",
        };
        Some(Self {
            is_full: slots.is_full(),
            used: slots.text()?,
            left: thousands((limit - slots.used).max(0)),
            meter: (0..drawn).map(class).collect(),
        })
    }
}

/// Organizations offered as owners.
const ORGANIZATIONS: i64 = 100;

/// The page as it was filled in; `owner` is the handle that is chosen, or empty for the own one.
async fn page(
    person: &SignedInPerson,
    shell: Shell,
    app: &App,
    owner: &str,
    fields: Fields,
) -> Result<NewPage> {
    let (by, usual) = (person.person().clone(), app.settings().flags.workspace_limit);
    let own = by.handle.clone();
    let asked = if owner.is_empty() { own.clone() } else { owner.to_owned() };
    let (organizations, chosen, slots) = app
        .db
        .read(move |db| {
            let chosen = membership::owning(db, &by, &asked)?.ok_or(Error::NotFound)?;
            let slots = queries::slots(db, chosen.id, usual)?;
            Ok((membership::administered(db, &by, ORGANIZATIONS)?, chosen.handle, slots))
        })
        .await?;
    let used = |handle: &str| {
        let text = slots.text().filter(|_| handle == chosen);
        text.map(|text| format!(", {text} workspaces used")).unwrap_or_default()
    };
    let mut owners = vec![(own.clone(), format!("{own} (you){}", used(&own)))];
    owners.extend(organizations.into_iter().map(|organization| {
        let text = format!("{}{}", organization.handle, used(&organization.handle));
        (organization.handle, text)
    }));
    Ok(NewPage {
        shell: shell.at("workspaces"),
        owner: Field::new("owner", &chosen),
        owners,
        prefix: format!("{chosen}/"),
        fields,
        room: Room::of(slots),
        support: app.settings().flags.support.as_ref().map(|at| (at.clone(), support_href(at))),
    })
}

pub(super) async fn show(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let asked = form_urlencoded::parse(req.query_string().as_bytes())
        .find(|(name, value)| name == "owner" && Handle::is_stored_form(value))
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    Page(page(&person, shell, &app, &asked, Fields::new("", "")).await?).ok()
}

pub(super) async fn create(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<NewForm>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let Form { fields: NewForm { owner, handle, description }, once } = form;
    let mut fields = Fields::new(handle, description);
    if owner.is_empty() {
        fields.parse();
        let mut page = page(&person, shell, &app, "", fields).await?;
        page.owner.problem = Some("Choose an owner.".to_owned());
        return Page(page).unprocessable();
    }
    let (by, asked) = (person.person().clone(), owner.clone());
    let Some(account) = app.db.read(move |db| Ok(membership::owning(db, &by, &asked)?)).await?
    else {
        actions::deny_owner(&app, person, ip, &owner).await?;
        return Err(Error::NotFound);
    };
    let Some(wanted) = fields.parse() else {
        return Page(page(&person, shell, &app, &owner, fields).await?).unprocessable();
    };
    let path = format!("{owner}/{}", wanted.handle);
    match actions::create(&app, (person.actor().clone(), account), ip, wanted, Some(once)).await? {
        Created::Now(place) => {
            Notice::ok(format!("{path} is ready.")).leave(&req)?;
            Ok(see_other(place))
        }
        Created::Before(place) => Ok(see_other(place)),
        Created::Taken(taken) => {
            fields.handle.problem = Some(taken.problem());
            Page(page(&person, shell, &app, &owner, fields).await?).unprocessable()
        }
        Created::Full(_) => Page(page(&person, shell, &app, &owner, fields).await?)
            .with_status(StatusCode::CONFLICT),
    }
}
