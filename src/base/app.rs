//! What every request needs. Everything that time, chance or the outside world decides comes in
//! here, so that tests can decide it instead.

use std::sync::{Arc, LazyLock};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::db::{Database, Db, Id, Instant, Location};
use super::error::{Error, Result};
use super::http::ended_sessions::EndedSessions;
use super::http::figures::Metrics;
use super::http::limits::Limits;
use super::live::Live;
use super::mail::{QueuedMail, Rendered};
use super::memory::Memory;
use super::secret::{Password, RecoveryCode};
use super::settings::Settings;

pub use super::context::Context;

/// Turns a queued mail into text; `None` when what it is about is over, so it is not sent.
pub type MailRenderer = fn(&Context, &mut Db, &QueuedMail) -> Result<Option<Rendered>>;

/// The program, as its handlers and jobs see it. Clones share everything.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Database,
    /// Settings, clock, keys.
    pub context: Arc<Context>,
    /// Limits on requests and guesses.
    pub limits: Arc<Limits>,
    /// Figures for Prometheus.
    pub metrics: Arc<Metrics>,
    /// Sessions whose rows are yet to be taken away.
    pub ended_sessions: Arc<EndedSessions>,
    /// What the layers above remember.
    pub memory: Arc<Memory>,
    /// Who waits for news.
    pub live: Arc<Live>,
    /// Writes the mails.
    pub render_mail: MailRenderer,
    /// Woken when a mail was queued.
    pub mail_queued: Arc<Notify>,
    /// Tells this process from others on the same database.
    pub instance: Id<App>,
}

/// Passwords hashed at the same time; each takes 19 MiB (AU-11).
const HASHES_AT_ONCE: usize = 4;

/// Threads that do nothing but hash: an allocator keeps what a thread once had, so work spread over
/// all blocking threads would hold 19 MiB in each of them.
static HASHERS: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    let mut threads = Builder::new_current_thread();
    threads.thread_name("hash").max_blocking_threads(HASHES_AT_ONCE).build()
});

async fn on_hasher<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R> {
    let threads = HASHERS.as_ref().map_err(Error::internal)?;
    threads.spawn_blocking(work).await.map_err(Error::internal)
}

impl App {
    /// The parts put together.
    pub fn new(db: Database, context: Context, render_mail: MailRenderer) -> Self {
        let is_shared = matches!(db.location(), Location::Postgres(_));
        let limits = Limits::new(
            context.settings.flags.requests_per_minute,
            context.settings.flags.requests_per_minute_of_key,
        );
        Self {
            db,
            instance: Id::new(context.now()),
            context: Arc::new(context),
            limits: Arc::new(limits),
            metrics: Arc::new(Metrics::new()),
            ended_sessions: Arc::new(EndedSessions::default()),
            memory: Arc::new(Memory::default()),
            live: Arc::new(Live::new(is_shared)),
            render_mail,
            mail_queued: Arc::new(Notify::new()),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.context.settings
    }

    /// The present moment.
    pub fn now(&self) -> Instant {
        self.context.now()
    }

    /// Whether `password` is the one behind `hash`; see [`Password::matches`].
    ///
    /// # Errors
    /// A fault of the thread that hashes.
    pub async fn password_matches(&self, password: Password, hash: Option<String>) -> Result<bool> {
        on_hasher(move || password.matches(hash.as_deref())).await
    }

    /// The PHC string of a new password.
    ///
    /// # Errors
    /// A fault of the thread that hashes.
    pub async fn hash_password(&self, password: Password) -> Result<String> {
        on_hasher(move || password.hash()).await?.map_err(|e| Error::internal(e.to_string()))
    }

    /// What is stored of recovery codes.
    ///
    /// # Errors
    /// A fault of the thread that hashes.
    pub async fn hash_recovery_codes(
        &self,
        codes: Vec<RecoveryCode>,
        salt: Vec<u8>,
    ) -> Result<Vec<Vec<u8>>> {
        on_hasher(move || codes.iter().map(|code| code.hash(&salt)).collect()).await?
    }
}
