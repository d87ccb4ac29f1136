//! What a personal workspace contains of people.

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::access::contents::{ContentKind, Fate, purge};
use crate::access::membership::AccountKind;
use crate::access::permission::Permission;
use crate::base::db::Db;
use crate::base::db::schema::memberships;

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind {
    one: "collaborator",
    many: "collaborators",
    shown_to: Some(Permission::SeeWorkspaceUsers),
    in_kind: Some(AccountKind::Personal),
    fate: Fate::Ends,
    count,
    purge: purge!(memberships),
}];

fn count(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    memberships::table.filter(memberships::workspace_id.eq(id)).count().get_result(db)
}
