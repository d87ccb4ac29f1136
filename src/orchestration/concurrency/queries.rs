//! Leases in the database.

use diesel::prelude::*;
use jiff::SignedDuration;
use serde_json::Value;

use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::schema::concurrency_leases as leases;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::Result;
use crate::base::jobs::Job;

pub use crate::base::db::ids::LeaseId;

/// Keeps a new lease.
pub fn insert(
    db: &mut Db,
    (workspace, id): (WorkspaceId, LeaseId),
    (names, holder): (Vec<String>, Option<Value>),
    expires_at: Instant,
) -> QueryResult<()> {
    diesel::insert_into(leases::table)
        .values((
            leases::id.eq(id),
            leases::workspace_id.eq(workspace),
            leases::names.eq(Json(names)),
            leases::holder.eq(holder.map(Json)),
            leases::expires_at.eq(expires_at),
        ))
        .execute(db)?;
    Ok(())
}

/// Makes a lease that has not ended last longer; returns whether there is one.
pub fn renew(
    db: &mut Db,
    (workspace, id): (WorkspaceId, LeaseId),
    (now, expires_at): (Instant, Instant),
) -> QueryResult<bool> {
    let lease = leases::table.find((workspace, id)).filter(leases::expires_at.gt(now));
    Ok(diesel::update(lease).set(leases::expires_at.eq(expires_at)).execute(db)? > 0)
}

/// Ends a lease.
pub fn end(db: &mut Db, workspace: WorkspaceId, id: LeaseId) -> QueryResult<()> {
    diesel::delete(leases::table.find((workspace, id))).execute(db)?;
    Ok(())
}

/// The job.
pub const JOB: Job = Job {
    name: "concurrency.leases",
    every: SignedDuration::from_secs(60),
    work: |app| Box::pin(forget(app)),
};

/// Leases removed in one transaction.
const SOME: i64 = 500;

async fn forget(app: App) -> Result<()> {
    let now = app.now();
    loop {
        let removed = app.db.ingest(move |db| Ok(forget_some(db, now)?)).await?;
        if i64::try_from(removed).unwrap_or(0) < SOME {
            return Ok(());
        }
    }
}

fn forget_some(db: &mut Db, now: Instant) -> QueryResult<usize> {
    let over: Vec<LeaseId> =
        leases::table.filter(leases::expires_at.le(now)).limit(SOME).select(leases::id).load(db)?;
    let over = leases::table.filter(leases::id.eq_any(over)).filter(leases::expires_at.le(now));
    diesel::delete(over).execute(db)
}
