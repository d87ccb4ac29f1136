//! Looking workspaces up, apart from who may reach them (`access/membership.rs`).

mod deletion;
mod list;
mod write;

use diesel::prelude::*;

use super::model::{Deleted, Slots, Taken};
use super::rules;
use crate::access::actor::Reach;
use crate::access::handle::Handle;
use crate::access::membership::{COLUMNS, Workspace, reachable};
use crate::access::role::{Role, RoleId, RoleRef};
use crate::access::{AccountId, WorkspaceId, transfers};
use crate::base::db::paging::contains_pattern;
use crate::base::db::schema::{accounts, memberships, workspace_redirects, workspaces};
use crate::base::db::{Db, Instant};
use crate::base::http::json::Window;
use crate::tenancy::invitations::roster::MemberId;

pub use deletion::{deleted, deletion, deletion_of, receipt};
pub use list::{PAGE, matches, page};
pub use write::{
    add_purged, delete, insert, mark_deleted, mark_restored, purge_now, purged, remove_member,
    update,
};

/// The room that an account has for workspaces; `usual` is everybody's limit.
pub fn slots(db: &mut Db, account: AccountId, usual: Option<i32>) -> QueryResult<Slots> {
    let own: Option<i32> =
        accounts::table.find(account).select(accounts::workspace_limit).first(db)?;
    let used = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::deleted_at.is_null())
        .count()
        .get_result(db)?;
    Ok(rules::slots(used, own, usual))
}

/// Handles looked at for a proposal.
const SIMILAR: i64 = 1000;

/// Whether a handle is taken in an account by a workspace other than `except`; a deleted one keeps
/// its handle until it is gone, and one that was transferred away until it can’t come back any more.
pub fn taken(
    db: &mut Db,
    account: AccountId,
    handle: &Handle,
    except: Option<WorkspaceId>,
    now: Instant,
) -> QueryResult<Option<Taken>> {
    let holder: Option<(WorkspaceId, Option<Instant>)> = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::handle.eq(handle.as_str()))
        .select((workspaces::id, workspaces::purge_after))
        .first(db)
        .optional()?;
    let held = match holder {
        Some((id, _)) if Some(id) == except => None,
        Some((_, reserved_until)) => Some(reserved_until),
        None => transfers::reserved(db, (account, handle.as_str()), except, now)?.map(Some),
    };
    let Some(reserved_until) = held else { return Ok(None) };
    let similar: Vec<String> = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::handle.like(contains_pattern(handle.stem().as_str())))
        .order(workspaces::handle)
        .limit(SIMILAR)
        .select(workspaces::handle)
        .load(db)?;
    let proposal = rules::free_handle(handle, &similar);
    Ok(Some(Taken { handle: handle.clone(), reserved_until, proposal }))
}

/// Deleted workspaces shown in the list.
const IN_GRACE: i64 = 50;

/// An account's deleted workspaces that can still be restored, the newest first.
pub fn in_grace(db: &mut Db, account: AccountId, now: Instant) -> QueryResult<Vec<Deleted>> {
    type Row = (WorkspaceId, String, Option<Instant>, Option<Instant>);
    let rows: Vec<Row> = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::purge_after.gt(now))
        .order((workspaces::deleted_at.desc(), workspaces::id))
        .limit(IN_GRACE)
        .select((
            workspaces::id,
            workspaces::handle,
            workspaces::deleted_at,
            workspaces::purge_after,
        ))
        .load(db)?;
    let deleted = rows.into_iter().filter_map(|(id, handle, deleted_at, purge_after)| {
        Some(Deleted { id, handle, deleted_at: deleted_at?, purge_after: purge_after? })
    });
    Ok(deleted.collect())
}

/// A workspace of an account, deleted or not; with the moment it is removed when it is deleted.
pub fn of_account(
    db: &mut Db,
    account: AccountId,
    id: WorkspaceId,
) -> QueryResult<Option<(Workspace, Option<Instant>)>> {
    workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::id.eq(id))
        .filter(workspaces::account_id.eq(account))
        .select((COLUMNS, workspaces::purge_after))
        .first(db)
        .optional()
}

/// A workspace by id, deleted or not, whoever owns it; with the moment it is removed when it is
/// deleted.
pub fn with_deleted(
    db: &mut Db,
    id: WorkspaceId,
) -> QueryResult<Option<(Workspace, Option<Instant>)>> {
    workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::id.eq(id))
        .select((COLUMNS, workspaces::purge_after))
        .first(db)
        .optional()
}

