//! The API of runs.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::actions::{self, Change, Wanted};
use super::filter::FlowRunFilter;
use super::model::{Body, FlowRun, FlowRunId};
use super::queries::{self, Sort, Which};
use crate::access::permission::needs::{ManageFlows, RunFlows, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    JsonBody, Refusal, Window, created, moment, no_content, object, ok, path_id,
};
use crate::orchestration::flows::filter::FlowFilter;
use crate::orchestration::states::model::{State, StateCreate, StateType};
use crate::orchestration::states::rules::Policy;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(["/flow_runs/", "/flow_runs"]).post(create))
        .service(web::resource("/flow_runs/filter").post(filter))
        .service(web::resource("/flow_runs/count").post(count))
        .service(web::resource("/flow_runs/{id}").get(read).patch(edit).delete(remove))
        .service(web::resource("/flow_runs/{id}/labels").patch(label))
        .service(web::resource("/flow_runs/{id}/set_state").post(set_state))
        .service(web::resource(["/flow_run_states/", "/flow_run_states"]).get(states))
        .service(web::resource("/flow_run_states/{id}").get(state));
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowRunBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated: String,
    /// Its name.
    pub name: String,
    /// Of which flow.
    pub flow_id: Uuid,
    /// The id of its state.
    pub state_id: Option<Uuid>,
    /// Always null.
    pub deployment_id: Option<Uuid>,
    /// Always null.
    pub deployment_version: Option<String>,
    /// Always null.
    pub work_queue_id: Option<Uuid>,
    /// Always null.
    pub work_queue_name: Option<String>,
    /// Always null.
    pub work_pool_id: Option<Uuid>,
    /// Always null.
    pub work_pool_name: Option<String>,
    /// The version of the flow.
    pub flow_version: Option<String>,
    /// What it was called with.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// One run for each of these.
    pub idempotency_key: Option<String>,
    /// What else the client knows.
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
    /// How it is retried and paused.
    #[schema(value_type = Object)]
    pub empirical_policy: Policy,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its labels.
    #[schema(value_type = Object)]
    pub labels: Map<String, Value>,
    /// The task that stands for it.
    pub parent_task_run_id: Option<Uuid>,
    /// What kind of state it is in.
    #[schema(value_type = Option<String>)]
    pub state_type: Option<StateType>,
    /// The name of that state.
    pub state_name: Option<String>,
    /// How often it began.
    pub run_count: i64,
    /// When it is or was due.
    #[schema(format = DateTime)]
    pub expected_start_time: Option<String>,
    /// When it is due, while it waits for that.
    #[schema(format = DateTime)]
    pub next_scheduled_start_time: Option<String>,
    /// When it first began.
    #[schema(format = DateTime)]
    pub start_time: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub end_time: Option<String>,
    /// How many seconds it ran, up to its last change.
    pub total_run_time: f64,
    /// How many seconds it ran, up to now.
    pub estimated_run_time: f64,
    /// How many seconds after it was due it began, or has not begun.
    pub estimated_start_time_delta: f64,
    /// Always false.
    pub auto_scheduled: bool,
    /// Always null.
    pub infrastructure_document_id: Option<Uuid>,
    /// The process that runs it.
    pub infrastructure_pid: Option<String>,
    /// Who made it.
    #[schema(value_type = Option<Object>)]
    pub created_by: Option<Value>,
    /// Its state.
    pub state: Option<State>,
    /// Settings of what runs it.
    #[schema(value_type = Object)]
    pub job_variables: Map<String, Value>,
}

/// Microseconds as seconds.
fn seconds(micros: i64) -> f64 {
    std::time::Duration::from_micros(micros.unsigned_abs()).as_secs_f64()
}

fn body_of(run: FlowRun, now: Instant) -> FlowRunBody {
    let state = run.state.map(|state| state.0);
    let since = |from: Instant| i64::try_from(now.since(from).as_micros()).unwrap_or(0).max(0);
    let running = state.as_ref().filter(|state| state.kind == StateType::Running);
    let going_on = running.map_or(0, |state| since(state.timestamp));
    let late = run.expected_start_at.map(|due| run.started_at.unwrap_or(now).since(due));
    let late = late.and_then(|late| i64::try_from(late.as_micros()).ok()).unwrap_or(0).max(0);
    let body = run.body.0;
    FlowRunBody {
        id: run.id.uuid(),
        created: moment(run.created_at),
        updated: moment(run.updated_at),
        name: run.name,
        flow_id: run.flow_id.uuid(),
        state_id: state.as_ref().map(|state| state.id.uuid()),
        deployment_id: None,
        deployment_version: None,
        work_queue_id: None,
        work_queue_name: None,
        work_pool_id: None,
        work_pool_name: None,
        flow_version: run.flow_version,
        parameters: body.parameters,
        idempotency_key: run.idempotency_key,
        context: body.context,
        empirical_policy: run.policy.0,
        tags: run.tags.0,
        labels: body.labels,
        parent_task_run_id: run.parent_task_run_id.map(Id::uuid),
        state_type: state.as_ref().map(|state| state.kind),
        state_name: state.as_ref().map(|state| state.name.clone()),
        run_count: run.run_count,
        expected_start_time: run.expected_start_at.map(moment),
        next_scheduled_start_time: run.next_scheduled_at.map(moment),
        start_time: run.started_at.map(moment),
        end_time: run.ended_at.map(moment),
        total_run_time: seconds(run.total_run_micros),
        estimated_run_time: seconds(run.total_run_micros.saturating_add(going_on)),
        estimated_start_time_delta: seconds(late),
        auto_scheduled: false,
        infrastructure_document_id: None,
        infrastructure_pid: run.infrastructure_pid,
        created_by: body.created_by,
        state,
        job_variables: body.job_variables,
    }
}

