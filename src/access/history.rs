//! Which part of a workspace's history is to be seen, and whether it may go on for now: a transfer to an account that keeps runs for fewer days hides
//! the older ones at once, and they go when it can't be undone any more (SP-27).
//!
//! A transfer that waits until nothing runs lets nothing start meanwhile (SP-28).
//!
//! Runs, their states, lines and events are read through [`shown`], or through [`all`] where what is hidden counts
//! too; nothing else names their tables in a read (`tests/architecture.rs`).

use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Nullable};

use super::WorkspaceId;
use crate::base::db::schema::{
    events, flow_run_states, flow_runs, logs, task_run_states, task_runs, workspaces,
};
use crate::base::db::{Db, Instant, SqlId, on_each_backend};

/// Whether a part of a workspace's history is hidden.
pub fn hides_some(db: &mut Db, workspace: WorkspaceId) -> QueryResult<bool> {
    let row = workspaces::table.find(workspace).select(workspaces::runs_visible_from.is_not_null());
    let hides: Option<bool> = on_each_backend!(db, |conn| row.first(conn)).optional()?;
    Ok(hides.unwrap_or(false))
}

/// Whether no flow run of a workspace may start now.
pub fn holds_starts(db: &mut Db, workspace: WorkspaceId, now: Instant) -> QueryResult<bool> {
    let until: Option<Option<Instant>> = workspaces::table
        .find(workspace)
        .select(workspaces::starts_held_until)
        .first(db)
        .optional()?;
    Ok(until.flatten().is_some_and(|until| until > now))
}

/// Lets flow runs start again.
pub fn release_starts(db: &mut Db, workspace: WorkspaceId) -> QueryResult<usize> {
    diesel::update(workspaces::table.find(workspace))
        .set(workspaces::starts_held_until.eq(None::<Instant>))
        .execute(db)
}

/// A table of which a transfer may hide rows.
pub trait History: Table {
    /// Which of its rows are to be seen, as SQL: `?` is the workspace's id, and `@` the moment from which on its history
    /// is to be seen, nothing where all is. That is a look at one row, which the database takes once in a statement.
    const SHOWN: &'static str;
}

impl History for flow_runs::table {
    const SHOWN: &'static str =
        "@ IS NULL OR flow_runs.ended_at IS NULL OR flow_runs.ended_at >= @";
}

/// Those of such flow runs; of no run, those that ended since.
impl History for task_runs::table {
    const SHOWN: &'static str = "@ IS NULL OR (NOT EXISTS (SELECT 1 FROM flow_runs WHERE flow_runs.workspace_id = ? \
         AND flow_runs.id = task_runs.flow_run_id AND flow_runs.ended_at < @) \
         AND (task_runs.ended_at IS NULL OR task_runs.flow_run_id IS NOT NULL OR task_runs.ended_at >= @))";
}

impl History for flow_run_states::table {
    const SHOWN: &'static str = "EXISTS (SELECT 1 FROM flow_runs WHERE flow_runs.workspace_id = ? \
         AND flow_runs.id = flow_run_states.flow_run_id \
         AND (@ IS NULL OR flow_runs.ended_at IS NULL OR flow_runs.ended_at >= @))";
}

impl History for task_run_states::table {
    const SHOWN: &'static str = "EXISTS (SELECT 1 FROM task_runs WHERE task_runs.workspace_id = ? \
         AND task_runs.id = task_run_states.task_run_id \
         AND (@ IS NULL OR (NOT EXISTS (SELECT 1 FROM flow_runs WHERE flow_runs.workspace_id = ? \
         AND flow_runs.id = task_runs.flow_run_id AND flow_runs.ended_at < @) \
         AND (task_runs.ended_at IS NULL OR task_runs.flow_run_id IS NOT NULL OR task_runs.ended_at >= @))))";
}

/// Those of such flow runs; of a task of no flow, those of such task runs; of nothing, those since.
impl History for logs::table {
    const SHOWN: &'static str = "@ IS NULL OR (NOT EXISTS (SELECT 1 FROM flow_runs WHERE flow_runs.workspace_id = ? \
         AND flow_runs.id = logs.flow_run_id AND flow_runs.ended_at < @) \
         AND (logs.flow_run_id IS NOT NULL OR logs.at >= @) \
         AND (logs.flow_run_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM task_runs \
         WHERE task_runs.workspace_id = ? AND task_runs.id = logs.task_run_id AND task_runs.ended_at < @)))";
}

