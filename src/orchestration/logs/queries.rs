//! Keeping and finding lines.

use std::collections::HashSet;

use diesel::dsl::not;
use diesel::prelude::*;

use super::filter;
use crate::access::WorkspaceId;
use crate::access::history::{Shown, all, hides_some, shown};
use crate::base::db::ids::{FlowRunId, TaskRunId};
use crate::base::db::schema::{flow_runs, logs, task_runs};
use crate::base::db::{Db, Instant, MultiBackend, length, on_each_backend};
use crate::base::error::Result;
use crate::base::http::json::{Window, check_together};
use crate::orchestration::wire::term::Term;

pub use crate::base::db::ids::LogId;

/// A line.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = logs, check_for_backend(MultiBackend))]
pub struct Log {
    /// Its id.
    pub id: LogId,
    /// The flow run that logged it.
    pub flow_run_id: Option<FlowRunId>,
    /// The task run that logged it.
    pub task_run_id: Option<TaskRunId>,
    /// The logger.
    pub name: String,
    /// How grave it is, from 0; 20 is information, 40 an error.
    pub level: i64,
    /// What it says.
    pub message: String,
    /// When it was logged.
    pub at: Instant,
}

/// Rows in one statement: what SQLite binds at most (32,766 values), with room to spare.
const ROWS: usize = 1000;

/// Keeps lines, but for those of runs that a transfer hid.
pub fn insert(db: &mut Db, workspace: WorkspaceId, lines: &[Log]) -> QueryResult<()> {
    let hides_some = hides_some(db, workspace)?;
    for some in lines.chunks(ROWS) {
        let (runs, tasks) = if hides_some { hidden(db, workspace, some)? } else { <_>::default() };
        let is_hidden = |line: &Log| {
            line.flow_run_id.is_some_and(|id| runs.contains(&id))
                || line.task_run_id.is_some_and(|id| tasks.contains(&id))
        };
        let rows: Vec<_> = some
            .iter()
            .filter(|line| !is_hidden(line))
            .map(|line| {
                (
                    logs::id.eq(line.id),
                    logs::workspace_id.eq(workspace),
                    logs::flow_run_id.eq(line.flow_run_id),
                    logs::task_run_id.eq(line.task_run_id),
                    logs::name.eq(line.name.as_str()),
                    logs::level.eq(line.level),
                    logs::message.eq(line.message.as_str()),
                    logs::at.eq(line.at),
                )
            })
            .collect();
        if rows.len() < some.len() {
            let lines = some.len().saturating_sub(rows.len());
            tracing::info!(lines, "lines of runs that a transfer hid are not kept");
        }
        on_each_backend!(db, |conn| diesel::insert_into(logs::table).values(&rows).execute(conn))?;
    }
    Ok(())
}

/// The runs of flows and tasks behind some lines that are not to be seen.
fn hidden(db: &mut Db, workspace: WorkspaceId, lines: &[Log]) -> QueryResult<Hidden> {
    let flow_run_ids: HashSet<_> = lines.iter().filter_map(|line| line.flow_run_id).collect();
    let task_run_ids: HashSet<_> = lines.iter().filter_map(|line| line.task_run_id).collect();
    let runs: Vec<FlowRunId> = all::flow_runs(workspace)
        .filter(flow_runs::id.eq_any(flow_run_ids))
        .filter(not(Shown::<flow_runs::table>::of(workspace)))
        .select(flow_runs::id)
        .load(db)?;
    let tasks: Vec<TaskRunId> = all::task_runs(workspace)
        .filter(task_runs::id.eq_any(task_run_ids))
        .filter(not(Shown::<task_runs::table>::of(workspace)))
        .select(task_runs::id)
        .load(db)?;
    Ok((runs.into_iter().collect(), tasks.into_iter().collect()))
}

/// Runs of flows and of tasks.
type Hidden = (HashSet<FlowRunId>, HashSet<TaskRunId>);

fn wanted(workspace: WorkspaceId, (term, is_down): (&Term, bool), window: Window) -> Query {
    let query = shown::logs(workspace).filter(term.clone()).into_boxed::<MultiBackend>();
    let query = if is_down {
        query.order((logs::at.desc(), logs::id.desc()))
    } else {
        query.order((logs::at, logs::id))
    };
    query.limit(window.limit).offset(window.offset)
}

