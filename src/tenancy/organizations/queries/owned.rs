//! The workspaces of an organization.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::access::actor::Reach;
use crate::access::membership::reachable;
use crate::access::{AccountId, WorkspaceId};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::workspaces;
use crate::base::db::{Db, Instant};

/// A workspace of an organization, in its list.
#[derive(Clone, Debug, Queryable)]
pub struct OwnedWorkspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its handle.
    pub handle: String,
    /// When it was made.
    pub created_at: Instant,
    /// When its handle or description last changed.
    pub updated_at: Instant,
}

/// A page of an organization's workspaces, as far as a person reaches them, by handle (O3).
pub fn owned(
    db: &mut Db,
    (account, reach): (AccountId, &Reach),
    q: &str,
    position: &Position<String>,
) -> QueryResult<Slice<OwnedWorkspace>> {
    let mut query = reachable(reach).filter(workspaces::account_id.eq(account));
    if !q.trim().is_empty() {
        query = query.filter(workspaces::handle.like(contains_pattern(q)).escape('\\'));
    }
    query = match position {
        Position::Start => query.order(workspaces::handle.asc()),
        Position::After(handle) => {
            query.filter(workspaces::handle.gt(handle.clone())).order(workspaces::handle.asc())
        }
        Position::Before(handle) => {
            query.filter(workspaces::handle.lt(handle.clone())).order(workspaces::handle.desc())
        }
    };
    let rows = query
        .limit(i64::try_from(PAGE_SIZE).unwrap_or(0) + 1)
        .select((
            workspaces::id,
            workspaces::handle,
            workspaces::created_at,
            workspaces::updated_at,
        ))
        .load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// How many of an organization's workspaces a person reaches.
pub fn reached_count(db: &mut Db, account: AccountId, reach: &Reach) -> QueryResult<i64> {
    reachable(reach).filter(workspaces::account_id.eq(account)).select(count_star()).first(db)
}

/// Handles of an organization's workspaces that are not deleted; at most `limit`.
pub fn active_workspaces(db: &mut Db, account: AccountId, limit: i64) -> QueryResult<Vec<String>> {
    workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .order(workspaces::handle)
        .limit(limit)
        .select(workspaces::handle)
        .load(db)
}

/// How many workspaces an organization has that are not deleted.
pub fn workspace_count(db: &mut Db, account: AccountId) -> QueryResult<i64> {
    workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .count()
        .get_result(db)
}

/// Deleted workspaces on a page.
const RESTORABLE: i64 = 50;

/// An organization's deleted workspaces that can still be restored, the newest first: id, handle and
/// until when.
pub fn restorable(
    db: &mut Db,
    account: AccountId,
    now: Instant,
) -> QueryResult<Vec<(WorkspaceId, String, Instant)>> {
    let rows: Vec<(WorkspaceId, String, Option<Instant>)> = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::purge_after.gt(now))
        .order((workspaces::deleted_at.desc(), workspaces::id))
        .limit(RESTORABLE)
        .select((workspaces::id, workspaces::handle, workspaces::purge_after))
        .load(db)?;
    Ok(rows.into_iter().filter_map(|(id, handle, until)| Some((id, handle, until?))).collect())
}
