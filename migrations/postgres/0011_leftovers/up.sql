-- What is left to do about a run after it was cancelled or removed: done some at a time, so that nobody waits for it.
CREATE TABLE flow_run_leftovers (
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    flow_run_id  uuid NOT NULL,
    -- To cancel what had not ended in it; to remove the lines that it logged.
    work         TEXT NOT NULL CHECK (work IN ('cancel', 'remove-lines')),
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, flow_run_id, work)
);
CREATE INDEX flow_run_leftovers_age ON flow_run_leftovers (created_at);

-- When a pause or a cancellation is taken as over, so that those without an end are not looked at again and again.
ALTER TABLE flow_runs ADD COLUMN expires_at timestamptz;
UPDATE flow_runs SET expires_at = state_at WHERE state_type IN ('PAUSED', 'CANCELLING');
DROP INDEX flow_runs_waiting;
CREATE INDEX flow_runs_expiring ON flow_runs (expires_at) WHERE expires_at IS NOT NULL;

-- Runs of a workspace are counted by when they ended and by their flow, without those of other workspaces.
DROP INDEX flow_runs_ended;
CREATE INDEX flow_runs_ended ON flow_runs (workspace_id, ended_at, flow_id) WHERE ended_at IS NOT NULL;
