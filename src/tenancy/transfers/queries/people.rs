//! Who has access to a workspace before and after it moves, and by which keys.

use std::collections::BTreeMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::super::model::{BotAccess, KeyAccess, Party, PersonAccess};
use crate::access::actor::KeyMarker;
use crate::access::membership::{AccountKind, Workspace, named_role};
use crate::access::organization::OrganizationRole;
use crate::access::role::{NamedRole, Role, RoleId};
use crate::access::{AccountId, ServiceAccountId, UserId};
use crate::base::db::schema::{
    accounts, api_keys, memberships, organization_members, service_account_grants as grants,
    service_account_keys, service_accounts, two_factor, users, workspace_roles,
};
use crate::base::db::{Db, Id, Instant};

/// The columns of an organization's own role.
type Custom = Option<(RoleId, String, Option<Role>, String)>;

const CUSTOM: (
    workspace_roles::id,
    workspace_roles::name,
    workspace_roles::inherits,
    workspace_roles::scopes,
) = (
    workspace_roles::id,
    workspace_roles::name,
    workspace_roles::inherits,
    workspace_roles::scopes,
);

/// Somebody: id, name, address, and whether there is a second factor.
type Who = (UserId, String, String, Option<UserId>);

/// Everybody who has access before or after, by name.
///
/// # Errors
/// The database's fault.
pub fn people(
    db: &mut Db,
    (workspace, source, target): (&Workspace, &Party, &Party),
    default: Option<&NamedRole>,
    now: Instant,
) -> QueryResult<Vec<PersonAccess>> {
    let mut all: BTreeMap<Uuid, PersonAccess> = BTreeMap::new();
    for (who, since) in authority(db, source)? {
        let word = if source.is_organization() { "Admin" } else { "Owner of the account" };
        note(&mut all, who).before(word.to_owned(), Some(since));
    }
    if let (true, Some(role)) = (source.is_organization(), default) {
        for (who, since) in members(db, source.account.id)? {
            note(&mut all, who).before(format!("{} as everybody", role.title), Some(since));
        }
    }
    let rows: Vec<(Who, (Option<Role>, Custom), Instant)> = memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .left_join(workspace_roles::table)
        .left_join(two_factor::table.on(two_factor::user_id.eq(memberships::user_id)))
        .filter(memberships::workspace_id.eq(workspace.id))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(now)))
        .select((
            (users::id, accounts::name, users::email, two_factor::user_id.nullable()),
            (memberships::role, CUSTOM.nullable()),
            memberships::created_at,
        ))
        .load(db)?;
    for (who, (built_in, custom), since) in rows {
        let title = named_role(built_in, custom).map(|role| role.title);
        note(&mut all, who).before(title.unwrap_or_else(|| "A role".to_owned()), Some(since));
    }
    for (who, _) in authority(db, target)? {
        let word = if target.is_organization() { "Owner, as an admin" } else { "Owner" };
        note(&mut all, who).after = Some(word.to_owned());
    }
    let mut people: Vec<PersonAccess> = all.into_values().collect();
    people.sort_by_key(|person| (person.name.to_lowercase(), person.user.uuid()));
    Ok(people)
}

fn note(
    all: &mut BTreeMap<Uuid, PersonAccess>,
    (user, name, email, second): Who,
) -> &mut PersonAccess {
    all.entry(user.uuid()).or_insert_with(|| PersonAccess {
        user,
        name,
        email,
        before: Vec::new(),
        after: None,
        since: None,
        lacks_second_factor: second.is_none(),
    })
}

impl PersonAccess {
    fn before(&mut self, source: String, since: Option<Instant>) {
        self.before.push(source);
        self.since = self.since.max(since);
    }
}

/// Who decides over an account: its person, or its admins.
fn authority(db: &mut Db, party: &Party) -> QueryResult<Vec<(Who, Instant)>> {
    let account = party.account.id;
    match party.account.kind {
        AccountKind::Personal => users::table
            .inner_join(accounts::table)
            .left_join(two_factor::table.on(two_factor::user_id.eq(users::id)))
            .filter(users::personal_account_id.eq(account))
            .select((
                (users::id, accounts::name, users::email, two_factor::user_id.nullable()),
                users::created_at,
            ))
            .load(db),
        AccountKind::Organization => organization_members::table
            .inner_join(users::table)
            .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
            .left_join(two_factor::table.on(two_factor::user_id.eq(users::id)))
            .filter(organization_members::account_id.eq(account))
            .filter(organization_members::role.eq(OrganizationRole::Admin))
            .select((
                (users::id, accounts::name, users::email, two_factor::user_id.nullable()),
                organization_members::created_at,
            ))
            .load(db),
    }
}

