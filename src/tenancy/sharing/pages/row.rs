//! What is done with one row: another role or end, or none at all.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Around, RoleOption, role_options, shell};
use crate::access::permission::needs::{ManageWorkspaceServiceAccounts, ManageWorkspaceUsers};
use crate::access::workspace::{Asks, WorkspaceAccess};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::When;
use crate::frame::Shell;
use crate::tenancy::sharing::actions::{self, organization_only};
use crate::tenancy::sharing::forms::{RowForm, day_options};
use crate::tenancy::sharing::model::{SharedBot, SharedPerson};
use crate::tenancy::sharing::queries;

type People = WorkspaceAccess<ManageWorkspaceUsers>;
type Bots = WorkspaceAccess<ManageWorkspaceServiceAccounts>;

fn id<T: std::str::FromStr>(req: &HttpRequest) -> Result<T> {
    req.match_info().get("id").and_then(|id| id.parse().ok()).ok_or(Error::NotFound)
}

async fn person(app: &App, access: &People, req: &HttpRequest) -> Result<SharedPerson> {
    organization_only(access.workspace())?;
    let (place, id) = ((access.workspace().account, access.workspace().id), id(req)?);
    let found = app.db.read(move |db| Ok(queries::person(db, place, id)?)).await?;
    found.ok_or(Error::NotFound)
}

async fn bot(app: &App, access: &Bots, req: &HttpRequest) -> Result<SharedBot> {
    organization_only(access.workspace())?;
    let (workspace, id) = (access.workspace().id, id(req)?);
    let found = app.db.read(move |db| Ok(queries::bot(db, workspace, id)?)).await?;
    found.ok_or(Error::NotFound)
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

async fn row_page<P: Asks>(
    app: &App,
    access: &WorkspaceAccess<P>,
    page_shell: Shell,
    (name, role, until): (String, String, Option<Instant>),
) -> Result<HttpResponse> {
    Page(RowPage {
        around: Around::of(access.workspace()),
        roles: role_options(app, access).await?,
        shell: shell(access, page_shell),
        name,
        role,
        until: until.map(|at| When::new(at, app.now())),
        days: day_options(),
    })
    .ok()
}

/// `GET …/sharing/members/{id}/role`
pub(super) async fn show_member(
    req: HttpRequest,
    access: People,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let row = person(&app, &access, &req).await?;
    row_page(&app, &access, page_shell, (row.name, row.role.role.to_string(), row.until)).await
}

/// `GET …/sharing/service-accounts/{id}/role`
pub(super) async fn show_bot(
    req: HttpRequest,
    access: Bots,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let row = bot(&app, &access, &req).await?;
    row_page(&app, &access, page_shell, (row.name, row.role.role.to_string(), row.until)).await
}

/// The list as its address narrowed it.
fn back(req: &HttpRequest, list: &str) -> HttpResponse {
    let query = req.query_string();
    see_other(if query.is_empty() { list.to_owned() } else { format!("{list}?{query}") })
}

/// `POST …/sharing/members/{id}/role`
pub(super) async fn save_member(
    req: HttpRequest,
    access: People,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<RowForm>,
) -> Result<HttpResponse> {
    let around = Around::of(access.workspace());
    let (role, until) = form.fields.parse(app.now()).map_err(Error::Invalid)?;
    let row = actions::change_member(&app, access, ip, (id(&req)?, role), until).await?;
    Notice::ok(format!("{} is {} here now.", row.name, row.role.title)).leave(&req)?;
    Ok(back(&req, &around.list))
}

/// `POST …/sharing/service-accounts/{id}/role`
pub(super) async fn save_bot(
    req: HttpRequest,
    access: Bots,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<RowForm>,
) -> Result<HttpResponse> {
    let around = Around::of(access.workspace());
    let (role, until) = form.fields.parse(app.now()).map_err(Error::Invalid)?;
    let row = actions::change_bot(&app, access, ip, (id(&req)?, role), until).await?;
    Notice::ok(format!("{} is {} here now.", row.name, row.role.title)).leave(&req)?;
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

/// `GET …/sharing/members/{id}/remove`
pub(super) async fn show_remove_member(
    req: HttpRequest,
    access: People,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let row = person(&app, &access, &req).await?;
    Page(RemovePage {
        around: Around::of(access.workspace()),
        is_you: access.actor().id() == row.user.uuid(),
        shell: shell(&access, page_shell),
        name: row.name,
        role: row.role.title,
        is_bot: false,
    })
    .ok()
}

/// `GET …/sharing/service-accounts/{id}/remove`
pub(super) async fn show_remove_bot(
    req: HttpRequest,
    access: Bots,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let row = bot(&app, &access, &req).await?;
    Page(RemovePage {
        around: Around::of(access.workspace()),
        shell: shell(&access, page_shell),
        name: row.name,
        role: row.role.title,
        is_bot: true,
        is_you: false,
    })
    .ok()
}

/// `POST …/sharing/members/{id}/remove`
pub(super) async fn remove_member(
    req: HttpRequest,
    access: People,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
) -> Result<HttpResponse> {
    let (around, you) = (Around::of(access.workspace()), access.actor().id());
    let gone = actions::remove_member(&app, access, ip, id(&req)?).await?;
    let text = format!("{} has no role of their own in {} any more.", gone.name, around.workspace);
    Notice::ok(text).leave(&req)?;
    // Who gave up the own role may have lost the list.
    let is_you = gone.user.uuid() == you;
    Ok(see_other(if is_you { crate::urls::workspaces().to_owned() } else { around.list }))
}

/// `POST …/sharing/service-accounts/{id}/remove`
pub(super) async fn remove_bot(
    req: HttpRequest,
    access: Bots,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
) -> Result<HttpResponse> {
    let around = Around::of(access.workspace());
    let gone = actions::remove_bot(&app, access, ip, id(&req)?).await?;
    let text = format!("{} has no access to {} any more.", gone.name, around.workspace);
    Notice::ok(text).leave(&req)?;
    Ok(see_other(around.list))
}
