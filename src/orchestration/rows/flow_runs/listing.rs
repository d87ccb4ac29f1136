//! Runs as the pages list them.

use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::model::{FlowRun, FlowRunId};
use crate::access::WorkspaceId;
use crate::access::history::{all, shown};
use crate::base::db::ids::DeploymentId;
use crate::base::db::paging::{COUNT_LIMIT, Position, Slice, contains_pattern};
use crate::base::db::schema::{deployments, flow_runs, flows, task_runs};
use crate::base::db::{Db, Instant, MultiBackend, Number, lower};
use crate::orchestration::rows::flows::model::FlowId;
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::Step;
use crate::orchestration::which::history::Span;
use crate::orchestration::wire::filter::tag_patterns;

/// Runs on a page of the list.
pub const PAGE: usize = 25;

/// Which runs of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    /// Due from then on.
    pub since: Option<Instant>,
    /// Due before then.
    pub until: Option<Instant>,
    /// In states of these kinds.
    pub kinds: Vec<StateType>,
    /// Whether those are left out that only wait for their time.
    pub but_upcoming: bool,
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// Of this deployment.
    pub deployment: Option<DeploymentId>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this in their names.
    pub q: Option<String>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The last to be due first.
    #[default]
    Newest,
    /// The first to be due first.
    Oldest,
}

/// A place in the list, which is in the order of when runs were due.
pub type Key = (Instant, FlowRunId);

type Query = diesel::dsl::IntoBoxed<'static, flow_runs::table, MultiBackend>;

fn of(workspace: WorkspaceId, narrow: &Narrow) -> Query {
    let due = flow_runs::expected_start_at;
    let mut query =
        shown::flow_runs(workspace).into_boxed::<MultiBackend>().filter(due.is_not_null());
    if let Some(since) = narrow.since {
        query = query.filter(due.ge(since));
    }
    if let Some(until) = narrow.until {
        query = query.filter(due.lt(until));
    }
    match narrow.kinds.as_slice() {
        [] => {}
        [kind] => query = query.filter(flow_runs::state_type.eq(kind.as_str())),
        kinds => query = query.filter(flow_runs::state_type.eq_any(kinds.to_vec())),
    }
    if narrow.but_upcoming {
        let kind = flow_runs::state_type;
        query = query.filter(kind.is_null().or(kind.ne(StateType::Scheduled.as_str())));
    }
    if let Some(flow) = narrow.flow {
        query = query.filter(flow_runs::flow_id.eq(flow));
    }
    if let Some(deployment) = narrow.deployment {
        query = query.filter(flow_runs::deployment_id.eq(deployment));
    }
    if let Some(tag) = &narrow.tag {
        let [first, later] = tag_patterns(tag);
        let tags = flow_runs::tags;
        query = query.filter(tags.like(first).escape('\\').or(tags.like(later).escape('\\')));
    }
    if let Some(q) = &narrow.q {
        query = query.filter(lower(flow_runs::name).like(contains_pattern(q)).escape('\\'));
    }
    query
}

/// A page of runs, by when they are or were due.
pub fn page(
    db: &mut Db,
    workspace: WorkspaceId,
    (narrow, order): (&Narrow, Order),
    position: &Position<Key>,
) -> QueryResult<Slice<FlowRun>> {
    let (due, id) = (flow_runs::expected_start_at, flow_runs::id);
    let mut query = of(workspace, narrow);
    let is_up = (order == Order::Oldest) != matches!(position, Position::Before(_));
    query = match position {
        Position::Start => query,
        Position::After((at, edge)) | Position::Before((at, edge)) if is_up => {
            query.filter(due.gt(*at).or(due.eq(*at).and(id.gt(*edge))))
        }
        Position::After((at, edge)) | Position::Before((at, edge)) => {
            query.filter(due.lt(*at).or(due.eq(*at).and(id.lt(*edge))))
        }
    };
    query = if is_up { query.order((due, id)) } else { query.order((due.desc(), id.desc())) };
    let limit = i64::try_from(PAGE).unwrap_or(0) + 1;
    let rows = query.limit(limit).select(FlowRun::as_select()).load(db)?;
    Ok(Slice::from_query(rows, position, PAGE))
}

