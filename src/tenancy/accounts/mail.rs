//! Mails about people's own accounts.

use askama::Template;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::queries::{self, User};
use crate::access::email::EmailAddress;
use crate::app::Context;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::mail::{Outgoing, QueuedMail, Rendered, queue, sent_to};
use crate::base::secret::Purpose;
use crate::base::text::counted;
use crate::urls;

fn about(user: &User, template: &'static str, recipient: &str, data: Value) -> Outgoing {
    Outgoing { template, recipient: recipient.to_owned(), data, subject: Some(user.id.uuid()) }
}

pub(super) fn queue_confirmation(db: &mut Db, user: &User, now: Instant) -> Result<()> {
    let recipient = user.pending_email.clone().unwrap_or_else(|| user.email.clone());
    let data = json!({ "generation": user.verify_generation });
    queue(db, about(user, "verify-email", &recipient, data), now).map(drop)
}

pub(super) fn queue_known_address(db: &mut Db, email: &EmailAddress, now: Instant) -> Result<()> {
    // Strangers cause this one: one an hour tells its reader enough.
    let hour_ago = now - SignedDuration::from_hours(1);
    if sent_to(db, email.key(), "known-address", hour_ago)? > 0 {
        return Ok(());
    }
    let mail = Outgoing {
        template: "known-address",
        recipient: email.typed().to_owned(),
        data: json!({}),
        subject: None,
    };
    queue(db, mail, now).map(drop)
}

/// Tells a person that the account is gone.
pub fn queue_account_deleted(db: &mut Db, email: &str, now: Instant) -> Result<()> {
    let mail = Outgoing {
        template: "account-deleted",
        recipient: email.to_owned(),
        data: json!({ "when": now.long_text() }),
        subject: None,
    };
    queue(db, mail, now).map(drop)
}

pub(super) fn queue_reset(db: &mut Db, user: &User, now: Instant) -> Result<()> {
    let data = json!({ "generation": user.reset_generation });
    queue(db, about(user, "reset-password", &user.email, data), now).map(drop)
}

pub(super) fn queue_password_changed(db: &mut Db, user: &User, now: Instant) -> Result<()> {
    let data = json!({ "when": now.long_text() });
    queue(db, about(user, "password-changed", &user.email, data), now).map(drop)
}

pub(super) fn queue_email_change_asked(
    db: &mut Db,
    user: &User,
    new: &str,
    now: Instant,
) -> Result<()> {
    let data = json!({ "new": new, "when": now.long_text() });
    queue(db, about(user, "email-change-asked", &user.email, data), now).map(drop)
}

pub(super) fn queue_email_changed(db: &mut Db, user: &User, new: &str, now: Instant) -> Result<()> {
    let data = json!({ "new": new, "when": now.long_text() });
    queue(db, about(user, "email-changed", &user.email, data), now).map(drop)
}

pub(super) fn queue_new_device(
    db: &mut Db,
    user: &User,
    browser: &str,
    ip: ClientIp,
    now: Instant,
) -> Result<()> {
    let data = json!({ "browser": browser, "ip": ip.0.to_string(), "when": now.long_text() });
    queue(db, about(user, "new-device", &user.email, data), now).map(drop)
}

/// Tells a person that something about two-factor authentication changed; `template` says what.
pub(super) fn queue_two_factor(
    db: &mut Db,
    user: &User,
    template: &'static str,
    now: Instant,
) -> Result<()> {
    let data = json!({ "when": now.long_text() });
    queue(db, about(user, template, &user.email, data), now).map(drop)
}

pub(super) fn queue_recovery_code_used(
    db: &mut Db,
    user: &User,
    left: i64,
    ip: ClientIp,
    now: Instant,
) -> Result<()> {
    let left = counted(left, "recovery code is", "recovery codes are");
    let data = json!({ "left": left, "ip": ip.0.to_string(), "when": now.long_text() });
    queue(db, about(user, "recovery-code-used", &user.email, data), now).map(drop)
}

