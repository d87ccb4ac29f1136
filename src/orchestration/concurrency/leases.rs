//! Leases, and the slots that they hold.
//!
//! Invariant: a hold is made and given back by whoever has the row of its limit locked, so that a slot is given back
//! once. Limits are locked before leases, and leases before nothing else.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::model::{Holder, HolderKind, Lease, LeaseId, Limit, LimitId};
use super::queries;
use crate::access::WorkspaceId;
use crate::base::db::schema::{concurrency_holds as holds, concurrency_leases as leases};
use crate::base::db::{AnyConnection, Db, Id, Instant, on_each_backend};

/// Keeps a new lease, with slots of some limits, which are locked.
pub fn insert(
    db: &mut Db,
    workspace: WorkspaceId,
    lease: &Lease,
    limits: &[LimitId],
) -> QueryResult<()> {
    diesel::insert_into(leases::table)
        .values((
            leases::id.eq(lease.id),
            leases::workspace_id.eq(workspace),
            leases::slots.eq(lease.slots),
            leases::holder_kind.eq(lease.holder_kind),
            leases::holder_id.eq(lease.holder_id),
            leases::taken_at.eq(lease.taken_at),
            leases::renewed_at.eq(lease.renewed_at),
            leases::expires_at.eq(lease.expires_at),
        ))
        .execute(db)?;
    let row = |limit: &LimitId| {
        (
            holds::workspace_id.eq(workspace),
            holds::limit_id.eq(*limit),
            holds::lease_id.eq(lease.id),
        )
    };
    let rows: Vec<_> = limits.iter().map(row).collect();
    if !rows.is_empty() {
        on_each_backend!(db, |conn| diesel::insert_into(holds::table).values(&rows).execute(conn))?;
    }
    Ok(())
}

/// Makes a lease that has not ended last longer; returns whether there is one.
pub fn renew(
    db: &mut Db,
    (workspace, id): (WorkspaceId, LeaseId),
    (now, expires_at): (Instant, Instant),
) -> QueryResult<bool> {
    let lease = leases::table.find((workspace, id)).filter(leases::expires_at.gt(now));
    let until = (leases::expires_at.eq(expires_at), leases::renewed_at.eq(now));
    Ok(diesel::update(lease).set(until).execute(db)? > 0)
}

/// Ends leases, and gives back what they hold; those that are over or were renewed meanwhile stay as they are, where
/// only those that ran out are meant. Returns how many were ended.
pub fn end(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[LeaseId],
    (only_over, now): (bool, Instant),
) -> QueryResult<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let about: BTreeSet<LimitId> = holds::table
        .filter(holds::workspace_id.eq(workspace))
        .filter(holds::lease_id.eq_any(ids.to_vec()))
        .select(holds::limit_id)
        .load(db)?
        .into_iter()
        .collect();
    let about: Vec<LimitId> = about.into_iter().collect();
    let mut limits = queries::locked(db, workspace, &about)?;
    let ended = locked(db, workspace, ids, only_over.then_some(now))?;
    let gone: Vec<LeaseId> = ended.iter().map(|lease| lease.id).collect();
    take_away(db, workspace, (&mut limits, &about), &ended, now)?;
    for limit in &limits {
        queries::save_counts(db, workspace, limit)?;
    }
    let ended = leases::table.filter(leases::workspace_id.eq(workspace));
    diesel::delete(ended.filter(leases::id.eq_any(gone))).execute(db)
}

/// Gives back what leases hold of some limits, which are locked and counted here; the leases stay.
fn take_away(
    db: &mut Db,
    workspace: WorkspaceId,
    (limits, about): (&mut [Limit], &[LimitId]),
    ended: &[Lease],
    now: Instant,
) -> QueryResult<usize> {
    if about.is_empty() || ended.is_empty() {
        return Ok(0);
    }
    let by_id: HashMap<LeaseId, &Lease> = ended.iter().map(|lease| (lease.id, lease)).collect();
    let ids: Vec<LeaseId> = by_id.keys().copied().collect();
    let of = holds::table
        .filter(holds::workspace_id.eq(workspace))
        .filter(holds::limit_id.eq_any(about.to_vec()))
        .filter(holds::lease_id.eq_any(ids));
    let held: Vec<(LimitId, LeaseId)> =
        of.clone().select((holds::limit_id, holds::lease_id)).load(db)?;
    diesel::delete(of).execute(db)?;
    for (limit, lease) in &held {
        let limit = limits.iter_mut().find(|known| known.id == *limit);
        if let (Some(limit), Some(lease)) = (limit, by_id.get(lease)) {
            let end = lease.expires_at.map_or(now, |end| end.min(now));
            let seconds = end.since(lease.taken_at).as_secs_f64().max(0.0);
            limit.give(lease.slots, Some(seconds), now);
        }
    }
    Ok(held.len())
}

