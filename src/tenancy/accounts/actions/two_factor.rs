//! Turning two-factor authentication on and off, and its codes (AU-16).
//!
//! Invariant: there is a row exactly while it is on. A setup that nobody finished exists on its page
//! only, sealed for the person and the session that opened it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::super::mail;
use super::super::model::TypedCode;
use super::super::queries::{self, TwoFactor, User};
use crate::access::UserId;
use crate::access::actor::RecentlyConfirmed;
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::only_once;
use crate::base::random;
use crate::base::secret::{InstanceKeys, Purpose, RecoveryCode};
use crate::tenancy::audit::{By, Entry, Event, record};

/// Recovery codes in a set.
const RECOVERY_CODES: usize = 10;

/// A secret that an authenticator app is about to learn.
pub struct Setup {
    /// For the form: the secret, sealed for this person and session.
    pub sealed: String,
    /// The secret as people type it.
    pub secret: String,
    /// The address that authenticator apps understand.
    pub uri: String,
}

/// The codes of a person's secret: six digits, SHA-1, 30 seconds, one step of drift either way,
/// which is what every authenticator app takes for granted.
fn totp(secret: Vec<u8>, email: &str) -> Result<Totp> {
    Builder::new()
        .with_secret(Secret::from(secret))
        .with_account_name(email.replace(':', " "))
        .with_issuer(Some("Bulkhead"))
        .build()
        .map_err(|error| Error::internal(error.to_string()))
}

/// The time step that a code belongs to; `None` when it is of none that counts now.
fn step_of(totp: &Totp, code: &str, now: Instant) -> Option<i64> {
    let step = totp.check(code, u64::try_from(now.as_seconds()).ok()?)?;
    i64::try_from(step).ok()
}

fn setup_of(who: &RecentlyConfirmed) -> Vec<u8> {
    let (user, session) = (who.person().user.uuid(), who.signed_in().session().uuid());
    [*user.as_bytes(), *session.as_bytes()].concat()
}

fn setup(app: &App, who: &RecentlyConfirmed, secret: Vec<u8>) -> Result<Setup> {
    let sealed = app.context.keys.seal(Purpose::TwoFactorSetup, &setup_of(who), &secret)?;
    let totp = totp(secret, &who.person().email)?;
    Ok(Setup {
        sealed: URL_SAFE_NO_PAD.encode(sealed),
        secret: totp.secret().to_base32(),
        uri: totp.to_url().map_err(|error| Error::internal(error.to_string()))?,
    })
}

/// A new secret for the page that turns two-factor on; nothing is kept of it.
///
/// # Errors
/// A fault of the cipher.
pub fn begin_setup(app: &App, who: &RecentlyConfirmed) -> Result<Setup> {
    setup(app, who, random::bytes::<20>().to_vec())
}

/// The same secret again, for a page that shows what was wrong; `None` when it was made for
/// somebody else or another session.
///
/// # Errors
/// A fault of the cipher.
pub fn resume_setup(app: &App, who: &RecentlyConfirmed, sealed: &str) -> Result<Option<Setup>> {
    open_setup(app, who, sealed).map(|secret| setup(app, who, secret)).transpose()
}

fn open_setup(app: &App, who: &RecentlyConfirmed, sealed: &str) -> Option<Vec<u8>> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    app.context.keys.open(Purpose::TwoFactorSetup, &setup_of(who), &sealed)
}

/// A fresh set of recovery codes: as shown once, and as stored.
struct RecoverySet {
    shown: Vec<String>,
    salt: Vec<u8>,
    hashes: Vec<Vec<u8>>,
}

async fn recovery_set(app: &App) -> Result<RecoverySet> {
    let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| RecoveryCode::generate()).collect();
    let shown = codes.iter().map(RecoveryCode::reveal).collect();
    let salt = random::bytes::<16>().to_vec();
    let hashes = app.hash_recovery_codes(codes, salt.clone()).await?;
    Ok(RecoverySet { shown, salt, hashes })
}

