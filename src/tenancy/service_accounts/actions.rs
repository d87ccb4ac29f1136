//! Making service accounts, their keys, and ending both.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::model::{Bot, BotKey, BotName, LONGEST_OVERLAP, MOST};
use super::{mail, queries};
use crate::access::actor::Actor;
use crate::access::organization::{Admin, OrganizationAccess};
use crate::access::{AccountId, ServiceAccountId};
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, unuse, use_once};
use crate::base::secret::{ApiKey, KeyKind};
use crate::tenancy::api_keys::model::Lifetime;
use crate::tenancy::api_keys::rules::needs_no_warning;
use crate::tenancy::audit::{By, Entry, Event, record};

/// A key that was just made, with its service account.
pub struct NewKey {
    /// Whose.
    pub bot: Bot,
    /// As it is listed from now on.
    pub key: BotKey,
    /// The key itself: this is the only time that it can be shown.
    pub secret: ApiKey,
}

/// What became of a wish for a service account.
pub enum Created {
    /// It was made.
    Made(Box<NewKey>),
    /// Another one has the name.
    NameTaken,
    /// The organization has as many as it may have.
    LimitReached(i64),
}

fn once_only(db: &mut Db, once: Option<FormTokenId>, now: Instant) -> Result<()> {
    if let Some(once) = once
        && let Use::Again(_) = use_once(db, once, None, now)?
    {
        return Err(Error::Conflict(
            "The key was made when this form was sent first, and can’t be shown again. If you have \
             no copy, rotate the key."
                .to_owned(),
        ));
    }
    Ok(())
}

