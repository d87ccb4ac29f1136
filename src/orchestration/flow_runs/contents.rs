//! What a workspace contains of runs of flows, with their states, which go along.

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::access::contents::{ContentKind, Fate, purge};
use crate::access::history::shown;
use crate::access::permission::Permission;
use crate::base::db::paging::COUNT_LIMIT;
use crate::base::db::schema::flow_runs;
use crate::base::db::{Db, Number};

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind {
    one: "flow run",
    many: "flow runs",
    shown_to: Some(Permission::SeeFlows),
    in_kind: None,
    fate: Fate::Retained(" with their task runs and logs"),
    count,
    purge: purge!(flow_runs),
}];

/// Counting stops one past [`COUNT_LIMIT`]: a history is not read to say how long it is.
fn count(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    Number(shown::flow_runs(id).limit(COUNT_LIMIT + 1).select(flow_runs::id)).get_result(db)
}
