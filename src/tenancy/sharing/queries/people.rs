//! People with a role of their own, and who could get one.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::access::listing::Listing;
use crate::access::membership::named_role;
use crate::access::organization::OrganizationRole;
use crate::access::role::{Role, RoleId, RoleRef};
use crate::access::workspace::Grantable;
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::paging::{Position, Slice, contains_pattern};
use crate::base::db::schema::{
    accounts, memberships, organization_members, users, workspace_roles, workspaces,
};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::http::json::Window;
use crate::tenancy::invitations::roster::{self, Filter, From, Key, MemberId, Row, Status, Way};
use crate::tenancy::sharing::model::SharedPerson;

type Columns = (
    (MemberId, UserId, String, String, String, String),
    (Option<Role>, Option<(RoleId, String, Option<Role>, String)>),
    (String, Instant, Option<Instant>, Option<Instant>),
    Option<OrganizationRole>,
);

fn shared(row: Columns) -> Option<SharedPerson> {
    let (who, (role, custom), (by, since, until, last_seen_at), organization_role) = row;
    let (id, user, sort_name, name, email, handle) = who;
    let role = named_role(role, custom)?;
    Some(SharedPerson {
        id,
        user,
        sort_name,
        name,
        email,
        handle,
        role,
        by,
        since,
        until,
        last_seen_at,
        organization_role,
    })
}

/// What every query for people selects; a macro, since the type of the joined query has no name.
macro_rules! select_shared {
    ($query:expr) => {
        $query.select((
            (
                memberships::id,
                memberships::user_id,
                memberships::sort_name,
                accounts::name,
                users::email,
                accounts::handle,
            ),
            (
                memberships::role,
                (
                    workspace_roles::id,
                    workspace_roles::name,
                    workspace_roles::inherits,
                    workspace_roles::scopes,
                )
                    .nullable(),
            ),
            (
                memberships::granted_by_name,
                memberships::created_at,
                memberships::expires_at,
                memberships::last_seen_at,
            ),
            organization_members::role.nullable(),
        ))
    };
}

/// A page of a workspace's people: open invitations, then those with a role of their own; with one
/// role only if that is wanted, which leaves the invitations out.
pub fn people(
    db: &mut Db,
    filter: &Filter,
    role: Option<RoleRef>,
    position: &Position<Key>,
) -> QueryResult<Slice<Row<SharedPerson>>> {
    let filter = match role {
        Some(_) => Filter { status: Status::Active, ..filter.clone() },
        None => filter.clone(),
    };
    roster::page(db, &filter, position, |db, way, from, wanted| {
        some_people(db, (&filter, role), way, from, wanted)
    })
}

fn some_people(
    db: &mut Db,
    (filter, role): (&Filter, Option<RoleRef>),
    way: Way,
    from: From,
    wanted: usize,
) -> QueryResult<Vec<SharedPerson>> {
    let Some(workspace) = filter.scope.workspace else { return Ok(Vec::new()) };
    if matches!(filter.status, Status::Pending | Status::Expired) {
        return Ok(Vec::new());
    }
    let account = filter.scope.account;
    let mut query = memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .left_join(workspace_roles::table)
        .left_join(
            organization_members::table.on(organization_members::user_id
                .eq(memberships::user_id)
                .and(organization_members::account_id.eq(account))),
        )
        .filter(memberships::workspace_id.eq(workspace))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(filter.now)))
        .into_boxed::<MultiBackend>();
    query = match role {
        Some(RoleRef::BuiltIn(role)) => query.filter(memberships::role.eq(role)),
        Some(RoleRef::Custom(id)) => query.filter(memberships::custom_role_id.eq(id)),
        None => query,
    };
    if let Some(pattern) = filter.pattern() {
        query = query.filter(memberships::search_key.like(pattern).escape('\\'));
    }
    let (name, id) = (memberships::sort_name, memberships::id);
    query = match (way, from) {
        (Way::Down, Some((n, i))) => query.filter(name.gt(n.clone()).or(name.eq(n).and(id.gt(i)))),
        (Way::Up, Some((n, i))) => query.filter(name.lt(n.clone()).or(name.eq(n).and(id.lt(i)))),
        (_, None) => query,
    };
    query = match way {
        Way::Down => query.order((name.asc(), id.asc())),
        Way::Up => query.order((name.desc(), id.desc())),
    };
    let rows: Vec<Columns> =
        select_shared!(query.limit(i64::try_from(wanted).unwrap_or(i64::MAX))).load(db)?;
    Ok(rows.into_iter().filter_map(shared).collect())
}

