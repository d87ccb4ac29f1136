-- Accounts, users, workspaces, collaborators, invitations, keys, mails, audit.

-- One row: its lock orders what belongs to no account.
CREATE TABLE instance (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    created_at  INTEGER NOT NULL
) STRICT;
INSERT INTO instance (id, created_at) VALUES (1, CAST(unixepoch('subsec') * 1000000 AS INTEGER));

CREATE TABLE accounts (
    id                   BLOB PRIMARY KEY,
    kind                 TEXT NOT NULL CHECK (kind IN ('personal', 'organization')),
    handle               TEXT NOT NULL UNIQUE CHECK (handle NOT GLOB '*[^a-z0-9-]*' AND handle NOT GLOB '-*' AND handle NOT GLOB '*-' AND handle NOT GLOB '*--*' AND length(handle) BETWEEN 1 AND 63),
    name                 TEXT NOT NULL,
    workspace_limit      INTEGER CHECK (workspace_limit >= 0),
    member_limit         INTEGER CHECK (member_limit >= 0),
    service_account_limit INTEGER CHECK (service_account_limit >= 0),
    run_retention_days   INTEGER CHECK (run_retention_days > 0),
    audit_retention_days INTEGER CHECK (audit_retention_days > 0),
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL
) STRICT;

-- An account's old handles, until somebody takes them.
CREATE TABLE account_redirects (
    handle      TEXT PRIMARY KEY,
    account_id  BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX account_redirects_account ON account_redirects (account_id);

CREATE TABLE users (
    id                  BLOB PRIMARY KEY,
    personal_account_id BLOB NOT NULL UNIQUE REFERENCES accounts (id) ON DELETE CASCADE,
    email               TEXT NOT NULL,
    email_key           TEXT NOT NULL UNIQUE,
    verified            TEXT NOT NULL CHECK (verified IN ('no', 'mailed', 'vouched')),
    pending_email       TEXT,
    password_hash       TEXT,
    theme               TEXT NOT NULL CHECK (theme IN ('system', 'light', 'dark')),
    -- Raised when mailed links of this purpose die.
    verify_generation   INTEGER NOT NULL,
    reset_generation    INTEGER NOT NULL,
    reset_requested_at  INTEGER,
    verify_requested_at INTEGER,
    last_sign_in_at     INTEGER,
    created_at          INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id               BLOB PRIMARY KEY,
    key_hash         BLOB NOT NULL UNIQUE,
    user_id          BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state            TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    last_seen_at     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id, last_seen_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Roles that an organization made for itself.
CREATE TABLE workspace_roles (
    id          BLOB PRIMARY KEY,
    account_id  BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    -- In lower case: no two roles differ by their letters' size alone.
    name_key    TEXT NOT NULL,
    description TEXT NOT NULL,
    -- The built-in role whose permissions it has too, now and later.
    inherits    TEXT CHECK (inherits IN ('viewer', 'runner', 'developer', 'owner', 'worker')),
    -- Its own permissions: scope names with a space between them, closed over what they imply.
    scopes      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE (account_id, name_key)
) STRICT;

CREATE TABLE workspaces (
    id               BLOB PRIMARY KEY,
    account_id       BLOB NOT NULL REFERENCES accounts (id),
    handle           TEXT NOT NULL CHECK (handle NOT GLOB '*[^a-z0-9-]*' AND handle NOT GLOB '-*' AND handle NOT GLOB '*-' AND handle NOT GLOB '*--*' AND length(handle) BETWEEN 1 AND 63),
    name             TEXT NOT NULL,
    description      TEXT NOT NULL,
    created_by       BLOB,
    created_by_name  TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    deleted_at       INTEGER,
    deleted_by       BLOB,
    purge_after      INTEGER,
    -- What the purge has removed so far: counts, as JSON.
    purged           TEXT,
    -- What everybody in the owning organization may do here; neither is "no access".
    default_role           TEXT CHECK (default_role IN ('viewer', 'runner', 'developer', 'owner', 'worker')),
    default_custom_role_id BLOB REFERENCES workspace_roles (id),
    CHECK (default_role IS NULL OR default_custom_role_id IS NULL),
    CHECK ((deleted_at IS NULL) = (purge_after IS NULL)),
    UNIQUE (account_id, handle)
) STRICT;
CREATE INDEX workspaces_default_role ON workspaces (default_custom_role_id) WHERE default_custom_role_id IS NOT NULL;
CREATE INDEX workspaces_purge ON workspaces (purge_after) WHERE purge_after IS NOT NULL;

-- A workspace's old handles within its account, until somebody takes them.
CREATE TABLE workspace_redirects (
    account_id   BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    handle       TEXT NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, handle)
) STRICT;
CREATE INDEX workspace_redirects_workspace ON workspace_redirects (workspace_id);

-- Who was let into a workspace, apart from its owner.
CREATE TABLE memberships (
    id              BLOB PRIMARY KEY,
    workspace_id    BLOB NOT NULL REFERENCES workspaces (id),
    user_id         BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- A built-in role, or one that the organization made.
    role            TEXT CHECK (role IN ('viewer', 'runner', 'developer', 'owner', 'worker', 'collaborator')),
    custom_role_id  BLOB REFERENCES workspace_roles (id),
    -- The person's name in lower case, for a list in that order.
    sort_name       TEXT NOT NULL,
    granted_by_name TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    -- No access from then on.
    expires_at      INTEGER,
    expiry_told_at  INTEGER,
    last_seen_at    INTEGER,
    CHECK ((role IS NULL) <> (custom_role_id IS NULL)),
    UNIQUE (workspace_id, user_id)
) STRICT;
CREATE INDEX memberships_user ON memberships (user_id, workspace_id);
CREATE INDEX memberships_role ON memberships (custom_role_id) WHERE custom_role_id IS NOT NULL;
CREATE INDEX memberships_expiry ON memberships (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX memberships_list ON memberships (workspace_id, sort_name, id);

CREATE TABLE mails (
    id           BLOB PRIMARY KEY,
    template     TEXT NOT NULL,
    recipient    TEXT NOT NULL,
    -- In lower case, for how many mails an address got.
    recipient_key TEXT NOT NULL,
    data         TEXT NOT NULL,
    -- The user, invitation or workspace that it is about.
    subject_id   BLOB,
    state        TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'dead', 'dropped')),
    attempts     INTEGER NOT NULL,
    next_at      INTEGER NOT NULL,
    leased_by    BLOB,
    last_error   TEXT,
    created_at   INTEGER NOT NULL,
    sent_at      INTEGER
) STRICT;
CREATE INDEX mails_due ON mails (next_at) WHERE state IN ('queued', 'sending', 'failed');
CREATE INDEX mails_created ON mails (created_at);
CREATE INDEX mails_subject ON mails (subject_id);
CREATE INDEX mails_recipient ON mails (recipient_key, template, created_at);

