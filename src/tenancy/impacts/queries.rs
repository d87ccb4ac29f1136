//! Who and what has access to a workspace, by which keys, and what goes on in it.

use std::collections::BTreeMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::model::{BotAccess, KeyAccess, PersonAccess};
use crate::access::history::all;
use crate::access::membership::{
    AccountKind, CUSTOM, CustomColumns, OwningAccount, Workspace, named_role,
};
use crate::access::organization::OrganizationRole;
use crate::access::role::{NamedRole, Role};
use crate::access::{AccountId, ServiceAccountId, UserId, WorkspaceId};
use crate::base::db::ids::KeyId;
use crate::base::db::schema::{
    accounts, api_keys, flow_runs, invitations, memberships, organization_members,
    service_account_grants as grants, service_account_keys, service_accounts, two_factor, users,
    workspace_roles,
};
use crate::base::db::{Db, Instant, StateType};
use crate::tenancy::invitations::model::State;

/// The two columns that name a role.
type RoleColumns = (Option<Role>, Option<CustomColumns>);

/// Somebody: id, name, address, and whether there is a second factor.
type Who = (UserId, String, String, Option<UserId>);

/// Everybody who has access, or is to have it.
#[derive(Debug, Default)]
pub struct Everybody(BTreeMap<Uuid, PersonAccess>);

impl Everybody {
    /// Everybody who has access to a workspace, with where it comes from.
    pub fn of(
        db: &mut Db,
        workspace: &Workspace,
        default: Option<&NamedRole>,
        now: Instant,
    ) -> QueryResult<Self> {
        let mut all = Self::default();
        let (account, kind) = (workspace.account, workspace.account_kind);
        let is_organization = kind == AccountKind::Organization;
        for (who, since) in authority(db, account, kind)? {
            let word = if is_organization { "Admin" } else { "Owner of the account" };
            all.note(who).before(word.to_owned(), Some(since));
        }
        if let (true, Some(role)) = (is_organization, default) {
            for (who, since) in members(db, account)? {
                all.note(who).before(format!("{} as everybody", role.title), Some(since));
            }
        }
        let rows: Vec<(Who, RoleColumns, Instant)> = memberships::table
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
            all.note(who).before(title.unwrap_or_else(|| "A role".to_owned()), Some(since));
        }
        Ok(all)
    }

    /// The same with those who have access because they decide over an account that the workspace comes to.
    pub fn in_account(mut self, db: &mut Db, account: &OwningAccount) -> QueryResult<Self> {
        let is_organization = account.kind == AccountKind::Organization;
        for (who, _) in authority(db, account.id, account.kind)? {
            let word = if is_organization { "Owner, as an admin" } else { "Owner" };
            self.note(who).after = Some(word.to_owned());
        }
        Ok(self)
    }

    /// All of them by name.
    pub fn by_name(self) -> Vec<PersonAccess> {
        let mut people: Vec<PersonAccess> = self.0.into_values().collect();
        people.sort_by_key(|person| (person.name.to_lowercase(), person.user.uuid()));
        people
    }

    fn note(&mut self, (user, name, email, second): Who) -> &mut PersonAccess {
        self.0.entry(user.uuid()).or_insert_with(|| PersonAccess {
            user,
            name,
            email,
            before: Vec::new(),
            after: None,
            since: None,
            lacks_second_factor: second.is_none(),
        })
    }
}

impl PersonAccess {
    fn before(&mut self, source: String, since: Option<Instant>) {
        self.before.push(source);
        self.since = self.since.max(since);
    }
}

/// Who decides over an account: its person, or its admins.
fn authority(
    db: &mut Db,
    account: AccountId,
    kind: AccountKind,
) -> QueryResult<Vec<(Who, Instant)>> {
    match kind {
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
type KeyRow = (KeyId, UserId, String, bool, Instant, Option<Instant>);

/// The keys of some people that count and reach the workspace, the last used first. `losers` says whose.
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
pub fn bots(db: &mut Db, workspace: &Workspace, now: Instant) -> QueryResult<Vec<BotAccess>> {
    type Row = (ServiceAccountId, String, RoleColumns, Instant);
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

/// The invitations into a workspace that can be accepted: the address, and when each was sent.
pub fn open_invitations(
    db: &mut Db,
    workspace: WorkspaceId,
    now: Instant,
) -> QueryResult<Vec<(String, Instant)>> {
    invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::expires_at.gt(now))
        .order(invitations::id)
        .select((invitations::email, invitations::created_at))
        .load(db)
}

/// States of runs that are going on.
pub const GOING_ON: [StateType; 4] =
    [StateType::Running, StateType::Pending, StateType::Paused, StateType::Cancelling];

/// Runs named in a review.
const NAMED: i64 = 20;

/// How many flow runs are going on, and some of their names.
pub fn active_runs(db: &mut Db, workspace: WorkspaceId) -> QueryResult<(i64, Vec<String>)> {
    let active = || all::flow_runs(workspace).filter(flow_runs::state_type.eq_any(GOING_ON));
    let names = active()
        .order((flow_runs::expected_start_at.desc(), flow_runs::id))
        .limit(NAMED)
        .select(flow_runs::name)
        .load(db)?;
    Ok((active().count().get_result(db)?, names))
}

/// How many flow runs are due within the hour.
pub fn due_runs(db: &mut Db, workspace: WorkspaceId, now: Instant) -> QueryResult<i64> {
    all::flow_runs(workspace)
        .filter(flow_runs::state_type.eq(StateType::Scheduled))
        .filter(flow_runs::expected_start_at.le(now + jiff::SignedDuration::from_hours(1)))
        .count()
        .get_result(db)
}
