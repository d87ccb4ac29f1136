//! What a workspace contains of invitations.

use diesel::prelude::*;

use super::actions::forget_of_workspace;
use super::model::State;
use crate::access::WorkspaceId;
use crate::access::contents::{ContentKind, Fate};
use crate::access::permission::Permission;
use crate::base::db::Db;
use crate::base::db::schema::invitations;

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind {
    one: "pending invitation",
    many: "pending invitations",
    shown_to: Some(Permission::SeeWorkspaceUsers),
    in_kind: None,
    fate: Fate::Ends,
    count,
    purge: forget_of_workspace,
}];

fn count(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    invitations::table
        .filter(invitations::workspace_id.eq(id))
        .filter(invitations::state.eq(State::Pending))
        .count()
        .get_result(db)
}
