//! A role of an organization's own.

use diesel::prelude::*;

use crate::access::role::{NamedRole, Role, RoleId, Scopes};
use crate::base::db::schema::workspace_roles;
use crate::base::db::{Instant, MultiBackend};
use crate::base::text::single_line;

/// Roles that one organization may have of its own.
pub const MOST: i64 = 100;

/// The name of a role; not that of a built-in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

impl RoleName {
    /// A name as typed.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let name = single_line(raw, "The name", 60)?;
        if name.is_empty() {
            return Err("Enter a name.".to_owned());
        }
        let key = name.to_lowercase();
        if Role::ALL.iter().any(|role| role.title().to_lowercase() == key) || key == "no access" {
            return Err(format!("“{name}” is a built-in role. Choose another name."));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For comparison.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// What an admin says about a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: RoleName,
    /// What it is for; may be empty.
    pub description: String,
    /// The built-in role whose permissions it has too.
    pub inherits: Option<Role>,
    /// Its own permissions, closed over what they imply.
    pub scopes: Scopes,
}

impl Wanted {
    /// Everything that it allows.
    pub fn all_scopes(&self) -> Scopes {
        self.inherits.map(Role::scopes).unwrap_or_default().union(self.scopes)
    }
}

/// A role of an organization's own, as its row says.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = workspace_roles, check_for_backend(MultiBackend))]
pub struct CustomRole {
    /// Its id.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The built-in role whose permissions it has too.
    pub inherits: Option<Role>,
    /// Scope names of its own permissions.
    pub scopes: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl CustomRole {
    /// With everything that it allows.
    pub fn named(&self) -> NamedRole {
        NamedRole::custom(self.id, self.name.clone(), self.inherits, &self.scopes)
    }
}

/// Where a role is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// People to whom it was given.
    pub people: i64,
    /// Service accounts to which it was given.
    pub service_accounts: i64,
    /// Workspaces that give it to everybody in the organization.
    pub defaults: i64,
    /// Invitations that are not answered.
    pub invitations: i64,
}

impl Uses {
    /// Whether it is used nowhere.
    pub fn is_unused(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_is_called_like_a_built_in_one() {
        for taken in ["Owner", " viewer ", "WORKER", "Collaborator", "No access"] {
            assert!(RoleName::parse(taken).is_err(), "{taken}");
        }
        assert_eq!(RoleName::parse(" Release manager ").unwrap().as_str(), "Release manager");
    }
}