/// A mail of one paragraph and at most one link, which all of this slice are.
#[derive(Template)]
#[template(path = "tenancy/accounts/mail/message.html")]
struct MessageHtml<'a> {
    host: String,
    site: &'a str,
    message: &'a Message,
}

#[derive(Template)]
#[template(path = "tenancy/accounts/mail/message.txt", escape = "none")]
struct MessageText<'a> {
    host: String,
    message: &'a Message,
}

struct Message {
    heading: String,
    body: String,
    action: Option<(String, String)>,
    after: String,
}

fn rendered(context: &Context, message: &Message) -> Result<Rendered> {
    let (host, site) = (context.settings.host(), context.settings.site());
    Ok(Rendered {
        subject: message.heading.clone(),
        text: MessageText { host: host.clone(), message }.render().map_err(Error::internal)?,
        html: MessageHtml { host, site, message }.render().map_err(Error::internal)?,
    })
}

/// The text of a mail of this slice; `None` for another slice's, or for one that is over.
pub fn render(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let user = match mail.subject_id {
        Some(id) => queries::by_id(db, Id::from(id.uuid()))?,
        None => None,
    };
    let message = match (mail.template.as_str(), user) {
        ("known-address", _) => Some(known_address(context)),
        ("account-deleted", _) => Some(deleted(&mail.data.0)),
        ("verify-email", Some(user)) => confirmation(context, &user, &mail.data.0),
        ("reset-password", Some(user)) => reset(context, &user, &mail.data.0),
        (template, Some(_)) => notice(context, template, &mail.data.0),
        (_, None) => None,
    };
    message.map(|message| rendered(context, &message)).transpose()
}

/// The names of this slice's mails.
pub const TEMPLATES: &[&str] = &[
    "known-address",
    "account-deleted",
    "verify-email",
    "reset-password",
    "password-changed",
    "email-change-asked",
    "email-changed",
    "new-device",
    "two-factor-on",
    "two-factor-off",
    "recovery-codes-replaced",
    "recovery-code-used",
];

