//! Service accounts with which a workspace is shared, and those that are not yet.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::access::membership::named_role;
use crate::access::role::{Role, RoleId};
use crate::access::workspace::Grantable;
use crate::access::{AccountId, ServiceAccountId, WorkspaceId};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::{
    service_account_grants as grants, service_accounts, workspace_roles, workspaces,
};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::http::json::Window;
use crate::tenancy::sharing::model::{BotGrantId, BotPlace, SharedBot};

type Columns = (
    (BotGrantId, ServiceAccountId, String, String),
    (Option<Role>, Option<(RoleId, String, Option<Role>, String)>),
    (String, Instant, Option<Instant>, Option<Instant>, Option<Instant>),
);

fn shared(row: Columns) -> Option<SharedBot> {
    let (who, (role, custom), (by, since, until, last_seen_at, disabled_at)) = row;
    let (id, bot, sort_name, name) = who;
    let role = named_role(role, custom)?;
    Some(SharedBot { id, bot, sort_name, name, role, by, since, until, last_seen_at, disabled_at })
}

/// What every query here selects; a macro, since the type of the joined query has no name.
macro_rules! select_shared {
    ($query:expr) => {
        $query.select((
            (grants::id, service_accounts::id, grants::sort_name, service_accounts::name),
            (
                grants::role,
                (
                    workspace_roles::id,
                    workspace_roles::name,
                    workspace_roles::inherits,
                    workspace_roles::scopes,
                )
                    .nullable(),
            ),
            (
                grants::granted_by_name,
                grants::created_at,
                grants::expires_at,
                grants::last_seen_at,
                service_accounts::disabled_at,
            ),
        ))
    };
}

