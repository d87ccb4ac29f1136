//! Runs that ended longer ago than their account keeps them go, some at a time, with their tasks, states
//! and lines, and with the events of that time and the tasks and lines of no run (N2).
//!
//! Invariant: a workspace whose rows cannot be removed does not keep those of the others.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use jiff::SignedDuration;

use super::actions::remove_tasks;
use super::leftovers;
use crate::access::WorkspaceId;
use crate::access::history::all;
use crate::app::App;
use crate::base::db::schema::{
    accounts, events, flow_runs, logs, organizations, task_runs, transfers, workspaces,
};
use crate::base::db::{Db, Id, Instant, MultiBackend};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::orchestration::events::queries as events_of;
use crate::orchestration::logs::queries::{LogId, received_from};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::task_runs::model::TaskRunId;

/// The job of this slice.
pub const JOBS: &[Job] = &[Job {
    name: "flow-runs.retention",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(prune(app)),
}];

/// Workspaces looked at together, and runs removed in one transaction.
const WORKSPACES: i64 = 100;
const RUNS: i64 = 100;

/// Tasks removed in one transaction; events and lines.
const TASKS: i64 = 500;
const ROWS: i64 = 1000;

/// Removes what ended longer ago than it is kept.
///
/// # Errors
/// The database's fault, the first of any workspace; what was removed stays removed.
pub async fn prune(app: App) -> Result<()> {
    let (now, usual) = (app.now(), app.settings().flags.run_retention_days);
    let mut outcome = Ok(());
    if let Some(days) = usual {
        let before = now.plus_days(-i64::from(days));
        let mut after = None;
        loop {
            let due =
                app.db.read(move |db| Ok(with_usual_retention(db, (before, now), after)?)).await?;
            let Some(last) = due.last() else { break };
            after = Some(*last);
            for workspace in due {
                outcome = outcome.and(prune_workspace(&app, workspace, before, now).await);
            }
        }
    }
    outcome = outcome.and(purge_hidden(&app, now).await);
    let mut after = None;
    loop {
        let page = app.db.read(move |db| Ok(with_own_retention(db, now, after)?)).await?;
        let Some((last, _)) = page.last() else { return outcome };
        after = Some(*last);
        for (workspace, days) in page {
            let before = now.plus_days(-i64::from(days));
            outcome = outcome.and(prune_workspace(&app, workspace, before, now).await);
        }
    }
}

/// Removes what transfers hid that can't be undone any more, however long it is kept by now: both sides were
/// told that it goes (SP-27).
async fn purge_hidden(app: &App, now: Instant) -> Result<()> {
    let (mut outcome, mut after) = (Ok(()), None);
    loop {
        let page = app.db.read(move |db| Ok(hidden(db, now, after)?)).await?;
        let Some((last, _)) = page.last() else { return outcome };
        after = Some(*last);
        for (workspace, from) in page {
            let purged = async {
                prune_workspace(app, workspace, from, now).await?;
                app.db.ingest(move |db| Ok(show(db, workspace, from)?)).await
            };
            outcome = outcome.and(purged.await.map(|_| ()));
        }
    }
}

/// Whether a workspace was transferred and may go back: nothing of it goes until then (SP-27). A macro,
/// since the type of the condition has no name.
macro_rules! may_go_back {
    ($now:ident) => {
        exists(
            transfers::table
                .filter(transfers::workspace_id.eq(workspaces::id))
                .filter(transfers::state.eq("completed"))
                .filter(transfers::undo_until.gt($now)),
        )
    };
}

/// Workspaces with something that is older than `before`, of accounts for which the operator set no days, in
/// the order of their ids.
fn with_usual_retention(
    db: &mut Db,
    (before, now): (Instant, Instant),
    after: Option<WorkspaceId>,
) -> QueryResult<Vec<WorkspaceId>> {
    let runs = flow_runs::table
        .filter(flow_runs::workspace_id.eq(workspaces::id))
        .filter(flow_runs::ended_at.lt(before));
    let tasks = task_runs::table
        .filter(task_runs::workspace_id.eq(workspaces::id))
        .filter(task_runs::flow_run_id.is_null())
        .filter(task_runs::ended_at.lt(before));
    let old = events::table
        .filter(events::workspace_id.eq(workspaces::id))
        .filter(events::occurred_at.lt(before));
    let lines = logs::table
        .filter(logs::workspace_id.eq(workspaces::id))
        .filter(logs::id.lt(received_from(before)));
    let mut query = workspaces::table.inner_join(accounts::table).into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(workspaces::id.gt(after));
    }
    query
        .filter(accounts::run_retention_days.is_null())
        .filter(not(may_go_back!(now)))
        .filter(exists(runs).or(exists(tasks)).or(exists(old)).or(exists(lines)))
        .order(workspaces::id)
        .limit(WORKSPACES)
        .select(workspaces::id)
        .load(db)
}

/// Workspaces of accounts with days of their own, in the order of their ids: those that the operator
/// set, and fewer ones that an organization's admins chose.
fn with_own_retention(
    db: &mut Db,
    now: Instant,
    after: Option<WorkspaceId>,
) -> QueryResult<Vec<(WorkspaceId, i32)>> {
    let mut query = workspaces::table
        .inner_join(accounts::table)
        .left_join(organizations::table.on(organizations::account_id.eq(accounts::id)))
        .into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(workspaces::id.gt(after));
    }
    let rows: Vec<(WorkspaceId, Option<i32>, Option<i32>)> = query
        .filter(
            accounts::run_retention_days
                .is_not_null()
                .or(organizations::run_retention_days.is_not_null()),
        )
        .filter(not(may_go_back!(now)))
        .order(workspaces::id)
        .limit(WORKSPACES)
        .select((
            workspaces::id,
            accounts::run_retention_days,
            organizations::run_retention_days.nullable(),
        ))
        .load(db)?;
    let shorter = |(id, operator, own): (WorkspaceId, Option<i32>, Option<i32>)| {
        operator.into_iter().chain(own).min().map(|days| (id, days))
    };
    Ok(rows.into_iter().filter_map(shorter).collect())
}

