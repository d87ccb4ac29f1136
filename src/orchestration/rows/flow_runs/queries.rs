//! Finding and keeping runs.

use diesel::prelude::*;

use super::model::{FlowRun, FlowRunId};
use crate::access::WorkspaceId;
use crate::access::history::{all, shown};
use crate::base::db::ids::{DeploymentId, StateId};
use crate::base::db::schema::{flow_run_states, flow_runs, flows, task_runs, workspaces};
use crate::base::db::text_enum;
use crate::base::db::{
    AnyConnection, Db, Id, Instant, Json, MultiBackend, Writing, either, length, on_each_backend,
};
use crate::base::error::Result;
use crate::base::http::json::{Window, check_together};
use crate::orchestration::rows::flows::model::{FlowId, FlowNote};
use crate::orchestration::rows::task_runs::model::TaskRunId;
use crate::orchestration::states::model::{State, StateType};
use crate::orchestration::states::rules::{Course, Policy};
use crate::orchestration::which::history::{history_query, sums_sql};
use crate::orchestration::wire::term::Term;

text_enum! {
    /// In which order, as clients say it; the first one where none is said.
    Sort {
        /// The newest first.
        Id = "ID_DESC",
        /// The first to be due first.
        Expected = "EXPECTED_START_TIME_ASC",
        /// The last to be due first.
        ExpectedDown = "EXPECTED_START_TIME_DESC",
        /// The first to begin first; what has not begun by when it is due.
        Started = "START_TIME_ASC",
        /// The last to begin first, likewise.
        StartedDown = "START_TIME_DESC",
        /// The last to end first, and then what has not ended.
        EndedDown = "END_TIME_DESC",
        /// What waits for no moment, and then the next to be due first.
        NextScheduled = "NEXT_SCHEDULED_START_TIME_ASC",
        /// By name.
        Name = "NAME_ASC",
        /// By name, from the end.
        NameDown = "NAME_DESC",
    }
}

type Query = diesel::dsl::IntoBoxed<'static, flow_runs::table, MultiBackend>;

fn of(workspace: WorkspaceId, term: Term) -> Query {
    shown::flow_runs(workspace).filter(term).into_boxed::<MultiBackend>()
}

history_query!(flow_runs);

/// How many seconds after they were due runs of a workspace began, or have not begun: the mean.
pub fn lateness(
    db: &mut Db,
    workspace: WorkspaceId,
    term: Term,
    now: Instant,
) -> QueryResult<Option<f64>> {
    use diesel::dsl::{count_star, sql};
    use diesel::sql_types::BigInt;
    let (_, late) = sums_sql(db, now);
    let (late, runs): (i64, i64) = of(workspace, term)
        .filter(flow_runs::expected_start_at.is_not_null())
        .select((sql::<BigInt>(&late), count_star()))
        .get_result(db)?;
    let seconds = std::time::Duration::from_micros(late.unsigned_abs()).as_secs_f64();
    let runs = u32::try_from(runs).unwrap_or(u32::MAX);
    Ok((runs > 0).then(|| seconds / f64::from(runs)))
}

/// A run of a workspace.
pub fn one(db: &mut Db, workspace: WorkspaceId, id: FlowRunId) -> QueryResult<Option<FlowRun>> {
    let run = shown::flow_runs(workspace).filter(flow_runs::id.eq(id));
    on_each_backend!(db, |conn| run.select(FlowRun::as_select()).first(conn)).optional()
}

/// The names of some runs.
pub fn names(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[FlowRunId],
) -> QueryResult<Vec<(FlowRunId, String)>> {
    shown::flow_runs(workspace)
        .filter(flow_runs::id.eq_any(ids.to_vec()))
        .select((flow_runs::id, flow_runs::name))
        .load(db)
}

