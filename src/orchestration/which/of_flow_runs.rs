//! Which runs.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::WorkspaceId;
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Between, InState, Linked, Named, Operator, Piece, Tagged, join,
};
use crate::orchestration::wire::term::{Column, NOWHERE, Rows, Term, column};

/// Which runs; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowRunFilter {
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
    /// Of these deployments.
    #[serde(default, deserialize_with = "object")]
    pub deployment_id: Option<Linked>,
    /// In these states.
    #[serde(default, deserialize_with = "object")]
    pub state: Option<InState>,
    /// With these versions of the flow.
    #[serde(default, deserialize_with = "object")]
    pub flow_version: Option<Among<String>>,
    /// That first began in this time, or have not begun and are due in it.
    #[serde(default, deserialize_with = "object")]
    pub start_time: Option<Between>,
    /// That ended in this time.
    #[serde(default, deserialize_with = "object")]
    pub end_time: Option<Between>,
    /// That are or were due in this time.
    #[serde(default, deserialize_with = "object")]
    pub expected_start_time: Option<Between>,
    /// That wait for a moment in this time.
    #[serde(default, deserialize_with = "object")]
    pub next_scheduled_start_time: Option<Between>,
    /// Started by these runs.
    #[serde(default, deserialize_with = "object")]
    pub parent_flow_run_id: Option<Linked>,
    /// That these tasks stand for.
    #[serde(default, deserialize_with = "object")]
    pub parent_task_run_id: Option<Linked>,
    /// With these keys.
    #[serde(default, deserialize_with = "object")]
    pub idempotency_key: Option<Among<String>>,
    /// Of these work queues.
    #[serde(default, deserialize_with = "object")]
    pub work_queue_name: Option<NamedLink>,
    /// Made by these.
    #[serde(default, deserialize_with = "object")]
    pub created_by: Option<Maker>,
}

/// Whoever made a run: a deployment or an automation.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With one of these ids.
    pub id_: Option<Vec<Uuid>>,
    /// Of one of these kinds.
    pub type_: Option<Vec<String>>,
    /// Whether nobody is known.
    pub is_null_: Option<bool>,
}

/// Which names of something that may be absent.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedLink {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// One of these.
    pub any_: Option<Vec<String>>,
    /// Whether there is none.
    pub is_null_: Option<bool>,
}

impl Piece for NamedLink {
    fn terms(&self, column: Column) -> Result<Vec<Term>> {
        let is_null = self.is_null_.map(|is_null| Term::is_null(column, is_null));
        let any = Among { any_: self.any_.clone(), not_any_: None }.terms(column)?;
        Ok(join(self.operator, any.into_iter().chain(is_null).collect()).into_iter().collect())
    }
}

impl Maker {
    /// What it says of the columns of whoever made a run: the id, and the kind.
    fn terms(&self, id: Column, kind: Column) -> Result<Option<Term>> {
        let is_null = self.is_null_.map(|is_null| Term::is_null(id, is_null));
        let ids = Among { any_: self.id_.clone(), not_any_: None }.terms(id)?;
        let kinds = Among { any_: self.type_.clone(), not_any_: None }.terms(kind)?;
        Ok(join(self.operator, ids.into_iter().chain(kinds).chain(is_null).collect()))
    }
}

/// When a run began; what has not begun counts by when it is due, as on the client's own server.
const BEGUN: Column = "coalesce(flow_runs.started_at, flow_runs.expected_start_at)";

impl FlowRunFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self, workspace: WorkspaceId) -> Result<Option<Term>> {
        let state = (column!(flow_runs.state_type), column!(flow_runs.state_name));
        let state = self.state.as_ref().map(|filter| filter.terms(state.0, state.1));
        let began = self.start_time.as_ref();
        let began = began.and_then(|time| time.of(BEGUN, column!(flow_runs.started_at)));
        let maker = (column!(flow_runs.created_by_id), column!(flow_runs.created_by_kind));
        let maker = self.created_by.as_ref().map(|filter| filter.terms(maker.0, maker.1));
        let parent = column!(flow_runs.parent_task_run_id);
        let parts = [
            self.id.terms(column!(flow_runs.id))?,
            self.name.terms(column!(flow_runs.name))?,
            self.tags.terms(column!(flow_runs.tags))?,
            self.deployment_id.terms(column!(flow_runs.deployment_id))?,
            // No run waits in a queue.
            self.work_queue_name.terms(NOWHERE)?,
            maker.transpose()?.flatten().into_iter().collect(),
            state.transpose()?.flatten().into_iter().collect(),
            self.flow_version.terms(column!(flow_runs.flow_version))?,
            self.idempotency_key.terms(column!(flow_runs.idempotency_key))?,
            began.into_iter().collect(),
            self.end_time.terms(column!(flow_runs.ended_at))?,
            self.expected_start_time.terms(column!(flow_runs.expected_start_at))?,
            self.next_scheduled_start_time.terms(column!(flow_runs.next_scheduled_at))?,
            self.parent_task_run_id.terms(parent)?,
            self.started_by(parent, workspace)?.into_iter().collect(),
        ];
        Ok(join(self.operator, parts.concat()))
    }

    /// That tasks of some runs stand for it.
    fn started_by(&self, parent: Column, workspace: WorkspaceId) -> Result<Option<Term>> {
        let any = self.parent_flow_run_id.as_ref().and_then(|runs| runs.any_.clone());
        let Some(any) = any else { return Ok(None) };
        let runs = Among { any_: Some(any), not_any_: None };
        let of_runs = Term::All(runs.terms(column!(task_runs.flow_run_id))?);
        Ok(Some(Term::within(parent, Rows::all(column!(task_runs.id), workspace, of_runs))))
    }
}
