-- Only for PostgreSQL: SQLite cannot drop a constraint without copying the table and all that refers to it, and its
-- planner finds the runs of a flow in the order of flow_runs_flow either way.
SELECT 1;
