//! Who gains and who loses what, before a role or a default role is changed: computed from the
//! grants that are there (1.14, 9). The change compares its fingerprint with what was shown.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use serde::Serialize;

use crate::access::membership;
use crate::access::organization::OrganizationRole;
use crate::access::role::{NamedRole, Role, RoleId, RoleRef, Scopes};
use crate::access::{AccountId, WorkspaceId};
use crate::base::db::schema::{
    accounts, memberships, organization_members, service_account_grants as grants, users,
    workspaces,
};
use crate::base::db::{Db, Instant};
use crate::base::secret::sha256;
use crate::base::text::{counted, hex};

/// What one group of people or service accounts in one workspace gains and loses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Handle of the workspace.
    pub workspace: String,
    /// `3 people`, `2 service accounts`
    pub who: String,
    /// Some of them by name.
    pub names: Vec<String>,
    /// What they may do then and could not before, in words.
    pub gains: Vec<&'static str>,
    /// What they could do before and may not then, in words.
    pub loses: Vec<&'static str>,
}

/// All changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// A change for each group.
    pub changes: Vec<Change>,
}

impl Impact {
    /// Whether nobody's permissions change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Tells this impact from another; what was shown must be what is done.
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex(&sha256(&text)).chars().take(32).collect()
    }
}

/// The words of some permissions.
fn words(scopes: Scopes) -> Vec<&'static str> {
    scopes.iter().map(|permission| permission.words().trim_end_matches('.')).collect()
}

/// What a group gains and loses; `None` when nothing.
fn change(
    workspace: &str,
    who: String,
    names: Vec<String>,
    (before, after): (Scopes, Scopes),
) -> Option<Change> {
    (before != after).then(|| Change {
        workspace: workspace.to_owned(),
        who,
        names,
        gains: words(after.without(before)),
        loses: words(before.without(after)),
    })
}

/// A group of grants with the same role.
type Group = (Option<Role>, Option<RoleId>, i64);

/// What a role of one of the two columns allows.
struct Roles(BTreeMap<String, Scopes>);

impl Roles {
    fn load(db: &mut Db, groups: &[Group], extra: &[Option<RoleId>]) -> QueryResult<Self> {
        let ids = groups.iter().map(|(_, id, _)| *id).chain(extra.iter().copied());
        let ids: Vec<RoleId> = ids.flatten().collect();
        let rows = if ids.is_empty() { Vec::new() } else { membership::scopes_of_roles(db, &ids)? };
        Ok(Self(rows.into_iter().map(|(id, scopes)| (id.to_string(), scopes)).collect()))
    }

    fn of(&self, role: Option<RoleRef>) -> Scopes {
        match role {
            Some(RoleRef::BuiltIn(role)) => role.scopes(),
            Some(RoleRef::Custom(id)) => {
                self.0.get(&id.to_string()).copied().unwrap_or(Scopes::NONE)
            }
            None => Scopes::NONE,
        }
    }

    fn set(&mut self, id: RoleId, scopes: Scopes) {
        self.0.insert(id.to_string(), scopes);
    }
}

/// Members named in a group.
const NAMED: i64 = 20;

