//! What holds after every fault, on both databases (security.md §4, I1 … I10).

use bulkhead::base::db::{AnyConnection, Db, Location, MultiBackend, Role, connect};
use bulkhead::tenancy::audit::verify::verify;
use diesel::prelude::*;

/// Each query counts what breaks an invariant.
const QUERIES: &[(&str, &str)] = &[
    (
        "I1 each workspace has one account, which exists",
        "SELECT count(*) AS number FROM workspaces w \
         WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = w.account_id)",
    ),
    (
        "I2 each personal account has its person",
        "SELECT count(*) AS number FROM accounts a WHERE a.kind = 'personal' \
         AND (SELECT count(*) FROM users u WHERE u.personal_account_id = a.id) <> 1",
    ),
    (
        "I2 each organization has an admin until it is deleted",
        "SELECT count(*) AS number FROM accounts a LEFT JOIN organizations o \
         ON o.account_id = a.id WHERE a.kind = 'organization' \
         AND (o.account_id IS NULL OR (o.deleted_at IS NULL) <> EXISTS \
         (SELECT 1 FROM organization_members m WHERE m.account_id = a.id AND m.role = 'admin'))",
    ),
    (
        "I3 no session, membership, key or invitation outlives what it belongs to",
        "SELECT (SELECT count(*) FROM sessions s \
                 WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = s.user_id)) \
         + (SELECT count(*) FROM memberships m \
            WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = m.user_id) \
               OR NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.id = m.workspace_id)) \
         + (SELECT count(*) FROM api_keys k \
            WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = k.user_id)) \
         + (SELECT count(*) FROM invitations i \
            WHERE i.workspace_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM workspaces w \
                              WHERE w.id = i.workspace_id \
                              AND (w.account_id = i.account_id OR i.state <> 'pending'))) \
         + (SELECT count(*) FROM service_account_grants g WHERE NOT EXISTS \
            (SELECT 1 FROM service_accounts s JOIN workspaces w ON w.id = g.workspace_id \
             WHERE s.id = g.service_account_id AND s.account_id = w.account_id)) \
         + (SELECT count(*) FROM service_account_keys k WHERE NOT EXISTS \
            (SELECT 1 FROM service_accounts s WHERE s.id = k.service_account_id)) \
         AS number",
    ),
    (
        "I3 a custom role is used in workspaces of its organization only",
        "SELECT (SELECT count(*) FROM memberships m JOIN workspace_roles r ON r.id = m.custom_role_id \
                 JOIN workspaces w ON w.id = m.workspace_id WHERE w.account_id <> r.account_id) \
         + (SELECT count(*) FROM service_account_grants g \
            JOIN workspace_roles r ON r.id = g.custom_role_id \
            JOIN workspaces w ON w.id = g.workspace_id WHERE w.account_id <> r.account_id) \
         + (SELECT count(*) FROM workspaces w JOIN workspace_roles r \
            ON r.id = w.default_custom_role_id WHERE w.account_id <> r.account_id) AS number",
    ),
    (
        "I4 members and open invitations of an organization keep to the limit",
        "SELECT count(*) AS number FROM accounts a WHERE a.kind = 'organization' \
         AND a.member_limit IS NOT NULL AND a.member_limit < \
           (SELECT count(*) FROM organization_members m WHERE m.account_id = a.id) \
         + (SELECT count(*) FROM invitations i WHERE i.account_id = a.id \
            AND i.workspace_id IS NULL AND i.state = 'pending')",
    ),
    (
        "I7 only members of an organization have a role in its workspaces",
        "SELECT count(*) AS number FROM memberships m JOIN workspaces w ON w.id = m.workspace_id \
         JOIN accounts a ON a.id = w.account_id WHERE a.kind = 'organization' AND NOT EXISTS \
         (SELECT 1 FROM organization_members o \
          WHERE o.account_id = a.id AND o.user_id = m.user_id)",
    ),
    (
        "I4 people and open invitations keep to the limit",
        "SELECT count(*) AS number FROM workspaces w JOIN accounts a ON a.id = w.account_id \
         WHERE a.kind = 'personal' AND a.member_limit IS NOT NULL AND a.member_limit < \
           (SELECT count(*) FROM memberships m WHERE m.workspace_id = w.id) \
         + (SELECT count(*) FROM invitations i \
            WHERE i.workspace_id = w.id AND i.state = 'pending')",
    ),
    (
        "I5 each person was made once, with an entry",
        "SELECT count(*) AS number FROM users u WHERE (SELECT count(*) FROM audit_entries e \
         WHERE e.account_id = u.personal_account_id AND e.event = 'user.created') <> 1",
    ),
    (
        "I5 each workspace was made once, with an entry",
        "SELECT count(*) AS number FROM workspaces w WHERE (SELECT count(*) FROM audit_entries e \
         WHERE e.workspace_id = w.id AND e.event = 'workspace.created') <> 1",
    ),
    (
        "I5 no entry tells of a workspace that was never there",
        "SELECT count(*) AS number FROM audit_entries e WHERE e.event = 'workspace.created' \
         AND NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.id = e.workspace_id) \
         AND NOT EXISTS (SELECT 1 FROM audit_entries d \
                         WHERE d.workspace_id = e.workspace_id AND d.event = 'workspace.purged')",
    ),
    (
        "I7 nobody is a collaborator of their own workspace",
        "SELECT count(*) AS number FROM memberships m JOIN workspaces w ON w.id = m.workspace_id \
         JOIN users u ON u.id = m.user_id WHERE u.personal_account_id = w.account_id",
    ),
    (
        "I7 nobody got in without an accepted invitation",
        "SELECT count(*) AS number FROM memberships m WHERE NOT EXISTS \
         (SELECT 1 FROM invitations i WHERE i.workspace_id = m.workspace_id \
          AND i.accepted_by = m.user_id AND i.state = 'accepted')",
    ),
    (
        "I8 each open invitation that was mailed has its mail",
        "SELECT count(*) AS number FROM invitations i WHERE i.state = 'pending' \
         AND i.mail_id IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.id = i.mail_id)",
    ),
    (
        "I8 each person who is not confirmed has a mail on its way",
        "SELECT count(*) AS number FROM users u WHERE u.verified = 'no' \
         AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.subject_id = u.id)",
    ),
    (
        "I9 an invitation was accepted by exactly one person",
        "SELECT count(*) AS number FROM invitations i \
         WHERE (i.state = 'accepted') <> (i.accepted_by IS NOT NULL)",
    ),
    (
        "I9 an open invitation of a member has the member's address",
        "SELECT count(*) AS number FROM invitations i JOIN users u ON u.id = i.user_id \
         WHERE i.state = 'pending' AND i.email_key <> u.email_key",
    ),
    (
        "I9 one open invitation for each address and place",
        "SELECT count(*) AS number FROM (SELECT 1 FROM invitations WHERE state = 'pending' \
         GROUP BY account_id, workspace_id, email_key HAVING count(*) > 1) AS twice",
    ),
];

