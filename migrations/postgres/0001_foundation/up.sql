-- Accounts, users, workspaces, collaborators, invitations, keys, mails, audit.

-- One row: its lock orders what belongs to no account.
CREATE TABLE instance (
    id          smallint PRIMARY KEY CHECK (id = 1),
    created_at  timestamptz NOT NULL
);
INSERT INTO instance (id, created_at) VALUES (1, now());

CREATE TABLE accounts (
    id                   uuid PRIMARY KEY,
    kind                 text NOT NULL CHECK (kind IN ('personal', 'organization')),
    handle               text NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(handle) <= 63),
    name                 text NOT NULL,
    workspace_limit      integer CHECK (workspace_limit >= 0),
    member_limit         integer CHECK (member_limit >= 0),
    service_account_limit integer CHECK (service_account_limit >= 0),
    run_retention_days   integer CHECK (run_retention_days > 0),
    audit_retention_days integer CHECK (audit_retention_days > 0),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL
);

-- An account's old handles, until somebody takes them.
CREATE TABLE account_redirects (
    handle      text PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL
);
CREATE INDEX account_redirects_account ON account_redirects (account_id);

CREATE TABLE users (
    id                  uuid PRIMARY KEY,
    personal_account_id uuid NOT NULL UNIQUE REFERENCES accounts (id) ON DELETE CASCADE,
    email               text NOT NULL,
    email_key           text NOT NULL UNIQUE,
    verified            text NOT NULL CHECK (verified IN ('no', 'mailed', 'vouched')),
    pending_email       text,
    password_hash       text,
    theme               text NOT NULL CHECK (theme IN ('system', 'light', 'dark')),
    -- Raised when mailed links of this purpose die.
    verify_generation   integer NOT NULL,
    reset_generation    integer NOT NULL,
    reset_requested_at  timestamptz,
    verify_requested_at timestamptz,
    last_sign_in_at     timestamptz,
    created_at          timestamptz NOT NULL
);

CREATE TABLE sessions (
    id               uuid PRIMARY KEY,
    key_hash         bytea NOT NULL UNIQUE,
    user_id          uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state            text NOT NULL,
    created_at       timestamptz NOT NULL,
    last_seen_at     timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, last_seen_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Roles that an organization made for itself.
CREATE TABLE workspace_roles (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name        text NOT NULL,
    -- In lower case: no two roles differ by their letters' size alone.
    name_key    text NOT NULL,
    description text NOT NULL,
    -- The built-in role whose permissions it has too, now and later.
    inherits    text CHECK (inherits IN ('viewer', 'runner', 'developer', 'owner', 'worker')),
    -- Its own permissions: scope names with a space between them, closed over what they imply.
    scopes      text NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    UNIQUE (account_id, name_key)
);

CREATE TABLE workspaces (
    id               uuid PRIMARY KEY,
    account_id       uuid NOT NULL REFERENCES accounts (id),
    handle           text NOT NULL CHECK (handle ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(handle) <= 63),
    name             text NOT NULL,
    description      text NOT NULL,
    created_by       uuid,
    created_by_name  text NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    deleted_at       timestamptz,
    deleted_by       uuid,
    purge_after      timestamptz,
    -- What the purge has removed so far: counts, as JSON.
    purged           text,
    -- What everybody in the owning organization may do here; neither is "no access".
    default_role           text CHECK (default_role IN ('viewer', 'runner', 'developer', 'owner', 'worker')),
    default_custom_role_id uuid REFERENCES workspace_roles (id),
    CHECK (default_role IS NULL OR default_custom_role_id IS NULL),
    CHECK ((deleted_at IS NULL) = (purge_after IS NULL)),
    UNIQUE (account_id, handle)
);
CREATE INDEX workspaces_default_role ON workspaces (default_custom_role_id) WHERE default_custom_role_id IS NOT NULL;
CREATE INDEX workspaces_purge ON workspaces (purge_after) WHERE purge_after IS NOT NULL;

-- A workspace's old handles within its account, until somebody takes them.
CREATE TABLE workspace_redirects (
    account_id   uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    handle       text NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, handle)
);
CREATE INDEX workspace_redirects_workspace ON workspace_redirects (workspace_id);

-- Who was let into a workspace, apart from its owner.
CREATE TABLE memberships (
    id              uuid PRIMARY KEY,
    workspace_id    uuid NOT NULL REFERENCES workspaces (id),
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- A built-in role, or one that the organization made.
    role            text CHECK (role IN ('viewer', 'runner', 'developer', 'owner', 'worker', 'collaborator')),
    custom_role_id  uuid REFERENCES workspace_roles (id),
    -- The person's name in lower case, for a list in that order.
    sort_name       text NOT NULL,
    granted_by_name text NOT NULL,
    created_at      timestamptz NOT NULL,
    -- No access from then on.
    expires_at      timestamptz,
    expiry_told_at  timestamptz,
    last_seen_at    timestamptz,
    CHECK ((role IS NULL) <> (custom_role_id IS NULL)),
    UNIQUE (workspace_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id, workspace_id);
CREATE INDEX memberships_role ON memberships (custom_role_id) WHERE custom_role_id IS NOT NULL;
CREATE INDEX memberships_expiry ON memberships (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX memberships_list ON memberships (workspace_id, sort_name, id);

CREATE TABLE mails (
    id           uuid PRIMARY KEY,
    template     text NOT NULL,
    recipient    text NOT NULL,
    -- In lower case, for how many mails an address got.
    recipient_key text NOT NULL,
    data         text NOT NULL,
    -- The user, invitation or workspace that it is about.
    subject_id   uuid,
    state        text NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'dead', 'dropped')),
    attempts     integer NOT NULL,
    next_at      timestamptz NOT NULL,
    leased_by    uuid,
    last_error   text,
    created_at   timestamptz NOT NULL,
    sent_at      timestamptz
);
CREATE INDEX mails_due ON mails (next_at) WHERE state IN ('queued', 'sending', 'failed');
CREATE INDEX mails_created ON mails (created_at);
CREATE INDEX mails_subject ON mails (subject_id);
CREATE INDEX mails_recipient ON mails (recipient_key, template, created_at);