/// A page of the service accounts of a workspace, by name.
pub fn bots(
    db: &mut Db,
    workspace: WorkspaceId,
    (q, now): (&str, Instant),
    position: &Position<BotPlace>,
) -> QueryResult<Slice<SharedBot>> {
    let mut query = grants::table
        .inner_join(service_accounts::table)
        .left_join(workspace_roles::table)
        .filter(grants::workspace_id.eq(workspace))
        .filter(grants::expires_at.is_null().or(grants::expires_at.gt(now)))
        .into_boxed::<MultiBackend>();
    if !q.trim().is_empty() {
        query = query.filter(grants::sort_name.like(contains_pattern(q)).escape('\\'));
    }
    let (name, id) = (grants::sort_name, grants::id);
    query = match position {
        Position::Start => query.order((name.asc(), id.asc())),
        Position::After(BotPlace { sort_name: n, id: i }) => query
            .filter(name.gt(n.clone()).or(name.eq(n.clone()).and(id.gt(*i))))
            .order((name.asc(), id.asc())),
        Position::Before(BotPlace { sort_name: n, id: i }) => query
            .filter(name.lt(n.clone()).or(name.eq(n.clone()).and(id.lt(*i))))
            .order((name.desc(), id.desc())),
    };
    let limit = i64::try_from(PAGE_SIZE).unwrap_or(0) + 1;
    let rows: Vec<Columns> = select_shared!(query.limit(limit)).load(db)?;
    let rows = rows.into_iter().filter_map(shared).collect();
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

fn one(
    db: &mut Db,
    workspace: WorkspaceId,
    id: Option<BotGrantId>,
    bot: Option<ServiceAccountId>,
) -> QueryResult<Option<SharedBot>> {
    let mut query = grants::table
        .inner_join(service_accounts::table)
        .left_join(workspace_roles::table)
        .filter(grants::workspace_id.eq(workspace))
        .into_boxed::<MultiBackend>();
    if let Some(id) = id {
        query = query.filter(grants::id.eq(id));
    }
    if let Some(bot) = bot {
        query = query.filter(grants::service_account_id.eq(bot));
    }
    let row: Option<Columns> = select_shared!(query).first(db).optional()?;
    Ok(row.and_then(shared))
}

/// One service account of a workspace, by its grant (IN-10).
pub fn bot(db: &mut Db, workspace: WorkspaceId, id: BotGrantId) -> QueryResult<Option<SharedBot>> {
    one(db, workspace, Some(id), None)
}

/// The same by the service account.
pub fn bot_of(
    db: &mut Db,
    workspace: WorkspaceId,
    bot: ServiceAccountId,
) -> QueryResult<Option<SharedBot>> {
    one(db, workspace, None, Some(bot))
}

/// The service accounts of a workspace, in the order in which it was shared.
pub fn all_bots(
    db: &mut Db,
    workspace: WorkspaceId,
    window: Window,
    now: Instant,
) -> QueryResult<Vec<SharedBot>> {
    let query = grants::table
        .inner_join(service_accounts::table)
        .left_join(workspace_roles::table)
        .filter(grants::workspace_id.eq(workspace))
        .filter(grants::expires_at.is_null().or(grants::expires_at.gt(now)))
        .order(grants::id)
        .limit(window.limit)
        .offset(window.offset)
        .into_boxed::<MultiBackend>();
    let rows: Vec<Columns> = select_shared!(query).load(db)?;
    Ok(rows.into_iter().filter_map(shared).collect())
}

/// With how many service accounts a workspace is shared.
pub fn bot_count(db: &mut Db, workspace: WorkspaceId, now: Instant) -> QueryResult<i64> {
    grants::table
        .filter(grants::workspace_id.eq(workspace))
        .filter(grants::expires_at.is_null().or(grants::expires_at.gt(now)))
        .select(count_star())
        .first(db)
}

/// Service accounts of the organization with which a workspace is not shared, by name; at most
/// `limit`.
pub fn candidates(
    db: &mut Db,
    (account, workspace): (AccountId, WorkspaceId),
    (q, now): (&str, Instant),
    limit: i64,
) -> QueryResult<Vec<(ServiceAccountId, String)>> {
    let known = grants::table
        .filter(grants::workspace_id.eq(workspace))
        .filter(grants::expires_at.is_null().or(grants::expires_at.gt(now)))
        .select(grants::service_account_id);
    let mut query = service_accounts::table
        .filter(service_accounts::account_id.eq(account))
        .filter(service_accounts::id.ne_all(known))
        .into_boxed::<MultiBackend>();
    if !q.trim().is_empty() {
        query = query.filter(service_accounts::name_key.like(contains_pattern(q)).escape('\\'));
    }
    query
        .order(service_accounts::name_key)
        .limit(limit)
        .select((service_accounts::id, service_accounts::name))
        .load(db)
}

/// Shares a workspace with a service account.
pub fn insert_bot_grant(
    db: &mut Db,
    (workspace, bot): (WorkspaceId, ServiceAccountId),
    role: Grantable,
    (until, by): (Option<Instant>, &str),
    now: Instant,
) -> QueryResult<()> {
    // One whose time is over may still have its row.
    diesel::delete(
        grants::table
            .filter(grants::workspace_id.eq(workspace))
            .filter(grants::service_account_id.eq(bot)),
    )
    .execute(db)?;
    let sort_name: String =
        service_accounts::table.find(bot).select(service_accounts::name_key).first(db)?;
    diesel::insert_into(grants::table)
        .values((
            grants::id.eq(BotGrantId::new(now)),
            grants::workspace_id.eq(workspace),
            grants::service_account_id.eq(bot),
            grants::role.eq(role.role().built_in()),
            grants::custom_role_id.eq(role.role().custom()),
            grants::sort_name.eq(sort_name),
            grants::granted_by_name.eq(by),
            grants::created_at.eq(now),
            grants::expires_at.eq(until),
        ))
        .execute(db)?;
    Ok(())
}

/// Changes a service account's role and when it ends.
pub fn set_bot_role(
    db: &mut Db,
    id: BotGrantId,
    role: Grantable,
    (until, by): (Option<Instant>, &str),
) -> QueryResult<()> {
    diesel::update(grants::table.find(id))
        .set((
            grants::role.eq(role.role().built_in()),
            grants::custom_role_id.eq(role.role().custom()),
            grants::expires_at.eq(until),
            grants::granted_by_name.eq(by),
        ))
        .execute(db)?;
    Ok(())
}

/// Ends a service account's access.
pub fn delete_bot_grant(db: &mut Db, id: BotGrantId) -> QueryResult<()> {
    diesel::delete(grants::table.find(id)).execute(db)?;
    Ok(())
}

/// Some shares whose time is over: the grant's id, its workspace and that one's account.
pub fn ended_bots(
    db: &mut Db,
    now: Instant,
    limit: i64,
) -> QueryResult<Vec<(BotGrantId, WorkspaceId, AccountId)>> {
    grants::table
        .inner_join(workspaces::table)
        .filter(grants::expires_at.le(now))
        .order(grants::expires_at)
        .limit(limit)
        .select((grants::id, workspaces::id, workspaces::account_id))
        .load(db)
}