fn one(
    db: &mut Db,
    (account, workspace): (AccountId, WorkspaceId),
    id: Option<MemberId>,
    user: Option<UserId>,
) -> QueryResult<Option<SharedPerson>> {
    let mut query = memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .left_join(workspace_roles::table)
        .left_join(
            organization_members::table.on(organization_members::user_id
                .eq(memberships::user_id)
                .and(organization_members::account_id.eq(account))),
        )
        .filter(memberships::workspace_id.eq(workspace))
        .into_boxed::<MultiBackend>();
    if let Some(id) = id {
        query = query.filter(memberships::id.eq(id));
    }
    if let Some(user) = user {
        query = query.filter(memberships::user_id.eq(user));
    }
    let row: Option<Columns> = select_shared!(query).first(db).optional()?;
    Ok(row.and_then(shared))
}

/// One person with a role of their own in a workspace (IN-10).
pub fn person(
    db: &mut Db,
    place: (AccountId, WorkspaceId),
    id: MemberId,
) -> QueryResult<Option<SharedPerson>> {
    one(db, place, Some(id), None)
}

/// The same by the person.
pub fn person_of(
    db: &mut Db,
    place: (AccountId, WorkspaceId),
    user: UserId,
) -> QueryResult<Option<SharedPerson>> {
    one(db, place, None, Some(user))
}

/// How many people have a role of their own.
pub fn people_count(db: &mut Db, workspace: WorkspaceId, now: Instant) -> QueryResult<i64> {
    memberships::table
        .filter(memberships::workspace_id.eq(workspace))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(now)))
        .select(count_star())
        .first(db)
}

/// Name, address and handle of an admin.
pub type Admin = (String, String, String);

/// The organization's admins, who own every workspace: how many, and some of them.
pub fn admins(db: &mut Db, account: AccountId, limit: i64) -> QueryResult<(i64, Vec<Admin>)> {
    let all = organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Admin));
    let count = all.select(count_star()).first(db)?;
    let some = all
        .order((organization_members::sort_name, organization_members::id))
        .limit(limit)
        .select((accounts::name, users::email, accounts::handle))
        .load(db)?;
    Ok((count, some))
}

/// A member of an organization, by the person: role, name, address and address for comparison.
pub fn member_of(
    db: &mut Db,
    account: AccountId,
    user: UserId,
) -> QueryResult<Option<(OrganizationRole, String, String, String)>> {
    organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::user_id.eq(user))
        .select((organization_members::role, accounts::name, users::email, users::email_key))
        .first(db)
        .optional()
}

/// Members of the organization who are no admins and have no role of their own in a workspace, by
/// name: id, name and address; at most `limit`.
pub fn candidates(
    db: &mut Db,
    (account, workspace): (AccountId, WorkspaceId),
    (q, now): (&str, Instant),
    limit: i64,
) -> QueryResult<Vec<(UserId, String, String)>> {
    let granted = memberships::table
        .filter(memberships::workspace_id.eq(workspace))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(now)))
        .select(memberships::user_id);
    let mut query = organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Member))
        .filter(organization_members::user_id.ne_all(granted))
        .into_boxed::<MultiBackend>();
    if !q.trim().is_empty() {
        let found = organization_members::search_key.like(contains_pattern(q)).escape('\\');
        query = query.filter(found);
    }
    query
        .order((organization_members::sort_name, organization_members::id))
        .limit(limit)
        .select((users::id, accounts::name, users::email))
        .load(db)
}