/// Lines of a workspace, the latest first or last.
///
/// # Errors
/// [`crate::base::error::Error::Invalid`] for lines that are too large together; the database's fault.
pub fn some(
    db: &mut Db,
    workspace: WorkspaceId,
    which: (&Term, bool),
    window: Window,
) -> Result<Vec<Log>> {
    let lengths = wanted(workspace, which, window).select(length(logs::message)).load(db)?;
    check_together(&lengths)?;
    Ok(wanted(workspace, which, window).select(Log::as_select()).load(db)?)
}

/// When this server heard of a line, to the millisecond: that is in its id.
pub fn received_at(id: LogId) -> Instant {
    let millis = id.uuid().as_u128() >> 80;
    Instant::from_microseconds(i64::try_from(millis).unwrap_or(0).saturating_mul(1000))
}

/// The first id that a line has of which this server heard at a moment.
pub fn received_from(at: Instant) -> LogId {
    let millis = u128::try_from(at.as_microseconds().div_euclid(1000)).unwrap_or(0);
    LogId::from(uuid::Uuid::from_u128(millis << 80))
}

/// Lines that this server heard of behind a place, in that order.
pub fn received_since(
    db: &mut Db,
    workspace: WorkspaceId,
    (since, after): (Instant, LogId),
    limit: i64,
) -> QueryResult<Vec<Log>> {
    let from = received_from(since).max(after);
    shown::logs(workspace)
        .filter(logs::id.gt(from))
        .order(logs::id)
        .limit(limit)
        .select(Log::as_select())
        .load(db)
}

/// Lines of one run.
#[derive(Clone, Debug, Default)]
pub struct Of {
    /// Of this flow run.
    pub flow_run: Option<FlowRunId>,
    /// Of this task run.
    pub task_run: Option<TaskRunId>,
    /// Of the task runs of this name in that flow run.
    pub task_name: Option<String>,
    /// At least so grave.
    pub level: Option<i64>,
    /// Words that all occur in the message or the logger's name.
    pub words: Option<String>,
}

type Query = diesel::dsl::IntoBoxed<'static, logs::table, MultiBackend>;

/// Removes lines of a run of a task, at most `limit`; returns how many.
pub fn delete_of_task(
    db: &mut Db,
    workspace: WorkspaceId,
    task: TaskRunId,
    limit: i64,
) -> QueryResult<usize> {
    let all = all::logs(workspace);
    let ids: Vec<LogId> =
        all.filter(logs::task_run_id.eq(task)).limit(limit).select(logs::id).load(db)?;
    diesel::delete(all.filter(logs::id.eq_any(ids))).execute(db)
}

fn of(workspace: WorkspaceId, which: &Of) -> Query {
    let mut query = shown::logs(workspace).into_boxed::<MultiBackend>();
    if let Some(run) = which.flow_run {
        query = query.filter(logs::flow_run_id.eq(run));
    }
    if let Some(run) = which.task_run {
        query = query.filter(logs::task_run_id.eq(run));
    }
    if let Some(name) = &which.task_name {
        let of_name = all::task_runs(workspace)
            .filter(task_runs::flow_run_id.eq(which.flow_run))
            .filter(task_runs::name.eq(name.clone()))
            .select(task_runs::id.nullable());
        query = query.filter(logs::task_run_id.eq_any(of_name));
    }
    if let Some(level) = which.level {
        query = query.filter(logs::level.ge(level));
    }
    let words = which.words.iter().flat_map(|words| words.split_whitespace()).take(10);
    query.filter(Term::All(words.map(filter::has).collect()))
}

/// Lines before a place, the last one first.
pub fn before(
    db: &mut Db,
    workspace: WorkspaceId,
    which: &Of,
    place: Option<(Instant, LogId)>,
    limit: i64,
) -> QueryResult<Vec<Log>> {
    let mut query = of(workspace, which);
    if let Some((at, id)) = place {
        query = query.filter(logs::at.lt(at).or(logs::at.eq(at).and(logs::id.lt(id))));
    }
    query.order((logs::at.desc(), logs::id.desc())).limit(limit).select(Log::as_select()).load(db)
}

/// Lines after a place, the first one first.
pub fn after(
    db: &mut Db,
    workspace: WorkspaceId,
    which: &Of,
    place: Option<(Instant, LogId)>,
    limit: i64,
) -> QueryResult<Vec<Log>> {
    let mut query = of(workspace, which);
    if let Some((at, id)) = place {
        query = query.filter(logs::at.gt(at).or(logs::at.eq(at).and(logs::id.gt(id))));
    }
    query.order((logs::at, logs::id)).limit(limit).select(Log::as_select()).load(db)
}
