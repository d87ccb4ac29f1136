//! Changing rows; each inside the transaction of an action.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::access::actor::Person;
use crate::access::membership::{OwningAccount, Workspace};
use crate::access::{UserId, WorkspaceId};
use crate::base::db::schema::{memberships, workspace_redirects, workspaces};
use crate::base::db::{Db, Id, Instant, Json};
use crate::tenancy::impacts::model::Review;
use crate::tenancy::workspaces::model::Wanted;

/// Makes a workspace in an account.
pub fn insert(
    db: &mut Db,
    by: &Person,
    owner: &OwningAccount,
    wanted: &Wanted,
    now: Instant,
) -> QueryResult<Workspace> {
    let made = Workspace {
        id: Id::new(now),
        account: owner.id,
        account_handle: owner.handle.clone(),
        account_name: owner.name.clone(),
        account_kind: owner.kind,
        handle: wanted.handle.as_str().to_owned(),
        name: wanted.handle.as_str().to_owned(),
        description: wanted.description.as_str().to_owned(),
        created_at: now,
        created_by_name: by.name.clone(),
    };
    free_redirect(db, &made, &made.handle)?;
    diesel::insert_into(workspaces::table)
        .values((
            workspaces::id.eq(made.id),
            workspaces::account_id.eq(made.account),
            workspaces::handle.eq(&made.handle),
            workspaces::name.eq(&made.name),
            workspaces::description.eq(&made.description),
            workspaces::created_by.eq(Some(by.user)),
            workspaces::created_by_name.eq(&made.created_by_name),
            workspaces::created_at.eq(now),
            workspaces::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(made)
}

/// A handle that is taken by a workspace stops leading to the one that had it before.
fn free_redirect(db: &mut Db, of: &Workspace, handle: &str) -> QueryResult<usize> {
    diesel::delete(workspace_redirects::table.find((of.account, handle))).execute(db)
}

/// Gives a workspace another handle and description; the old handle leads to it from now on.
pub fn update(db: &mut Db, before: &Workspace, wanted: &Wanted, now: Instant) -> QueryResult<()> {
    let handle = wanted.handle.as_str();
    if before.handle != handle {
        free_redirect(db, before, handle)?;
        free_redirect(db, before, &before.handle)?;
        diesel::insert_into(workspace_redirects::table)
            .values((
                workspace_redirects::account_id.eq(before.account),
                workspace_redirects::handle.eq(&before.handle),
                workspace_redirects::workspace_id.eq(before.id),
                workspace_redirects::created_at.eq(now),
            ))
            .execute(db)?;
    }
    // The display name is the handle until something gives it another one (C5).
    let name = if before.name == before.handle { handle } else { &before.name };
    diesel::update(workspaces::table.find(before.id))
        .set((
            workspaces::handle.eq(handle),
            workspaces::name.eq(name),
            workspaces::description.eq(wanted.description.as_str()),
            workspaces::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Marks a workspace as deleted, to be removed at `purge_after`, with what that did.
pub fn mark_deleted(
    db: &mut Db,
    id: WorkspaceId,
    (by, receipt): (UserId, Review),
    purge_after: Instant,
    now: Instant,
) -> QueryResult<()> {
    diesel::update(workspaces::table.find(id))
        .set((
            workspaces::deleted_at.eq(Some(now)),
            workspaces::deleted_by.eq(Some(by)),
            workspaces::purge_after.eq(Some(purge_after)),
            workspaces::deletion_receipt.eq(Some(Json(receipt))),
        ))
        .execute(db)?;
    Ok(())
}

/// Takes the mark back.
pub fn mark_restored(db: &mut Db, id: WorkspaceId, now: Instant) -> QueryResult<()> {
    diesel::update(workspaces::table.find(id))
        .set((
            workspaces::deleted_at.eq(None::<Instant>),
            workspaces::deleted_by.eq(None::<UserId>),
            workspaces::purge_after.eq(None::<Instant>),
            workspaces::deletion_receipt.eq(None::<Json<Review>>),
            workspaces::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Ends a deleted workspace's days of grace; `by` stands behind the deletion from then on.
pub fn purge_now(db: &mut Db, (id, by): (WorkspaceId, UserId), now: Instant) -> QueryResult<()> {
    diesel::update(workspaces::table.find(id))
        .set((workspaces::purge_after.eq(Some(now)), workspaces::deleted_by.eq(Some(by))))
        .execute(db)?;
    Ok(())
}

/// Takes a person out of a workspace; returns whether the person was in it.
pub fn remove_member(db: &mut Db, id: WorkspaceId, user: UserId) -> QueryResult<bool> {
    let removed = diesel::delete(
        memberships::table
            .filter(memberships::workspace_id.eq(id))
            .filter(memberships::user_id.eq(user)),
    )
    .execute(db)?;
    Ok(removed > 0)
}

/// What a purge removed so far, by kind.
pub type Purged = BTreeMap<String, i64>;

/// What the purge of a workspace has removed so far.
pub fn purged(db: &mut Db, id: WorkspaceId) -> QueryResult<Purged> {
    let known: Option<Json<Purged>> =
        workspaces::table.find(id).select(workspaces::purged).first(db)?;
    Ok(known.map_or_else(Purged::new, |Json(purged)| purged))
}

/// Notes that the purge of a workspace removed some more.
pub fn add_purged(db: &mut Db, id: WorkspaceId, kind: &str, count: usize) -> QueryResult<()> {
    let mut purged = purged(db, id)?;
    *purged.entry(kind.to_owned()).or_default() += i64::try_from(count).unwrap_or(i64::MAX);
    diesel::update(workspaces::table.find(id))
        .set(workspaces::purged.eq(Some(Json(purged))))
        .execute(db)?;
    Ok(())
}

/// Removes the row of a workspace that holds nothing any more.
pub fn delete(db: &mut Db, id: WorkspaceId) -> QueryResult<()> {
    diesel::delete(workspaces::table.find(id)).execute(db)?;
    Ok(())
}
