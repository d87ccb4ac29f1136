//! `/me`: what a key reaches.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::actor::Actor;
use crate::access::membership::{self, Workspace};
use crate::app::App;
use crate::base::error::Result;

/// Workspaces in one answer; the client has no paging here.
const LIMIT: i64 = 1000;

/// A workspace as the client reads it: all fields, none of them null (api.md §3.1).
#[derive(Serialize, ToSchema)]
struct WorkspaceOfKey {
    account_id: Uuid,
    account_name: String,
    account_handle: String,
    workspace_id: Uuid,
    workspace_name: String,
    workspace_description: String,
    workspace_handle: String,
}

impl From<Workspace> for WorkspaceOfKey {
    fn from(workspace: Workspace) -> Self {
        Self {
            account_id: workspace.account.uuid(),
            account_name: workspace.account_name,
            account_handle: workspace.account_handle,
            workspace_id: workspace.id.uuid(),
            workspace_name: workspace.name,
            workspace_description: workspace.description,
            workspace_handle: workspace.handle,
        }
    }
}

/// `GET /me/workspaces`: the one question that signing in asks.
#[utoipa::path(get, path = "/api/me/workspaces", tag = "Workspaces",
    responses((status = 200, body = [WorkspaceOfKey])))]
pub async fn workspaces(req: HttpRequest, app: web::Data<App>) -> Result<HttpResponse> {
    let reach = Actor::of(&req)?.reach(app.now());
    let found = app.db.read(move |db| Ok(membership::list(db, &reach, LIMIT)?)).await?;
    let found: Vec<WorkspaceOfKey> = found.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(found))
}