CREATE TABLE invitations (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('collaborator', 'workspace', 'organization')),
    account_id      uuid NOT NULL REFERENCES accounts (id),
    -- None for an invitation into an organization.
    workspace_id    uuid REFERENCES workspaces (id),
    email           text NOT NULL,
    email_key       text NOT NULL,
    -- A member of the organization that is invited into one of its workspaces.
    user_id         uuid REFERENCES users (id) ON DELETE CASCADE,
    -- As what: in a workspace one of the first two, in an organization the third.
    role            text CHECK (role IN ('viewer', 'runner', 'developer', 'owner', 'worker', 'collaborator')),
    custom_role_id  uuid,
    organization_role text CHECK (organization_role IN ('admin', 'member')),
    -- When the access that it gives ends.
    access_until    timestamptz,
    state           text NOT NULL CHECK (state IN ('pending', 'accepted', 'declined', 'revoked', 'superseded', 'void')),
    generation      integer NOT NULL,
    expires_at      timestamptz NOT NULL,
    invited_by      uuid,
    invited_by_name text NOT NULL,
    mail_id         uuid,
    void_reason     text,
    renewal_asked_at timestamptz,
    created_at      timestamptz NOT NULL,
    sent_at         timestamptz NOT NULL,
    decided_at      timestamptz,
    accepted_by     uuid,
    CHECK ((kind = 'organization') = (workspace_id IS NULL)),
    CHECK ((kind = 'organization') = (organization_role IS NOT NULL)),
    CHECK ((kind = 'workspace') = (user_id IS NOT NULL)),
    CHECK ((kind = 'organization') = (role IS NULL AND custom_role_id IS NULL)),
    CHECK (role IS NULL OR custom_role_id IS NULL)
);
-- One live invitation for each address and workspace, or organization.
CREATE UNIQUE INDEX invitations_live ON invitations (workspace_id, email_key) WHERE state = 'pending';
CREATE UNIQUE INDEX invitations_live_organization ON invitations (account_id, email_key) WHERE state = 'pending' AND workspace_id IS NULL;
CREATE INDEX invitations_organization ON invitations (account_id, state, id);
CREATE INDEX invitations_role ON invitations (custom_role_id) WHERE custom_role_id IS NOT NULL;
CREATE INDEX invitations_user ON invitations (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX invitations_list ON invitations (workspace_id, state, id);
CREATE INDEX invitations_address ON invitations (email_key, state);
CREATE INDEX invitations_inviter ON invitations (invited_by, created_at);

CREATE TABLE api_keys (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    hash          bytea NOT NULL UNIQUE,
    last_four     text NOT NULL,
    -- What it was limited to when it was made.
    only_workspace_id uuid REFERENCES workspaces (id) ON DELETE CASCADE,
    read_only     boolean NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    last_used_at  timestamptz,
    last_used_ip  text,
    -- When its owner was told that it is about to expire; at once for a short-lived key.
    expiry_told_at timestamptz,
    UNIQUE (user_id, name)
);
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE expiry_told_at IS NULL;
CREATE INDEX api_keys_only_workspace ON api_keys (only_workspace_id) WHERE only_workspace_id IS NOT NULL;

-- Wrong passwords, by person or, for an unknown one, by a hash of what was typed.
CREATE TABLE failed_sign_ins (
    login_hash      bytea PRIMARY KEY NOT NULL,
    failures        integer NOT NULL,
    throttled_until timestamptz NOT NULL,
    last_failure_at timestamptz NOT NULL
);
CREATE INDEX failed_sign_ins_age ON failed_sign_ins (last_failure_at);

-- One-use form tokens, and where the first use led.
CREATE TABLE form_tokens (
    id         uuid PRIMARY KEY,
    location   text,
    used_at    timestamptz NOT NULL
);
CREATE INDEX form_tokens_age ON form_tokens (used_at);

-- Periodic jobs: who runs it now, and when it ran last.
CREATE TABLE jobs (
    name         text PRIMARY KEY,
    leased_by    uuid,
    leased_until timestamptz,
    last_run_at  timestamptz
);

-- The end of each account's chain, and the checkpoint up to which retention removed entries.
-- No foreign keys: a chain outlives what it tells about.
CREATE TABLE audit_heads (
    account_id      uuid PRIMARY KEY,
    sequence        bigint NOT NULL,
    hash            bytea NOT NULL,
    pruned_sequence bigint NOT NULL,
    pruned_hash     bytea NOT NULL
);

CREATE TABLE audit_entries (
    account_id   uuid NOT NULL,
    sequence     bigint NOT NULL,
    occurred_at  timestamptz NOT NULL,
    event        text NOT NULL,
    actor_id     uuid,
    workspace_id uuid,
    -- The exact text that the hash covers.
    entry        text NOT NULL,
    hash         bytea NOT NULL,
    PRIMARY KEY (account_id, sequence)
);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, occurred_at);
CREATE INDEX audit_entries_age ON audit_entries (occurred_at);

CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT 1 FROM audit_heads
        WHERE account_id = OLD.account_id AND pruned_sequence >= OLD.sequence
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit entries are append-only';
END $$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_entries_stay();
