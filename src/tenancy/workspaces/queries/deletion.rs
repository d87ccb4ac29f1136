//! What the review of a deletion is computed from, and its receipt.

use diesel::prelude::*;

use super::slots;
use crate::access::membership::{self, Workspace};
use crate::access::{UserId, WorkspaceId, transfers};
use crate::base::db::schema::workspaces;
use crate::base::db::{Db, Instant, Json};
use crate::base::settings::Settings;
use crate::tenancy::impacts::model::Review;
use crate::tenancy::impacts::queries::{
    Everybody, active_runs, bots, due_runs, keys, open_invitations,
};
use crate::tenancy::workspaces::contents;
use crate::tenancy::workspaces::deletion::Facts;
use crate::tenancy::workspaces::rules;

/// Reads all that the review of a deletion is computed from.
///
/// # Errors
/// The database's fault.
pub fn deletion(
    db: &mut Db,
    workspace: &Workspace,
    settings: &Settings,
    now: Instant,
) -> QueryResult<Facts> {
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
        contents: contents::counts(db, workspace, |_| true)?,
        slots: slots(db, workspace.account, settings.flags.workspace_limit)?,
        workspace: workspace.clone(),
        people,
    })
}

/// What deleting a workspace did, as long as it can be restored.
///
/// # Errors
/// The database's fault.
pub fn receipt(db: &mut Db, id: WorkspaceId) -> QueryResult<Option<Review>> {
    let kept: Option<Json<Review>> =
        workspaces::table.find(id).select(workspaces::deletion_receipt).first(db)?;
    Ok(kept.map(|receipt| receipt.0))
}
