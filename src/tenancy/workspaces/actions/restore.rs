//! Bringing a deleted workspace back, or ending its days of grace.

use serde_json::json;

use crate::access::actor::{Person, RecentlyConfirmed, SignedInPerson};
use crate::access::membership::Workspace;
use crate::access::{AccountId, WorkspaceId, organization};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, record};
use crate::tenancy::workspaces::model::Slots;
use crate::tenancy::workspaces::queries;

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
    app.db
        .write(account, move |db| {
            let (workspace, purge_after) = decided_over(db, person.person(), account, id)?;
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
            let entry = Entry::of_workspace("workspace.restored", &workspace, json!({}));
            record(db, &By::actor(person.actor(), ip), entry, now)?;
            Ok(Restored::Back(workspace))
        })
        .await
}

/// A workspace of an account over which the person decides at this moment.
fn decided_over(
    db: &mut Db,
    person: &Person,
    account: AccountId,
    id: WorkspaceId,
) -> Result<(Workspace, Option<Instant>)> {
    if !organization::has_authority(db, person, account)? {
        return Err(Error::NotFound);
    }
    queries::of_account(db, account, id)?.ok_or(Error::NotFound)
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
    app.db
        .write(account, move |db| {
            let (workspace, purge_after) = decided_over(db, confirmed.person(), account, id)?;
            if purge_after.ok_or(Error::NotFound)? > now {
                queries::purge_now(db, id, now)?;
                let details = json!({ "removed_after": now });
                let entry = Entry::of_workspace("workspace.grace-ended", &workspace, details);
                record(db, &By::actor(confirmed.actor(), ip), entry, now)?;
            }
            Ok(workspace)
        })
        .await
}
