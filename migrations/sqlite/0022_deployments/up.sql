-- Flows that are ready to be run without whoever wrote them.
CREATE TABLE deployments (
    id             BLOB NOT NULL,
    workspace_id   BLOB NOT NULL,
    flow_id        BLOB NOT NULL,
    name           TEXT NOT NULL,
    -- JSON: a list of words; what clients keep with a deployment.
    tags           TEXT NOT NULL,
    body           TEXT NOT NULL,
    -- Since when its schedules make no runs.
    paused_at      INTEGER,
    -- When something last asked for its runs.
    last_polled_at INTEGER,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, flow_id) REFERENCES flows (workspace_id, id),
    UNIQUE (workspace_id, flow_id, name)
) STRICT;
CREATE INDEX deployments_name ON deployments (workspace_id, name, id);

-- Rules that make runs of deployments by themselves.
CREATE TABLE deployment_schedules (
    id                 BLOB NOT NULL,
    workspace_id       BLOB NOT NULL,
    deployment_id      BLOB NOT NULL,
    slug               TEXT,
    -- JSON: the rule; the parameters that its runs have of their own.
    schedule           TEXT NOT NULL,
    parameters         TEXT NOT NULL,
    max_scheduled_runs INTEGER,
    -- Since when it makes no runs.
    paused_at          INTEGER,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, deployment_id) REFERENCES deployments (workspace_id, id) ON DELETE CASCADE,
    UNIQUE (workspace_id, deployment_id, slug)
) STRICT;

-- A run keeps the id of its deployment when that is deleted, so this refers to no row.
ALTER TABLE flow_runs ADD COLUMN deployment_id BLOB;
-- Who made a run, as filters ask for it.
ALTER TABLE flow_runs ADD COLUMN created_by_id BLOB;
ALTER TABLE flow_runs ADD COLUMN created_by_kind TEXT;
CREATE INDEX flow_runs_deployment ON flow_runs (workspace_id, deployment_id, expected_start_at, id) WHERE deployment_id IS NOT NULL;
