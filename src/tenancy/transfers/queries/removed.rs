//! The flow runs that the target does not keep, one by one (product.md 1.14, 4).

use diesel::prelude::*;

use super::super::model::RemovedRun;
use crate::access::WorkspaceId;
use crate::access::history::all;
use crate::base::db::ids::FlowRunId;
use crate::base::db::schema::{flow_runs, flows, workspaces};
use crate::base::db::{Db, Instant};

/// Some of the runs of a workspace that ended before a moment and are to be seen, the first to end first; `after` is the
/// last one of those before.
pub fn removed_runs(
    db: &mut Db,
    (workspace, before): (WorkspaceId, Instant),
    after: Option<(Instant, FlowRunId)>,
    limit: i64,
) -> QueryResult<Vec<RemovedRun>> {
    let visible_from: Option<Instant> =
        workspaces::table.find(workspace).select(workspaces::runs_visible_from).first(db)?;
    let zero = Instant::from_microseconds(0);
    let (at, id) =
        after.unwrap_or((visible_from.unwrap_or(zero), FlowRunId::from(uuid::Uuid::nil())));
    all::flow_runs(workspace)
        .inner_join(flows::table.on(
            flows::workspace_id.eq(flow_runs::workspace_id).and(flows::id.eq(flow_runs::flow_id)),
        ))
        .filter(flow_runs::ended_at.ge(at))
        .filter(flow_runs::ended_at.gt(at).or(flow_runs::id.gt(id)))
        .filter(flow_runs::ended_at.lt(before))
        .order((flow_runs::ended_at, flow_runs::id))
        .limit(limit)
        .select((
            flow_runs::id,
            flow_runs::name,
            flows::name,
            flow_runs::state_name,
            flow_runs::started_at,
            flow_runs::ended_at.assume_not_null(),
        ))
        .load(db)
}
