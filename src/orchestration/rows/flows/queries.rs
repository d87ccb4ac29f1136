//! Finding and keeping flows.

use diesel::prelude::*;

use super::model::{Flow, FlowId};
use crate::access::WorkspaceId;
use crate::access::history::{all, shown};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::{flow_runs, flows, workspaces};
use crate::base::db::text_enum;
use crate::base::db::{Db, Instant, Json, MultiBackend, lower, on_each_backend};
use crate::base::http::json::Window;
use crate::base::json::RawObject;
use crate::orchestration::rows::flow_runs::model::{FlowRun, FlowRunId};
use crate::orchestration::wire::term::Term;

text_enum! {
    /// In which order, as clients say it; the first one where none is said.
    Sort {
        /// By name.
        Name = "NAME_ASC",
        /// By name, from the end.
        NameDown = "NAME_DESC",
        /// The newest first.
        Created = "CREATED_DESC",
        /// The last changed first.
        Updated = "UPDATED_DESC",
    }
}

/// A flow of a workspace, by id.
pub fn one(db: &mut Db, workspace: WorkspaceId, id: FlowId) -> QueryResult<Option<Flow>> {
    let flow = flows::table.find((workspace, id));
    on_each_backend!(db, |conn| flow.select(Flow::as_select()).first(conn)).optional()
}

/// The name of a flow of a workspace.
pub fn name_of(db: &mut Db, workspace: WorkspaceId, id: FlowId) -> QueryResult<Option<String>> {
    let name = flows::table.find((workspace, id)).select(flows::name);
    on_each_backend!(db, |conn| name.first(conn)).optional()
}

/// The names of a workspace's flows, in their order.
pub fn names(db: &mut Db, workspace: WorkspaceId, limit: i64) -> QueryResult<Vec<String>> {
    flows::table
        .filter(flows::workspace_id.eq(workspace))
        .order(flows::name)
        .limit(limit)
        .select(flows::name)
        .load(db)
}

/// A flow of a workspace, by name.
pub fn named(db: &mut Db, workspace: WorkspaceId, name: &str) -> QueryResult<Option<Flow>> {
    flows::table
        .filter(flows::workspace_id.eq(workspace))
        .filter(flows::name.eq(name))
        .select(Flow::as_select())
        .first(db)
        .optional()
}

/// Flows of a workspace.
pub fn some(
    db: &mut Db,
    workspace: WorkspaceId,
    term: Term,
    sort: Sort,
    window: Window,
) -> QueryResult<Vec<Flow>> {
    let query = flows::table
        .filter(flows::workspace_id.eq(workspace))
        .filter(term)
        .into_boxed::<MultiBackend>();
    let query = match sort {
        Sort::Name => query.order((flows::name, flows::id)),
        Sort::NameDown => query.order((flows::name.desc(), flows::id)),
        Sort::Created => query.order((flows::created_at.desc(), flows::id.desc())),
        Sort::Updated => query.order((flows::updated_at.desc(), flows::id.desc())),
    };
    query.limit(window.limit).offset(window.offset).select(Flow::as_select()).load(db)
}

/// How many flows of a workspace there are.
pub fn count(db: &mut Db, workspace: WorkspaceId, term: Term) -> QueryResult<i64> {
    flows::table.filter(flows::workspace_id.eq(workspace)).filter(term).count().get_result(db)
}

/// The flow of a name, made if there is none; and whether it was made.
pub fn get_or_create(
    db: &mut Db,
    workspace: WorkspaceId,
    name: &str,
    (tags, labels): (&[String], &RawObject),
    now: Instant,
) -> QueryResult<(Flow, bool)> {
    if let Some(flow) = named(db, workspace, name)? {
        return Ok((flow, false));
    }
    let made = on_each_backend!(db, |conn| diesel::insert_into(flows::table)
        .values((
            flows::id.eq(FlowId::new(now)),
            flows::workspace_id.eq(workspace),
            flows::name.eq(name),
            flows::tags.eq(Json(tags)),
            flows::labels.eq(Json(labels)),
            flows::created_at.eq(now),
            flows::updated_at.eq(now),
        ))
        .on_conflict((flows::workspace_id, flows::name))
        .do_nothing()
        .execute(conn))?;
    // Somebody else may have made it in between.
    let flow = named(db, workspace, name)?.ok_or(diesel::result::Error::NotFound)?;
    Ok((flow, made > 0))
}

