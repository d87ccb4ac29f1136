//! Choosing another password: with the present one, or through a mailed link (AU-04, AU-12, AU-13).

use diesel::prelude::*;
use jiff::SignedDuration;
use serde_json::json;

use super::super::mail;
use super::super::model::NewPassword;
use super::super::queries::{self, User};
use super::email::by_link;
use super::sign_in::by;
use crate::access::actor::SignedInPerson;
use crate::access::email::EmailAddress;
use crate::app::App;
use crate::base::db::Locks;
use crate::base::db::schema::users;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::mail::sent_to as mails_about;
use crate::base::secret::Purpose;
use crate::tenancy::audit::{By, Entry, Event, record};

/// A reset link works this long.
pub const RESET_LIFETIME: SignedDuration = SignedDuration::from_mins(30);

/// The same address gets no second mail within this time.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Reset mails that one address gets in a day.
const RESETS_A_DAY: i64 = 10;

/// Sends a reset link to an address, if it has an account; the answer is the same either way.
///
/// # Errors
/// The database's fault; [`Error::TooMany`].
pub async fn request_reset(app: &App, email: EmailAddress, ip: ClientIp) -> Result<()> {
    app.limits.mail(ip)?;
    let now = app.now();
    app.db
        .write(Locks::Instance, move |db| {
            let Some(user) = queries::by_email_key(db, email.key())? else { return Ok(()) };
            if user.reset_requested_at.is_some_and(|at| now.since(at) < PAUSE)
                || mails_about(db, email.key(), "reset-password", now.plus_days(-1))?
                    >= RESETS_A_DAY
            {
                return Ok(());
            }
            // The newest link only, for its own thirty minutes (AU-12).
            let generation = user.reset_generation + 1;
            diesel::update(users::table.find(user.id))
                .set((
                    users::reset_generation.eq(generation),
                    users::reset_requested_at.eq(Some(now)),
                ))
                .execute(db)?;
            mail::queue_reset(db, &User { reset_generation: generation, ..user }, now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}

/// Whose password the token of a reset link opens; `None` when it is not valid (any more).
pub async fn resettable(app: &App, token: &str) -> Result<Option<User>> {
    let link = |user: &User| (user.reset_generation, user.reset_requested_at);
    by_link(app, token, Purpose::ResetPassword, RESET_LIFETIME, link).await
}

/// Sets the password behind a reset link: all sessions end, nobody is signed in, the person is told.
///
/// # Errors
/// [`Error::NotFound`] when the link was used at the same moment.
pub async fn reset_password(app: &App, user: User, new: NewPassword, ip: ClientIp) -> Result<()> {
    let hash = app.hash_password(new.into_password()).await?;
    let now = app.now();
    app.db
        .write(user.account, move |db| {
            let redeemed = diesel::update(
                users::table
                    .filter(users::id.eq(user.id))
                    .filter(users::reset_generation.eq(user.reset_generation)),
            )
            .set(users::password_hash.eq(Some(hash)))
            .execute(db)?;
            if redeemed != 1 {
                return Err(Error::NotFound);
            }
            queries::forget_links(db, user.id)?;
            let ended = queries::end_sessions(db, user.id, None)?;
            let details = json!({ "by": "reset", "sessions_ended": ended });
            record(
                db,
                &by(&user, ip),
                Entry::of_account(Event::UserPasswordChanged, user.account, details),
                now,
            )?;
            mail::queue_password_changed(db, &user, now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}

/// Sets another password; the caller has checked the present one. All other sessions end.
pub async fn change_password(
    app: &App,
    who: SignedInPerson,
    new: NewPassword,
    ip: ClientIp,
) -> Result<usize> {
    let hash = app.hash_password(new.into_password()).await?;
    let now = app.now();
    let ended = app
        .db
        .write(who.person().account, move |db| {
            let person = who.person();
            diesel::update(users::table.find(person.user))
                .set(users::password_hash.eq(Some(hash)))
                .execute(db)?;
            queries::forget_links(db, person.user)?;
            let ended = queries::end_sessions(db, person.user, Some(who.session()))?;
            let details = json!({ "by": "change", "sessions_ended": ended });
            let entry = Entry::of_account(Event::UserPasswordChanged, person.account, details);
            record(db, &By::actor(who.actor(), ip), entry, now)?;
            let user = queries::by_id(db, person.user)?.ok_or(Error::NotFound)?;
            mail::queue_password_changed(db, &user, now)?;
            Ok(ended)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(ended)
}
