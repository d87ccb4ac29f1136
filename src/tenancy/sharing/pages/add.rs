//! Adding a member, and a service account.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Around, RoleOption, role_options, shell};
use crate::access::permission::needs::{ManageWorkspaceServiceAccounts, ManageWorkspaceUsers};
use crate::access::workspace::{Asks, WorkspaceAccess};
use crate::access::{ServiceAccountId, UserId};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::Form;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::tenancy::sharing::actions::{self, Given, Invited, Request, organization_only};
use crate::tenancy::sharing::forms::{AddFields, AddForm, day_options};
use crate::tenancy::sharing::queries;

/// People or service accounts in one select; the search finds the others.
const OFFERED: i64 = 500;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AddParams {
    q: String,
}

#[derive(Template)]
#[template(path = "tenancy/sharing/add.html")]
struct AddPage {
    shell: Shell,
    around: Around,
    is_bot: bool,
    fields: AddFields,
    options: Vec<(String, String)>,
    has_more: bool,
    q: String,
    roles: Vec<RoleOption>,
    days: Vec<(&'static str, &'static str)>,
}

impl AddPage {
    /// The page with those who are offered; of more than fit the first, and a hint to search.
    async fn of<P: Asks>(
        app: &App,
        access: &WorkspaceAccess<P>,
        (page_shell, q): (Shell, &str),
        fields: AddFields,
        (mut options, is_bot): (Vec<(String, String)>, bool),
    ) -> Result<Self> {
        let most = usize::try_from(OFFERED).unwrap_or_default();
        let has_more = options.len() > most;
        options.truncate(most);
        Ok(Self {
            around: Around::of(access.workspace()),
            is_bot,
            roles: role_options(app, access).await?,
            shell: shell(access, page_shell),
            fields,
            options,
            has_more,
            q: q.to_owned(),
            days: day_options(),
        })
    }

    fn title(&self) -> &'static str {
        if self.is_bot { "Add service account" } else { "Add member" }
    }

    fn what(&self) -> &'static str {
        if self.is_bot { "Service account" } else { "Member" }
    }

    fn search(&self) -> &'static str {
        if self.is_bot { "Search service accounts" } else { "Search members" }
    }

    fn hint(&self) -> &'static str {
        if self.has_more { "These are the first 500. Search for the others above." } else { "" }
    }
}

type People = WorkspaceAccess<ManageWorkspaceUsers>;
type Bots = WorkspaceAccess<ManageWorkspaceServiceAccounts>;

async fn member_page(
    app: &App,
    access: &People,
    (page_shell, q): (Shell, &str),
    fields: AddFields,
) -> Result<AddPage> {
    let place = (access.workspace().account, access.workspace().id);
    let (asked, now) = (q.to_owned(), app.now());
    let found = app
        .db
        .read(move |db| Ok(queries::candidates(db, place, (&asked, now), OFFERED + 1)?))
        .await?;
    let option =
        |(id, name, email): (UserId, String, String)| (id.to_string(), format!("{name} ({email})"));
    let options = found.into_iter().map(option).collect();
    AddPage::of(app, access, (page_shell, q), fields, (options, false)).await
}

/// `GET …/sharing/members/new`
pub(super) async fn new_member(
    access: People,
    page_shell: Shell,
    app: web::Data<App>,
    params: web::Query<AddParams>,
) -> Result<HttpResponse> {
    organization_only(access.workspace())?;
    Page(member_page(&app, &access, (page_shell, &params.q), AddFields::empty()).await?).ok()
}

/// `POST …/sharing/members/new`
pub(super) async fn send(
    req: HttpRequest,
    access: People,
    (page_shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    params: web::Query<AddParams>,
    form: Form<AddForm>,
) -> Result<HttpResponse> {
    organization_only(access.workspace())?;
    let (fields, wanted) = AddFields::parse::<UserId>(form.fields, app.now());
    let mut page = member_page(&app, &access, (page_shell, &params.q), fields).await?;
    let Some((user, role, until)) = wanted else { return Page(page).unprocessable() };
    let request = (user, Request { role, until });
    let problem = match actions::invite_member(&app, access, ip, request, Some(form.once)).await {
        Ok(Invited::Sent(sent)) => {
            let counts = "The role counts once the invitation is accepted.";
            let notice = if let Some(unmailed) = sent.unmailed(app.settings().keeps_mails()) {
                let text = format!("{} is invited. {unmailed} {counts}", sent.email);
                let steps = format!("{}/invitations", page.around.list);
                Notice::warn(text).linking("Copy link", format!("{steps}/{}/link", sent.id))
            } else {
                Notice::ok(format!("Invitation sent to {}. {counts}", sent.email))
            };
            notice.leave(&req)?;
            return Ok(see_other(page.around.list));
        }
        Ok(Invited::NoMember) => "Choose one of the list.".to_owned(),
        Ok(Invited::Refused(problem)) => problem,
        Err(Error::Invalid(problem)) => {
            page.fields.role = page.fields.role.with_problem(problem);
            return Page(page).unprocessable();
        }
        Err(error) => return Err(error),
    };
    page.fields.who = page.fields.who.with_problem(problem);
    Page(page).unprocessable()
}

async fn bot_page(
    app: &App,
    access: &Bots,
    (page_shell, q): (Shell, &str),
    fields: AddFields,
) -> Result<AddPage> {
    let place = (access.workspace().account, access.workspace().id);
    let (asked, now) = (q.to_owned(), app.now());
    let found = app
        .db
        .read(move |db| Ok(queries::bot_candidates(db, place, (&asked, now), OFFERED + 1)?))
        .await?;
    let option = |(id, name): (ServiceAccountId, String)| (id.to_string(), name);
    let options = found.into_iter().map(option).collect();
    AddPage::of(app, access, (page_shell, q), fields, (options, true)).await
}

/// `GET …/sharing/service-accounts/new`
pub(super) async fn new_bot(
    access: Bots,
    page_shell: Shell,
    app: web::Data<App>,
    params: web::Query<AddParams>,
) -> Result<HttpResponse> {
    organization_only(access.workspace())?;
    Page(bot_page(&app, &access, (page_shell, &params.q), AddFields::empty()).await?).ok()
}

/// `POST …/sharing/service-accounts/new`
pub(super) async fn share(
    req: HttpRequest,
    access: Bots,
    (page_shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    params: web::Query<AddParams>,
    form: Form<AddForm>,
) -> Result<HttpResponse> {
    organization_only(access.workspace())?;
    let (fields, wanted) = AddFields::parse::<ServiceAccountId>(form.fields, app.now());
    let mut page = bot_page(&app, &access, (page_shell, &params.q), fields).await?;
    let Some((bot, role, until)) = wanted else { return Page(page).unprocessable() };
    let problem = match actions::share(&app, access, ip, (bot, Request { role, until })).await {
        Ok(Given::Done(row)) => {
            let text = format!("Shared with {} as {}.", row.name, row.role.title);
            Notice::ok(text).leave(&req)?;
            return Ok(see_other(page.around.list));
        }
        Ok(Given::Nobody) => "Choose one of the list.".to_owned(),
        Ok(Given::Already(name)) => format!("The workspace is shared with {name} already."),
        Err(Error::Invalid(problem)) => {
            page.fields.role = page.fields.role.with_problem(problem);
            return Page(page).unprocessable();
        }
        Err(error) => return Err(error),
    };
    page.fields.who = page.fields.who.with_problem(problem);
    Page(page).unprocessable()
}
