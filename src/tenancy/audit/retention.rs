//! Entries older than an account keeps them go, from the old end, and leave a checkpoint: the chain
//! still verifies (SP-6, U4).

use diesel::prelude::*;
use jiff::SignedDuration;

use crate::access::AccountId;
use crate::app::App;
use crate::base::db::schema::{accounts, audit_entries, audit_heads, organizations};
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::jobs::Job;

/// The job of this slice.
pub const JOBS: &[Job] = &[Job {
    name: "audit.retention",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(prune(app)),
}];

/// Accounts looked at together, and entries removed in one transaction.
const ACCOUNTS: i64 = 100;
const ENTRIES: i64 = 1000;

/// Removes what is older than it is kept, some entries at a time.
///
/// # Errors
/// The database's fault; what was removed before stays removed.
pub async fn prune(app: App) -> Result<()> {
    let (now, usual) = (app.now(), app.settings().flags.audit_retention_days);
    if let Some(days) = usual {
        loop {
            let before = now.plus_days(-i64::from(days));
            let due = app.db.read(move |db| Ok(with_usual_retention(db, before)?)).await?;
            let mut removed = false;
            for account in due {
                removed |= prune_account(&app, account, before).await?;
            }
            // Also when a clock that went back left an old entry behind one that is kept.
            if !removed {
                break;
            }
        }
    }
    let mut after = None;
    loop {
        let page = app.db.read(move |db| Ok(with_own_retention(db, after)?)).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (account, days) in page {
            prune_account(&app, account, now.plus_days(-i64::from(days))).await?;
        }
    }
}

/// Chains with an entry from before `before`, of accounts without days of their own; also of
/// accounts that are gone.
fn with_usual_retention(db: &mut Db, before: Instant) -> QueryResult<Vec<AccountId>> {
    audit_entries::table
        .left_join(accounts::table.on(accounts::id.eq(audit_entries::account_id)))
        .filter(audit_entries::occurred_at.lt(before))
        .filter(accounts::audit_retention_days.is_null())
        .select(audit_entries::account_id)
        .distinct()
        .limit(ACCOUNTS)
        .load(db)
}

/// Accounts with days of their own, in the order of their ids: those that the operator set, and
/// fewer ones that an organization's admins chose (N1).
fn with_own_retention(db: &mut Db, after: Option<AccountId>) -> QueryResult<Vec<(AccountId, i32)>> {
    let mut query = accounts::table
        .left_join(organizations::table)
        .into_boxed::<crate::base::db::MultiBackend>();
    if let Some(after) = after {
        query = query.filter(accounts::id.gt(after));
    }
    let rows: Vec<(AccountId, Option<i32>, Option<i32>)> = query
        .filter(
            accounts::audit_retention_days
                .is_not_null()
                .or(organizations::audit_retention_days.is_not_null()),
        )
        .order(accounts::id)
        .limit(ACCOUNTS)
        .select((
            accounts::id,
            accounts::audit_retention_days,
            organizations::audit_retention_days.nullable(),
        ))
        .load(db)?;
    let shorter = |(id, operator, own): (AccountId, Option<i32>, Option<i32>)| {
        operator.into_iter().chain(own).min().map(|days| (id, days))
    };
    Ok(rows.into_iter().filter_map(shorter).collect())
}

/// Returns whether anything was removed.
async fn prune_account(app: &App, account: AccountId, before: Instant) -> Result<bool> {
    let mut removed = false;
    while app.db.write(account, move |db| Ok(prune_some(db, account, before)?)).await? {
        removed = true;
    }
    Ok(removed)
}

/// Moves the checkpoint on by some entries and removes them; returns whether there may be more.
fn prune_some(db: &mut Db, account: AccountId, before: Instant) -> QueryResult<bool> {
    let pruned: i64 = audit_heads::table
        .find(account)
        .select(audit_heads::pruned_sequence)
        .first(db)
        .optional()?
        .unwrap_or(0);
    let of_account = audit_entries::table.filter(audit_entries::account_id.eq(account));
    // Clocks may go back: the chain is cut before the first entry that is to be kept.
    let kept: Option<i64> = of_account
        .filter(audit_entries::occurred_at.ge(before))
        .order(audit_entries::sequence)
        .select(audit_entries::sequence)
        .first(db)
        .optional()?;
    let last: Option<(i64, Vec<u8>)> = of_account
        .filter(audit_entries::sequence.lt(kept.unwrap_or(i64::MAX)))
        .filter(audit_entries::sequence.le(pruned + ENTRIES))
        .order(audit_entries::sequence.desc())
        .select((audit_entries::sequence, audit_entries::hash))
        .first(db)
        .optional()?;
    let Some((sequence, hash)) = last else { return Ok(false) };
    diesel::update(audit_heads::table.find(account))
        .set((audit_heads::pruned_sequence.eq(sequence), audit_heads::pruned_hash.eq(hash)))
        .execute(db)?;
    diesel::delete(
        audit_entries::table
            .filter(audit_entries::account_id.eq(account))
            .filter(audit_entries::sequence.le(sequence)),
    )
    .execute(db)?;
    Ok(true)
}
