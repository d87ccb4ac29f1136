//! Deleting: out of every list at once, removed after the days of grace (lifecycles §3).

use std::collections::BTreeMap;

use serde_json::json;

use crate::access::actor::RecentlyConfirmed;
use crate::access::permission::needs;
use crate::access::workspace::WorkspaceAccess;
use crate::access::{organization, transfers};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::mail::queue_all;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::actions as invitations;
use crate::tenancy::workspaces::deletion::{Facts, losers, review};
use crate::tenancy::workspaces::{mail, queries};

/// Deletes a workspace; returns when it is removed for good, where it can be restored until then.
///
/// # Errors
/// The right went meanwhile; the database's fault.
pub async fn delete(
    app: &App,
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    _confirmed: RecentlyConfirmed,
    ip: ClientIp,
) -> Result<Option<Instant>> {
    delete_as(app, access, ip).await
}

/// The same by a person's key: a program that manages workspaces. The days of grace are the way back.
///
/// # Errors
/// [`crate::base::error::Error::Forbidden`] for a service account; as [`delete`].
pub async fn delete_by_key(
    app: &App,
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    ip: ClientIp,
) -> Result<Option<Instant>> {
    access.actor().person()?;
    delete_as(app, access, ip).await
}

async fn delete_as(
    app: &App,
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    ip: ClientIp,
) -> Result<Option<Instant>> {
    let (now, inner) = (app.now(), app.clone());
    let until = access
        .write(app, move |db, access| {
            let workspace = access.workspace();
            let facts = queries::deletion(db, workspace, &inner.context, now)?;
            queue_mails(db, &facts, now)?;
            let reason = "The workspace was deleted.";
            invitations::void_of_workspace(db, workspace.id, reason, now)?;
            transfers::void_of_workspace(db, workspace.id, reason, now)?;
            let by = access.actor().person()?.user;
            let purge_after = facts.until.unwrap_or(now);
            queries::mark_deleted(db, workspace.id, (by, review(&facts)), purge_after, now)?;
            let counts: BTreeMap<_, _> =
                facts.contents.iter().map(|counted| (counted.kind.many, counted.number)).collect();
            let details = json!({
                "description": workspace.description,
                "counts": counts,
                "people": facts.people.len(),
                "removed_after": purge_after,
            });
            let entry = Entry::of_workspace(Event::WorkspaceDeleted, workspace, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            Ok(facts.until)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(until)
}

/// Tells those who lose access, and those who decide over the account.
fn queue_mails(db: &mut Db, facts: &Facts, now: Instant) -> Result<()> {
    let workspace = &facts.workspace;
    let data = json!(mail::Data {
        account: workspace.account_handle.clone(),
        workspace: workspace.handle.clone(),
        until: facts.until,
    });
    let about = (&data, Some(workspace.id.uuid()));
    let owners = organization::emails_of_authority(db, workspace.account)?;
    queue_all(db, mail::ACCESS_ENDED, &losers(facts, &owners), about, now)?;
    queue_all(db, mail::DELETED, &owners, about, now)
}
