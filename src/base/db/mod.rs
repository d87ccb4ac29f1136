//! The database: `read`, `write` and `ingest`, on SQLite and on PostgreSQL alike.
//!
//! Invariant: whatever is read inside [`Database::write`] about the accounts it locks cannot change
//! before it commits; there is one writer per account on both databases (SP-4).

mod backend;
mod connection;
mod group;
mod id;
pub mod ids;
mod instant;
mod json;
pub mod migrate;
mod number;
pub mod paging;
mod prepared;
pub mod schema;
mod state_type;
pub mod tell;
mod together;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::sql_types::Array;
use futures_util::future::{Either, select};
use tokio::sync::Semaphore;
use tokio::time::{self, timeout};

pub(crate) use backend::on_each_backend;
pub use backend::{
    AnyConnection, Db, Location, Manager, MultiBackend, MultiRawValue, Role, connect, either,
    length, lower,
};
pub use id::{Id, SqlId};
pub use instant::{Instant, SqlInstant};
pub use json::Json;
pub(crate) use json::text_enum;
pub use number::Number;
pub use prepared::{Prepared, Statement};
pub use state_type::StateType;
pub use together::{Writing, together};

use crate::base::db::ids::AccountId;
use crate::base::error::{Error, Result};

/// What a `write` needs to have for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locks {
    /// These accounts, locked in ascending order of their ids.
    Accounts(Vec<AccountId>),
    /// The audit chain of one account, for entries about what changed nothing: nothing that is remembered of
    /// the account loses its worth by them.
    Chain(AccountId),
    /// What belongs to no account: first user, handles, mails in the queue.
    Instance,
}

impl Locks {
    /// Several accounts at once.
    pub fn accounts(ids: impl IntoIterator<Item = AccountId>) -> Self {
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self::Accounts(ids)
    }
}

impl From<AccountId> for Locks {
    fn from(id: AccountId) -> Self {
        Self::Accounts(vec![id])
    }
}

/// How many connections there are, and how long a request waits for one before it answers 503.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Connections that read.
    pub readers: u32,
    /// Connections that write; SQLite always has one.
    pub writers: u32,
}

const READER_WAIT: Duration = Duration::from_secs(1);
const WRITER_WAIT: Duration = Duration::from_secs(5);

/// The database. Clones share the same pools.
#[derive(Clone)]
pub struct Database {
    location: Location,
    readers: Arc<Side>,
    writers: Arc<Side>,
    group: group::Queue,
    queries: Arc<AtomicU64>,
}

/// A pool with a gate before it: waiting happens in the gate (asynchronous, bounded), so a request
/// never holds a thread while it waits.
struct Side {
    pool: r2d2::Pool<Manager>,
    gate: Arc<Semaphore>,
    patience: Duration,
}

impl Side {
    fn open(location: &Location, role: Role, size: u32, patience: Duration) -> Self {
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(patience)
            .test_on_check_out(true)
            .error_handler(Box::new(LogPoolErrors))
            .build_unchecked(Manager::new(location.clone(), role));
        Self { pool, gate: Arc::new(Semaphore::new(size as usize)), patience }
    }

    /// Runs `work` on a connection of this side, on a thread that may block.
    async fn run(self: &Arc<Self>, work: Work) -> Result<Outcome> {
        let permit = timeout(self.patience, Arc::clone(&self.gate).acquire_owned())
            .await
            .map_err(|_| Error::Unavailable)?
            .map_err(Error::internal)?;
        let side = Arc::clone(self);
        web::block(move || {
            // Held as long as the connection is in use, also when nobody waits for the answer any
            // more: the next one waits at the gate, not on a thread.
            let _permit = permit;
            let mut pooled = side.pool.get()?;
            pooled.worked = None;
            let outcome = work(&mut pooled.db);
            // What failed may have failed by the connection: it is asked before it is used again.
            pooled.worked = outcome.is_ok().then(std::time::Instant::now);
            outcome
        })
        .await
        .map_err(Error::internal)?
    }
}

/// What some work gives, whatever it is: what waits, locks and commits is compiled once, and not for each.
type Outcome = Box<dyn Any + Send>;
type Work = Box<dyn FnOnce(&mut Db) -> Result<Outcome> + Send>;

fn boxed<R: Send + 'static>(work: impl FnOnce(&mut Db) -> Result<R> + Send + 'static) -> Work {
    Box::new(move |db| Ok(Box::new(work(db)?)))
}

fn unboxed<R: 'static>(outcome: Outcome) -> Result<R> {
    let outcome = outcome.downcast().map_err(|_| Error::internal("an outcome of another kind"))?;
    Ok(*outcome)
}

#[derive(Debug)]
struct LogPoolErrors;

impl<E: std::error::Error> r2d2::HandleError<E> for LogPoolErrors {
    fn handle_error(&self, error: E) {
        tracing::warn!(error.cause = %error, "could not open a database connection");
    }
}

impl Database {
    /// The pools; no connection is made yet.
    pub fn new(location: Location, sizes: Sizes) -> Self {
        let writers = match location {
            Location::Sqlite(_) => 1,
            Location::Postgres(_) => sizes.writers,
        };
        Self {
            readers: Arc::new(Side::open(&location, Role::Reader, sizes.readers, READER_WAIT)),
            writers: Arc::new(Side::open(&location, Role::Writer, writers, WRITER_WAIT)),
            group: group::Queue::default(),
            queries: Arc::new(AtomicU64::new(0)),
            location,
        }
    }

