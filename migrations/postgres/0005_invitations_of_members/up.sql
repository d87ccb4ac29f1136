-- An invitation of a member goes where the member is, and there is one of them for each workspace.

UPDATE invitations
SET email = (SELECT u.email FROM users u WHERE u.id = invitations.user_id),
    email_key = (SELECT u.email_key FROM users u WHERE u.id = invitations.user_id)
WHERE user_id IS NOT NULL AND state = 'pending';

CREATE UNIQUE INDEX invitations_live_member ON invitations (workspace_id, user_id)
WHERE state = 'pending' AND user_id IS NOT NULL;
