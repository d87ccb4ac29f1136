-- What a workspace runs. Ids of tasks, states and events are the client's own: they are unique within a
-- workspace, never beyond it.

CREATE TABLE flows (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name         TEXT NOT NULL,
    -- JSON: a list of words, an object.
    tags         TEXT NOT NULL,
    labels       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name)
) STRICT;

CREATE TABLE flow_runs (
    id                BLOB NOT NULL,
    workspace_id      BLOB NOT NULL,
    flow_id           BLOB NOT NULL,
    name              TEXT NOT NULL,
    flow_version      TEXT,
    parent_task_run_id BLOB,
    idempotency_key   TEXT,
    -- JSON: a list of words; what the client keeps with a run; its policy; its state as it is answered.
    tags              TEXT NOT NULL,
    body              TEXT NOT NULL,
    policy            TEXT NOT NULL,
    state             TEXT,
    state_type        TEXT CHECK (state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED', 'PAUSED', 'CANCELLING')),
    state_name        TEXT,
    state_at          INTEGER,
    infrastructure_pid TEXT,
    run_count         INTEGER NOT NULL,
    expected_start_at INTEGER,
    next_scheduled_at INTEGER,
    started_at        INTEGER,
    ended_at          INTEGER,
    total_run_micros  INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, flow_id) REFERENCES flows (workspace_id, id),
    UNIQUE (workspace_id, flow_id, idempotency_key)
) STRICT;
CREATE INDEX flow_runs_flow ON flow_runs (workspace_id, flow_id, id);
CREATE INDEX flow_runs_expected ON flow_runs (workspace_id, expected_start_at, id);
CREATE INDEX flow_runs_state ON flow_runs (workspace_id, state_type, expected_start_at, id);
CREATE INDEX flow_runs_ended ON flow_runs (ended_at, workspace_id) WHERE ended_at IS NOT NULL;
CREATE INDEX flow_runs_parent ON flow_runs (workspace_id, parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;

CREATE TABLE flow_run_states (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    flow_run_id  BLOB NOT NULL,
    at           INTEGER NOT NULL,
    -- JSON, as it is answered.
    state        TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, flow_run_id) REFERENCES flow_runs (workspace_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX flow_run_states_run ON flow_run_states (workspace_id, flow_run_id, at);

CREATE TABLE logs (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    flow_run_id  BLOB,
    task_run_id  BLOB,
    name         TEXT NOT NULL,
    level        INTEGER NOT NULL,
    message      TEXT NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE INDEX logs_flow_run ON logs (workspace_id, flow_run_id, at, id);
CREATE INDEX logs_task_run ON logs (workspace_id, task_run_id, at, id) WHERE task_run_id IS NOT NULL;
