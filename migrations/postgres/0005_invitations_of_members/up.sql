-- An invitation of a member goes where the member is, and there is one of them for each workspace.

DROP INDEX invitations_live;

UPDATE invitations
SET state = 'superseded', decided_at = sent_at
WHERE state = 'pending' AND user_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM invitations newer
    WHERE newer.state = 'pending' AND newer.workspace_id = invitations.workspace_id
      AND newer.user_id = invitations.user_id AND newer.id > invitations.id
);

UPDATE invitations
SET email = (SELECT u.email FROM users u WHERE u.id = invitations.user_id),
    email_key = (SELECT u.email_key FROM users u WHERE u.id = invitations.user_id)
WHERE user_id IS NOT NULL AND state = 'pending';

CREATE UNIQUE INDEX invitations_live ON invitations (workspace_id, email_key) WHERE state = 'pending';
CREATE UNIQUE INDEX invitations_live_member ON invitations (workspace_id, user_id)
WHERE state = 'pending' AND user_id IS NOT NULL;
