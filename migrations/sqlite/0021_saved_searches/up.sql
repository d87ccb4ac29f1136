-- Conditions on flow runs that somebody saved under a name.
CREATE TABLE saved_searches (
    id           BLOB NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name         TEXT NOT NULL,
    -- JSON: a list of conditions.
    filters      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE UNIQUE INDEX saved_searches_name ON saved_searches (workspace_id, name);
