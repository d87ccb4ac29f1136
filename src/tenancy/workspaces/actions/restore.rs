//! Bringing a deleted workspace back, or ending its days of grace.

use serde_json::json;

use crate::access::actor::{Reach, RecentlyConfirmed, SignedInPerson};
use crate::access::membership::{self, Workspace};
use crate::access::permission::Permission;
use crate::access::{AccountId, WorkspaceId, account, identify};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::workspaces::model::Slots;
use crate::tenancy::workspaces::{mail, queries};

/// What became of a restore.
#[derive(Debug)]
pub enum Restored {
    /// It is back, now or since a moment ago.
    Back(Workspace),
    /// The account has no room for it.
    Full(Slots),
    /// Its days of grace are over.
    TooLate,
}

/// Brings back a deleted workspace of an account over which the person decides.
///
/// # Errors
/// [`Error::NotFound`]; the database's fault.
pub async fn restore(
    app: &App,
    person: SignedInPerson,
    ip: ClientIp,
    (account, id): (AccountId, WorkspaceId),
) -> Result<Restored> {
    let now = app.now();
    let usual = app.settings().flags.workspace_limit;
    account::write_over(app, person.person().clone(), account, move |db, _| {
        let (workspace, purge_after) =
            queries::of_account(db, account, id)?.ok_or(Error::NotFound)?;
        match purge_after {
            None => return Ok(Restored::Back(workspace)),
            Some(purge_after) if purge_after <= now => return Ok(Restored::TooLate),
            Some(_) => {}
        }
        let slots = queries::slots(db, account, usual)?;
        if slots.is_full() {
            return Ok(Restored::Full(slots));
        }
        queries::mark_restored(db, id, now)?;
        let entry = Entry::of_workspace(Event::WorkspaceRestored, &workspace, json!({}));
        record(db, &By::actor(person.actor(), ip), entry, now)?;
        Ok(Restored::Back(workspace))
    })
    .await
}

/// Ends the days of grace of a deleted workspace of an account over which the person decides.
///
/// # Errors
/// [`Error::NotFound`], also when it was restored meanwhile; the database's fault.
pub async fn delete_now(
    app: &App,
    confirmed: RecentlyConfirmed,
    ip: ClientIp,
    (account, id): (AccountId, WorkspaceId),
) -> Result<Workspace> {
    let now = app.now();
    account::write_over(app, confirmed.person().clone(), account, move |db, person| {
        let (workspace, purge_after) =
            queries::of_account(db, account, id)?.ok_or(Error::NotFound)?;
        if purge_after.ok_or(Error::NotFound)? > now {
            queries::purge_now(db, (id, person.user), now)?;
            let details = json!({ "removed_after": now });
            let entry = Entry::of_workspace(Event::WorkspaceGraceEnded, &workspace, details);
            record(db, &By::actor(confirmed.actor(), ip), entry, now)?;
        }
        Ok(workspace)
    })
    .await
}

/// Brings back the deleted workspaces whose deletion nobody stands behind any more: whoever deleted one may not do that any
/// longer (lifecycles.md 3).
///
/// # Errors
/// The first fault; the workspace that it is about is looked at again.
pub async fn restore_unwanted(app: App) -> Result<()> {
    let (mut outcome, mut after) = (Ok(()), None);
    loop {
        let some = app.db.read(move |db| Ok(queries::deleted(db, after)?)).await?;
        let Some(last) = some.last() else { break };
        after = Some(last.id);
        for workspace in some {
            let id = workspace.id;
            if let Err(error) = restore_if_unwanted(&app, &workspace).await {
                tracing::warn!(workspace.id = %id, error.cause = %error, "could not look at a deletion");
                outcome = outcome.and(Err(error));
            }
        }
    }
    app.mail_queued.notify_one();
    outcome
}

/// The same for one that nothing was removed of yet; returns whether it is back. Where its account has no room it stays
/// deleted: who decides over that was told when it was deleted.
pub async fn restore_if_unwanted(app: &App, workspace: &Workspace) -> Result<bool> {
    let (now, id, again) = (app.now(), workspace.id, app.clone());
    if app.db.read(move |db| is_wanted(db, &again, id, now)).await? {
        return Ok(false);
    }
    let inner = app.clone();
    app.db
        .write(workspace.account, move |db| {
            let settings = inner.settings();
            let found = queries::with_deleted(db, id)?;
            let Some((workspace, Some(_))) = found else { return Ok(false) };
            if is_wanted(db, &inner, id, now)?
                || queries::slots(db, workspace.account, settings.flags.workspace_limit)?.is_full()
            {
                return Ok(false);
            }
            queries::mark_restored(db, id, now)?;
            mail::queue_restored(db, &workspace, now)?;
            let details = json!({ "reason": "whoever deleted it may not do that any more" });
            let entry = Entry::of_workspace(Event::WorkspaceRestored, &workspace, details);
            record(db, &By::System, entry, now)?;
            Ok(true)
        })
        .await
}

/// Whether whoever deleted a workspace may still do so, or nothing of it can come back.
fn is_wanted(db: &mut Db, app: &App, id: WorkspaceId, now: Instant) -> Result<bool> {
    let Some((workspace, by)) = queries::deletion_of(db, id)? else { return Ok(true) };
    let Some(by) = by else { return Ok(false) };
    let Some(person) = identify::person(db, by, app.settings().keeps_mails())? else {
        return Ok(false);
    };
    let held = membership::held(db, &Reach::of_person(&person, now), &workspace)?;
    Ok(held.is_some_and(|held| held.scopes.contains(Permission::ManageWorkspaceSettings)))
}
