//! Rows about two-factor authentication (AU-16).

use diesel::prelude::*;

use crate::access::UserId;
use crate::base::db::schema::{recovery_codes, two_factor};
use crate::base::db::{Db, Instant};

/// What is kept of a person who has two-factor authentication on.
#[derive(Clone, Debug, Queryable)]
pub struct TwoFactor {
    /// Whose.
    pub user: UserId,
    /// The secret of the authenticator app, sealed.
    pub secret: Vec<u8>,
    /// The time step of the last code that counted.
    pub last_step: i64,
    /// The salt of the recovery codes' hashes.
    pub recovery_salt: Vec<u8>,
    /// Since when it is on.
    pub created_at: Instant,
}

const COLUMNS: (
    two_factor::user_id,
    two_factor::secret,
    two_factor::last_step,
    two_factor::recovery_salt,
    two_factor::created_at,
) = (
    two_factor::user_id,
    two_factor::secret,
    two_factor::last_step,
    two_factor::recovery_salt,
    two_factor::created_at,
);

/// Whether a person has two-factor authentication on.
pub fn has_two_factor(db: &mut Db, user: UserId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(two_factor::table.find(user))).get_result(db)
}

/// A person's two-factor authentication; `None` while it is off.
pub fn two_factor(db: &mut Db, user: UserId) -> QueryResult<Option<TwoFactor>> {
    two_factor::table.find(user).select(COLUMNS).first(db).optional()
}

/// Turns it on.
///
/// # Errors
/// The database's fault; a unique violation when it is on already.
pub fn add_two_factor(db: &mut Db, row: &TwoFactor) -> QueryResult<usize> {
    diesel::insert_into(two_factor::table)
        .values((
            two_factor::user_id.eq(row.user),
            two_factor::secret.eq(&row.secret),
            two_factor::last_step.eq(row.last_step),
            two_factor::recovery_salt.eq(&row.recovery_salt),
            two_factor::created_at.eq(row.created_at),
        ))
        .execute(db)
}

/// Turns it off, recovery codes included; returns whether it was on.
pub fn remove_two_factor(db: &mut Db, user: UserId) -> QueryResult<bool> {
    Ok(diesel::delete(two_factor::table.find(user)).execute(db)? == 1)
}

/// Uses up a time step and all before it; returns whether it was still to be had.
pub fn use_step(db: &mut Db, user: UserId, step: i64) -> QueryResult<bool> {
    let used = diesel::update(two_factor::table.find(user).filter(two_factor::last_step.lt(step)))
        .set(two_factor::last_step.eq(step))
        .execute(db)?;
    Ok(used == 1)
}

/// Puts another set of recovery codes in place of the one before; returns whether two-factor is on.
pub fn set_recovery_codes(
    db: &mut Db,
    user: UserId,
    salt: &[u8],
    hashes: &[Vec<u8>],
) -> QueryResult<bool> {
    let found = diesel::update(two_factor::table.find(user))
        .set(two_factor::recovery_salt.eq(salt))
        .execute(db)?;
    if found != 1 {
        return Ok(false);
    }
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user))).execute(db)?;
    for hash in hashes {
        diesel::insert_into(recovery_codes::table)
            .values((recovery_codes::user_id.eq(user), recovery_codes::hash.eq(hash)))
            .execute(db)?;
    }
    Ok(true)
}

/// Uses a recovery code up; returns whether it was there.
pub fn use_recovery_code(db: &mut Db, user: UserId, hash: &[u8]) -> QueryResult<bool> {
    Ok(diesel::delete(recovery_codes::table.find((user, hash))).execute(db)? == 1)
}

/// How many recovery codes a person has left.
pub fn recovery_codes_left(db: &mut Db, user: UserId) -> QueryResult<i64> {
    recovery_codes::table.filter(recovery_codes::user_id.eq(user)).count().get_result(db)
}

/// The sealed secrets of people after `after`, in the order of their ids.
pub fn sealed_secrets(
    db: &mut Db,
    after: UserId,
    limit: i64,
) -> QueryResult<Vec<(UserId, Vec<u8>)>> {
    two_factor::table
        .filter(two_factor::user_id.gt(after))
        .order(two_factor::user_id)
        .limit(limit)
        .select((two_factor::user_id, two_factor::secret))
        .load(db)
}

/// Replaces a sealed secret, unless it was replaced meanwhile.
pub fn replace_sealed_secret(
    db: &mut Db,
    user: UserId,
    before: &[u8],
    after: &[u8],
) -> QueryResult<usize> {
    diesel::update(two_factor::table.find(user).filter(two_factor::secret.eq(before)))
        .set(two_factor::secret.eq(after))
        .execute(db)
}
