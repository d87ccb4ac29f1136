//! The API of runs of tasks.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::actions::{self, Wanted};
use crate::access::permission::needs::{ManageFlows, RunFlows, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::{
    JsonBody, REPORT_LIMIT, Refusal, Window, created, moment, no_content, object, ok, path_id,
};
use crate::base::http::routes::{resource, resources};
use crate::base::json::RawObject;
use crate::orchestration::rows::task_runs::model::{Body, TaskRun, TaskRunId};
use crate::orchestration::rows::task_runs::queries::{self, LONGEST_KEY, Sort};
use crate::orchestration::states::model::{State, StateCreate, StateType, seconds};
use crate::orchestration::states::rules::Policy;
use crate::orchestration::which::history::{HistoryBody, Interval, Span};
use crate::orchestration::which::list::{list_endpoints, run_endpoints};
use crate::orchestration::which::{Filters, Paginated};
use crate::orchestration::wire::outcome::{OrchestrationResult, SetState};

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resources(["/task_runs/", "/task_runs"]).post(create))
        .service(resource("/task_runs/filter").post(filter))
        .service(resource("/task_runs/paginate").post(paginate))
        .service(resource("/task_runs/count").post(count))
        .service(resource("/task_runs/history").post(history))
        .service(resource("/task_runs/{id}").get(read).patch(edit).delete(remove))
        .service(resource("/task_runs/{id}/set_state").post(set_state))
        .service(resources(["/task_run_states/", "/task_run_states"]).get(states))
        .service(resource("/task_run_states/{id}").get(state));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(
    create, read, edit, remove, set_state, filter, paginate, count, history, states, state
))]
pub struct Document;

/// A run of a task.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskRunBody {
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
    /// In which run of a flow.
    pub flow_run_id: Option<Uuid>,
    /// Which task.
    pub task_key: String,
    /// Which of the task's runs.
    pub dynamic_key: String,
    /// What its result is found by.
    pub cache_key: Option<String>,
    /// Until when that counts.
    #[schema(format = DateTime)]
    pub cache_expiration: Option<String>,
    /// The version of the task.
    pub task_version: Option<String>,
    /// How it is retried.
    #[schema(value_type = Object)]
    pub empirical_policy: Policy,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its labels.
    #[schema(value_type = Object)]
    pub labels: RawObject,
    /// The id of its state.
    pub state_id: Option<Uuid>,
    /// Which runs each input comes from.
    #[schema(value_type = Object)]
    pub task_inputs: RawObject,
    /// What kind of state it is in.
    #[schema(value_type = Option<String>)]
    pub state_type: Option<StateType>,
    /// The name of that state.
    pub state_name: Option<String>,
    /// How often it began.
    pub run_count: i64,
    /// In which beginning of the flow's run it ran.
    pub flow_run_run_count: i64,
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
    /// Its state.
    pub state: Option<State>,
}

fn body_of(run: TaskRun, now: Instant) -> TaskRunBody {
    let course = run.course();
    let (ran, late) = (course.ran(run.state(), now), course.late(now));
    let state = run.state.map(|state| state.0);
    let body = run.body.0;
    TaskRunBody {
        id: run.id.uuid(),
        created: moment(run.created_at),
        updated: moment(run.updated_at),
        name: run.name,
        flow_run_id: run.flow_run_id.map(Id::uuid),
        task_key: run.task_key,
        dynamic_key: run.dynamic_key,
        cache_key: body.cache_key,
        cache_expiration: body.cache_expiration.map(moment),
        task_version: body.task_version,
        empirical_policy: run.policy.0,
        tags: run.tags.0,
        labels: body.labels,
        state_id: state.as_ref().map(|state| state.id.uuid()),
        task_inputs: body.task_inputs,
        state_type: state.as_ref().map(|state| state.kind),
        state_name: state.as_ref().map(|state| state.name.clone()),
        run_count: run.run_count,
        flow_run_run_count: body.flow_run_run_count,
        expected_start_time: run.expected_start_at.map(moment),
        next_scheduled_start_time: run.next_scheduled_at.map(moment),
        start_time: run.started_at.map(moment),
        end_time: run.ended_at.map(moment),
        total_run_time: seconds(run.total_run_micros),
        estimated_run_time: seconds(ran),
        estimated_start_time_delta: seconds(late),
        state,
    }
}

