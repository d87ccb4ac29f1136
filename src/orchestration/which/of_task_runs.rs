//! Which runs of tasks.

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::Id;
use crate::base::db::schema::{flow_runs, task_runs};
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Between, InState, Linked, Named, Operator, Tagged, Term, conditions, join,
    run_conditions,
};

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

conditions!(task_runs);
run_conditions!(task_runs:
    started_at = started_at: task_runs::started_at,
    ended_at = ended_at: task_runs::ended_at,
    expected_start_at = expected_start_at: task_runs::expected_start_at,
);

impl TaskRunFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self) -> Result<Option<Term<task_runs::table>>> {
        let mut terms: Vec<Rows> = Vec::new();
        if let Some(id) = &self.id {
            terms.extend(with_id(id)?);
        }
        if let Some(name) = &self.name {
            terms.extend(named(name)?);
        }
        if let Some(tags) = &self.tags {
            terms.extend(tagged(tags)?);
        }
        if let Some(state) = &self.state {
            terms.extend(in_state(state)?);
        }
        terms.extend(started_at(self.start_time.as_ref()));
        terms.extend(ended_at(self.end_time.as_ref()));
        terms.extend(expected_start_at(self.expected_start_time.as_ref()));
        if let Some(exists) = self.subflow_runs.as_ref().and_then(|subflows| subflows.exists_) {
            let children = flow_runs::table
                .filter(flow_runs::workspace_id.eq(task_runs::workspace_id))
                .filter(flow_runs::parent_task_run_id.is_not_null())
                .select(flow_runs::parent_task_run_id);
            let id = task_runs::id.nullable();
            if exists {
                terms.push(Box::new(id.eq_any(children)));
            } else {
                terms.push(Box::new(id.ne_all(children)));
            }
        }
        if let Some(run) = &self.flow_run_id {
            terms.extend(in_runs(run.checked()?));
        }
        Ok(join(self.operator, terms))
    }
}

fn in_runs(run: &Linked) -> Option<Rows> {
    let mut terms: Vec<Rows> = Vec::new();
    if let Some(any) = &run.any_ {
        let ids: Vec<Id<()>> = any.iter().map(|id| Id::from(*id)).collect();
        terms.push(Box::new(task_runs::flow_run_id.eq_any(ids)));
    }
    match run.is_null_ {
        Some(true) => terms.push(Box::new(task_runs::flow_run_id.is_null().nullable())),
        Some(false) => terms.push(Box::new(task_runs::flow_run_id.is_not_null().nullable())),
        None => {}
    }
    join(run.operator, terms)
}
