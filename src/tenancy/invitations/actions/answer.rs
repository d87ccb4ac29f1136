//! The invited person's other answers: no, and "ask for a new one".

use diesel::prelude::*;
use serde_json::json;

use super::super::mail;
use super::super::model::{Happened, Opened, State};
use super::super::rules::{DAY, Standing, standing};
use super::invite::details;
use super::open;
use crate::access::actor::Actor;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::schema::invitations;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, record};

/// Refuses for good; tells the inviter and nobody else (IN-09). Returns whether there was something
/// to refuse.
pub async fn decline(
    app: &App,
    opened: &Opened,
    actor: Option<&Actor>,
    ip: ClientIp,
) -> Result<bool> {
    let (context, now, token) = (app.context.clone(), app.now(), opened.token.clone());
    // Signed in or not: the token decides. Who holds it without signing in is not known.
    let by = match actor {
        Some(actor) => By::actor(actor, ip),
        None => By::Person {
            id: None,
            name: "Holder of the link".to_owned(),
            email: String::new(),
            ip: Some(ip),
        },
    };
    let declined = app
        .db
        .write(opened.invitation.account, move |db| {
            let Some((opened, _)) = open::find(db, &context, &token)? else { return Ok(false) };
            let invitation = &opened.invitation;
            if standing(invitation, now) != Standing::Open {
                return Ok(false);
            }
            diesel::update(
                invitations::table
                    .find(invitation.id)
                    .filter(invitations::state.eq(State::Pending))
                    .filter(invitations::generation.eq(invitation.generation)),
            )
            .set((invitations::state.eq(State::Declined), invitations::decided_at.eq(Some(now))))
            .execute(db)?;
            let details = details(invitation, [("link", json!(opened.way.word()))]);
            let event = invitation.event(Happened::Rejected);
            record(db, &by, opened.place.entry(event, details), now)?;
            mail::queue_declined(db, invitation, now)?;
            Ok(true)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(declined)
}

/// Asks whoever decides over the place to send an expired invitation again, once a day.
///
/// # Errors
/// [`crate::base::error::Error::TooMany`] for a network that asks for everything; the database's
/// fault.
pub async fn ask_again(app: &App, opened: &Opened, ip: ClientIp) -> Result<()> {
    app.limits.mail(ip)?;
    let (context, now, token) = (app.context.clone(), app.now(), opened.token.clone());
    app.db
        .write(opened.invitation.account, move |db| {
            let Some((opened, _)) = open::find(db, &context, &token)? else { return Ok(()) };
            if standing(&opened.invitation, now) != Standing::Expired {
                return Ok(());
            }
            let day_ago: Instant = now - DAY;
            let asked = diesel::update(
                invitations::table.find(opened.invitation.id).filter(
                    invitations::renewal_asked_at
                        .is_null()
                        .or(invitations::renewal_asked_at.le(day_ago)),
                ),
            )
            .set(invitations::renewal_asked_at.eq(Some(now)))
            .execute(db)?;
            if asked == 1 {
                mail::queue_renewal_asked(db, &opened.invitation, now)?;
            }
            Ok(())
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}