/// Makes a service account with its first key.
///
/// # Errors
/// [`Error::Conflict`] when the form was sent before; the right went meanwhile; the database's fault.
pub async fn create(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    (name, lifetime): (BotName, Lifetime),
    once: Option<FormTokenId>,
) -> Result<Created> {
    let now = app.now();
    let usual = app.settings().flags.service_account_limit;
    let created = access
        .write(app, move |db, access| {
            let account = access.organization().account;
            once_only(db, once, now)?;
            let limit = queries::own_limit(db, account)?.or(usual).map_or(MOST, i64::from);
            let refusal = if queries::has_name(db, account, &name, None)? {
                Some(Created::NameTaken)
            } else if queries::count(db, account)? >= limit {
                Some(Created::LimitReached(limit))
            } else {
                None
            };
            if let Some(refusal) = refusal {
                if let Some(once) = once {
                    unuse(db, once)?;
                }
                return Ok(refusal);
            }
            let by = access.actor().name().to_owned();
            let id = queries::insert(db, account, &name, &by, now)?;
            let bot = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
            let new = make_key(db, bot, access.actor(), lifetime.end(now), now)?;
            let details = json!({ "service_account": told(&new.bot), "key": key_told(&new.key),
                                  "name": new.bot.name });
            note(db, &access, (ip, Event::ServiceAccountCreated), details, now)?;
            mail::queue_key_made(db, &access, (&new, "created"), now)?;
            Ok(Created::Made(Box::new(new)))
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(created)
}

fn make_key(
    db: &mut Db,
    bot: Bot,
    by: &Actor,
    end: Option<Instant>,
    now: Instant,
) -> Result<NewKey> {
    let secret = ApiKey::generate(KeyKind::ServiceAccount);
    let key = BotKey {
        id: Id::new(now),
        service_account: bot.id,
        last_four: secret.last_four(),
        created_at: now,
        created_by_name: by.name().to_owned(),
        expires_at: end,
        replaced_at: None,
        last_used_at: None,
        last_used_ip: None,
        made_with_key_id: match by {
            Actor::UserKey { key, .. } => Some(key.id),
            Actor::Session { .. } | Actor::ServiceAccountKey { .. } => None,
        },
    };
    let told = needs_no_warning(now, end).then_some(now);
    queries::insert_key(db, &key, &secret, told)?;
    Ok(NewKey { bot, key, secret })
}

fn told(bot: &Bot) -> Value {
    json!({ "id": bot.id, "name": bot.name })
}

fn key_told(key: &BotKey) -> Value {
    json!({ "id": key.id, "last_four": key.last_four, "expires": key.expires_at })
}

fn note(
    db: &mut Db,
    access: &OrganizationAccess<Admin>,
    (ip, event): (ClientIp, Event),
    details: Value,
    now: Instant,
) -> Result<()> {
    let account: AccountId = access.organization().account;
    record(db, &By::actor(access.actor(), ip), Entry::of_account(event, account, details), now)
}

fn find(db: &mut Db, access: &OrganizationAccess<Admin>, id: ServiceAccountId) -> Result<Bot> {
    let account = access.organization().account;
    queries::one(db, account, id)?.ok_or(Error::NotFound)
}

/// Gives a service account another key; the old one lives for `overlap` more, at most 48 hours (A4).
///
/// # Errors
/// [`Error::Invalid`] for a longer overlap; [`Error::NotFound`] for a service account of elsewhere;
/// [`Error::Conflict`] when the form was sent before; the database's fault.
pub async fn rotate(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    (id, lifetime, overlap): (ServiceAccountId, Lifetime, SignedDuration),
    once: Option<FormTokenId>,
) -> Result<NewKey> {
    if overlap.is_negative() || overlap > LONGEST_OVERLAP {
        let text = "The old key can live for 48 hours (172800 seconds) more at most.";
        return Err(Error::Invalid(text.to_owned()));
    }
    let now = app.now();
    let new = access
        .write(app, move |db, access| {
            let bot = find(db, &access, id)?;
            once_only(db, once, now)?;
            queries::replace_keys(db, id, now + overlap, now)?;
            let new = make_key(db, bot, access.actor(), lifetime.end(now), now)?;
            let details = json!({
                "service_account": told(&new.bot), "key": key_told(&new.key),
                "old_key_until": now + overlap, "name": new.bot.name,
            });
            note(db, &access, (ip, Event::ServiceAccountRotated), details, now)?;
            mail::queue_key_made(db, &access, (&new, "rotated"), now)?;
            Ok(new)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(new)
}

/// Whether a service account got its new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It did.
    Done,
    /// Another one has it.
    NameTaken,
}

/// Gives a service account another name.
///
/// # Errors
/// [`Error::NotFound`] for a service account of elsewhere; the database's fault.
pub async fn rename(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    id: ServiceAccountId,
    name: BotName,
) -> Result<Renamed> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let bot = find(db, &access, id)?;
            if queries::has_name(db, access.organization().account, &name, Some(id))? {
                return Ok(Renamed::NameTaken);
            }
            if bot.name != name.as_str() {
                queries::rename(db, id, &name)?;
                let details = json!({
                    "service_account": told(&bot), "name": name.as_str(),
                    "before": { "name": bot.name }, "after": { "name": name.as_str() },
                });
                note(db, &access, (ip, Event::ServiceAccountUpdated), details, now)?;
            }
            Ok(Renamed::Done)
        })
        .await
}

/// Refuses a service account's keys from the next request on, or takes them again; returns its name.
///
/// # Errors
/// [`Error::NotFound`] for a service account of elsewhere; the database's fault.
pub async fn set_disabled(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    (id, is_disabled): (ServiceAccountId, bool),
) -> Result<String> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let bot = find(db, &access, id)?;
            if bot.disabled_at.is_some() != is_disabled {
                queries::set_disabled(db, id, is_disabled.then_some(now))?;
                let details = json!({
                    "service_account": told(&bot), "name": bot.name,
                    "before": { "disabled": !is_disabled }, "after": { "disabled": is_disabled },
                });
                note(db, &access, (ip, Event::ServiceAccountUpdated), details, now)?;
            }
            Ok(bot.name)
        })
        .await
}

/// Removes a service account with its keys and its roles in workspaces; returns its name.
///
/// # Errors
/// [`Error::NotFound`] for a service account of elsewhere; the database's fault.
pub async fn remove(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    id: ServiceAccountId,
) -> Result<String> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let bot = find(db, &access, id)?;
            let shared = queries::shared(db, id)?;
            let workspaces: Vec<&str> = shared.iter().map(|one| one.handle.as_str()).collect();
            queries::remove(db, id)?;
            let details = json!({ "service_account": told(&bot), "workspaces": workspaces,
                                  "name": bot.name });
            note(db, &access, (ip, Event::ServiceAccountDeleted), details, now)?;
            Ok(bot.name)
        })
        .await
}
