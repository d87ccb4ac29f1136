//! Which runs.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::schema::{flow_runs, task_runs};
use crate::base::db::{Id, either};
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Between, InState, Linked, Named, Operator, Tagged, Term, conditions, join,
    run_conditions,
};

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

conditions!(flow_runs);
run_conditions!(flow_runs:
    // What has not begun counts by when it is due, as on the client's own server.
    begun_at = started_at: either(flow_runs::started_at, flow_runs::expected_start_at),
    ended_at = ended_at: flow_runs::ended_at,
    expected_start_at = expected_start_at: flow_runs::expected_start_at,
    next_scheduled_at = next_scheduled_at: flow_runs::next_scheduled_at,
);

impl FlowRunFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self) -> Result<Option<Term<flow_runs::table>>> {
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
        if let Some(deployment) = &self.deployment_id {
            let has_any = deployment.any_.is_some();
            terms.push(of_nothing(deployment.operator, has_any, deployment.is_null_));
        }
        if let Some(queue) = &self.work_queue_name {
            terms.push(of_nothing(queue.operator, queue.any_.is_some(), queue.is_null_));
        }
        if let Some(maker) = &self.created_by {
            let has_any = maker.id_.is_some() || maker.type_.is_some();
            terms.push(of_nothing(maker.operator, has_any, maker.is_null_));
        }
        if let Some(state) = &self.state {
            terms.extend(in_state(state)?);
        }
        among!(terms, flow_runs::flow_version, &self.flow_version);
        among!(terms, flow_runs::idempotency_key, &self.idempotency_key);
        terms.extend(begun_at(self.start_time.as_ref()));
        terms.extend(ended_at(self.end_time.as_ref()));
        terms.extend(expected_start_at(self.expected_start_time.as_ref()));
        terms.extend(next_scheduled_at(self.next_scheduled_start_time.as_ref()));
        if let Some(parent) = &self.parent_task_run_id {
            terms.extend(of_tasks(parent.checked()?));
        }
        if let Some(parent) = &self.parent_flow_run_id
            && let Some(any) = &parent.checked()?.any_
        {
            let tasks = task_runs::table
                .filter(task_runs::workspace_id.eq(flow_runs::workspace_id))
                .filter(task_runs::flow_run_id.eq_any(ids(any)))
                .select(task_runs::id.nullable());
            terms.push(Box::new(flow_runs::parent_task_run_id.eq_any(tasks)));
        }
        Ok(join(self.operator, terms))
    }
}

/// A condition on what no run has: no run stands for a deployment, which would have made it, or waits in a
/// queue.
fn of_nothing(operator: Operator, has_any: bool, is_null: Option<bool>) -> Rows {
    let mut terms = has_any.then_some(false).into_iter().chain(is_null);
    let holds = match operator {
        Operator::And => terms.all(|holds| holds),
        Operator::Or => (!has_any && is_null.is_none()) || terms.any(|holds| holds),
    };
    Box::new(holds.into_sql::<Bool>().nullable())
}

fn ids(list: &[Uuid]) -> Vec<Id<()>> {
    list.iter().map(|id| Id::from(*id)).collect()
}

fn of_tasks(parent: &Linked) -> Option<Rows> {
    let mut terms: Vec<Rows> = Vec::new();
    if let Some(any) = &parent.any_ {
        terms.push(Box::new(flow_runs::parent_task_run_id.eq_any(ids(any))));
    }
    match parent.is_null_ {
        Some(true) => terms.push(Box::new(flow_runs::parent_task_run_id.is_null().nullable())),
        Some(false) => {
            terms.push(Box::new(flow_runs::parent_task_run_id.is_not_null().nullable()));
        }
        None => {}
    }
    join(parent.operator, terms)
}
