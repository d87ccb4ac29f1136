//! A run of a flow.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::actor::Actor;
use crate::base::db::ids::{DeploymentId, TaskRunId};
use crate::base::db::schema::flow_runs;
use crate::base::db::{Instant, Json, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::json::RawObject;
use crate::orchestration::rows::flows::model::FlowId;
use crate::orchestration::states::model::State;
use crate::orchestration::states::rules::{Course, Policy};

pub use crate::base::db::ids::FlowRunId;

/// What the client keeps with a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Body {
    /// What it was called with.
    pub parameters: RawObject,
    /// What else it knows.
    pub context: RawObject,
    /// Its labels.
    pub labels: RawObject,
    /// Settings of what runs it.
    pub job_variables: RawObject,
    /// Who made it.
    pub created_by: Option<CreatedBy>,
    /// The version that its deployment had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_version: Option<String>,
}

/// Whoever made something, as clients are told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct CreatedBy {
    /// The id of that.
    pub id: Uuid,
    /// What it is: `USER`, `SERVICE_ACCOUNT`, `SCHEDULE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub display_value: String,
}

impl CreatedBy {
    /// A person or a service account.
    pub fn of(actor: &Actor) -> Self {
        let kind = if actor.as_person().is_some() { "USER" } else { "SERVICE_ACCOUNT" };
        Self { id: actor.id(), kind: kind.to_owned(), display_value: actor.name().to_owned() }
    }
}

/// The most that is kept of parameters or of job variables, in bytes (contents.md 0.3).
const LARGEST: usize = 512 * 1024;

/// Whether parameters and job variables are small enough to be kept.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_sizes(
    parameters: Option<&RawObject>,
    job_variables: Option<&RawObject>,
) -> Result<()> {
    for (what, value) in [("parameters", parameters), ("job variables", job_variables)] {
        let size = value.map_or(0, |value| value.text().len());
        if size > LARGEST {
            let (size, most) = (size.div_ceil(1024), LARGEST / 1024);
            return Err(Error::Invalid(format!(
                "The {what} are {size} KiB; at most {most} KiB can be kept. Put large data in storage and pass its \
                 address."
            )));
        }
    }
    Ok(())
}

/// The most labels that a run keeps, in bytes: each of its tasks has them too.
const LARGEST_LABELS: usize = 64 * 1024;

/// Whether labels are small enough to be kept.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_labels(labels: &RawObject) -> Result<()> {
    if labels.text().len() > LARGEST_LABELS {
        let most = LARGEST_LABELS / 1024;
        return Err(Error::Invalid(format!("labels: at most {most} KiB can be kept.")));
    }
    Ok(())
}

/// A run.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = flow_runs, check_for_backend(MultiBackend))]
pub struct FlowRun {
    /// Its id.
    pub id: FlowRunId,
    /// Of which flow.
    pub flow_id: FlowId,
    /// Its name.
    pub name: String,
    /// The version of the flow.
    pub flow_version: Option<String>,
    /// For a subflow: the task of the other flow that stands for it.
    pub parent_task_run_id: Option<TaskRunId>,
    /// One run for each of these.
    pub idempotency_key: Option<String>,
    /// Its tags.
    pub tags: Json<Vec<String>>,
    /// What the client keeps with it.
    pub body: Json<Body>,
    /// How it is retried and paused.
    pub policy: Json<Policy>,
    /// Its state.
    pub state: Option<Json<State>>,
    /// The process that runs it, in words of whoever runs it.
    pub infrastructure_pid: Option<String>,
    /// How often it began.
    pub run_count: i64,
    /// When it is or was due.
    pub expected_start_at: Option<Instant>,
    /// When it is due, while it waits for that.
    pub next_scheduled_at: Option<Instant>,
    /// When it first began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// How long it ran, in microseconds.
    pub total_run_micros: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// The deployment that it is a run of, which may be deleted by now.
    pub deployment_id: Option<DeploymentId>,
}

impl FlowRun {
    /// What it counts.
    pub fn course(&self) -> Course {
        Course {
            run_count: self.run_count,
            expected_start_at: self.expected_start_at,
            next_scheduled_at: self.next_scheduled_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            total_run_micros: self.total_run_micros,
        }
    }

    /// Counts as said.
    pub fn count(&mut self, course: &Course) {
        self.run_count = course.run_count;
        self.expected_start_at = course.expected_start_at;
        self.next_scheduled_at = course.next_scheduled_at;
        self.started_at = course.started_at;
        self.ended_at = course.ended_at;
        self.total_run_micros = course.total_run_micros;
    }

    /// The state that it is in.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref().map(|state| &state.0)
    }
}
