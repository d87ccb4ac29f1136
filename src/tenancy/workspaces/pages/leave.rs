//! Leaving somebody else's workspace.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::path_of;
use crate::access::membership::Workspace;
use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::tenancy::workspaces::{actions, rules};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/workspaces/leave.html")]
struct LeavePage {
    shell: Shell,
    workspace: Workspace,
    path: String,
    reason: Option<String>,
}

pub(super) async fn show(access: WorkspaceAccess<AnyRole>, shell: Shell) -> Result<HttpResponse> {
    let workspace = access.workspace();
    let page = LeavePage {
        shell: access.shell(shell, ""),
        workspace: workspace.clone(),
        path: path_of(workspace),
        reason: (!access.can_leave()).then(|| rules::leave_reason(workspace)),
    };
    Page(page).ok()
}

pub(super) async fn leave(
    access: WorkspaceAccess<AnyRole>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let path = path_of(access.workspace());
    actions::leave(&app, access, ip).await?;
    Notice::ok(format!("You left {path}.")).leave(&req)?;
    Ok(see_other(urls::workspaces()))
}
