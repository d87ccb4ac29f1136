//! Migrations: embedded, forward only, under a lock, refused by an older program.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{AnyConnection, Db, MultiBackend};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A number of our own for PostgreSQL's advisory lock ("bulkhead" in ASCII).
const ADVISORY_LOCK: i64 = 0x6275_6c6b_6865_6164;

/// Why the schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was written by a newer program.
    #[error(
        "The database has migration {0}, which this program does not know. \
         Start a newer Bulkhead, or restore a backup that fits this one."
    )]
    Newer(String),
    /// A migration failed, and was rolled back.
    #[error("A migration failed; the database is as it was before it: {0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

fn source(db: &Db) -> EmbeddedMigrations {
    match db.connection {
        AnyConnection::Sqlite(_) => SQLITE,
        AnyConnection::Postgres(_) => POSTGRES,
    }
}

/// The names of the migrations that are missing in the database, oldest first.
///
/// # Errors
/// [`MigrationError::Newer`] when the database knows one that this program does not.
pub fn pending(db: &mut Db) -> Result<Vec<String>, MigrationError> {
    use diesel::migration::{Migration, MigrationSource};

    let known: Vec<Box<dyn Migration<MultiBackend>>> =
        source(db).migrations().map_err(MigrationError::Failed)?;
    let applied = db.applied_migrations().map_err(MigrationError::Failed)?;
    if let Some(newer) = applied
        .iter()
        .find(|version| !known.iter().any(|migration| migration.name().version() == **version))
    {
        return Err(MigrationError::Newer(newer.to_string()));
    }
    Ok(known
        .iter()
        .filter(|migration| !applied.contains(&migration.name().version()))
        .map(|migration| migration.name().to_string())
        .collect())
}

/// Applies what is missing and returns how many migrations the database has now.
///
/// # Errors
/// [`MigrationError`]; each migration is one transaction.
pub fn run(db: &mut Db) -> Result<usize, MigrationError> {
    let failed = |error: diesel::result::Error| MigrationError::Failed(Box::new(error));
    if let AnyConnection::Postgres(conn) = &mut db.connection {
        conn.batch_execute(&format!(
            "SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock({ADVISORY_LOCK})"
        ))
        .map_err(failed)?;
    }
    let outcome = apply(db);
    if let AnyConnection::Postgres(conn) = &mut db.connection {
        conn.batch_execute(&format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})"))
            .map_err(failed)?;
    }
    outcome
}

fn apply(db: &mut Db) -> Result<usize, MigrationError> {
    pending(db)?;
    let source = source(db);
    db.run_pending_migrations(source).map_err(MigrationError::Failed)?;
    Ok(db.applied_migrations().map_err(MigrationError::Failed)?.len())
}

/// The version of the embedded SQLite, or of the PostgreSQL server.
pub fn engine_version(db: &mut Db) -> QueryResult<String> {
    #[derive(QueryableByName)]
    #[diesel(check_for_backend(MultiBackend))]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let query = match db.connection {
        AnyConnection::Sqlite(_) => "SELECT sqlite_version() AS version",
        AnyConnection::Postgres(_) => "SELECT current_setting('server_version') AS version",
    };
    Ok(diesel::sql_query(query).get_result::<Row>(db)?.version)
}
