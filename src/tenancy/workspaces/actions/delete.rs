//! Deleting: out of every list at once, removed after the days of grace (lifecycles §3).

use std::collections::BTreeMap;

use serde_json::json;

use crate::access::actor::RecentlyConfirmed;
use crate::access::membership::Workspace;
use crate::access::permission::needs;
use crate::access::transfers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::mail::{Outgoing, queue};
use crate::tenancy::audit::{By, Entry, record};
use crate::tenancy::invitations::actions as invitations;
use crate::tenancy::workspaces::{contents, mail, queries, rules};

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
    let now = app.now();
    let grace_days = app.settings().flags.deletion_grace_days;
    let purge_after = rules::purge_after(now, grace_days);
    let until = (grace_days > 0).then_some(purge_after);
    app.db
        .write(access.locks(), move |db| {
            access.still_holds(db)?;
            let workspace = access.workspace();
            let counts = contents::counts(db, workspace, |_| true)?;
            let counts: BTreeMap<_, _> =
                counts.iter().map(|counted| (counted.kind.many, counted.number)).collect();
            queue_mails(db, workspace, until, now)?;
            let reason = "The workspace was deleted.";
            invitations::void_of_workspace(db, workspace.id, reason, now)?;
            transfers::void_of_workspace(db, workspace.id, reason, now)?;
            let by = access.actor().person()?.user;
            queries::mark_deleted(db, workspace.id, by, purge_after, now)?;
            let details = json!({
                "description": workspace.description,
                "counts": counts,
                "removed_after": purge_after,
            });
            let entry = Entry::of_workspace("workspace.deleted", workspace, details);
            record(db, &By::actor(access.actor(), ip), entry, now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(until)
}

/// Everybody who was let in; a workspace has as many as its account's limit allows.
const EVERYBODY: i64 = i64::MAX;

/// Tells those who lose access, and those who decide over the account.
fn queue_mails(
    db: &mut Db,
    workspace: &Workspace,
    until: Option<Instant>,
    now: Instant,
) -> Result<()> {
    let data = json!(mail::Data {
        account: workspace.account_handle.clone(),
        workspace: workspace.handle.clone(),
        until,
    });
    let subject = Some(workspace.id.uuid());
    for (_, recipient) in queries::people(db, workspace.id, EVERYBODY)? {
        let template = mail::ACCESS_ENDED;
        queue(db, Outgoing { template, recipient, data: data.clone(), subject }, now)?;
    }
    for recipient in queries::emails_of_authority(db, workspace.account)? {
        queue(
            db,
            Outgoing { template: mail::DELETED, recipient, data: data.clone(), subject },
            now,
        )?;
    }
    Ok(())
}
