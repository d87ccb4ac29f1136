//! From settings to an [`App`]: lock, key, migrations. Refuses, with one sentence, what cannot be.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::connection::SimpleConnection;
use secrecy::SecretString;

use crate::app::{App, Context};
use crate::base::clock::Clock;
use crate::base::db::{Database, Db, Location, Role, Sizes, connect, migrate};
use crate::base::secret::InstanceKeys;
use crate::base::settings::Settings;
use crate::base::{mail, random};
use crate::server;

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
    let mut db =
        connect(&settings.database, Role::Writer).map_err(|e| cannot_open(&settings, &e))?;
    check_file(&mut db, &settings)?;
    let migrations = match mode {
        Mode::Serve => migrate::run(&mut db).map_err(|e| refuse(e.to_string()))?,
        Mode::Beside => check_migrated(&mut db)?,
    };
    if let Some(lock) = &lock {
        lock.set_len(0).map_err(|e| refuse(format!("The lock cannot be written: {e}.")))?;
        mail::release_leases(&mut db, Clock::system().now()).map_err(|e| refuse(e.to_string()))?;
    }
    let engine = migrate::engine_version(&mut db).map_err(|e| refuse(e.to_string()))?;
    drop(db);
    let key = secret_key(&settings)?;
    let keys = InstanceKeys::new(key, settings.previous_secret_key.clone());
    let total = settings.flags.database_connections;
    let sizes = Sizes { readers: total.div_ceil(2).max(1), writers: (total / 2).max(1) };
    let sizes = match settings.database {
        Location::Sqlite(_) => Sizes { readers: total, writers: 1 },
        Location::Postgres(_) => sizes,
    };
    let database = Database::new(settings.database.clone(), sizes);
    let context = Context { settings, clock: Clock::system(), keys };
    let app = App::new(database, context, server::render_mail);
    Ok(Started { app, migrations, engine, _lock: lock })
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
    let (Db::Sqlite(conn), Location::Sqlite(path)) = (db, &settings.database) else {
        return Ok(());
    };
    conn.batch_execute("PRAGMA schema_version; SELECT count(*) FROM sqlite_master;").map_err(|e| {
        refuse(format!("The database {} is damaged ({e}): restore a backup.", path.display()))
    })
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

/// The key behind links: from the settings, or generated once into the data folder.
fn secret_key(settings: &Settings) -> Result<SecretString, StartError> {
    if let Some(key) = &settings.secret_key {
        return Ok(key.clone());
    }
    let Location::Sqlite(database) = &settings.database else {
        return Err(refuse("BULKHEAD_SECRET_KEY is not set."));
    };
    let path = database.with_file_name("secret.key");
    match std::fs::read_to_string(&path) {
        Ok(key) if key.trim().len() >= 32 => Ok(key.trim().to_owned().into()),
        Ok(_) => Err(refuse(format!("{} is damaged: restore it from a backup.", path.display()))),
        Err(_) => {
            let key = STANDARD.encode(random::bytes::<32>());
            write_whole(&path, &key)
                .map_err(|e| refuse(format!("{} cannot be written: {e}.", path.display())))?;
            Ok(key.into())
        }
    }
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
