//! Rows about people.

mod failures;
mod sessions;
mod two_factor;

use diesel::prelude::*;

pub use self::failures::{Failures, clear_failures, failures, forget_failures, set_failures};
pub use self::sessions::{Device, devices, end_session, end_sessions, forget_sessions};
pub use self::two_factor::{
    TwoFactor, add_two_factor, has_two_factor, recovery_codes_left, remove_two_factor,
    replace_sealed_secret, sealed_secrets, set_recovery_codes, two_factor, use_recovery_code,
    use_step,
};

use crate::access::identify::{Theme, Verified};
use crate::access::{AccountId, UserId};
use crate::base::db::schema::{account_redirects, accounts, users, workspaces};
use crate::base::db::{Db, Instant};
use crate::base::zone::Zone;

/// A person with what only this slice may know.
#[derive(Clone, Debug, Queryable)]
#[diesel(check_for_backend(MultiBackend))]
pub struct User {
    /// The person's id.
    pub id: UserId,
    /// The personal account.
    pub account: AccountId,
    /// Display name.
    pub name: String,
    /// Handle.
    pub handle: String,
    /// Address as typed.
    pub email: String,
    /// How the address was confirmed.
    pub verified: Verified,
    /// An address that waits to be confirmed.
    pub pending_email: Option<String>,
    /// PHC string.
    pub password_hash: Option<String>,
    /// Generation of confirmation links.
    pub verify_generation: i32,
    /// Generation of reset links.
    pub reset_generation: i32,
    /// When a reset was last asked for.
    pub reset_requested_at: Option<Instant>,
    /// When a confirmation was last asked for.
    pub verify_requested_at: Option<Instant>,
}

macro_rules! user_columns {
    () => {
        (
            users::id,
            accounts::id,
            accounts::name,
            accounts::handle,
            users::email,
            users::verified,
            users::pending_email,
            users::password_hash,
            users::verify_generation,
            users::reset_generation,
            users::reset_requested_at,
            users::verify_requested_at,
        )
    };
}

/// Whether there is any user yet.
pub fn any_user(db: &mut Db) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(db)
}

/// A person by id.
pub fn by_id(db: &mut Db, id: UserId) -> QueryResult<Option<User>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::id.eq(id))
        .select(user_columns!())
        .first(db)
        .optional()
}

/// A person by the comparison form of an address.
pub fn by_email_key(db: &mut Db, key: &str) -> QueryResult<Option<User>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::email_key.eq(key))
        .select(user_columns!())
        .first(db)
        .optional()
}

/// A person by handle.
pub fn by_handle(db: &mut Db, handle: &str) -> QueryResult<Option<User>> {
    users::table
        .inner_join(accounts::table)
        .filter(accounts::handle.eq(handle))
        .select(user_columns!())
        .first(db)
        .optional()
}

/// The account with a handle.
pub fn account_with_handle(db: &mut Db, handle: &str) -> QueryResult<Option<AccountId>> {
    accounts::table.filter(accounts::handle.eq(handle)).select(accounts::id).first(db).optional()
}

/// Forgets where a handle led: somebody takes it now.
pub fn take_over_handle(db: &mut Db, handle: &str) -> QueryResult<usize> {
    diesel::delete(account_redirects::table.find(handle)).execute(db)
}

/// Keeps an account's old handle as a way to it.
pub fn keep_old_handle(
    db: &mut Db,
    old: &str,
    account: AccountId,
    now: Instant,
) -> QueryResult<usize> {
    diesel::insert_into(account_redirects::table)
        .values((
            account_redirects::handle.eq(old),
            account_redirects::account_id.eq(account),
            account_redirects::created_at.eq(now),
        ))
        .execute(db)
}

/// The handles of an account's workspaces that are not deleted; at most `limit`.
pub fn workspace_handles(db: &mut Db, account: AccountId, limit: i64) -> QueryResult<Vec<String>> {
    workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::handle)
        .limit(limit)
        .select(workspaces::handle)
        .load(db)
}

/// Ends every link that was mailed to a person, and a change of the address that waits for one.
pub fn forget_links(db: &mut Db, user: UserId) -> QueryResult<usize> {
    diesel::update(users::table.find(user))
        .set((
            users::pending_email.eq(None::<String>),
            users::verify_generation.eq(users::verify_generation + 1),
            users::verify_requested_at.eq(None::<Instant>),
            users::reset_generation.eq(users::reset_generation + 1),
            users::reset_requested_at.eq(None::<Instant>),
        ))
        .execute(db)
}

/// Sets a person's colours and time zone.
pub fn set_looks(db: &mut Db, user: UserId, theme: Theme, zone: &Zone) -> QueryResult<usize> {
    diesel::update(users::table.find(user))
        .set((users::theme.eq(theme), users::time_zone.eq(zone.name())))
        .execute(db)
}
