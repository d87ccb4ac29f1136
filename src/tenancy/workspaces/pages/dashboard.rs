//! A workspace's first page: how to connect, and what is in it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::Connect;
use crate::access::permission::Permission;
use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::page::{Page, Shell};
use crate::tenancy::invitations::model::Place;
use crate::tenancy::workspaces::contents::{self, Counted};

#[derive(Template)]
#[template(path = "tenancy/workspaces/dashboard.html")]
struct DashboardPage {
    shell: Shell,
    handle: String,
    description: String,
    connect: Connect,
    role: String,
    counts: Vec<Counted>,
    people_href: Option<String>,
}

pub(super) async fn show(
    access: WorkspaceAccess<AnyRole>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let workspace = access.workspace().clone();
    let seen: Vec<Permission> = Permission::all().filter(|one| access.may(*one)).collect();
    let place = workspace.clone();
    let counts =
        app.db.read(move |db| Ok(contents::counts(db, &place, |one| seen.contains(&one))?)).await?;
    let people_href = access
        .may(Permission::SeeWorkspaceUsers)
        .then(|| Place::Workspace(workspace.clone()).people());
    let page = DashboardPage {
        shell: access.shell(shell, "dashboard"),
        connect: Connect::of(&app, &workspace),
        role: access.role(),
        handle: workspace.handle,
        description: workspace.description,
        counts,
        people_href,
    };
    Page(page).ok()
}