CREATE TABLE invitations (
    id              BLOB PRIMARY KEY,
    kind            TEXT NOT NULL CHECK (kind IN ('collaborator', 'workspace', 'organization')),
    account_id      BLOB NOT NULL REFERENCES accounts (id),
    -- None for an invitation into an organization.
    workspace_id    BLOB REFERENCES workspaces (id),
    email           TEXT NOT NULL,
    email_key       TEXT NOT NULL,
    -- A member of the organization that is invited into one of its workspaces.
    user_id         BLOB REFERENCES users (id) ON DELETE CASCADE,
    -- As what: in a workspace one of the first two, in an organization the third.
    role            TEXT CHECK (role IN ('viewer', 'runner', 'developer', 'owner', 'worker', 'collaborator')),
    custom_role_id  BLOB,
    organization_role TEXT CHECK (organization_role IN ('admin', 'member')),
    -- When the access that it gives ends.
    access_until    INTEGER,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'declined', 'revoked', 'superseded', 'void')),
    generation      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    invited_by      BLOB,
    invited_by_name TEXT NOT NULL,
    mail_id         BLOB,
    void_reason     TEXT,
    renewal_asked_at INTEGER,
    created_at      INTEGER NOT NULL,
    sent_at         INTEGER NOT NULL,
    decided_at      INTEGER,
    accepted_by     BLOB,
    CHECK ((kind = 'organization') = (workspace_id IS NULL)),
    CHECK ((kind = 'organization') = (organization_role IS NOT NULL)),
    CHECK ((kind = 'workspace') = (user_id IS NOT NULL)),
    CHECK ((kind = 'organization') = (role IS NULL AND custom_role_id IS NULL)),
    CHECK (role IS NULL OR custom_role_id IS NULL)
) STRICT;
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
    id            BLOB PRIMARY KEY,
    user_id       BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    hash          BLOB NOT NULL UNIQUE,
    last_four     TEXT NOT NULL,
    -- What it was limited to when it was made.
    only_workspace_id BLOB REFERENCES workspaces (id) ON DELETE CASCADE,
    read_only     INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    last_used_at  INTEGER,
    last_used_ip  TEXT,
    -- When its owner was told that it is about to expire; at once for a short-lived key.
    expiry_told_at INTEGER,
    UNIQUE (user_id, name)
) STRICT;
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE expiry_told_at IS NULL;
CREATE INDEX api_keys_only_workspace ON api_keys (only_workspace_id) WHERE only_workspace_id IS NOT NULL;

-- Wrong passwords, by person or, for an unknown one, by a hash of what was typed.
CREATE TABLE failed_sign_ins (
    login_hash      BLOB PRIMARY KEY NOT NULL,
    failures        INTEGER NOT NULL,
    throttled_until INTEGER NOT NULL,
    last_failure_at INTEGER NOT NULL
) STRICT;
CREATE INDEX failed_sign_ins_age ON failed_sign_ins (last_failure_at);

-- One-use form tokens, and where the first use led.
CREATE TABLE form_tokens (
    id         BLOB PRIMARY KEY,
    location   TEXT,
    used_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX form_tokens_age ON form_tokens (used_at);

-- Periodic jobs: who runs it now, and when it ran last.
CREATE TABLE jobs (
    name         TEXT PRIMARY KEY,
    leased_by    BLOB,
    leased_until INTEGER,
    last_run_at  INTEGER
) STRICT;

-- The end of each account's chain, and the checkpoint up to which retention removed entries.
-- No foreign keys: a chain outlives what it tells about.
CREATE TABLE audit_heads (
    account_id      BLOB PRIMARY KEY,
    sequence        INTEGER NOT NULL,
    hash            BLOB NOT NULL,
    pruned_sequence INTEGER NOT NULL,
    pruned_hash     BLOB NOT NULL
) STRICT;

CREATE TABLE audit_entries (
    account_id   BLOB NOT NULL,
    sequence     INTEGER NOT NULL,
    occurred_at  INTEGER NOT NULL,
    event        TEXT NOT NULL,
    actor_id     BLOB,
    workspace_id BLOB,
    -- The exact TEXT that the hash covers.
    entry        TEXT NOT NULL,
    hash         BLOB NOT NULL,
    PRIMARY KEY (account_id, sequence)
) STRICT;
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, occurred_at);
CREATE INDEX audit_entries_age ON audit_entries (occurred_at);

CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
WHEN NOT EXISTS (
    SELECT 1 FROM audit_heads
    WHERE account_id = OLD.account_id AND pruned_sequence >= OLD.sequence
)
BEGIN
    SELECT RAISE(ABORT, 'audit entries are append-only');
END;
