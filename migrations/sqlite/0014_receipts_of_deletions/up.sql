-- JSON: what deleting the workspace did, and to whom, as it was when it was deleted.
ALTER TABLE workspaces ADD COLUMN deletion_receipt TEXT;