/// Whether a run is in the workspace.
pub fn exists(db: &mut Db, workspace: WorkspaceId, id: FlowRunId) -> QueryResult<bool> {
    let found: Option<FlowRunId> = shown::flow_runs(workspace)
        .filter(flow_runs::id.eq(id))
        .select(flow_runs::id)
        .first(db)
        .optional()?;
    Ok(found.is_some())
}

/// The same, which nobody else changes before this transaction ends.
pub fn locked(db: &mut Db, workspace: WorkspaceId, id: FlowRunId) -> QueryResult<Option<FlowRun>> {
    let AnyConnection::Postgres(conn) = &mut db.connection else { return one(db, workspace, id) };
    let run = shown::flow_runs(workspace).filter(flow_runs::id.eq(id));
    run.select(FlowRun::as_select()).for_update().first(conn).optional()
}

/// The same, with what its events say of its flow, and until when nothing may start in the workspace.
pub fn locked_with_flow(
    db: &mut Db,
    workspace: WorkspaceId,
    id: FlowRunId,
) -> QueryResult<Option<(FlowRun, FlowNote, Option<Instant>)>> {
    type Found = (FlowRun, Option<String>, Option<Json<Vec<String>>>, Option<Instant>);
    let flow = flows::table
        .filter(flows::workspace_id.eq(flow_runs::workspace_id))
        .filter(flows::id.eq(flow_runs::flow_id));
    let (name, tags) =
        (flow.select(flows::name).single_value(), flow.select(flows::tags).single_value());
    let held =
        workspaces::table.find(workspace).select(workspaces::starts_held_until).single_value();
    let run = shown::flow_runs(workspace).filter(flow_runs::id.eq(id));
    let found: Option<Found> = match &mut db.connection {
        AnyConnection::Postgres(conn) => {
            run.select((FlowRun::as_select(), name, tags, held)).for_update().first(conn)
        }
        AnyConnection::Sqlite(conn) => {
            run.select((FlowRun::as_select(), name, tags, held)).first(conn)
        }
    }
    .optional()?;
    Ok(found.map(|(run, name, tags, held)| (run, FlowNote::of(name, tags), held)))
}

/// Runs that have not ended, of flows that a run started, and the deployments of those that have a process of their own;
/// but for such that are being cancelled already; at most `limit`.
pub fn open_children(
    db: &mut Db,
    workspace: WorkspaceId,
    id: FlowRunId,
    limit: i64,
) -> QueryResult<Vec<(FlowRunId, Option<DeploymentId>)>> {
    let ended: Vec<StateType> =
        StateType::ALL.iter().copied().filter(|kind| kind.is_final()).collect();
    let tasks = all::task_runs(workspace)
        .filter(task_runs::flow_run_id.eq(id))
        .select(task_runs::id.nullable());
    all::flow_runs(workspace)
        .filter(flow_runs::parent_task_run_id.eq_any(tasks))
        .filter(flow_runs::state_type.ne_all(ended))
        .filter(
            flow_runs::deployment_id
                .is_null()
                .or(flow_runs::state_type.ne(StateType::Cancelling.as_str())),
        )
        .limit(limit)
        .select((flow_runs::id, flow_runs::deployment_id))
        .load(db)
}

/// Runs of flows that a run started, the first one first.
pub fn children(
    db: &mut Db,
    workspace: WorkspaceId,
    id: FlowRunId,
    limit: i64,
) -> QueryResult<Vec<FlowRun>> {
    let tasks = all::task_runs(workspace)
        .filter(task_runs::flow_run_id.eq(id))
        .select(task_runs::id.nullable());
    shown::flow_runs(workspace)
        .filter(flow_runs::parent_task_run_id.eq_any(tasks))
        .order(flow_runs::id)
        .limit(limit)
        .select(FlowRun::as_select())
        .load(db)
}

/// The run of the subflow that a task stands for.
pub fn of_task(
    db: &mut Db,
    workspace: WorkspaceId,
    task: TaskRunId,
) -> QueryResult<Option<FlowRun>> {
    shown::flow_runs(workspace)
        .filter(flow_runs::parent_task_run_id.eq(task.cast::<()>()))
        .select(FlowRun::as_select())
        .first(db)
        .optional()
}

