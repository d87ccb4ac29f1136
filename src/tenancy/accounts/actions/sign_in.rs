//! Signing in, and every other check of a password: one budget of guesses for all (AU-08, AU-09).

use std::time::Duration;

use actix_session::SessionExt;
use actix_web::HttpRequest;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use jiff::SignedDuration;
use serde_json::json;

use super::super::mail;
use super::super::queries::{self, Failures, User};
use crate::access::UserId;
use crate::access::actor::SignedInPerson;
use crate::access::actor::StepUp;
use crate::access::email::EmailAddress;
use crate::app::App;
use crate::base::db::schema::{accounts, users};
use crate::base::db::{Db, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::{ClientIp, browser_name, user_agent};
use crate::base::http::limits::network;
use crate::base::http::session::{SIGNED_IN, SignedIn};
use crate::base::secret::{Password, Purpose, password_stamp, sha256};
use crate::tenancy::audit::{By, Entry, Event, record};

/// How a check of a login ended.
#[derive(Debug)]
pub enum SignInOutcome {
    /// It is them; and how often it went wrong before.
    Welcome {
        /// Who.
        user: Box<User>,
        /// Wrong passwords before this right one.
        failures: i32,
    },
    /// No such person, or not the password: which of both is not said.
    Wrong,
}

/// Wrong passwords in a row that cost nothing: of one login from one network, and from all of them.
const FREE_FROM_ONE: i32 = 5;
const FREE_FROM_ALL: i32 = 50;

/// No more tries for this long after so many failures: 30 s, 1, 2, 4, 8, then 15 minutes. Never for
/// good: the owner gets in after 15 minutes at the latest (AU-08).
fn pause_after(failures: i32, free: i32) -> SignedDuration {
    if failures < free {
        return SignedDuration::ZERO;
    }
    let exponent = u32::try_from(failures - free).unwrap_or(0).min(5);
    SignedDuration::from_secs((30_i64 << exponent).min(900))
}

/// A budget of guesses, and how many of them cost nothing.
#[derive(Clone)]
pub(super) struct Budget {
    hash: Vec<u8>,
    free: i32,
}

/// The budgets of an account, whatever was typed to name it; of a login that names nobody, those of what was typed.
fn budgets_of(user: Option<&User>, typed: &str, ip: ClientIp) -> [Budget; 2] {
    match user {
        Some(user) => budgets(&format!("\0password of {}", user.id), ip),
        None => budgets(typed, ip),
    }
}

/// The budgets of a name: guessing from one network must not lock the owner out elsewhere.
fn budgets(login: &str, ip: ClientIp) -> [Budget; 2] {
    let network = network(ip).to_string();
    [
        Budget { hash: sha256(format!("{login}\n{network}").as_bytes()), free: FREE_FROM_ONE },
        Budget { hash: sha256(login.as_bytes()), free: FREE_FROM_ALL },
    ]
}

/// The budgets of a person's second factor: as those of a login, under a name that nobody can type
/// into a form.
pub(super) fn code_budgets(user: UserId, ip: ClientIp) -> [Budget; 2] {
    budgets(&format!("\0second factor of {user}"), ip)
}

/// Checks an address or handle with a password. Exactly one hash is computed whoever it is.
///
/// # Errors
/// [`Error::TooMany`] when this login, or this network, guessed too often.
pub async fn sign_in(
    app: &App,
    login: &str,
    password: Password,
    ip: ClientIp,
) -> Result<SignInOutcome> {
    let login = match EmailAddress::parse(login) {
        Ok(email) => email.key().to_owned(),
        Err(_) => login.trim().to_lowercase().chars().take(254).collect(),
    };
    let by_login = login.clone();
    let user = app
        .db
        .read(move |db| {
            Ok(if by_login.contains('@') {
                queries::by_email_key(db, &by_login)?
            } else {
                queries::by_handle(db, &by_login)?
            })
        })
        .await?;
    let budgets = budgets_of(user.as_ref(), &login, ip);
    check(app, user, budgets.to_vec(), password, ip).await
}

/// Checks the password of a known person: re-authentication, change of the password. It shares the
/// budget of sign-ins from the same network; what strangers do elsewhere does not count here.
///
/// # Errors
/// As [`sign_in`].
pub async fn check_password(
    app: &App,
    user: UserId,
    password: Password,
    ip: ClientIp,
) -> Result<SignInOutcome> {
    let user = app.db.read(move |db| Ok(queries::by_id(db, user)?)).await?;
    let [own, _] = budgets_of(user.as_ref(), "", ip);
    check(app, user, vec![own], password, ip).await
}

/// The password in a form that sometimes asks for it (AU-17); what is wrong with it, in a sentence.
///
/// # Errors
/// As [`check_password`].
pub async fn step_up(
    app: &App,
    user: UserId,
    password: String,
    ip: ClientIp,
) -> Result<Result<StepUp, String>> {
    if password.is_empty() {
        return Ok(Err("Enter your password: this can’t be undone easily.".to_owned()));
    }
    Ok(match check_password(app, user, Password::new(password), ip).await? {
        SignInOutcome::Welcome { .. } => Ok(StepUp::by_password()),
        SignInOutcome::Wrong => Err("This is not your password.".to_owned()),
    })
}

async fn check(
    app: &App,
    user: Option<User>,
    budgets: Vec<Budget>,
    password: Password,
    ip: ClientIp,
) -> Result<SignInOutcome> {
    app.limits.guess(ip)?;
    let now = app.now();
    // The try is counted before it is checked: many at once are many tries.
    let counted = budgets.clone();
    let before = app.db.ingest(move |db| count_try(db, &counted, now)).await?;
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let matches = app.password_matches(password, stored).await?;
    let known = user.as_ref().map(|user| user.id);
    let Some(user) = user.filter(|_| matches) else {
        tracing::info!(event = "sign-in.failed", ip = %ip.0, user = ?known, "wrong login or password");
        return Ok(SignInOutcome::Wrong);
    };
    app.db.ingest(move |db| clear_tries(db, &budgets)).await?;
    Ok(SignInOutcome::Welcome { user: Box::new(user), failures: before })
}

/// Forgets the failures before a try that was right.
pub(super) fn clear_tries(db: &mut Db, budgets: &[Budget]) -> Result<()> {
    for budget in budgets {
        queries::clear_failures(db, &budget.hash)?;
    }
    Ok(())
}

/// Counts one more try and returns how many failed before it, from this network.
pub(super) fn count_try(db: &mut Db, budgets: &[Budget], now: Instant) -> Result<i32> {
    let mut counts = Vec::with_capacity(budgets.len());
    for budget in budgets {
        let failures = queries::failures(db, &budget.hash)?;
        if let Some(failures) = failures
            && failures.throttled_until > now
        {
            let wait = failures.throttled_until.since(now).as_secs() + 1;
            tracing::info!(event = "sign-in.throttled", "too many wrong passwords or codes");
            return Err(Error::TooMany(u64::try_from(wait).unwrap_or(1)));
        }
        counts.push(failures.map_or(0, |failures| failures.count));
    }
    for (budget, before) in budgets.iter().zip(&counts) {
        let count = before.saturating_add(1);
        let throttled_until = now + pause_after(count, budget.free);
        queries::set_failures(db, &budget.hash, Failures { count, throttled_until }, now)?;
    }
    Ok(counts.first().copied().unwrap_or(0))
}

/// A person as they are now.
///
/// # Errors
/// [`Error::NotFound`] when they are gone.
pub async fn current(app: &App, user: UserId) -> Result<User> {
    app.db.read(move |db| queries::by_id(db, user)?.ok_or(Error::NotFound)).await
}

/// Starts a session in this browser, under a new id (SE-02).
///
/// # Errors
/// A fault of the session.
pub fn start_session(req: &HttpRequest, app: &App, user: &User, ip: ClientIp) -> Result<()> {
    let session = req.get_session();
    let signed_in = SignedIn {
        user: user.id,
        authenticated_at: app.now(),
        stamp: password_stamp(user.password_hash.as_deref()),
        ip: ip.0.to_string(),
        user_agent: user_agent(req),
    };
    session.clear();
    session.renew();
    session.insert(SIGNED_IN, signed_in).map_err(Error::internal)
}

fn device_cookie_name(app: &App) -> &'static str {
    if app.settings().is_https() { "__Host-bulkhead-device" } else { "bulkhead-device" }
}

