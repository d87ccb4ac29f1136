//! Runs that ended longer ago than their account keeps them go, some at a time, with their tasks, states
//! and logs, and with the events of that time and the tasks and lines of no run (N2).

use diesel::dsl::exists;
use diesel::prelude::*;
use jiff::SignedDuration;

use super::model::FlowRunId;
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::schema::{
    accounts, events, flow_runs, logs, organizations, task_runs, workspaces,
};
use crate::base::db::{Db, Id, Instant, MultiBackend};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::orchestration::events::queries;
use crate::orchestration::logs::queries::LogId;
use crate::orchestration::task_runs::model::TaskRunId;

/// The job of this slice.
pub const JOBS: &[Job] = &[Job {
    name: "flow-runs.retention",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(prune(app)),
}];

/// Workspaces looked at together, and runs removed in one transaction.
const WORKSPACES: i64 = 100;
const RUNS: i64 = 200;

/// Events and lines removed in one transaction.
const ROWS: i64 = 1000;

/// Removes what ended longer ago than it is kept.
///
/// # Errors
/// The database's fault; what was removed before stays removed.
pub async fn prune(app: App) -> Result<()> {
    let (now, usual) = (app.now(), app.settings().flags.run_retention_days);
    if let Some(days) = usual {
        let before = now.plus_days(-i64::from(days));
        let mut after = None;
        loop {
            let due = app.db.read(move |db| Ok(with_usual_retention(db, before, after)?)).await?;
            let Some(last) = due.last() else { break };
            after = Some(*last);
            for workspace in due {
                prune_workspace(&app, workspace, before).await?;
            }
        }
    }
    let mut after = None;
    loop {
        let page = app.db.read(move |db| Ok(with_own_retention(db, after)?)).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (workspace, days) in page {
            prune_workspace(&app, workspace, now.plus_days(-i64::from(days))).await?;
        }
    }
}

/// Workspaces with something that is older than `before`, of accounts for which the operator set no days, in
/// the order of their ids.
fn with_usual_retention(
    db: &mut Db,
    before: Instant,
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
        .filter(logs::flow_run_id.is_null())
        .filter(logs::at.lt(before));
    let mut query = workspaces::table.inner_join(accounts::table).into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(workspaces::id.gt(after));
    }
    query
        .filter(accounts::run_retention_days.is_null())
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

async fn prune_workspace(app: &App, workspace: WorkspaceId, before: Instant) -> Result<()> {
    for prune in [prune_some, prune_tasks, prune_events, prune_lines] {
        while app.db.ingest(move |db| Ok(prune(db, workspace, before)?)).await? {}
    }
    Ok(())
}

/// Returns whether there may be more.
fn prune_some(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let ids: Vec<FlowRunId> = flow_runs::table
        .filter(flow_runs::workspace_id.eq(workspace))
        .filter(flow_runs::ended_at.lt(before))
        .order(flow_runs::ended_at)
        .limit(RUNS)
        .select(flow_runs::id)
        .load(db)?;
    let any: Vec<Id<()>> = ids.iter().map(|id| id.cast()).collect();
    let its_logs =
        logs::table.filter(logs::workspace_id.eq(workspace)).filter(logs::flow_run_id.eq_any(any));
    diesel::delete(its_logs).execute(db)?;
    let ended = flow_runs::table
        .filter(flow_runs::workspace_id.eq(workspace))
        .filter(flow_runs::id.eq_any(ids));
    let removed = diesel::delete(ended).execute(db)?;
    Ok(i64::try_from(removed).unwrap_or(0) == RUNS)
}

/// The same for tasks that no flow ran.
fn prune_tasks(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let ids: Vec<TaskRunId> = task_runs::table
        .filter(task_runs::workspace_id.eq(workspace))
        .filter(task_runs::flow_run_id.is_null())
        .filter(task_runs::ended_at.lt(before))
        .limit(RUNS)
        .select(task_runs::id)
        .load(db)?;
    let any: Vec<Id<()>> = ids.iter().map(|id| id.cast()).collect();
    let its_logs =
        logs::table.filter(logs::workspace_id.eq(workspace)).filter(logs::task_run_id.eq_any(any));
    diesel::delete(its_logs).execute(db)?;
    let ended = task_runs::table
        .filter(task_runs::workspace_id.eq(workspace))
        .filter(task_runs::id.eq_any(ids));
    let removed = diesel::delete(ended).execute(db)?;
    Ok(i64::try_from(removed).unwrap_or(0) == RUNS)
}

/// The same for events.
fn prune_events(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let removed = queries::delete_before(db, workspace, before, ROWS)?;
    Ok(i64::try_from(removed).unwrap_or(0) == ROWS)
}

/// The same for lines that no run logged.
fn prune_lines(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let some = logs::table.filter(logs::workspace_id.eq(workspace));
    let old: Vec<LogId> = some
        .filter(logs::flow_run_id.is_null())
        .filter(logs::at.lt(before))
        .limit(ROWS)
        .select(logs::id)
        .load(db)?;
    let removed = diesel::delete(some.filter(logs::id.eq_any(old))).execute(db)?;
    Ok(i64::try_from(removed).unwrap_or(0) == ROWS)
}
