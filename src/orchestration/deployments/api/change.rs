//! Making, changing, pausing and removing deployments.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{DeploymentBody, body_of};
use super::given::{DeploymentChange, DeploymentCreate};
use crate::access::permission::needs::{ManageDeployments, WriteDeployments};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    JsonBody, Refusal, Window, created, no_content, object, ok, path_id,
};
use crate::orchestration::deployments::actions;
use crate::orchestration::deployments::queries::{self, Sort};
use crate::orchestration::which::DeploymentFilter;

/// Makes a deployment, or makes the one of its flow and name like this.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/",
    tag = "Deployments", request_body = DeploymentCreate,
    responses((status = 200, body = DeploymentBody), (status = 201, body = DeploymentBody),
              (status = 409, body = Refusal)))]
pub async fn create(
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<DeploymentCreate>,
) -> Result<HttpResponse> {
    let wanted = body.parsed()?.wanted(app.now())?;
    let (whole, is_new) = actions::deploy(&app, access, ip, wanted).await?;
    let body = body_of(whole, app.now());
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// Changes a deployment.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}",
    tag = "Deployments", request_body = Option<DeploymentChange>,
    responses((status = 204), (status = 409, body = Refusal)))]
pub async fn edit(
    req: HttpRequest,
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<DeploymentChange>,
) -> Result<HttpResponse> {
    let id = path_id(&req, "id")?;
    let wanted = body.parsed()?.wanted(app.now())?;
    actions::change(&app, access, ip, id, wanted).await?;
    Ok(no_content())
}

/// Pauses a deployment: its schedules make no runs.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/pause_deployment",
    tag = "Deployments", responses((status = 200)))]
pub async fn pause(
    req: HttpRequest,
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::set_paused(&app, access, ip, (path_id(&req, "id")?, true)).await?;
    Ok(ok(&()))
}

/// Lets the schedules of a deployment make runs again.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/resume_deployment",
    tag = "Deployments", responses((status = 200)))]
pub async fn resume(
    req: HttpRequest,
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::set_paused(&app, access, ip, (path_id(&req, "id")?, false)).await?;
    Ok(ok(&()))
}

/// Which deployments go.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkDelete {
    /// Which; all of them where this is null.
    #[serde(default, deserialize_with = "object")]
    pub deployments: Option<DeploymentFilter>,
    /// How many at most; 50 unless less is wanted.
    #[schema(minimum = 1, maximum = 50)]
    pub limit: Option<u32>,
}

/// Those that went.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkDeleted {
    /// Their ids.
    pub deleted: Vec<Uuid>,
}

/// Deployments removed together, at most.
const TOGETHER: u32 = 50;

/// Removes several deployments, the first ones by name.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/bulk_delete",
    tag = "Deployments", request_body = Option<BulkDelete>,
    responses((status = 200, body = BulkDeleted)))]
pub async fn bulk_delete(
    access: WorkspaceAccess<ManageDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<BulkDelete>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let limit = body.limit.unwrap_or(TOGETHER);
    if limit == 0 || limit > TOGETHER {
        return Err(Error::Invalid(format!("limit: use 1 to {TOGETHER}.")));
    }
    let (window, workspace) = (Window::of(Some(limit), None)?, access.workspace().id);
    let term = body.deployments.unwrap_or_default().term(workspace)?;
    let some = move |db: &mut crate::base::db::Db| {
        Ok(queries::some(db, workspace, term, Sort::Name, window)?)
    };
    let found = app.db.read(some).await?;
    let ids = found.into_iter().map(|whole| whole.deployment.id).collect();
    let removed = actions::delete_all(&app, access, ip, ids).await?;
    let deleted = removed.into_iter().map(|(id, _)| id.uuid()).collect();
    Ok(ok(&BulkDeleted { deleted }))
}