/// How many runs there are; counting stops one past [`COUNT_LIMIT`].
pub fn count(db: &mut Db, workspace: WorkspaceId, narrow: &Narrow) -> QueryResult<i64> {
    Number(of(workspace, narrow).limit(COUNT_LIMIT + 1).select(flow_runs::id)).get_result(db)
}

/// The names of some flows.
pub fn flow_names(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[FlowId],
) -> QueryResult<Vec<(FlowId, String)>> {
    flows::table
        .filter(flows::workspace_id.eq(workspace))
        .filter(flows::id.eq_any(ids.to_vec()))
        .select((flows::id, flows::name))
        .load(db)
}

/// The name of a deployment; none of one that is deleted.
pub fn deployment_name(
    db: &mut Db,
    workspace: WorkspaceId,
    id: DeploymentId,
) -> QueryResult<Option<String>> {
    deployments::table.find((workspace, id)).select(deployments::name).first(db).optional()
}

/// How many runs of tasks some runs have, and how many of those ended.
pub fn tasks_of(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[FlowRunId],
) -> QueryResult<Vec<(FlowRunId, i64, i64)>> {
    let ended = "SUM(CASE WHEN state_type IN ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED') \
                 THEN 1 ELSE 0 END)";
    let rows: Vec<(Option<FlowRunId>, i64, i64)> = all::task_runs(workspace)
        .filter(task_runs::flow_run_id.eq_any(ids.to_vec()))
        .group_by(task_runs::flow_run_id)
        .select((task_runs::flow_run_id, count_star(), sql::<BigInt>(ended)))
        .load(db)?;
    Ok(rows.into_iter().filter_map(|(id, all, ended)| Some((id?, all, ended))).collect())
}

/// How many runs of a time were in a state of which kind, by steps of that time.
pub fn steps(db: &mut Db, workspace: WorkspaceId, span: Span) -> QueryResult<Vec<Step>> {
    let step = span.step_sql(db);
    let rows: Vec<(i64, Option<StateType>, i64)> = shown::flow_runs(workspace)
        .filter(flow_runs::expected_start_at.ge(span.start))
        .filter(flow_runs::expected_start_at.lt(span.end))
        .filter(sql::<Bool>("state_type IS NOT NULL"))
        .group_by(sql::<BigInt>(&format!("{step}, state_type")))
        .select((
            sql::<BigInt>(&step),
            sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>("state_type"),
            count_star(),
        ))
        .load(db)?;
    let known =
        |(step, kind, runs): (i64, Option<StateType>, i64)| Some(Step { step, kind: kind?, runs });
    Ok(rows.into_iter().filter_map(known).collect())
}

/// The last runs in one of some kinds of states, by when they were due.
pub fn last_in(
    db: &mut Db,
    workspace: WorkspaceId,
    kind: StateType,
    limit: i64,
) -> QueryResult<Vec<FlowRun>> {
    shown::flow_runs(workspace)
        .filter(flow_runs::state_type.eq(kind.as_str()))
        .order((flow_runs::expected_start_at.desc(), flow_runs::id.desc()))
        .limit(limit)
        .select(FlowRun::as_select())
        .load(db)
}

/// The next runs that are due.
pub fn upcoming(db: &mut Db, workspace: WorkspaceId, limit: i64) -> QueryResult<Vec<FlowRun>> {
    shown::flow_runs(workspace)
        .filter(flow_runs::state_type.eq(StateType::Scheduled.as_str()))
        .order((flow_runs::expected_start_at, flow_runs::id))
        .limit(limit)
        .select(FlowRun::as_select())
        .load(db)
}

/// Whether there is any run.
pub fn any(db: &mut Db, workspace: WorkspaceId) -> QueryResult<bool> {
    let first: Option<FlowRunId> =
        shown::flow_runs(workspace).select(flow_runs::id).first(db).optional()?;
    Ok(first.is_some())
}
