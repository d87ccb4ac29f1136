-- Who undid it, by name, and when.
ALTER TABLE transfers ADD COLUMN undone_by_name TEXT;
ALTER TABLE transfers ADD COLUMN undone_at timestamptz;
-- When whoever has the role was last in the workspace.
ALTER TABLE transfer_grants ADD COLUMN last_seen_at timestamptz;
