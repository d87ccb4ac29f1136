//! The filters that a body of the API holds side by side: each narrows what is asked for by the things
//! that belong to it (api.md §2).

pub mod history;
pub mod list;
mod of_deployments;
mod of_flow_runs;
mod of_flows;
mod of_task_runs;

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::of_deployments::{DeploymentFilter, named};
use self::of_flow_runs::FlowRunFilter;
use self::of_flows::FlowFilter;
use self::of_task_runs::TaskRunFilter;

use crate::access::WorkspaceId;
use crate::base::db::schema::{flow_runs, task_runs};
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{Among, Operator};
use crate::orchestration::wire::term::{Column, Rows, Term, column};

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
    /// Of which deployments.
    #[serde(default, deserialize_with = "object")]
    pub deployments: Option<DeploymentFilter>,
    /// Of which work pools: there are none, so this finds nothing.
    #[serde(default, deserialize_with = "object")]
    pub work_pools: Option<WorkPoolFilter>,
    /// Of which work queues: the same.
    #[serde(default, deserialize_with = "object")]
    pub work_pool_queues: Option<WorkQueueFilter>,
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
    /// That nothing is found, where it asks for what belongs to things that do not exist.
    fn of_absent(&self) -> Option<Term> {
        let asks = self.work_pools.is_some() || self.work_pool_queues.is_some();
        asks.then(|| Term::One(Vec::new()))
    }

    /// What the filter of flows says of a column with their ids.
    fn flows_in(&self, column: Column, workspace: WorkspaceId) -> Result<Option<Term>> {
        let term = self.flows.as_ref().map(|filter| filter.term(workspace)).transpose()?.flatten();
        let rows = |term| Rows::all(column!(flows.id), workspace, term);
        Ok(term.map(|term| Term::within(column, rows(term))))
    }

    /// What the filters of runs say of a column with the ids of something that runs belong to.
    fn runs_in(&self, column: Column, own: Column, workspace: WorkspaceId) -> Result<Option<Term>> {
        let (flow_runs, task_runs) = (self.flow_runs.clone(), self.task_runs.clone());
        let term = Self { flow_runs, task_runs, ..Self::default() }.of_flow_runs(workspace)?;
        Ok((term != Term::any()).then(|| {
            let term = Term::All(vec![Term::is_null(own, false), term]);
            Term::within(column, Rows::shown::<flow_runs::table>(own, workspace, term))
        }))
    }

    /// The condition on runs of flows.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn of_flow_runs(&self, workspace: WorkspaceId) -> Result<Term> {
        let deployments = self.deployments.as_ref().map(|filter| filter.term(workspace));
        let deployments = deployments.transpose()?.map(|term| {
            let rows = Rows::all(column!(deployments.id), workspace, term);
            Term::within(column!(flow_runs.deployment_id), rows)
        });
        let tasks = self.task_runs.as_ref().map(|filter| filter.term(workspace));
        let tasks = tasks.transpose()?.flatten().map(|term| {
            let run = column!(task_runs.flow_run_id);
            let term = Term::All(vec![Term::is_null(run, false), term]);
            let runs = Rows::shown::<task_runs::table>(run, workspace, term);
            Term::within(column!(flow_runs.id), runs)
        });
        let own = self.flow_runs.as_ref().map(|filter| filter.term(workspace));
        let flows = self.flows_in(column!(flow_runs.flow_id), workspace)?;
        let parts = [own.transpose()?.flatten(), flows, deployments, tasks, self.of_absent()];
        Ok(Term::All(parts.into_iter().flatten().collect()))
    }

    /// The condition on runs of tasks.
    ///
    /// # Errors
    /// As of [`Filters::of_flow_runs`].
    pub fn of_task_runs(&self, workspace: WorkspaceId) -> Result<Term> {
        let own = self.task_runs.as_ref().map(|filter| filter.term(workspace));
        let others = Self { task_runs: None, ..self.clone() }.of_flow_runs(workspace)?;
        let others = (others != Term::any()).then(|| {
            let runs = Rows::shown::<flow_runs::table>(column!(flow_runs.id), workspace, others);
            Term::within(column!(task_runs.flow_run_id), runs)
        });
        Ok(Term::All([own.transpose()?.flatten(), others].into_iter().flatten().collect()))
    }

    /// The condition on flows.
    ///
    /// # Errors
    /// As of [`Filters::of_flow_runs`].
    pub fn of_flows(&self, workspace: WorkspaceId) -> Result<Term> {
        let own = self.flows.as_ref().map(|filter| filter.term(workspace)).transpose()?.flatten();
        let deployments = self.deployments.as_ref().map(|filter| filter.term(workspace));
        let deployments = deployments.transpose()?.map(|term| {
            let rows = Rows::all(column!(deployments.flow_id), workspace, term);
            Term::within(column!(flows.id), rows)
        });
        let runs = self.runs_in(column!(flows.id), column!(flow_runs.flow_id), workspace)?;
        let parts = [own, deployments, runs, self.of_absent()];
        Ok(Term::All(parts.into_iter().flatten().collect()))
    }

    /// The condition on deployments.
    ///
    /// # Errors
    /// As of [`Filters::of_flow_runs`].
    pub fn of_deployments(&self, workspace: WorkspaceId) -> Result<Term> {
        let own = self.deployments.as_ref().map(|filter| filter.term(workspace)).transpose()?;
        let flows = self.flows_in(column!(deployments.flow_id), workspace)?;
        let run = column!(flow_runs.deployment_id);
        let runs = self.runs_in(column!(deployments.id), run, workspace)?;
        let parts = [own, flows, runs, self.of_absent()];
        Ok(Term::All(parts.into_iter().flatten().collect()))
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