/// What changing the default role of a workspace does to the members of its organization. Admins
/// keep what they have, and so do service accounts (H7, H8).
pub fn of_default(
    db: &mut Db,
    (account, workspace, handle): (AccountId, WorkspaceId, &str),
    (before, after): (Option<&NamedRole>, Option<&NamedRole>),
    now: Instant,
) -> QueryResult<Impact> {
    let of = |role: Option<&NamedRole>| role.map_or(Scopes::NONE, |role| role.scopes);
    let (before, after) = (of(before), of(after));
    // Admins who have a role of their own count as admins.
    let is_member = organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Member))
        .select(organization_members::user_id);
    let groups: Vec<Group> = memberships::table
        .filter(memberships::workspace_id.eq(workspace))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(now)))
        .filter(memberships::user_id.eq_any(is_member))
        .group_by((memberships::role, memberships::custom_role_id))
        .select((memberships::role, memberships::custom_role_id, count_star()))
        .load(db)?;
    let roles = Roles::load(db, &groups, &[])?;
    let all: i64 = organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Member))
        .select(count_star())
        .first(db)?;
    let granted: i64 = groups.iter().map(|(_, _, count)| count).sum();
    let mut changes = Vec::new();
    if all > granted {
        let names = without_grant(db, account, workspace)?;
        let who = counted(all - granted, "person", "people");
        changes.extend(change(handle, who, names, (before, after)));
    }
    for (built_in, custom, count) in groups {
        let own = roles.of(RoleRef::of(built_in, custom));
        let who = counted(count, "person", "people");
        let both = (before.union(own), after.union(own));
        changes.extend(change(handle, who, Vec::new(), both));
    }
    Ok(Impact { changes })
}

/// Names of some members without a role of their own in a workspace.
fn without_grant(
    db: &mut Db,
    account: AccountId,
    workspace: WorkspaceId,
) -> QueryResult<Vec<String>> {
    let granted = memberships::table
        .filter(memberships::workspace_id.eq(workspace))
        .select(memberships::user_id);
    organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Member))
        .filter(organization_members::user_id.ne_all(granted))
        .order((organization_members::sort_name, organization_members::id))
        .limit(NAMED)
        .select(accounts::name)
        .load(db)
}

/// Groups that are looked at; a role is not used in more workspaces than can be read.
const GROUPS: i64 = 1000;

/// A workspace in which a role is given, with its default role and how many have it.
type Given = (String, Option<Role>, Option<RoleId>, i64);

/// What changing what a role allows does to everybody who has it.
pub fn of_role(
    db: &mut Db,
    account: AccountId,
    role: RoleId,
    (before, after): (Scopes, Scopes),
) -> QueryResult<Impact> {
    let people: Vec<Given> = memberships::table
        .inner_join(workspaces::table)
        .filter(memberships::custom_role_id.eq(role))
        .group_by((
            workspaces::handle,
            workspaces::default_role,
            workspaces::default_custom_role_id,
        ))
        .order(workspaces::handle)
        .limit(GROUPS)
        .select((
            workspaces::handle,
            workspaces::default_role,
            workspaces::default_custom_role_id,
            count_star(),
        ))
        .load(db)?;
    let bots: Vec<(String, i64)> = grants::table
        .inner_join(workspaces::table)
        .filter(grants::custom_role_id.eq(role))
        .group_by(workspaces::handle)
        .order(workspaces::handle)
        .limit(GROUPS)
        .select((workspaces::handle, count_star()))
        .load(db)?;
    let defaults: Vec<String> = workspaces::table
        .filter(workspaces::default_custom_role_id.eq(role))
        .order(workspaces::handle)
        .limit(GROUPS)
        .select(workspaces::handle)
        .load(db)?;
    let members: i64 = organization_members::table
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Member))
        .select(count_star())
        .first(db)?;
    let extra: Vec<Option<RoleId>> = people.iter().map(|(_, _, id, _)| *id).collect();
    let mut old = Roles::load(db, &[], &extra)?;
    old.set(role, before);
    let mut new = Roles(old.0.clone());
    new.set(role, after);
    let mut changes = Vec::new();
    for workspace in defaults {
        let who =
            format!("Everybody in the organization ({})", counted(members, "person", "people"));
        changes.extend(change(&workspace, who, Vec::new(), (before, after)));
    }
    for (workspace, built_in, custom, count) in people {
        let default = RoleRef::of(built_in, custom);
        let both = (old.of(default).union(before), new.of(default).union(after));
        let who = counted(count, "person", "people");
        changes.extend(change(&workspace, who, Vec::new(), both));
    }
    for (workspace, count) in bots {
        let who = counted(count, "service account", "service accounts");
        changes.extend(change(&workspace, who, Vec::new(), (before, after)));
    }
    Ok(Impact { changes })
}