fn device_code(app: &App, user: &User) -> String {
    let stamp = password_stamp(user.password_hash.as_deref());
    let value = [user.id.uuid().as_bytes(), stamp.as_bytes()].concat();
    URL_SAFE_NO_PAD.encode(app.context.keys.code(Purpose::KnownDevice, &value))
}

/// A cookie that says that this person signed in with this browser and this password before.
pub fn device_cookie(app: &App, user: &User) -> Cookie<'static> {
    Cookie::build(device_cookie_name(app), device_code(app, user))
        .path("/")
        .http_only(true)
        .secure(app.settings().is_https())
        .same_site(SameSite::Lax)
        .max_age(CookieDuration::days(400))
        .finish()
}

/// Whether the person signed in with this browser before.
pub fn is_known_device(req: &HttpRequest, app: &App, user: &User) -> bool {
    req.cookie(device_cookie_name(app))
        .is_some_and(|cookie| cookie.value() == device_code(app, user))
}

/// What a sign-in leaves behind: its time, an entry in the log, and a mail when it came from a new
/// browser or after many wrong passwords (AU-18).
pub async fn note_sign_in(
    app: &App,
    user: &User,
    ip: ClientIp,
    agent: String,
    is_suspicious: bool,
) -> Result<()> {
    let (user, now) = (user.clone(), app.now());
    app.db
        .write(user.account, move |db| {
            let last: Option<Instant> =
                users::table.find(user.id).select(users::last_sign_in_at).first(db)?;
            diesel::update(users::table.find(user.id))
                .set(users::last_sign_in_at.eq(Some(now)))
                .execute(db)?;
            record(
                db,
                &by(&user, ip),
                Entry::of_account(Event::UserLoggedIn, user.account, json!({})),
                now,
            )?;
            // Somebody's very first sign-in is new by nature.
            if is_suspicious && last.is_some() {
                mail::queue_new_device(db, &user, &browser_name(&agent), ip, now)?;
            }
            Ok(())
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}

/// A person as the actor of an entry.
pub fn by(user: &User, ip: ClientIp) -> By {
    By::Person {
        id: Some(user.id.uuid()),
        name: user.name.clone(),
        email: user.email.clone(),
        ip: Some(ip),
    }
}

/// The page waits this long until a sign-out is recorded.
const NOTED: Duration = Duration::from_secs(1);

/// Records a sign-out; where nothing can be written, without anybody waiting for it (F-07, F-11).
pub async fn note_sign_out(app: &App, who: &SignedInPerson, ip: ClientIp) {
    let (app, actor, account) = (app.clone(), who.actor().clone(), who.person().account);
    let noting = actix_web::rt::spawn(async move {
        let now = app.now();
        let noted = app.db.write(Locks::Chain(account), move |db| {
            // The account may have been deleted in another window.
            let exists: bool = diesel::select(diesel::dsl::exists(accounts::table.find(account)))
                .get_result(db)?;
            if exists {
                let entry = Entry::of_account(Event::UserLoggedOut, account, json!({}));
                record(db, &By::actor(&actor, ip), entry, now)?;
            }
            Ok(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(error.cause = %error, "could not record a sign-out");
        }
    });
    drop(tokio::time::timeout(NOTED, noting).await);
}
