//! The members of an organization.

use diesel::prelude::*;

use crate::access::organization::OrganizationRole;
use crate::access::{AccountId, UserId};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::{accounts, organization_members, users};
use crate::base::db::{Db, MultiBackend};
use crate::tenancy::organizations::model::{Key, Member};

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
