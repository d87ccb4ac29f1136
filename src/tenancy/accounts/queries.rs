//! Rows about people.

use diesel::prelude::*;

use crate::access::identify::{Theme, Verified};
use crate::access::{AccountId, UserId};
use crate::base::db::schema::{
    account_redirects, accounts, failed_sign_ins, sessions, users, workspaces,
};
use crate::base::db::{Db, Id, Instant, MultiBackend, on_each_backend};
use crate::base::http::session::SessionMarker;

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
///
/// # Errors
/// The database's fault.
pub fn any_user(db: &mut Db) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(db)
}

/// A person by id.
///
/// # Errors
/// The database's fault.
pub fn by_id(db: &mut Db, id: UserId) -> QueryResult<Option<User>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::id.eq(id))
        .select(user_columns!())
        .first(db)
        .optional()
}

/// A person by the comparison form of an address.
///
/// # Errors
/// The database's fault.
pub fn by_email_key(db: &mut Db, key: &str) -> QueryResult<Option<User>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::email_key.eq(key))
        .select(user_columns!())
        .first(db)
        .optional()
}

/// A person by handle.
///
/// # Errors
/// The database's fault.
pub fn by_handle(db: &mut Db, handle: &str) -> QueryResult<Option<User>> {
    users::table
        .inner_join(accounts::table)
        .filter(accounts::handle.eq(handle))
        .select(user_columns!())
        .first(db)
        .optional()
}

/// The account with a handle.
///
/// # Errors
/// The database's fault.
pub fn account_with_handle(db: &mut Db, handle: &str) -> QueryResult<Option<AccountId>> {
    accounts::table.filter(accounts::handle.eq(handle)).select(accounts::id).first(db).optional()
}

/// Forgets where a handle led: somebody takes it now.
///
/// # Errors
/// The database's fault.
pub fn take_over_handle(db: &mut Db, handle: &str) -> QueryResult<usize> {
    diesel::delete(account_redirects::table.find(handle)).execute(db)
}

/// Keeps an account's old handle as a way to it.
///
/// # Errors
/// The database's fault.
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

/// A signed-in browser of a person.
#[derive(Clone, Debug, Queryable)]
pub struct Device {
    /// The session's id.
    pub id: Id<SessionMarker>,
    /// The session's state, as JSON.
    pub state: String,
    /// When it was last seen.
    pub last_seen_at: Instant,
}

/// The signed-in browsers of a person that still count, the one seen last first.
///
/// # Errors
/// The database's fault.
pub fn devices(
    db: &mut Db,
    user: UserId,
    alive_since: Instant,
    now: Instant,
) -> QueryResult<Vec<Device>> {
    sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::last_seen_at.gt(alive_since))
        .filter(sessions::expires_at.gt(now))
        .order((sessions::last_seen_at.desc(), sessions::id))
        .limit(crate::base::http::session::SESSIONS_PER_USER)
        .select((sessions::id, sessions::state, sessions::last_seen_at))
        .load(db)
}

/// Ends one session of a person; returns whether it was there.
///
/// # Errors
/// The database's fault.
pub fn end_session(db: &mut Db, user: UserId, session: Id<SessionMarker>) -> QueryResult<bool> {
    let ended = diesel::delete(
        sessions::table.filter(sessions::id.eq(session)).filter(sessions::user_id.eq(user)),
    )
    .execute(db)?;
    Ok(ended == 1)
}

/// Ends all sessions of a person but one; returns how many.
///
/// # Errors
/// The database's fault.
pub fn end_sessions(
    db: &mut Db,
    user: UserId,
    but: Option<Id<SessionMarker>>,
) -> QueryResult<usize> {
    let mut doomed = diesel::delete(sessions::table.filter(sessions::user_id.eq(user)))
        .into_boxed::<MultiBackend>();
    if let Some(but) = but {
        doomed = doomed.filter(sessions::id.ne(but));
    }
    doomed.execute(db)
}

/// Removes sessions that ended, some at a time; returns how many.
///
/// # Errors
/// The database's fault.
pub fn forget_sessions(db: &mut Db, now: Instant, idle_since: Instant) -> QueryResult<usize> {
    let ended: Vec<Id<SessionMarker>> = sessions::table
        .filter(sessions::expires_at.le(now).or(sessions::last_seen_at.le(idle_since)))
        .limit(500)
        .select(sessions::id)
        .load(db)?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(ended))).execute(db)
}

/// A person's failed sign-ins: how many in a row, and until when no more are taken.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Failures {
    /// In a row.
    pub count: i32,
    /// No more before then.
    pub throttled_until: Instant,
}

/// The failures counted under a login.
///
/// # Errors
/// The database's fault.
pub fn failures(db: &mut Db, login_hash: &[u8]) -> QueryResult<Option<Failures>> {
    failed_sign_ins::table
        .find(login_hash)
        .select((failed_sign_ins::failures, failed_sign_ins::throttled_until))
        .first(db)
        .optional()
}

/// Writes the failures of a login.
///
/// # Errors
/// The database's fault.
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
///
/// # Errors
/// The database's fault.
pub fn clear_failures(db: &mut Db, login_hash: &[u8]) -> QueryResult<usize> {
    diesel::delete(failed_sign_ins::table.find(login_hash)).execute(db)
}

/// Removes failures older than `before`; returns how many.
///
/// # Errors
/// The database's fault.
pub fn forget_failures(db: &mut Db, before: Instant) -> QueryResult<usize> {
    let old: Vec<Vec<u8>> = failed_sign_ins::table
        .filter(failed_sign_ins::last_failure_at.lt(before))
        .limit(500)
        .select(failed_sign_ins::login_hash)
        .load(db)?;
    diesel::delete(failed_sign_ins::table.filter(failed_sign_ins::login_hash.eq_any(old)))
        .execute(db)
}

/// The handles of an account's workspaces that are not deleted; at most `limit`.
///
/// # Errors
/// The database's fault.
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
///
/// # Errors
/// The database's fault.
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

/// Sets a person's colours.
///
/// # Errors
/// The database's fault.
pub fn set_theme(db: &mut Db, user: UserId, theme: Theme) -> QueryResult<usize> {
    diesel::update(users::table.find(user)).set(users::theme.eq(theme)).execute(db)
}