/// Turns two-factor on, given a code of the secret that the page showed; returns the recovery
/// codes, to be shown once, or `None` for a wrong code.
///
/// # Errors
/// [`Error::Conflict`] when it is on already, or the form was sent twice.
pub async fn turn_on(
    app: &App,
    who: RecentlyConfirmed,
    (sealed, code): (&str, TypedCode),
    (once, ip): (FormTokenId, ClientIp),
) -> Result<Option<Vec<String>>> {
    let (user, account, now) = (who.person().user, who.person().account, app.now());
    let TypedCode::Current(code) = code else { return Ok(None) };
    let Some(secret) = open_setup(app, &who, sealed) else { return Ok(None) };
    let Some(last_step) = step_of(&totp(secret.clone(), &who.person().email)?, &code, now) else {
        return Ok(None);
    };
    let set = recovery_set(app).await?;
    let row = TwoFactor {
        user,
        secret: app.context.keys.seal(Purpose::TwoFactorSecret, user.uuid().as_bytes(), &secret)?,
        last_step,
        recovery_salt: set.salt.clone(),
        created_at: now,
    };
    app.db
        .write(account, move |db| {
            only_once(db, once, now)?;
            if queries::has_two_factor(db, user)? {
                return Err(Error::Conflict("Two-factor authentication is on already.".to_owned()));
            }
            queries::add_two_factor(db, &row)?;
            queries::set_recovery_codes(db, user, &set.salt, &set.hashes)?;
            let entry = Entry::of_account(Event::TwoFactorCreated, account, json!({}));
            record(db, &By::actor(who.actor(), ip), entry, now)?;
            let user = queries::by_id(db, user)?.ok_or(Error::NotFound)?;
            mail::queue_two_factor(db, &user, "two-factor-on", now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(Some(set.shown))
}

/// Replaces the recovery codes; returns the new ones, to be shown once.
///
/// # Errors
/// [`Error::NotFound`] while two-factor is off; [`Error::Conflict`] when the form was sent twice.
pub async fn rotate_recovery_codes(
    app: &App,
    who: RecentlyConfirmed,
    once: FormTokenId,
    ip: ClientIp,
) -> Result<Vec<String>> {
    let (user, account, now) = (who.person().user, who.person().account, app.now());
    let set = recovery_set(app).await?;
    app.db
        .write(account, move |db| {
            only_once(db, once, now)?;
            if !queries::set_recovery_codes(db, user, &set.salt, &set.hashes)? {
                return Err(Error::NotFound);
            }
            let entry = Entry::of_account(Event::TwoFactorRotated, account, json!({}));
            record(db, &By::actor(who.actor(), ip), entry, now)?;
            let user = queries::by_id(db, user)?.ok_or(Error::NotFound)?;
            mail::queue_two_factor(db, &user, "recovery-codes-replaced", now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(set.shown)
}

/// Turns two-factor off for a person who is signed in; returns whether it was on.
pub async fn turn_off(app: &App, who: RecentlyConfirmed, ip: ClientIp) -> Result<bool> {
    let (user, account, now) = (who.person().user, who.person().account, app.now());
    let was_on = app
        .db
        .write(account, move |db| {
            let user = queries::by_id(db, user)?.ok_or(Error::NotFound)?;
            remove_two_factor(db, &user, &By::actor(who.actor(), ip), now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(was_on)
}

/// Turns two-factor off inside the caller's transaction, which holds the person's account: entry
/// and mail included. Returns whether it was on.
pub fn remove_two_factor(db: &mut Db, user: &User, by: &By, now: Instant) -> Result<bool> {
    if !queries::remove_two_factor(db, user.id)? {
        return Ok(false);
    }
    record(db, by, Entry::of_account(Event::TwoFactorDeleted, user.account, json!({})), now)?;
    mail::queue_two_factor(db, user, "two-factor-off", now)?;
    Ok(true)
}

/// Uses up a six-digit code inside the caller's transaction; returns whether it counted. Its time
/// step counts once, and so does no earlier one after it.
pub(super) fn use_code(
    db: &mut Db,
    keys: &InstanceKeys,
    user: &User,
    code: &str,
    now: Instant,
) -> Result<bool> {
    let Some(row) = queries::two_factor(db, user.id)? else { return Ok(false) };
    let about = user.id.uuid();
    let Some(secret) = keys.open(Purpose::TwoFactorSecret, about.as_bytes(), &row.secret) else {
        tracing::warn!(user = ?user.id, "a two-factor secret was sealed with a key that is gone");
        return Ok(false);
    };
    match step_of(&totp(secret, &user.email)?, code, now) {
        Some(step) => Ok(queries::use_step(db, user.id, step)?),
        None => Ok(false),
    }
}

/// People whose secrets are sealed anew in one transaction.
const BATCH: i64 = 100;

/// Seals the secrets of some people after `after` with the present key, where the one before sealed
/// them; returns where to go on.
pub fn reseal_some(db: &mut Db, keys: &InstanceKeys, after: UserId) -> Result<Option<UserId>> {
    let rows = queries::sealed_secrets(db, after, BATCH)?;
    for (user, sealed) in &rows {
        let about = user.uuid();
        if let Some(anew) = keys.reseal(Purpose::TwoFactorSecret, about.as_bytes(), sealed)? {
            queries::replace_sealed_secret(db, *user, sealed, &anew)?;
        }
    }
    Ok(rows.last().map(|(user, _)| *user))
}
