-- What a transfer hides until it can't be undone any more: what ended, or happened, before this.
ALTER TABLE workspaces ADD COLUMN runs_visible_from INTEGER;
CREATE INDEX workspaces_hidden ON workspaces (runs_visible_from) WHERE runs_visible_from IS NOT NULL;
-- No flow run starts before this: a transfer waits for those that are going on.
ALTER TABLE workspaces ADD COLUMN starts_held_until INTEGER;
-- It moves the workspace when no flow run is going on.
ALTER TABLE transfers ADD COLUMN when_idle INTEGER NOT NULL DEFAULT 0;
-- JSON: who is invited into the target, and as what.
ALTER TABLE transfers ADD COLUMN carry_over TEXT;
-- Whether nobody but its own admins may ask it to take a workspace.
ALTER TABLE organizations ADD COLUMN refuses_transfers INTEGER NOT NULL DEFAULT 0;
