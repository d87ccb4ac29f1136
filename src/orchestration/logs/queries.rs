//! Keeping and finding lines.

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::base::db::paging::contains_pattern;
use crate::base::db::schema::logs;
use crate::base::db::{Db, Id, Instant, MultiBackend, on_each_backend};
use crate::base::http::json::Window;
use crate::orchestration::wire::filter::lower;

/// What an id of the `logs` table is the id of.
#[derive(Debug)]
pub enum LogMarker {}

/// The id of a line.
pub type LogId = Id<LogMarker>;

/// A line.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = logs, check_for_backend(MultiBackend))]
pub struct Log {
    /// Its id.
    pub id: LogId,
    /// The flow run that logged it.
    pub flow_run_id: Option<Id<()>>,
    /// The task run that logged it.
    pub task_run_id: Option<Id<()>>,
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

/// Keeps lines.
///
/// # Errors
/// The database's fault.
pub fn insert(db: &mut Db, workspace: WorkspaceId, lines: &[Log]) -> QueryResult<()> {
    for some in lines.chunks(ROWS) {
        let rows: Vec<_> = some
            .iter()
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
        on_each_backend!(db, |conn| diesel::insert_into(logs::table).values(&rows).execute(conn))?;
    }
    Ok(())
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Of these flow runs.
    pub flow_runs: Option<Vec<Id<()>>>,
    /// Of these task runs.
    pub task_runs: Option<Vec<Id<()>>>,
    /// Of no task, or of some.
    pub without_task: Option<bool>,
    /// At least so grave.
    pub level_from: Option<i64>,
    /// At most so grave.
    pub level_to: Option<i64>,
    /// Until then.
    pub before: Option<Instant>,
    /// From then on.
    pub after: Option<Instant>,
    /// Words that all occur in the message or the logger's name.
    pub words: Option<String>,
    /// The latest first.
    pub is_down: bool,
}

/// Lines of a workspace.
///
/// # Errors
/// The database's fault.
pub fn some(
    db: &mut Db,
    workspace: WorkspaceId,
    which: Which,
    window: Window,
) -> QueryResult<Vec<Log>> {
    let mut query =
        logs::table.filter(logs::workspace_id.eq(workspace)).into_boxed::<MultiBackend>();
    if let Some(ids) = which.flow_runs {
        query = query.filter(logs::flow_run_id.eq_any(ids));
    }
    if let Some(ids) = which.task_runs {
        query = query.filter(logs::task_run_id.eq_any(ids));
    }
    query = match which.without_task {
        Some(true) => query.filter(logs::task_run_id.is_null()),
        Some(false) => query.filter(logs::task_run_id.is_not_null()),
        None => query,
    };
    if let Some(level) = which.level_from {
        query = query.filter(logs::level.ge(level));
    }
    if let Some(level) = which.level_to {
        query = query.filter(logs::level.le(level));
    }
    if let Some(before) = which.before {
        query = query.filter(logs::at.le(before));
    }
    if let Some(after) = which.after {
        query = query.filter(logs::at.ge(after));
    }
    query = with_words(query, which.words.as_deref());
    query = if which.is_down {
        query.order((logs::at.desc(), logs::id.desc()))
    } else {
        query.order((logs::at, logs::id))
    };
    query.limit(window.limit).offset(window.offset).select(Log::as_select()).load(db)
}

/// When this server heard of a line, to the millisecond: that is in its id.
pub fn received_at(id: LogId) -> Instant {
    let millis = id.uuid().as_u128() >> 80;
    Instant::from_microseconds(i64::try_from(millis).unwrap_or(0).saturating_mul(1000))
}

/// Lines that this server heard of since a moment, in that order; a thousand at most.
///
/// # Errors
/// The database's fault.
pub fn received_since(
    db: &mut Db,
    workspace: WorkspaceId,
    since: Instant,
) -> QueryResult<Vec<Log>> {
    let millis = u128::try_from(since.as_microseconds().div_euclid(1000)).unwrap_or(0);
    let from = LogId::from(uuid::Uuid::from_u128(millis << 80));
    logs::table
        .filter(logs::workspace_id.eq(workspace))
        .filter(logs::id.ge(from))
        .order(logs::id)
        .limit(1000)
        .select(Log::as_select())
        .load(db)
}

/// Lines of one flow run.
#[derive(Clone, Debug)]
pub struct Of {
    /// The run.
    pub run: Id<()>,
    /// At least so grave.
    pub level: Option<i64>,
    /// Words that all occur in the message or the logger's name.
    pub words: Option<String>,
}

type Query = diesel::dsl::IntoBoxed<'static, logs::table, MultiBackend>;

fn with_words(mut query: Query, words: Option<&str>) -> Query {
    for word in words.into_iter().flat_map(str::split_whitespace).take(10) {
        let pattern = contains_pattern(word);
        let message = lower(logs::message).like(pattern.clone()).escape('\\');
        query = query.filter(message.or(lower(logs::name).like(pattern).escape('\\')));
    }
    query
}

fn of(workspace: WorkspaceId, which: &Of) -> Query {
    let mut query = logs::table
        .into_boxed::<MultiBackend>()
        .filter(logs::workspace_id.eq(workspace))
        .filter(logs::flow_run_id.eq(which.run));
    if let Some(level) = which.level {
        query = query.filter(logs::level.ge(level));
    }
    with_words(query, which.words.as_deref())
}

/// Lines before a place, the last one first.
///
/// # Errors
/// The database's fault.
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
///
/// # Errors
/// The database's fault.
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