/// Gives a flow other tags, where some are given; returns whether it is there.
pub fn retag(
    db: &mut Db,
    (workspace, id): (WorkspaceId, FlowId),
    tags: Option<Vec<String>>,
    now: Instant,
) -> QueryResult<bool> {
    let Some(tags) = tags else { return Ok(one(db, workspace, id)?.is_some()) };
    let changed = diesel::update(flows::table.find((workspace, id)))
        .set((flows::tags.eq(Json(tags)), flows::updated_at.eq(now)))
        .execute(db)?;
    Ok(changed > 0)
}

/// Some runs of a flow.
pub fn some_runs(
    db: &mut Db,
    (workspace, id): (WorkspaceId, FlowId),
    limit: i64,
) -> QueryResult<Vec<FlowRunId>> {
    all::flow_runs(workspace)
        .filter(flow_runs::flow_id.eq(id))
        .limit(limit)
        .select(flow_runs::id)
        .load(db)
}

/// Whether a flow has runs that a transfer hides and that come back when it is undone (SP-27).
pub fn has_hidden_runs(db: &mut Db, workspace: WorkspaceId, id: FlowId) -> QueryResult<bool> {
    let visible_from =
        workspaces::table.find(workspace).select(workspaces::runs_visible_from).single_value();
    let hidden = all::flow_runs(workspace)
        .filter(flow_runs::flow_id.eq(id))
        .filter(flow_runs::ended_at.lt(visible_from));
    diesel::select(diesel::dsl::exists(hidden)).get_result(db)
}

/// Removes a flow that has no runs.
///
/// # Errors
/// The database's fault, also when it has runs.
pub fn delete(db: &mut Db, workspace: WorkspaceId, id: FlowId) -> QueryResult<bool> {
    Ok(diesel::delete(flows::table.find((workspace, id))).execute(db)? > 0)
}

/// A page of flows by name, those with `q` in their names; and how many there are.
pub fn page(
    db: &mut Db,
    workspace: WorkspaceId,
    q: &str,
    position: &Position<String>,
) -> QueryResult<Slice<Flow>> {
    let mut query =
        flows::table.into_boxed::<MultiBackend>().filter(flows::workspace_id.eq(workspace));
    if !q.is_empty() {
        query = query.filter(lower(flows::name).like(contains_pattern(q)).escape('\\'));
    }
    query = match position {
        Position::Start => query.order(flows::name),
        Position::After(name) => query.filter(flows::name.gt(name.clone())).order(flows::name),
        Position::Before(name) => {
            query.filter(flows::name.lt(name.clone())).order(flows::name.desc())
        }
    };
    let limit = i64::try_from(PAGE_SIZE).unwrap_or(0) + 1;
    let rows = query.limit(limit).select(Flow::as_select()).load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// The newest run of each of some flows.
pub fn newest_runs(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[FlowId],
) -> QueryResult<Vec<FlowRun>> {
    // One look at the end of the index for each flow, all in one statement.
    let last = shown::flow_runs(workspace)
        .filter(flow_runs::flow_id.eq(flows::id))
        .order(flow_runs::id.desc())
        .limit(1)
        .select(flow_runs::id)
        .single_value();
    let newest: Vec<Option<FlowRunId>> = flows::table
        .filter(flows::workspace_id.eq(workspace))
        .filter(flows::id.eq_any(ids.to_vec()))
        .select(last)
        .load(db)?;
    let newest: Vec<FlowRunId> = newest.into_iter().flatten().collect();
    shown::flow_runs(workspace)
        .filter(flow_runs::id.eq_any(newest))
        .select(FlowRun::as_select())
        .load(db)
}
