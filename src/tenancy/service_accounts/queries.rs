//! Rows about service accounts and their keys.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::model::{Bot, BotKey, BotKeyId, BotName};
use crate::access::membership::named_role;
use crate::access::organization::OrganizationRole;
use crate::access::role::{NamedRole, Role, RoleId};
use crate::access::{AccountId, ServiceAccountId, WorkspaceId};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::{
    accounts, service_account_grants as grants, service_account_keys as keys, service_accounts,
    workspace_roles, workspaces,
};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::http::json::Window;
use crate::base::secret::ApiKey;

/// A page of an organization's service accounts, by name.
pub fn page(
    db: &mut Db,
    account: AccountId,
    q: &str,
    position: &Position<String>,
) -> QueryResult<Slice<Bot>> {
    let mut query = service_accounts::table
        .filter(service_accounts::account_id.eq(account))
        .into_boxed::<MultiBackend>();
    if !q.trim().is_empty() {
        query = query.filter(service_accounts::name_key.like(contains_pattern(q)).escape('\\'));
    }
    let name = service_accounts::name_key;
    query = match position {
        Position::Start => query.order(name.asc()),
        Position::After(key) => query.filter(name.gt(key.clone())).order(name.asc()),
        Position::Before(key) => query.filter(name.lt(key.clone())).order(name.desc()),
    };
    let rows =
        query.limit(i64::try_from(PAGE_SIZE).unwrap_or(0) + 1).select(Bot::as_select()).load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// Service accounts of an organization by name, of some names if those are wanted; at most `limit`.
pub fn all(
    db: &mut Db,
    account: AccountId,
    name_keys: Option<Vec<String>>,
    window: Window,
) -> QueryResult<Vec<Bot>> {
    let mut query = service_accounts::table
        .filter(service_accounts::account_id.eq(account))
        .into_boxed::<MultiBackend>();
    if let Some(keys) = name_keys {
        query = query.filter(service_accounts::name_key.eq_any(keys));
    }
    query
        .order(service_accounts::name_key)
        .limit(window.limit)
        .offset(window.offset)
        .select(Bot::as_select())
        .load(db)
}

/// One service account of an organization (IN-10).
pub fn one(db: &mut Db, account: AccountId, id: ServiceAccountId) -> QueryResult<Option<Bot>> {
    service_accounts::table
        .find(id)
        .filter(service_accounts::account_id.eq(account))
        .select(Bot::as_select())
        .first(db)
        .optional()
}

/// Whether another service account of the organization has a name.
pub fn has_name(
    db: &mut Db,
    account: AccountId,
    name: &BotName,
    except: Option<ServiceAccountId>,
) -> QueryResult<bool> {
    let found: Option<ServiceAccountId> = service_accounts::table
        .filter(service_accounts::account_id.eq(account))
        .filter(service_accounts::name_key.eq(name.key()))
        .select(service_accounts::id)
        .first(db)
        .optional()?;
    Ok(found.is_some_and(|found| Some(found) != except))
}

/// The limit of service accounts that an account has of its own.
pub fn own_limit(db: &mut Db, account: AccountId) -> QueryResult<Option<i32>> {
    accounts::table.find(account).select(accounts::service_account_limit).first(db)
}

/// How many service accounts an organization has.
pub fn count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    service_accounts::table
        .filter(service_accounts::account_id.eq(account))
        .select(count_star())
        .first(db)
}

/// Makes a service account.
pub fn insert(
    db: &mut Db,
    account: AccountId,
    name: &BotName,
    by: &str,
    now: Instant,
) -> QueryResult<ServiceAccountId> {
    let id = ServiceAccountId::new(now);
    diesel::insert_into(service_accounts::table)
        .values((
            service_accounts::id.eq(id),
            service_accounts::account_id.eq(account),
            service_accounts::name.eq(name.as_str()),
            service_accounts::name_key.eq(name.key()),
            service_accounts::organization_role.eq(OrganizationRole::Member),
            service_accounts::created_at.eq(now),
            service_accounts::created_by_name.eq(by),
        ))
        .execute(db)?;
    Ok(id)
}

/// Gives a service account another name, in its rows and in lists that are ordered by it.
pub fn rename(db: &mut Db, id: ServiceAccountId, name: &BotName) -> QueryResult<()> {
    diesel::update(service_accounts::table.find(id))
        .set((service_accounts::name.eq(name.as_str()), service_accounts::name_key.eq(name.key())))
        .execute(db)?;
    let grants = grants::service_account_id.eq(id);
    diesel::update(grants::table.filter(grants))
        .set(grants::sort_name.eq(name.key()))
        .execute(db)?;
    Ok(())
}

/// Refuses a service account's keys from now on, or takes them again.
pub fn set_disabled(db: &mut Db, id: ServiceAccountId, since: Option<Instant>) -> QueryResult<()> {
    diesel::update(service_accounts::table.find(id))
        .set(service_accounts::disabled_at.eq(since))
        .execute(db)?;
    Ok(())
}

/// Removes a service account; its keys and roles in workspaces go along.
pub fn remove(db: &mut Db, id: ServiceAccountId) -> QueryResult<()> {
    diesel::delete(service_accounts::table.find(id)).execute(db)?;
    Ok(())
}

