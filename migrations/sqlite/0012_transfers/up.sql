-- The way of a workspace from one account to another (lifecycles.md 2). Who is awaited follows from the consents.
CREATE TABLE transfers (
    id                BLOB PRIMARY KEY,
    workspace_id      BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    source_account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    target_account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- The workspace's handle in the source when it moved, and the one that it is to have in the target.
    source_handle     TEXT NOT NULL,
    target_handle     TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('pending', 'completed', 'undone', 'declined', 'cancelled', 'expired', 'void')),
    note              TEXT NOT NULL,
    -- Why it was declined or became void.
    reason            TEXT,
    requested_by      BLOB REFERENCES users (id) ON DELETE SET NULL,
    requested_by_name TEXT NOT NULL,
    -- JSON: who, when, and what the review showed.
    source_consent    TEXT,
    target_consent    TEXT,
    -- JSON: the review as it was carried out, for each side; what the workspace was before.
    receipt           TEXT,
    before            TEXT,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    -- No sooner than this; as soon as both consent where it is not set.
    execute_at        INTEGER,
    decided_at        INTEGER,
    undo_until        INTEGER,
    CHECK (source_account_id <> target_account_id),
    CHECK ((state IN ('completed', 'undone')) = (undo_until IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX transfers_live ON transfers (workspace_id) WHERE state = 'pending';
CREATE INDEX transfers_workspace ON transfers (workspace_id, id);
CREATE INDEX transfers_source ON transfers (source_account_id, source_handle);
CREATE INDEX transfers_target ON transfers (target_account_id, state);
CREATE INDEX transfers_due ON transfers (expires_at) WHERE state = 'pending';
CREATE INDEX transfers_scheduled ON transfers (execute_at) WHERE state = 'pending' AND execute_at IS NOT NULL;
CREATE INDEX transfers_undo ON transfers (undo_until) WHERE state = 'completed';

-- Roles that ended with a transfer, as long as it can be undone.
CREATE TABLE transfer_grants (
    transfer_id        BLOB NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
    id                 BLOB NOT NULL,
    user_id            BLOB REFERENCES users (id) ON DELETE CASCADE,
    service_account_id BLOB REFERENCES service_accounts (id) ON DELETE CASCADE,
    role               TEXT,
    custom_role_id     BLOB,
    sort_name          TEXT NOT NULL,
    search_key         TEXT NOT NULL,
    granted_by_name    TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    expires_at         INTEGER,
    PRIMARY KEY (transfer_id, id)
) STRICT;
CREATE INDEX transfer_grants_user ON transfer_grants (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX transfer_grants_role ON transfer_grants (custom_role_id) WHERE custom_role_id IS NOT NULL;
CREATE INDEX transfer_grants_service_account ON transfer_grants (service_account_id) WHERE service_account_id IS NOT NULL;
