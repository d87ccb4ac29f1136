//! Sessions, kept in the database: revocable, and worthless to whoever reads the database (SE-01).
//!
//! Invariant: a row exists only for a signed-in person; its key is stored as SHA-256.

use std::collections::HashMap;
use std::time::Duration;

use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_web::body::MessageBody;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Key, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::rt;
use diesel::prelude::*;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::base::app::App;
use crate::base::db::ids::{SessionId, UserId};
use crate::base::db::schema::sessions;
use crate::base::db::{Database, Instant};
use crate::base::error::{Error, Result};
use crate::base::secret::sha256;

/// Key of the person in the session's state; its value is [`SignedIn`].
pub const SIGNED_IN: &str = "signed_in";

/// Key of the row's own id, put into the state when it is loaded; never stored.
pub const ROW_ID: &str = "row_id";

/// A person keeps this many sessions; the oldest is dropped (SE-06).
pub const SESSIONS_PER_USER: i64 = 20;

/// Who is signed in, since when, and from where.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SignedIn {
    /// The person.
    pub user: UserId,
    /// When the password was last given (AU-17).
    pub authenticated_at: Instant,
    /// Which of the person's passwords opened it: another password ends it, also one that is set
    /// while the session begins.
    pub stamp: String,
    /// Address at sign-in.
    pub ip: String,
    /// The browser's words about itself.
    pub user_agent: String,
}

/// The session store on our own database.
#[derive(Clone)]
pub struct DbSessionStore {
    app: App,
}

/// A page waits this long for its session to be stored, or taken away.
const UPDATE: Duration = Duration::from_secs(1);

/// Between two tries to take away the row of a session that ended.
const AGAIN: Duration = Duration::from_secs(2);

type State = HashMap<String, String>;

impl DbSessionStore {
    fn db(&self) -> &Database {
        &self.app.db
    }

    fn signed_in(state: &State) -> Result<SignedIn> {
        let text = state.get(SIGNED_IN).ok_or_else(|| Error::internal("a session of nobody"))?;
        serde_json::from_str(text).map_err(Error::internal)
    }

    fn encode(mut state: State) -> Result<String> {
        state.remove(ROW_ID);
        serde_json::to_string(&state).map_err(Error::internal)
    }

    async fn find(&self, key: &str) -> Result<Option<State>> {
        let hash = sha256(key.as_bytes());
        if self.app.ended_sessions.all().contains(&hash) {
            return Ok(None);
        }
        let now = self.app.now();
        let idle = SignedDuration::from_hours(self.app.settings().flags.session_idle_hours);
        let row: Option<(SessionId, String)> = self
            .db()
            .read(move |db| {
                Ok(sessions::table
                    .filter(sessions::key_hash.eq(hash))
                    .filter(sessions::expires_at.gt(now))
                    .filter(sessions::last_seen_at.gt(now - idle))
                    .select((sessions::id, sessions::state))
                    .first(db)
                    .optional()?)
            })
            .await?;
        let Some((id, text)) = row else { return Ok(None) };
        let mut state: State = serde_json::from_str(&text).map_err(Error::internal)?;
        state.insert(ROW_ID.to_owned(), serde_json::to_string(&id).map_err(Error::internal)?);
        Ok(Some(state))
    }

    async fn insert(&self, state: State) -> Result<SessionKey> {
        let key = generate_session_key();
        let hash = sha256(key.as_ref().as_bytes());
        let user = Self::signed_in(&state)?.user;
        let text = Self::encode(state)?;
        let now = self.app.now();
        let expires = now.plus_days(self.app.settings().flags.session_days);
        self.db()
            .ingest(move |db| {
                diesel::insert_into(sessions::table)
                    .values((
                        sessions::id.eq(SessionId::new(now)),
                        sessions::key_hash.eq(hash),
                        sessions::user_id.eq(user),
                        sessions::state.eq(text),
                        sessions::created_at.eq(now),
                        sessions::last_seen_at.eq(now),
                        sessions::expires_at.eq(expires),
                    ))
                    .execute(db)?;
                let surplus: Vec<SessionId> = sessions::table
                    .filter(sessions::user_id.eq(user))
                    .order((sessions::last_seen_at.desc(), sessions::id.desc()))
                    .offset(SESSIONS_PER_USER)
                    .limit(SESSIONS_PER_USER)
                    .select(sessions::id)
                    .load(db)?;
                diesel::delete(sessions::table.filter(sessions::id.eq_any(surplus))).execute(db)?;
                Ok(())
            })
            .await?;
        Ok(key)
    }