/// The run of an idempotency key.
pub fn of_key(
    db: &mut Db,
    workspace: WorkspaceId,
    (flow, key): (FlowId, &str),
) -> QueryResult<Option<FlowRun>> {
    all::flow_runs(workspace)
        .filter(flow_runs::flow_id.eq(flow))
        .filter(flow_runs::idempotency_key.eq(key))
        .select(FlowRun::as_select())
        .first(db)
        .optional()
}

/// Runs of a workspace.
pub fn some(
    db: &mut Db,
    workspace: WorkspaceId,
    term: Term,
    sort: Sort,
    window: Window,
) -> QueryResult<Vec<FlowRun>> {
    let (id, expected) = (flow_runs::id, flow_runs::expected_start_at);
    let (ended, next) = (flow_runs::ended_at, flow_runs::next_scheduled_at);
    let begun = || either(flow_runs::started_at, expected);
    let query = of(workspace, term);
    // The databases differ in where they put what is NULL; the client's own server keeps it first, on SQLite.
    let query = match sort {
        Sort::Id => query.order(id.desc()),
        Sort::Expected => query.order((expected, id)),
        Sort::ExpectedDown => query.order((expected.desc(), id.desc())),
        Sort::Started => query.order((begun().is_not_null(), begun(), id)),
        Sort::StartedDown => query.order((begun().is_not_null().desc(), begun().desc(), id.desc())),
        Sort::EndedDown => query.order((ended.is_not_null().desc(), ended.desc(), id.desc())),
        Sort::NextScheduled => query.order((next.is_not_null(), next, id)),
        Sort::Name => query.order((flow_runs::name, id)),
        Sort::NameDown => query.order((flow_runs::name.desc(), id.desc())),
    };
    query.limit(window.limit).offset(window.offset).select(FlowRun::as_select()).load(db)
}

/// How many runs of a workspace there are.
pub fn count(db: &mut Db, workspace: WorkspaceId, term: Term) -> QueryResult<i64> {
    of(workspace, term).count().get_result(db)
}

/// The states that a run was in, the first one first; 1,000 at most.
pub fn states(db: &mut Db, workspace: WorkspaceId, id: FlowRunId) -> Result<Vec<State>> {
    let all = shown::flow_run_states(workspace)
        .filter(flow_run_states::flow_run_id.eq(id))
        .order((flow_run_states::at, flow_run_states::id))
        .limit(1000);
    check_together(&all.select(length(flow_run_states::state)).load(db)?)?;
    let states: Vec<Json<State>> = all.select(flow_run_states::state).load(db)?;
    Ok(states.into_iter().map(|state| state.0).collect())
}

/// A state of a workspace's run, by id.
pub fn state(db: &mut Db, workspace: WorkspaceId, id: StateId) -> QueryResult<Option<State>> {
    let state: Option<Json<State>> = shown::flow_run_states(workspace)
        .filter(flow_run_states::id.eq(id))
        .select(flow_run_states::state)
        .first(db)
        .optional()?;
    Ok(state.map(|state| state.0))
}

