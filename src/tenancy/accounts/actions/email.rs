//! Confirming an address, and changing it (AU-12, AU-14).

use diesel::prelude::*;
use jiff::SignedDuration;
use serde_json::json;

use super::super::mail;
use super::super::queries::{self, User};
use super::sign_in::by;
use crate::access::UserId;
use crate::access::actor::{RecentlyConfirmed, SignedInPerson};
use crate::access::email::EmailAddress;
use crate::access::identify::Verified;
use crate::access::listing;
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::schema::{invitations, users};
use crate::base::db::{Db, Id, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::only_once;
use crate::base::secret::{LinkToken, Purpose};
use crate::tenancy::audit::{By, Entry, Event, record};

/// A confirmation link works this long.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The same person gets no second mail within this time.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Queues a confirmation mail with a new link; older links die.
pub(super) fn queue_confirmation(db: &mut Db, user: UserId, now: Instant) -> Result<()> {
    raise_generation(db, user, now)?;
    let user = queries::by_id(db, user)?.ok_or(Error::NotFound)?;
    mail::queue_confirmation(db, &user, now)
}

fn raise_generation(db: &mut Db, user: UserId, now: Instant) -> QueryResult<usize> {
    diesel::update(users::table.find(user))
        .set((
            users::verify_generation.eq(users::verify_generation + 1),
            users::verify_requested_at.eq(Some(now)),
        ))
        .execute(db)
}

/// Takes a change of the address back, together with its link.
pub async fn cancel_change(app: &App, who: SignedInPerson, ip: ClientIp) -> Result<()> {
    let now = app.now();
    app.db
        .write(who.person().account, move |db| {
            let person = who.person();
            queries::forget_links(db, person.user)?;
            let entry =
                Entry::of_account(Event::UserEmailChangeCancelled, person.account, json!({}));
            record(db, &By::actor(who.actor(), ip), entry, now)
        })
        .await
}

/// Sends the confirmation mail again; within a minute of the last one nothing is sent.
///
/// # Errors
/// The database's fault; [`Error::TooMany`].
pub async fn send_confirmation(app: &App, user: UserId, ip: ClientIp) -> Result<()> {
    app.limits.mail(ip)?;
    let now = app.now();
    app.db
        .write(Locks::Instance, move |db| {
            let found = queries::by_id(db, user)?.ok_or(Error::NotFound)?;
            let is_recent = found.verify_requested_at.is_some_and(|at| now.since(at) < PAUSE);
            if is_recent { Ok(()) } else { queue_confirmation(db, user, now) }
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}

/// What a confirmation link would confirm.
#[derive(Debug)]
pub struct Confirmation {
    /// Whose.
    pub user: User,
    /// The address that becomes confirmed.
    pub email: String,
}

/// What the token of a confirmation link stands for; `None` when it is not valid (any more).
pub async fn confirmable(app: &App, token: &str) -> Result<Option<Confirmation>> {
    let link = |user: &User| (user.verify_generation, user.verify_requested_at);
    let user = by_link(app, token, Purpose::VerifyEmail, LIFETIME, link).await?;
    Ok(user.map(|user| {
        let email = user.pending_email.clone().unwrap_or_else(|| user.email.clone());
        Confirmation { user, email }
    }))
}

/// Whose mailed link a token is, while it works; `link` tells the generation that is alive, and when
/// it was asked for.
pub(super) async fn by_link(
    app: &App,
    token: &str,
    purpose: Purpose,
    lifetime: SignedDuration,
    link: impl Fn(&User) -> (i32, Option<Instant>) + Send + 'static,
) -> Result<Option<User>> {
    let Some(token) = LinkToken::parse(token) else { return Ok(None) };
    let context = app.context.clone();
    app.db
        .read(move |db| {
            let user = queries::by_id(db, Id::from(token.id()))?;
            Ok(user.filter(|user| {
                let (generation, requested) = link(user);
                token.proves(&context.keys, purpose, generation)
                    && is_alive(requested, lifetime, context.now())
            }))
        })
        .await
}

/// Whether a link asked for at `requested` still works.
fn is_alive(requested: Option<Instant>, lifetime: SignedDuration, now: Instant) -> bool {
    requested.is_some_and(|at| now.since(at) <= lifetime)
}

/// Confirms an address: the one of a new person, or the new one of a person who changes it.
///
/// # Errors
/// [`Error::Conflict`] when somebody else took the new address meanwhile; [`Error::NotFound`] when
/// the link was used at the same moment.
pub async fn confirm_email(app: &App, confirmed: Confirmation, ip: ClientIp) -> Result<()> {
    let now = app.now();
    app.db
        .write(Locks::Instance, move |db| {
            let user = queries::by_id(db, confirmed.user.id)?.ok_or(Error::NotFound)?;
            // First, as in every change of several rows: accepting an invitation locks it first too.
            lock_account(db, &user)?;
            if user.verify_generation != confirmed.user.verify_generation {
                return Err(Error::NotFound);
            }
            let email = EmailAddress::parse(&confirmed.email).map_err(Error::Invalid)?;
            let holder = queries::by_email_key(db, email.key())?;
            if holder.is_some_and(|holder| holder.id != user.id) {
                return Err(Error::Conflict(
                    "Another account has this address by now. Choose another one on your profile."
                        .to_owned(),
                ));
            }
            diesel::update(users::table.find(user.id))
                .set((
                    users::email.eq(email.typed()),
                    users::email_key.eq(email.key()),
                    users::pending_email.eq(None::<String>),
                    users::verified.eq(Verified::Mailed),
                    users::verify_generation.eq(user.verify_generation + 1),
                    // A reset link that went to the old address must not open the new account.
                    users::reset_generation.eq(user.reset_generation + 1),
                ))
                .execute(db)?;
            listing::refresh(db, user.id)?;
            // What invites a member, not an address, goes where the member is.
            diesel::update(invitations::table.filter(invitations::user_id.eq(user.id)))
                .filter(invitations::decided_at.is_null())
                .set((invitations::email.eq(email.typed()), invitations::email_key.eq(email.key())))
                .execute(db)?;
            let details = json!({ "before": user.email, "after": email.typed() });
            let changed = user.email != email.typed();
            let event = if changed { Event::UserEmailChanged } else { Event::UserVerified };
            record(db, &by(&user, ip), Entry::of_account(event, user.account, details), now)?;
            if changed {
                mail::queue_email_changed(db, &user, email.typed(), now)?;
            }
            Ok(())
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}

/// Inside a transaction that holds the instance's lock: the account's too, for its audit chain. The
/// instance always comes first, so the order is the same everywhere.
pub(super) fn lock_account(db: &mut Db, user: &User) -> Result<()> {
    Ok(crate::base::db::lock_accounts(db, &[user.account])?)
}

/// Asks for a change of the address: nothing changes until the new one is confirmed, and the old one
/// is told. Whether the new one has an account is not said.
///
/// # Errors
/// The database's fault; [`Error::TooMany`].
pub async fn ask_for_change(
    app: &App,
    who: RecentlyConfirmed,
    email: EmailAddress,
    once: FormTokenId,
    ip: ClientIp,
) -> Result<()> {
    app.limits.mail(ip)?;
    let now = app.now();
    let actor = who.actor().clone();
    app.db
        .write(who.person().account, move |db| {
            only_once(db, once, now)?;
            let person = actor.person()?;
            let taken = queries::by_email_key(db, email.key())?
                .is_some_and(|holder| holder.id != person.user);
            diesel::update(users::table.find(person.user))
                .set(users::pending_email.eq(Some(email.typed())))
                .execute(db)?;
            // Either way older links die: a link must never confirm an address that it was not
            // mailed to, and must not tell whether the new one has an account.
            if taken {
                raise_generation(db, person.user, now)?;
                mail::queue_known_address(db, &email, now)?;
            } else {
                queue_confirmation(db, person.user, now)?;
            }
            let user = queries::by_id(db, person.user)?.ok_or(Error::NotFound)?;
            mail::queue_email_change_asked(db, &user, email.typed(), now)?;
            let details = json!({ "asked": email.typed() });
            record(
                db,
                &By::actor(&actor, ip),
                Entry::of_account(Event::UserEmailChangeAsked, person.account, details),
                now,
            )
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}
