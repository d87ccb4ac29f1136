-- Two-factor authentication: one row for each person who has it on, and the recovery codes left.

CREATE TABLE two_factor (
    user_id       BLOB PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Sealed with a key derived from the instance key.
    secret        BLOB NOT NULL,
    -- The time step of the last code that counted: it and all before it are used up.
    last_step     INTEGER NOT NULL,
    recovery_salt BLOB NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

-- A code that was used has no row any more.
CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES two_factor (user_id) ON DELETE CASCADE,
    hash    BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT;
