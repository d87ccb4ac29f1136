-- Runs of tasks, what happened in a workspace, inputs of runs, and places that runs hold.

CREATE TABLE task_runs (
    id                BLOB NOT NULL,
    workspace_id      BLOB NOT NULL REFERENCES workspaces (id),
    flow_run_id       BLOB,
    name              TEXT NOT NULL,
    task_key          TEXT NOT NULL,
    dynamic_key       TEXT NOT NULL,
    -- JSON: a list of words; what the client keeps with a run; its policy; its state as it is answered.
    tags              TEXT NOT NULL,
    body              TEXT NOT NULL,
    policy            TEXT NOT NULL,
    state             TEXT,
    state_type        TEXT CHECK (state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED', 'PAUSED', 'CANCELLING')),
    state_name        TEXT,
    state_at          INTEGER,
    run_count         INTEGER NOT NULL,
    expected_start_at INTEGER,
    next_scheduled_at INTEGER,
    started_at        INTEGER,
    ended_at          INTEGER,
    total_run_micros  INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, flow_run_id) REFERENCES flow_runs (workspace_id, id) ON DELETE CASCADE,
    UNIQUE (workspace_id, flow_run_id, task_key, dynamic_key)
) STRICT;
CREATE INDEX task_runs_expected ON task_runs (workspace_id, expected_start_at, id);
CREATE INDEX task_runs_of_run ON task_runs (workspace_id, flow_run_id, expected_start_at, id, state_type);
CREATE INDEX task_runs_state ON task_runs (workspace_id, state_type, expected_start_at, id);

CREATE TABLE task_run_states (
    id               BLOB NOT NULL,
    workspace_id     BLOB NOT NULL,
    task_run_id      BLOB NOT NULL,
    at               INTEGER NOT NULL,
    -- Set for a result that other runs of the task may take.
    cache_key        TEXT,
    cache_expires_at INTEGER,
    -- JSON, as it is answered.
    state            TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, task_run_id) REFERENCES task_runs (workspace_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX task_run_states_run ON task_run_states (workspace_id, task_run_id, at);
CREATE INDEX task_run_states_cache ON task_run_states (workspace_id, cache_key, at) WHERE cache_key IS NOT NULL;

CREATE TABLE events (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    occurred_at  INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    event        TEXT NOT NULL,
    resource_id  TEXT NOT NULL,
    follows      BLOB,
    -- JSON: labels; a list of labels; whatever the sender says.
    resource     TEXT NOT NULL,
    related      TEXT NOT NULL,
    payload      TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE INDEX events_occurred ON events (workspace_id, occurred_at, id);
CREATE INDEX events_received ON events (workspace_id, received_at, id);
CREATE INDEX events_event ON events (workspace_id, event, occurred_at, id);
CREATE INDEX events_resource ON events (workspace_id, resource_id, occurred_at, id);

CREATE TABLE flow_run_inputs (
    workspace_id BLOB NOT NULL,
    flow_run_id  BLOB NOT NULL,
    key          TEXT NOT NULL,
    id           BLOB NOT NULL,
    value        TEXT NOT NULL,
    sender       TEXT,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, flow_run_id, key),
    FOREIGN KEY (workspace_id, flow_run_id) REFERENCES flow_runs (workspace_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE concurrency_leases (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    -- JSON: names of limits; who holds the places.
    names        TEXT NOT NULL,
    holder       TEXT,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE INDEX concurrency_leases_expired ON concurrency_leases (expires_at);


CREATE INDEX flow_runs_waiting ON flow_runs (workspace_id, id) WHERE state_type IN ('PAUSED', 'CANCELLING');

-- Charts count by these alone.
DROP INDEX flow_runs_expected;
CREATE INDEX flow_runs_expected ON flow_runs (workspace_id, expected_start_at, id, state_type);
