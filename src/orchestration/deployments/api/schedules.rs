//! Schedules of a deployment.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::ScheduleBody;
use super::given::{ScheduleGiven, wanted};
use crate::access::permission::needs::{SeeDeployments, WriteDeployments};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, JsonList, Refusal, created, no_content, ok, path_id};
use crate::base::http::object::Object;
use crate::orchestration::deployments::{actions, queries};

/// The schedules of a deployment, the last changed first.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/schedules",
    tag = "Deployments", responses((status = 200, body = [ScheduleBody])))]
pub async fn list(
    req: HttpRequest,
    access: WorkspaceAccess<SeeDeployments>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id) = (access.workspace().id, path_id(&req, "id")?);
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    let schedules = found.ok_or(Error::NotFound)?.schedules;
    let list: Vec<ScheduleBody> = schedules.into_iter().map(Into::into).collect();
    Ok(ok(&list))
}

/// Adds schedules to a deployment.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/schedules",
    tag = "Deployments", request_body = [ScheduleGiven],
    responses((status = 201, body = [ScheduleBody]), (status = 409, body = Refusal)))]
pub async fn create(
    req: HttpRequest,
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonList<Object<ScheduleGiven>>,
) -> Result<HttpResponse> {
    let id = path_id(&req, "id")?;
    let wanted = wanted(body.parsed()?, app.now())?;
    let made = actions::add_schedules(&app, access, ip, (id, wanted)).await?;
    let list: Vec<ScheduleBody> = made.into_iter().map(Into::into).collect();
    Ok(created(&list))
}

/// Changes a schedule.
#[utoipa::path(patch,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/schedules/{schedule_id}",
    tag = "Deployments", params(("schedule_id" = uuid::Uuid, Path)), request_body = Option<ScheduleGiven>,
    responses((status = 204), (status = 409, body = Refusal)))]
pub async fn edit(
    req: HttpRequest,
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<ScheduleGiven>,
) -> Result<HttpResponse> {
    let ids = (path_id(&req, "id")?, path_id(&req, "schedule_id")?);
    let wanted = body.parsed()?.wanted(app.now())?;
    actions::change_schedule(&app, access, ip, ids, wanted).await?;
    Ok(no_content())
}

/// Removes a schedule.
#[utoipa::path(delete,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/schedules/{schedule_id}",
    tag = "Deployments", params(("schedule_id" = uuid::Uuid, Path)), responses((status = 204)))]
pub async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let ids = (path_id(&req, "id")?, path_id(&req, "schedule_id")?);
    actions::delete_schedule(&app, access, ip, ids).await?;
    Ok(no_content())
}
