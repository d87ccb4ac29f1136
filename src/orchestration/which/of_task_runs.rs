//! Which runs of tasks.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::WorkspaceId;
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Between, InState, Linked, Named, Operator, Piece, Tagged, join,
};
use crate::orchestration::wire::term::{Rows, Term, column};

/// Which runs of tasks; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskRunFilter {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With these ids.
    #[serde(default, deserialize_with = "object")]
    pub id: Option<Among<Uuid>>,
    /// With these names.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Named>,
    /// With these tags.
    #[serde(default, deserialize_with = "object")]
    pub tags: Option<Tagged>,
    /// In these states.
    #[serde(default, deserialize_with = "object")]
    pub state: Option<InState>,
    /// That first began in this time.
    #[serde(default, deserialize_with = "object")]
    pub start_time: Option<Between>,
    /// That ended in this time.
    #[serde(default, deserialize_with = "object")]
    pub end_time: Option<Between>,
    /// That are or were due in this time.
    #[serde(default, deserialize_with = "object")]
    pub expected_start_time: Option<Between>,
    /// That stand for a subflow, or do not.
    #[serde(default, deserialize_with = "object")]
    pub subflow_runs: Option<Subflows>,
    /// In these runs of flows.
    #[serde(default, deserialize_with = "object")]
    pub flow_run_id: Option<Linked>,
}

/// Whether a run stands for a subflow.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subflows {
    /// Whether it does.
    pub exists_: Option<bool>,
}

impl TaskRunFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self, workspace: WorkspaceId) -> Result<Option<Term>> {
        let state = (column!(task_runs.state_type), column!(task_runs.state_name));
        let state = self.state.as_ref().map(|filter| filter.terms(state.0, state.1));
        let stands_for = self.subflow_runs.as_ref().and_then(|subflows| subflows.exists_);
        let stands_for = stands_for.map(|exists| {
            let parent = column!(flow_runs.parent_task_run_id);
            let subflows = Rows::all(parent, workspace, Term::is_null(parent, false));
            let term = Term::within(column!(task_runs.id), subflows);
            if exists { term } else { Term::Not(Box::new(term)) }
        });
        let parts = [
            self.id.terms(column!(task_runs.id))?,
            self.name.terms(column!(task_runs.name))?,
            self.tags.terms(column!(task_runs.tags))?,
            state.transpose()?.flatten().into_iter().collect(),
            self.start_time.terms(column!(task_runs.started_at))?,
            self.end_time.terms(column!(task_runs.ended_at))?,
            self.expected_start_time.terms(column!(task_runs.expected_start_at))?,
            stands_for.into_iter().collect(),
            self.flow_run_id.terms(column!(task_runs.flow_run_id))?,
        ];
        Ok(join(self.operator, parts.concat()))
    }
}