#[derive(QueryableByName)]
#[diesel(check_for_backend(MultiBackend))]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
#[diesel(check_for_backend(MultiBackend))]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// The `number` of a query.
pub fn number(db: &mut Db, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Number>(db).unwrap_or_else(|e| panic!("{sql}: {e}")).number
}

/// The `text`s of a query.
pub fn texts(db: &mut Db, sql: &str) -> Vec<String> {
    let rows: Vec<Text> = diesel::sql_query(sql).load(db).unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.into_iter().map(|row| row.text).collect()
}

/// I10: the database's own check of itself.
fn damage(db: &mut Db) -> Vec<String> {
    match &mut db.connection {
        AnyConnection::Sqlite(_) => {
            let mut found = texts(db, "SELECT integrity_check AS text FROM pragma_integrity_check");
            found.retain(|line| line != "ok");
            let foreign =
                "SELECT \"table\" || ' points nowhere' AS text FROM pragma_foreign_key_check";
            found.extend(texts(db, foreign));
            found
        }
        AnyConnection::Postgres(_) => {
            let check = "SELECT count(bt_index_check(i.indexrelid, true)::text) AS number \
                         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                         JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = c.relnamespace \
                         WHERE a.amname = 'btree' AND n.nspname = 'public'";
            diesel::sql_query("CREATE EXTENSION IF NOT EXISTS amcheck").execute(db).unwrap();
            number(db, check);
            Vec::new()
        }
    }
}

/// All invariants hold.
#[track_caller]
pub fn assert_hold(location: &Location) {
    let mut db = connect(location, Role::Writer).unwrap();
    let mut broken: Vec<String> = QUERIES
        .iter()
        .filter_map(|(what, sql)| {
            let number = number(&mut db, sql);
            (number != 0).then(|| format!("{what}: {number}"))
        })
        .collect();
    broken.extend(damage(&mut db));
    let report = verify(&mut db).unwrap();
    broken.extend(report.faults.iter().map(|fault| format!("I5 the chain: {fault:?}")));
    assert!(broken.is_empty(), "{broken:#?}");
}
