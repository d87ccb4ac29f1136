//! The tables, as diesel sees them: written by hand, and compared with both databases by a test.
#![expect(missing_docs, reason = "the migrations tell what each column holds")]

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// One row, whose lock orders what belongs to no account.
    instance (id) {
        id -> SmallInt,
        created_at -> SqlInstant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Personal accounts and organizations.
    accounts (id) {
        id -> SqlId,
        kind -> Text,
        handle -> Text,
        name -> Text,
        workspace_limit -> Nullable<Integer>,
        member_limit -> Nullable<Integer>,
        service_account_limit -> Nullable<Integer>,
        run_retention_days -> Nullable<Integer>,
        audit_retention_days -> Nullable<Integer>,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Old handles of accounts.
    account_redirects (handle) {
        handle -> Text,
        account_id -> SqlId,
        created_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// People.
    users (id) {
        id -> SqlId,
        personal_account_id -> SqlId,
        email -> Text,
        email_key -> Text,
        verified -> Text,
        pending_email -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        theme -> Text,
        time_zone -> Text,
        verify_generation -> Integer,
        reset_generation -> Integer,
        reset_requested_at -> Nullable<SqlInstant>,
        verify_requested_at -> Nullable<SqlInstant>,
        last_sign_in_at -> Nullable<SqlInstant>,
        created_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Signed-in browsers.
    sessions (id) {
        id -> SqlId,
        key_hash -> Binary,
        user_id -> SqlId,
        state -> Text,
        created_at -> SqlInstant,
        last_seen_at -> SqlInstant,
        expires_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Workspaces, the deleted ones within their days of grace too.
    workspaces (id) {
        id -> SqlId,
        account_id -> SqlId,
        handle -> Text,
        name -> Text,
        description -> Text,
        created_by -> Nullable<SqlId>,
        created_by_name -> Text,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
        deleted_at -> Nullable<SqlInstant>,
        deleted_by -> Nullable<SqlId>,
        purge_after -> Nullable<SqlInstant>,
        purged -> Nullable<Text>,
        default_role -> Nullable<Text>,
        default_custom_role_id -> Nullable<SqlId>,
        runs_visible_from -> Nullable<SqlInstant>,
        starts_held_until -> Nullable<SqlInstant>,
        deletion_receipt -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Old handles of workspaces.
    workspace_redirects (account_id, handle) {
        account_id -> SqlId,
        handle -> Text,
        workspace_id -> SqlId,
        created_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Who was let into a workspace.
    memberships (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        user_id -> SqlId,
        role -> Nullable<Text>,
        custom_role_id -> Nullable<SqlId>,
        sort_name -> Text,
        search_key -> Text,
        granted_by_name -> Text,
        created_at -> SqlInstant,
        expires_at -> Nullable<SqlInstant>,
        expiry_told_at -> Nullable<SqlInstant>,
        last_seen_at -> Nullable<SqlInstant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Roles that an organization made for itself.
    workspace_roles (id) {
        id -> SqlId,
        account_id -> SqlId,
        name -> Text,
        name_key -> Text,
        description -> Text,
        inherits -> Nullable<Text>,
        scopes -> Text,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Principals of an organization that are no person.
    service_accounts (id) {
        id -> SqlId,
        account_id -> SqlId,
        name -> Text,
        name_key -> Text,
        organization_role -> Text,
        created_at -> SqlInstant,
        created_by_name -> Text,
        disabled_at -> Nullable<SqlInstant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Keys of service accounts.
    service_account_keys (id) {
        id -> SqlId,
        service_account_id -> SqlId,
        hash -> Binary,
        last_four -> Text,
        created_at -> SqlInstant,
        created_by_name -> Text,
        expires_at -> Nullable<SqlInstant>,
        replaced_at -> Nullable<SqlInstant>,
        last_used_at -> Nullable<SqlInstant>,
        last_used_ip -> Nullable<Text>,
        expiry_told_at -> Nullable<SqlInstant>,
        made_with_key_id -> Nullable<SqlId>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// The workspaces that are shared with service accounts.
    service_account_grants (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        service_account_id -> SqlId,
        role -> Nullable<Text>,
        custom_role_id -> Nullable<SqlId>,
        sort_name -> Text,
        granted_by_name -> Text,
        created_at -> SqlInstant,
        expires_at -> Nullable<SqlInstant>,
        expiry_told_at -> Nullable<SqlInstant>,
        last_seen_at -> Nullable<SqlInstant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// The outbox.
    mails (id) {
        id -> SqlId,
        template -> Text,
        recipient -> Text,
        recipient_key -> Text,
        data -> Text,
        subject_id -> Nullable<SqlId>,
        state -> Text,
        attempts -> Integer,
        next_at -> SqlInstant,
        leased_by -> Nullable<SqlId>,
        last_error -> Nullable<Text>,
        created_at -> SqlInstant,
        sent_at -> Nullable<SqlInstant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Invitations by mail.
    invitations (id) {
        id -> SqlId,
        kind -> Text,
        account_id -> SqlId,
        workspace_id -> Nullable<SqlId>,
        email -> Text,
        email_key -> Text,
        user_id -> Nullable<SqlId>,
        role -> Nullable<Text>,
        custom_role_id -> Nullable<SqlId>,
        organization_role -> Nullable<Text>,
        access_until -> Nullable<SqlInstant>,
        state -> Text,
        generation -> Integer,
        expires_at -> SqlInstant,
        invited_by -> Nullable<SqlId>,
        invited_by_name -> Text,
        mail_id -> Nullable<SqlId>,
        void_reason -> Nullable<Text>,
        renewal_asked_at -> Nullable<SqlInstant>,
        created_at -> SqlInstant,
        sent_at -> SqlInstant,
        decided_at -> Nullable<SqlInstant>,
        accepted_by -> Nullable<SqlId>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Users' API keys.
    api_keys (id) {
        id -> SqlId,
        user_id -> SqlId,
        name -> Text,
        hash -> Binary,
        last_four -> Text,
        only_workspace_id -> Nullable<SqlId>,
        read_only -> Bool,
        created_at -> SqlInstant,
        expires_at -> Nullable<SqlInstant>,
        last_used_at -> Nullable<SqlInstant>,
        last_used_ip -> Nullable<Text>,
        expiry_told_at -> Nullable<SqlInstant>,
        made_with_key_id -> Nullable<SqlId>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::SqlInstant;

    /// Wrong passwords.
    failed_sign_ins (login_hash) {
        login_hash -> Binary,
        failures -> Integer,
        throttled_until -> SqlInstant,
        last_failure_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// One-use form tokens.
    form_tokens (id) {
        id -> SqlId,
        location -> Nullable<Text>,
        used_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Periodic jobs.
    jobs (name) {
        name -> Text,
        leased_by -> Nullable<SqlId>,
        leased_until -> Nullable<SqlInstant>,
        last_run_at -> Nullable<SqlInstant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// The end of each audit chain.
    audit_heads (account_id) {
        account_id -> SqlId,
        sequence -> BigInt,
        hash -> Binary,
        pruned_sequence -> BigInt,
        pruned_hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// The audit log.
    audit_entries (account_id, sequence) {
        account_id -> SqlId,
        sequence -> BigInt,
        occurred_at -> SqlInstant,
        event -> Text,
        actor_id -> Nullable<SqlId>,
        workspace_id -> Nullable<SqlId>,
        entry -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// What an organization says of itself.
    organizations (account_id) {
        account_id -> SqlId,
        location -> Text,
        link -> Text,
        run_retention_days -> Nullable<Integer>,
        audit_retention_days -> Nullable<Integer>,
        two_factor_since -> Nullable<SqlInstant>,
        email_domains -> Text,
        deleted_at -> Nullable<SqlInstant>,
        refuses_transfers -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Who belongs to an organization.
    organization_members (id) {
        id -> SqlId,
        account_id -> SqlId,
        user_id -> SqlId,
        role -> Text,
        sort_name -> Text,
        search_key -> Text,
        created_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// People who have two-factor authentication on.
    two_factor (user_id) {
        user_id -> SqlId,
        secret -> Binary,
        last_step -> BigInt,
        recovery_salt -> Binary,
        created_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::SqlId;

    /// Recovery codes that are left.
    recovery_codes (user_id, hash) {
        user_id -> SqlId,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// The way of workspaces from one account to another.
    transfers (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        source_account_id -> SqlId,
        target_account_id -> SqlId,
        source_handle -> Text,
        target_handle -> Text,
        state -> Text,
        note -> Text,
        reason -> Nullable<Text>,
        requested_by -> Nullable<SqlId>,
        requested_by_name -> Text,
        source_consent -> Nullable<Text>,
        target_consent -> Nullable<Text>,
        receipt -> Nullable<Text>,
        before -> Nullable<Text>,
        created_at -> SqlInstant,
        expires_at -> SqlInstant,
        execute_at -> Nullable<SqlInstant>,
        decided_at -> Nullable<SqlInstant>,
        undo_until -> Nullable<SqlInstant>,
        when_idle -> Bool,
        carry_over -> Nullable<Text>,
        undone_by_name -> Nullable<Text>,
        undone_at -> Nullable<SqlInstant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Roles that ended with a transfer, as long as it can be undone.
    transfer_grants (transfer_id, id) {
        transfer_id -> SqlId,
        id -> SqlId,
        user_id -> Nullable<SqlId>,
        service_account_id -> Nullable<SqlId>,
        role -> Nullable<Text>,
        custom_role_id -> Nullable<SqlId>,
        sort_name -> Text,
        search_key -> Text,
        granted_by_name -> Text,
        created_at -> SqlInstant,
        expires_at -> Nullable<SqlInstant>,
        last_seen_at -> Nullable<SqlInstant>,
    }
}

diesel::joinable!(organizations -> accounts (account_id));
diesel::joinable!(transfers -> workspaces (workspace_id));
diesel::joinable!(organization_members -> accounts (account_id));
diesel::joinable!(organization_members -> users (user_id));
diesel::joinable!(users -> accounts (personal_account_id));
diesel::joinable!(workspaces -> accounts (account_id));
diesel::joinable!(memberships -> workspaces (workspace_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(memberships -> workspace_roles (custom_role_id));
diesel::joinable!(workspace_roles -> accounts (account_id));
diesel::joinable!(service_accounts -> accounts (account_id));
diesel::joinable!(service_account_keys -> service_accounts (service_account_id));
diesel::joinable!(service_account_grants -> service_accounts (service_account_id));
diesel::joinable!(service_account_grants -> workspaces (workspace_id));
diesel::joinable!(service_account_grants -> workspace_roles (custom_role_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(invitations -> workspaces (workspace_id));

diesel::allow_tables_to_appear_in_same_query!(
    instance,
    accounts,
    account_redirects,
    users,
    sessions,
    workspaces,
    workspace_redirects,
    memberships,
    mails,
    invitations,
    api_keys,
    failed_sign_ins,
    form_tokens,
    jobs,
    audit_heads,
    audit_entries,
    organizations,
    organization_members,
    two_factor,
    recovery_codes,
    transfers,
    transfer_grants,
    workspace_roles,
    service_accounts,
    service_account_keys,
    service_account_grants,
    flows,
    flow_runs,
    flow_run_states,
    logs,
    task_runs,
    task_run_states,
    events,
    flow_run_inputs,
    flow_run_leftovers,
    concurrency_limits,
    concurrency_leases,
    concurrency_holds,
    saved_searches,
    deployments,
    deployment_schedules,
);

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Flows of workspaces.
    flows (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        name -> Text,
        tags -> Text,
        labels -> Text,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Runs of flows.
    flow_runs (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        flow_id -> SqlId,
        name -> Text,
        flow_version -> Nullable<Text>,
        parent_task_run_id -> Nullable<SqlId>,
        idempotency_key -> Nullable<Text>,
        tags -> Text,
        body -> Text,
        policy -> Text,
        state -> Nullable<Text>,
        state_type -> Nullable<Text>,
        state_name -> Nullable<Text>,
        state_at -> Nullable<SqlInstant>,
        infrastructure_pid -> Nullable<Text>,
        run_count -> BigInt,
        expected_start_at -> Nullable<SqlInstant>,
        next_scheduled_at -> Nullable<SqlInstant>,
        started_at -> Nullable<SqlInstant>,
        ended_at -> Nullable<SqlInstant>,
        total_run_micros -> BigInt,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
        expires_at -> Nullable<SqlInstant>,
        deployment_id -> Nullable<SqlId>,
        created_by_id -> Nullable<SqlId>,
        created_by_kind -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// What is left to do about runs that were cancelled or removed.
    flow_run_leftovers (workspace_id, flow_run_id, work) {
        workspace_id -> SqlId,
        flow_run_id -> SqlId,
        work -> Text,
        created_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// States that runs of flows were in.
    flow_run_states (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        flow_run_id -> SqlId,
        at -> SqlInstant,
        state -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Lines that runs logged.
    logs (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        flow_run_id -> Nullable<SqlId>,
        task_run_id -> Nullable<SqlId>,
        name -> Text,
        level -> BigInt,
        message -> Text,
        at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Runs of tasks.
    task_runs (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        flow_run_id -> Nullable<SqlId>,
        name -> Text,
        task_key -> Text,
        dynamic_key -> Text,
        tags -> Text,
        body -> Text,
        policy -> Text,
        state -> Nullable<Text>,
        state_type -> Nullable<Text>,
        state_name -> Nullable<Text>,
        state_at -> Nullable<SqlInstant>,
        run_count -> BigInt,
        expected_start_at -> Nullable<SqlInstant>,
        next_scheduled_at -> Nullable<SqlInstant>,
        started_at -> Nullable<SqlInstant>,
        ended_at -> Nullable<SqlInstant>,
        total_run_micros -> BigInt,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// States that runs of tasks were in.
    task_run_states (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        task_run_id -> SqlId,
        at -> SqlInstant,
        cache_key -> Nullable<Text>,
        cache_expires_at -> Nullable<SqlInstant>,
        state -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// What happened in workspaces.
    events (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        occurred_at -> SqlInstant,
        received_at -> SqlInstant,
        event -> Text,
        resource_id -> Text,
        follows -> Nullable<SqlId>,
        resource -> Text,
        related -> Text,
        payload -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// What runs of flows were told while they ran.
    flow_run_inputs (workspace_id, flow_run_id, key) {
        workspace_id -> SqlId,
        flow_run_id -> SqlId,
        key -> Text,
        id -> SqlId,
        value -> Text,
        sender -> Nullable<Text>,
        created_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// How many things may happen at once.
    concurrency_limits (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        name -> Text,
        kind -> Text,
        is_active -> Bool,
        slots -> BigInt,
        taken -> BigInt,
        denied -> BigInt,
        decay -> Double,
        occupancy -> Double,
        taken_at -> SqlInstant,
        denied_at -> SqlInstant,
        usage -> Text,
        changed_by -> Text,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Leases of slots.
    concurrency_leases (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        slots -> BigInt,
        holder_kind -> Nullable<Text>,
        holder_id -> Nullable<SqlId>,
        taken_at -> SqlInstant,
        renewed_at -> Nullable<SqlInstant>,
        expires_at -> Nullable<SqlInstant>,
    }
}
diesel::table! {
    use crate::base::db::SqlId;

    /// Which limits a lease holds slots of.
    concurrency_holds (workspace_id, limit_id, lease_id) {
        workspace_id -> SqlId,
        limit_id -> SqlId,
        lease_id -> SqlId,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Conditions on flow runs that somebody saved under a name.
    saved_searches (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        name -> Text,
        filters -> Text,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Flows that are ready to be run without whoever wrote them.
    deployments (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        flow_id -> SqlId,
        name -> Text,
        tags -> Text,
        body -> Text,
        paused_at -> Nullable<SqlInstant>,
        last_polled_at -> Nullable<SqlInstant>,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::base::db::{SqlId, SqlInstant};

    /// Rules that make runs of deployments by themselves.
    deployment_schedules (workspace_id, id) {
        id -> SqlId,
        workspace_id -> SqlId,
        deployment_id -> SqlId,
        slug -> Nullable<Text>,
        schedule -> Text,
        parameters -> Text,
        max_scheduled_runs -> Nullable<Integer>,
        paused_at -> Nullable<SqlInstant>,
        created_at -> SqlInstant,
        updated_at -> SqlInstant,
    }
}
