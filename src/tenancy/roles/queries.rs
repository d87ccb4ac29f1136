//! Rows about an organization's own roles, and where they are used.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::model::{CustomRole, MOST, RoleName, Uses, Wanted};
use crate::access::AccountId;
use crate::access::role::{NamedRole, Role, RoleId, RoleRef};
use crate::base::db::schema::{
    invitations, memberships, service_account_grants as grants, transfer_grants, workspace_roles,
    workspaces,
};
use crate::base::db::{Db, Instant};
use crate::tenancy::invitations::model::State;

/// An organization's own roles, by name.
pub fn of_account(db: &mut Db, account: AccountId) -> QueryResult<Vec<CustomRole>> {
    workspace_roles::table
        .filter(workspace_roles::account_id.eq(account))
        .order((workspace_roles::name_key, workspace_roles::id))
        .limit(MOST)
        .select(CustomRole::as_select())
        .load(db)
}

/// One role of an organization.
pub fn one(db: &mut Db, account: AccountId, id: RoleId) -> QueryResult<Option<CustomRole>> {
    workspace_roles::table
        .find(id)
        .filter(workspace_roles::account_id.eq(account))
        .select(CustomRole::as_select())
        .first(db)
        .optional()
}

/// A role that may be given in an organization's workspaces; `None` for one of elsewhere.
pub fn named(db: &mut Db, account: AccountId, role: RoleRef) -> QueryResult<Option<NamedRole>> {
    match role {
        RoleRef::BuiltIn(role) => Ok(Role::GRANTED.contains(&role).then(|| role.into())),
        RoleRef::Custom(id) => Ok(one(db, account, id)?.map(|role| role.named())),
    }
}

/// All roles that may be given in an organization's workspaces: the built-in ones, then its own.
pub fn grantable(db: &mut Db, account: AccountId) -> QueryResult<Vec<NamedRole>> {
    let own = of_account(db, account)?;
    let built_in = Role::GRANTED.into_iter().map(NamedRole::from);
    Ok(built_in.chain(own.iter().map(CustomRole::named)).collect())
}

/// Whether another role of the organization has a name.
pub fn has_name(
    db: &mut Db,
    account: AccountId,
    name: &RoleName,
    except: Option<RoleId>,
) -> QueryResult<bool> {
    let found: Option<RoleId> = workspace_roles::table
        .filter(workspace_roles::account_id.eq(account))
        .filter(workspace_roles::name_key.eq(name.key()))
        .select(workspace_roles::id)
        .first(db)
        .optional()?;
    Ok(found.is_some_and(|found| Some(found) != except))
}

/// How many roles of its own an organization has.
pub fn count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    workspace_roles::table.filter(workspace_roles::account_id.eq(account)).count().get_result(db)
}

