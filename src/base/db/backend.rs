//! How connections to either database are made.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::r2d2::R2D2Connection;
use diesel::{Connection, ConnectionResult, PgConnection, QueryResult, SqliteConnection};

pub use super::connection::{AnyConnection, Db, MultiBackend, MultiRawValue};

/// Runs the same body once per backend: for SQL that the common subset lacks (upserts, batches).
macro_rules! on_each_backend {
    ($db:expr, |$conn:ident| $body:expr) => {
        match &mut $db.connection {
            $crate::base::db::AnyConnection::Postgres($conn) => $body,
            $crate::base::db::AnyConnection::Sqlite($conn) => $body,
        }
    };
}
pub(crate) use on_each_backend;

/// Where the data lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file of the embedded database.
    Sqlite(std::path::PathBuf),
    /// A PostgreSQL server, as a connection URL (a secret: it may hold a password).
    Postgres(String),
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads only; SQLite refuses changes on it.
    Reader,
    /// Reads and writes.
    Writer,
}

/// Makes and checks connections for the pools.
#[derive(Clone, Debug)]
pub struct Manager {
    location: Location,
    role: Role,
}

impl Manager {
    /// A manager of connections to `location`.
    pub fn new(location: Location, role: Role) -> Self {
        Self { location, role }
    }
}

diesel::define_sql_function! {
    /// A text in lower case, whatever script it is in: the databases' own function knows ASCII only, on `SQLite`
    /// always and on `PostgreSQL` under the locale C.
    #[sql_name = "folded"]
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

diesel::define_sql_function! {
    /// How many characters a text has.
    fn length(text: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

diesel::define_sql_function! {
    /// The first of two moments that there is.
    #[sql_name = "coalesce"]
    fn either(
        first: diesel::sql_types::Nullable<crate::base::db::SqlInstant>,
        second: diesel::sql_types::Nullable<crate::base::db::SqlInstant>,
    ) -> diesel::sql_types::Nullable<crate::base::db::SqlInstant>;
}

/// `busy_timeout` comes first: the pragmas after it may have to wait for another process.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
     PRAGMA cache_size = -2000; \
     PRAGMA case_sensitive_like = ON;";

/// Bounds on how long a statement, a lock or a forgotten transaction may take.
/// Nothing is compiled: a statement with a count for each step of a chart took a second more for it.
const POSTGRES_SETTINGS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '2s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = 'warning'; \
     SET TIME ZONE 'UTC'; SET jit = off;";

/// Opens one connection, set up for its role.
///
/// # Errors
/// The database's own words on why it cannot be reached.
pub fn connect(location: &Location, role: Role) -> ConnectionResult<Db> {
    let sql_error = diesel::ConnectionError::CouldntSetupConfiguration;
    match location {
        Location::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
            conn.batch_execute(SQLITE_SETTINGS).map_err(sql_error)?;
            lower_utils::register_impl(&mut conn, |text: String| text.to_lowercase())
                .map_err(sql_error)?;
            if role == Role::Reader {
                conn.batch_execute("PRAGMA query_only = ON;").map_err(sql_error)?;
            }
            Ok(Db { connection: AnyConnection::Sqlite(conn) })
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::establish(url)?;
            conn.batch_execute(POSTGRES_SETTINGS).map_err(sql_error)?;
            Ok(Db { connection: AnyConnection::Postgres(conn) })
        }
    }
}

/// How long `SQLite`'s next transaction waits for a lock that another process holds; `PostgreSQL`
/// bounds that by its own settings.
pub fn wait_for_lock(db: &mut Db, patience: Duration) -> QueryResult<()> {
    match &mut db.connection {
        AnyConnection::Sqlite(conn) => {
            conn.batch_execute(&format!("PRAGMA busy_timeout = {}", patience.as_millis()))
        }
        AnyConnection::Postgres(_) => Ok(()),
    }
}

/// A connection in a pool.
pub struct Pooled {
    /// The connection.
    pub db: Db,
    /// When it last did what was asked of it; none after a fault.
    pub worked: Option<Instant>,
}

/// A connection that worked this recently is not asked whether it still does.
const FRESH: Duration = Duration::from_secs(1);

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Pooled, Self::Error> {
        let db = connect(&self.location, self.role);
        let db = db.map_err(diesel::r2d2::Error::ConnectionError)?;
        Ok(Pooled { db, worked: None })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), Self::Error> {
        match &mut pooled.db.connection {
            // A file does not go away; asking it before each request would only cost time.
            AnyConnection::Sqlite(_) => Ok(()),
            AnyConnection::Postgres(_) if pooled.worked.is_some_and(|at| at.elapsed() < FRESH) => {
                Ok(())
            }
            AnyConnection::Postgres(conn) => conn.ping().map_err(diesel::r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking()
            || match &mut pooled.db.connection {
                AnyConnection::Sqlite(conn) => conn.is_broken(),
                AnyConnection::Postgres(conn) => conn.is_broken(),
            }
    }
}
