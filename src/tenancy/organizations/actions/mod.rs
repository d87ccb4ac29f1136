//! Changing organizations: each use case is one transaction with its audit entry and its mails.

mod members;
mod policy;

use serde_json::json;

pub use self::members::{BulkDone, BulkStep, Changed, Removed, bulk, change_role, remove_member};
pub use self::policy::{PolicyOutcome, set_policy};

use self::members::Leaver;
use super::model::Wanted;
use super::{mail, queries, rules};
use crate::access::actor::{RecentlyConfirmed, SignedInPerson, StepUp};
use crate::access::handle::Handle;
use crate::access::organization::{
    Admin, Leaving, Organization, OrganizationAccess, OrganizationRole,
};
use crate::access::transfers;
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Locks};
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, unuse, use_once};
use crate::tenancy::accounts;
use crate::tenancy::accounts::actions::free_handle;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::actions as invitations;
use crate::urls;

/// What became of a wish for a handle.
#[derive(Debug)]
pub enum Outcome {
    /// It was done; where the organization is.
    Done(String),
    /// The handle is taken; a free one that is close, if there is one.
    Taken(Option<Handle>),
    /// The person is admin of as many organizations as one may be.
    TooMany(String),
}

/// A person makes no further organization beyond this many: lists offer all of them at once.
const ORGANIZATIONS: i64 = 100;

/// Makes an organization, with the person as its admin.
pub async fn create(
    app: &App,
    person: SignedInPerson,
    ip: ClientIp,
    wanted: Wanted,
    once: FormTokenId,
) -> Result<Outcome> {
    let now = app.now();
    app.db
        .write(Locks::Instance, move |db| {
            let place = urls::organization(wanted.handle.as_str());
            if let Use::Again(first) = use_once(db, once, Some(&place), now)? {
                return Ok(Outcome::Done(first.unwrap_or(place)));
            }
            if let Some(taken) = taken(db, &wanted.handle)? {
                unuse(db, once)?;
                return Ok(taken);
            }
            if queries::administered_count(db, person.person().user)? >= ORGANIZATIONS {
                unuse(db, once)?;
                return Ok(Outcome::TooMany(format!(
                    "You are an admin of {ORGANIZATIONS} organizations, and that is the most. \
                     Leave or delete one first."
                )));
            }
            accounts::queries::take_over_handle(db, wanted.handle.as_str())?;
            let account = queries::insert(db, person.person(), &wanted, now)?;
            let details = json!({ "kind": "organization", "handle": wanted.handle.as_str(),
                                  "name": wanted.name.as_str() });
            let entry = Entry::of_account(Event::AccountCreated, account, details);
            record(db, &By::actor(person.actor(), ip), entry, now)?;
            Ok(Outcome::Done(place))
        })
        .await
}

fn taken(db: &mut Db, handle: &Handle) -> Result<Option<Outcome>> {
    if accounts::queries::account_with_handle(db, handle.as_str())?.is_none() {
        return Ok(None);
    }
    Ok(Some(Outcome::Taken(free_handle(db, handle)?)))
}

/// Changes an organization's profile to what is wanted of it as it is now; an old handle leads to it
/// from now on.
///
/// # Errors
/// What `wanted` says; the right went meanwhile; the database's fault.
pub async fn edit(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    wanted: impl FnOnce(&Organization) -> Result<Wanted> + Send + 'static,
) -> Result<Outcome> {
    let now = app.now();
    access
        .write_with_instance(app, move |db, access| {
            let before = access.organization();
            let wanted = wanted(before)?;
            let handle = wanted.handle.as_str();
            if handle != before.handle {
                if let Some(taken) = taken(db, &wanted.handle)? {
                    return Ok(taken);
                }
                accounts::queries::take_over_handle(db, handle)?;
                accounts::queries::take_over_handle(db, &before.handle)?;
                accounts::queries::keep_old_handle(db, &before.handle, before.account, now)?;
            }
            let (old, new) = (described(before), described_as(&wanted));
            if old != new {
                queries::update(db, before.account, &wanted, now)?;
                let details = json!({ "before": old, "after": new });
                let entry = Entry::of_account(Event::AccountUpdated, before.account, details);
                record(db, &By::actor(access.actor(), ip), entry, now)?;
            }
            Ok(Outcome::Done(urls::organization(handle)))
        })
        .await
}

fn described(organization: &Organization) -> serde_json::Value {
    json!({ "name": organization.name, "handle": organization.handle,
            "location": organization.location, "link": organization.link })
}

fn described_as(wanted: &Wanted) -> serde_json::Value {
    json!({ "name": wanted.name.as_str(), "handle": wanted.handle.as_str(),
            "location": wanted.location.as_str(), "link": wanted.link.as_str() })
}

/// Whether it was done, or refused because nobody else is an admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The person is out.
    Gone,
    /// The person is the last admin (O7).
    LastAdmin,
}

/// Takes the person out of the organization. Of an admin that asks for the password (AU-17).
///
/// # Errors
/// [`ReauthenticationRequired`](crate::base::error::Error); `NotFound` when that happened meanwhile; the database's fault.
pub async fn leave(
    app: &App,
    (access, step_up): (OrganizationAccess<Leaving>, StepUp),
    ip: ClientIp,
) -> Result<Left> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let (account, person) = (access.organization().account, access.person());
            let role = access.role();
            if role == OrganizationRole::Admin {
                step_up.demand()?;
            }
            if !rules::may_go(role, queries::admin_count(db, account)?) {
                return Ok(Left::LastAdmin);
            }
            let who = Leaver { user: person.user, name: &person.name, email: &person.email, role };
            let by = By::actor(access.actor(), ip);
            members::take_out(db, account, &who, (&by, "Whoever sent it left."), now)?;
            Ok(Left::Gone)
        })
        .await
}

/// Whether an organization was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is gone.
    Gone,
    /// It has workspaces, which have to go first.
    HasWorkspaces,
}

/// Deletes an organization whose workspaces are all deleted; what is left of them is removed, and
/// everybody who belonged to it is told.
///
/// # Errors
/// The right went meanwhile; the database's fault.
pub async fn delete(
    app: &App,
    access: OrganizationAccess<Admin>,
    confirmed: RecentlyConfirmed,
    ip: ClientIp,
) -> Result<Ended> {
    let now = app.now();
    let ended = access
        .write_with_instance(app, move |db, access| {
            let organization = access.organization();
            let account = organization.account;
            if !queries::active_workspaces(db, account, 1)?.is_empty() {
                return Ok(Ended::HasWorkspaces);
            }
            mail::queue_deleted(db, organization, access.person(), now)?;
            let details = json!({ "handle": organization.handle, "name": organization.name,
                                  "members": queries::member_count(db, account)? });
            let entry = Entry::of_account(Event::AccountDeleted, account, details);
            record(db, &By::actor(confirmed.actor(), ip), entry, now)?;
            let reason = "The organization was deleted.";
            invitations::void_of_account(db, account, reason, now)?;
            transfers::void_into(db, account, reason, now)?;
            queries::end(db, account, now)?;
            Ok(Ended::Gone)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(ended)
}
