//! Leaving an organization, and deleting it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::actor::{RecentlyConfirmed, StepUp};
use crate::access::organization::{Admin, Leaving, OrganizationAccess};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::tenancy::organizations::actions::{self, Ended, Left};
use crate::tenancy::organizations::forms::ConfirmForm;
use crate::tenancy::organizations::{queries, rules};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/organizations/leave.html")]
struct LeavePage {
    shell: Shell,
    handle: String,
    name: String,
    is_last_admin: bool,
}

/// `GET /organizations/{organization}/leave`
pub(super) async fn show_leave(
    access: OrganizationAccess<Leaving>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let account = access.organization().account;
    let admins = app.db.read(move |db| Ok(queries::admin_count(db, account)?)).await?;
    let is_last_admin = !rules::may_go(access.role(), admins);
    Page(leave_page(&access, shell, is_last_admin)).ok()
}

fn leave_page(
    access: &OrganizationAccess<Leaving>,
    shell: Shell,
    is_last_admin: bool,
) -> LeavePage {
    LeavePage {
        shell: access.shell(shell, "organization"),
        handle: access.organization().handle.clone(),
        name: access.organization().name.clone(),
        is_last_admin,
    }
}

/// `POST /organizations/{organization}/leave`
pub(super) async fn leave(
    access: OrganizationAccess<Leaving>,
    shell: Shell,
    app: web::Data<App>,
    (ip, step_up): (ClientIp, StepUp),
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let page = leave_page(&access, shell, true);
    match actions::leave(&app, (access, step_up), ip).await? {
        Left::Gone => {
            Notice::ok(format!("You left {}.", page.name)).leave(&req)?;
            Ok(see_other(urls::organizations()))
        }
        Left::LastAdmin => Page(page).with_status(StatusCode::CONFLICT),
    }
}

#[derive(Template)]
#[template(path = "tenancy/organizations/delete.html")]
struct DeletePage {
    shell: Shell,
    handle: String,
    name: String,
    label: String,
    /// Handle and address of workspaces that have to go first.
    obstacles: Vec<(String, String)>,
    members: String,
    deleted: Option<String>,
    confirm: Field,
}

/// Obstacles on the page.
const SHOWN: i64 = 50;

async fn delete_page(
    access: &OrganizationAccess<Admin>,
    shell: Shell,
    app: &App,
    confirm: Field,
) -> Result<DeletePage> {
    let (account, now) = (access.organization().account, app.now());
    let (obstacles, members, deleted) = app
        .db
        .read(move |db| {
            let obstacles = queries::active_workspaces(db, account, SHOWN)?;
            let deleted = queries::restorable(db, account, now)?.len();
            Ok((obstacles, queries::member_count(db, account)?, deleted))
        })
        .await?;
    let handle = access.organization().handle.clone();
    Ok(DeletePage {
        shell: access.shell(shell, "organization"),
        name: access.organization().name.clone(),
        label: format!("Type {handle} to confirm"),
        obstacles: obstacles
            .into_iter()
            .map(|workspace| (urls::settings_delete((&handle, &workspace)), workspace))
            .map(|(href, workspace)| (format!("{handle}/{workspace}"), href))
            .collect(),
        members: counted(members, "person", "people"),
        deleted: (deleted > 0).then(|| {
            counted(i64::try_from(deleted).unwrap_or(0), "deleted workspace", "deleted workspaces")
        }),
        handle,
        confirm,
    })
}

/// `GET /organizations/{organization}/delete`
pub(super) async fn show_delete(
    access: OrganizationAccess<Admin>,
    _confirmed: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Page(delete_page(&access, shell, &app, Field::empty("confirm")).await?).ok()
}

/// `POST /organizations/{organization}/delete`
pub(super) async fn delete(
    access: OrganizationAccess<Admin>,
    confirmed: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    (form, req): (Form<ConfirmForm>, HttpRequest),
) -> Result<HttpResponse> {
    let mut confirm = Field::new("confirm", form.fields.confirm);
    let handle = &access.organization().handle;
    if confirm.value.trim() != handle.as_str() {
        confirm.problem = Some(format!("Type {handle} to confirm."));
    }
    let page = delete_page(&access, shell, &app, confirm).await?;
    if page.confirm.problem.is_some() || !page.obstacles.is_empty() {
        return Page(page).unprocessable();
    }
    match actions::delete(&app, access, confirmed, ip).await? {
        Ended::Gone => {
            Notice::ok(format!("{} was deleted.", page.name)).leave(&req)?;
            Ok(see_other(urls::organizations()))
        }
        Ended::HasWorkspaces => Ok(see_other(urls::organization_page(&page.handle, "delete"))),
    }
}
