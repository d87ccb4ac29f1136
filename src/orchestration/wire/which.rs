//! The filters that a body of the API holds side by side: each narrows what is asked for by the things
//! that belong to it (api.md §2).

use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::filter::{Operator, Term, Within, join};
use crate::access::WorkspaceId;
use crate::access::history::{shown_runs, shown_tasks};
use crate::base::db::MultiBackend;
use crate::base::db::schema::{flow_runs, flows, task_runs};
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::flow_runs::filter::FlowRunFilter;
use crate::orchestration::flows::filter::FlowFilter;
use crate::orchestration::task_runs::filter::TaskRunFilter;

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
    /// Of which deployments: there are none, so any condition finds nothing.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub deployments: Option<Map<String, Value>>,
    /// Of which work pools: the same.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub work_pools: Option<Map<String, Value>>,
    /// Of which work queues: the same.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub work_pool_queues: Option<Map<String, Value>>,
}

/// Whether a filter of things that do not exist names any.
fn asks(filter: Option<&Map<String, Value>>) -> bool {
    filter.is_some_and(|filter| {
        filter.iter().any(|(name, value)| name != "operator" && !value.is_null())
    })
}

impl Filters {
    fn asks_for_nothing(&self) -> bool {
        asks(self.deployments.as_ref())
            || asks(self.work_pools.as_ref())
            || asks(self.work_pool_queues.as_ref())
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
            terms.push(Box::new(false.into_sql::<Bool>().nullable()));
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
