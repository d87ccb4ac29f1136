//! Rows about organizations and their members.

mod members;
mod owned;

use diesel::dsl::exists;
use diesel::prelude::*;

pub use self::members::{admin_count, administered_count, member_count, members, remove_member};
pub use self::owned::{OwnedWorkspace, active_workspaces, owned, restorable, workspace_count};

use super::model::{MemberId, Wanted};
use crate::access::actor::Person;
use crate::access::organization::OrganizationRole;
use crate::access::{AccountId, UserId};
use crate::base::db::schema::{accounts, organization_members, organizations, users, workspaces};
use crate::base::db::{Db, Instant};

/// An organization in a person's list.
#[derive(Clone, Debug, Queryable)]
pub struct Listed {
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// What the person is in it.
    pub role: OrganizationRole,
}

/// Organizations in a person's list.
const LISTED: i64 = 200;

/// The organizations that a person belongs to, by handle.
///
/// # Errors
/// The database's fault.
pub fn of_person(db: &mut Db, user: UserId) -> QueryResult<Vec<Listed>> {
    organization_members::table
        .inner_join(accounts::table)
        .filter(organization_members::user_id.eq(user))
        .order(accounts::handle)
        .limit(LISTED)
        .select((accounts::handle, accounts::name, organization_members::role))
        .load(db)
}

/// Makes an organization with its first admin.
///
/// # Errors
/// The database's fault.
pub fn insert(db: &mut Db, by: &Person, wanted: &Wanted, now: Instant) -> QueryResult<AccountId> {
    let account = AccountId::new(now);
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(account),
            accounts::kind.eq("organization"),
            accounts::handle.eq(wanted.handle.as_str()),
            accounts::name.eq(wanted.name.as_str()),
            accounts::created_at.eq(now),
            accounts::updated_at.eq(now),
        ))
        .execute(db)?;
    diesel::insert_into(organizations::table)
        .values((
            organizations::account_id.eq(account),
            organizations::location.eq(wanted.location.as_str()),
            organizations::link.eq(wanted.link.as_str()),
        ))
        .execute(db)?;
    insert_member(db, account, by, OrganizationRole::Admin, now)?;
    Ok(account)
}

/// Lets a person into an organization.
///
/// # Errors
/// The database's fault.
pub fn insert_member(
    db: &mut Db,
    account: AccountId,
    person: &Person,
    role: OrganizationRole,
    now: Instant,
) -> QueryResult<usize> {
    diesel::insert_into(organization_members::table)
        .values((
            organization_members::id.eq(MemberId::new(now)),
            organization_members::account_id.eq(account),
            organization_members::user_id.eq(person.user),
            organization_members::role.eq(role),
            organization_members::sort_name.eq(person.name.to_lowercase()),
            organization_members::created_at.eq(now),
        ))
        .execute(db)
}

/// Changes what an organization is described by.
///
/// # Errors
/// The database's fault.
pub fn update(db: &mut Db, account: AccountId, wanted: &Wanted, now: Instant) -> QueryResult<()> {
    diesel::update(accounts::table.find(account))
        .set((
            accounts::handle.eq(wanted.handle.as_str()),
            accounts::name.eq(wanted.name.as_str()),
            accounts::updated_at.eq(now),
        ))
        .execute(db)?;
    diesel::update(organizations::table.find(account))
        .set((
            organizations::location.eq(wanted.location.as_str()),
            organizations::link.eq(wanted.link.as_str()),
        ))
        .execute(db)?;
    Ok(())
}

/// The addresses of an organization's members.
///
/// # Errors
/// The database's fault.
pub fn emails(db: &mut Db, account: AccountId) -> QueryResult<Vec<String>> {
    organization_members::table
        .inner_join(users::table)
        .filter(organization_members::account_id.eq(account))
        .order(organization_members::id)
        .select(users::email)
        .load(db)
}

/// Ends an organization that has no workspace but deleted ones, whose days of grace end with it. Its
/// row goes with the last of them ([`forget_if_over`]).
///
/// # Errors
/// The database's fault.
pub fn end(db: &mut Db, account: AccountId, now: Instant) -> QueryResult<()> {
    let members = organization_members::account_id.eq(account);
    diesel::delete(organization_members::table.filter(members)).execute(db)?;
    diesel::update(workspaces::table.filter(workspaces::account_id.eq(account)))
        .set(workspaces::purge_after.eq(Some(now)))
        .execute(db)?;
    diesel::update(organizations::table.find(account))
        .set(organizations::deleted_at.eq(Some(now)))
        .execute(db)?;
    forget_if_over(db, account)
}

/// Removes the row of a deleted organization once it holds no workspace any more.
///
/// # Errors
/// The database's fault.
pub fn forget_if_over(db: &mut Db, account: AccountId) -> QueryResult<()> {
    let over = organizations::table.find(account).filter(organizations::deleted_at.is_not_null());
    let holds = workspaces::table.filter(workspaces::account_id.eq(account));
    if diesel::select(exists(over)).get_result(db)?
        && !diesel::select(exists(holds)).get_result(db)?
    {
        diesel::delete(accounts::table.find(account)).execute(db)?;
    }
    Ok(())
}

/// The organizations that would be without an admin if a person went; at most `limit`.
///
/// # Errors
/// The database's fault.
pub fn only_admin_of(
    db: &mut Db,
    user: UserId,
    limit: i64,
) -> QueryResult<Vec<(AccountId, String)>> {
    let others = diesel::alias!(organization_members as others);
    let admins = others
        .filter(others.field(organization_members::account_id).eq(organization_members::account_id))
        .filter(others.field(organization_members::role).eq(OrganizationRole::Admin))
        .filter(others.field(organization_members::user_id).ne(user));
    organization_members::table
        .inner_join(accounts::table)
        .filter(organization_members::user_id.eq(user))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .filter(diesel::dsl::not(exists(admins)))
        .order(accounts::handle)
        .limit(limit)
        .select((accounts::id, accounts::handle))
        .load(db)
}

/// The accounts of all organizations that a person belongs to.
///
/// # Errors
/// The database's fault.
pub fn accounts_of(db: &mut Db, user: UserId) -> QueryResult<Vec<AccountId>> {
    organization_members::table
        .filter(organization_members::user_id.eq(user))
        .order(organization_members::account_id)
        .select(organization_members::account_id)
        .load(db)
}
