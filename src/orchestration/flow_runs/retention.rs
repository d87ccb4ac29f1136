//! Runs that ended longer ago than their account keeps them go, some at a time, with their tasks, states
//! and logs, and with the events of that time (N2).

use diesel::prelude::*;
use jiff::SignedDuration;

use super::model::FlowRunId;
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::schema::{accounts, flow_runs, logs, organizations, workspaces};
use crate::base::db::{Db, Id, Instant, MultiBackend};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::orchestration::events::queries as events;

/// The job of this slice.
pub const JOBS: &[Job] = &[Job {
    name: "flow-runs.retention",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(prune(app)),
}];

/// Workspaces looked at together, and runs removed in one transaction.
const WORKSPACES: i64 = 100;
const RUNS: i64 = 200;

/// Events removed in one transaction.
const EVENTS: i64 = 1000;

/// Removes what ended longer ago than it is kept.
///
/// # Errors
/// The database's fault; what was removed before stays removed.
pub async fn prune(app: App) -> Result<()> {
    let (now, usual) = (app.now(), app.settings().flags.run_retention_days);
    if let Some(days) = usual {
        let before = now.plus_days(-i64::from(days));
        loop {
            let due = app.db.read(move |db| Ok(with_usual_retention(db, before)?)).await?;
            let is_last = due.len() < usize::try_from(WORKSPACES).unwrap_or_default();
            for workspace in due {
                prune_workspace(&app, workspace, before).await?;
            }
            if is_last {
                break;
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

/// Workspaces with a run that ended before `before`, of accounts for which the operator set no days.
fn with_usual_retention(db: &mut Db, before: Instant) -> QueryResult<Vec<WorkspaceId>> {
    flow_runs::table
        .inner_join(workspaces::table.on(workspaces::id.eq(flow_runs::workspace_id)))
        .inner_join(accounts::table.on(accounts::id.eq(workspaces::account_id)))
        .filter(flow_runs::ended_at.lt(before))
        .filter(accounts::run_retention_days.is_null())
        .select(flow_runs::workspace_id)
        .distinct()
        .limit(WORKSPACES)
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
    while app.db.ingest(move |db| Ok(prune_some(db, workspace, before)?)).await? {}
    while app.db.ingest(move |db| Ok(prune_events(db, workspace, before)?)).await? {}
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

/// The same for events.
fn prune_events(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<bool> {
    let removed = events::delete_before(db, workspace, before, EVENTS)?;
    Ok(i64::try_from(removed).unwrap_or(0) == EVENTS)
}
