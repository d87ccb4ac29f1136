-- With which key a key was made: it ends with that one.
ALTER TABLE api_keys ADD COLUMN made_with_key_id BLOB REFERENCES api_keys (id) ON DELETE CASCADE;
CREATE INDEX api_keys_made_with ON api_keys (made_with_key_id) WHERE made_with_key_id IS NOT NULL;
-- With which person's key; those belong to an organization and go on, so this only tells of it.
ALTER TABLE service_account_keys ADD COLUMN made_with_key_id BLOB;
CREATE INDEX service_account_keys_made_with ON service_account_keys (made_with_key_id) WHERE made_with_key_id IS NOT NULL;
-- People who did not confirm their address, by when they signed up: they go after a day.
CREATE INDEX users_unconfirmed ON users (created_at) WHERE verified = 'no';