/// Makes a role.
pub fn insert(
    db: &mut Db,
    account: AccountId,
    wanted: &Wanted,
    now: Instant,
) -> QueryResult<RoleId> {
    let id = RoleId::new(now);
    diesel::insert_into(workspace_roles::table)
        .values((
            workspace_roles::id.eq(id),
            workspace_roles::account_id.eq(account),
            workspace_roles::name.eq(wanted.name.as_str()),
            workspace_roles::name_key.eq(wanted.name.key()),
            workspace_roles::description.eq(&wanted.description),
            workspace_roles::inherits.eq(wanted.inherits),
            workspace_roles::scopes.eq(wanted.scopes.names()),
            workspace_roles::created_at.eq(now),
            workspace_roles::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(id)
}

/// Changes a role.
pub fn update(db: &mut Db, id: RoleId, wanted: &Wanted, now: Instant) -> QueryResult<()> {
    diesel::update(workspace_roles::table.find(id))
        .set((
            workspace_roles::name.eq(wanted.name.as_str()),
            workspace_roles::name_key.eq(wanted.name.key()),
            workspace_roles::description.eq(&wanted.description),
            workspace_roles::inherits.eq(wanted.inherits),
            workspace_roles::scopes.eq(wanted.scopes.names()),
            workspace_roles::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Removes a role that is used nowhere.
pub fn delete(db: &mut Db, id: RoleId) -> QueryResult<()> {
    diesel::delete(workspace_roles::table.find(id)).execute(db)?;
    Ok(())
}

/// Puts another role into every place of one.
pub fn replace(db: &mut Db, old: RoleId, new: RoleRef) -> QueryResult<()> {
    let (built_in, custom) = (new.built_in(), new.custom());
    diesel::update(memberships::table.filter(memberships::custom_role_id.eq(old)))
        .set((memberships::role.eq(built_in), memberships::custom_role_id.eq(custom)))
        .execute(db)?;
    diesel::update(grants::table.filter(grants::custom_role_id.eq(old)))
        .set((grants::role.eq(built_in), grants::custom_role_id.eq(custom)))
        .execute(db)?;
    diesel::update(workspaces::table.filter(workspaces::default_custom_role_id.eq(old)))
        .set((workspaces::default_role.eq(built_in), workspaces::default_custom_role_id.eq(custom)))
        .execute(db)?;
    diesel::update(transfer_grants::table.filter(transfer_grants::custom_role_id.eq(old)))
        .set((transfer_grants::role.eq(built_in), transfer_grants::custom_role_id.eq(custom)))
        .execute(db)?;
    diesel::update(invitations::table.filter(invitations::custom_role_id.eq(old)))
        .set((invitations::role.eq(built_in), invitations::custom_role_id.eq(custom)))
        .execute(db)?;
    Ok(())
}

/// Where the organization's own roles are used: one query a kind of use, however many roles.
pub fn uses(db: &mut Db, account: AccountId) -> QueryResult<HashMap<RoleId, Uses>> {
    let own = workspace_roles::table
        .filter(workspace_roles::account_id.eq(account))
        .select(workspace_roles::id.nullable());
    let people: Vec<(Option<RoleId>, i64)> = memberships::table
        .filter(memberships::custom_role_id.eq_any(own))
        .group_by(memberships::custom_role_id)
        .select((memberships::custom_role_id, count_star()))
        .load(db)?;
    let bots: Vec<(Option<RoleId>, i64)> = grants::table
        .filter(grants::custom_role_id.eq_any(own))
        .group_by(grants::custom_role_id)
        .select((grants::custom_role_id, count_star()))
        .load(db)?;
    let defaults: Vec<(Option<RoleId>, i64)> = workspaces::table
        .filter(workspaces::default_custom_role_id.eq_any(own))
        .group_by(workspaces::default_custom_role_id)
        .select((workspaces::default_custom_role_id, count_star()))
        .load(db)?;
    let invited: Vec<(Option<RoleId>, i64)> = invitations::table
        .filter(invitations::custom_role_id.eq_any(own))
        .filter(invitations::state.eq(State::Pending))
        .group_by(invitations::custom_role_id)
        .select((invitations::custom_role_id, count_star()))
        .load(db)?;
    let mut uses: HashMap<RoleId, Uses> = HashMap::new();
    let mut add = |rows: Vec<(Option<RoleId>, i64)>, put: fn(&mut Uses, i64)| {
        for (id, count) in rows {
            if let Some(id) = id {
                put(uses.entry(id).or_default(), count);
            }
        }
    };
    add(people, |uses, count| uses.people = count);
    add(bots, |uses, count| uses.service_accounts = count);
    add(defaults, |uses, count| uses.defaults = count);
    add(invited, |uses, count| uses.invitations = count);
    Ok(uses)
}

/// Where the built-in roles are used in the workspaces of an organization.
pub fn built_in_uses(db: &mut Db, account: AccountId) -> QueryResult<Vec<(Role, Uses)>> {
    let here =
        || workspaces::table.filter(workspaces::account_id.eq(account)).select(workspaces::id);
    let people: Vec<(Option<Role>, i64)> = memberships::table
        .filter(memberships::workspace_id.eq_any(here()))
        .group_by(memberships::role)
        .select((memberships::role, count_star()))
        .load(db)?;
    let bots: Vec<(Option<Role>, i64)> = grants::table
        .filter(grants::workspace_id.eq_any(here()))
        .group_by(grants::role)
        .select((grants::role, count_star()))
        .load(db)?;
    let defaults: Vec<(Option<Role>, i64)> = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .group_by(workspaces::default_role)
        .select((workspaces::default_role, count_star()))
        .load(db)?;
    let invited: Vec<(Option<Role>, i64)> = invitations::table
        .filter(invitations::account_id.eq(account))
        .filter(invitations::workspace_id.is_not_null())
        .filter(invitations::state.eq(State::Pending))
        .group_by(invitations::role)
        .select((invitations::role, count_star()))
        .load(db)?;
    let of = |rows: &[(Option<Role>, i64)], role: Role| {
        rows.iter().find(|(known, _)| *known == Some(role)).map_or(0, |(_, count)| *count)
    };
    let uses = |role| Uses {
        people: of(&people, role),
        service_accounts: of(&bots, role),
        defaults: of(&defaults, role),
        invitations: of(&invited, role),
    };
    Ok(Role::GRANTED.map(|role| (role, uses(role))).to_vec())
}

/// People and service accounts to which a role was given in one workspace.
#[derive(Clone, Debug)]
pub struct Place {
    /// Handle of the workspace.
    pub workspace: String,
    /// People with it.
    pub people: i64,
    /// Service accounts with it.
    pub service_accounts: i64,
    /// Whether everybody in the organization has it here.
    pub is_default: bool,
}

/// Workspaces of a role's uses that are named.
pub const PLACES: usize = 200;

/// In which workspaces a role is used, by handle; at most [`PLACES`]. Deleted ones are left out. For
/// admins: which workspaces there are is not everybody's to know (O6).
pub fn places(db: &mut Db, id: RoleId) -> QueryResult<Vec<Place>> {
    let limit = i64::try_from(PLACES).unwrap_or(i64::MAX);
    let people: Vec<(String, i64)> = memberships::table
        .inner_join(workspaces::table)
        .filter(memberships::custom_role_id.eq(id))
        .filter(workspaces::deleted_at.is_null())
        .group_by(workspaces::handle)
        .order(workspaces::handle)
        .limit(limit)
        .select((workspaces::handle, count_star()))
        .load(db)?;
    let bots: Vec<(String, i64)> = grants::table
        .inner_join(workspaces::table)
        .filter(grants::custom_role_id.eq(id))
        .filter(workspaces::deleted_at.is_null())
        .group_by(workspaces::handle)
        .order(workspaces::handle)
        .limit(limit)
        .select((workspaces::handle, count_star()))
        .load(db)?;
    let defaults: Vec<String> = workspaces::table
        .filter(workspaces::default_custom_role_id.eq(id))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::handle)
        .limit(limit)
        .select(workspaces::handle)
        .load(db)?;
    let mut places: std::collections::BTreeMap<String, Place> = std::collections::BTreeMap::new();
    let mut at = |workspace: String, put: &dyn Fn(&mut Place)| {
        let fresh = Place {
            workspace: workspace.clone(),
            people: 0,
            service_accounts: 0,
            is_default: false,
        };
        put(places.entry(workspace).or_insert(fresh));
    };
    for (workspace, count) in people {
        at(workspace, &|place| place.people = count);
    }
    for (workspace, count) in bots {
        at(workspace, &|place| place.service_accounts = count);
    }
    for workspace in defaults {
        at(workspace, &|place| place.is_default = true);
    }
    Ok(places.into_values().take(PLACES).collect())
}
