//! Taking and giving back slots, inside a transaction.
//!
//! Invariant: a limit is asked and counted with its row locked, so no more slots are in use than there are, however
//! many ask at once (semantics 29).

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::count::retry_after;
use super::leases;
use super::model::{Holder, Lease, LeaseId, Limit, LimitId};
use super::queries;
use crate::access::WorkspaceId;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::random;

/// Slots that somebody wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Of which limits; one that does not exist limits nothing.
    pub names: Vec<String>,
    /// How many of each.
    pub slots: i64,
    /// Whether they have to be given back by themselves.
    pub is_rate: bool,
    /// Who wants them.
    pub holder: Option<Holder>,
}

/// What became of a wish.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// All of it, of these limits; those that are off are among them, and hold nothing.
    Taken(Vec<Limit>),
    /// Nothing; seconds until it makes sense to ask again.
    Refused(f64),
}

/// A number between 0 and 1.
pub fn chance() -> f64 {
    f64::from(random::below(1000)) / 1000.0
}

/// Takes slots of all limits or of none.
///
/// # Errors
/// [`Error::Invalid`] for more than a limit has, and for a rate of what does not give slots back by itself; the
/// database's fault.
pub fn take(db: &mut Db, workspace: WorkspaceId, wish: &Wish, now: Instant) -> Result<Outcome> {
    let names: BTreeSet<&String> = wish.names.iter().collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    let mut limits = queries::locked_named(db, workspace, &names)?;
    check(&limits, wish)?;
    take_of(db, workspace, (&mut limits, wish.slots, wish.holder), now)
        .map(|refused| refused.map_or(Outcome::Taken(limits), Outcome::Refused))
}

fn check(limits: &[Limit], wish: &Wish) -> Result<()> {
    let active = || limits.iter().filter(|limit| limit.is_active);
    if active().any(|limit| limit.slots < wish.slots) {
        return Err(Error::Invalid("Slots requested is greater than the limit".to_owned()));
    }
    let held: Vec<&str> =
        active().filter(|limit| limit.decay <= 0.0).map(|limit| limit.name.as_str()).collect();
    if wish.is_rate && !held.is_empty() {
        return Err(Error::Invalid(format!(
            "Only concurrency limits with slot decay can be used for rate limiting. The following limits do not have \
             a decay configured: '{}'",
            held.join(",")
        )));
    }
    Ok(())
}

/// Takes slots of limits that are locked; returns how long to wait where there is no room.
///
/// # Errors
/// The database's fault.
pub fn take_of(
    db: &mut Db,
    workspace: WorkspaceId,
    (limits, slots, holder): (&mut [Limit], i64, Option<Holder>),
    now: Instant,
) -> Result<Option<f64>> {
    let is_full = |limits: &[Limit]| {
        limits.iter().any(|limit| limit.is_active && !limit.has_room(slots, now))
    };
    if is_full(limits) {
        leases::reclaim(db, workspace, limits, now)?;
    }
    let wait = is_full(limits).then(|| retry_after(limits, slots, chance(), now));
    for limit in limits.iter_mut() {
        match wait {
            _ if !limit.is_active => {}
            None => limit.take(slots, holder, now),
            Some(_) => limit.refuse(slots, holder, now),
        }
        queries::save_counts(db, workspace, limit)?;
    }
    Ok(wait)
}

/// Keeps a lease for slots that were taken of some limits.
///
/// # Errors
/// The database's fault.
pub fn lease(
    db: &mut Db,
    workspace: WorkspaceId,
    (limits, slots, holder): (&[Limit], i64, Option<Holder>),
    (now, lasts): (Instant, Option<SignedDuration>),
) -> Result<LeaseId> {
    let lease = Lease {
        id: LeaseId::new(now),
        slots,
        holder_kind: holder.map(|holder| holder.kind),
        holder_id: holder.map(|holder| holder.id),
        taken_at: now,
        renewed_at: None,
        expires_at: lasts.map(|lasts| now + lasts),
    };
    let active = limits.iter().filter(|limit| limit.is_active);
    let held: Vec<LimitId> = active.map(|limit| limit.id).collect();
    leases::insert(db, workspace, &lease, &held)?;
    Ok(lease.id)
}

/// Gives slots back that were taken without a lease; returns the limits.
///
/// # Errors
/// The database's fault.
pub fn give(
    db: &mut Db,
    workspace: WorkspaceId,
    names: &[String],
    (slots, held): (i64, Option<f64>),
    now: Instant,
) -> Result<Vec<Limit>> {
    let mut limits = queries::locked_named(db, workspace, names)?;
    for limit in limits.iter_mut().filter(|limit| limit.is_active) {
        limit.give(slots, held, now);
        queries::save_counts(db, workspace, limit)?;
    }
    Ok(limits)
}
