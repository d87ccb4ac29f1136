-- The clock by which a person is shown times: the IANA name of a zone.
ALTER TABLE users ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
