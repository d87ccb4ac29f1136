//! A run as clients read it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::{Id, Instant};
use crate::base::http::json::moment;
use crate::base::json::RawObject;
use crate::orchestration::rows::flow_runs::model::{CreatedBy, FlowRun};
use crate::orchestration::states::model::{State, StateType, seconds};
use crate::orchestration::states::rules::Policy;

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
    /// The deployment that it is a run of, which may be deleted by now.
    pub deployment_id: Option<Uuid>,
    /// The version that the deployment had.
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
    pub parameters: RawObject,
    /// One run for each of these.
    pub idempotency_key: Option<String>,
    /// What else the client knows.
    #[schema(value_type = Object)]
    pub context: RawObject,
    /// How it is retried and paused.
    #[schema(value_type = Object)]
    pub empirical_policy: Policy,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its labels.
    #[schema(value_type = Object)]
    pub labels: RawObject,
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
    pub created_by: Option<CreatedBy>,
    /// Its state.
    pub state: Option<State>,
    /// Settings of what runs it.
    #[schema(value_type = Object)]
    pub job_variables: RawObject,
}

/// A run as clients read it at a moment.
pub fn body_of(run: FlowRun, now: Instant) -> FlowRunBody {
    let course = run.course();
    let (ran, late) = (course.ran(run.state(), now), course.late(now));
    let state = run.state.map(|state| state.0);
    let body = run.body.0;
    FlowRunBody {
        id: run.id.uuid(),
        created: moment(run.created_at),
        updated: moment(run.updated_at),
        name: run.name,
        flow_id: run.flow_id.uuid(),
        state_id: state.as_ref().map(|state| state.id.uuid()),
        deployment_id: run.deployment_id.map(Id::uuid),
        deployment_version: body.deployment_version,
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
        estimated_run_time: seconds(ran),
        estimated_start_time_delta: seconds(late),
        auto_scheduled: false,
        infrastructure_document_id: None,
        infrastructure_pid: run.infrastructure_pid,
        created_by: body.created_by,
        state,
        job_variables: body.job_variables,
    }
}
