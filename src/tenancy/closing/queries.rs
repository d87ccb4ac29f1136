//! What hangs on an account.

use diesel::prelude::*;

use crate::access::identify::Verified;
use crate::access::membership::{self, Workspace};
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::schema::{accounts, api_keys, memberships, users, workspaces};
use crate::base::db::{Db, Instant};
use crate::tenancy::invitations::actions::forget_of_account;
use crate::tenancy::organizations;

/// A workspace that keeps its account from going.
#[derive(Clone, Debug, Queryable)]
pub struct Obstacle {
    /// Its id.
    pub id: WorkspaceId,
    /// Its handle.
    pub handle: String,
    /// When it was deleted; it can still be restored then.
    pub deleted_at: Option<Instant>,
}

/// What keeps an account from going, and what goes along with it.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// Own workspaces, at most [`SHOWN`].
    pub obstacles: Vec<Obstacle>,
    /// API keys.
    pub keys: i64,
    /// Organizations without another admin, at most [`SHOWN`].
    pub organizations: Vec<(AccountId, String)>,
    /// Other people's workspaces with a place for this person.
    pub places: i64,
}

/// Obstacles on the page.
pub const SHOWN: i64 = 50;

/// Looks at everything that hangs on a person.
pub fn holdings(db: &mut Db, user: UserId, account: AccountId) -> QueryResult<Holdings> {
    Ok(Holdings {
        obstacles: workspaces::table
            .filter(workspaces::account_id.eq(account))
            .order((workspaces::deleted_at, workspaces::handle))
            .limit(SHOWN)
            .select((workspaces::id, workspaces::handle, workspaces::deleted_at))
            .load(db)?,
        organizations: organizations::queries::only_admin_of(db, user, SHOWN)?,
        keys: api_keys::table.filter(api_keys::user_id.eq(user)).count().get_result(db)?,
        places: memberships::table.filter(memberships::user_id.eq(user)).count().get_result(db)?,
    })
}

/// The workspaces of others in which a person has a place.
pub fn places(db: &mut Db, user: UserId) -> QueryResult<Vec<Workspace>> {
    workspaces::table
        .inner_join(accounts::table)
        .inner_join(memberships::table)
        .filter(memberships::user_id.eq(user))
        .select(membership::COLUMNS)
        .load(db)
}

/// People who never confirmed their address and signed up before a moment; whoever was given a workspace meanwhile stays.
#[diesel::dsl::auto_type]
fn lapsed(before: Instant) -> _ {
    let unconfirmed: Verified = Verified::No;
    let owned = workspaces::table.filter(workspaces::account_id.eq(users::personal_account_id));
    users::table
        .inner_join(accounts::table)
        .filter(users::verified.eq(unconfirmed))
        .filter(users::created_at.le(before))
        .filter(diesel::dsl::not(diesel::dsl::exists(owned)))
}

/// Some people who never confirmed their address and signed up before a moment, with their accounts.
pub fn unconfirmed(
    db: &mut Db,
    before: Instant,
    limit: i64,
) -> QueryResult<Vec<(UserId, AccountId)>> {
    lapsed(before)
        .order(users::created_at)
        .limit(limit)
        .select((users::id, users::personal_account_id))
        .load(db)
}

/// Handle and address of one of them; `None` once it is confirmed.
pub fn unconfirmed_one(
    db: &mut Db,
    user: UserId,
    before: Instant,
) -> QueryResult<Option<(String, String)>> {
    lapsed(before)
        .filter(users::id.eq(user))
        .select((accounts::handle, users::email))
        .first(db)
        .optional()
}

/// Removes a person and the personal account; sessions, keys and places go along.
pub fn remove(db: &mut Db, user: UserId, account: AccountId) -> QueryResult<()> {
    forget_of_account(db, account)?;
    diesel::delete(users::table.find(user)).execute(db)?;
    diesel::delete(accounts::table.find(account)).execute(db)?;
    Ok(())
}
