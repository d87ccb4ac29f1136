//! The built-in roles and what each allows (spec/permissions.md).

use super::permission::Permission;

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

    /// What is in this set and only looks.
    #[must_use]
    pub fn only_looking(self) -> Self {
        Permission::all()
            .filter(|permission| self.contains(*permission) && permission.only_looks())
            .fold(Self::default(), Self::with)
    }
}

impl Role {
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
