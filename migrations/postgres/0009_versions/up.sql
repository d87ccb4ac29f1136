-- Counts the changes of an account, and those that belong to no account: what a process remembers of who
-- may do what counts only as long as these stay the same.
ALTER TABLE accounts ADD COLUMN version bigint NOT NULL DEFAULT 0;
ALTER TABLE instance ADD COLUMN version bigint NOT NULL DEFAULT 0;
