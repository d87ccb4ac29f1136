//! The ids of what the database keeps, one type for each table: an id of one thing is none of another.

use super::id::Id;

macro_rules! ids {
    ($($name:ident, $marker:ident: $words:literal, $table:literal;)+) => {
        /// What each id is the id of.
        pub mod marker {
            $(
                #[doc = concat!("Rows of `", $table, "`.")]
                #[derive(Debug)]
                pub enum $marker {}
            )+
        }

        $(
            #[doc = concat!("The id of ", $words, " (`", $table, "`).")]
            pub type $name = Id<marker::$marker>;
        )+
    };
}

ids! {
    AccountId, Account: "an account: of a person, or an organization", "accounts";
    UserId, User: "a person", "users";
    SessionId, Session: "a session of a browser", "sessions";
    WorkspaceId, Workspace: "a workspace", "workspaces";
    RoleId, Role: "a role that an organization made", "workspace_roles";
    MemberId, Member: "a collaborator", "memberships";
    InvitationId, Invitation: "an invitation", "invitations";
    KeyId, Key: "a person's API key", "api_keys";
    ServiceAccountId, ServiceAccount: "a service account", "service_accounts";
    BotKeyId, BotKey: "a service account's API key", "service_account_keys";
    BotGrantId, BotGrant: "a service account's access to a workspace", "service_account_grants";
    TransferId, Transfer: "a transfer", "transfers";
    MailId, Mail: "a mail", "mails";
    FormTokenId, FormToken: "one use of a form", "form_tokens";
    FlowId, Flow: "a flow", "flows";
    FlowRunId, FlowRun: "a run of a flow", "flow_runs";
    TaskRunId, TaskRun: "a run of a task", "task_runs";
    StateId, State: "a state of a run", "flow_run_states` and `task_run_states";
    InputId, Input: "an input of a run", "flow_run_inputs";
    LogId, Log: "a line", "logs";
    EventId, Event: "an event", "events";
    LimitId, Limit: "a concurrency limit", "concurrency_limits";
    LeaseId, Lease: "a lease", "concurrency_leases";
    SavedSearchId, SavedSearch: "a saved search", "saved_searches";
    DeploymentId, Deployment: "a deployment", "deployments";
    ScheduleId, Schedule: "a schedule of a deployment", "deployment_schedules";
}