/// Gives a person a role.
pub fn insert_person(
    db: &mut Db,
    (workspace, user): (WorkspaceId, UserId),
    role: Grantable,
    (until, by): (Option<Instant>, &str),
    now: Instant,
) -> QueryResult<()> {
    // One whose time is over may still have its row.
    diesel::delete(
        memberships::table
            .filter(memberships::workspace_id.eq(workspace))
            .filter(memberships::user_id.eq(user)),
    )
    .execute(db)?;
    let listing = Listing::of(db, user)?;
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(MemberId::new(now)),
            memberships::workspace_id.eq(workspace),
            memberships::user_id.eq(user),
            memberships::role.eq(role.role().built_in()),
            memberships::custom_role_id.eq(role.role().custom()),
            memberships::sort_name.eq(&listing.sort_name),
            memberships::search_key.eq(&listing.search_key),
            memberships::granted_by_name.eq(by),
            memberships::created_at.eq(now),
            memberships::expires_at.eq(until),
        ))
        .execute(db)?;
    Ok(())
}

/// People with a role of their own in a workspace, in the order in which they got it.
pub fn all_people(
    db: &mut Db,
    (account, workspace): (AccountId, WorkspaceId),
    window: Window,
    now: Instant,
) -> QueryResult<Vec<SharedPerson>> {
    let query = memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .left_join(workspace_roles::table)
        .left_join(
            organization_members::table.on(organization_members::user_id
                .eq(memberships::user_id)
                .and(organization_members::account_id.eq(account))),
        )
        .filter(memberships::workspace_id.eq(workspace))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(now)))
        .order(memberships::id)
        .limit(window.limit)
        .offset(window.offset)
        .into_boxed::<MultiBackend>();
    let rows: Vec<Columns> = select_shared!(query).load(db)?;
    Ok(rows.into_iter().filter_map(shared).collect())
}

/// Changes a person's role and when it ends.
pub fn set_role(
    db: &mut Db,
    id: MemberId,
    role: Grantable,
    (until, by): (Option<Instant>, &str),
) -> QueryResult<()> {
    diesel::update(memberships::table.find(id))
        .set((
            memberships::role.eq(role.role().built_in()),
            memberships::custom_role_id.eq(role.role().custom()),
            memberships::expires_at.eq(until),
            memberships::expiry_told_at.eq(None::<Instant>),
            memberships::granted_by_name.eq(by),
        ))
        .execute(db)?;
    Ok(())
}

/// Ends a person's role.
pub fn remove_person(db: &mut Db, id: MemberId) -> QueryResult<()> {
    diesel::delete(memberships::table.find(id)).execute(db)?;
    Ok(())
}

/// Changes what everybody in the organization may do in a workspace; `None` is no access.
pub fn set_default(
    db: &mut Db,
    workspace: WorkspaceId,
    role: Option<Grantable>,
) -> QueryResult<()> {
    let role = role.map(Grantable::role);
    diesel::update(workspaces::table.find(workspace))
        .set((
            workspaces::default_role.eq(role.and_then(RoleRef::built_in)),
            workspaces::default_custom_role_id.eq(role.and_then(RoleRef::custom)),
        ))
        .execute(db)?;
    Ok(())
}

/// Some roles that end between two moments and of which nobody was told: the role's id and the
/// person's address.
pub fn ending_people(
    db: &mut Db,
    (now, until): (Instant, Instant),
    limit: i64,
) -> QueryResult<Vec<(MemberId, String)>> {
    memberships::table
        .inner_join(users::table)
        .filter(memberships::expires_at.gt(now))
        .filter(memberships::expires_at.le(until))
        .filter(memberships::expiry_told_at.is_null())
        .order(memberships::expires_at)
        .limit(limit)
        .select((memberships::id, users::email))
        .load(db)
}

/// Notes that a person is being told; `false` when somebody else noted it first.
pub fn mark_told(db: &mut Db, id: MemberId, now: Instant) -> QueryResult<bool> {
    let untold = memberships::table.find(id).filter(memberships::expiry_told_at.is_null());
    let marked =
        diesel::update(untold).set(memberships::expiry_told_at.eq(Some(now))).execute(db)?;
    Ok(marked == 1)
}

/// Some roles whose time is over: the role's id, its workspace and that one's account.
pub fn ended_people(
    db: &mut Db,
    now: Instant,
    limit: i64,
) -> QueryResult<Vec<(MemberId, WorkspaceId, AccountId)>> {
    memberships::table
        .inner_join(workspaces::table)
        .filter(memberships::expires_at.le(now))
        .order(memberships::expires_at)
        .limit(limit)
        .select((memberships::id, workspaces::id, workspaces::account_id))
        .load(db)
}
