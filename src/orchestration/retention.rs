//! What ended or happened longer ago than its account keeps runs goes, some at a time: what the parts say that ages
//! (N2).
//!
//! Invariant: a workspace whose rows cannot be removed does not keep those of the others.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use jiff::SignedDuration;

use super::PARTS;
use super::ageing::{Ageing, OfPlaces, Old};
use super::flow_runs::leftovers;
use crate::access::WorkspaceId;
use crate::access::transfers::State;
use crate::app::App;
use crate::base::db::schema::{accounts, organizations, transfers, workspaces};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::error::Result;
use crate::base::jobs::Job;

/// The job.
pub const JOB: Job = Job {
    name: "flow-runs.retention",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(prune(app)),
};

/// Workspaces looked at together.
const WORKSPACES: i64 = 100;

/// All that ages.
fn ageing() -> impl Iterator<Item = &'static Ageing> {
    PARTS.iter().flat_map(|part| part.ageing)
}

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
                .filter(transfers::state.eq(State::Completed))
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
    let any = ageing()
        .map(|one| (one.is_due)(before))
        .reduce(|some, one| -> OfPlaces { Box::new(some.or(one)) });
    let Some(any) = any else { return Ok(Vec::new()) };
    let mut query = workspaces::table.inner_join(accounts::table).into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(workspaces::id.gt(after));
    }
    query
        .filter(accounts::run_retention_days.is_null())
        .filter(not(may_go_back!(now)))
        .filter(any)
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
        for one in ageing() {
            (one.remove)(app, Old { workspace, before, now }).await?;
        }
        leftovers::finish(app, workspace).await
    };
    let pruned = pruned.await;
    if let Err(error) = &pruned {
        tracing::warn!(workspace.id = %workspace, error.cause = %error, "could not prune a workspace");
    }
    pruned
}
