//! The words for what is recorded: event name and what it says of whoever did it.

/// Event names and words, in alphabetical order.
const EVENTS: &[(&str, &str)] = &[
    ("account-invitation.accepted", "Accepted an invitation to the organization"),
    ("account-invitation.created", "Invited somebody to the organization"),
    ("account-invitation.deleted", "Revoked an invitation to the organization"),
    ("account-invitation.rejected", "Declined an invitation to the organization"),
    ("account-invitation.updated", "Sent an invitation to the organization again"),
    ("account-membership.created", "Joined an organization"),
    ("account-membership.deleted", "Ended a membership"),
    ("account-membership.updated", "Changed a member’s role"),
    ("account-settings.updated", "Changed an organization’s rules"),
    ("account.created", "Created an organization"),
    ("account.deleted", "Deleted an organization"),
    ("account.limits-changed", "Changed an account’s limits"),
    ("account.updated", "Changed an organization"),
    ("api-key.created", "Created an API key"),
    ("api-key.deleted", "Deleted an API key"),
    ("flow-run.cancelled", "Cancelled a flow run"),
    ("flow-run.crashed", "Marked a flow run as crashed"),
    ("flow-run.deleted", "Deleted a flow run"),
    ("flow.deleted", "Deleted a flow"),
    ("service-account.created", "Created a service account"),
    ("service-account.deleted", "Removed a service account"),
    ("service-account.rotated", "Rotated a service account’s key"),
    ("service-account.updated", "Changed a service account"),
    ("sign-in.failed", "Tried to sign in, and failed"),
    ("sign-in.throttled", "Tried to sign in too often"),
    ("two-factor.created", "Turned two-factor authentication on"),
    ("two-factor.deleted", "Turned two-factor authentication off"),
    ("two-factor.recovered", "Signed in with a recovery code"),
    ("two-factor.rotated", "Made new recovery codes"),
    ("user.created", "Signed up"),
    ("user.deleted", "Deleted an account"),
    ("user.email-change-asked", "Asked for another email address"),
    ("user.email-change-cancelled", "Kept the email address after all"),
    ("user.email-changed", "Changed an email address"),
    ("user.logged-in", "Signed in"),
    ("user.logged-out", "Signed out"),
    ("user.password-changed", "Changed a password"),
    ("user.reset-started", "Started a password reset"),
    ("user.session-ended", "Signed a device out"),
    ("user.updated", "Changed a profile"),
    ("user.verified", "Confirmed an email address"),
    ("workspace-access.created", "Gave access to a workspace"),
    ("workspace-access.deleted", "Ended access to a workspace"),
    ("workspace-access.updated", "Changed access to a workspace"),
    ("workspace-invitation.accepted", "Accepted an invitation"),
    ("workspace-invitation.created", "Sent an invitation"),
    ("workspace-invitation.deleted", "Revoked an invitation"),
    ("workspace-invitation.rejected", "Declined an invitation"),
    ("workspace-invitation.updated", "Sent an invitation again"),
    ("workspace-role.created", "Created a role"),
    ("workspace-role.deleted", "Deleted a role"),
    ("workspace-role.updated", "Changed a role"),
    ("workspace-settings.updated", "Changed a workspace’s settings"),
    ("workspace-transfer.approved", "Approved the transfer of a workspace"),
    ("workspace-transfer.cancelled", "Cancelled the transfer of a workspace"),
    ("workspace-transfer.created", "Asked for the transfer of a workspace"),
    ("workspace-transfer.declined", "Declined the transfer of a workspace"),
    ("workspace-transfer.expired", "A transfer ended without an answer"),
    ("workspace.accessed", "Opened a workspace"),
    ("workspace.accessed-by-key", "Used a key in a workspace"),
    ("workspace.create-denied", "Was refused a further workspace"),
    ("workspace.created", "Created a workspace"),
    ("workspace.deleted", "Deleted a workspace"),
    ("workspace.denied", "Was refused something in a workspace"),
    ("workspace.grace-ended", "Ended a deleted workspace’s days of grace"),
    ("workspace.purged", "Removed a deleted workspace for good"),
    ("workspace.restored", "Restored a workspace"),
    ("workspace.transferred-in", "Took over a workspace"),
    ("workspace.transferred-out", "Handed a workspace over"),
    ("workspace.updated", "Changed a workspace"),
];

/// All events, with their words, by name.
pub fn all() -> &'static [(&'static str, &'static str)] {
    EVENTS
}

/// What an event says; its own name when there are no words for it.
pub fn words(event: &str) -> &str {
    let at = EVENTS.binary_search_by(|(name, _)| (*name).cmp(event)).ok();
    at.and_then(|at| EVENTS.get(at)).map_or(event, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_without_doubles() {
        assert!(EVENTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    /// The first literal after each `Entry::of_…(` in the source of the program.
    fn recorded_events(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                recorded_events(&path, found);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            for part in source.split("Entry::of_").skip(1) {
                let after = part.split_once('(').map_or("", |(_, after)| after.trim_start());
                if let Some((event, _)) = after.strip_prefix('"').and_then(|e| e.split_once('"')) {
                    found.push(event.to_owned());
                }
            }
        }
    }

    #[test]
    fn whatever_is_recorded_has_words() {
        let mut found = Vec::new();
        recorded_events(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.iter().any(|event| event == "api-key.created"));
        for event in found {
            assert_ne!(words(&event), event, "give {event} words in events.rs");
        }
    }

    #[test]
    fn an_event_without_words_is_called_by_its_name() {
        assert_eq!(words("workspace.created"), "Created a workspace");
        assert_eq!(words("block.created"), "block.created");
    }
}
