//! Making and changing runs.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{FlowRunBody, body_of};
use crate::access::permission::needs::{ManageFlows, RunFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    JsonBody, REPORT_LIMIT, Refusal, created, no_content, object, ok, path_id,
};
use crate::base::json::RawObject;
use crate::orchestration::flow_runs::actions::{self, Change, Wanted};
use crate::orchestration::rows::flow_runs::model::{Body, check_sizes};
use crate::orchestration::rows::task_runs::queries::LONGEST_KEY;
use crate::orchestration::states::model::StateCreate;
use crate::orchestration::states::rules::Policy;
use crate::orchestration::wire::outcome::{OrchestrationResult, SetState};

/// A run that is about to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlowRunCreate {
    /// Of which flow.
    pub flow_id: Uuid,
    /// Its name; one by chance where none is given.
    pub name: Option<String>,
    /// Its first state; `PENDING` where none is given.
    #[serde(default, deserialize_with = "object")]
    pub state: Option<StateCreate>,
    /// The version of the flow.
    pub flow_version: Option<String>,
    /// What it is called with.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<RawObject>,
    /// What else the client knows.
    #[schema(value_type = Option<Object>)]
    pub context: Option<RawObject>,
    /// The task that stands for it.
    pub parent_task_run_id: Option<Uuid>,
    /// How it is retried and paused.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<Object>)]
    pub empirical_policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Its labels.
    #[schema(value_type = Option<Object>)]
    pub labels: Option<RawObject>,
    /// One run for each of these.
    pub idempotency_key: Option<String>,
    /// Settings of what runs it.
    #[schema(value_type = Option<Object>)]
    pub job_variables: Option<RawObject>,
}

/// Makes a run, or answers with the one of its idempotency key.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/",
    tag = "Flow runs", request_body = FlowRunCreate,
    responses((status = 200, body = FlowRunBody), (status = 201, body = FlowRunBody),
              (status = 409, body = Refusal)))]
pub async fn create(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    if body.idempotency_key.as_ref().is_some_and(|key| key.len() > LONGEST_KEY) {
        return Err(Error::Invalid(format!("idempotency_key: use {LONGEST_KEY} bytes at most.")));
    }
    check_sizes(body.parameters.as_ref(), body.job_variables.as_ref())?;
    let wanted = Wanted {
        flow: Some(body.flow_id.into()),
        name: body.name,
        deployment: None,
        flow_version: body.flow_version,
        parent: body.parent_task_run_id.map(Into::into),
        key: body.idempotency_key,
        tags: body.tags.unwrap_or_default(),
        body: Body {
            parameters: body.parameters.unwrap_or_default(),
            context: body.context.unwrap_or_default(),
            labels: body.labels.unwrap_or_default(),
            job_variables: body.job_variables.unwrap_or_default(),
            created_by: None,
            deployment_version: None,
        },
        policy: body.empirical_policy.unwrap_or_default(),
        state: body.state,
    };
    let (run, is_new) = actions::create(&app, access, wanted).await?;
    let body = body_of(run, app.now());
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// A change of a run; what is absent or null stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlowRunChange {
    /// Its name.
    pub name: Option<String>,
    /// The version of the flow.
    pub flow_version: Option<String>,
    /// What it was called with.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<RawObject>,
    /// How it is retried and paused.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<Object>)]
    pub empirical_policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// The process that runs it.
    pub infrastructure_pid: Option<String>,
    /// Settings of what runs it.
    #[schema(value_type = Option<Object>)]
    pub job_variables: Option<RawObject>,
}

/// Changes what a client keeps with a run.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}",
    tag = "Flow runs", request_body = Option<FlowRunChange>, responses((status = 204)))]
pub async fn edit(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    check_sizes(body.parameters.as_ref(), body.job_variables.as_ref())?;
    let change = Change {
        name: body.name,
        flow_version: body.flow_version,
        parameters: body.parameters,
        policy: body.empirical_policy,
        tags: body.tags,
        infrastructure_pid: body.infrastructure_pid,
        job_variables: body.job_variables,
        labels: None,
    };
    actions::change(&app, access, path_id(&req, "id")?, change).await?;
    Ok(no_content())
}

/// Adds labels to a run.
#[utoipa::path(patch,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/labels",
    tag = "Flow runs", request_body = Option<Object>, responses((status = 204)))]
pub async fn label(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<RawObject>,
) -> Result<HttpResponse> {
    let change = Change { labels: Some(body.parsed()?), ..Change::default() };
    actions::change(&app, access, path_id(&req, "id")?, change).await?;
    Ok(no_content())
}

/// Removes a run with its states and logs.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}",
    tag = "Flow runs", responses((status = 204)))]
pub async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<ManageFlows>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::delete(&app, access, ip, path_id(&req, "id")?).await?;
    Ok(no_content())
}

/// Moves a run to another state, as far as the rules allow.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/set_state",
    tag = "Flow runs", request_body = SetState,
    responses((status = 200, body = OrchestrationResult),
              (status = 201, body = OrchestrationResult)))]
pub async fn set_state(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<SetState, REPORT_LIMIT>,
) -> Result<HttpResponse> {
    let wish = body.parsed()?.checked()?;
    Ok(actions::set_state(&app, access, path_id(&req, "id")?, wish).await?.answer())
}

/// What a run that waits is told when it goes on.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ResumeBody {
    /// The input that it waits for.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub run_input: Option<RawObject>,
}

/// Lets a run that waits go on, with what it waits for.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/resume",
    tag = "Flow runs", request_body = Option<ResumeBody>,
    responses((status = 200, body = OrchestrationResult),
              (status = 201, body = OrchestrationResult)))]
pub async fn resume(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<ResumeBody>,
) -> Result<HttpResponse> {
    let input = body.parsed()?.run_input;
    Ok(actions::resume(&app, access, path_id(&req, "id")?, input).await?.answer())
}
