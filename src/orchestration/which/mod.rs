//! The filters that a body of the API holds side by side: each narrows what is asked for by the things
//! that belong to it (api.md §2).

pub mod history;
pub mod list;
mod of_flow_runs;
mod of_flows;
mod of_task_runs;

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use self::of_flow_runs::FlowRunFilter;
use self::of_flows::FlowFilter;
use self::of_task_runs::TaskRunFilter;

use crate::access::WorkspaceId;
use crate::base::db::schema::{flow_runs, task_runs};
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{Among, Named, Operator, Tagged};
use crate::orchestration::wire::term::{Rows, Term, column};

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
    pub fn of_flow_runs(&self, workspace: WorkspaceId) -> Result<Term> {
        let flows = self.flows.as_ref().map(FlowFilter::term).transpose()?.flatten();
        let flows = flows.map(|term| {
            Term::within(column!(flow_runs.flow_id), Rows::all(column!(flows.id), workspace, term))
        });
        let tasks = self.task_runs.as_ref().map(|filter| filter.term(workspace));
        let tasks = tasks.transpose()?.flatten().map(|term| {
            let run = column!(task_runs.flow_run_id);
            let term = Term::All(vec![Term::is_null(run, false), term]);
            let runs = Rows::shown::<task_runs::table>(run, workspace, term);
            Term::within(column!(flow_runs.id), runs)
        });
        let own = self.flow_runs.as_ref().map(|filter| filter.term(workspace));
        let nothing = self.asks_for_nothing().then(|| Term::One(Vec::new()));
        let parts = [own.transpose()?.flatten(), flows, tasks, nothing];
        Ok(Term::All(parts.into_iter().flatten().collect()))
    }

    /// What the filters of other things say of runs of flows; `None` where there are none.
    fn of_others(others: &Self, workspace: WorkspaceId) -> Result<Option<Term>> {
        let term = others.of_flow_runs(workspace)?;
        Ok((term != Term::any()).then_some(term))
    }

    /// The condition on runs of tasks.
    ///
    /// # Errors
    /// As of [`Filters::of_flow_runs`].
    pub fn of_task_runs(&self, workspace: WorkspaceId) -> Result<Term> {
        let own = self.task_runs.as_ref().map(|filter| filter.term(workspace));
        let others = Self { task_runs: None, ..self.clone() };
        let others = Self::of_others(&others, workspace)?.map(|term| {
            let runs = Rows::shown::<flow_runs::table>(column!(flow_runs.id), workspace, term);
            Term::within(column!(task_runs.flow_run_id), runs)
        });
        Ok(Term::All([own.transpose()?.flatten(), others].into_iter().flatten().collect()))
    }

    /// The condition on flows.
    ///
    /// # Errors
    /// As of [`Filters::of_flow_runs`].
    pub fn of_flows(&self, workspace: WorkspaceId) -> Result<Term> {
        let own = self.flows.as_ref().map(FlowFilter::term).transpose()?.flatten();
        let others = Self { flows: None, ..self.clone() };
        let others = Self::of_others(&others, workspace)?.map(|term| {
            let flow = column!(flow_runs.flow_id);
            let runs = Rows::shown::<flow_runs::table>(flow, workspace, term);
            Term::within(column!(flows.id), runs)
        });
        Ok(Term::All([own, others].into_iter().flatten().collect()))
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
