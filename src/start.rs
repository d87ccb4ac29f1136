//! From settings to an [`App`]: lock, key, migrations. Refuses, with one sentence, what cannot be.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::connection::SimpleConnection;
use diesel::dsl::exists;
use diesel::{QueryDsl, RunQueryDsl};
use secrecy::SecretString;

use crate::app::{App, Context};
use crate::base::clock::Clock;
use crate::base::db::schema::users;
use crate::base::db::{AnyConnection, Database, Db, Location, Role, Sizes, connect, migrate};
use crate::base::secret::InstanceKeys;
use crate::base::settings::{Settings, check_private};
use crate::base::{mail, random, text};
use crate::{server, slices};

/// Why the program does not start, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

fn refuse(sentence: impl Into<String>) -> StartError {
    StartError(sentence.into())
}

/// What a command wants of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Serves: holds the lock, migrates.
    Serve,
    /// Stands beside a running server: no lock, no migrations.
    Beside,
}

/// The program, ready to work; the lock is held as long as this lives.
pub struct Started {
    /// The program.
    pub app: App,
    /// How many migrations the database has.
    pub migrations: usize,
    /// Version of the database's engine.
    pub engine: String,
    _lock: Option<File>,
}

/// Opens the database and puts the program together.
///
/// # Errors
/// [`StartError`], one sentence.
pub fn start(settings: Settings, mode: Mode) -> Result<Started, StartError> {
    let lock = prepare_files(&settings, mode)?;
    let mut db = open(&settings)?;
    let migrations = match mode {
        Mode::Serve => migrate::run(&mut db).map_err(|e| refuse(e.to_string()))?,
        Mode::Beside => check_migrated(&mut db)?,
    };
    if let Some(lock) = &lock {
        lock.set_len(0).map_err(|e| refuse(format!("The lock cannot be written: {e}.")))?;
        mail::release_leases(&mut db, Clock::system().now()).map_err(|e| refuse(e.to_string()))?;
    }
    let engine = migrate::engine_version(&mut db).map_err(|e| refuse(e.to_string()))?;
    let has_people = has_people(&mut db)?;
    drop(db);
    let key = secret_key(&settings, has_people)?;
    let keys = InstanceKeys::new(key, settings.previous_secret_key.clone());
    let total = settings.flags.database_connections;
    let sizes = Sizes { readers: total.div_ceil(2).max(1), writers: (total / 2).max(1) };
    let sizes = match settings.database {
        Location::Sqlite(_) => Sizes { readers: total, writers: 1 },
        Location::Postgres(_) => sizes,
    };
    let database = Database::new(settings.database.clone(), sizes);
    let context = Context { settings, clock: Clock::system(), keys, declared: slices::DECLARED };
    let app = App::new(database, context, server::render_mail);
    Ok(Started { app, migrations, engine, _lock: lock })
}

/// Opens a database that has all migrations, for what needs nothing else: not even the key, which a copy somewhere
/// may be without.
///
/// # Errors
/// [`StartError`], one sentence.
pub fn look(settings: &Settings) -> Result<Db, StartError> {
    prepare_files(settings, Mode::Beside)?;
    let mut db = open(settings)?;
    check_migrated(&mut db)?;
    Ok(db)
}

fn open(settings: &Settings) -> Result<Db, StartError> {
    let opened = connect(&settings.database, Role::Writer);
    let mut db = opened.map_err(|e| cannot_open(settings, &e))?;
    check_file(&mut db, settings)?;
    check_postgres(&mut db, settings)?;
    Ok(db)
}

/// Why there is no connection, in one line.
pub fn cannot_open(settings: &Settings, error: &diesel::ConnectionError) -> StartError {
    match &settings.database {
        Location::Sqlite(path) => refuse(format!(
            "The database {} cannot be opened ({error}): check its permissions, or restore a \
             backup.",
            path.display()
        )),
        Location::Postgres(_) => {
            let words = error.to_string();
            let words: Vec<&str> = words.split_whitespace().collect();
            refuse(format!("PostgreSQL cannot be reached: {}", words.join(" ")))
        }
    }
}