/// A run that is about to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlowRunCreate {
    /// Of which flow.
    pub flow_id: Uuid,
    /// Its name; one by chance where none is given.
    pub name: Option<String>,
    /// Its first state; `PENDING` where none is given.
    pub state: Option<StateCreate>,
    /// The version of the flow.
    pub flow_version: Option<String>,
    /// What it is called with.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Map<String, Value>>,
    /// What else the client knows.
    #[schema(value_type = Option<Object>)]
    pub context: Option<Map<String, Value>>,
    /// The task that stands for it.
    pub parent_task_run_id: Option<Uuid>,
    /// How it is retried and paused.
    #[schema(value_type = Option<Object>)]
    pub empirical_policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Its labels.
    #[schema(value_type = Option<Object>)]
    pub labels: Option<Map<String, Value>>,
    /// One run for each of these.
    pub idempotency_key: Option<String>,
    /// Settings of what runs it.
    #[schema(value_type = Option<Object>)]
    pub job_variables: Option<Map<String, Value>>,
}

/// Makes a run, or answers with the one of its idempotency key.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = FlowRunCreate,
    responses((status = 200, body = FlowRunBody), (status = 201, body = FlowRunBody),
              (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 415, body = Refusal), (status = 422, body = Refusal)))]
pub async fn create(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let wanted = Wanted {
        flow: Some(body.flow_id.into()),
        name: body.name,
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
        },
        policy: body.empirical_policy.unwrap_or_default(),
        state: body.state,
    };
    let (run, is_new) = actions::create(&app, access, wanted).await?;
    let body = body_of(run, app.now());
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// One run.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = FlowRunBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn read(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let run = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    Ok(ok(&body_of(run.ok_or(Error::NotFound)?, app.now())))
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
    pub parameters: Option<Map<String, Value>>,
    /// How it is retried and paused.
    #[schema(value_type = Option<Object>)]
    pub empirical_policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// The process that runs it.
    pub infrastructure_pid: Option<String>,
    /// Settings of what runs it.
    #[schema(value_type = Option<Object>)]
    pub job_variables: Option<Map<String, Value>>,
}

/// Changes what a client keeps with a run.
#[utoipa::path(patch,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    request_body = Option<FlowRunChange>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 415, body = Refusal), (status = 422, body = Refusal)))]
pub async fn edit(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
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
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    request_body = Option<Object>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 415, body = Refusal), (status = 422, body = Refusal)))]
pub async fn label(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<Map<String, Value>>,
) -> Result<HttpResponse> {
    let change = Change { labels: Some(body.parsed()?), ..Change::default() };
    actions::change(&app, access, path_id(&req, "id")?, change).await?;
    Ok(no_content())
}

/// Removes a run with its states and logs.
#[utoipa::path(delete,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal)))]
pub async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<ManageFlows>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::delete(&app, access, ip, path_id(&req, "id")?).await?;
    Ok(no_content())
}

/// A wish for a state.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetState {
    /// The state.
    pub state: StateCreate,
    /// Whether the rules are passed over.
    #[serde(default)]
    pub force: bool,
}

/// What became of a wish for a state.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrchestrationResult {
    /// The state that the run is in.
    pub state: Option<State>,
    /// `ACCEPT`, `REJECT`, `ABORT` or `WAIT`.
    pub status: &'static str,
    /// Why, and how long to wait.
    #[schema(value_type = Object)]
    pub details: Value,
}

