//! Who sent this request: a session cookie on pages, a key on the API. Neither side takes the
//! other's (BR-03).

use std::sync::Arc;

use actix_session::SessionExt;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use diesel::prelude::*;
use jiff::SignedDuration;

use super::UserId;
use super::actor::{Actor, KeyOfPerson, Person, ServiceAccount};
use super::cache::Cache;
use crate::app::App;
use crate::base::db::ids::{BotKeyId, KeyId, SessionId};
use crate::base::db::schema::{
    accounts, api_keys, service_account_keys, service_accounts, sessions, users,
};
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::routes::route_of;
use crate::base::http::session::{ROW_ID, SIGNED_IN, SignedIn};
use crate::base::secret::{ApiKey, KeyKind, password_stamp};
use crate::base::text::{initials, tone_of};
use crate::base::zone::Zone;
use crate::frame::Viewer;

crate::base::db::text_enum! {
    /// How an address was confirmed.
    Verified {
        /// Not at all.
        No = "no",
        /// By a link that was mailed to it, or by the operator.
        Mailed = "mailed",
        /// By whoever handed on a copied link; counts only while no mail server is set.
        Vouched = "vouched",
    }
}

impl Verified {
    /// Whether it counts; `keeps_mails` says that no mail server is set (SP-12).
    pub fn counts(self, keeps_mails: bool) -> bool {
        self == Self::Mailed || (self == Self::Vouched && keeps_mails)
    }
}

crate::base::db::text_enum! {
    /// Colours that a person chose.
    Theme {
        /// What the device says.
        System = "system",
        /// Light.
        Light = "light",
        /// Dark.
        Dark = "dark",
    }
}

/// How a person wants pages to look: colours, and the name of the time zone.
type Looks = (Theme, String);

type PersonRow = (UserId, super::AccountId, String, String, String, String, Verified, Looks);

fn person_of(row: PersonRow, keeps_mails: bool) -> (Person, Looks) {
    let (user, account, handle, name, email, email_key, verified, looks) = row;
    let verified = verified.counts(keeps_mails);
    (Person { user, account, handle, name, email, email_key, verified }, looks)
}

const PERSON: (
    users::id,
    accounts::id,
    accounts::handle,
    accounts::name,
    users::email,
    users::email_key,
    users::verified,
    (users::theme, users::time_zone),
) = (
    users::id,
    accounts::id,
    accounts::handle,
    accounts::name,
    users::email,
    users::email_key,
    users::verified,
    (users::theme, users::time_zone),
);

/// A person by id, as the actor of background work and of what has no request.
pub fn person(db: &mut Db, user: UserId, keeps_mails: bool) -> QueryResult<Option<Person>> {
    let row = users::table
        .inner_join(accounts::table)
        .filter(users::id.eq(user))
        .select(PERSON)
        .first::<PersonRow>(db)
        .optional()?;
    Ok(row.map(|row| person_of(row, keeps_mails).0))
}

/// Whether a session has not ended.
pub fn session_lives(db: &mut Db, session: SessionId) -> QueryResult<bool> {
    let found: Option<SessionId> =
        sessions::table.find(session).select(sessions::id).first(db).optional()?;
    Ok(found.is_some())
}

/// The page scope's layer: puts [`Actor`] and [`Viewer`] into the request of a signed-in person.
///
/// # Errors
/// The database's fault, as an error page.
pub async fn by_session<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::BoxBody>, actix_web::Error> {
    let (request, payload) = req.into_parts();
    let outcome = identify_session(&request).await;
    let req = ServiceRequest::from_parts(request, payload);
    match outcome {
        Ok(()) => Ok(next.call(req).await?.map_into_boxed_body()),
        Err(error) => Ok(req.error_response(error)),
    }
}

async fn identify_session(req: &actix_web::HttpRequest) -> Result<()> {
    let session = req.get_session();
    let signed_in: Option<SignedIn> = session.get(SIGNED_IN).map_err(Error::internal)?;
    let row: Option<SessionId> = session.get(ROW_ID).map_err(Error::internal)?;
    let (Some(signed_in), Some(session)) = (signed_in, row) else { return Ok(()) };
    let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?.clone();
    let now = app.now();
    let (found, last_seen) = app
        .db
        .read(move |db| {
            let row = users::table
                .inner_join(accounts::table)
                .inner_join(sessions::table)
                .filter(sessions::id.eq(session))
                .filter(users::id.eq(signed_in.user))
                .select((PERSON, sessions::last_seen_at, users::password_hash))
                .first::<(PersonRow, Instant, Option<String>)>(db)
                .optional()?;
            let row = row.filter(|(_, _, hash)| password_stamp(hash.as_deref()) == signed_in.stamp);
            Ok(row.map_or((None, now), |(person, seen, _)| (Some(person), seen)))
        })
        .await?;
    let Some(row) = found else { return Ok(()) };
    let (person, (theme, zone)) = person_of(row, app.settings().keeps_mails());
    // A minute's exactness is enough for the list of devices, and spares a write per request.
    if now.since(last_seen) > SignedDuration::from_mins(1) {
        let app = app.clone();
        actix_web::rt::spawn(async move { note_seen(&app, session, now).await });
    }
    let viewer = Viewer {
        name: person.name.clone(),
        email: person.email.clone(),
        handle: person.handle.clone(),
        initials: initials(&person.name),
        tone: tone_of(&person.name),
        verified: person.verified,
        theme: theme.as_str(),
        zone: Zone::kept(&zone),
    };
    let authenticated_at = signed_in.authenticated_at;
    tracing::Span::current().record("user.id", tracing::field::display(person.user));
    let mut extensions = req.extensions_mut();
    extensions.insert(viewer);
    extensions.insert(Actor::Session { person, session, authenticated_at });
    Ok(())
}