/// The members of an organization who are no admins.
fn members(db: &mut Db, account: AccountId) -> QueryResult<Vec<(Who, Instant)>> {
    organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .left_join(two_factor::table.on(two_factor::user_id.eq(users::id)))
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Member))
        .select((
            (users::id, accounts::name, users::email, two_factor::user_id.nullable()),
            organization_members::created_at,
        ))
        .load(db)
}

/// A key's row: its id, whose, its name, what it is limited to, when it was made and last used.
type KeyRow = (Id<KeyMarker>, UserId, String, bool, Instant, Option<Instant>);

/// The keys of some people that count and reach the workspace, the last used first. `losers` says whose.
///
/// # Errors
/// The database's fault.
pub fn keys(
    db: &mut Db,
    workspace: &Workspace,
    losers: &[UserId],
    now: Instant,
) -> QueryResult<Vec<KeyAccess>> {
    let mut found: Vec<KeyRow> = Vec::new();
    // So many values go into one statement, on either database.
    for some in losers.chunks(1000) {
        let limit = api_keys::only_workspace_id;
        let rows: Vec<KeyRow> = api_keys::table
            .filter(api_keys::user_id.eq_any(some.to_vec()))
            .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
            .filter(limit.is_null().or(limit.eq(workspace.id)))
            .select((
                api_keys::id,
                api_keys::user_id,
                api_keys::name,
                limit.is_not_null(),
                api_keys::created_at,
                api_keys::last_used_at,
            ))
            .load(db)?;
        found.extend(rows);
    }
    found.sort_by_key(|row| (std::cmp::Reverse(row.5), row.0.uuid()));
    let key = |(id, user, name, is_only_here, created_at, last_used): KeyRow| KeyAccess {
        id: id.uuid(),
        user,
        name,
        is_only_here,
        last_used,
        created_at,
    };
    Ok(found.into_iter().map(key).collect())
}

/// The service accounts with which a workspace is shared, by name.
///
/// # Errors
/// The database's fault.
pub fn bots(db: &mut Db, workspace: &Workspace, now: Instant) -> QueryResult<Vec<BotAccess>> {
    type Row = (ServiceAccountId, String, (Option<Role>, Custom), Instant);
    let rows: Vec<Row> = grants::table
        .inner_join(service_accounts::table)
        .left_join(workspace_roles::table)
        .filter(grants::workspace_id.eq(workspace.id))
        .filter(grants::expires_at.is_null().or(grants::expires_at.gt(now)))
        .order((grants::sort_name, grants::id))
        .select((
            service_accounts::id,
            service_accounts::name,
            (grants::role, CUSTOM.nullable()),
            grants::created_at,
        ))
        .load(db)?;
    let shared = grants::table
        .filter(grants::workspace_id.eq(workspace.id))
        .select(grants::service_account_id);
    let uses: Vec<(ServiceAccountId, Option<Instant>)> = service_account_keys::table
        .filter(service_account_keys::service_account_id.eq_any(shared))
        .group_by(service_account_keys::service_account_id)
        .select((
            service_account_keys::service_account_id,
            diesel::dsl::max(service_account_keys::last_used_at),
        ))
        .load(db)?;
    let uses: BTreeMap<Uuid, Option<Instant>> =
        uses.into_iter().map(|(id, used)| (id.uuid(), used)).collect();
    let bot = |(id, name, (built_in, custom), since): Row| BotAccess {
        last_used: uses.get(&id.uuid()).copied().flatten(),
        role: named_role(built_in, custom).map_or_else(String::new, |role| role.title),
        id: id.uuid(),
        name,
        since,
    };
    Ok(rows.into_iter().map(bot).collect())
}

/// The source's own roles that are used in a workspace, by name.
///
/// # Errors
/// The database's fault.
pub fn roles_in_use(db: &mut Db, workspace: &Workspace) -> QueryResult<Vec<(RoleId, String)>> {
    use crate::base::db::schema::workspaces;
    let people = memberships::table
        .filter(memberships::workspace_id.eq(workspace.id))
        .filter(memberships::custom_role_id.is_not_null())
        .select(memberships::custom_role_id.assume_not_null());
    let bots = grants::table
        .filter(grants::workspace_id.eq(workspace.id))
        .filter(grants::custom_role_id.is_not_null())
        .select(grants::custom_role_id.assume_not_null());
    let everybody = workspaces::table
        .filter(workspaces::id.eq(workspace.id))
        .filter(workspaces::default_custom_role_id.is_not_null())
        .select(workspaces::default_custom_role_id.assume_not_null());
    workspace_roles::table
        .filter(workspace_roles::account_id.eq(workspace.account))
        .filter(
            workspace_roles::id
                .eq_any(people)
                .or(workspace_roles::id.eq_any(bots))
                .or(workspace_roles::id.eq_any(everybody)),
        )
        .order((workspace_roles::name_key, workspace_roles::id))
        .select((workspace_roles::id, workspace_roles::name))
        .load(db)
}
