//! Members of the organization, and what everybody in it may do.

use serde_json::json;

use super::{Request, check_until, organization_only, wanted};
use crate::access::UserId;
use crate::access::membership::{self, AccountKind, Workspace};
use crate::access::organization::OrganizationRole;
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::role::RoleRef;
use crate::access::workspace::{Asks, WorkspaceAccess};
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::only_once;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::actions::{
    Judged, New, details, insert, supersede, too_many_today, void_groundless,
};
use crate::tenancy::invitations::model::{Happened, Invitation, Kind, Offer, Scope};
use crate::tenancy::invitations::queries as invitations;
use crate::tenancy::invitations::rules;
use crate::tenancy::roles::actions::Seen;
use crate::tenancy::roles::impact::{self, Impact};
use crate::tenancy::sharing::queries;

type Access = WorkspaceAccess<ManageWorkspaceUsers>;

/// What became of an invitation of a member.
#[derive(Clone, Debug)]
pub enum Invited {
    /// It is on its way.
    Sent(Box<Invitation>),
    /// Nobody of that id is in the organization.
    NoMember,
    /// Something stands against it; a sentence.
    Refused(String),
}

/// Invites a member of the organization into one of its workspaces (H4, H10): it gives nothing until
/// the member accepts.
///
/// # Errors
/// [`Error::Forbidden`] for a role above the own one, or a service account; the database's fault.
pub async fn invite_member(
    app: &App,
    access: Access,
    ip: ClientIp,
    (user, request): (UserId, Request),
    once: Option<FormTokenId>,
) -> Result<Invited> {
    organization_only(access.workspace())?;
    let (context, now) = (app.context.clone(), app.now());
    let outcome = access
        .write(app, move |db, access| {
            check_until(request.until, now)?;
            let inviter = access.actor().person()?;
            let place = access.workspace();
            let scope = Scope { account: place.account, workspace: Some(place.id) };
            let (named, grantable) = wanted(db, &access, (request.role, request.until))?;
            let member = queries::member_of(db, place.account, user)?;
            let Some((role, name, email, email_key)) = member else { return Ok(Invited::NoMember) };
            if role == OrganizationRole::Admin {
                let text = format!("{name} is an admin of the organization, and so always Owner.");
                return Ok(Invited::Refused(text));
            }
            if membership::grant_of_person(db, place.id, user, now)?.is_some() {
                let text = format!("{name} has a role here already. Change it in the list.");
                return Ok(Invited::Refused(text));
            }
            let live = invitations::live_of_member(db, scope, user)?;
            if let Some(live) = &live {
                let same =
                    live.role_ref() == Some(request.role) && live.access_until == request.until;
                if same {
                    let text = format!("{name} is invited already. Send it again from the list.");
                    return Ok(Invited::Refused(text));
                }
            }
            let rested = now - rules::REST_AFTER_DECLINE;
            if let Some(at) = invitations::declined_since(db, scope, &email_key, rested)? {
                let day = (at + rules::REST_AFTER_DECLINE).day_text();
                let text = format!("{name} declined lately, and can be invited again from {day}.");
                return Ok(Invited::Refused(text));
            }
            if let Some(text) = too_many_today(db, &context, inviter.user, now)? {
                return Ok(Invited::Refused(text));
            }
            if let Some(once) = once {
                only_once(db, once, now)?;
            }
            if let Some(live) = &live {
                replace(db, &access, live, now)?;
            }
            let new = New {
                kind: Kind::Workspace,
                scope,
                email: (&email, &email_key),
                user: Some(user),
                role: Some(grantable.role()),
                organization_role: None,
                access_until: request.until,
                inviter,
            };
            let sent = insert(db, &context, &new, now)?;
            let more = [
                ("user", json!(user)),
                ("role_name", json!(named.title)),
                ("replaces", json!(live.map(|live| live.id))),
            ];
            let event = sent.event(Happened::Created);
            let entry = Entry::of_workspace(event, place, details(&sent, more));
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            Ok(Invited::Sent(Box::new(sent)))
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

/// Ends what one person, or anybody, sent and may not offer any more; returns how many.
pub(super) fn withdraw(
    db: &mut Db,
    place: &Workspace,
    inviter: Option<UserId>,
    now: Instant,
) -> Result<usize> {
    let judged = Judged { account: place.account, workspace: Some(place.id), inviter };
    void_groundless(db, judged, now)
}

/// Puts something else in an invitation's place, which takes it away.
pub(super) fn replace<P: Asks>(
    db: &mut Db,
    access: &WorkspaceAccess<P>,
    live: &Invitation,
    now: Instant,
) -> Result<()> {
    if let Some(Offer::Role(role)) = invitations::offer(db, live)? {
        access.covers(db, &role)?;
    }
    supersede(db, live, now)?;
    Ok(())
}

/// What became of a change of the default role.
#[derive(Clone, Debug)]
pub enum Default {
    /// It is as wanted; the role's name.
    Saved(String),
    /// People gain or lose something, and that was not shown yet, or is something else by now.
    Shown(Impact),
}

/// Changes what everybody in the organization may do in the workspace; `None` is no access (H3).
///
/// # Errors
/// [`Error::Forbidden`] when the old or the new role allows more than the own one; the database's
/// fault.
pub async fn set_default(
    app: &App,
    access: Access,
    ip: ClientIp,
    role: Option<RoleRef>,
    seen: Seen,
) -> Result<Default> {
    if access.workspace().account_kind != AccountKind::Organization {
        return Err(Error::NotFound);
    }
    let now = app.now();
    access
        .write(app, move |db, access| {
            let place = access.workspace();
            let before = membership::default_role(db, place.id)?;
            if let Some(before) = &before {
                access.covers(db, before)?;
            }
            let after = match role {
                Some(role) => Some(wanted(db, &access, (role, None))?),
                None => None,
            };
            let (named, grantable) = after.unzip();
            let title = |role: Option<&crate::access::role::NamedRole>| {
                role.map_or("No access".to_owned(), |role| role.title.clone())
            };
            let impact = impact::of_default(
                db,
                (place.account, place.id, &place.handle),
                (before.as_ref(), named.as_ref()),
                now,
            )?;
            if !impact.is_empty()
                && let Seen::Fingerprint(seen) = &seen
                && *seen != impact.fingerprint()
            {
                return Ok(Default::Shown(impact));
            }
            let (old, new) = (title(before.as_ref()), title(named.as_ref()));
            if before.map(|role| role.role) != named.as_ref().map(|role| role.role) {
                queries::set_default(db, place.id, grantable)?;
                let details = json!({
                    "before": { "default_role": old }, "after": { "default_role": new },
                    "invitations_ended": withdraw(db, place, None, now)?,
                });
                let entry = Entry::of_workspace(Event::WorkspaceSettingsUpdated, place, details);
                record(db, &By::actor(access.actor(), ip), entry, now)?;
            }
            Ok(Default::Saved(new))
        })
        .await
}
