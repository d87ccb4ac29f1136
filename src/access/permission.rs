//! The one list of permissions: scope names (those of Prefect Cloud's API), what implies what, the
//! words people read, and which built-in role holds which. `docs/permissions.md` is made from it.

use super::role::Role;

/// A permission as a type, so that a handler's signature states what it needs.
pub trait Needs: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

/// Writes the enum, a marker type for each permission, and the table.
macro_rules! permissions {
    ($(#[doc = $words:literal] $name:ident = $scope:literal $(implies $implied:ident)?, for $roles:literal;)+) => {
        /// What somebody may do in a workspace.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $(#[doc = $words] $name),+ }

        /// A type for each permission, to be named in a handler's signature.
        pub mod needs {
            $(#[doc = $words] #[derive(Debug)] pub enum $name {}
            impl super::Needs for $name {
                const PERMISSION: super::Permission = super::Permission::$name;
            })+
        }

        const TABLE: &[Row] = &[$(Row {
            permission: Permission::$name,
            scope: $scope,
            words: $words,
            implies: first(&[$(Permission::$implied)?]),
            roles: $roles,
        }),+];
    };
}

struct Row {
    permission: Permission,
    scope: &'static str,
    words: &'static str,
    implies: Option<Permission>,
    roles: &'static str,
}

const fn first(list: &[Permission]) -> Option<Permission> {
    match list {
        [first, ..] => Some(*first),
        [] => None,
    }
}

permissions! {
    /// View flows and flow runs (with task runs, logs, events).
    SeeFlows = "see_flows", for "VRDOWC";
    /// Create, update, and delete saved search filters.
    ManageSavedSearch = "manage_saved_search" implies SeeFlows, for "DOC";
    /// Create, update, and run flows (write runs, states, logs, events; take leases).
    RunFlows = "run_flows" implies SeeFlows, for "DOWC";
    /// Run tasks.
    RunTasks = "run_tasks" implies RunFlows, for "DOWC";
    /// Delete flows and flow runs.
    ManageFlows = "manage_flows" implies RunFlows, for "DO";
    /// View artifacts.
    SeeArtifacts = "see_artifacts", for "VRDOWC";
    /// Create and edit artifacts.
    WriteArtifacts = "write_artifacts" implies SeeArtifacts, for "DOWC";
    /// Delete artifacts.
    ManageArtifacts = "manage_artifacts" implies WriteArtifacts, for "DO";
    /// View deployments.
    SeeDeployments = "see_deployments", for "VRDOWC";
    /// Run deployments.
    RunDeployments = "run_deployments" implies SeeDeployments, for "RDOWC";
    /// Create and edit deployments.
    WriteDeployments = "write_deployments" implies RunDeployments, for "DO";
    /// Delete deployments.
    ManageDeployments = "manage_deployments" implies WriteDeployments, for "DO";
    /// View work pools and queues.
    SeeWorkPools = "see_work_pools", for "VRDOWC";
    /// Create, edit, and pause work pools and queues.
    WriteWorkPools = "write_work_pools" implies SeeWorkPools, for "DO";
    /// Delete work pools and queues.
    ManageWorkPools = "manage_work_pools" implies WriteWorkPools, for "DO";
    /// View blocks.
    SeeBlocks = "see_blocks", for "VRDOWC";
    /// View secret block data.
    SeeSecretBlocks = "see_secret_blocks" implies SeeBlocks, for "DOWC";
    /// Create, edit, and delete blocks.
    ManageBlocks = "manage_blocks" implies SeeSecretBlocks, for "DO";
    /// View variables.
    SeeVariables = "see_variables", for "VRDOWC";
    /// Create, edit, and delete variables.
    WriteVariables = "write_variables" implies SeeVariables, for "DO";
    /// View concurrency limits.
    SeeConcurrencyLimits = "see_concurrency_limits", for "VRDOWC";
    /// Create, edit, and delete concurrency limits.
    ManageConcurrencyLimits = "manage_concurrency_limits" implies SeeConcurrencyLimits, for "DO";
    /// View automations.
    SeeAutomations = "see_automations", for "VRDOC";
    /// Create, edit, and delete automations.
    ManageAutomations = "manage_automations" implies SeeAutomations, for "DO";
    /// View notification policies.
    SeeNotifications = "see_notifications", for "VRDOC";
    /// Create and edit notification policies.
    WriteNotifications = "write_notifications" implies SeeNotifications, for "DO";
    /// Delete notification policies.
    ManageNotifications = "manage_notifications" implies WriteNotifications, for "DO";
    /// View information about workspace users.
    SeeWorkspaceUsers = "see_workspace_users", for "DOC";
    /// Add and remove users, set their role and the default role.
    ManageWorkspaceUsers = "manage_workspace_users" implies SeeWorkspaceUsers, for "O";
    /// View information about workspace service accounts.
    SeeWorkspaceServiceAccounts = "see_workspace_service_accounts", for "DO";
    /// Add and remove service accounts, set their role.
    ManageWorkspaceServiceAccounts = "manage_workspace_service_accounts" implies SeeWorkspaceServiceAccounts, for "O";
    /// View workspace settings.
    SeeWorkspaceSettings = "see_workspace_settings", for "DO";
    /// Edit workspace settings.
    WriteWorkspaceSettings = "write_workspace_settings" implies SeeWorkspaceSettings, for "O";
    /// Delete the workspace.
    ManageWorkspaceSettings = "manage_workspace_settings" implies WriteWorkspaceSettings, for "O";
}

impl Permission {
    /// All permissions, in the order of the tree on the page.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.permission)
    }

    /// The permission of a scope name.
    pub fn parse(scope: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.scope == scope).map(|row| row.permission)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.get(self as usize)
    }

    /// The name in the API and the audit log.
    pub fn scope(self) -> &'static str {
        self.row().map_or("", |row| row.scope)
    }

    /// The words that people read.
    pub fn words(self) -> &'static str {
        self.row().map_or("", |row| row.words.trim())
    }

    /// The same without what stands in parentheses, and without a full stop.
    pub fn brief_words(self) -> &'static str {
        let words = self.words();
        words.split(" (").next().unwrap_or(words).trim_end_matches('.')
    }

    /// What this one brings along.
    pub fn implies(self) -> Option<Self> {
        self.row().and_then(|row| row.implies)
    }

    /// Whether a built-in role names it.
    pub(super) fn is_named_by(self, role: Role) -> bool {
        self.row().is_some_and(|row| row.roles.contains(role.letter()))
    }

    /// Whether it only looks, and not at secrets: what a key limited to reading keeps.
    pub fn only_looks(self) -> bool {
        self.scope().starts_with("see_") && self != Self::SeeSecretBlocks
    }
}

