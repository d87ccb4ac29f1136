//! Rows about organizations and their members.

mod members;
mod owned;

use diesel::dsl::exists;
use diesel::prelude::*;

pub use self::members::{
    admin_count, administered_count, all_members, granted_workspaces, member, member_count,
    members, open_workspaces, remove_member, without_second_factor,
};
pub use self::owned::{
    OwnedWorkspace, active_workspaces, owned, reached_count, restorable, workspace_count,
};

use super::model::{Policy, Wanted};
use crate::access::actor::Person;
use crate::access::membership::AccountKind;
use crate::access::organization::{self, OrganizationRole};
use crate::access::{AccountId, UserId};
use crate::base::db::schema::{
    accounts, memberships, organization_members, organizations, service_accounts, users, workspaces,
};
use crate::base::db::{Db, Instant};
use crate::tenancy::invitations::actions::forget_of_account;

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
pub fn insert(db: &mut Db, by: &Person, wanted: &Wanted, now: Instant) -> QueryResult<AccountId> {
    let account = AccountId::new(now);
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(account),
            accounts::kind.eq(AccountKind::Organization),
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
            organizations::email_domains.eq(""),
        ))
        .execute(db)?;
    organization::insert_member(db, account, by.user, OrganizationRole::Admin, now)?;
    Ok(account)
}

/// Changes what an organization is described by.
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

/// How many service accounts an organization has.
pub fn service_account_count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    service_accounts::table.filter(service_accounts::account_id.eq(account)).count().get_result(db)
}

/// Changes an organization's rules. `since` is when the second factor was asked for.
pub fn set_policy(
    db: &mut Db,
    account: AccountId,
    policy: &Policy,
    since: Option<Instant>,
) -> QueryResult<()> {
    diesel::update(organizations::table.find(account))
        .set((
            organizations::two_factor_since.eq(since),
            organizations::email_domains.eq(policy.email_domains.join(" ")),
            organizations::refuses_transfers.eq(policy.refuses_transfers),
            organizations::run_retention_days.eq(policy.run_retention_days),
            organizations::audit_retention_days.eq(policy.audit_retention_days),
        ))
        .execute(db)?;
    Ok(())
}

/// The addresses of an organization's members.
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
pub fn end(db: &mut Db, account: AccountId, now: Instant) -> QueryResult<()> {
    let owned = workspaces::table.filter(workspaces::account_id.eq(account)).select(workspaces::id);
    let granted = memberships::table.filter(memberships::workspace_id.eq_any(owned));
    diesel::delete(granted).execute(db)?;
    let members = organization_members::account_id.eq(account);
    diesel::delete(organization_members::table.filter(members)).execute(db)?;
    // Their keys end with them.
    let bots = service_accounts::account_id.eq(account);
    diesel::delete(service_accounts::table.filter(bots)).execute(db)?;
    diesel::update(workspaces::table.filter(workspaces::account_id.eq(account)))
        .set(workspaces::purge_after.eq(Some(now)))
        .execute(db)?;
    diesel::update(organizations::table.find(account))
        .set(organizations::deleted_at.eq(Some(now)))
        .execute(db)?;
    forget_if_over(db, account)
}

/// Removes the row of a deleted organization once it holds no workspace any more.
pub fn forget_if_over(db: &mut Db, account: AccountId) -> QueryResult<()> {
    let over = organizations::table.find(account).filter(organizations::deleted_at.is_not_null());
    let holds = workspaces::table.filter(workspaces::account_id.eq(account));
    if diesel::select(exists(over)).get_result(db)?
        && !diesel::select(exists(holds)).get_result(db)?
    {
        forget_of_account(db, account)?;
        diesel::delete(accounts::table.find(account)).execute(db)?;
    }
    Ok(())
}

/// The organizations that would be without an admin if a person went; at most `limit`.
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
pub fn accounts_of(db: &mut Db, user: UserId) -> QueryResult<Vec<AccountId>> {
    organization_members::table
        .filter(organization_members::user_id.eq(user))
        .order(organization_members::account_id)
        .select(organization_members::account_id)
        .load(db)
}
