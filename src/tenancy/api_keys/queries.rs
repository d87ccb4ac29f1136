//! Reading and writing keys; always those of one person.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::{Key, KeyId};
use crate::access::actor::Reach;
use crate::access::membership;
use crate::access::{UserId, WorkspaceId};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::{
    accounts, api_keys, organization_members, service_account_keys, service_accounts, users,
    workspaces,
};
use crate::base::db::{Db, Instant, MultiBackend, lower};
use crate::base::secret::ApiKey;

type Keys = api_keys::BoxedQuery<'static, MultiBackend>;

fn matching(user: UserId, search: &str) -> Keys {
    let mut query = api_keys::table.filter(api_keys::user_id.eq(user)).into_boxed();
    if !search.trim().is_empty() {
        query = query.filter(lower(api_keys::name).like(contains_pattern(search)).escape('\\'));
    }
    query
}

/// A page of a person's keys, the newest first; ids are in the order of time.
pub fn of_user(
    db: &mut Db,
    user: UserId,
    search: &str,
    position: &Position<KeyId>,
) -> QueryResult<Slice<Key>> {
    let query = matching(user, search);
    let query = match position {
        Position::Start => query.order(api_keys::id.desc()),
        Position::After(id) => query.filter(api_keys::id.lt(*id)).order(api_keys::id.desc()),
        Position::Before(id) => query.filter(api_keys::id.gt(*id)).order(api_keys::id.asc()),
    };
    let limit = i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX);
    let rows = query.limit(limit).select(Key::as_select()).load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// How many keys a person has, among those that a search finds.
pub fn count(db: &mut Db, user: UserId, search: &str) -> QueryResult<i64> {
    matching(user, search).count().get_result(db)
}

/// A person's keys, the newest first; at most `limit`.
pub fn all(db: &mut Db, user: UserId, limit: i64) -> QueryResult<Vec<Key>> {
    matching(user, "").order(api_keys::id.desc()).limit(limit).select(Key::as_select()).load(db)
}

/// One of a person's keys.
pub fn one(db: &mut Db, user: UserId, id: KeyId) -> QueryResult<Option<Key>> {
    api_keys::table
        .find(id)
        .filter(api_keys::user_id.eq(user))
        .select(Key::as_select())
        .first(db)
        .optional()
}

/// Whether a person has a key of that name.
pub fn has_name(db: &mut Db, user: UserId, name: &str) -> QueryResult<bool> {
    let named = api_keys::table.filter(api_keys::user_id.eq(user)).filter(api_keys::name.eq(name));
    diesel::select(diesel::dsl::exists(named)).get_result(db)
}

/// The paths of some workspaces, as far as their owner still reaches them: a name given after
/// access ended is nobody else's business.
pub fn paths(
    db: &mut Db,
    reach: &Reach,
    ids: &[WorkspaceId],
) -> QueryResult<Vec<(WorkspaceId, String)>> {
    let found: Vec<membership::Workspace> = membership::reachable(reach)
        .filter(workspaces::id.eq_any(ids.to_vec()))
        .select(membership::COLUMNS)
        .load(db)?;
    Ok(found.into_iter().map(|found| (found.id, path(&found))).collect())
}

/// `account/workspace`
pub fn path(workspace: &membership::Workspace) -> String {
    format!("{}/{}", workspace.account_handle, workspace.handle)
}

/// Keeps a new key: its hash, never itself.
pub fn insert(
    db: &mut Db,
    key: &Key,
    secret: &ApiKey,
    expiry_told_at: Option<Instant>,
) -> QueryResult<()> {
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::id.eq(key.id),
            api_keys::user_id.eq(key.user_id),
            api_keys::name.eq(&key.name),
            api_keys::hash.eq(secret.hash()),
            api_keys::last_four.eq(&key.last_four),
            api_keys::only_workspace_id.eq(key.only_workspace_id),
            api_keys::read_only.eq(key.read_only),
            api_keys::created_at.eq(key.created_at),
            api_keys::expires_at.eq(key.expires_at),
            api_keys::expiry_told_at.eq(expiry_told_at),
            api_keys::made_with_key_id.eq(key.made_with_key_id),
        ))
        .execute(db)?;
    Ok(())
}

/// Service accounts with a key that one of some of a person's keys made, as `organization/name`, as far as the
/// person is still in the organization; and how many there are.
pub fn bots_with_keys_by(
    db: &mut Db,
    user: UserId,
    keys: &[KeyId],
    limit: i64,
) -> QueryResult<(Vec<String>, i64)> {
    let found = || {
        service_accounts::table
            .inner_join(accounts::table)
            .filter(exists(
                service_account_keys::table
                    .filter(service_account_keys::service_account_id.eq(service_accounts::id))
                    .filter(service_account_keys::made_with_key_id.eq_any(keys.to_vec())),
            ))
            .filter(exists(
                organization_members::table
                    .filter(organization_members::account_id.eq(service_accounts::account_id))
                    .filter(organization_members::user_id.eq(user)),
            ))
    };
    let some: Vec<(String, String)> = found()
        .order((accounts::handle, service_accounts::name_key))
        .limit(limit)
        .select((accounts::handle, service_accounts::name))
        .load(db)?;
    let names = some.into_iter().map(|(account, name)| format!("{account}/{name}")).collect();
    Ok((names, found().count().get_result(db)?))
}

/// Deletes one of a person's keys, and with it those that were made with it.
pub fn delete(db: &mut Db, user: UserId, id: KeyId) -> QueryResult<()> {
    diesel::delete(api_keys::table.find(id).filter(api_keys::user_id.eq(user))).execute(db)?;
    Ok(())
}

/// Some keys that stop between `now` and `until` and whose owners were not told yet, with the
/// owners' addresses.
pub fn expiring(
    db: &mut Db,
    now: Instant,
    until: Instant,
    limit: i64,
) -> QueryResult<Vec<(KeyId, String)>> {
    api_keys::table
        .inner_join(users::table)
        .filter(api_keys::expiry_told_at.is_null())
        .filter(api_keys::expires_at.gt(now))
        .filter(api_keys::expires_at.le(until))
        .order(api_keys::expires_at)
        .limit(limit)
        .select((api_keys::id, users::email))
        .load(db)
}

/// Notes that a key's owner is being told; `false` when somebody else noted it first.
pub fn mark_told(db: &mut Db, id: KeyId, now: Instant) -> QueryResult<bool> {
    let untold = api_keys::table.find(id).filter(api_keys::expiry_told_at.is_null());
    let marked = diesel::update(untold).set(api_keys::expiry_told_at.eq(Some(now))).execute(db)?;
    Ok(marked == 1)
}

/// A key, whoever's it is; for a mail about it.
pub fn any(db: &mut Db, id: KeyId) -> QueryResult<Option<Key>> {
    api_keys::table.find(id).select(Key::as_select()).first(db).optional()
}

/// How many of a person's keys reach a workspace as far as their own limits go.
pub fn reaching(
    db: &mut Db,
    user: UserId,
    workspace: WorkspaceId,
    now: Instant,
) -> QueryResult<i64> {
    api_keys::table
        .filter(api_keys::user_id.eq(user))
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .filter(api_keys::only_workspace_id.is_null().or(api_keys::only_workspace_id.eq(workspace)))
        .count()
        .get_result(db)
}
