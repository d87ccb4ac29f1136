-- Service accounts of an organization, their keys, and the workspaces that are shared with them.

CREATE TABLE service_accounts (
    id                BLOB PRIMARY KEY,
    account_id        BLOB NOT NULL REFERENCES organizations (account_id) ON DELETE CASCADE,
    name              TEXT NOT NULL,
    -- In lower case: no two of them differ by their letters' size alone.
    name_key          TEXT NOT NULL,
    -- Never an admin.
    organization_role TEXT NOT NULL CHECK (organization_role = 'member'),
    created_at        INTEGER NOT NULL,
    created_by_name   TEXT NOT NULL,
    disabled_at       INTEGER,
    UNIQUE (account_id, name_key)
) STRICT;

CREATE TABLE service_account_keys (
    id                 BLOB PRIMARY KEY,
    service_account_id BLOB NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    hash               BLOB NOT NULL UNIQUE,
    last_four          TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    created_by_name    TEXT NOT NULL,
    expires_at         INTEGER,
    -- Another key took its place then; it works until it expires.
    replaced_at        INTEGER,
    last_used_at       INTEGER,
    last_used_ip       TEXT,
    -- When admins were told that it is about to expire; at once for a short-lived key.
    expiry_told_at     INTEGER
) STRICT;
CREATE INDEX service_account_keys_owner ON service_account_keys (service_account_id, id);
CREATE INDEX service_account_keys_expiry ON service_account_keys (expires_at) WHERE expiry_told_at IS NULL;

CREATE TABLE service_account_grants (
    id                 BLOB PRIMARY KEY,
    workspace_id       BLOB NOT NULL REFERENCES workspaces (id),
    service_account_id BLOB NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
    role               TEXT CHECK (role IN ('viewer', 'runner', 'developer', 'owner', 'worker')),
    custom_role_id     BLOB REFERENCES workspace_roles (id),
    -- The service account's name in lower case, for a list in that order.
    sort_name          TEXT NOT NULL,
    granted_by_name    TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    -- No access from then on.
    expires_at         INTEGER,
    expiry_told_at     INTEGER,
    last_seen_at       INTEGER,
    CHECK ((role IS NULL) <> (custom_role_id IS NULL)),
    UNIQUE (workspace_id, service_account_id)
) STRICT;
CREATE INDEX service_account_grants_owner ON service_account_grants (service_account_id, workspace_id);
CREATE INDEX service_account_grants_role ON service_account_grants (custom_role_id) WHERE custom_role_id IS NOT NULL;
CREATE INDEX service_account_grants_expiry ON service_account_grants (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX service_account_grants_list ON service_account_grants (workspace_id, sort_name, id);