/// `docs/permissions.md`: the table as people read it.
pub fn document() -> String {
    let mut text = String::from(
        "# Permissions\n\nMade from the table in `src/access/permission.rs`; a test holds the two together.\n\n\
         V Viewer · R Runner · D Developer · O Owner · W Worker · C Collaborator\n\n\
         | Scope | Allows | Implies | V | R | D | O | W | C |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for permission in Permission::all() {
        let implied = permission.implies().map_or("–".to_owned(), |p| format!("`{}`", p.scope()));
        let dots: Vec<&str> = DOCUMENTED
            .iter()
            .map(|role| if permission.is_named_by(*role) { "●" } else { "" })
            .collect();
        let words = permission.words().trim_end_matches('.');
        let row =
            [&format!("| `{}`", permission.scope()), words, &implied, &dots.join(" | "), "\n"];
        text.push_str(&row.join(" | "));
    }
    text
}

const DOCUMENTED: [Role; 6] =
    [Role::Viewer, Role::Runner, Role::Developer, Role::Owner, Role::Worker, Role::Collaborator];

#[cfg(test)]
mod tests {
    use super::document;

    /// AZ-01: the published table is the one in the code.
    #[test]
    fn the_document_is_made_from_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        let fresh = concat!(env!("CARGO_MANIFEST_DIR"), "/target/permissions.md");
        std::fs::write(fresh, document()).unwrap();
        assert_eq!(published, document(), "copy target/permissions.md to docs/");
    }
}