/// Moves a run to another state, as far as the rules allow.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/set_state",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    request_body = SetState,
    responses((status = 200, body = OrchestrationResult),
              (status = 201, body = OrchestrationResult), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn set_state(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<SetState>,
) -> Result<HttpResponse> {
    let SetState { state, force } = body.parsed()?;
    let told = actions::set_state(&app, access, path_id(&req, "id")?, (state, force)).await?;
    let kind = format!("{}_details", told.status.to_lowercase());
    let mut details = Map::from_iter([("type".to_owned(), json!(kind))]);
    details.extend(told.reason.map(|reason| ("reason".to_owned(), json!(reason))));
    details.extend(told.delay.map(|delay| ("delay_seconds".to_owned(), json!(delay))));
    let body = OrchestrationResult {
        state: told.state,
        status: told.status,
        details: Value::Object(details),
    };
    Ok(if told.is_new { created(&body) } else { ok(&body) })
}

/// Which runs, in which order.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlowRunsBody {
    /// Which.
    #[serde(default, deserialize_with = "object")]
    pub flow_runs: Option<FlowRunFilter>,
    /// Of which flows.
    #[serde(default, deserialize_with = "object")]
    pub flows: Option<FlowFilter>,
    /// `ID_DESC`, `START_TIME_ASC`, `START_TIME_DESC`, `EXPECTED_START_TIME_ASC`,
    /// `EXPECTED_START_TIME_DESC`, `NAME_ASC`, `NAME_DESC`, `NEXT_SCHEDULED_START_TIME_ASC` or
    /// `END_TIME_DESC`.
    pub sort: Option<String>,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

fn sort(word: Option<&str>) -> Result<Sort> {
    Ok(match word {
        None | Some("ID_DESC") => Sort::Id,
        Some("START_TIME_ASC") => Sort::Started,
        Some("START_TIME_DESC") => Sort::StartedDown,
        Some("EXPECTED_START_TIME_ASC") => Sort::Expected,
        Some("EXPECTED_START_TIME_DESC") => Sort::ExpectedDown,
        Some("NAME_ASC") => Sort::Name,
        Some("NAME_DESC") => Sort::NameDown,
        Some("NEXT_SCHEDULED_START_TIME_ASC") => Sort::NextScheduled,
        Some("END_TIME_DESC") => Sort::EndedDown,
        Some(_) => return Err(Error::Invalid("sort: there is no such order.".to_owned())),
    })
}

/// The conditions of a body, made inside the query's thread.
fn which(
    db: &mut crate::base::db::Db,
    workspace: crate::access::WorkspaceId,
    (runs, flows): (Option<FlowRunFilter>, Option<FlowFilter>),
) -> Result<Which> {
    let runs = runs.map(|runs| runs.term()).transpose()?.flatten();
    let flows = flows.map(|flows| flows.term()).transpose()?.flatten();
    Ok(Which { runs, flows: None }.of_flows(db, workspace, flows)?)
}

/// Runs.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/filter",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = Option<FlowRunsBody>,
    responses((status = 200, body = [FlowRunBody]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn filter(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (window, sort) = (Window::of(body.limit, body.offset)?, sort(body.sort.as_deref())?);
    let (workspace, now) = (access.workspace().id, app.now());
    let found = app
        .db
        .read(move |db| {
            let which = which(db, workspace, (body.flow_runs, body.flows))?;
            Ok(queries::some(db, workspace, which, sort, window)?)
        })
        .await?;
    let list: Vec<FlowRunBody> = found.into_iter().map(|run| body_of(run, now)).collect();
    Ok(ok(&list))
}

/// Which runs.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlowRunsCount {
    /// Which.
    #[serde(default, deserialize_with = "object")]
    pub flow_runs: Option<FlowRunFilter>,
    /// Of which flows.
    #[serde(default, deserialize_with = "object")]
    pub flows: Option<FlowFilter>,
}

/// How many runs.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/count",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = Option<FlowRunsCount>,
    responses((status = 200, body = i64, content_type = "application/json"), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn count(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunsCount>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let workspace = access.workspace().id;
    let number = app
        .db
        .read(move |db| {
            let which = which(db, workspace, (body.flow_runs, body.flows))?;
            Ok(queries::count(db, workspace, which)?)
        })
        .await?;
    Ok(ok(&number))
}

/// Of which run.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfRun {
    /// The run.
    pub flow_run_id: Uuid,
}

/// The states that a run was in, the first one first.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_run_states/",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), OfRun),
    responses((status = 200, body = [State]), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn states(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    params: Option<web::Query<OfRun>>,
) -> Result<HttpResponse> {
    let params = params.ok_or_else(|| Error::Invalid("Say of which flow_run_id.".to_owned()))?;
    let (workspace, id) = (access.workspace().id, FlowRunId::from(params.flow_run_id));
    let found = app.db.read(move |db| Ok(queries::states(db, workspace, id)?)).await?;
    Ok(ok(&found))
}

/// One state of a run.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_run_states/{id}",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = State), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn state(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, Id<()>) = (access.workspace().id, path_id(&req, "id")?);
    let found = app.db.read(move |db| Ok(queries::state(db, workspace, id)?)).await?;
    Ok(ok(&found.ok_or(Error::NotFound)?))
}
