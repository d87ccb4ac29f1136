//! The filters that a body of the API holds side by side: each narrows what is asked for by the things
//! that belong to it (api.md §2).

pub mod history;
mod of_flow_runs;
mod of_flows;
mod of_task_runs;

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use self::of_flow_runs::FlowRunFilter;
use self::of_flows::FlowFilter;
use self::of_task_runs::TaskRunFilter;

use crate::access::WorkspaceId;
use crate::access::history::{shown_runs, shown_tasks};
use crate::base::db::MultiBackend;
use crate::base::db::schema::{flow_runs, flows, task_runs};
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Named, Operator, Tagged, Term, Within, join, nothing,
};

/// Filters side by side; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct Filters {
    /// Of which flows.
    #[serde(default, deserialize_with = "object")]
    pub flows: Option<FlowFilter>,
    /// Of which runs of flows.
    #[serde(default, deserialize_with = "object")]
    pub flow_runs: Option<FlowRunFilter>,
    /// With which runs of tasks.
    #[serde(default, deserialize_with = "object")]
    pub task_runs: Option<TaskRunFilter>,
    /// Of which deployments: there are none, so this finds nothing.
    #[serde(default, deserialize_with = "object")]
    pub deployments: Option<DeploymentFilter>,
    /// Of which work pools: the same.
    #[serde(default, deserialize_with = "object")]
    pub work_pools: Option<WorkPoolFilter>,
    /// Of which work queues: the same.
    #[serde(default, deserialize_with = "object")]
    pub work_pool_queues: Option<WorkQueueFilter>,
}

/// Which deployments.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentFilter {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With these ids.
    #[serde(default, deserialize_with = "object")]
    pub id: Option<Among<Uuid>>,
    /// With these names.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Named>,
    /// With names, or of flows with names, that contain something.
    #[serde(default, deserialize_with = "object")]
    pub flow_or_deployment_name: Option<Named>,
    /// That are paused, or are not.
    #[serde(default, deserialize_with = "object")]
    pub paused: Option<Flag>,
    /// The same in words of older clients.
    #[serde(default, deserialize_with = "object")]
    pub is_schedule_active: Option<Flag>,
    /// With these tags.
    #[serde(default, deserialize_with = "object")]
    pub tags: Option<Tagged>,
    /// Of these work queues.
    #[serde(default, deserialize_with = "object")]
    pub work_queue_name: Option<Among<String>>,
    /// With so many runs at once.
    #[serde(default, deserialize_with = "object")]
    pub concurrency_limit: Option<Limited>,
}

/// Whether something is so.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// Whether it is.
    pub eq_: Option<bool>,
}

/// How many.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limited {
    /// At least so many.
    pub ge_: Option<i64>,
    /// At most so many.
    pub le_: Option<i64>,
    /// Whether any number.
    pub is_null_: Option<bool>,
}

/// Which work pools.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkPoolFilter {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With these ids.
    #[serde(default, deserialize_with = "object")]
    pub id: Option<Among<Uuid>>,
    /// With these names.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Among<String>>,
    /// Of these types.
    #[serde(default, deserialize_with = "object")]
    #[serde(rename = "type")]
    pub kind: Option<Among<String>>,
}

/// Which work queues.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkQueueFilter {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With these ids.
    #[serde(default, deserialize_with = "object")]
    pub id: Option<Among<Uuid>>,
    /// With these names, or names that begin like them.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Begins>,
}

/// Which names, or their beginnings.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Begins {
    /// One of these.
    pub any_: Option<Vec<String>>,
    /// Beginning with one of these.
    pub startswith_: Option<Vec<String>>,
}

impl Filters {
    /// Whether it asks for what belongs to things that do not exist.
    fn asks_for_nothing(&self) -> bool {
        self.deployments.is_some() || self.work_pools.is_some() || self.work_pool_queues.is_some()
    }

    /// The condition on runs of flows.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn of_flow_runs(&self, workspace: WorkspaceId) -> Result<Option<Term<flow_runs::table>>> {
        let mut terms: Vec<Term<flow_runs::table>> = Vec::new();
        terms.extend(self.flow_runs.as_ref().map(FlowRunFilter::term).transpose()?.flatten());
        if let Some(term) = self.flows.as_ref().map(FlowFilter::term).transpose()?.flatten() {
            let flows = flows::table
                .filter(flows::workspace_id.eq(workspace))
                .filter(term)
                .select(flows::id)
                .into_boxed::<MultiBackend>();
            terms.push(Box::new(Within::new("flow_runs.flow_id", flows)));
        }
        if let Some(term) = self.task_runs.as_ref().map(TaskRunFilter::term).transpose()?.flatten()
        {
            let runs = task_runs::table
                .filter(task_runs::workspace_id.eq(workspace))
                .filter(shown_tasks!(workspace))
                .filter(task_runs::flow_run_id.is_not_null())
                .filter(term)
                .select(task_runs::flow_run_id)
                .into_boxed::<MultiBackend>();
            terms.push(Box::new(Within::new("flow_runs.id", runs)));
        }
        if self.asks_for_nothing() {
            terms.push(nothing());
        }
        Ok(join(Operator::And, terms))
    }

    /// The condition on runs of tasks.
    ///
    /// # Errors
    /// As of [`Filters::of_flow_runs`].
    pub fn of_task_runs(&self, workspace: WorkspaceId) -> Result<Option<Term<task_runs::table>>> {
        let mut terms: Vec<Term<task_runs::table>> = Vec::new();
        terms.extend(self.task_runs.as_ref().map(TaskRunFilter::term).transpose()?.flatten());
        let others = Self { task_runs: None, ..self.clone() };
        if let Some(term) = others.of_flow_runs(workspace)? {
            let runs = flow_runs::table
                .filter(flow_runs::workspace_id.eq(workspace))
                .filter(shown_runs!(workspace))
                .filter(term)
                .select(flow_runs::id.nullable())
                .into_boxed::<MultiBackend>();
            terms.push(Box::new(Within::new("task_runs.flow_run_id", runs)));
        }
        Ok(join(Operator::And, terms))
    }

    /// The condition on flows.
    ///
    /// # Errors
    /// As of [`Filters::of_flow_runs`].
    pub fn of_flows(&self, workspace: WorkspaceId) -> Result<Option<Term<flows::table>>> {
        let mut terms: Vec<Term<flows::table>> = Vec::new();
        terms.extend(self.flows.as_ref().map(FlowFilter::term).transpose()?.flatten());
        let others = Self { flows: None, ..self.clone() };
        if let Some(term) = others.of_flow_runs(workspace)? {
            let runs = flow_runs::table
                .filter(flow_runs::workspace_id.eq(workspace))
                .filter(shown_runs!(workspace))
                .filter(term)
                .select(flow_runs::flow_id)
                .into_boxed::<MultiBackend>();
            terms.push(Box::new(Within::new("flows.id", runs)));
        }
        Ok(join(Operator::And, terms))
    }
}

/// Rows of a page with what there is in all (schema `*PaginationResponse`).
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct Paginated<T> {
    /// The rows.
    pub results: Vec<T>,
    /// How many there are in all.
    pub count: i64,
    /// Rows on a page.
    pub limit: i64,
    /// Pages in all.
    pub pages: i64,
    /// This page, from 1.
    pub page: i64,
}

impl<T> Paginated<T> {
    /// A page of so many.
    pub fn of(results: Vec<T>, count: i64, (page, limit): (i64, i64)) -> Self {
        let pages =
            if limit > 0 { count.div_euclid(limit) + i64::from(count % limit > 0) } else { 0 };
        Self { results, count, limit, pages, page }
    }
}
