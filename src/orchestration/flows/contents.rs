//! What a workspace contains of flows.

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::access::contents::{ContentKind, Fate, purge};
use crate::access::permission::Permission;
use crate::base::db::Db;
use crate::base::db::schema::flows;

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind {
    one: "flow",
    many: "flows",
    shown_to: Some(Permission::SeeFlows),
    in_kind: None,
    fate: Fate::Moves,
    count,
    purge: purge!(flows),
}];

fn count(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    flows::table.filter(flows::workspace_id.eq(id)).count().get_result(db)
}
