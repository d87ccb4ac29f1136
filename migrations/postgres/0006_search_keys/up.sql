-- Lists of people are searched by name, handle and address, and narrowed by role, in one index.

ALTER TABLE memberships ADD COLUMN search_key TEXT NOT NULL DEFAULT '';
UPDATE memberships SET search_key = (
    SELECT sort_name || chr(10) || a.handle || chr(10) || u.email_key
    FROM users u JOIN accounts a ON a.id = u.personal_account_id WHERE u.id = memberships.user_id
);
DROP INDEX memberships_list;
CREATE INDEX memberships_list ON memberships (workspace_id, sort_name, id, role);

ALTER TABLE organization_members ADD COLUMN search_key TEXT NOT NULL DEFAULT '';
UPDATE organization_members SET search_key = (
    SELECT sort_name || chr(10) || a.handle || chr(10) || u.email_key
    FROM users u JOIN accounts a ON a.id = u.personal_account_id WHERE u.id = organization_members.user_id
);
DROP INDEX organization_members_list;
CREATE INDEX organization_members_list ON organization_members (account_id, sort_name, id, role);
