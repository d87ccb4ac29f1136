//! What deleting a workspace means, and the confirmation (G5 … G7).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::path_of;
use crate::access::actor::RecentlyConfirmed;
use crate::access::membership::Workspace;
use crate::access::permission::needs;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::When;
use crate::frame::Shell;
use crate::tenancy::impacts::view::Part;
use crate::tenancy::workspaces::contents::Counted;
use crate::tenancy::workspaces::deletion::review;
use crate::tenancy::workspaces::forms::{ConfirmForm, confirmation, unconfirmed};
use crate::tenancy::workspaces::{actions, queries};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/workspaces/delete.html")]
struct DeletePage {
    shell: Shell,
    workspace: Workspace,
    path: String,
    label: String,
    counts: Vec<Counted>,
    counted_at: When,
    parts: Vec<Part>,
    until: Option<String>,
    confirm: Field,
}

async fn page(
    access: &WorkspaceAccess<needs::ManageWorkspaceSettings>,
    shell: Shell,
    app: &App,
    confirm: Field,
) -> Result<DeletePage> {
    let (now, place, again) = (app.now(), access.workspace().clone(), app.clone());
    let facts =
        app.db.read(move |db| Ok(queries::deletion(db, &place, &again.context, now)?)).await?;
    let path = path_of(access.workspace());
    Ok(DeletePage {
        shell: access.shell(shell, "settings"),
        workspace: access.workspace().clone(),
        label: format!("Type {path} to confirm"),
        path,
        parts: review(&facts)
            .for_eyes(|needed| access.may(needed))
            .impacts
            .iter()
            .map(Part::of)
            .collect(),
        counts: facts.contents,
        counted_at: When::new(now, now),
        until: facts.until.map(Instant::long_text),
        confirm,
    })
}

pub(super) async fn show(
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    _confirmed: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Page(page(&access, shell, &app, unconfirmed()).await?).ok()
}

pub(super) async fn delete(
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    confirmed: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    (form, req): (Form<ConfirmForm>, HttpRequest),
) -> Result<HttpResponse> {
    let path = path_of(access.workspace());
    if let Err(confirm) = confirmation(&form.fields.confirm, &path) {
        return Page(page(&access, shell, &app, confirm).await?).unprocessable();
    }
    let (id, zone) = (access.workspace().id, shell.zone);
    match actions::delete(&app, access, confirmed, ip).await? {
        Some(until) => restorable(&path, &zone.long_text(until))
            .linking("Restore", urls::workspace_deleted(id)),
        None => Notice::ok(format!("{path} was deleted.")),
    }
    .leave(&req)?;
    Ok(see_other(urls::workspaces()))
}

fn restorable(path: &str, until: &str) -> Notice {
    Notice::ok(format!("{path} was deleted. It can be restored until {until}."))
}
