//! What whoever may invite does with an invitation that was sent: resend, revoke, hand on its link.

use diesel::prelude::*;
use serde_json::json;

use super::super::model::{Happened, Invitation, InvitationId, State, Way};
use super::super::rules::{Standing, standing};
use super::super::{mail, queries, rules};
use super::invite::{details, is_bothered, place_for_one_more, too_many_today};
use super::inviter::{Handling, MayInvite};
use crate::app::{App, Context};
use crate::base::db::ids::FormTokenId;
use crate::base::db::schema::invitations;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, only_once, use_once};
use crate::tenancy::audit::{By, Event, record};

/// How a step with an invitation ended.
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

/// The pending invitation of the path's place (IN-10); `None` when it was answered meanwhile.
fn find(
    db: &mut Db,
    access: &impl MayInvite,
    id: InvitationId,
    what: Handling,
) -> Result<Option<Invitation>> {
    let scope = access.scope();
    let found = queries::pending_in(db, scope, id)?;
    if found.is_none() && !queries::is_in(db, scope, id)? {
        return Err(Error::NotFound);
    }
    if let Some(found) = &found {
        access.reaches(db, found, what)?;
    }
    Ok(found)
}

/// Sends an invitation again, with a new link and all its days; the old link is dead. One that is over gets its
/// days also where the address got several mails today.
///
/// # Errors
/// [`Error::NotFound`] for an invitation of elsewhere; [`Error::Conflict`] when the form was sent before; the
/// database's fault.
pub async fn resend(
    app: &App,
    access: impl MayInvite,
    ip: ClientIp,
    (id, once): (InvitationId, Option<FormTokenId>),
) -> Result<Managed<Invitation>> {
    only(resend_some(app, access, ip, (vec![id], once)).await?)
}

/// Sends several invitations again, each for itself.
///
/// # Errors
/// As [`resend`].
pub async fn resend_some(
    app: &App,
    access: impl MayInvite,
    ip: ClientIp,
    (ids, once): (Vec<InvitationId>, Option<FormTokenId>),
) -> Result<Vec<Managed<Invitation>>> {
    let (context, now) = (app.context.clone(), app.now());
    let outcome = access
        .write(app, move |db, access| {
            if let Some(once) = once {
                only_once(db, once, now)?;
            }
            ids.into_iter().map(|id| resend_one(db, &context, &access, (ip, id), now)).collect()
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

fn resend_one(
    db: &mut Db,
    context: &Context,
    access: &impl MayInvite,
    (ip, id): (ClientIp, InvitationId),
    now: Instant,
) -> Result<Managed<Invitation>> {
    let Some(invitation) = find(db, access, id, Handling::Offer)? else { return Ok(Managed::Over) };
    if let Some(refusal) = refusal(db, context, access, &invitation, now)? {
        return Ok(Managed::Refused(refusal));
    }
    renew(db, context, access, ip, invitation, now).map(Managed::Done)
}

/// The only result of one.
fn only<T>(results: Vec<Managed<T>>) -> Result<Managed<T>> {
    results.into_iter().next().ok_or_else(|| Error::internal("one invitation has no result"))
}

fn refusal(
    db: &mut Db,
    context: &Context,
    access: &impl MayInvite,
    invitation: &Invitation,
    now: Instant,
) -> Result<Option<String>> {
    if invitation.access_until.is_some_and(|until| until <= now) {
        let text = "The access that it gives is over. Revoke it, and invite with a later end.";
        return Ok(Some(text.to_owned()));
    }
    // An expired one gave its place back.
    let keeps_place = standing(invitation, now) == Standing::Open;
    let scope = invitation.scope();
    if !keeps_place && !place_for_one_more(db, context, scope, now)? {
        let place = if scope.workspace.is_some() { "workspace" } else { "organization" };
        return Ok(Some(format!(
            "The {place} has no place left. Revoke another invitation first."
        )));
    }
    let inviter = access.actor().person()?.user;
    if let Some(text) = too_many_today(db, context, inviter, now)? {
        return Ok(Some(text));
    }
    // Its link works: a new one that nobody gets would only end it.
    let is_in_vain = keeps_place && is_bothered(db, inviter, &invitation.email_key, now)?;
    Ok(is_in_vain.then(|| {
        format!(
            "{} got several invitations today. Try tomorrow, or copy the link and hand it on.",
            invitation.email
        )
    }))
}

fn renew(
    db: &mut Db,
    context: &Context,
    access: &impl MayInvite,
    ip: ClientIp,
    invitation: Invitation,
    now: Instant,
) -> Result<Invitation> {
    let person = access.actor().person()?;
    let mut renewed = Invitation {
        generation: invitation.generation + 1,
        expires_at: rules::end(
            now,
            context.settings.flags.invitation_days,
            invitation.access_until,
        ),
        invited_by: Some(person.user),
        invited_by_name: person.name.clone(),
        renewal_asked_at: None,
        sent_at: now,
        mail_id: None,
        ..invitation
    };
    if !is_bothered(db, person.user, &renewed.email_key, now)? {
        let link = (renewed.id, renewed.generation);
        let mail = mail::queue_invitation(db, link, &renewed.email, person.user, now)?;
        renewed.mail_id = Some(mail);
    }
    diesel::update(invitations::table.find(renewed.id))
        .set((
            invitations::generation.eq(renewed.generation),
            invitations::expires_at.eq(renewed.expires_at),
            invitations::invited_by.eq(renewed.invited_by),
            invitations::invited_by_name.eq(&renewed.invited_by_name),
            invitations::renewal_asked_at.eq(None::<Instant>),
            invitations::mail_id.eq(renewed.mail_id),
            invitations::sent_at.eq(now),
        ))
        .execute(db)?;
    let expires = json!({ "before": invitation.expires_at, "after": renewed.expires_at });
    let details = details(&renewed, [("expires", expires)]);
    note(db, access, (ip, renewed.event(Happened::Updated)), details, now)?;
    Ok(renewed)
}

/// Takes an invitation back; its place is free.
///
/// # Errors
/// [`Error::NotFound`] for an invitation of elsewhere; the database's fault.
pub async fn revoke(
    app: &App,
    access: impl MayInvite,
    ip: ClientIp,
    id: InvitationId,
) -> Result<Managed<Invitation>> {
    only(revoke_some(app, access, ip, vec![id]).await?)
}

/// Takes several invitations back.
///
/// # Errors
/// As [`revoke`].
pub async fn revoke_some(
    app: &App,
    access: impl MayInvite,
    ip: ClientIp,
    ids: Vec<InvitationId>,
) -> Result<Vec<Managed<Invitation>>> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            ids.into_iter().map(|id| revoke_one(db, &access, (ip, id), now)).collect()
        })
        .await
}

