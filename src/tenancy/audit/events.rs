//! What is recorded: each event with its name and what it says of whoever did it.

/// Writes the enum, its names and its words from one table.
macro_rules! events {
    ($($name:ident = $text:literal, $words:literal;)+) => {
        crate::base::db::text_enum! {
            /// What an entry tells; its name is `<resource>.<action>`, as in `workspace.created`.
            Event { $(#[doc = $words] $name = $text),+ }
        }

        impl Event {
            /// What it says of whoever did it.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }
        }
    };
}

// In alphabetical order of their names: so they are offered.
events! {
    AccountInvitationAccepted = "account-invitation.accepted", "Accepted an invitation to the organization";
    AccountInvitationCreated = "account-invitation.created", "Invited somebody to the organization";
    AccountInvitationDeleted = "account-invitation.deleted", "Revoked an invitation to the organization";
    AccountInvitationRejected = "account-invitation.rejected", "Declined an invitation to the organization";
    AccountInvitationUpdated = "account-invitation.updated", "Sent an invitation to the organization again";
    AccountMembershipCreated = "account-membership.created", "Joined an organization";
    AccountMembershipDeleted = "account-membership.deleted", "Ended a membership";
    AccountMembershipUpdated = "account-membership.updated", "Changed a member’s role";
    AccountSettingsUpdated = "account-settings.updated", "Changed an organization’s rules";
    AccountCreated = "account.created", "Created an organization";
    AccountDeleted = "account.deleted", "Deleted an organization";
    AccountLimitsChanged = "account.limits-changed", "Changed an account’s limits";
    AccountUpdated = "account.updated", "Changed an organization";
    ApiKeyCreated = "api-key.created", "Created an API key";
    ApiKeyDeleted = "api-key.deleted", "Deleted an API key";
    ConcurrencyLimitCreated = "concurrency-limit.created", "Created a concurrency limit";
    ConcurrencyLimitDeleted = "concurrency-limit.deleted", "Deleted a concurrency limit";
    ConcurrencyLimitReleased = "concurrency-limit.released", "Released a slot of a concurrency limit";
    ConcurrencyLimitReset = "concurrency-limit.reset", "Freed the slots of a concurrency limit";
    ConcurrencyLimitUpdated = "concurrency-limit.updated", "Changed a concurrency limit";
    ScheduleCreated = "deployment-schedule.created", "Added a schedule to a deployment";
    ScheduleDeleted = "deployment-schedule.deleted", "Deleted a schedule of a deployment";
    SchedulePaused = "deployment-schedule.paused", "Paused a schedule of a deployment";
    ScheduleResumed = "deployment-schedule.resumed", "Resumed a schedule of a deployment";
    ScheduleUpdated = "deployment-schedule.updated", "Changed a schedule of a deployment";
    DeploymentCreated = "deployment.created", "Created a deployment";
    DeploymentDeleted = "deployment.deleted", "Deleted a deployment";
    DeploymentPaused = "deployment.paused", "Paused a deployment";
    DeploymentResumed = "deployment.resumed", "Resumed a deployment";
    DeploymentRun = "deployment.run", "Ran a deployment";
    DeploymentUpdated = "deployment.updated", "Changed a deployment";
    FlowRunCancelled = "flow-run.cancelled", "Cancelled a flow run";
    FlowRunCrashed = "flow-run.crashed", "Marked a flow run as crashed";
    FlowRunDeleted = "flow-run.deleted", "Deleted a flow run";
    FlowDeleted = "flow.deleted", "Deleted a flow";
    SavedSearchCreated = "saved-search.created", "Saved a search";
    SavedSearchDeleted = "saved-search.deleted", "Deleted a saved search";
    SavedSearchUpdated = "saved-search.updated", "Changed a saved search";
    ServiceAccountCreated = "service-account.created", "Created a service account";
    ServiceAccountDeleted = "service-account.deleted", "Removed a service account";
    ServiceAccountRotated = "service-account.rotated", "Rotated a service account’s key";
    ServiceAccountUpdated = "service-account.updated", "Changed a service account";
    SignInFailed = "sign-in.failed", "Tried to sign in, and failed";
    SignInThrottled = "sign-in.throttled", "Tried to sign in too often";
    TwoFactorCreated = "two-factor.created", "Turned two-factor authentication on";
    TwoFactorDeleted = "two-factor.deleted", "Turned two-factor authentication off";
    TwoFactorRecovered = "two-factor.recovered", "Signed in with a recovery code";
    TwoFactorRotated = "two-factor.rotated", "Made new recovery codes";
    UserCreated = "user.created", "Signed up";
    UserDeleted = "user.deleted", "Deleted an account";
    UserEmailChangeAsked = "user.email-change-asked", "Asked for another email address";
    UserEmailChangeCancelled = "user.email-change-cancelled", "Kept the email address after all";
    UserEmailChanged = "user.email-changed", "Changed an email address";
    UserLoggedIn = "user.logged-in", "Signed in";
    UserLoggedOut = "user.logged-out", "Signed out";
    UserPasswordChanged = "user.password-changed", "Changed a password";
    UserResetStarted = "user.reset-started", "Started a password reset";
    UserSessionEnded = "user.session-ended", "Signed a device out";
    UserUpdated = "user.updated", "Changed a profile";
    UserVerified = "user.verified", "Confirmed an email address";
    WorkspaceAccessCreated = "workspace-access.created", "Gave access to a workspace";
    WorkspaceAccessDeleted = "workspace-access.deleted", "Ended access to a workspace";
    WorkspaceAccessUpdated = "workspace-access.updated", "Changed access to a workspace";
    WorkspaceInvitationAccepted = "workspace-invitation.accepted", "Accepted an invitation";
    WorkspaceInvitationCreated = "workspace-invitation.created", "Sent an invitation";
    WorkspaceInvitationDeleted = "workspace-invitation.deleted", "Revoked an invitation";
    WorkspaceInvitationRejected = "workspace-invitation.rejected", "Declined an invitation";
    WorkspaceInvitationUpdated = "workspace-invitation.updated", "Sent an invitation again";
    WorkspaceRoleCreated = "workspace-role.created", "Created a role";
    WorkspaceRoleDeleted = "workspace-role.deleted", "Deleted a role";
    WorkspaceRoleUpdated = "workspace-role.updated", "Changed a role";
    WorkspaceSettingsUpdated = "workspace-settings.updated", "Changed a workspace’s settings";
    WorkspaceTransferApproved = "workspace-transfer.approved", "Approved the transfer of a workspace";
    WorkspaceTransferCancelled = "workspace-transfer.cancelled", "Cancelled the transfer of a workspace";
    WorkspaceTransferCreated = "workspace-transfer.created", "Asked for the transfer of a workspace";
    WorkspaceTransferDeclined = "workspace-transfer.declined", "Declined the transfer of a workspace";
    WorkspaceTransferExpired = "workspace-transfer.expired", "A transfer ended without an answer";
    WorkspaceAccessed = "workspace.accessed", "Opened a workspace";
    WorkspaceAccessedByKey = "workspace.accessed-by-key", "Used a key in a workspace";
    WorkspaceCreateDenied = "workspace.create-denied", "Was refused a further workspace";
    WorkspaceCreated = "workspace.created", "Created a workspace";
    WorkspaceDeleted = "workspace.deleted", "Deleted a workspace";
    WorkspaceDenied = "workspace.denied", "Was refused something in a workspace";
    WorkspaceGraceEnded = "workspace.grace-ended", "Ended a deleted workspace’s days of grace";
    WorkspacePurged = "workspace.purged", "Removed a deleted workspace for good";
    WorkspaceRestored = "workspace.restored", "Restored a workspace";
    WorkspaceTransferredIn = "workspace.transferred-in", "Took over a workspace";
    WorkspaceTransferredOut = "workspace.transferred-out", "Handed a workspace over";
    WorkspaceUpdated = "workspace.updated", "Changed a workspace";
}

/// What an event that was kept says; its own name when there are no words for it (any more).
pub fn words(event: &str) -> &str {
    match Event::parse(event) {
        Some(known) => known.words(),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_without_doubles() {
        assert!(Event::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    }

    #[test]
    fn every_event_has_words() {
        assert!(Event::ALL.iter().all(|event| !event.words().is_empty()));
    }

    #[test]
    fn an_event_without_words_is_called_by_its_name() {
        assert_eq!(words("workspace.created"), "Created a workspace");
        assert_eq!(words("block.created"), "block.created");
    }
}
