//! Leases that are over: what they hold is given back (LIM-05).

use std::collections::BTreeMap;

use diesel::prelude::*;
use jiff::SignedDuration;

use super::leases;
use super::model::{HolderKind, LeaseId};
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::schema::{concurrency_leases, task_runs};
use crate::base::db::{Db, Instant, StateType};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::base::live::Topic;

/// The job.
pub const JOB: Job = Job {
    name: "concurrency.leases",
    every: SignedDuration::from_secs(10),
    work: |app| Box::pin(end_over(app)),
};

/// Leases ended in one transaction.
const SOME: i64 = 200;

/// How old a lease is at least that lasts until its holder ends: what tells of a task may come after what it took.
const YOUNG: SignedDuration = SignedDuration::from_mins(5);

/// How old it is at least where its holder is not known at all.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

type Found = Vec<(WorkspaceId, LeaseId)>;

async fn end_over(app: App) -> Result<()> {
    let now = app.now();
    loop {
        let found = app.db.read(move |db| Ok(over(db, now)?)).await?;
        let ended = end(&app, &found, (true, now)).await?;
        // What somebody else renewed or ended meanwhile is not found again.
        if ended == 0 || i64::try_from(found.len()).unwrap_or(0) < SOME {
            break;
        }
    }
    for find in [ended, forgotten] {
        let found = app.db.read(move |db| Ok(find(db, now)?)).await?;
        end(&app, &found, (false, now)).await?;
    }
    Ok(())
}

async fn end(app: &App, found: &Found, how: (bool, Instant)) -> Result<usize> {
    let mut of: BTreeMap<WorkspaceId, Vec<LeaseId>> = BTreeMap::new();
    for (workspace, lease) in found {
        of.entry(*workspace).or_default().push(*lease);
    }
    let mut ended = 0;
    for (workspace, ids) in of {
        ended += app.db.ingest(move |db| Ok(leases::end(db, workspace, &ids, how)?)).await?;
        app.live.wake(workspace.uuid(), Topic::Events);
    }
    Ok(ended)
}

/// Those that ran out, the first one first.
fn over(db: &mut Db, now: Instant) -> QueryResult<Found> {
    concurrency_leases::table
        .filter(concurrency_leases::expires_at.le(now))
        .order(concurrency_leases::expires_at)
        .limit(SOME)
        .select((concurrency_leases::workspace_id, concurrency_leases::id))
        .load(db)
}

/// Those that last until a run of a task ends, which does not run any more: it was removed, or ended by somebody else.
fn ended(db: &mut Db, now: Instant) -> QueryResult<Found> {
    let holder = task_runs::workspace_id
        .eq(concurrency_leases::workspace_id)
        .and(task_runs::id.nullable().eq(concurrency_leases::holder_id));
    concurrency_leases::table
        .inner_join(task_runs::table.on(holder))
        .filter(concurrency_leases::expires_at.is_null())
        .filter(concurrency_leases::taken_at.le(now - YOUNG))
        .filter(concurrency_leases::holder_kind.eq(HolderKind::TaskRun))
        .filter(task_runs::state_type.ne_all([StateType::Running, StateType::Cancelling]))
        .order(concurrency_leases::taken_at)
        .limit(SOME)
        .select((concurrency_leases::workspace_id, concurrency_leases::id))
        .load(db)
}

/// Those whose holder nobody knows.
fn forgotten(db: &mut Db, now: Instant) -> QueryResult<Found> {
    let holder = task_runs::table
        .filter(task_runs::workspace_id.eq(concurrency_leases::workspace_id))
        .filter(task_runs::id.nullable().eq(concurrency_leases::holder_id));
    concurrency_leases::table
        .filter(concurrency_leases::expires_at.is_null())
        .filter(concurrency_leases::taken_at.le(now - FORGOTTEN))
        .filter(diesel::dsl::not(diesel::dsl::exists(holder)))
        .order(concurrency_leases::taken_at)
        .limit(SOME)
        .select((concurrency_leases::workspace_id, concurrency_leases::id))
        .load(db)
}
