//! Finding and keeping runs of tasks.

use std::borrow::Cow;

use diesel::prelude::*;

use super::model::{TaskRun, TaskRunId};
use crate::access::WorkspaceId;
use crate::access::history::{Shown, all, shown};
use crate::base::db::ids::StateId;
use crate::base::db::schema::{task_run_states, task_runs};
use crate::base::db::text_enum;
use crate::base::db::{
    AnyConnection, Db, Instant, Json, MultiBackend, Prepared, length, on_each_backend,
};
use crate::base::error::Result;
use crate::base::http::json::{Window, check_together};
use crate::base::secret::sha256;
use crate::base::text::hex;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::states::model::{State, StateType};
use crate::orchestration::which::history::history_query;
use crate::orchestration::wire::term::{Term, column};

text_enum! {
    /// In which order, as clients say it; the first one where none is said.
    Sort {
        /// The newest first.
        Id = "ID_DESC",
        /// The first to be due first.
        Expected = "EXPECTED_START_TIME_ASC",
        /// The last to be due first.
        ExpectedDown = "EXPECTED_START_TIME_DESC",
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

type Query = diesel::dsl::IntoBoxed<'static, task_runs::table, MultiBackend>;

fn of(workspace: WorkspaceId, term: Term) -> Query {
    shown::task_runs(workspace).filter(term).into_boxed::<MultiBackend>()
}

history_query!(task_runs);

/// A run of a workspace.
pub fn one(db: &mut Db, workspace: WorkspaceId, id: TaskRunId) -> QueryResult<Option<TaskRun>> {
    let run = shown::task_runs(workspace).filter(task_runs::id.eq(id));
    on_each_backend!(db, |conn| run.select(TaskRun::as_select()).first(conn)).optional()
}

/// The same, which nobody else changes before this transaction ends.
pub fn locked(db: &mut Db, workspace: WorkspaceId, id: TaskRunId) -> QueryResult<Option<TaskRun>> {
    let AnyConnection::Postgres(conn) = &mut db.connection else { return one(db, workspace, id) };
    let run = shown::task_runs(workspace).filter(task_runs::id.eq(id));
    run.select(TaskRun::as_select()).for_update().first(conn).optional()
}

/// Whether a run is there, but is not to be seen.
pub fn is_hidden(db: &mut Db, workspace: WorkspaceId, id: TaskRunId) -> QueryResult<bool> {
    let hidden: Option<TaskRunId> = all::task_runs(workspace)
        .filter(task_runs::id.eq(id))
        .filter(diesel::dsl::not(Shown::<task_runs::table>::of(workspace)))
        .select(task_runs::id)
        .first(db)
        .optional()?;
    Ok(hidden.is_some())
}

/// The run of a task's two keys in a run of a flow, or outside of any.
pub fn id_of_keys(
    db: &mut Db,
    workspace: WorkspaceId,
    flow_run: Option<FlowRunId>,
    (task_key, dynamic_key): (&str, &str),
) -> QueryResult<Option<TaskRunId>> {
    let all = all::task_runs(workspace)
        .filter(task_runs::task_key.eq(task_key))
        .filter(task_runs::dynamic_key.eq(dynamic_key))
        .select(task_runs::id);
    match flow_run {
        Some(id) => all.filter(task_runs::flow_run_id.eq(id)).first(db),
        None => all.filter(task_runs::flow_run_id.is_null()).first(db),
    }
    .optional()
}

/// Waits until nobody else makes a run of two keys outside of any flow, where no row or constraint keeps two of
/// them apart; for the rest of the transaction. On `SQLite` one transaction writes at a time.
pub fn lock_keys(
    db: &mut Db,
    workspace: WorkspaceId,
    (task_key, dynamic_key): (&str, &str),
) -> QueryResult<()> {
    use diesel::sql_types::{Integer, Text};
    let AnyConnection::Postgres(conn) = &mut db.connection else { return Ok(()) };
    diesel::sql_query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
        .bind::<Integer, _>(LOCK_OF_KEYS)
        .bind::<Text, _>(format!("{workspace} {task_key} {dynamic_key}"))
        .execute(conn)?;
    Ok(())
}

/// Which of PostgreSQL's advisory locks stands for keys of tasks.
const LOCK_OF_KEYS: i32 = 1;

/// Runs of a workspace.
pub fn some(
    db: &mut Db,
    workspace: WorkspaceId,
    term: Term,
    sort: Sort,
    window: Window,
) -> QueryResult<Vec<TaskRun>> {
    let (id, expected) = (task_runs::id, task_runs::expected_start_at);
    let (ended, next) = (task_runs::ended_at, task_runs::next_scheduled_at);
    let query = of(workspace, term);
    // As of runs of flows.
    let query = match sort {
        Sort::Id => query.order(id.desc()),
        Sort::Expected => query.order((expected, id)),
        Sort::ExpectedDown => query.order((expected.desc(), id.desc())),
        Sort::EndedDown => query.order((ended.is_not_null().desc(), ended.desc(), id.desc())),
        Sort::NextScheduled => query.order((next.is_not_null(), next, id)),
        Sort::Name => query.order((task_runs::name, id)),
        Sort::NameDown => query.order((task_runs::name.desc(), id.desc())),
    };
    query.limit(window.limit).offset(window.offset).select(TaskRun::as_select()).load(db)
}

/// The condition of being in a run of a flow.
pub fn in_run(run: FlowRunId) -> Term {
    Term::is(column!(task_runs.flow_run_id), run)
}

/// How many runs in a run of a flow failed, and the first of them.
pub fn failed(
    db: &mut Db,
    workspace: WorkspaceId,
    run: FlowRunId,
) -> QueryResult<(i64, Option<TaskRun>)> {
    let kinds = [StateType::Failed, StateType::Crashed].map(|kind| kind.as_str().into());
    let kinds = Term::Among(column!(task_runs.state_type), kinds.to_vec());
    let term = Term::All(vec![in_run(run), kinds]);
    let first = some(db, workspace, term.clone(), Sort::Expected, Window { limit: 1, offset: 0 })?;
    Ok((count(db, workspace, term)?, first.into_iter().next()))
}

/// The names of some runs.
pub fn names(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[TaskRunId],
) -> QueryResult<Vec<(TaskRunId, String)>> {
    shown::task_runs(workspace)
        .filter(task_runs::id.eq_any(ids.to_vec()))
        .select((task_runs::id, task_runs::name))
        .load(db)
}

/// How many runs of a workspace there are.
pub fn count(db: &mut Db, workspace: WorkspaceId, term: Term) -> QueryResult<i64> {
    of(workspace, term).count().get_result(db)
}

/// Runs in a run of a flow that have not ended; at most `limit`.
pub fn open_in(
    db: &mut Db,
    workspace: WorkspaceId,
    run: FlowRunId,
    limit: i64,
) -> QueryResult<Vec<TaskRunId>> {
    let ended: Vec<StateType> =
        StateType::ALL.iter().copied().filter(|kind| kind.is_final()).collect();
    all::task_runs(workspace)
        .filter(task_runs::flow_run_id.eq(run))
        .filter(task_runs::state_type.is_null().or(task_runs::state_type.ne_all(ended)))
        .limit(limit)
        .select(task_runs::id)
        .load(db)
}

/// Removes some runs of tasks in some runs of flows, with their states; returns how many.
pub fn delete_in(
    db: &mut Db,
    workspace: WorkspaceId,
    runs: &[FlowRunId],
    limit: i64,
) -> QueryResult<usize> {
    let some = all::task_runs(workspace);
    let ids: Vec<TaskRunId> = some
        .filter(task_runs::flow_run_id.eq_any(runs.to_vec()))
        .limit(limit)
        .select(task_runs::id)
        .load(db)?;
    diesel::delete(some.filter(task_runs::id.eq_any(ids))).execute(db)
}

/// Keeps a new run in its state.
pub fn insert(db: &mut Db, workspace: WorkspaceId, run: &TaskRun) -> QueryResult<()> {
    let state = run.state();
    on_each_backend!(db, |conn| diesel::insert_into(task_runs::table)
        .values((
            (
                task_runs::id.eq(run.id),
                task_runs::workspace_id.eq(workspace),
                task_runs::flow_run_id.eq(run.flow_run_id),
                task_runs::name.eq(&run.name),
                task_runs::task_key.eq(&run.task_key),
                task_runs::dynamic_key.eq(&run.dynamic_key),
                task_runs::tags.eq(&run.tags),
                task_runs::body.eq(&run.body),
                task_runs::policy.eq(&run.policy),
                task_runs::state.eq(&run.state),
                task_runs::state_type.eq(state.map(|state| state.kind)),
            ),
            task_runs::state_name.eq(state.map(|state| state.name.as_str())),
            task_runs::state_at.eq(state.map(|state| state.timestamp)),
            task_runs::run_count.eq(run.run_count),
            task_runs::expected_start_at.eq(run.expected_start_at),
            task_runs::next_scheduled_at.eq(run.next_scheduled_at),
            task_runs::started_at.eq(run.started_at),
            task_runs::ended_at.eq(run.ended_at),
            task_runs::total_run_micros.eq(run.total_run_micros),
            task_runs::created_at.eq(run.created_at),
            task_runs::updated_at.eq(run.updated_at),
        ))
        .execute(conn))?;
    Ok(())
}

/// Keeps a run as it is now.
pub fn update(db: &mut Db, workspace: WorkspaceId, run: &TaskRun) -> QueryResult<()> {
    let state = run.state();
    let change = Prepared(diesel::update(task_runs::table.find((workspace, run.id))).set((
        task_runs::name.eq(&run.name),
        task_runs::tags.eq(&run.tags),
        task_runs::body.eq(&run.body),
        task_runs::policy.eq(&run.policy),
        task_runs::state.eq(&run.state),
        task_runs::state_type.eq(state.map(|state| state.kind)),
        task_runs::state_name.eq(state.map(|state| state.name.as_str())),
        task_runs::state_at.eq(state.map(|state| state.timestamp)),
        task_runs::run_count.eq(run.run_count),
        task_runs::expected_start_at.eq(run.expected_start_at),
        task_runs::next_scheduled_at.eq(run.next_scheduled_at),
        task_runs::started_at.eq(run.started_at),
        task_runs::ended_at.eq(run.ended_at),
        task_runs::total_run_micros.eq(run.total_run_micros),
        task_runs::updated_at.eq(run.updated_at),
    )));
    on_each_backend!(db, |conn| change.execute(conn))?;
    Ok(())
}

/// Bytes of a key in an index, at most: PostgreSQL takes no entry of more than a third of a page.
pub const LONGEST_KEY: usize = 1000;

/// A cache key as the index holds it: a long one by its hash.
fn indexed(key: &str) -> Cow<'_, str> {
    if key.len() <= LONGEST_KEY {
        return Cow::Borrowed(key);
    }
    Cow::Owned(format!("sha256:{}", hex(&sha256(key.as_bytes()))))
}

/// Keeps a state that a run was in; one that is known already stays.
pub fn insert_state(
    db: &mut Db,
    workspace: WorkspaceId,
    run: TaskRunId,
    state: &State,
) -> QueryResult<()> {
    // Only results can be taken by other runs.
    let details = Some(&state.state_details).filter(|_| state.kind == StateType::Completed);
    let cache_key = details.and_then(|details| details.cache_key.as_deref()).map(indexed);
    let row = (
        task_run_states::id.eq(state.id),
        task_run_states::workspace_id.eq(workspace),
        task_run_states::task_run_id.eq(run),
        task_run_states::at.eq(state.timestamp),
        task_run_states::cache_key.eq(&cache_key),
        task_run_states::cache_expires_at.eq(details.and_then(|details| details.cache_expiration)),
        task_run_states::state.eq(Json(state.clone())),
    );
    on_each_backend!(db, |conn| diesel::insert_into(task_run_states::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// The newest result of a cache key that still counts.
pub fn cached(
    db: &mut Db,
    workspace: WorkspaceId,
    key: &str,
    now: Instant,
) -> QueryResult<Option<State>> {
    let expires = task_run_states::cache_expires_at;
    let state: Option<Json<State>> = shown::task_run_states(workspace)
        .filter(task_run_states::cache_key.eq(indexed(key)))
        .filter(expires.is_null().or(expires.gt(now)))
        .order(task_run_states::at.desc())
        .select(task_run_states::state)
        .first(db)
        .optional()?;
    Ok(state.map(|state| state.0))
}

/// The states that a run was in, the first one first; 1,000 at most.
pub fn states(db: &mut Db, workspace: WorkspaceId, id: TaskRunId) -> Result<Vec<State>> {
    let all = shown::task_run_states(workspace)
        .filter(task_run_states::task_run_id.eq(id))
        .order((task_run_states::at, task_run_states::id))
        .limit(1000);
    check_together(&all.select(length(task_run_states::state)).load(db)?)?;
    let states: Vec<Json<State>> = all.select(task_run_states::state).load(db)?;
    Ok(states.into_iter().map(|state| state.0).collect())
}

/// A state of a workspace's run, by id.
pub fn state(db: &mut Db, workspace: WorkspaceId, id: StateId) -> QueryResult<Option<State>> {
    let state: Option<Json<State>> = shown::task_run_states(workspace)
        .filter(task_run_states::id.eq(id))
        .select(task_run_states::state)
        .first(db)
        .optional()?;
    Ok(state.map(|state| state.0))
}

/// Removes a run with its states; returns whether it was there.
pub fn delete(db: &mut Db, workspace: WorkspaceId, id: TaskRunId) -> QueryResult<bool> {
    Ok(diesel::delete(task_runs::table.find((workspace, id))).execute(db)? > 0)
}