/// Keeps a new key.
pub fn insert_key(
    db: &mut Db,
    key: &BotKey,
    secret: &ApiKey,
    told: Option<Instant>,
) -> QueryResult<()> {
    diesel::insert_into(keys::table)
        .values((
            keys::id.eq(key.id),
            keys::service_account_id.eq(key.service_account),
            keys::hash.eq(secret.hash()),
            keys::last_four.eq(&key.last_four),
            keys::created_at.eq(key.created_at),
            keys::created_by_name.eq(&key.created_by_name),
            keys::expires_at.eq(key.expires_at),
            keys::expiry_told_at.eq(told),
            keys::made_with_key_id.eq(key.made_with_key_id),
        ))
        .execute(db)?;
    Ok(())
}

/// Ends the keys that another one takes the place of: those that would live longer than until `end`
/// stop then, and nobody is warned of it. Keys that are over are forgotten.
pub fn replace_keys(
    db: &mut Db,
    id: ServiceAccountId,
    end: Instant,
    now: Instant,
) -> QueryResult<()> {
    diesel::delete(
        keys::table.filter(keys::service_account_id.eq(id)).filter(keys::expires_at.le(now)),
    )
    .execute(db)?;
    let longer = keys::table
        .filter(keys::service_account_id.eq(id))
        .filter(keys::expires_at.is_null().or(keys::expires_at.gt(end)));
    diesel::update(longer).set(keys::expires_at.eq(Some(end))).execute(db)?;
    diesel::update(
        keys::table.filter(keys::service_account_id.eq(id)).filter(keys::replaced_at.is_null()),
    )
    .set((keys::replaced_at.eq(Some(now)), keys::expiry_told_at.eq(Some(now))))
    .execute(db)?;
    Ok(())
}

/// Keys of a service account on a page.
const KEYS: i64 = 50;

/// The keys of a service account, the newest first: the first one is the present one.
pub fn keys_of(db: &mut Db, id: ServiceAccountId) -> QueryResult<Vec<BotKey>> {
    keys::table
        .filter(keys::service_account_id.eq(id))
        .order(keys::id.desc())
        .limit(KEYS)
        .select(BotKey::as_select())
        .load(db)
}

/// The present keys of some service accounts, in one query.
pub fn present_keys(db: &mut Db, ids: &[ServiceAccountId]) -> QueryResult<Vec<BotKey>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    keys::table
        .filter(keys::service_account_id.eq_any(ids.to_vec()))
        .filter(keys::replaced_at.is_null())
        .order(keys::id)
        .select(BotKey::as_select())
        .load(db)
}

/// A key, whoever's it is, with the service account and the handle of its organization; for a mail.
pub fn key(db: &mut Db, id: BotKeyId) -> QueryResult<Option<(BotKey, Bot, String)>> {
    keys::table
        .inner_join(service_accounts::table.inner_join(accounts::table))
        .filter(keys::id.eq(id))
        .select((BotKey::as_select(), Bot::as_select(), accounts::handle))
        .first(db)
        .optional()
}

/// Some keys that stop between `now` and `until` and of which nobody was told yet, with the account
/// of the organization.
pub fn expiring(
    db: &mut Db,
    (now, until): (Instant, Instant),
    limit: i64,
) -> QueryResult<Vec<(BotKeyId, AccountId)>> {
    keys::table
        .inner_join(service_accounts::table)
        .filter(keys::expiry_told_at.is_null())
        .filter(keys::expires_at.gt(now))
        .filter(keys::expires_at.le(until))
        .order(keys::expires_at)
        .limit(limit)
        .select((keys::id, service_accounts::account_id))
        .load(db)
}

/// Notes that admins are being told of a key; `false` when somebody else noted it first.
pub fn mark_told(db: &mut Db, id: BotKeyId, now: Instant) -> QueryResult<bool> {
    let untold = keys::table.find(id).filter(keys::expiry_told_at.is_null());
    let marked = diesel::update(untold).set(keys::expiry_told_at.eq(Some(now))).execute(db)?;
    Ok(marked == 1)
}

/// A workspace that is shared with a service account.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Its id.
    pub id: WorkspaceId,
    /// Its handle.
    pub handle: String,
    /// The role in it.
    pub role: Option<NamedRole>,
    /// Who shared it, by name.
    pub by: String,
    /// When.
    pub since: Instant,
    /// Until when.
    pub until: Option<Instant>,
    /// When the service account was last in it.
    pub last_seen_at: Option<Instant>,
}

/// Workspaces of a service account on its page.
pub const SHARED: i64 = 200;

/// The workspaces that are shared with a service account, by handle; at most [`SHARED`].
pub fn shared(db: &mut Db, id: ServiceAccountId) -> QueryResult<Vec<Shared>> {
    type Row = (
        (WorkspaceId, String),
        Option<Role>,
        Option<(RoleId, String, Option<Role>, String)>,
        String,
        Instant,
        Option<Instant>,
        Option<Instant>,
    );
    let rows: Vec<Row> = grants::table
        .inner_join(workspaces::table)
        .left_join(workspace_roles::table)
        .filter(grants::service_account_id.eq(id))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::handle)
        .limit(SHARED)
        .select((
            (workspaces::id, workspaces::handle),
            grants::role,
            (
                workspace_roles::id,
                workspace_roles::name,
                workspace_roles::inherits,
                workspace_roles::scopes,
            )
                .nullable(),
            grants::granted_by_name,
            grants::created_at,
            grants::expires_at,
            grants::last_seen_at,
        ))
        .load(db)?;
    let shared = |((id, handle), role, custom, by, since, until, last_seen_at): Row| Shared {
        id,
        handle,
        role: named_role(role, custom),
        by,
        since,
        until,
        last_seen_at,
    };
    Ok(rows.into_iter().map(shared).collect())
}