/// Makes the folder, refuses what would lead to a silent new database, takes the lock.
fn prepare_files(settings: &Settings, mode: Mode) -> Result<Option<File>, StartError> {
    let Location::Sqlite(path) = &settings.database else { return Ok(None) };
    if mode == Mode::Beside && !path.exists() {
        return Err(refuse(format!(
            "There is no database at {}: start the server first.",
            path.display()
        )));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_private_folder(folder)?;
    }
    let is_empty = path.metadata().is_ok_and(|metadata| metadata.len() == 0);
    let empty_file = || {
        refuse(format!(
            "The database {} is an empty file: restore a backup, or remove it to start anew.",
            path.display()
        ))
    };
    if mode == Mode::Beside {
        return if is_empty { Err(empty_file()) } else { Ok(None) };
    }
    let mut lock = lock_file(path)?;
    if is_empty && !was_being_made(&mut lock) {
        return Err(empty_file());
    }
    if !path.exists() {
        mark_as_being_made(&mut lock).map_err(|e| {
            refuse(format!("The lock beside {} cannot be written: {e}.", path.display()))
        })?;
    }
    make_private_file(path)?;
    Ok(Some(lock))
}

/// Written into the lock while the database is made for the first time: a start that was killed then
/// leaves an empty file, which the next start may go on with (F-23). Any other empty file is a loss.
const BEING_MADE: &str = "being made";

fn mark_as_being_made(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.write_all(BEING_MADE.as_bytes())?;
    lock.sync_all()
}

fn was_being_made(lock: &mut File) -> bool {
    let mut text = String::new();
    lock.read_to_string(&mut text).is_ok() && text == BEING_MADE
}

fn make_private_folder(folder: &Path) -> Result<(), StartError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|e| refuse(format!("The folder {} cannot be made: {e}.", folder.display())))
}

/// SQLite gives its journal files the database's permissions, so the file is made here with them.
fn make_private_file(path: &Path) -> Result<(), StartError> {
    let existed = path.exists();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|e| refuse(format!("The database {} cannot be written: {e}.", path.display())))?;
    #[cfg(unix)]
    if existed {
        use std::os::unix::fs::PermissionsExt;
        let is_open = path.metadata().is_ok_and(|m| m.permissions().mode() & 0o007 != 0);
        if is_open {
            return Err(refuse(format!(
                "The database {} can be read by everybody: run chmod 600 on it.",
                path.display()
            )));
        }
    }
    Ok(())
}

/// One server a file: a second one is refused instead of waiting.
fn lock_file(path: &Path) -> Result<File, StartError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(|e| {
        refuse(format!("The lock beside {} cannot be made: {e}.", path.display()))
    })?;
    file.try_lock().map_err(|_| {
        refuse(format!(
            "Another Bulkhead serves {} already: stop it first, or use PostgreSQL for several.",
            path.display()
        ))
    })?;
    Ok(file)
}

/// A damaged file is named at once instead of at some later request.
fn check_file(db: &mut Db, settings: &Settings) -> Result<(), StartError> {
    let (AnyConnection::Sqlite(conn), Location::Sqlite(path)) =
        (&mut db.connection, &settings.database)
    else {
        return Ok(());
    };
    conn.batch_execute("PRAGMA schema_version; SELECT count(*) FROM sqlite_master;").map_err(|e| {
        refuse(format!("The database {} is damaged ({e}): restore a backup.", path.display()))
    })
}

