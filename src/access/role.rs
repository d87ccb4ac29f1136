//! The built-in roles and what each allows (spec/permissions.md).

use std::fmt;

use super::permission::Permission;

pub use crate::base::db::ids::RoleId;

crate::base::db::text_enum! {
    /// A named set of permissions.
    Role {
        /// Looks.
        Viewer = "viewer",
        /// Looks and runs deployments.
        Runner = "runner",
        /// Builds and runs.
        Developer = "developer",
        /// Everything in the workspace.
        Owner = "owner",
        /// What a process that runs work needs.
        Worker = "worker",
        /// People invited into a personal workspace: they join, view and run flows.
        Collaborator = "collaborator",
    }
}

/// A set of permissions, closed over what they imply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u64);

impl Scopes {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// The set with one more permission and what that one implies.
    #[must_use]
    pub fn with(self, permission: Permission) -> Self {
        let mut set = self.0;
        let mut next = Some(permission);
        while let Some(permission) = next {
            set |= 1 << permission as u64;
            next = permission.implies();
        }
        Self(set)
    }

    /// Whether the permission is in the set.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u64) != 0
    }

    /// What is in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether everything in the other set is in this one.
    pub fn covers(self, other: Self) -> bool {
        other.without(self).is_empty()
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it, in the order of the tree.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::all().filter(move |permission| self.contains(*permission))
    }

    /// What it allows, in the words of the table: what is seen in one line, then each deed.
    pub fn in_words(self) -> Vec<String> {
        let (seen, done): (Vec<_>, Vec<_>) = self.iter().partition(|one| one.only_looks());
        let seen: Vec<_> = seen.into_iter().map(|one| lowered(one.brief_words())).collect();
        let seen: Vec<_> = seen.iter().map(|words| words.trim_start_matches("view ")).collect();
        let seen = (!seen.is_empty()).then(|| format!("view {}", seen.join(", ")));
        seen.into_iter().chain(done.into_iter().map(|one| lowered(one.brief_words()))).collect()
    }

    /// What it does not allow, in the words of the table.
    pub fn missing_in_words(self) -> Vec<String> {
        Permission::all()
            .filter(|permission| !self.contains(*permission))
            .map(|permission| lowered(permission.brief_words()))
            .collect()
    }

    /// The same as goes into a sentence: `view what is in it, secrets included, and run flows`.
    pub fn in_short(self) -> String {
        let secrets =
            if self.contains(Permission::SeeSecretBlocks) { "included" } else { "left out" };
        let runs = match (
            self.contains(Permission::RunFlows),
            self.contains(Permission::RunDeployments),
        ) {
            (true, true) => ", and run flows and deployments",
            (true, false) => ", and run flows",
            (false, true) => ", and run deployments",
            (false, false) => "",
        };
        format!("view what is in it, secrets {secrets}{runs}")
    }

    /// The scope names, with a space between them.
    pub fn names(self) -> String {
        self.iter().map(Permission::scope).collect::<Vec<_>>().join(" ")
    }

    /// The set of some scope names, closed over what they imply; a name that is no scope any more
    /// is left out.
    pub fn of_names(names: &str) -> Self {
        let known = names.split(' ').filter_map(Permission::parse);
        known.fold(Self::default(), Self::with)
    }

    /// What is in this set and only looks.
    #[must_use]
    pub fn only_looking(self) -> Self {
        Permission::all()
            .filter(|permission| self.contains(*permission) && permission.only_looks())
            .fold(Self::default(), Self::with)
    }
}

/// `View blocks` as it stands within a sentence.
fn lowered(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A role as a grant names it: a built-in one, or one that the organization made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleRef {
    /// A built-in role.
    BuiltIn(Role),
    /// An organization's own.
    Custom(RoleId),
}

impl RoleRef {
    /// The role of two columns, of which at most one is set.
    pub fn of(built_in: Option<Role>, custom: Option<RoleId>) -> Option<Self> {
        built_in.map(Self::BuiltIn).or(custom.map(Self::Custom))
    }

    /// The role of a word in a form or an address. Only what an organization may grant.
    pub fn parse(text: &str) -> Option<Self> {
        let built_in = Role::parse(text).filter(|role| Role::GRANTED.contains(role));
        built_in.map(Self::BuiltIn).or_else(|| text.parse().ok().map(Self::Custom))
    }

    /// The role of an id of the API. Built-in roles have ids there too, the same everywhere.
    pub fn of_id(id: uuid::Uuid) -> Self {
        let built_in = Role::GRANTED.into_iter().find(|role| role.id() == id);
        built_in.map_or(Self::Custom(id.into()), Self::BuiltIn)
    }

    /// The id in the API.
    pub fn id(self) -> uuid::Uuid {
        match self {
            Self::BuiltIn(role) => role.id(),
            Self::Custom(id) => id.uuid(),
        }
    }

    /// The built-in role's column.
    pub fn built_in(self) -> Option<Role> {
        match self {
            Self::BuiltIn(role) => Some(role),
            Self::Custom(_) => None,
        }
    }

    /// The other role's column.
    pub fn custom(self) -> Option<RoleId> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Custom(id) => Some(id),
        }
    }
}