/// Workspaces of whose history a part is hidden that goes for good, in the order of their ids.
fn hidden(
    db: &mut Db,
    now: Instant,
    after: Option<WorkspaceId>,
) -> QueryResult<Vec<(WorkspaceId, Instant)>> {
    let mut query = workspaces::table.into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(workspaces::id.gt(after));
    }
    query
        .filter(workspaces::runs_visible_from.is_not_null())
        .filter(not(may_go_back!(now)))
        .order(workspaces::id)
        .limit(WORKSPACES)
        .select((workspaces::id, workspaces::runs_visible_from.assume_not_null()))
        .load(db)
}

/// Notes that nothing is hidden any more, unless something was hidden anew.
fn show(db: &mut Db, workspace: WorkspaceId, from: Instant) -> QueryResult<usize> {
    let row = workspaces::table.find(workspace).filter(workspaces::runs_visible_from.eq(from));
    diesel::update(row).set(workspaces::runs_visible_from.eq(None::<Instant>)).execute(db)
}

async fn prune_workspace(
    app: &App,
    workspace: WorkspaceId,
    before: Instant,
    now: Instant,
) -> Result<()> {
    let pruned = async {
        prune_runs(app, workspace, before, now).await?;
        for prune in [prune_tasks, prune_events, prune_lines] {
            while app.db.ingest(move |db| Ok(prune(db, workspace, before)?)).await? {}
        }
        prune_strays(app, workspace, before).await?;
        leftovers::finish(app, workspace).await
    };
    let pruned = pruned.await;
    if let Err(error) = &pruned {
        tracing::warn!(workspace.id = %workspace, error.cause = %error, "could not prune a workspace");
    }
    pruned
}

/// Removes runs, their tasks first; their lines are left over.
async fn prune_runs(
    app: &App,
    workspace: WorkspaceId,
    before: Instant,
    now: Instant,
) -> Result<()> {
    loop {
        let due = app.db.read(move |db| Ok(ended(db, workspace, before)?)).await?;
        if due.is_empty() {
            return Ok(());
        }
        remove_tasks(app, workspace, due).await?;
        // One that began again meanwhile stays.
        let remove = move |db: &mut Db| {
            let due = ended(db, workspace, before)?;
            Ok(leftovers::delete(db, workspace, &due, now)?)
        };
        app.db.ingest(remove).await?;
    }
}

fn ended(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<Vec<FlowRunId>> {
    all::flow_runs(workspace)
        .filter(flow_runs::ended_at.lt(before))
        .order(flow_runs::ended_at)
        .limit(RUNS)
        .select(flow_runs::id)
        .load(db)
}

/// Removes old lines of runs that are not there: told after their run was removed, or of none that ever was.
async fn prune_strays(app: &App, workspace: WorkspaceId, before: Instant) -> Result<()> {
    let mut after = LogId::from(uuid::Uuid::nil());
    loop {
        let found = app.db.read(move |db| Ok(strays(db, workspace, (after, before))?)).await?;
        let Some(last) = found.last() else { return Ok(()) };
        after = *last;
        let remove = move |db: &mut Db| {
            let some = all::logs(workspace);
            Ok(diesel::delete(some.filter(logs::id.eq_any(found))).execute(db)?)
        };
        app.db.ingest(remove).await?;
    }
}

fn strays(
    db: &mut Db,
    workspace: WorkspaceId,
    (after, before): (LogId, Instant),
) -> QueryResult<Vec<LogId>> {
    let run = all::flow_runs(workspace).filter(flow_runs::id.nullable().eq(logs::flow_run_id));
    all::logs(workspace)
        .filter(logs::id.gt(after))
        .filter(logs::id.lt(received_from(before)))
        .filter(logs::flow_run_id.is_not_null())
        .filter(not(exists(run)))
        .order(logs::id)
        .limit(ROWS)
        .select(logs::id)
        .load(db)
}

/// Removes some tasks that no flow ran; returns whether there may be more.
fn prune_tasks(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let ids: Vec<TaskRunId> = all::task_runs(workspace)
        .filter(task_runs::flow_run_id.is_null())
        .filter(task_runs::ended_at.lt(before))
        .limit(TASKS)
        .select(task_runs::id)
        .load(db)?;
    let any: Vec<Id<()>> = ids.iter().map(|id| id.cast()).collect();
    let its_logs = all::logs(workspace).filter(logs::task_run_id.eq_any(any));
    diesel::delete(its_logs).execute(db)?;
    let ended = all::task_runs(workspace).filter(task_runs::id.eq_any(ids));
    let removed = diesel::delete(ended).execute(db)?;
    Ok(i64::try_from(removed).unwrap_or(0) == TASKS)
}

/// The same for events.
fn prune_events(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let removed = events_of::delete_before(db, workspace, before, ROWS)?;
    Ok(i64::try_from(removed).unwrap_or(0) == ROWS)
}

/// The same for lines that no run logged.
fn prune_lines(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let some = all::logs(workspace);
    let old: Vec<LogId> = some
        .filter(logs::flow_run_id.is_null())
        .filter(logs::at.lt(before))
        .limit(ROWS)
        .select(logs::id)
        .load(db)?;
    let removed = diesel::delete(some.filter(logs::id.eq_any(old))).execute(db)?;
    Ok(i64::try_from(removed).unwrap_or(0) == ROWS)
}
