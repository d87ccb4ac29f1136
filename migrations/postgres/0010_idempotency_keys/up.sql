-- Most runs have no key. An index with all of them was one more to write, and looked to the planner like a way
-- to the runs of a flow, which it had to sort then.
ALTER TABLE flow_runs DROP CONSTRAINT flow_runs_workspace_id_flow_id_idempotency_key_key;
CREATE UNIQUE INDEX flow_runs_key ON flow_runs (workspace_id, flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