/// Leases that nobody renews or ends before this transaction ends; only those that ran out by a moment, where one is
/// given.
fn locked(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[LeaseId],
    over_by: Option<Instant>,
) -> QueryResult<Vec<Lease>> {
    let query = leases::table
        .filter(leases::workspace_id.eq(workspace))
        .filter(leases::id.eq_any(ids.to_vec()))
        .order(leases::id);
    let mut found = match &mut db.connection {
        AnyConnection::Postgres(conn) => {
            query.select(Lease::as_select()).for_update().load(conn)?
        }
        AnyConnection::Sqlite(conn) => query.select(Lease::as_select()).load(conn)?,
    };
    if let Some(now) = over_by {
        found.retain(|lease| !lease.lasts(now));
    }
    Ok(found)
}

/// Gives back what leases that ran out still hold of some limits, which are locked and counted here: whoever asks for
/// slots need not wait for the job (LIM-05). Returns whether there was something.
pub fn reclaim(
    db: &mut Db,
    workspace: WorkspaceId,
    limits: &mut [Limit],
    now: Instant,
) -> QueryResult<bool> {
    let about: Vec<LimitId> = limits.iter().map(|limit| limit.id).collect();
    let of_limits = holds::table
        .filter(holds::workspace_id.eq(workspace))
        .filter(holds::limit_id.eq_any(about.clone()))
        .select(holds::lease_id);
    let over: Vec<LeaseId> = leases::table
        .filter(leases::workspace_id.eq(workspace))
        .filter(leases::id.eq_any(of_limits))
        .filter(leases::expires_at.le(now))
        .select(leases::id)
        .load(db)?;
    if over.is_empty() {
        return Ok(false);
    }
    let over = locked(db, workspace, &over, Some(now))?;
    Ok(take_away(db, workspace, (limits, &about), &over, now)? > 0)
}

/// Takes all holds of a limit away, which is locked; the leases stay (contents.md §8: what holds them goes on).
pub fn forget_holds(db: &mut Db, workspace: WorkspaceId, limit: LimitId) -> QueryResult<usize> {
    let held = holds::table.filter(holds::workspace_id.eq(workspace));
    diesel::delete(held.filter(holds::limit_id.eq(limit))).execute(db)
}

/// Leases that last until their holder ends, of some runs of tasks.
pub fn bound_to(
    db: &mut Db,
    workspace: WorkspaceId,
    tasks: &[Id<Holder>],
) -> QueryResult<Vec<LeaseId>> {
    leases::table
        .filter(leases::workspace_id.eq(workspace))
        .filter(leases::holder_id.eq_any(tasks.to_vec()))
        .filter(leases::holder_kind.eq(HolderKind::TaskRun))
        .filter(leases::expires_at.is_null())
        .select(leases::id)
        .load(db)
}

/// Those of a run of a task that hold slots of some limits.
pub fn of_task(
    db: &mut Db,
    workspace: WorkspaceId,
    task: Id<Holder>,
    limits: &[LimitId],
) -> QueryResult<Vec<LeaseId>> {
    let held = holds::table
        .filter(holds::workspace_id.eq(workspace))
        .filter(holds::limit_id.eq_any(limits.to_vec()))
        .select(holds::lease_id);
    leases::table
        .filter(leases::workspace_id.eq(workspace))
        .filter(leases::holder_id.eq(task))
        .filter(leases::id.eq_any(held))
        .select(leases::id)
        .load(db)
}

/// Holders of a limit on its page, at most.
pub const SHOWN: i64 = 200;

/// Leases that hold slots of some limits, the oldest first; also those that ran out and are still counted, so whoever
/// asks leaves these out ([`Lease::lasts`]).
pub fn holding(
    db: &mut Db,
    workspace: WorkspaceId,
    limits: &[LimitId],
) -> QueryResult<Vec<(LimitId, Lease)>> {
    let same = leases::workspace_id.eq(holds::workspace_id).and(leases::id.eq(holds::lease_id));
    holds::table
        .inner_join(leases::table.on(same))
        .filter(holds::workspace_id.eq(workspace))
        .filter(holds::limit_id.eq_any(limits.to_vec()))
        .order((leases::taken_at, leases::id))
        .limit(SHOWN * i64::try_from(limits.len()).unwrap_or(1))
        .select((holds::limit_id, Lease::as_select()))
        .load(db)
}

/// Whether a lease holds slots of a limit.
pub fn holds_slots(
    db: &mut Db,
    workspace: WorkspaceId,
    (limit, lease): (LimitId, LeaseId),
) -> QueryResult<bool> {
    let hold = holds::table.find((workspace, limit, lease));
    diesel::select(diesel::dsl::exists(hold)).get_result(db)
}

/// The limits that a lease holds slots of.
pub fn of_lease(db: &mut Db, workspace: WorkspaceId, lease: LeaseId) -> QueryResult<Vec<LimitId>> {
    let held = holds::table.filter(holds::workspace_id.eq(workspace));
    held.filter(holds::lease_id.eq(lease)).select(holds::limit_id).load(db)
}
