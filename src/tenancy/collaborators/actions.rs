//! Removing a collaborator.

use serde_json::json;

use super::model::Collaborator;
use super::{mail, queries};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::only_once;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::roster::MemberId;

/// Removes a collaborator. The access of browsers and keys ends with the row: both ask for it with
/// each request.
///
/// # Errors
/// [`Error::NotFound`] when nobody of this workspace has that id; the database's fault.
pub async fn remove(
    app: &App,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    ip: ClientIp,
    id: MemberId,
    once: FormTokenId,
) -> Result<Collaborator> {
    let now = app.now();
    let removed = access
        .write(app, move |db, access| {
            only_once(db, once, now)?;
            let workspace = access.workspace();
            let gone = queries::one(db, workspace.id, id)?.ok_or(Error::NotFound)?;
            queries::remove(db, workspace.id, id)?;
            let details = json!({ "user": gone.user, "name": gone.name, "email": gone.email });
            let entry = Entry::of_workspace(Event::WorkspaceAccessDeleted, workspace, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            let by = access.actor().name();
            mail::queue_removed(db, &gone, workspace, by, now)?;
            Ok(gone)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(removed)
}
