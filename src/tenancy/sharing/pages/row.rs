//! What is done with one row, a member's or a service account's: another role or end, or none at all.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Around, RoleOption, role_options, shell};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::When;
use crate::frame::Shell;
use crate::tenancy::sharing::actions::{self, organization_only};
use crate::tenancy::sharing::forms::{RowForm, day_options};
use crate::tenancy::sharing::grantee::{Grantee, Shared};

/// Somebody whose rows are named in addresses.
pub(super) trait Listed: Grantee<GrantId: FromStr> {}

impl<G: Grantee<GrantId: FromStr>> Listed for G {}

fn id<T: FromStr>(req: &HttpRequest) -> Result<T> {
    req.match_info().get("id").and_then(|id| id.parse().ok()).ok_or(Error::NotFound)
}

async fn found<G: Listed>(
    app: &App,
    access: &WorkspaceAccess<G::Needs>,
    req: &HttpRequest,
) -> Result<G::Grant> {
    organization_only(access.workspace())?;
    let (at, id) = ((access.workspace().account, access.workspace().id), id(req)?);
    let found = app.db.read(move |db| Ok(G::grant_of_id(db, at, id)?)).await?;
    found.filter(|row| !row.has_ended(app.now())).ok_or(Error::NotFound)
}

#[derive(Template)]
#[template(path = "tenancy/sharing/row.html")]
struct RowPage {
    shell: Shell,
    around: Around,
    name: String,
    role: String,
    roles: Vec<RoleOption>,
    until: Option<When>,
    days: Vec<(&'static str, &'static str)>,
}

/// `GET …/sharing/members/{id}/role`, `GET …/sharing/service-accounts/{id}/role`
pub(super) async fn show<G: Listed>(
    req: HttpRequest,
    access: WorkspaceAccess<G::Needs>,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let row = found::<G>(&app, &access, &req).await?;
    let (role, until) = row.role();
    Page(RowPage {
        around: Around::of(access.workspace()),
        roles: role_options(&app, &access).await?,
        shell: shell(&access, page_shell),
        name: row.known().name,
        role: role.role.to_string(),
        until: until.map(|at| When::new(at, app.now())),
        days: day_options(),
    })
    .ok()
}

/// The list as its address narrowed it.
fn back(req: &HttpRequest, list: &str) -> HttpResponse {
    let query = req.query_string();
    see_other(if query.is_empty() { list.to_owned() } else { format!("{list}?{query}") })
}

/// `POST …/sharing/members/{id}/role`, `POST …/sharing/service-accounts/{id}/role`
pub(super) async fn save<G: Listed>(
    req: HttpRequest,
    access: WorkspaceAccess<G::Needs>,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<RowForm>,
) -> Result<HttpResponse> {
    let around = Around::of(access.workspace());
    let (role, until) = form.fields.parse(app.now()).map_err(Error::Invalid)?;
    let row = actions::change::<G>(&app, access, ip, (id(&req)?, role), until).await?;
    let (name, role) = (row.known().name, &row.role().0.title);
    Notice::ok(format!("{name} is {role} here now.")).leave(&req)?;
    Ok(back(&req, &around.list))
}

#[derive(Template)]
#[template(path = "tenancy/sharing/remove.html")]
struct RemovePage {
    shell: Shell,
    around: Around,
    name: String,
    role: String,
    is_bot: bool,
    is_you: bool,
}

/// `GET …/sharing/members/{id}/remove`, `GET …/sharing/service-accounts/{id}/remove`
pub(super) async fn show_remove<G: Listed>(
    req: HttpRequest,
    access: WorkspaceAccess<G::Needs>,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let row = found::<G>(&app, &access, &req).await?;
    let person = row.to().person();
    Page(RemovePage {
        around: Around::of(access.workspace()),
        is_you: person.is_some_and(|user| user.uuid() == access.actor().id()),
        shell: shell(&access, page_shell),
        name: row.known().name,
        role: row.role().0.title.clone(),
        is_bot: person.is_none(),
    })
    .ok()
}

/// `POST …/sharing/members/{id}/remove`, `POST …/sharing/service-accounts/{id}/remove`
pub(super) async fn remove<G: Listed>(
    req: HttpRequest,
    access: WorkspaceAccess<G::Needs>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
) -> Result<HttpResponse> {
    let (around, you) = (Around::of(access.workspace()), access.actor().id());
    let gone = actions::remove::<G>(&app, access, ip, id(&req)?).await?;
    let (name, place, person) = (gone.known().name, &around.workspace, gone.to().person());
    Notice::ok(match person {
        Some(_) => format!("{name} has no role of their own in {place} any more."),
        None => format!("{name} has no access to {place} any more."),
    })
    .leave(&req)?;
    // Who gave up the own role may have lost the list.
    let is_you = person.is_some_and(|user| user.uuid() == you);
    Ok(see_other(if is_you { crate::urls::workspaces().to_owned() } else { around.list }))
}
