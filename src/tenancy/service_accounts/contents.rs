//! What an organization's workspace contains of service accounts: that it is shared with them.

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::access::contents::{ContentKind, Fate, purge};
use crate::access::membership::AccountKind;
use crate::access::permission::Permission;
use crate::base::db::Db;
use crate::base::db::schema::service_account_grants as grants;

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind {
    one: "service account",
    many: "service accounts",
    shown_to: Some(Permission::SeeWorkspaceServiceAccounts),
    in_kind: Some(AccountKind::Organization),
    fate: Fate::Ends,
    count,
    purge: purge!(service_account_grants),
}];

fn count(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    grants::table.filter(grants::workspace_id.eq(id)).count().get_result(db)
}