async fn note_seen(app: &App, session: SessionId, now: Instant) {
    let noted = app.db.ingest(move |db| {
        diesel::update(sessions::table.find(session))
            .set(sessions::last_seen_at.eq(now))
            .execute(db)?;
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(error.cause = %error, "could not note that a session was seen");
    }
}

/// The API scope's layer: every request needs a key that counts, whatever its path (401 before 404).
///
/// # Errors
/// [`Error::SignInRequired`], [`Error::TooMany`] after many wrong keys, the database's fault.
pub async fn by_key<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::BoxBody>, actix_web::Error> {
    let (request, payload) = req.into_parts();
    let outcome = identify_key(&request).await;
    let req = ServiceRequest::from_parts(request, payload);
    match outcome {
        Ok(()) => Ok(next.call(req).await?.map_into_boxed_body()),
        // A client says its key only once a socket is open; that there is none it understands by a 404 alone.
        Err(Error::SignInRequired) if asks_for_socket(req.request()) => {
            Ok(req.error_response(Error::NotFound))
        }
        Err(error) => Ok(req.error_response(error)),
    }
}

/// Whether a request without a key wants to open a socket where there is no address.
fn asks_for_socket(req: &actix_web::HttpRequest) -> bool {
    let upgrade = req.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
        && !req.headers().contains_key(header::AUTHORIZATION)
        && route_of(req).is_none()
}

/// The key of an `Authorization: Bearer …` header; the scheme in any case (api.md §1).
pub fn bearer(req: &actix_web::HttpRequest) -> Option<&str> {
    let value = req.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// The key of a request, for whoever remembers what it may do.
pub struct KeyOfRequest(pub Arc<ApiKey>);

/// The workspace that an address of the API names.
fn place_of(path: &str) -> Option<(super::AccountId, super::WorkspaceId)> {
    let rest = path.strip_prefix("/api/accounts/")?;
    let (account, rest) = rest.split_once("/workspaces/")?;
    let workspace = rest.split('/').next()?;
    Some((account.parse().ok()?, workspace.parse().ok()?))
}

/// How long an answer to a key that asks too much is held back.
const HELD_BACK: std::time::Duration = std::time::Duration::from_millis(250);

/// Counts a request of a key. One that asks on whatever it is answered waits for its refusals, so that these
/// cost its neighbours little (F-28).
///
/// # Errors
/// [`Error::TooMany`].
async fn admit(app: &App, actor: &Actor) -> Result<()> {
    let admitted = app.limits.key(actor.credential());
    if admitted.is_err() {
        tokio::time::sleep(HELD_BACK).await;
    }
    admitted
}

async fn identify_key(req: &actix_web::HttpRequest) -> Result<()> {
    let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?.clone();
    let ip = ClientIp::of(req, &app.context);
    let typed = bearer(req).ok_or(Error::SignInRequired)?;
    // What fails the checksum is a typing error, not a guess.
    let key = Arc::new(ApiKey::parse(typed).ok_or(Error::SignInRequired)?);
    let cache = app.memory.of::<Cache>();
    let last = place_of(req.path()).and_then(|place| cache.last(&key, place));
    let counted = last.is_some();
    let known = match last {
        Some(last) => {
            // Whoever asks too much is told so without a question to the database.
            admit(&app, &last.actor).await?;
            cache.still_counts(&app, &key, last).await?
        }
        None => None,
    };
    let actor = if let Some(known) = &known {
        if known.is_due(app.now()) {
            note_use(&app, &known.actor, ip);
        }
        known.actor.clone()
    } else {
        let actor = actor_of_key(&app, &key, ip).await?;
        if !counted {
            admit(&app, &actor).await?;
        }
        actor
    };
    tracing::Span::current().record("user.id", tracing::field::display(actor.id()));
    let mut extensions = req.extensions_mut();
    if let Some(known) = known {
        extensions.insert(known);
    }
    extensions.insert(KeyOfRequest(key));
    extensions.insert(actor);
    Ok(())
}

/// Notes, without waiting for it, that a key was used.
fn note_use(app: &App, actor: &Actor, ip: ClientIp) {
    let (app, now) = (app.clone(), app.now());
    match actor {
        Actor::UserKey { key, .. } => {
            let id = key.id;
            actix_web::rt::spawn(async move { note_used(&app, id, ip, now).await });
        }
        Actor::ServiceAccountKey { key, .. } => {
            let id = *key;
            actix_web::rt::spawn(async move { note_bot_used(&app, id, ip, now).await });
        }
        Actor::Session { .. } => {}
    }
}

/// Who a key is, when it ends, and when it was last used.
pub struct Identified {
    /// Who.
    pub actor: Actor,
    /// When the key ends.
    pub expires: Option<Instant>,
    last_used: Option<Instant>,
}

/// Who acts by a key.
///
/// # Errors
/// [`Error::SignInRequired`] for one that does not count, [`Error::TooMany`] after many of those,
/// [`Error::VerificationRequired`], the database's fault.
pub async fn actor_of_key(app: &App, key: &ApiKey, ip: ClientIp) -> Result<Actor> {
    let (now, keeps_mails) = (app.now(), app.settings().keeps_mails());
    let asked = key.again();
    let found = app.db.read(move |db| by_hash(db, &asked, now, keeps_mails)).await?;
    let Some(identified) = found else {
        app.limits.unknown_key(ip)?;
        return Err(Error::SignInRequired);
    };
    if identified.actor.as_person().is_some_and(|person| !person.verified) {
        return Err(Error::VerificationRequired);
    }
    if is_due(identified.last_used, now) {
        note_use(app, &identified.actor, ip);
    }
    Ok(identified.actor)
}

/// Who a key is, if it counts.
pub fn by_hash(
    db: &mut Db,
    key: &ApiKey,
    now: Instant,
    keeps_mails: bool,
) -> Result<Option<Identified>> {
    let hash = key.hash();
    Ok(match key.kind() {
        KeyKind::User => key_by_hash(db, hash, now)?.map(|(row, key, (expires, last_used))| {
            let (person, _) = person_of(row, keeps_mails);
            Identified { actor: Actor::UserKey { person, key }, expires, last_used }
        }),
        KeyKind::ServiceAccount => service_account_by_hash(db, hash, now)?.map(
            |(service_account, key, (expires, last_used))| Identified {
                actor: Actor::ServiceAccountKey { service_account, key },
                expires,
                last_used,
            },
        ),
    })
}

/// Whether it is time to note a use again: a minute's exactness spares a write per request.
fn is_due(last_used: Option<Instant>, now: Instant) -> bool {
    last_used.is_none_or(|at| now.since(at) > SignedDuration::from_mins(1))
}

/// When a key ends, and when it was last used.
type Times = (Option<Instant>, Option<Instant>);

type BotFound = (ServiceAccount, BotKeyId, Times);

/// The service account of a key that has not expired, unless it is disabled.
fn service_account_by_hash(
    db: &mut Db,
    hash: Vec<u8>,
    now: Instant,
) -> QueryResult<Option<BotFound>> {
    type Row = (super::ServiceAccountId, String, super::AccountId, BotKeyId, Times);
    use service_account_keys as keys;
    let row = keys::table
        .inner_join(service_accounts::table)
        .filter(keys::hash.eq(hash))
        .filter(keys::expires_at.is_null().or(keys::expires_at.gt(now)))
        .filter(service_accounts::disabled_at.is_null())
        .select((
            service_accounts::id,
            service_accounts::name,
            service_accounts::account_id,
            keys::id,
            (keys::expires_at, keys::last_used_at),
        ))
        .first::<Row>(db)
        .optional()?;
    Ok(row
        .map(|(id, name, account, key, times)| (ServiceAccount { id, name, account }, key, times)))
}

async fn note_bot_used(app: &App, key: BotKeyId, ip: ClientIp, now: Instant) {
    let noted = app.db.ingest(move |db| {
        diesel::update(service_account_keys::table.find(key))
            .set((
                service_account_keys::last_used_at.eq(Some(now)),
                service_account_keys::last_used_ip.eq(Some(ip.0.to_string())),
            ))
            .execute(db)?;
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(error.cause = %error, "could not note that a key was used");
    }
}

type KeyFound = (PersonRow, KeyOfPerson, Times);

fn key_by_hash(db: &mut Db, hash: Vec<u8>, now: Instant) -> QueryResult<Option<KeyFound>> {
    type KeyRow = (KeyId, String, Option<super::WorkspaceId>, bool, Times);
    let row = users::table
        .inner_join(accounts::table)
        .inner_join(api_keys::table)
        .filter(api_keys::hash.eq(hash))
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .select((
            PERSON,
            (
                api_keys::id,
                api_keys::name,
                api_keys::only_workspace_id,
                api_keys::read_only,
                (api_keys::expires_at, api_keys::last_used_at),
            ),
        ))
        .first::<(PersonRow, KeyRow)>(db)
        .optional()?;
    Ok(row.map(|(person, (id, name, only_workspace, read_only, times))| {
        (person, KeyOfPerson { id, name, only_workspace, read_only }, times)
    }))
}

async fn note_used(app: &App, key: KeyId, ip: ClientIp, now: Instant) {
    let noted = app.db.ingest(move |db| {
        diesel::update(api_keys::table.find(key))
            .set((
                api_keys::last_used_at.eq(Some(now)),
                api_keys::last_used_ip.eq(Some(ip.0.to_string())),
            ))
            .execute(db)?;
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::warn!(error.cause = %error, "could not note that a key was used");
    }
}