fn text(data: &Value, name: &str) -> String {
    data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_current(data: &Value, generation: i32) -> bool {
    data.get("generation").and_then(Value::as_i64) == Some(i64::from(generation))
}

fn known_address(context: &Context) -> Message {
    let site = context.settings.site();
    Message {
        heading: "You already have an account".to_owned(),
        body:
            "Somebody, probably you, wanted to create an account with this address. There is one \
               already: sign in with it. If you don’t know the password any more, choose a new one \
               on the sign-in page."
                .to_owned(),
        action: Some(("Sign in".to_owned(), format!("{site}{}", urls::sign_in()))),
        after: "If it wasn’t you, ignore this message: nothing was changed.".to_owned(),
    }
}

fn deleted(data: &Value) -> Message {
    Message {
        heading: "Your account was deleted".to_owned(),
        body: format!(
            "Your Bulkhead account was deleted on {}, with its API keys and its places in other \
             people’s workspaces.",
            text(data, "when")
        ),
        action: None,
        after: "If it wasn’t you, tell whoever runs this server at once.".to_owned(),
    }
}

fn confirmation(context: &Context, user: &User, data: &Value) -> Option<Message> {
    if !is_current(data, user.verify_generation) {
        return None;
    }
    let token =
        context.keys.link_token(Purpose::VerifyEmail, user.id.uuid(), user.verify_generation);
    Some(Message {
        heading: "Confirm your email address".to_owned(),
        body: "Somebody, probably you, uses this address for a Bulkhead account. Confirm that it \
               is yours."
            .to_owned(),
        action: Some((
            "Confirm this address".to_owned(),
            format!("{}{}", context.settings.site(), urls::verify_email(&token)),
        )),
        after: "The link works for 24 hours. If it wasn’t you, ignore this message: nothing \
                happens until you confirm."
            .to_owned(),
    })
}

fn reset(context: &Context, user: &User, data: &Value) -> Option<Message> {
    if !is_current(data, user.reset_generation) {
        return None;
    }
    let token =
        context.keys.link_token(Purpose::ResetPassword, user.id.uuid(), user.reset_generation);
    Some(Message {
        heading: "Choose a new password".to_owned(),
        body: "Somebody, probably you, asked for a new password for your Bulkhead account."
            .to_owned(),
        action: Some((
            "Choose a new password".to_owned(),
            format!("{}{}", context.settings.site(), urls::reset_password(&token)),
        )),
        after: "The link works for 30 minutes, once. If it wasn’t you, ignore this message: your \
                password stays as it is."
            .to_owned(),
    })
}

fn notice(context: &Context, template: &str, data: &Value) -> Option<Message> {
    let site = context.settings.site();
    let (when, new) = (text(data, "when"), text(data, "new"));
    let security = Some((
        "Look at your security page".to_owned(),
        format!("{site}{}", urls::profile_security()),
    ));
    let forgot =
        Some(("Choose a new password".to_owned(), format!("{site}{}", urls::forgot_password())));
    let (heading, body, action, after) = match template {
        "password-changed" => (
            "Your password was changed",
            format!(
                "The password of your account was changed on {when}. All other browsers were \
                 signed out; API keys go on working."
            ),
            forgot,
            "If it wasn’t you, choose a new password at once and delete API keys that you don’t know.",
        ),
        "email-change-asked" => (
            "Your address is about to change",
            format!(
                "On {when} somebody, probably you, asked to change the address of your account to \
                 {new}. Nothing changes until that address is confirmed."
            ),
            security,
            "If it wasn’t you, somebody else is signed in as you: change your password now.",
        ),
        "email-changed" => (
            "Your address was changed",
            format!(
                "On {when} the address of your account became {new}. You get no more mails here."
            ),
            None,
            "If it wasn’t you, tell whoever runs this server at once.",
        ),
        "new-device" => (
            "New sign-in to your account",
            format!(
                "{} signed in to your account on {when}, from the address {}.",
                text(data, "browser"),
                text(data, "ip")
            ),
            security,
            "If it was you, there is nothing to do. If not, change your password now.",
        ),
        template => return two_factor_notice(template, data, security),
    };
    Some(Message { heading: heading.to_owned(), body, action, after: after.to_owned() })
}

const NOT_YOU: &str =
    "If it wasn’t you, somebody else is signed in as you: change your password now.";

fn two_factor_notice(
    template: &str,
    data: &Value,
    security: Option<(String, String)>,
) -> Option<Message> {
    let when = text(data, "when");
    let (heading, body, after) = match template {
        "two-factor-on" => (
            "Two-factor authentication is on",
            format!(
                "Since {when}, signing in to your account asks for a code of your authenticator \
                 app after the password. Browsers that are signed in stay so."
            ),
            NOT_YOU,
        ),
        "two-factor-off" => (
            "Two-factor authentication is off",
            format!(
                "Since {when}, your password alone signs in to your account. The recovery codes \
                 don’t work any more."
            ),
            "If you didn’t do this or ask for it, change your password now and turn it on again.",
        ),
        "recovery-codes-replaced" => (
            "You have new recovery codes",
            format!("New recovery codes were made on {when}. The ones before don’t work any more."),
            NOT_YOU,
        ),
        "recovery-code-used" => (
            "A recovery code was used",
            format!(
                "On {when} one of your recovery codes signed in to your account, from the address \
                 {}. {} left.",
                text(data, "ip"),
                text(data, "left")
            ),
            "If it wasn’t you, change your password and make new recovery codes now.",
        ),
        _ => return None,
    };
    Some(Message { heading: heading.to_owned(), body, action: security, after: after.to_owned() })
}
