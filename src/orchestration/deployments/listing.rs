//! Deployments as the page lists them.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{Deployment, DeploymentId};
use super::queries;
use crate::access::WorkspaceId;
use crate::access::history::shown;
use crate::base::db::paging::{COUNT_LIMIT, PAGE_SIZE, Position, Slice};
use crate::base::db::schema::{deployments, flow_runs};
use crate::base::db::{Db, Number, text_enum};
use crate::base::error::Result;
use crate::orchestration::rows::flow_runs::model::{FlowRun, FlowRunId};
use crate::orchestration::states::model::StateType;
use crate::orchestration::which::named;
use crate::orchestration::wire::filter::{Named, Piece, Tagged};
use crate::orchestration::wire::term::{Rows, Term, column};

text_enum! {
    /// Whether schedules make runs.
    Scheduled {
        /// One does, and the deployment is not paused.
        Active = "active",
        /// There are some, and none does.
        Paused = "paused",
        /// There is none.
        No = "none",
    }
}

/// Which deployments of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    /// With this in their names or those of their flows.
    pub q: String,
    /// With these tags.
    pub tags: Vec<String>,
    /// With such schedules.
    pub scheduled: Option<Scheduled>,
}

/// A place in the list, which is in the order of names.
pub type Key = (String, DeploymentId);

impl Narrow {
    /// The condition (DEP-02).
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more or longer values than a query takes.
    pub fn term(&self, workspace: WorkspaceId) -> Result<Term> {
        let text = Some(self.q.clone()).filter(|text| !text.is_empty());
        let text = text.map(|text| Named { any_: None, like_: Some(text) });
        let tags = (!self.tags.is_empty())
            .then(|| Tagged { all_: Some(self.tags.clone()), ..Tagged::default() });
        let with = |term| {
            let of = Rows::all(column!(deployment_schedules.deployment_id), workspace, term);
            Term::within(column!(deployments.id), of)
        };
        let not = |term| Term::Not(Box::new(term));
        let active = || {
            let runs = Term::is_null(column!(deployment_schedules.paused_at), true);
            let goes_on = Term::is_null(column!(deployments.paused_at), true);
            Term::All(vec![goes_on, with(runs)])
        };
        let scheduled = self.scheduled.map(|scheduled| match scheduled {
            Scheduled::Active => active(),
            Scheduled::Paused => Term::All(vec![with(Term::any()), not(active())]),
            Scheduled::No => not(with(Term::any())),
        });
        let mut parts = tags.terms(column!(deployments.tags))?;
        parts.extend(text.map(|text| named(&text, workspace)).transpose()?.flatten());
        parts.extend(scheduled);
        Ok(Term::All(parts))
    }
}

/// A page of deployments, by name.
///
/// # Errors
/// As of [`Narrow::term`]; the database's fault.
pub fn page(
    db: &mut Db,
    workspace: WorkspaceId,
    narrow: &Narrow,
    position: &Position<Key>,
) -> Result<Slice<Deployment>> {
    let (name, id) = (deployments::name, deployments::id);
    let query = queries::of(workspace, narrow.term(workspace)?);
    let query = match position.clone() {
        Position::Start => query.order((name, id)),
        Position::After((at, edge)) => {
            query.filter(name.gt(at.clone()).or(name.eq(at).and(id.gt(edge)))).order((name, id))
        }
        Position::Before((at, edge)) => query
            .filter(name.lt(at.clone()).or(name.eq(at).and(id.lt(edge))))
            .order((name.desc(), id.desc())),
    };
    let limit = i64::try_from(PAGE_SIZE).unwrap_or(0) + 1;
    let rows = query.limit(limit).select(Deployment::as_select()).load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// How many there are; counting stops one past [`COUNT_LIMIT`].
///
/// # Errors
/// As of [`page`].
pub fn count(db: &mut Db, workspace: WorkspaceId, narrow: &Narrow) -> Result<i64> {
    let all = queries::of(workspace, narrow.term(workspace)?);
    Ok(Number(all.limit(COUNT_LIMIT + 1).select(deployments::id)).get_result(db)?)
}

/// The last run of each of some deployments that does not only wait for its time.
pub fn last_runs(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[DeploymentId],
) -> QueryResult<HashMap<uuid::Uuid, FlowRun>> {
    // One look at the end of the index for each deployment, all in one statement.
    let last = shown::flow_runs(workspace)
        .filter(flow_runs::deployment_id.eq(deployments::id.nullable()))
        .filter(flow_runs::state_type.ne(StateType::Scheduled.as_str()))
        .order((flow_runs::expected_start_at.desc(), flow_runs::id.desc()))
        .limit(1)
        .select(flow_runs::id)
        .single_value();
    let newest: Vec<Option<FlowRunId>> = deployments::table
        .filter(deployments::workspace_id.eq(workspace))
        .filter(deployments::id.eq_any(ids.to_vec()))
        .select(last)
        .load(db)?;
    let newest: Vec<FlowRunId> = newest.into_iter().flatten().collect();
    let runs: Vec<FlowRun> = shown::flow_runs(workspace)
        .filter(flow_runs::id.eq_any(newest))
        .select(FlowRun::as_select())
        .load(db)?;
    let by_deployment = |run: FlowRun| Some((run.deployment_id?.uuid(), run));
    Ok(runs.into_iter().filter_map(by_deployment).collect())
}
