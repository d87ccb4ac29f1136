-- Organizations and their members.

-- What an organization says of itself, beside its account.
CREATE TABLE organizations (
    account_id  uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    location    text NOT NULL,
    link        text NOT NULL,
    -- Days that its admins chose; what the operator set counts where it is shorter.
    run_retention_days   integer CHECK (run_retention_days > 0),
    audit_retention_days integer CHECK (audit_retention_days > 0),
    -- Whoever belongs to it needs two-factor authentication since then.
    two_factor_since     timestamptz,
    -- Mail domains of the people it invites, with a space between them; none means any.
    email_domains        text NOT NULL,
    -- Nobody belongs to it any more; it goes with its last deleted workspace.
    deleted_at  timestamptz
);

-- Service accounts are never here: only people can be an organization's admins.
CREATE TABLE organization_members (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES organizations (account_id) ON DELETE CASCADE,
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role        text NOT NULL CHECK (role IN ('admin', 'member')),
    -- The person's name in lower case, for a list in that order.
    sort_name   text NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (account_id, user_id)
);
CREATE INDEX organization_members_user ON organization_members (user_id, role, account_id);
CREATE INDEX organization_members_list ON organization_members (account_id, sort_name, id);
CREATE INDEX organization_members_role ON organization_members (account_id, role);

-- The audit log of an organization is narrowed by each of these.
CREATE INDEX audit_entries_time ON audit_entries (account_id, occurred_at);
CREATE INDEX audit_entries_event ON audit_entries (account_id, event, sequence);
CREATE INDEX audit_entries_workspace ON audit_entries (account_id, workspace_id, sequence);
CREATE INDEX audit_entries_person ON audit_entries (account_id, actor_id, sequence);