/// A run of a task that is about to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct TaskRunCreate {
    /// Its id; one of the server's where none is given.
    pub id: Option<Uuid>,
    /// Its first state; `PENDING` where none is given.
    #[serde(default, deserialize_with = "object")]
    pub state: Option<StateCreate>,
    /// Its name.
    pub name: Option<String>,
    /// In which run of a flow.
    pub flow_run_id: Option<Uuid>,
    /// Which task.
    pub task_key: String,
    /// Which of the task's runs in that run.
    pub dynamic_key: String,
    /// What its result is found by.
    pub cache_key: Option<String>,
    /// Until when that counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cache_expiration: Option<Instant>,
    /// The version of the task.
    pub task_version: Option<String>,
    /// How it is retried.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<Object>)]
    pub empirical_policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Its labels.
    #[schema(value_type = Option<Object>)]
    pub labels: Option<RawObject>,
    /// Which runs each input comes from.
    #[schema(value_type = Option<Object>)]
    pub task_inputs: Option<RawObject>,
}

/// Makes a run of a task, or answers with the one of its keys.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/",
    tag = "Task runs", request_body = TaskRunCreate,
    responses((status = 200, body = TaskRunBody), (status = 201, body = TaskRunBody)))]
pub async fn create(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<TaskRunCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let wanted = Wanted {
        id: body.id.map(Into::into),
        flow_run: body.flow_run_id.map(Into::into),
        name: body.name.filter(|name| !name.is_empty()),
        task_key: body.task_key,
        dynamic_key: body.dynamic_key,
        tags: body.tags.unwrap_or_default(),
        body: Body {
            task_inputs: body.task_inputs.unwrap_or_default(),
            labels: body.labels.unwrap_or_default(),
            task_version: body.task_version,
            cache_key: body.cache_key,
            cache_expiration: body.cache_expiration,
            flow_run_run_count: 0,
        },
        policy: body.empirical_policy.unwrap_or_default(),
        state: body.state,
    };
    if wanted.task_key.len() > LONGEST_KEY || wanted.dynamic_key.len() > LONGEST_KEY {
        let rule = format!("task_key and dynamic_key: use {LONGEST_KEY} bytes at most.");
        return Err(Error::Invalid(rule));
    }
    let (run, is_new) = actions::create(&app, access, wanted).await?;
    let body = body_of(run, app.now());
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// One run of a task.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/{id}",
    tag = "Task runs", responses((status = 200, body = TaskRunBody)))]
pub async fn read(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, TaskRunId) = (access.workspace().id, path_id(&req, "id")?);
    let run = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    Ok(ok(&body_of(run.ok_or(Error::NotFound)?, app.now())))
}

/// A change of a run of a task; what is absent or null stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct TaskRunChange {
    /// Its name.
    pub name: Option<String>,
}

/// Gives a run of a task another name.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/{id}",
    tag = "Task runs", request_body = Option<TaskRunChange>, responses((status = 204)))]
pub async fn edit(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<TaskRunChange>,
) -> Result<HttpResponse> {
    let change = body.parsed()?;
    actions::rename(&app, access, path_id(&req, "id")?, change.name).await?;
    Ok(no_content())
}

/// Removes a run of a task with its states.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/{id}",
    tag = "Task runs", responses((status = 204)))]
pub async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<ManageFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    actions::delete(&app, access, path_id(&req, "id")?).await?;
    Ok(no_content())
}

/// Moves a run of a task to another state, as far as the rules allow.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/{id}/set_state",
    tag = "Task runs", request_body = SetState,
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

list_endpoints! {
    /// Which runs of tasks, in which order.
    TaskRunsBody of Filters, "`ID_DESC`, `EXPECTED_START_TIME_ASC`, `EXPECTED_START_TIME_DESC`, `NAME_ASC`, `NAME_DESC`,\n`NEXT_SCHEDULED_START_TIME_ASC` or `END_TIME_DESC`."
    by Sort, see SeeFlows, tag "Task runs";
    Filters::of_task_runs => (queries::some, queries::count), body_of => TaskRunBody;
    /// Runs of tasks.
    filter "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/filter"
    /// A page of runs of tasks, with how many there are.
    paginate "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/paginate"
    /// How many runs of tasks.
    count "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/count"
}

run_endpoints! {
    tag "Task runs", see SeeFlows, of Filters::of_task_runs, queries queries;
    /// How many runs of tasks were in which state, by the time that they were due.
    history "/api/accounts/{account_id}/workspaces/{workspace_id}/task_runs/history"
    /// Of which run of a task.
    OfTaskRun task_run_id of TaskRunId, "Say of which task_run_id."
    /// The states that a run of a task was in, the first one first.
    states "/api/accounts/{account_id}/workspaces/{workspace_id}/task_run_states/"
    /// One state of a run of a task.
    state "/api/accounts/{account_id}/workspaces/{workspace_id}/task_run_states/{id}"
}
