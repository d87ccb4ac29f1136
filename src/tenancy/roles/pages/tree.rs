//! The permission tree: each level includes the ones above it.

use crate::access::permission::Permission;
use crate::access::role::Scopes;

/// One box of the tree.
pub struct Leaf {
    pub scope: &'static str,
    pub words: &'static str,
    /// Ticked: chosen, or implied by what is chosen.
    pub is_ticked: bool,
    /// Ticked and locked.
    pub is_inherited: bool,
    /// Whether a list of what stands on this one follows.
    pub opens: bool,
    /// How many such lists end behind it.
    pub closes: Vec<()>,
}

/// The permissions of one kind of thing.
pub struct Group {
    pub title: &'static str,
    pub leaves: Vec<Leaf>,
}

fn title(root: Permission) -> &'static str {
    match root {
        Permission::SeeFlows => "Flows",
        Permission::SeeArtifacts => "Artifacts",
        Permission::SeeDeployments => "Deployments",
        Permission::SeeWorkPools => "Work pools",
        Permission::SeeBlocks => "Blocks",
        Permission::SeeVariables => "Variables",
        Permission::SeeConcurrencyLimits => "Concurrency limits",
        Permission::SeeAutomations => "Automations",
        Permission::SeeNotifications => "Notifications",
        _ => "Workspace management",
    }
}

/// The tree with some boxes ticked and some locked.
pub fn groups(ticked: Scopes, inherited: Scopes) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for root in Permission::all().filter(|permission| permission.implies().is_none()) {
        let title = title(root);
        let mut leaves = Vec::new();
        add(root, (ticked, inherited), &mut leaves);
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.leaves.extend(leaves),
            None => groups.push(Group { title, leaves }),
        }
    }
    groups
}

fn add(permission: Permission, sets: (Scopes, Scopes), leaves: &mut Vec<Leaf>) {
    let (ticked, inherited) = sets;
    let children: Vec<Permission> =
        Permission::all().filter(|child| child.implies() == Some(permission)).collect();
    leaves.push(Leaf {
        scope: permission.scope(),
        words: permission.words().trim_end_matches('.'),
        is_ticked: ticked.union(inherited).contains(permission),
        is_inherited: inherited.contains(permission),
        opens: !children.is_empty(),
        closes: Vec::new(),
    });
    let is_parent = !children.is_empty();
    for child in children {
        add(child, sets, leaves);
    }
    if is_parent && let Some(last) = leaves.last_mut() {
        last.closes.push(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_stands_once_and_every_list_ends() {
        let groups = groups(Scopes::NONE, Scopes::NONE);
        let leaves: Vec<&Leaf> = groups.iter().flat_map(|group| &group.leaves).collect();
        assert_eq!(leaves.len(), Permission::all().count());
        let opened = leaves.iter().filter(|leaf| leaf.opens).count();
        let closed: usize = leaves.iter().map(|leaf| leaf.closes.len()).sum();
        assert_eq!(opened, closed);
        assert_eq!(groups.len(), 10);
    }
}
