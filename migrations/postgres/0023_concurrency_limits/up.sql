-- How many things may happen at once. What is taken is counted in the row itself, which whoever takes or gives back
-- has for itself meanwhile.
CREATE TABLE concurrency_limits (
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name         TEXT NOT NULL,
    -- As its name begins: a tag of tasks, a deployment, or what code asks for by name.
    kind         TEXT NOT NULL CHECK (kind IN ('global', 'tag', 'deployment')),
    is_active    boolean NOT NULL,
    slots        bigint NOT NULL,
    taken        bigint NOT NULL CHECK (taken >= 0),
    denied       bigint NOT NULL CHECK (denied >= 0),
    -- Slots that are given back by themselves, a second.
    decay        double precision NOT NULL,
    -- Seconds that a slot is held, on average.
    occupancy    double precision NOT NULL,
    taken_at     timestamptz NOT NULL,
    denied_at    timestamptz NOT NULL,
    -- JSON: the last hours, who was refused lately.
    usage        TEXT NOT NULL,
    changed_by   TEXT NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX concurrency_limits_name ON concurrency_limits (workspace_id, name);
CREATE INDEX concurrency_limits_kind ON concurrency_limits (workspace_id, kind, name);

-- Leases so far held nothing: they go on, without a holder.
DROP INDEX concurrency_leases_expired;
ALTER INDEX concurrency_leases_pkey RENAME TO concurrency_leases_before_pkey;
ALTER TABLE concurrency_leases RENAME TO concurrency_leases_before;
CREATE TABLE concurrency_leases (
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    slots        bigint NOT NULL,
    holder_kind  TEXT CHECK (holder_kind IN ('flow_run', 'task_run', 'deployment')),
    holder_id    uuid,
    taken_at     timestamptz NOT NULL,
    renewed_at   timestamptz,
    -- NULL for one that lasts until its holder ends.
    expires_at   timestamptz,
    PRIMARY KEY (workspace_id, id)
);
INSERT INTO concurrency_leases (id, workspace_id, slots, taken_at, expires_at)
    SELECT id, workspace_id, 1, expires_at, expires_at FROM concurrency_leases_before;
DROP TABLE concurrency_leases_before;
CREATE INDEX concurrency_leases_expired ON concurrency_leases (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX concurrency_leases_bound ON concurrency_leases (taken_at) WHERE expires_at IS NULL;
CREATE INDEX concurrency_leases_holder ON concurrency_leases (workspace_id, holder_id) WHERE holder_id IS NOT NULL;

-- Which limits a lease holds slots of. A row comes and goes only with the limit's own row locked.
CREATE TABLE concurrency_holds (
    workspace_id uuid NOT NULL,
    limit_id     uuid NOT NULL,
    lease_id     uuid NOT NULL,
    PRIMARY KEY (workspace_id, limit_id, lease_id),
    FOREIGN KEY (workspace_id, limit_id) REFERENCES concurrency_limits (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, lease_id) REFERENCES concurrency_leases (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX concurrency_holds_lease ON concurrency_holds (workspace_id, lease_id);