fn revoke_one(
    db: &mut Db,
    access: &impl MayInvite,
    (ip, id): (ClientIp, InvitationId),
    now: Instant,
) -> Result<Managed<Invitation>> {
    let Some(invitation) = find(db, access, id, Handling::Withdraw)? else {
        return Ok(Managed::Over);
    };
    let revoked =
        diesel::update(invitations::table.find(id).filter(invitations::state.eq(State::Pending)))
            .set((invitations::state.eq(State::Revoked), invitations::decided_at.eq(Some(now))))
            .execute(db)?;
    if revoked == 0 {
        return Ok(Managed::Over);
    }
    let event = invitation.event(Happened::Deleted);
    note(db, access, (ip, event), details(&invitation, []), now)?;
    Ok(Managed::Done(invitation))
}

/// The link of an invitation, to be handed on by whoever invited; that it was shown is recorded, once for each form.
///
/// # Errors
/// [`Error::NotFound`] for an invitation of elsewhere; the database's fault.
pub async fn copy_link(
    app: &App,
    access: impl MayInvite,
    ip: ClientIp,
    (id, once): (InvitationId, FormTokenId),
) -> Result<Managed<(Invitation, String)>> {
    let (context, now) = (app.context.clone(), app.now());
    access
        .write(app, move |db, access| {
            let Some(invitation) = find(db, &access, id, Handling::Offer)? else {
                return Ok(Managed::Over);
            };
            if standing(&invitation, now) != Standing::Open {
                return Ok(Managed::Expired);
            }
            let token = invitation.token(&context.keys, Way::Copied);
            if matches!(use_once(db, once, None, now)?, Use::First) {
                let details = details(&invitation, [("link", json!("copied"))]);
                note(db, &access, (ip, invitation.event(Happened::Updated)), details, now)?;
            }
            Ok(Managed::Done((invitation, token)))
        })
        .await
}

fn note(
    db: &mut Db,
    access: &impl MayInvite,
    (ip, event): (ClientIp, Event),
    details: serde_json::Value,
    now: Instant,
) -> Result<()> {
    record(db, &By::actor(access.actor(), ip), access.entry(event, details), now)
}
