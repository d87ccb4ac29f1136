//! Removing what a deleted workspace held, once its days of grace are over.
//!
//! Invariant: what was removed is counted in the transaction that removed it, and the row goes last;
//! so a purge that stopped half-way goes on where it was, and its audit entry tells the whole.

use serde_json::json;

use super::restore::restore_if_unwanted;
use crate::access::contents::{ContentKind, Contents};
use crate::access::membership::Workspace;
use crate::app::App;
use crate::base::error::Result;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::organizations;
use crate::tenancy::workspaces::queries;

/// Rows removed in one transaction.
const BATCH: i64 = 500;

/// Removes all workspaces that are due. One that cannot be removed does not keep the others.
///
/// # Errors
/// The first fault; the workspace that it is about stays due.
pub async fn purge_due(app: App) -> Result<()> {
    let now = app.now();
    let due = app.db.read(move |db| Ok(queries::due_for_purge(db, now)?)).await?;
    let mut outcome = Ok(());
    for workspace in due {
        let id = workspace.id;
        if let Err(error) = purge(&app, workspace).await {
            tracing::warn!(workspace.id = %id, error.cause = %error, "could not purge a workspace");
            outcome = outcome.and(Err(error));
        }
    }
    outcome
}

async fn purge(app: &App, workspace: Workspace) -> Result<()> {
    if restore_if_unwanted(app, &workspace).await? {
        return Ok(());
    }
    let kinds =
        Contents::of(&app.context).kinds().iter().filter(|kind| kind.is_in(workspace.account_kind));
    for kind in kinds {
        while purge_batch(app, &workspace, kind).await? > 0 {}
    }
    finish(app, workspace).await
}

async fn purge_batch(
    app: &App,
    workspace: &Workspace,
    kind: &'static ContentKind,
) -> Result<usize> {
    let (id, now) = (workspace.id, app.now());
    app.db
        .write(workspace.account, move |db| {
            if !queries::is_due(db, id, now)? {
                return Ok(0);
            }
            let removed = (kind.purge)(db, id, BATCH)?;
            if removed > 0 {
                queries::add_purged(db, id, kind.many, removed)?;
            }
            Ok(removed)
        })
        .await
}

async fn finish(app: &App, workspace: Workspace) -> Result<()> {
    let now = app.now();
    app.db
        .write(workspace.account, move |db| {
            if !queries::is_due(db, workspace.id, now)? {
                return Ok(());
            }
            let details = json!({ "counts": queries::purged(db, workspace.id)? });
            queries::delete(db, workspace.id)?;
            let entry = Entry::of_workspace(Event::WorkspacePurged, &workspace, details);
            record(db, &By::System, entry, now)?;
            Ok(organizations::queries::forget_if_over(db, workspace.account)?)
        })
        .await
}
