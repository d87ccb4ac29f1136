//! What somebody may do in a workspace, and from where that comes: the union of every source (H6).

use diesel::prelude::*;

use super::{AccountKind, Workspace};
use crate::access::actor::{Principal, Reach};
use crate::access::organization::{self, OrganizationRole};
use crate::access::role::{NamedRole, Role, RoleId, Scopes};
use crate::access::{AccountId, ServiceAccountId, UserId, WorkspaceId};
use crate::base::db::schema::{
    memberships, service_account_grants as grants, workspace_roles, workspaces,
};
use crate::base::db::{Db, Instant};

/// One source of access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The owning account is the person's own.
    OwnAccount,
    /// The person is an admin of the owning organization (H8).
    OrganizationAdmin,
    /// What everybody in the organization may do here (H3).
    Default(NamedRole),
    /// A role of one's own here.
    Grant(Grant),
}

/// A role that was given to one person or service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: NamedRole,
    /// Who gave it, by name.
    pub by: String,
    /// When.
    pub since: Instant,
    /// When it ends.
    pub until: Option<Instant>,
}

impl Grant {
    /// Whether another role takes its place: one that allows all of it and more, or as much for
    /// longer, and does not end before it.
    pub fn gives_way_to(&self, role: &NamedRole, until: Option<Instant>) -> bool {
        let (ends_before, lasts_longer) = match (until, self.until) {
            (None, old) => (false, old.is_some()),
            (Some(new), Some(old)) => (new < old, new > old),
            (Some(_), None) => (true, false),
        };
        role.scopes.covers(self.role.scopes)
            && !ends_before
            && (lasts_longer || role.scopes != self.role.scopes)
    }
}

impl Source {
    /// The role's name.
    pub fn title(&self) -> &str {
        match self {
            Self::OwnAccount | Self::OrganizationAdmin => Role::Owner.title(),
            Self::Default(role) => &role.title,
            Self::Grant(grant) => &grant.role.title,
        }
    }

    /// What it allows.
    pub fn scopes(&self) -> Scopes {
        match self {
            Self::OwnAccount | Self::OrganizationAdmin => Role::Owner.scopes(),
            Self::Default(role) => role.scopes,
            Self::Grant(grant) => grant.role.scopes,
        }
    }
}

/// What somebody may do in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Where it comes from; at least one.
    pub sources: Vec<Source>,
    /// What all sources together allow.
    pub scopes: Scopes,
    /// The organization asks its people for a second factor, and this one has none.
    pub lacks_second_factor: bool,
}

impl Held {
    fn of(sources: Vec<Source>, lacks_second_factor: bool) -> Option<Self> {
        let all = sources.iter().map(Source::scopes);
        let scopes = all.fold(Scopes::default(), Scopes::union);
        (!sources.is_empty()).then_some(Self { sources, scopes, lacks_second_factor })
    }

    /// Whether this is somebody who decides over the account, and not only in the workspace.
    pub fn has_authority(&self) -> bool {
        let decides =
            |source: &Source| matches!(source, Source::OwnAccount | Source::OrganizationAdmin);
        self.sources.iter().any(decides) && !self.lacks_second_factor
    }

    /// What is still allowed at the end of a stretch of time, as things stand; `None` is for ever. A
    /// grant that ends before counts for nothing.
    pub fn scopes_until(&self, until: Option<Instant>) -> Scopes {
        let lasts = |source: &&Source| match source {
            Source::Grant(Grant { until: Some(end), .. }) => {
                until.is_some_and(|until| until <= *end)
            }
            _ => true,
        };
        let lasting = self.sources.iter().filter(lasts).map(Source::scopes);
        lasting.fold(Scopes::default(), Scopes::union)
    }

    /// The role in words: `Owner`, or `Viewer by default + Runner` where two add up.
    pub fn title(&self) -> String {
        let default = self.sources.iter().find(|source| matches!(source, Source::Default(_)));
        let own = self.sources.iter().find(|source| !matches!(source, Source::Default(_)));
        match (default, own) {
            (Some(default), Some(own)) if !own.scopes().covers(default.scopes()) => {
                format!("{} by default + {}", default.title(), own.title())
            }
            (_, Some(own)) => own.title().to_owned(),
            (Some(default), None) => default.title().to_owned(),
            (None, None) => String::new(),
        }
    }

    /// The role that was given to exactly this person or service account.
    pub fn grant(&self) -> Option<&Grant> {
        self.sources.iter().find_map(|source| match source {
            Source::Grant(grant) => Some(grant),
            _ => None,
        })
    }
}

/// An organization's own role: its id, its name, the built-in role that it has too, and its scopes.
pub type CustomColumns = (RoleId, String, Option<Role>, String);

/// A role of the two columns that name one.
pub fn named_role(built_in: Option<Role>, custom: Option<CustomColumns>) -> Option<NamedRole> {
    match (built_in, custom) {
        (Some(role), _) => Some(role.into()),
        (None, Some((id, name, inherits, scopes))) => {
            Some(NamedRole::custom(id, name, inherits, &scopes))
        }
        (None, None) => None,
    }
}

