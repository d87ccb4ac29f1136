//! A database for each test: a copy of one that was migrated once.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bulkhead::base::db::{Db, Location, Role, connect, migrate};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use tempfile::TempDir;

/// The database of one test; it goes when this does.
pub struct TestDatabase {
    pub location: Location,
    pub folder: TempDir,
}

/// A variable of the tests' own surroundings: which database, how many rounds, where programs are.
#[expect(clippy::disallowed_methods, reason = "the product's settings come from elsewhere")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub fn is_postgres() -> bool {
    variable("TEST_DB").is_some_and(|db| db == "postgres")
}

fn cluster() -> String {
    variable("TEST_DATABASE_URL").expect("TEST_DATABASE_URL names a PostgreSQL cluster")
}

/// The cluster's URL with another database.
fn url_of(database: &str) -> String {
    let mut url = url::Url::parse(&cluster()).unwrap();
    url.set_path(database);
    url.to_string()
}

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn postgres_template() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = format!("migrated_{}", std::process::id());
        let mut cluster = PgConnection::establish(&cluster()).unwrap();
        cluster.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let mut db = connect(&Location::Postgres(url_of(&name)), Role::Writer).unwrap();
        migrate::run(&mut db).unwrap();
        name
    })
}

fn sqlite_template() -> &'static PathBuf {
    static PATH: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PATH.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("migrated.db");
        let mut db = connect(&Location::Sqlite(path.clone()), Role::Writer).unwrap();
        migrate::run(&mut db).unwrap();
        drop(db);
        (folder, path)
    });
    path
}

impl TestDatabase {
    /// One without any table: on SQLite not even a file.
    pub fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        let location = if is_postgres() {
            let name = format!("test_{}_{}", std::process::id(), next());
            let mut cluster = PgConnection::establish(&cluster()).unwrap();
            cluster.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
            Location::Postgres(url_of(&name))
        } else {
            Location::Sqlite(folder.path().join("bulkhead.db"))
        };
        Self { location, folder }
    }

    /// An empty one on PostgreSQL, made with some words of `CREATE DATABASE`.
    pub fn postgres_with(words: &str) -> Self {
        let name = format!("test_{}_{}", std::process::id(), next());
        let mut cluster = PgConnection::establish(&cluster()).unwrap();
        cluster
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 {words}"))
            .unwrap();
        Self { location: Location::Postgres(url_of(&name)), folder: TempDir::new().unwrap() }
    }

    /// A connection of the test itself.
    pub fn connect(&self) -> Db {
        connect(&self.location, Role::Writer).unwrap()
    }

    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let location = if is_postgres() {
            let name = format!("test_{}_{}", std::process::id(), next());
            let template = postgres_template();
            let mut cluster = PgConnection::establish(&cluster()).unwrap();
            cluster.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
            Location::Postgres(url_of(&name))
        } else {
            let path = folder.path().join("bulkhead.db");
            std::fs::copy(sqlite_template(), &path).unwrap();
            Location::Sqlite(path)
        };
        Self { location, folder }
    }
}