impl History for events::table {
    const SHOWN: &'static str = "@ IS NULL OR events.occurred_at >= @";
}

/// Whether a row of a table is to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(WorkspaceId, PhantomData<T>);

impl<T> Shown<T> {
    /// The condition on rows of a workspace.
    pub fn of(workspace: WorkspaceId) -> Self {
        Self(workspace, PhantomData)
    }
}

impl<T> diesel::Expression for Shown<T> {
    type SqlType = Nullable<Bool>;
}

impl<T, Tables> AppearsOnTable<Tables> for Shown<T> {}

impl<T, Tables> SelectableExpression<Tables> for Shown<T> {}

impl<T> ValidGrouping<()> for Shown<T> {
    type IsAggregate = is_aggregate::Never;
}

impl<T: 'static> QueryId for Shown<T> {
    type QueryId = Self;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<T: History, DB: diesel::backend::Backend> QueryFragment<DB> for Shown<T>
where
    DB: diesel::backend::Backend + diesel::sql_types::HasSqlType<SqlId>,
    WorkspaceId: diesel::serialize::ToSql<SqlId, DB>,
{
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        walk_shown(T::SHOWN, &self.0, out)
    }
}

/// Writes which rows of a workspace are to be seen ([`History::SHOWN`]) into a statement.
pub fn walk_shown<'b, DB>(
    shown: &'static str,
    workspace: &'b WorkspaceId,
    mut out: AstPass<'_, 'b, DB>,
) -> QueryResult<()>
where
    DB: diesel::backend::Backend + diesel::sql_types::HasSqlType<SqlId>,
    WorkspaceId: diesel::serialize::ToSql<SqlId, DB>,
{
    out.push_sql("(");
    for part in shown.split_inclusive(['?', '@']) {
        let text = part.trim_end_matches(['?', '@']);
        out.push_sql(text);
        match part.get(text.len()..) {
            Some("?") => out.push_bind_param::<SqlId, WorkspaceId>(workspace)?,
            Some("@") => {
                out.push_sql("(SELECT runs_visible_from FROM workspaces WHERE id = ");
                out.push_bind_param::<SqlId, WorkspaceId>(workspace)?;
                out.push_sql(")");
            }
            _ => {}
        }
    }
    out.push_sql(")");
    Ok(())
}

/// Rows of one workspace, by the column that says which.
type Of<C> = diesel::dsl::Filter<<C as Column>::Table, diesel::dsl::Eq<C, WorkspaceId>>;

/// For each table a function that gives its rows in a workspace: in [`all`] whether a transfer hides them or not, in
/// [`shown`] those that are to be seen.
macro_rules! rows_of_workspaces {
    ($($table:ident),+) => {
        /// Rows of a workspace, whether a transfer hides them or not.
        pub mod all {
            use super::{ExpressionMethods, Of, QueryDsl, WorkspaceId};
            use crate::base::db::schema;

            $(
                #[doc = concat!("Rows of `", stringify!($table), "` in a workspace.")]
                pub fn $table(workspace: WorkspaceId) -> Of<schema::$table::workspace_id> {
                    schema::$table::table.filter(schema::$table::workspace_id.eq(workspace))
                }
            )+
        }

        /// Rows of a workspace that are to be seen.
        pub mod shown {
            use super::{Of, QueryDsl, Shown, WorkspaceId, all};
            use crate::base::db::schema;

            $(
                #[doc = concat!("Rows of `", stringify!($table), "` in a workspace.")]
                pub fn $table(
                    workspace: WorkspaceId,
                ) -> diesel::dsl::Filter<Of<schema::$table::workspace_id>, Shown<schema::$table::table>> {
                    all::$table(workspace).filter(Shown::of(workspace))
                }
            )+
        }
    };
}
rows_of_workspaces!(events, flow_run_states, flow_runs, logs, task_run_states, task_runs);
