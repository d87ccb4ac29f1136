//! Which part of a workspace's history is to be seen, and whether it may go on for now: a transfer to an account that keeps runs for fewer days hides
//! the older ones at once, and they go when it can't be undone any more (SP-27).
//!
//! A transfer that waits until nothing runs lets nothing start meanwhile (SP-28).
//!
//! The conditions are macros, since their types have no names. Each begins with a look at the workspace's row,
//! which the database takes once in a statement.

use diesel::prelude::*;

use super::WorkspaceId;
use crate::base::db::schema::workspaces;
use crate::base::db::{Db, Instant, on_each_backend};

/// Whether a part of a workspace's history is hidden.
///
/// # Errors
/// The database's fault.
pub fn hides_some(db: &mut Db, workspace: WorkspaceId) -> QueryResult<bool> {
    let row = workspaces::table.find(workspace).select(workspaces::runs_visible_from.is_not_null());
    let hides: Option<bool> = on_each_backend!(db, |conn| row.first(conn)).optional()?;
    Ok(hides.unwrap_or(false))
}

/// Whether no flow run of a workspace may start now.
///
/// # Errors
/// The database's fault.
pub fn holds_starts(db: &mut Db, workspace: WorkspaceId, now: Instant) -> QueryResult<bool> {
    let until: Option<Option<Instant>> = workspaces::table
        .find(workspace)
        .select(workspaces::starts_held_until)
        .first(db)
        .optional()?;
    Ok(until.flatten().is_some_and(|until| until > now))
}

/// Lets flow runs start again.
///
/// # Errors
/// The database's fault.
pub fn release_starts(db: &mut Db, workspace: WorkspaceId) -> QueryResult<usize> {
    diesel::update(workspaces::table.find(workspace))
        .set(workspaces::starts_held_until.eq(None::<Instant>))
        .execute(db)
}

/// When the part of a workspace's history begins that is to be seen; nothing where all is.
macro_rules! visible_from {
    ($workspace:expr) => {{
        use diesel::prelude::*;
        use $crate::base::db::schema::workspaces;
        workspaces::table.find($workspace).select(workspaces::runs_visible_from).single_value()
    }};
}

/// Flow runs that are to be seen.
macro_rules! shown_runs {
    ($workspace:expr) => {{
        use diesel::prelude::*;
        use $crate::access::history::visible_from;
        use $crate::base::db::schema::flow_runs;
        visible_from!($workspace)
            .is_null()
            .or(flow_runs::ended_at.is_null())
            .or(flow_runs::ended_at.ge(visible_from!($workspace)))
    }};
}

/// Flow runs that are not to be seen, as the rows of another table point to them by `$id`.
macro_rules! hidden_run {
    ($workspace:expr, $id:expr) => {{
        use diesel::prelude::*;
        use $crate::access::history::visible_from;
        use $crate::base::db::schema::flow_runs;
        diesel::dsl::exists(
            flow_runs::table
                .filter(flow_runs::workspace_id.eq($workspace))
                .filter(flow_runs::id.nullable().eq($id))
                .filter(flow_runs::ended_at.lt(visible_from!($workspace))),
        )
    }};
}

/// Task runs that are to be seen: those of such flow runs; of no run, those that ended since.
macro_rules! shown_tasks {
    ($workspace:expr) => {{
        use diesel::dsl::not;
        use diesel::prelude::*;
        use $crate::access::history::{hidden_run, visible_from};
        use $crate::base::db::schema::task_runs;
        let is_late = task_runs::ended_at
            .is_null()
            .or(task_runs::flow_run_id.is_not_null())
            .or(task_runs::ended_at.ge(visible_from!($workspace)));
        visible_from!($workspace)
            .is_null()
            .or(not(hidden_run!($workspace, task_runs::flow_run_id)).and(is_late))
    }};
}

/// States of flow runs that are to be seen: those of such runs.
macro_rules! shown_states {
    ($workspace:expr) => {{
        use diesel::prelude::*;
        use $crate::access::history::shown_runs;
        use $crate::base::db::schema::{flow_run_states, flow_runs};
        diesel::dsl::exists(
            flow_runs::table
                .filter(flow_runs::workspace_id.eq($workspace))
                .filter(flow_runs::id.eq(flow_run_states::flow_run_id))
                .filter(shown_runs!($workspace)),
        )
    }};
}

/// States of task runs that are to be seen: those of such runs.
macro_rules! shown_task_states {
    ($workspace:expr) => {{
        use diesel::prelude::*;
        use $crate::access::history::shown_tasks;
        use $crate::base::db::schema::{task_run_states, task_runs};
        diesel::dsl::exists(
            task_runs::table
                .filter(task_runs::workspace_id.eq($workspace))
                .filter(task_runs::id.eq(task_run_states::task_run_id))
                .filter(shown_tasks!($workspace)),
        )
    }};
}

/// Log lines that are to be seen.
macro_rules! shown_lines {
    ($workspace:expr) => {{
        use diesel::dsl::not;
        use diesel::prelude::*;
        use $crate::access::history::{hidden_run, visible_from};
        use $crate::base::db::schema::{logs, task_runs};
        let is_late =
            logs::flow_run_id.is_not_null().or(logs::at.nullable().ge(visible_from!($workspace)));
        let hidden_task = diesel::dsl::exists(
            task_runs::table
                .filter(task_runs::workspace_id.eq($workspace))
                .filter(task_runs::id.nullable().eq(logs::task_run_id))
                .filter(task_runs::ended_at.lt(visible_from!($workspace))),
        );
        visible_from!($workspace).is_null().or(not(hidden_run!($workspace, logs::flow_run_id))
            .and(is_late)
            .and(logs::flow_run_id.is_not_null().or(not(hidden_task))))
    }};
}

/// Events that are to be seen.
macro_rules! shown_events {
    ($workspace:expr) => {{
        use diesel::prelude::*;
        use $crate::access::history::visible_from;
        use $crate::base::db::schema::events;
        visible_from!($workspace)
            .is_null()
            .or(events::occurred_at.nullable().ge(visible_from!($workspace)))
    }};
}

pub(crate) use {
    hidden_run, shown_events, shown_lines, shown_runs, shown_states, shown_task_states,
    shown_tasks, visible_from,
};
