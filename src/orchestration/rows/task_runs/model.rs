//! A run of a task.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::db::schema::task_runs;
use crate::base::db::{Instant, Json, MultiBackend};
use crate::base::json::RawObject;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::states::model::State;
use crate::orchestration::states::rules::{Course, Policy};

pub use crate::base::db::ids::TaskRunId;

/// What the client keeps with a run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Body {
    /// Which runs each input comes from.
    pub task_inputs: RawObject,
    /// Its labels.
    pub labels: RawObject,
    /// The version of the task.
    pub task_version: Option<String>,
    /// What its result is found by.
    pub cache_key: Option<String>,
    /// Until when that counts.
    pub cache_expiration: Option<Instant>,
    /// In which beginning of the flow's run it ran.
    pub flow_run_run_count: i64,
}

/// A run.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = task_runs, check_for_backend(MultiBackend))]
pub struct TaskRun {
    /// Its id.
    pub id: TaskRunId,
    /// In which run of a flow.
    pub flow_run_id: Option<FlowRunId>,
    /// Its name.
    pub name: String,
    /// Which task.
    pub task_key: String,
    /// Which of the task's runs in that run of the flow.
    pub dynamic_key: String,
    /// Its tags.
    pub tags: Json<Vec<String>>,
    /// What the client keeps with it.
    pub body: Json<Body>,
    /// How it is retried.
    pub policy: Json<Policy>,
    /// Its state.
    pub state: Option<Json<State>>,
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
}

impl TaskRun {
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

    /// The state that it is in.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref().map(|state| &state.0)
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
}
