//! Running deployments.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::permission::needs::{RunDeployments, RunFlows, WriteDeployments};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, Refusal, Window, created, object, ok, path_id};
use crate::base::json::RawObject;
use crate::orchestration::deployments::actions::{self, WantedRun};
use crate::orchestration::deployments::queries;
use crate::orchestration::flow_runs::api::body::{FlowRunBody, body_of};
use crate::orchestration::states::model::StateCreate;
use crate::orchestration::states::rules::Policy;

/// A run of a deployment that is about to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentFlowRunCreate {
    /// Its first state; `SCHEDULED` for now where none is given.
    #[serde(default, deserialize_with = "object")]
    pub state: Option<StateCreate>,
    /// Its name; one by chance where none is given.
    pub name: Option<String>,
    /// What it is called with, beside what the deployment says.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<RawObject>,
    /// Whether parameters are checked; as the deployment says where this is null.
    pub enforce_parameter_schema: Option<bool>,
    /// What else the client knows.
    #[schema(value_type = Option<Object>)]
    pub context: Option<RawObject>,
    /// A block that says what runs it: there are none, so this says nothing.
    pub infrastructure_document_id: Option<Uuid>,
    /// How it is retried and paused.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<Object>)]
    pub empirical_policy: Option<Policy>,
    /// Tags beside the deployment's.
    pub tags: Option<Vec<String>>,
    /// One run for each of these.
    pub idempotency_key: Option<String>,
    /// Labels beside the deployment's.
    #[schema(value_type = Option<Object>)]
    pub labels: Option<RawObject>,
    /// The task that stands for it.
    pub parent_task_run_id: Option<Uuid>,
    /// Null: there are no work queues.
    pub work_queue_name: Option<String>,
    /// Settings of what runs it.
    #[schema(value_type = Option<Object>)]
    pub job_variables: Option<RawObject>,
}

/// Makes a run of a deployment, or answers with the one of its idempotency key.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/create_flow_run",
    tag = "Deployments", request_body = Option<DeploymentFlowRunCreate>,
    responses((status = 200, body = FlowRunBody), (status = 201, body = FlowRunBody),
              (status = 400, body = Refusal), (status = 409, body = Refusal)))]
pub async fn create(
    req: HttpRequest,
    access: WorkspaceAccess<RunDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<DeploymentFlowRunCreate>,
) -> Result<HttpResponse> {
    let (id, body) = (path_id(&req, "id")?, body.parsed()?);
    if let Some(queue) = &body.work_queue_name {
        return Err(Error::BadRequest(format!(
            "Cannot create flow run in work queue {queue} because deployment {id} is not associated with a work pool. \
             Please remove work_pool_name and try again."
        )));
    }
    let wanted = WantedRun {
        name: body.name,
        parameters: body.parameters.unwrap_or_default(),
        is_checked: body.enforce_parameter_schema,
        context: body.context.unwrap_or_default(),
        tags: body.tags.unwrap_or_default(),
        labels: body.labels.unwrap_or_default(),
        job_variables: body.job_variables.unwrap_or_default(),
        policy: body.empirical_policy.unwrap_or_default(),
        key: body.idempotency_key,
        parent: body.parent_task_run_id.map(Into::into),
        state: body.state,
    };
    let (run, is_new) = actions::run(&app, access, ip, (id, wanted)).await?;
    let body = body_of(run, app.now());
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// Whose runs are asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DueBody {
    /// Of these deployments.
    #[schema(max_items = 200)]
    pub deployment_ids: Vec<Uuid>,
    /// Due until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_before: Option<Instant>,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
}

/// Runs of some deployments that wait for their time, the next one first. Whoever asks runs them: a deployment is
/// `READY` for a minute from then on.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/get_scheduled_flow_runs",
    tag = "Deployments", request_body = DueBody, responses((status = 200, body = [FlowRunBody])))]
pub async fn due(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<DueBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let window = Window::of(body.limit, None)?;
    if body.deployment_ids.len() > 200 {
        let text = "deployment_ids: ask for 200 deployments at most.";
        return Err(Error::Invalid(text.to_owned()));
    }
    let ids = body.deployment_ids.into_iter().map(Into::into).collect();
    let found = actions::due(&app, access, ids, (body.scheduled_before, window)).await?;
    let now = app.now();
    let list: Vec<FlowRunBody> = found.into_iter().map(|run| body_of(run, now)).collect();
    Ok(ok(&list))
}

/// In which time, and how many.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct SpanBody {
    /// From then on; from now on where this is null.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub start_time: Option<Instant>,
    /// Until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub end_time: Option<Instant>,
    /// For so many seconds at least.
    pub min_time: Option<f64>,
    /// So many at least.
    pub min_runs: Option<i64>,
    /// So many at most.
    pub max_runs: Option<i64>,
}

/// Asks for the runs that the schedules of a deployment make in a time. In this version schedules are kept and make no
/// runs, so there are none to be made.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}/schedule",
    tag = "Deployments", request_body = Option<SpanBody>, responses((status = 200)))]
pub async fn schedule(
    req: HttpRequest,
    access: WorkspaceAccess<WriteDeployments>,
    app: web::Data<App>,
    body: JsonBody<SpanBody>,
) -> Result<HttpResponse> {
    let (workspace, id) = (access.workspace().id, path_id(&req, "id")?);
    body.parsed()?;
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    found.map(|_| ok(&())).ok_or(Error::NotFound)
}