/// The columns of [`CustomColumns`].
pub const CUSTOM: (
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

/// An organization's own role, by id.
pub fn custom_role(db: &mut Db, account: AccountId, id: RoleId) -> QueryResult<Option<NamedRole>> {
    let row: Option<CustomColumns> = workspace_roles::table
        .find(id)
        .filter(workspace_roles::account_id.eq(account))
        .select(CUSTOM)
        .first(db)
        .optional()?;
    Ok(named_role(None, row))
}

/// What some roles of organizations allow.
pub fn scopes_of_roles(db: &mut Db, ids: &[RoleId]) -> QueryResult<Vec<(RoleId, Scopes)>> {
    let rows: Vec<CustomColumns> = workspace_roles::table
        .filter(workspace_roles::id.eq_any(ids.to_vec()))
        .select(CUSTOM)
        .load(db)?;
    let scopes = |(id, name, inherits, scopes): CustomColumns| {
        (id, NamedRole::custom(id, name, inherits, &scopes).scopes)
    };
    Ok(rows.into_iter().map(scopes).collect())
}

/// What everybody in the owning organization may do in a workspace; `None` is no access.
pub fn default_role(db: &mut Db, workspace: WorkspaceId) -> QueryResult<Option<NamedRole>> {
    let row: Option<(Option<Role>, Option<CustomColumns>)> = workspaces::table
        .left_join(
            workspace_roles::table
                .on(workspaces::default_custom_role_id.eq(workspace_roles::id.nullable())),
        )
        .filter(workspaces::id.eq(workspace))
        .select((workspaces::default_role, CUSTOM.nullable()))
        .first(db)
        .optional()?;
    Ok(row.and_then(|(built_in, custom)| named_role(built_in, custom)))
}

type GrantRow = (Option<Role>, Option<CustomColumns>, String, Instant, Option<Instant>);

fn grant((built_in, custom, by, since, until): GrantRow) -> Option<Grant> {
    named_role(built_in, custom).map(|role| Grant { role, by, since, until })
}

/// The role that a person was given in a workspace, while it lasts.
pub fn grant_of_person(
    db: &mut Db,
    workspace: WorkspaceId,
    user: UserId,
    now: Instant,
) -> QueryResult<Option<Grant>> {
    let row: Option<GrantRow> = memberships::table
        .left_join(workspace_roles::table)
        .filter(memberships::workspace_id.eq(workspace))
        .filter(memberships::user_id.eq(user))
        .filter(memberships::expires_at.is_null().or(memberships::expires_at.gt(now)))
        .select((
            memberships::role,
            CUSTOM.nullable(),
            memberships::granted_by_name,
            memberships::created_at,
            memberships::expires_at,
        ))
        .first(db)
        .optional()?;
    Ok(row.and_then(grant))
}

/// The role that a service account was given in a workspace, while it lasts.
pub fn grant_of_service_account(
    db: &mut Db,
    workspace: WorkspaceId,
    id: ServiceAccountId,
    now: Instant,
) -> QueryResult<Option<Grant>> {
    let row: Option<GrantRow> = grants::table
        .left_join(workspace_roles::table)
        .filter(grants::workspace_id.eq(workspace))
        .filter(grants::service_account_id.eq(id))
        .filter(grants::expires_at.is_null().or(grants::expires_at.gt(now)))
        .select((
            grants::role,
            CUSTOM.nullable(),
            grants::granted_by_name,
            grants::created_at,
            grants::expires_at,
        ))
        .first(db)
        .optional()?;
    Ok(row.and_then(grant))
}

/// What a principal may do in a workspace; `None` when it is out of reach.
pub fn held(db: &mut Db, reach: &Reach, workspace: &Workspace) -> QueryResult<Option<Held>> {
    if reach.only_workspace.is_some_and(|only| only != workspace.id) {
        return Ok(None);
    }
    match reach.principal {
        Principal::ServiceAccount(id) => {
            let grant = grant_of_service_account(db, workspace.id, id, reach.now)?;
            Ok(Held::of(grant.map(Source::Grant).into_iter().collect(), false))
        }
        Principal::Person { account, .. } if account == workspace.account => {
            Ok(Held::of(vec![Source::OwnAccount], false))
        }
        Principal::Person { user, .. } => match workspace.account_kind {
            AccountKind::Personal => {
                let grant = grant_of_person(db, workspace.id, user, reach.now)?;
                Ok(Held::of(grant.map(Source::Grant).into_iter().collect(), false))
            }
            AccountKind::Organization => held_by_member(db, user, workspace, reach.now),
        },
    }
}

fn held_by_member(
    db: &mut Db,
    user: UserId,
    workspace: &Workspace,
    now: Instant,
) -> QueryResult<Option<Held>> {
    let Some(member) = organization::membership(db, user, workspace.account)? else {
        return Ok(None);
    };
    let mut sources = Vec::new();
    if member.role == OrganizationRole::Admin {
        sources.push(Source::OrganizationAdmin);
    }
    sources.extend(default_role(db, workspace.id)?.map(Source::Default));
    sources.extend(grant_of_person(db, workspace.id, user, now)?.map(Source::Grant));
    Ok(Held::of(sources, member.lacks_second_factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Instant> {
        jiff::Timestamp::from_second(second).ok().map(Instant::from)
    }

    /// Lifecycles §1: accepting never lowers what somebody has, neither its scopes nor its time.
    #[test]
    fn a_grant_gives_way_to_no_less() {
        let gives_way = |old: Role, old_end, new: Role, new_end| {
            let since = at(0).unwrap();
            let grant = Grant { role: old.into(), by: String::new(), since, until: old_end };
            grant.gives_way_to(&new.into(), new_end)
        };
        assert!(gives_way(Role::Viewer, None, Role::Developer, None));
        assert!(gives_way(Role::Viewer, at(5), Role::Developer, at(5)));
        assert!(gives_way(Role::Viewer, at(5), Role::Viewer, None));
        assert!(gives_way(Role::Viewer, at(5), Role::Viewer, at(6)));
        assert!(!gives_way(Role::Viewer, None, Role::Developer, at(5)));
        assert!(!gives_way(Role::Viewer, at(6), Role::Developer, at(5)));
        assert!(!gives_way(Role::Viewer, at(5), Role::Viewer, at(5)));
        assert!(!gives_way(Role::Developer, at(5), Role::Viewer, None));
    }
}
