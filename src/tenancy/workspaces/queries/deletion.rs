//! What the review of a deletion is computed from, and its receipt.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::{COLUMNS, slots};
use crate::access::contents::Contents;
use crate::access::membership::{self, Workspace};
use crate::access::{UserId, WorkspaceId, transfers};
use crate::app::Context;
use crate::base::db::schema::{accounts, organizations, workspaces};
use crate::base::db::{Db, Instant, Json};
use crate::tenancy::impacts::model::Review;
use crate::tenancy::impacts::queries::{
    Everybody, active_runs, bots, due_runs, keys, open_invitations,
};
use crate::tenancy::workspaces::contents;
use crate::tenancy::workspaces::deletion::Facts;
use crate::tenancy::workspaces::rules;

/// Reads all that the review of a deletion is computed from.
pub fn deletion(
    db: &mut Db,
    workspace: &Workspace,
    context: &Context,
    now: Instant,
) -> QueryResult<Facts> {
    let settings = &context.settings;
    let days = settings.flags.deletion_grace_days;
    let default_role = membership::default_role(db, workspace.id)?;
    let people = Everybody::of(db, workspace, default_role.as_ref(), now)?.by_name();
    let ids: Vec<UserId> = people.iter().map(|person| person.user).collect();
    let pending = transfers::pending(db, workspace.id, now)?;
    Ok(Facts {
        at: now,
        until: (days > 0).then(|| rules::purge_after(now, days)),
        keys: keys(db, workspace, &ids, now)?,
        bots: bots(db, workspace, now)?,
        invitations: open_invitations(db, workspace.id, now)?,
        active: active_runs(db, workspace.id)?,
        due: due_runs(db, workspace.id, now)?,
        moving_to: pending.map(|(_, target)| target),
        contents: contents::counts(db, Contents::of(context), workspace, |_| true)?,
        slots: slots(db, workspace.account, settings.flags.workspace_limit)?,
        workspace: workspace.clone(),
        people,
    })
}

/// Deleted workspaces looked at together.
const SOME: i64 = 100;

/// Some of the deleted workspaces, behind `after`.
pub fn deleted(db: &mut Db, after: Option<WorkspaceId>) -> QueryResult<Vec<Workspace>> {
    workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::purge_after.is_not_null())
        .filter(workspaces::id.gt(after.unwrap_or(uuid::Uuid::nil().into())))
        .order(workspaces::id)
        .limit(SOME)
        .select(COLUMNS)
        .load(db)
}

/// A deleted workspace of which nothing was removed yet, and who stands behind that, as long as there is such a person; none
/// of an organization that is over.
pub fn deletion_of(
    db: &mut Db,
    id: WorkspaceId,
) -> QueryResult<Option<(Workspace, Option<UserId>)>> {
    let over = organizations::table
        .filter(organizations::account_id.eq(workspaces::account_id))
        .filter(organizations::deleted_at.is_not_null());
    workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::id.eq(id))
        .filter(workspaces::purge_after.is_not_null())
        .filter(workspaces::purged.is_null())
        .filter(not(exists(over)))
        .select((COLUMNS, workspaces::deleted_by))
        .first(db)
        .optional()
}

/// What deleting a workspace did, as long as it can be restored.
pub fn receipt(db: &mut Db, id: WorkspaceId) -> QueryResult<Option<Review>> {
    let kept: Option<Json<Review>> =
        workspaces::table.find(id).select(workspaces::deletion_receipt).first(db)?;
    Ok(kept.map(|receipt| receipt.0))
}