/// A workspace that is not deleted, by the handles of its account and its own; for the operator, who reaches all.
pub fn by_handles(db: &mut Db, account: &str, handle: &str) -> QueryResult<Option<Workspace>> {
    workspaces::table
        .inner_join(accounts::table)
        .filter(accounts::handle.eq(account))
        .filter(workspaces::handle.eq(handle))
        .filter(workspaces::deleted_at.is_null())
        .select(COLUMNS)
        .first(db)
        .optional()
}

/// Workspaces purged in one run of the job.
const PURGED_AT_ONCE: i64 = 100;

/// The deleted workspaces whose days of grace are over, the oldest first.
pub fn due_for_purge(db: &mut Db, now: Instant) -> QueryResult<Vec<Workspace>> {
    workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::purge_after.le(now))
        .order(workspaces::purge_after)
        .limit(PURGED_AT_ONCE)
        .select(COLUMNS)
        .load(db)
}

/// Whether a workspace is there, and due to be purged.
pub fn is_due(db: &mut Db, id: WorkspaceId, now: Instant) -> QueryResult<bool> {
    let due = workspaces::table.find(id).filter(workspaces::purge_after.le(now));
    diesel::select(diesel::dsl::exists(due)).get_result(db)
}

/// Whether a workspace is there, and not deleted.
pub fn is_active(db: &mut Db, id: WorkspaceId) -> QueryResult<bool> {
    let active = workspaces::table.find(id).filter(workspaces::deleted_at.is_null());
    diesel::select(diesel::dsl::exists(active)).get_result(db)
}

/// Workspaces of an account that an actor reaches, by handle; with `handles`, only those.
pub fn reached_in(
    db: &mut Db,
    (account, reach): (AccountId, &Reach),
    handles: Option<Vec<String>>,
    window: Window,
) -> QueryResult<Vec<Workspace>> {
    let mut query = reachable(reach).filter(workspaces::account_id.eq(account));
    if let Some(handles) = handles {
        query = query.filter(workspaces::handle.eq_any(handles));
    }
    query
        .order(workspaces::handle)
        .limit(window.limit)
        .offset(window.offset)
        .select(COLUMNS)
        .load(db)
}

/// When a workspace last changed, and what everybody in its organization may do in it.
pub type More = (Instant, Option<RoleRef>);

/// What [`Workspace`] does not say of some workspaces.
pub fn more_of(db: &mut Db, ids: &[WorkspaceId]) -> QueryResult<Vec<(WorkspaceId, More)>> {
    type Row = (WorkspaceId, Instant, Option<Role>, Option<RoleId>);
    let rows: Vec<Row> = workspaces::table
        .filter(workspaces::id.eq_any(ids.to_vec()))
        .select((
            workspaces::id,
            workspaces::updated_at,
            workspaces::default_role,
            workspaces::default_custom_role_id,
        ))
        .load(db)?;
    let more = rows.into_iter().map(|(id, updated_at, built_in, custom)| {
        (id, (updated_at, RoleRef::of(built_in, custom)))
    });
    Ok(more.collect())
}

/// The handles under which a workspace was known before.
pub fn former_handles(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<Vec<String>> {
    workspace_redirects::table
        .filter(workspace_redirects::workspace_id.eq(id))
        .order(workspace_redirects::handle)
        .limit(limit)
        .select(workspace_redirects::handle)
        .load(db)
}

/// A workspace that is not deleted, by id.
pub fn workspace(db: &mut Db, id: WorkspaceId) -> QueryResult<Option<Workspace>> {
    workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::id.eq(id))
        .filter(workspaces::deleted_at.is_null())
        .select(COLUMNS)
        .first(db)
        .optional()
}

/// Of a person's role in a workspace: the handles of the workspace's account and of the workspace,
/// and when the role ends.
pub fn path_and_end(
    db: &mut Db,
    membership: MemberId,
) -> QueryResult<Option<(String, String, Option<Instant>)>> {
    memberships::table
        .inner_join(workspaces::table.inner_join(accounts::table))
        .filter(memberships::id.eq(membership))
        .filter(workspaces::deleted_at.is_null())
        .select((accounts::handle, workspaces::handle, memberships::expires_at))
        .first(db)
        .optional()
}
