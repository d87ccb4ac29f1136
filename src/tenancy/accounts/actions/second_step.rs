//! The second step of signing in (AU-16): between the right password and the session.
//!
//! Invariant: until the second factor was given there is no session. What the browser holds
//! meanwhile is a sealed cookie that counts for ten minutes, for this person, this password and
//! this browser; it opens nothing but the page that asks for the code.

use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::mail;
use super::super::model::TypedCode;
use super::super::queries::{self, User};
use super::sign_in::{Budget, by, clear_tries, code_budgets, count_try};
use super::two_factor::use_code;
use crate::access::{AccountId, UserId};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::form_code;
use crate::base::http::see_other;
use crate::base::secret::{Purpose, password_stamp};
use crate::tenancy::audit::{Entry, Event, record};
use crate::urls;

/// The code has to come within this time after the password.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// Somebody who gave the right password.
pub struct Arrival {
    /// Wrong passwords before it.
    pub failures: i32,
    /// The path to go on to.
    pub next: String,
    /// What the next page begins with.
    pub notice: Option<&'static str>,
}

/// What the sealed cookie says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SecondStep {
    user: UserId,
    stamp: String,
    since: Instant,
    /// Wrong passwords before the right one.
    pub failures: i32,
    /// The path to go on to.
    pub next: String,
    /// What the next page begins with.
    pub notice: Option<String>,
}

/// How a second step ended.
pub enum SecondStepOutcome {
    /// It is them; and how many codes were wrong before.
    Welcome {
        /// Who.
        user: Box<User>,
        /// Wrong codes before this right one.
        failures: i32,
    },
    /// Not a code that counts.
    Wrong,
    /// It took too long, or the password or the second factor changed meanwhile.
    Over,
}

fn cookie_name(app: &App) -> &'static str {
    if app.settings().is_https() { "__Host-bulkhead-step" } else { "bulkhead-step" }
}

fn cookie(app: &App, value: String, lifetime: CookieDuration) -> Cookie<'static> {
    Cookie::build(cookie_name(app), value)
        .path("/")
        .http_only(true)
        .secure(app.settings().is_https())
        .same_site(SameSite::Lax)
        .max_age(lifetime)
        .finish()
}

/// The cookie's end.
pub fn no_second_step(app: &App) -> Cookie<'static> {
    cookie(app, String::new(), CookieDuration::ZERO)
}

/// Where a person with two-factor on goes after the right password; `None` for everybody else, who
/// may have a session now.
pub async fn ask_second_step(
    req: &HttpRequest,
    app: &App,
    user: &User,
    arrival: Arrival,
) -> Result<Option<HttpResponse>> {
    let id = user.id;
    if !app.db.read(move |db| Ok(queries::has_two_factor(db, id)?)).await? {
        return Ok(None);
    }
    let step = SecondStep {
        user: id,
        stamp: password_stamp(user.password_hash.as_deref()),
        since: app.now(),
        failures: arrival.failures,
        next: arrival.next,
        notice: arrival.notice.map(str::to_owned),
    };
    let text = serde_json::to_vec(&step).map_err(Error::internal)?;
    let browser = form_code(req, &app.context, false);
    let sealed = app.context.keys.seal(Purpose::SecondStep, &browser, &text)?;
    let lifetime = CookieDuration::seconds(LIFETIME.as_secs());
    let mut response = see_other(urls::second_step());
    response
        .add_cookie(&cookie(app, URL_SAFE_NO_PAD.encode(sealed), lifetime))
        .map_err(|e| Error::internal(e.to_string()))?;
    Ok(Some(response))
}

/// The second step that this browser owes; `None` when there is none, or it was tampered with.
pub fn second_step(req: &HttpRequest, app: &App) -> Option<SecondStep> {
    let sealed = URL_SAFE_NO_PAD.decode(req.cookie(cookie_name(app))?.value()).ok()?;
    let browser = form_code(req, &app.context, false);
    let text = app.context.keys.open(Purpose::SecondStep, &browser, &sealed)?;
    serde_json::from_slice(&text).ok()
}

impl SecondStep {
    /// Whether there is still time for it.
    pub fn is_alive(&self, now: Instant) -> bool {
        now.since(self.since) <= LIFETIME
    }

    fn is_of(&self, user: &User) -> bool {
        user.id == self.user && password_stamp(user.password_hash.as_deref()) == self.stamp
    }
}

/// Checks the second factor. Wrong codes have a budget like that of passwords, and apart from it:
/// the right password does not fill it up again.
///
/// # Errors
/// [`Error::TooMany`] when this person's codes, or this network, were tried too often.
pub async fn finish_second_step(
    app: &App,
    step: &SecondStep,
    code: TypedCode,
    ip: ClientIp,
) -> Result<SecondStepOutcome> {
    let (id, now) = (step.user, app.now());
    let found = app.db.read(move |db| {
        let user = queries::by_id(db, id)?;
        Ok(user.zip(queries::two_factor(db, id)?))
    });
    let found = found.await?.filter(|(user, _)| step.is_of(user) && step.is_alive(now));
    let Some((user, row)) = found else { return Ok(SecondStepOutcome::Over) };
    app.limits.guess(ip)?;
    let budgets = code_budgets(id, ip).to_vec();
    let counted = budgets.clone();
    let failures = app.db.ingest(move |db| count_try(db, &counted, now)).await?;
    let code = match code {
        TypedCode::Current(code) => Factor::Code(code),
        TypedCode::Recovery(code) => {
            let hashes = app.hash_recovery_codes(vec![code], row.recovery_salt).await?;
            Factor::Recovery(hashes.concat())
        }
    };
    if !redeem(app, step.clone(), user.account, code, (budgets, ip)).await? {
        tracing::info!(event = "second-step.failed", ip = %ip.0, user = ?id, "wrong code");
        return Ok(SecondStepOutcome::Wrong);
    }
    app.mail_queued.notify_one();
    Ok(SecondStepOutcome::Welcome { user: Box::new(user), failures })
}

/// A typed code, ready to be compared.
enum Factor {
    Code(String),
    Recovery(Vec<u8>),
}

/// Uses the code up, in one transaction with what it leaves behind; returns whether it counted.
async fn redeem(
    app: &App,
    step: SecondStep,
    account: AccountId,
    factor: Factor,
    (budgets, ip): (Vec<Budget>, ClientIp),
) -> Result<bool> {
    let (id, now, context) = (step.user, app.now(), app.context.clone());
    app.db
        .write(account, move |db| {
            let user = queries::by_id(db, id)?.filter(|user| step.is_of(user));
            let Some(user) = user else { return Ok(false) };
            let counts = match factor {
                Factor::Code(code) => use_code(db, &context.keys, &user, &code, now)?,
                Factor::Recovery(hash) => use_recovery_code(db, &user, &hash, (ip, now))?,
            };
            if counts {
                clear_tries(db, &budgets)?;
            }
            Ok(counts)
        })
        .await
}

fn use_recovery_code(
    db: &mut Db,
    user: &User,
    hash: &[u8],
    (ip, now): (ClientIp, Instant),
) -> Result<bool> {
    if !queries::use_recovery_code(db, user.id, hash)? {
        return Ok(false);
    }
    let left = queries::recovery_codes_left(db, user.id)?;
    let details = json!({ "left": left });
    let entry = Entry::of_account(Event::TwoFactorRecovered, user.account, details);
    record(db, &by(user, ip), entry, now)?;
    mail::queue_recovery_code_used(db, user, left, ip, now)?;
    Ok(true)
}
