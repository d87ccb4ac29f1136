//! What runs are told while they run.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::permission::needs::{RunFlows, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Id;
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonBody, Refusal, created, moment, no_content, ok, path_id};
use crate::orchestration::flow_runs::inputs::{self, FlowRunInput, check_key};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries;

/// An input.
#[derive(Debug, Deserialize, ToSchema)]
pub struct InputCreate {
    /// Its key: letters, digits, dashes and underscores.
    pub key: String,
    /// Its value, JSON as text.
    pub value: String,
    /// Who sends it.
    #[serde(default)]
    pub sender: Option<String>,
}

/// An input that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct InputBody {
    /// Its id.
    pub id: Uuid,
    /// When it was sent.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it was sent.
    #[schema(format = DateTime)]
    pub updated: String,
    /// The run.
    pub flow_run_id: Uuid,
    /// Its key.
    pub key: String,
    /// Its value, JSON as text.
    pub value: String,
    /// Who sent it.
    pub sender: Option<String>,
}

impl From<FlowRunInput> for InputBody {
    fn from(input: FlowRunInput) -> Self {
        Self {
            id: input.id.uuid(),
            created: moment(input.created_at),
            updated: moment(input.created_at),
            flow_run_id: input.flow_run_id.uuid(),
            key: input.key,
            value: input.value,
            sender: input.sender,
        }
    }
}

/// Tells a run something; once for each key.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/input",
    tag = "Flow runs", request_body = InputCreate,
    responses((status = 201, body = Option<Object>), (status = 409, body = Refusal)))]
pub async fn create(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<InputCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    check_key(&body.key)?;
    let now = app.now();
    let input = FlowRunInput {
        flow_run_id: path_id(&req, "id")?,
        key: body.key,
        id: Id::new(now),
        value: body.value,
        sender: body.sender,
        created_at: now,
    };
    access.report(&app, move |db, workspace| inputs::insert(db, workspace, &input)).await?;
    Ok(created(&()))
}

/// Which inputs.
#[derive(Debug, Deserialize, ToSchema)]
pub struct InputsBody {
    /// Keys that begin like this.
    pub prefix: String,
    /// Inputs at most; 1 unless it is said.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// None of these keys.
    #[schema(max_items = 200)]
    pub exclude_keys: Option<Vec<String>>,
}

/// What a run was told, the first one first.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/input/filter",
    tag = "Flow runs", request_body = InputsBody, responses((status = 200, body = [InputBody])))]
pub async fn filter(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<InputsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (limit, without) = (body.limit.unwrap_or(1), body.exclude_keys.unwrap_or_default());
    if limit > 200 || without.len() > 200 {
        return Err(Error::Invalid("limit and exclude_keys: 200 at most.".to_owned()));
    }
    let (workspace, id): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let found = app
        .db
        .read(move |db| {
            if !queries::exists(db, workspace, id)? {
                return Ok(Vec::new());
            }
            Ok(inputs::some(db, (workspace, id), (&body.prefix, without), limit.into())?)
        })
        .await?;
    let list: Vec<InputBody> = found.into_iter().map(Into::into).collect();
    Ok(ok(&list))
}

/// The value of an input, as it was sent.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/input/{key}",
    tag = "Flow runs", params(("key" = String, Path)), responses((status = 200, body = Object)))]
pub async fn read(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let key: String = path_id(&req, "key")?;
    let found = app
        .db
        .read(move |db| {
            if !queries::exists(db, workspace, id)? {
                return Ok(None);
            }
            Ok(inputs::one(db, (workspace, id), &key)?)
        })
        .await?;
    let value = found.ok_or(Error::NotFound)?.value;
    Ok(HttpResponse::Ok().content_type("application/json").body(value))
}

/// Removes an input.
#[utoipa::path(delete,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/input/{key}",
    tag = "Flow runs", params(("key" = String, Path)), responses((status = 204)))]
pub async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (id, key): (FlowRunId, String) = (path_id(&req, "id")?, path_id(&req, "key")?);
    let is_gone = access
        .report(&app, move |db, workspace| {
            Ok(queries::exists(db, workspace, id)? && inputs::delete(db, (workspace, id), &key)?)
        })
        .await?;
    if is_gone { Ok(no_content()) } else { Err(Error::NotFound) }
}
