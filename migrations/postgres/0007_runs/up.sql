-- What a workspace runs. Ids of tasks, states and events are the client's own: they are unique within a
-- workspace, never beyond it.

CREATE TABLE flows (
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name         TEXT NOT NULL,
    -- JSON: a list of words, an object.
    tags         TEXT NOT NULL,
    labels       TEXT NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name)
);

CREATE TABLE flow_runs (
    id                uuid NOT NULL,
    workspace_id      uuid NOT NULL,
    flow_id           uuid NOT NULL,
    name              TEXT NOT NULL,
    flow_version      TEXT,
    parent_task_run_id uuid,
    idempotency_key   TEXT,
    -- JSON: a list of words; what the client keeps with a run; its policy; its state as it is answered.
    tags              TEXT NOT NULL,
    body              TEXT NOT NULL,
    policy            TEXT NOT NULL,
    state             TEXT,
    state_type        TEXT CHECK (state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED', 'PAUSED', 'CANCELLING')),
    state_name        TEXT,
    state_at          timestamptz,
    infrastructure_pid TEXT,
    run_count         bigint NOT NULL,
    expected_start_at timestamptz,
    next_scheduled_at timestamptz,
    started_at        timestamptz,
    ended_at          timestamptz,
    total_run_micros  bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, flow_id) REFERENCES flows (workspace_id, id),
    UNIQUE (workspace_id, flow_id, idempotency_key)
);
CREATE INDEX flow_runs_flow ON flow_runs (workspace_id, flow_id, id);
CREATE INDEX flow_runs_expected ON flow_runs (workspace_id, expected_start_at, id);
CREATE INDEX flow_runs_state ON flow_runs (workspace_id, state_type, expected_start_at, id);
CREATE INDEX flow_runs_ended ON flow_runs (ended_at, workspace_id) WHERE ended_at IS NOT NULL;
CREATE INDEX flow_runs_parent ON flow_runs (workspace_id, parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;

CREATE TABLE flow_run_states (
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL,
    flow_run_id  uuid NOT NULL,
    at           timestamptz NOT NULL,
    -- JSON, as it is answered.
    state        TEXT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, flow_run_id) REFERENCES flow_runs (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX flow_run_states_run ON flow_run_states (workspace_id, flow_run_id, at);

CREATE TABLE logs (
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    flow_run_id  uuid,
    task_run_id  uuid,
    name         TEXT NOT NULL,
    level        bigint NOT NULL,
    message      TEXT NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX logs_flow_run ON logs (workspace_id, flow_run_id, at, id);
CREATE INDEX logs_task_run ON logs (workspace_id, task_run_id, at, id) WHERE task_run_id IS NOT NULL;
