//! Making, changing and deleting an organization's own roles.

use serde_json::json;

use super::impact::{self, Impact};
use super::model::{CustomRole, MOST, Uses, Wanted};
use super::queries;
use crate::access::organization::{Admin, OrganizationAccess};
use crate::access::role::{NamedRole, Role, RoleId, RoleRef};
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, unuse, use_once};
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::actions::{Judged, void_groundless};

/// What became of a wish for a role.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was done.
    Done(RoleId),
    /// Another role has the name.
    NameTaken,
    /// There are as many roles as can be.
    TooMany,
    /// People gain or lose something, and that was not shown yet, or is something else by now.
    Shown(Impact),
}

fn told(wanted: &Wanted) -> serde_json::Value {
    json!({
        "name": wanted.name.as_str(), "description": wanted.description,
        "inherits": wanted.inherits.map(Role::as_str), "scopes": wanted.scopes.names(),
    })
}

/// Makes a role. Without a form's token it counts each time.
///
/// # Errors
/// The right went meanwhile; the database's fault.
pub async fn create(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    wanted: Wanted,
    once: Option<FormTokenId>,
) -> Result<Outcome> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let account = access.organization().account;
            if let Some(once) = once
                && let Use::Again(_) = use_once(db, once, None, now)?
            {
                return Err(Error::Conflict(
                    "The role was made when this form was sent first.".to_owned(),
                ));
            }
            let refusal = if queries::has_name(db, account, &wanted.name, None)? {
                Some(Outcome::NameTaken)
            } else if queries::count(db, account)? >= MOST {
                Some(Outcome::TooMany)
            } else {
                None
            };
            if let Some(refusal) = refusal {
                if let Some(once) = once {
                    unuse(db, once)?;
                }
                return Ok(refusal);
            }
            let id = queries::insert(db, account, &wanted, now)?;
            let details = json!({ "id": id, "role": told(&wanted), "name": wanted.name.as_str() });
            let entry = Entry::of_account(Event::WorkspaceRoleCreated, account, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            Ok(Outcome::Done(id))
        })
        .await
}

/// What whoever changes a role has seen of what that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The impact with this fingerprint.
    Fingerprint(String),
    /// Nothing was shown: a program does it.
    Anything,
}

/// Changes a role to what is wanted of it as it is now, once what that does was seen.
///
/// # Errors
/// What `wanted` says; [`Error::NotFound`] for a role of elsewhere; the right went meanwhile; the database's fault.
pub async fn edit(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    (id, wanted): (RoleId, impl FnOnce(&CustomRole) -> Result<Wanted> + Send + 'static),
    seen: Seen,
) -> Result<Outcome> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let account = access.organization().account;
            let before = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
            let wanted = wanted(&before)?;
            if queries::has_name(db, account, &wanted.name, Some(id))? {
                return Ok(Outcome::NameTaken);
            }
            let scopes = (before.named().scopes, wanted.all_scopes());
            let impact = impact::of_role(db, account, id, scopes)?;
            if !impact.is_empty()
                && let Seen::Fingerprint(seen) = &seen
                && *seen != impact.fingerprint()
            {
                return Ok(Outcome::Shown(impact));
            }
            queries::update(db, id, &wanted, now)?;
            let ended = match (scopes.0.without(scopes.1).iter().next(), impact.is_empty()) {
                (Some(_), false) => void_groundless(db, Judged::all_of(account), now)?,
                _ => 0,
            };
            let details = json!({
                "invitations_ended": ended,
                "id": id, "before": described(&before), "after": told(&wanted),
                "affected": impact.changes.len(), "name": wanted.name.as_str(),
            });
            let entry = Entry::of_account(Event::WorkspaceRoleUpdated, account, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            Ok(Outcome::Done(id))
        })
        .await
}

fn described(role: &CustomRole) -> serde_json::Value {
    json!({
        "name": role.name, "description": role.description,
        "inherits": role.inherits.map(Role::as_str), "scopes": role.scopes,
    })
}

/// What became of a deletion.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// It is gone; its name.
    Gone(String),
    /// It is used, and no replacement was named (R3).
    IsUsed(Uses),
    /// The replacement is the role itself, or none that may be given here.
    BadReplacement,
}

/// Deletes a role; where it is used, another one takes its place.
///
/// # Errors
/// [`Error::NotFound`] for a role of elsewhere; the right went meanwhile; the database's fault.
pub async fn delete(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    id: RoleId,
    replacement: Option<RoleRef>,
) -> Result<Deleted> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let account = access.organization().account;
            let role = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
            let uses = queries::uses(db, account)?.get(&id).copied().unwrap_or_default();
            let new: Option<NamedRole> = match replacement {
                None if uses.is_unused() => None,
                None => return Ok(Deleted::IsUsed(uses)),
                Some(new) if new == RoleRef::Custom(id) => return Ok(Deleted::BadReplacement),
                Some(new) => match queries::named(db, account, new)? {
                    Some(new) => Some(new),
                    None => return Ok(Deleted::BadReplacement),
                },
            };
            if let Some(new) = &new {
                queries::replace(db, id, new.role)?;
            }
            queries::delete(db, id)?;
            let ended = match &new {
                Some(_) => void_groundless(db, Judged::all_of(account), now)?,
                None => 0,
            };
            let details = json!({
                "invitations_ended": ended,
                "id": id, "role": described(&role), "name": role.name,
                "replaced_by": new.map(|new| new.title),
                "people": uses.people, "service_accounts": uses.service_accounts,
                "defaults": uses.defaults, "invitations": uses.invitations,
            });
            let entry = Entry::of_account(Event::WorkspaceRoleDeleted, account, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            Ok(Deleted::Gone(role.name))
        })
        .await
}
