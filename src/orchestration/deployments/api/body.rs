//! Deployments and schedules as clients read them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::Instant;
use crate::base::http::json::moment;
use crate::base::json::{Raw, RawObject};
use crate::orchestration::deployments::model::{Schedule, Whole};
use crate::orchestration::rows::flow_runs::model::CreatedBy;

/// A schedule of a deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated: String,
    /// Of which deployment.
    pub deployment_id: Uuid,
    /// The rule: an interval, a cron expression, or a recurrence rule.
    #[schema(value_type = Object)]
    pub schedule: RawObject,
    /// Whether it makes runs.
    pub active: bool,
    /// Runs that it makes ahead, at most.
    pub max_scheduled_runs: Option<i32>,
    /// The parameters that its runs have of their own.
    #[schema(value_type = Object)]
    pub parameters: RawObject,
    /// Its name, unique in the deployment.
    pub slug: Option<String>,
}

impl From<Schedule> for ScheduleBody {
    fn from(one: Schedule) -> Self {
        Self {
            id: one.id.uuid(),
            created: moment(one.created_at),
            updated: moment(one.updated_at),
            deployment_id: one.deployment_id.uuid(),
            schedule: one.schedule.0,
            active: one.paused_at.is_none(),
            max_scheduled_runs: one.max_scheduled_runs,
            parameters: one.parameters.0,
            slug: one.slug,
        }
    }
}

/// A deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeploymentBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated: String,
    /// Its name, unique for the flow.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Of which flow.
    pub flow_id: Uuid,
    /// Whether its schedules make no runs.
    pub paused: bool,
    /// Its schedules, the last changed first.
    pub schedules: Vec<ScheduleBody>,
    /// Always null.
    pub concurrency_limit: Option<i64>,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    pub global_concurrency_limit: Option<Raw>,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    pub concurrency_options: Option<Raw>,
    /// Settings of what runs it.
    #[schema(value_type = Object)]
    pub job_variables: RawObject,
    /// What its runs are called with, unless told.
    #[schema(value_type = Object)]
    pub parameters: RawObject,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its labels.
    #[schema(value_type = Object)]
    pub labels: RawObject,
    /// Always null.
    pub work_queue_name: Option<String>,
    /// Always null.
    pub work_queue_id: Option<Uuid>,
    /// When something last asked for its runs.
    #[schema(format = DateTime)]
    pub last_polled: Option<String>,
    /// What its runs can be called with, as JSON schema.
    #[schema(value_type = Option<Object>)]
    pub parameter_openapi_schema: Option<RawObject>,
    /// Where the code lies.
    pub path: Option<String>,
    /// How the code gets there.
    #[schema(value_type = Option<Vec<Object>>)]
    pub pull_steps: Option<Vec<RawObject>>,
    /// Where the code begins.
    pub entrypoint: Option<String>,
    /// Always null.
    pub storage_document_id: Option<Uuid>,
    /// Always null.
    pub infrastructure_document_id: Option<Uuid>,
    /// Who made it.
    pub created_by: Option<CreatedBy>,
    /// Who changed it last.
    pub updated_by: Option<CreatedBy>,
    /// Always null.
    pub work_pool_name: Option<String>,
    /// `READY` while something asks for its runs, else `NOT_READY`.
    pub status: &'static str,
    /// Whether parameters are checked before a run is made.
    pub enforce_parameter_schema: bool,
}

/// A deployment as clients read it at a moment.
pub fn body_of(whole: Whole, now: Instant) -> DeploymentBody {
    let Whole { deployment, schedules } = whole;
    let status = if deployment.is_ready(now) { "READY" } else { "NOT_READY" };
    let body = deployment.body.0;
    DeploymentBody {
        id: deployment.id.uuid(),
        created: moment(deployment.created_at),
        updated: moment(deployment.updated_at),
        name: deployment.name,
        version: body.version,
        description: body.description,
        flow_id: deployment.flow_id.uuid(),
        paused: deployment.paused_at.is_some(),
        schedules: schedules.into_iter().map(Into::into).collect(),
        concurrency_limit: None,
        global_concurrency_limit: None,
        concurrency_options: None,
        job_variables: body.job_variables,
        parameters: body.parameters,
        tags: deployment.tags.0,
        labels: body.labels,
        work_queue_name: None,
        work_queue_id: None,
        last_polled: deployment.last_polled_at.map(moment),
        parameter_openapi_schema: body.parameter_schema,
        path: body.path,
        pull_steps: body.pull_steps,
        entrypoint: body.entrypoint,
        storage_document_id: None,
        infrastructure_document_id: None,
        created_by: body.created_by,
        updated_by: body.updated_by,
        work_pool_name: None,
        status,
        enforce_parameter_schema: body.is_checked,
    }
}