impl fmt::Display for RoleRef {
    /// The word in forms and addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => f.write_str(role.as_str()),
            Self::Custom(id) => id.fmt(f),
        }
    }
}

/// A role with its name and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRole {
    /// Which.
    pub role: RoleRef,
    /// Its name as people read it.
    pub title: String,
    /// What it allows.
    pub scopes: Scopes,
}

impl From<Role> for NamedRole {
    fn from(role: Role) -> Self {
        Self { role: RoleRef::BuiltIn(role), title: role.title().to_owned(), scopes: role.scopes() }
    }
}

impl NamedRole {
    /// An organization's own role, from its row.
    pub fn custom(id: RoleId, title: String, inherits: Option<Role>, scopes: &str) -> Self {
        let inherited = inherits.map(Role::scopes).unwrap_or_default();
        let scopes = inherited.union(Scopes::of_names(scopes));
        Self { role: RoleRef::Custom(id), title, scopes }
    }
}

impl Role {
    /// The built-in roles that an organization grants in its workspaces.
    pub const GRANTED: [Self; 5] =
        [Self::Viewer, Self::Runner, Self::Developer, Self::Owner, Self::Worker];

    /// The id of a built-in role in the API: a UUID of version 8 (RFC 9562), made of its place in
    /// the table, so that it is no id of any row.
    pub fn id(self) -> uuid::Uuid {
        let place = Self::ALL.iter().position(|role| *role == self).unwrap_or_default();
        uuid::Uuid::from_u128(
            0x0000_0000_0000_8000_8000_0000_0000_0001 + u128::try_from(place).unwrap_or_default(),
        )
    }

    /// What the role is for, in a line.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Viewer => "Looks at everything but secrets, settings and people",
            Self::Runner => "Looks, and runs deployments",
            Self::Developer => "Builds and runs; sees secrets, settings and people",
            Self::Owner => "Everything, secrets, people and settings included",
            Self::Worker => {
                "What a process that runs work needs, secrets included; for service accounts"
            }
            Self::Collaborator => "Views a personal workspace, secrets included, and runs flows",
        }
    }

    /// The letter of the role's column in the table.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Viewer => 'V',
            Self::Runner => 'R',
            Self::Developer => 'D',
            Self::Owner => 'O',
            Self::Worker => 'W',
            Self::Collaborator => 'C',
        }
    }

    /// The role's name as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Runner => "Runner",
            Self::Developer => "Developer",
            Self::Owner => "Owner",
            Self::Worker => "Worker",
            Self::Collaborator => "Collaborator",
        }
    }

    /// What the role allows.
    pub fn scopes(self) -> Scopes {
        Permission::all()
            .filter(|permission| permission.is_named_by(self))
            .fold(Scopes::default(), Scopes::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_names_what_its_permissions_imply() {
        for role in Role::ALL {
            for permission in Permission::all() {
                assert_eq!(
                    role.scopes().contains(permission),
                    permission.is_named_by(*role),
                    "{role:?} {permission:?}"
                );
            }
        }
    }

    /// What is said of a role in a line, and what of an invitation in a sentence, is what the table gives.
    #[test]
    fn who_sees_secrets_is_told_so() {
        for role in Role::ALL {
            let sees = role.scopes().contains(Permission::SeeSecretBlocks);
            let purpose = role.purpose().replace("but secrets", "");
            assert_eq!(purpose.contains("secrets"), sees, "{role:?}");
            assert_eq!(role.scopes().in_short().contains("secrets included"), sees, "{role:?}");
            let words = role.scopes().in_words();
            assert_eq!(words.contains(&"view secret block data".to_owned()), sees, "{words:?}");
            let told = words.len() + role.scopes().missing_in_words().len();
            let seen = role.scopes().iter().filter(|one| one.only_looks()).count();
            assert_eq!(told, Permission::all().count() - seen + 1, "{role:?}");
        }
        assert_eq!(Scopes::NONE.in_words(), Vec::<String>::new());
        let collaborator = Role::Collaborator.scopes().in_words();
        assert!(collaborator[0].starts_with("view flows and flow runs, artifacts, deployments,"));
        assert!(collaborator.contains(&"create, update, and run flows".to_owned()));
    }

    #[test]
    fn viewer_runner_developer_and_owner_are_cumulative() {
        let ladder = [Role::Viewer, Role::Runner, Role::Developer, Role::Owner];
        for pair in ladder.windows(2) {
            for permission in Permission::all() {
                assert!(
                    !pair[0].scopes().contains(permission) || pair[1].scopes().contains(permission)
                );
            }
        }
    }
}
