//! What the owner does with an invitation that was sent: resend, revoke, hand on its link.

use diesel::prelude::*;
use serde_json::json;

use super::super::model::{Invitation, InvitationId, State, Way};
use super::super::rules::{DAY, Standing, standing};
use super::super::{mail, queries};
use super::invite::{details, is_bothered, place_for_one_more};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::{App, Context};
use crate::base::db::schema::invitations;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, record};

/// How a step of the owner ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Managed<T> {
    /// As wanted.
    Done(T),
    /// It was answered, revoked or voided meanwhile.
    Over,
    /// Its time is over: it has to be sent again first.
    Expired,
    /// A limit stands against it; a sentence.
    Refused(String),
}

type Access = WorkspaceAccess<ManageWorkspaceUsers>;

/// The pending invitation of the path's workspace (IN-10); `None` when it was answered meanwhile.
fn find(db: &mut Db, access: &Access, id: InvitationId) -> Result<Option<Invitation>> {
    let workspace = access.workspace().id;
    let found = queries::pending_in(db, workspace, id)?;
    if found.is_none() && !queries::is_in(db, workspace, id)? {
        return Err(Error::NotFound);
    }
    Ok(found)
}

/// Sends an invitation again, with a new link and all its days; the old link is dead.
///
/// # Errors
/// [`Error::NotFound`] for an invitation of elsewhere; the database's fault.
pub async fn resend(
    app: &App,
    access: Access,
    ip: ClientIp,
    id: InvitationId,
) -> Result<Managed<Invitation>> {
    let (context, now) = (app.context.clone(), app.now());
    let outcome = app
        .db
        .write(access.locks(), move |db| {
            access.still_holds(db)?;
            let Some(invitation) = find(db, &access, id)? else { return Ok(Managed::Over) };
            if let Some(refusal) = refusal(db, &context, &access, &invitation, now)? {
                return Ok(Managed::Refused(refusal));
            }
            renew(db, &context, &access, ip, invitation, now).map(Managed::Done)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

fn refusal(
    db: &mut Db,
    context: &Context,
    access: &Access,
    invitation: &Invitation,
    now: Instant,
) -> Result<Option<String>> {
    // An expired one gave its place back.
    let keeps_place = standing(invitation, now) == Standing::Open;
    let place = (invitation.account, invitation.workspace);
    if !keeps_place && !place_for_one_more(db, context, place, now)? {
        return Ok(Some(
            "The workspace has no place left. Revoke another invitation first.".to_owned(),
        ));
    }
    let sent = queries::mails_by(db, access.actor().person().user, now - DAY)?;
    if sent >= context.settings.flags.invitations_per_day {
        return Ok(Some(
            "You have sent as many invitations today as you can. Try tomorrow.".to_owned(),
        ));
    }
    if is_bothered(db, &invitation.email_key, now)? {
        return Ok(Some(format!(
            "{} got several invitations today. Try tomorrow, or copy the link and hand it on.",
            invitation.email
        )));
    }
    Ok(None)
}

fn renew(
    db: &mut Db,
    context: &Context,
    access: &Access,
    ip: ClientIp,
    invitation: Invitation,
    now: Instant,
) -> Result<Invitation> {
    let person = access.actor().person();
    let renewed = Invitation {
        generation: invitation.generation + 1,
        expires_at: now.plus_days(context.settings.flags.invitation_days),
        invited_by: Some(person.user),
        invited_by_name: person.name.clone(),
        renewal_asked_at: None,
        sent_at: now,
        ..invitation
    };
    let mail_id = mail::queue_invitation(db, renewed.id, &renewed.email, renewed.generation, now)?;
    diesel::update(invitations::table.find(renewed.id))
        .set((
            invitations::generation.eq(renewed.generation),
            invitations::expires_at.eq(renewed.expires_at),
            invitations::invited_by.eq(renewed.invited_by),
            invitations::invited_by_name.eq(&renewed.invited_by_name),
            invitations::renewal_asked_at.eq(None::<Instant>),
            invitations::mail_id.eq(Some(mail_id)),
            invitations::sent_at.eq(now),
        ))
        .execute(db)?;
    let expires = json!({ "before": invitation.expires_at, "after": renewed.expires_at });
    let details = details(&renewed, [("expires", expires)]);
    note(db, access, ip, "workspace-invitation.updated", details, now)?;
    Ok(renewed)
}

/// Takes an invitation back; its place is free.
///
/// # Errors
/// [`Error::NotFound`] for an invitation of elsewhere; the database's fault.
pub async fn revoke(
    app: &App,
    access: Access,
    ip: ClientIp,
    id: InvitationId,
) -> Result<Managed<Invitation>> {
    let now = app.now();
    app.db
        .write(access.locks(), move |db| {
            access.still_holds(db)?;
            let Some(invitation) = find(db, &access, id)? else { return Ok(Managed::Over) };
            let revoked = diesel::update(
                invitations::table.find(id).filter(invitations::state.eq(State::Pending)),
            )
            .set((invitations::state.eq(State::Revoked), invitations::decided_at.eq(Some(now))))
            .execute(db)?;
            if revoked == 0 {
                return Ok(Managed::Over);
            }
            note(db, &access, ip, "workspace-invitation.deleted", details(&invitation, []), now)?;
            Ok(Managed::Done(invitation))
        })
        .await
}

/// The link of an invitation, to be handed on by whoever invited; that it was shown is recorded.
///
/// # Errors
/// [`Error::NotFound`] for an invitation of elsewhere; the database's fault.
pub async fn copy_link(
    app: &App,
    access: Access,
    ip: ClientIp,
    id: InvitationId,
) -> Result<Managed<(Invitation, String)>> {
    let (context, now) = (app.context.clone(), app.now());
    app.db
        .write(access.locks(), move |db| {
            access.still_holds(db)?;
            let Some(invitation) = find(db, &access, id)? else { return Ok(Managed::Over) };
            if standing(&invitation, now) != Standing::Open {
                return Ok(Managed::Expired);
            }
            let token = invitation.token(&context.keys, Way::Copied);
            let details = details(&invitation, [("link", json!("copied"))]);
            note(db, &access, ip, "workspace-invitation.updated", details, now)?;
            Ok(Managed::Done((invitation, token)))
        })
        .await
}

fn note(
    db: &mut Db,
    access: &Access,
    ip: ClientIp,
    event: &'static str,
    details: serde_json::Value,
    now: Instant,
) -> Result<()> {
    let entry = Entry::of_workspace(event, access.workspace(), details);
    record(db, &By::actor(access.actor(), ip), entry, now)
}
