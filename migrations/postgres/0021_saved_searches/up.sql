-- Conditions on flow runs that somebody saved under a name.
CREATE TABLE saved_searches (
    id           uuid NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name         TEXT NOT NULL,
    -- JSON: a list of conditions.
    filters      TEXT NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX saved_searches_name ON saved_searches (workspace_id, name);
