//! What a workspace contains of keys: those that are for it alone.

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::access::contents::{ContentKind, Fate, purge};
use crate::access::permission::Permission;
use crate::base::db::Db;
use crate::base::db::schema::api_keys;

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind {
    one: "API key for this workspace only",
    many: "API keys for this workspace only",
    shown_to: Some(Permission::ManageWorkspaceSettings),
    in_kind: None,
    fate: Fate::Ends,
    count,
    purge: purge!(api_keys, only_workspace_id),
}];

fn count(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    api_keys::table.filter(api_keys::only_workspace_id.eq(id)).count().get_result(db)
}
