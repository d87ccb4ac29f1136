//! Changing workspaces: each use case is one transaction with its audit entry and its mails.

mod delete;
mod purge;
mod restore;

use serde_json::json;

use super::model::{Slots, Taken, Wanted};
use super::{queries, rules};
use crate::access::actor::{Actor, SignedInPerson};
use crate::access::membership::{OwningAccount, Workspace};
use crate::access::permission::needs;
use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::access::{AccountId, account};
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, unuse, use_once};
use crate::tenancy::audit::{By, Entry, Event, deny, record};
use crate::tenancy::invitations::actions::{Judged, void_groundless};
use crate::urls;

pub use delete::{delete, delete_by_key};
pub use purge::purge_due;
pub use restore::{Restored, delete_now, restore, restore_unwanted};

/// What became of a wish for a workspace.
#[derive(Debug)]
pub enum Created {
    /// It was made; where it is.
    Now(String),
    /// The same form made one before; where that is.
    Before(String),
    /// Its handle is taken.
    Taken(Taken),
    /// The account has no room.
    Full(Slots),
}

/// Makes a workspace in the person's own account, or in an organization whose admin the person is.
/// Without a form's token it counts each time.
///
/// # Errors
/// [`Error::NotFound`] when the right went meanwhile; the database's fault.
pub async fn create(
    app: &App,
    (actor, owner): (Actor, OwningAccount),
    ip: ClientIp,
    wanted: Wanted,
    once: Option<FormTokenId>,
) -> Result<Created> {
    let now = app.now();
    let usual = app.settings().flags.workspace_limit;
    let person = actor.person()?.clone();
    account::write_over(app, person, owner.id, move |db, person| {
        let place = urls::settings((&owner.handle, wanted.handle.as_str()));
        if let Some(once) = once
            && let Use::Again(first) = use_once(db, once, Some(&place), now)?
        {
            return Ok(Created::Before(first.unwrap_or(place)));
        }
        if let Some(refusal) = refusal(db, owner.id, &wanted, usual, now)? {
            if let Some(once) = once {
                unuse(db, once)?;
            }
            return Ok(refusal);
        }
        let made = queries::insert(db, person, &owner, &wanted, now)?;
        let details = json!({ "handle": made.handle, "description": made.description });
        let entry = Entry::of_workspace(Event::WorkspaceCreated, &made, details);
        record(db, &By::actor(&actor, ip), entry, now)?;
        Ok(Created::Now(place))
    })
    .await
}

fn refusal(
    db: &mut Db,
    account: AccountId,
    wanted: &Wanted,
    usual: Option<i32>,
    now: Instant,
) -> Result<Option<Created>> {
    let slots = queries::slots(db, account, usual)?;
    if slots.is_full() {
        return Ok(Some(Created::Full(slots)));
    }
    Ok(queries::taken(db, account, &wanted.handle, None, now)?.map(Created::Taken))
}

/// Records that a person tried to create a workspace in an account that the page did not offer.
pub async fn deny_owner(
    app: &App,
    person: SignedInPerson,
    ip: ClientIp,
    owner: &str,
) -> Result<()> {
    let asked: String = owner.chars().take(63).collect();
    let account = person.person().account;
    let entry = Entry::of_account(Event::WorkspaceCreateDenied, account, json!({ "owner": asked }));
    deny(app, person.actor(), ip, entry).await
}

/// What became of a change.
#[derive(Debug)]
pub enum Edited {
    /// It was made.
    Saved {
        /// The handle before.
        before: String,
    },
    /// The new handle is taken.
    Taken(Taken),
}

/// Changes a workspace's handle and description to what is wanted of it as it is now.
///
/// # Errors
/// What `wanted` says; the right went meanwhile; the database's fault.
pub async fn edit(
    app: &App,
    access: WorkspaceAccess<needs::WriteWorkspaceSettings>,
    ip: ClientIp,
    wanted: impl FnOnce(&Workspace) -> Result<Wanted> + Send + 'static,
) -> Result<Edited> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let before = access.workspace();
            let wanted = wanted(before)?;
            let taken = queries::taken(db, before.account, &wanted.handle, Some(before.id), now)?;
            if let Some(taken) = taken {
                return Ok(Edited::Taken(taken));
            }
            let (handle, description) = (wanted.handle.as_str(), wanted.description.as_str());
            if (handle, description) != (&before.handle, &before.description) {
                queries::update(db, before, &wanted, now)?;
                let details = json!({
                    "before": { "handle": before.handle, "description": before.description },
                    "after": { "handle": handle, "description": description },
                });
                let entry = Entry::of_workspace(Event::WorkspaceUpdated, before, details);
                record(db, &By::actor(access.actor(), ip), entry, now)?;
            }
            Ok(Edited::Saved { before: before.handle.clone() })
        })
        .await
}

/// Takes the actor out of somebody else's workspace.
///
/// # Errors
/// [`Error::Forbidden`] for the owner; the database's fault.
pub async fn leave(app: &App, access: WorkspaceAccess<AnyRole>, ip: ClientIp) -> Result<()> {
    if !access.can_leave() {
        return Err(Error::Forbidden(rules::leave_reason(access.workspace())));
    }
    let now = app.now();
    access
        .write(app, move |db, access| {
            let person = access.actor().person()?;
            if !queries::remove_member(db, access.workspace().id, person.user)? {
                return Err(Error::NotFound);
            }
            let place = access.workspace();
            let judged = Judged {
                account: place.account,
                workspace: Some(place.id),
                inviter: Some(person.user),
            };
            let details = json!({
                "user": { "id": person.user, "name": person.name, "email": person.email },
                "role": access.role(),
                "left": true,
                "invitations_ended": void_groundless(db, judged, now)?,
            });
            let entry =
                Entry::of_workspace(Event::WorkspaceAccessDeleted, access.workspace(), details);
            record(db, &By::actor(access.actor(), ip), entry, now)
        })
        .await
}