    /// Where the data lives.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// How many `read` and `write` calls were made; for tests and metrics.
    pub fn calls(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// Runs `work`, which only reads.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is free within a second; else what `work` returns.
    pub async fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        unboxed(self.readers.run(boxed(work)).await?)
    }

    /// Runs `work` in a transaction, as the only writer of what `locks` names. Top level only.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when its turn does not come within five seconds; else what `work`
    /// returns, and then nothing was changed.
    pub async fn write<R: Send + 'static>(
        &self,
        locks: impl Into<Locks>,
        work: impl FnOnce(&mut Db) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        unboxed(self.written(locks.into(), boxed(work)).await?)
    }

    async fn written(&self, locks: Locks, work: Work) -> Result<Outcome> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let asked = time::Instant::now();
        let change: Work = Box::new(move |db| {
            // The turn in this process and the lock that another one holds share one wait.
            backend::wait_for_lock(db, WRITER_WAIT.saturating_sub(asked.elapsed()))?;
            in_transaction(db, &locks, work)
        });
        self.writers.run(change).await
    }

    /// Runs `work` in a short transaction that takes no account's lock: for what guards itself by
    /// its own row (a run, logs, last use of a key, a claimed mail). On SQLite the changes of all who
    /// wait at that moment share one transaction; PostgreSQL groups commits itself.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub async fn ingest<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        unboxed(self.ingested(boxed(work)).await?)
    }

    async fn ingested(&self, work: Work) -> Result<Outcome> {
        if matches!(self.location, Location::Postgres(_)) {
            return self.written(Locks::Accounts(Vec::new()), work).await;
        }
        self.queries.fetch_add(1, Ordering::Relaxed);
        let answer = self.group.push(work)?;
        let group = self.group.clone();
        // Whoever gets the writer makes the changes of all who wait for it.
        let turn = pin!(self.writers.run(boxed(move |db| {
            backend::wait_for_lock(db, WRITER_WAIT)?;
            group.drain(db);
            Ok(())
        })));
        match select(answer, turn).await {
            // A change that goes away unanswered was not begun: the transaction could not be.
            Either::Left((answer, _)) => answer.map_err(|_| Error::Unavailable)?,
            Either::Right((Ok(_), answer)) => answer.await.map_err(|_| Error::Unavailable)?,
            Either::Right((Err(fault), _)) => Err(fault),
        }
    }
}

type Transactions = <Db as Connection>::TransactionManager;

/// Begins, locks, works, and commits; rolls back on an error and on a panic.
///
/// # Errors
/// What `work` returns, or the database's fault.
pub fn in_transaction<R>(
    db: &mut Db,
    locks: &Locks,
    work: impl FnOnce(&mut Db) -> Result<R>,
) -> Result<R> {
    match &mut db.connection {
        // diesel's own BEGIN is deferred: a transaction that read first and then wants to write is
        // refused at once when another one wrote meanwhile, whatever the busy timeout.
        AnyConnection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?;
        }
        AnyConnection::Postgres(_) => Transactions::begin_transaction(db)?,
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        lock(db, locks)?;
        work(db)
    }));
    match outcome {
        Ok(Ok(value)) => {
            Transactions::commit_transaction(db)?;
            Ok(value)
        }
        Ok(Err(error)) => {
            if let Err(fault) = Transactions::rollback_transaction(db) {
                tracing::warn!(error.cause = %fault, "could not roll back");
            }
            Err(error)
        }
        Err(panic) => {
            if let Err(fault) = Transactions::rollback_transaction(db) {
                tracing::warn!(error.cause = %fault, "could not roll back");
            }
            std::panic::resume_unwind(panic)
        }
    }
}

/// On PostgreSQL, waits until the rows named are ours; SQLite has one writer anyway. Either way they count
/// the change, so that what other processes remember of them counts no more; except for a chain alone.
fn lock(db: &mut Db, locks: &Locks) -> Result<()> {
    match locks {
        Locks::Accounts(ids) => lock_accounts(db, ids)?,
        Locks::Chain(id) => lock_rows(db, &[*id])?,
        Locks::Instance => {
            if let AnyConnection::Postgres(conn) = &mut db.connection {
                diesel::sql_query("SELECT id FROM instance FOR UPDATE").execute(conn)?;
            }
            diesel::update(schema::instance::table)
                .set(schema::instance::version.eq(schema::instance::version + 1))
                .execute(db)?;
        }
    }
    Ok(())
}

/// Locks accounts too, inside a transaction that began with [`Locks::Instance`]: the instance always
/// comes first, so the order is the same everywhere.
pub fn lock_accounts(db: &mut Db, ids: &[AccountId]) -> QueryResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    lock_rows(db, ids)?;
    let version = schema::accounts::version;
    diesel::update(schema::accounts::table.filter(schema::accounts::id.eq_any(ids.to_vec())))
        .set(version.eq(version + 1))
        .execute(db)?;
    Ok(())
}

fn lock_rows(db: &mut Db, ids: &[AccountId]) -> QueryResult<()> {
    if let AnyConnection::Postgres(conn) = &mut db.connection {
        diesel::sql_query("SELECT id FROM accounts WHERE id = ANY($1) ORDER BY id FOR UPDATE")
            .bind::<Array<SqlId>, _>(ids)
            .execute(conn)?;
    }
    Ok(())
}