/// Keeps a new run.
pub fn insertion(workspace: WorkspaceId, run: &FlowRun) -> impl Writing + '_ {
    let state = run.state();
    let maker = run.body.0.created_by.as_ref();
    diesel::insert_into(flow_runs::table).values((
        (
            flow_runs::id.eq(run.id),
            flow_runs::workspace_id.eq(workspace),
            flow_runs::flow_id.eq(run.flow_id),
            flow_runs::name.eq(&run.name),
            flow_runs::flow_version.eq(&run.flow_version),
            flow_runs::parent_task_run_id.eq(run.parent_task_run_id),
            flow_runs::idempotency_key.eq(&run.idempotency_key),
            flow_runs::tags.eq(&run.tags),
            flow_runs::body.eq(&run.body),
            flow_runs::policy.eq(&run.policy),
            flow_runs::state.eq(&run.state),
            flow_runs::state_type.eq(state.map(|state| state.kind)),
        ),
        flow_runs::state_name.eq(state.map(|state| state.name.as_str())),
        flow_runs::state_at.eq(state.map(|state| state.timestamp)),
        flow_runs::infrastructure_pid.eq(&run.infrastructure_pid),
        flow_runs::run_count.eq(run.run_count),
        flow_runs::expected_start_at.eq(run.expected_start_at),
        flow_runs::next_scheduled_at.eq(run.next_scheduled_at),
        flow_runs::started_at.eq(run.started_at),
        flow_runs::ended_at.eq(run.ended_at),
        flow_runs::total_run_micros.eq(run.total_run_micros),
        flow_runs::created_at.eq(run.created_at),
        flow_runs::updated_at.eq(run.updated_at),
        flow_runs::expires_at.eq(state.and_then(State::expires_at)),
        flow_runs::deployment_id.eq(run.deployment_id),
        flow_runs::created_by_id.eq(maker.map(|maker| Id::<()>::from(maker.id))),
        flow_runs::created_by_kind.eq(maker.map(|maker| maker.kind.as_str())),
    ))
}

/// Keeps which state a run is in from now on.
pub fn update_of_state<'a>(
    (workspace, id): (WorkspaceId, FlowRunId),
    state: &'a State,
    (policy, course): (&Policy, &Course),
    now: Instant,
) -> impl Writing + 'a {
    diesel::update(flow_runs::table.find((workspace, id))).set((
        flow_runs::state.eq(Some(Json(state.clone()))),
        flow_runs::state_type.eq(Some(state.kind)),
        flow_runs::state_name.eq(Some(&state.name)),
        flow_runs::state_at.eq(Some(state.timestamp)),
        flow_runs::policy.eq(Json(policy.clone())),
        flow_runs::run_count.eq(course.run_count),
        flow_runs::expected_start_at.eq(course.expected_start_at),
        flow_runs::next_scheduled_at.eq(course.next_scheduled_at),
        flow_runs::started_at.eq(course.started_at),
        flow_runs::ended_at.eq(course.ended_at),
        flow_runs::total_run_micros.eq(course.total_run_micros),
        flow_runs::updated_at.eq(now),
        flow_runs::expires_at.eq(state.expires_at()),
    ))
}

/// Keeps when the state of a run is taken as over.
pub fn set_expiry(
    db: &mut Db,
    workspace: WorkspaceId,
    id: FlowRunId,
    expires_at: Option<Instant>,
) -> QueryResult<()> {
    diesel::update(flow_runs::table.find((workspace, id)))
        .set(flow_runs::expires_at.eq(expires_at))
        .execute(db)?;
    Ok(())
}

/// Keeps a state that a run is or was in.
pub fn insertion_of_state(
    (workspace, id): (WorkspaceId, FlowRunId),
    state: &State,
) -> impl Writing + use<> {
    diesel::insert_into(flow_run_states::table).values((
        flow_run_states::id.eq(state.id),
        flow_run_states::workspace_id.eq(workspace),
        flow_run_states::flow_run_id.eq(id),
        flow_run_states::at.eq(state.timestamp),
        flow_run_states::state.eq(Json(state.clone())),
    ))
}

/// Keeps what a client changed in a run.
pub fn update(db: &mut Db, workspace: WorkspaceId, run: &FlowRun, now: Instant) -> QueryResult<()> {
    diesel::update(flow_runs::table.find((workspace, run.id)))
        .set((
            flow_runs::name.eq(&run.name),
            flow_runs::flow_version.eq(&run.flow_version),
            flow_runs::tags.eq(&run.tags),
            flow_runs::body.eq(&run.body),
            flow_runs::policy.eq(&run.policy),
            flow_runs::infrastructure_pid.eq(&run.infrastructure_pid),
            flow_runs::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}
