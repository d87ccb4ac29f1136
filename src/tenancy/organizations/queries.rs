//! Rows about organizations and their members.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::{Key, Member, MemberId, Wanted};
use crate::access::actor::Person;
use crate::access::organization::OrganizationRole;
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::{accounts, organization_members, organizations, users, workspaces};
use crate::base::db::{Db, Instant, MultiBackend};

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

/// A page of an organization's members, by name.
///
/// # Errors
/// The database's fault.
pub fn members(
    db: &mut Db,
    account: AccountId,
    q: &str,
    position: &Position<Key>,
) -> QueryResult<Slice<Member>> {
    let mut query = organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .filter(organization_members::account_id.eq(account))
        .into_boxed::<MultiBackend>();
    if !q.trim().is_empty() {
        let pattern = contains_pattern(q);
        let name = organization_members::sort_name.like(pattern.clone()).escape('\\');
        let email = users::email_key.like(pattern.clone()).escape('\\');
        query = query.filter(name.or(email).or(accounts::handle.like(pattern).escape('\\')));
    }
    let (name, id) = (organization_members::sort_name, organization_members::id);
    query = match position {
        Position::Start => query.order((name.asc(), id.asc())),
        Position::After(Key { sort_name: n, id: i }) => query
            .filter(name.gt(n.clone()).or(name.eq(n.clone()).and(id.gt(*i))))
            .order((name.asc(), id.asc())),
        Position::Before(Key { sort_name: n, id: i }) => query
            .filter(name.lt(n.clone()).or(name.eq(n.clone()).and(id.lt(*i))))
            .order((name.desc(), id.desc())),
    };
    let rows = query
        .limit(i64::try_from(PAGE_SIZE).unwrap_or(0) + 1)
        .select((
            id,
            name,
            accounts::name,
            users::email,
            accounts::handle,
            organization_members::role,
            users::last_sign_in_at,
        ))
        .load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// How many people belong to an organization.
///
/// # Errors
/// The database's fault.
pub fn member_count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    organization_members::table
        .filter(organization_members::account_id.eq(account))
        .count()
        .get_result(db)
}

/// How many admins an organization has.
///
/// # Errors
/// The database's fault.
pub fn admin_count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .count()
        .get_result(db)
}

/// Of how many organizations a person is admin.
///
/// # Errors
/// The database's fault.
pub fn administered_count(db: &mut Db, user: UserId) -> QueryResult<i64> {
    organization_members::table
        .filter(organization_members::user_id.eq(user))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .count()
        .get_result(db)
}

/// Takes a person out of an organization; returns whether the person was in it.
///
/// # Errors
/// The database's fault.
pub fn remove_member(db: &mut Db, account: AccountId, user: UserId) -> QueryResult<bool> {
    let removed = diesel::delete(
        organization_members::table
            .filter(organization_members::account_id.eq(account))
            .filter(organization_members::user_id.eq(user)),
    )
    .execute(db)?;
    Ok(removed > 0)
}

/// A workspace of an organization, in its list.
#[derive(Clone, Debug, Queryable)]
pub struct OwnedWorkspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its handle.
    pub handle: String,
    /// When it was made.
    pub created_at: Instant,
    /// When its handle or description last changed.
    pub updated_at: Instant,
}

/// A page of an organization's workspaces, by handle.
///
/// # Errors
/// The database's fault.
pub fn owned(
    db: &mut Db,
    account: AccountId,
    q: &str,
    position: &Position<String>,
) -> QueryResult<Slice<OwnedWorkspace>> {
    let mut query = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .into_boxed::<MultiBackend>();
    if !q.trim().is_empty() {
        query = query.filter(workspaces::handle.like(contains_pattern(q)).escape('\\'));
    }
    query = match position {
        Position::Start => query.order(workspaces::handle.asc()),
        Position::After(handle) => {
            query.filter(workspaces::handle.gt(handle.clone())).order(workspaces::handle.asc())
        }
        Position::Before(handle) => {
            query.filter(workspaces::handle.lt(handle.clone())).order(workspaces::handle.desc())
        }
    };
    let rows = query
        .limit(i64::try_from(PAGE_SIZE).unwrap_or(0) + 1)
        .select((
            workspaces::id,
            workspaces::handle,
            workspaces::created_at,
            workspaces::updated_at,
        ))
        .load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// Handles of an organization's workspaces that are not deleted; at most `limit`.
///
/// # Errors
/// The database's fault.
pub fn active_workspaces(db: &mut Db, account: AccountId, limit: i64) -> QueryResult<Vec<String>> {
    workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::handle)
        .limit(limit)
        .select(workspaces::handle)
        .load(db)
}

/// How many workspaces an organization has that are not deleted.
///
/// # Errors
/// The database's fault.
pub fn workspace_count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .count()
        .get_result(db)
}

/// Deleted workspaces on a page.
const RESTORABLE: i64 = 50;

/// An organization's deleted workspaces that can still be restored, the newest first: id, handle and
/// until when.
///
/// # Errors
/// The database's fault.
pub fn restorable(
    db: &mut Db,
    account: AccountId,
    now: Instant,
) -> QueryResult<Vec<(WorkspaceId, String, Instant)>> {
    let rows: Vec<(WorkspaceId, String, Option<Instant>)> = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::purge_after.gt(now))
        .order((workspaces::deleted_at.desc(), workspaces::id))
        .limit(RESTORABLE)
        .select((workspaces::id, workspaces::handle, workspaces::purge_after))
        .load(db)?;
    Ok(rows.into_iter().filter_map(|(id, handle, until)| Some((id, handle, until?))).collect())
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
