//! The members of an organization.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::access::organization::OrganizationRole;
use crate::access::{AccountId, UserId};
use crate::base::db::paging::{Position, Slice};
use crate::base::db::schema::{
    accounts, memberships, organization_members, transfer_grants, transfers, two_factor, users,
    workspaces,
};
use crate::base::db::{Db, MultiBackend};
use crate::base::http::json::Window;
use crate::tenancy::invitations::roster::{self, Filter, From, Key, MemberId, Row, Status, Way};
use crate::tenancy::organizations::model::Member;

type Columns = (
    organization_members::id,
    organization_members::user_id,
    organization_members::sort_name,
    accounts::name,
    users::email,
    accounts::handle,
    organization_members::role,
    users::last_sign_in_at,
    diesel::dsl::Nullable<two_factor::user_id>,
    organization_members::created_at,
);

fn columns() -> Columns {
    (
        organization_members::id,
        organization_members::user_id,
        organization_members::sort_name,
        accounts::name,
        users::email,
        accounts::handle,
        organization_members::role,
        users::last_sign_in_at,
        two_factor::user_id.nullable(),
        organization_members::created_at,
    )
}

/// A page of an organization's people: open invitations, then members by name; of one role if that
/// is wanted, which leaves the invitations out.
pub fn members(
    db: &mut Db,
    filter: &Filter,
    role: Option<OrganizationRole>,
    position: &Position<Key>,
) -> QueryResult<Slice<Row<Member>>> {
    let filter = match role {
        Some(_) => Filter { status: Status::Active, ..filter.clone() },
        None => filter.clone(),
    };
    roster::page(db, &filter, position, |db, way, from, wanted| {
        people(db, (&filter, role), way, from, wanted)
    })
}

fn people(
    db: &mut Db,
    (filter, role): (&Filter, Option<OrganizationRole>),
    way: Way,
    from: From,
    wanted: usize,
) -> QueryResult<Vec<Member>> {
    if matches!(filter.status, Status::Pending | Status::Expired) {
        return Ok(Vec::new());
    }
    let mut query = organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .left_join(two_factor::table.on(two_factor::user_id.eq(organization_members::user_id)))
        .filter(organization_members::account_id.eq(filter.scope.account))
        .into_boxed::<MultiBackend>();
    if let Some(role) = role {
        query = query.filter(organization_members::role.eq(role));
    }
    if let Some(pattern) = filter.pattern() {
        query = query.filter(organization_members::search_key.like(pattern).escape('\\'));
    }
    let (name, id) = (organization_members::sort_name, organization_members::id);
    query = match (way, from) {
        (Way::Down, Some((n, i))) => query.filter(name.gt(n.clone()).or(name.eq(n).and(id.gt(i)))),
        (Way::Up, Some((n, i))) => query.filter(name.lt(n.clone()).or(name.eq(n).and(id.lt(i)))),
        (_, None) => query,
    };
    query = match way {
        Way::Down => query.order((name.asc(), id.asc())),
        Way::Up => query.order((name.desc(), id.desc())),
    };
    query.limit(i64::try_from(wanted).unwrap_or(i64::MAX)).select(columns()).load(db)
}

/// One member of an organization (IN-10).
pub fn member(db: &mut Db, account: AccountId, id: MemberId) -> QueryResult<Option<Member>> {
    organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .left_join(two_factor::table.on(two_factor::user_id.eq(organization_members::user_id)))
        .filter(organization_members::id.eq(id))
        .filter(organization_members::account_id.eq(account))
        .select(columns())
        .first(db)
        .optional()
}

/// The members of an organization in the order in which they joined, of some addresses if those are
/// wanted.
pub fn all_members(
    db: &mut Db,
    account: AccountId,
    email_keys: Option<Vec<String>>,
    window: Window,
) -> QueryResult<Vec<Member>> {
    let mut query = organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .left_join(two_factor::table.on(two_factor::user_id.eq(organization_members::user_id)))
        .filter(organization_members::account_id.eq(account))
        .into_boxed::<MultiBackend>();
    if let Some(keys) = email_keys {
        query = query.filter(users::email_key.eq_any(keys));
    }
    query
        .order(organization_members::id)
        .limit(window.limit)
        .offset(window.offset)
        .select(columns())
        .load(db)
}

/// Members without a second factor: how many, and the names of some.
pub fn without_second_factor(
    db: &mut Db,
    account: AccountId,
    limit: i64,
) -> QueryResult<(i64, Vec<String>)> {
    let all = organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .left_join(two_factor::table.on(two_factor::user_id.eq(organization_members::user_id)))
        .filter(organization_members::account_id.eq(account))
        .filter(two_factor::user_id.is_null());
    let count = all.select(count_star()).first(db)?;
    let names = all
        .order((organization_members::sort_name, organization_members::id))
        .limit(limit)
        .select(accounts::name)
        .load(db)?;
    Ok((count, names))
}

/// How many people belong to an organization.
pub fn member_count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    organization_members::table
        .filter(organization_members::account_id.eq(account))
        .count()
        .get_result(db)
}

/// How many admins an organization has.
pub fn admin_count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .count()
        .get_result(db)
}

/// Of how many organizations a person is admin.
pub fn administered_count(db: &mut Db, user: UserId) -> QueryResult<i64> {
    organization_members::table
        .filter(organization_members::user_id.eq(user))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .count()
        .get_result(db)
}

/// The organization's workspaces in which a person has a role of their own, by handle: at most
/// `limit` of them, deleted ones left out.
pub fn granted_workspaces(
    db: &mut Db,
    account: AccountId,
    user: UserId,
    limit: i64,
) -> QueryResult<Vec<String>> {
    memberships::table
        .inner_join(workspaces::table)
        .filter(memberships::user_id.eq(user))
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::handle)
        .limit(limit)
        .select(workspaces::handle)
        .load(db)
}

/// How many of the organization's workspaces everybody in it may use.
pub fn open_workspaces(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .filter(
            workspaces::default_role
                .is_not_null()
                .or(workspaces::default_custom_role_id.is_not_null()),
        )
        .count()
        .get_result(db)
}

/// Takes a person out of an organization, and out of all its workspaces (H9); returns in how many
/// there was a role of the person's own.
pub fn remove_member(db: &mut Db, account: AccountId, user: UserId) -> QueryResult<usize> {
    let owned = workspaces::table.filter(workspaces::account_id.eq(account)).select(workspaces::id);
    let granted = memberships::table
        .filter(memberships::user_id.eq(user))
        .filter(memberships::workspace_id.eq_any(owned));
    let grants = diesel::delete(granted).execute(db)?;
    // Nor does a role come back with a workspace that was transferred away.
    let left =
        transfers::table.filter(transfers::source_account_id.eq(account)).select(transfers::id);
    let kept = transfer_grants::table
        .filter(transfer_grants::user_id.eq(user))
        .filter(transfer_grants::transfer_id.eq_any(left));
    diesel::delete(kept).execute(db)?;
    diesel::delete(
        organization_members::table
            .filter(organization_members::account_id.eq(account))
            .filter(organization_members::user_id.eq(user)),
    )
    .execute(db)?;
    Ok(grants)
}