/// What a PostgreSQL database must be like: names are in all scripts, and connections are one's own.
fn check_postgres(db: &mut Db, settings: &Settings) -> Result<(), StartError> {
    let AnyConnection::Postgres(conn) = &mut db.connection else { return Ok(()) };
    // Simple statements: whatever is prepared may fail before the reason is known.
    let cannot = |e: diesel::result::Error| refuse(format!("PostgreSQL cannot be asked: {e}."));
    let is_utf8 = "DO $$ BEGIN IF current_setting('server_encoding') <> 'UTF8' THEN \
                   RAISE EXCEPTION 'not UTF8'; END IF; END $$";
    if conn.batch_execute(is_utf8).is_err() {
        return Err(refuse(
            "The PostgreSQL database is not encoded as UTF8, so it cannot hold all names: make \
             another one, as by CREATE DATABASE bulkhead ENCODING 'UTF8' TEMPLATE template0.",
        ));
    }
    let mark = text::hex(&random::bytes::<8>());
    conn.batch_execute(&format!("SET bulkhead.connection = '{mark}'")).map_err(cannot)?;
    let AnyConnection::Postgres(mut other) = connect(&settings.database, Role::Reader)
        .map_err(|e| cannot_open(settings, &e))?
        .connection
    else {
        return Ok(());
    };
    // Between transactions a pooler gives the connection to whoever comes next.
    let has_mark = |not: &str| {
        format!(
            "DO $$ BEGIN IF {not} coalesce(current_setting('bulkhead.connection', true), '') = \
             '{mark}' THEN RAISE EXCEPTION 'shared'; END IF; END $$"
        )
    };
    let is_shared = other.batch_execute(&has_mark("")).is_err()
        || conn.batch_execute(&has_mark("NOT")).is_err();
    if is_shared {
        return Err(refuse(
            "BULKHEAD_DATABASE_URL leads to a pooler that hands connections on after each \
             transaction: name PostgreSQL itself, or set the pooler to whole sessions \
             (pgbouncer: pool_mode = session).",
        ));
    }
    Ok(())
}

fn check_migrated(db: &mut Db) -> Result<usize, StartError> {
    let missing = migrate::pending(db).map_err(|e| refuse(e.to_string()))?;
    if missing.is_empty() {
        return Ok(0);
    }
    Err(refuse(format!(
        "The database lacks {} migrations: run `bulkhead migrate`, or start the server.",
        missing.len()
    )))
}

/// Whether there is anything that a lost key would take along.
fn has_people(db: &mut Db) -> Result<bool, StartError> {
    let anybody = diesel::select(exists(users::table.select(users::id))).get_result(db);
    anybody.map_err(|e| refuse(format!("The database cannot be read: {e}.")))
}

/// The key behind links and second factors: from the settings, or generated once into the data folder. What is
/// there already was made with it, so a key that cannot be had is never replaced beside it.
fn secret_key(settings: &Settings, has_people: bool) -> Result<SecretString, StartError> {
    const TO_DO: &str = "restore it from a backup. If it is lost for good, write a new one there with \
        `openssl rand -base64 32` and chmod 600: mailed links and second factors that were made with the old \
        one are lost then (`bulkhead admin two-factor-off` lets people in)";
    if let Some(key) = &settings.secret_key {
        return Ok(key.clone());
    }
    let Location::Sqlite(database) = &settings.database else {
        return Err(refuse("BULKHEAD_SECRET_KEY is not set."));
    };
    let path = database.with_file_name("secret.key");
    let shown = path.display();
    match std::fs::read(&path) {
        Ok(bytes) => {
            make_private_key(&path)?;
            let key = String::from_utf8(bytes).unwrap_or_default();
            let key = key.trim();
            if key.len() < 32 || key.contains(char::is_whitespace) || key.contains('\0') {
                return Err(refuse(format!("The secret key {shown} is damaged: {TO_DO}.")));
            }
            Ok(key.to_owned().into())
        }
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(refuse(format!(
            "The secret key {shown} cannot be read ({e}): check its owner and permissions, or {TO_DO}."
        ))),
        Err(_) if has_people => Err(refuse(format!(
            "The secret key {shown} is missing, and the database has data that was made with it: {TO_DO}."
        ))),
        Err(_) => {
            let key = STANDARD.encode(random::bytes::<32>());
            write_whole(&path, &key)
                .map_err(|e| refuse(format!("{shown} cannot be written: {e}.")))?;
            Ok(key.into())
        }
    }
}

/// A key that was generated is the server's own file, so its permissions are put right where that can be done.
fn make_private_key(path: &Path) -> Result<(), StartError> {
    let what = format!("The secret key {}", path.display());
    check_private(path, &what).map_err(|e| refuse(e.to_string()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let is_open = path.metadata().is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        if is_open {
            match std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
                Ok(()) => tracing::warn!("{what} is for its owner only now"),
                Err(error) => {
                    tracing::warn!(error.cause = %error, "{what} stays readable by others");
                }
            }
        }
    }
    Ok(())
}

/// Writes a file that is there with all of its text or not at all, for its owner only.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
