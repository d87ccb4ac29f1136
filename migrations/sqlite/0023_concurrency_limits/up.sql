-- How many things may happen at once. What is taken is counted in the row itself, which whoever takes or gives back
-- has for itself meanwhile.
CREATE TABLE concurrency_limits (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name         TEXT NOT NULL,
    -- As its name begins: a tag of tasks, a deployment, or what code asks for by name.
    kind         TEXT NOT NULL CHECK (kind IN ('global', 'tag', 'deployment')),
    is_active    INTEGER NOT NULL,
    slots        INTEGER NOT NULL,
    taken        INTEGER NOT NULL CHECK (taken >= 0),
    denied       INTEGER NOT NULL CHECK (denied >= 0),
    -- Slots that are given back by themselves, a second.
    decay        REAL NOT NULL,
    -- Seconds that a slot is held, on average.
    occupancy    REAL NOT NULL,
    taken_at     INTEGER NOT NULL,
    denied_at    INTEGER NOT NULL,
    -- JSON: the last hours, who was refused lately.
    usage        TEXT NOT NULL,
    changed_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE UNIQUE INDEX concurrency_limits_name ON concurrency_limits (workspace_id, name);
CREATE INDEX concurrency_limits_kind ON concurrency_limits (workspace_id, kind, name);

-- Leases so far held nothing: they go on, without a holder.
DROP INDEX concurrency_leases_expired;
ALTER TABLE concurrency_leases RENAME TO concurrency_leases_before;
CREATE TABLE concurrency_leases (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    slots        INTEGER NOT NULL,
    holder_kind  TEXT CHECK (holder_kind IN ('flow_run', 'task_run', 'deployment')),
    holder_id    BLOB,
    taken_at     INTEGER NOT NULL,
    renewed_at   INTEGER,
    -- NULL for one that lasts until its holder ends.
    expires_at   INTEGER,
    PRIMARY KEY (workspace_id, id)
) STRICT;
INSERT INTO concurrency_leases (id, workspace_id, slots, taken_at, expires_at)
    SELECT id, workspace_id, 1, expires_at, expires_at FROM concurrency_leases_before;
DROP TABLE concurrency_leases_before;
CREATE INDEX concurrency_leases_expired ON concurrency_leases (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX concurrency_leases_bound ON concurrency_leases (taken_at) WHERE expires_at IS NULL;
CREATE INDEX concurrency_leases_holder ON concurrency_leases (workspace_id, holder_id) WHERE holder_id IS NOT NULL;

-- Which limits a lease holds slots of. A row comes and goes only with the limit's own row locked.
CREATE TABLE concurrency_holds (
    workspace_id BLOB NOT NULL,
    limit_id     BLOB NOT NULL,
    lease_id     BLOB NOT NULL,
    PRIMARY KEY (workspace_id, limit_id, lease_id),
    FOREIGN KEY (workspace_id, limit_id) REFERENCES concurrency_limits (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, lease_id) REFERENCES concurrency_leases (workspace_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX concurrency_holds_lease ON concurrency_holds (workspace_id, lease_id);