    async fn replace(&self, key: &SessionKey, state: State) -> Result<()> {
        let hash = sha256(key.as_ref().as_bytes());
        let text = Self::encode(state)?;
        self.db()
            .ingest(move |db| {
                diesel::update(sessions::table.filter(sessions::key_hash.eq(hash)))
                    .set(sessions::state.eq(text))
                    .execute(db)?;
                Ok(())
            })
            .await
    }

    async fn remove(&self, hash: Vec<u8>) -> Result<()> {
        self.db()
            .ingest(move |db| {
                diesel::delete(sessions::table.filter(sessions::key_hash.eq(hash))).execute(db)?;
                Ok(())
            })
            .await
    }

    /// Ends a session, and takes its row away as soon as that can be done.
    async fn end(self, hash: Vec<u8>) {
        self.app.ended_sessions.all().insert(hash.clone());
        while let Err(error) = self.remove(hash.clone()).await {
            tracing::warn!(error.cause = %error, "a session ended whose row is still there");
            rt::time::sleep(AGAIN).await;
        }
        self.app.ended_sessions.all().remove(&hash);
    }
}

impl SessionStore for DbSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        self.find(key.as_ref()).await.map_err(|e| LoadError::Other(e.into()))
    }

    async fn save(&self, state: State, _: &CookieDuration) -> Result<SessionKey, SaveError> {
        self.insert(state).await.map_err(|e| SaveError::Other(e.into()))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        _: &CookieDuration,
    ) -> Result<SessionKey, UpdateError> {
        // What changes within a session is a notice that was shown, or a fresh proof of identity:
        // without either, pages can still be read while nothing can be written (F-07, F-11).
        match timeout(UPDATE, self.replace(&key, state)).await {
            Ok(Ok(()) | Err(Error::Unavailable)) | Err(_) => Ok(key),
            Ok(Err(error)) => Err(UpdateError::Other(error.into())),
        }
    }

    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let ending = rt::spawn(self.clone().end(sha256(key.as_ref().as_bytes())));
        // It goes on by itself when it takes longer.
        drop(timeout(UPDATE, ending).await);
        Ok(())
    }
}

/// The cookie's name; with https it is bound to this very host (SE-07).
pub fn cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-bulkhead" } else { "bulkhead" }
}

/// Around the middleware: without the database there is no session to load or to keep, which is no
/// fault of the program (F-08, F-11). Errors of handlers are pages by then.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn or_unavailable<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    next.call(req).await.map_err(|error| match error.as_error::<Error>() {
        None if error.as_response_error().status_code() == StatusCode::INTERNAL_SERVER_ERROR => {
            tracing::warn!(error.cause = %error, "no session");
            Error::Unavailable.into()
        }
        _ => error,
    })
}

/// The middleware that loads and stores sessions.
pub fn middleware(app: &App) -> SessionMiddleware<DbSessionStore> {
    let settings = app.settings();
    // The cookie holds a random key and nothing else, so the signature that the middleware insists
    // on adds nothing. A fixed one lets the instance key be replaced without signing people out.
    let signing = Key::derive_from(b"bulkhead: the value of this cookie is its own secret");
    SessionMiddleware::builder(DbSessionStore { app: app.clone() }, signing)
        .cookie_name(cookie_name(settings.is_https()).to_owned())
        .cookie_secure(settings.is_https())
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(
            PersistentSession::default()
                .session_ttl(CookieDuration::days(settings.flags.session_days))
                .session_ttl_extension_policy(TtlExtensionPolicy::OnStateChanges),
        )
        .build()
}
