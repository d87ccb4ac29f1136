//! Rows about wrong passwords.

use diesel::prelude::*;

use crate::base::db::schema::failed_sign_ins;
use crate::base::db::{Db, Instant, on_each_backend};

/// A person's failed sign-ins: how many in a row, and until when no more are taken.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Failures {
    /// In a row.
    pub count: i32,
    /// No more before then.
    pub throttled_until: Instant,
}

/// The failures counted under a login.
pub fn failures(db: &mut Db, login_hash: &[u8]) -> QueryResult<Option<Failures>> {
    failed_sign_ins::table
        .find(login_hash)
        .select((failed_sign_ins::failures, failed_sign_ins::throttled_until))
        .first(db)
        .optional()
}

/// Writes the failures of a login.
pub fn set_failures(
    db: &mut Db,
    login_hash: &[u8],
    failures: Failures,
    now: Instant,
) -> QueryResult<usize> {
    let values = (
        failed_sign_ins::login_hash.eq(login_hash),
        failed_sign_ins::failures.eq(failures.count),
        failed_sign_ins::throttled_until.eq(failures.throttled_until),
        failed_sign_ins::last_failure_at.eq(now),
    );
    let changes = (
        failed_sign_ins::failures.eq(failures.count),
        failed_sign_ins::throttled_until.eq(failures.throttled_until),
        failed_sign_ins::last_failure_at.eq(now),
    );
    on_each_backend!(db, |conn| diesel::insert_into(failed_sign_ins::table)
        .values(values)
        .on_conflict(failed_sign_ins::login_hash)
        .do_update()
        .set(changes)
        .execute(conn))
}

/// Forgets the failures of a login.
pub fn clear_failures(db: &mut Db, login_hash: &[u8]) -> QueryResult<usize> {
    diesel::delete(failed_sign_ins::table.find(login_hash)).execute(db)
}

/// Removes failures older than `before`; returns how many.
pub fn forget_failures(db: &mut Db, before: Instant) -> QueryResult<usize> {
    let old: Vec<Vec<u8>> = failed_sign_ins::table
        .filter(failed_sign_ins::last_failure_at.lt(before))
        .limit(500)
        .select(failed_sign_ins::login_hash)
        .load(db)?;
    diesel::delete(failed_sign_ins::table.filter(failed_sign_ins::login_hash.eq_any(old)))
        .execute(db)
}
