//! `backup`: a consistent copy beside a running server.

use std::path::{Path, PathBuf};

use diesel::prelude::*;

use super::{CliError, say};
use crate::base::db::{Db, Location, Role, connect};
use crate::base::settings::Settings;

/// Writes a copy of the embedded database; for PostgreSQL names the tool that does it.
pub fn backup(settings: &Settings, file: &Path) -> Result<(), CliError> {
    let Location::Sqlite(path) = &settings.database else {
        say("With PostgreSQL, use its own tool, as in:");
        say(format!(
            "  pg_dump --format=custom --file={} \"$BULKHEAD_DATABASE_URL\"",
            file.display()
        ));
        return Ok(());
    };
    if !path.exists() {
        return Err(CliError::new(format!("There is no database at {}.", path.display())));
    }
    if file.exists() {
        return Err(CliError::new(format!(
            "{} exists already: choose another name.",
            file.display()
        )));
    }
    let mut db = connect(&settings.database, Role::Writer).map_err(CliError::new)?;
    let beside = Unfinished::beside(file)?;
    copy(&mut db, &beside.0)?;
    check(&beside.0)?;
    beside.finish(file)?;
    say(format!("Wrote {} (checked).", file.display()));
    let key = path.with_file_name("secret.key");
    if settings.secret_key.is_none() && key.exists() {
        say(format!("Keep {} too: mailed links are made with it.", key.display()));
    }
    Ok(())
}

/// `VACUUM INTO` reads one snapshot, and writers go on meanwhile.
fn copy(db: &mut Db, file: &Path) -> Result<(), CliError> {
    diesel::sql_query("VACUUM INTO ?1")
        .bind::<diesel::sql_types::Text, _>(file.to_string_lossy().into_owned())
        .execute(db)
        .map_err(|e| CliError::new(format!("The copy failed: {e}")))?;
    Ok(())
}

fn check(file: &Path) -> Result<(), CliError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let mut copy = SqliteConnection::establish(&file.to_string_lossy()).map_err(CliError::new)?;
    let rows: Vec<Row> =
        diesel::sql_query("PRAGMA integrity_check").load(&mut copy).map_err(CliError::new)?;
    if rows.iter().all(|row| row.integrity_check == "ok") {
        return Ok(());
    }
    Err(CliError::new("The copy is damaged: check the disk."))
}

/// A copy that is not whole yet, under a name of its own, for its owner only; it goes when it does not become
/// one.
struct Unfinished(PathBuf);

impl Unfinished {
    /// An empty file beside `file`, which `VACUUM INTO` fills.
    fn beside(file: &Path) -> Result<Self, CliError> {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let path = PathBuf::from(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&path)
            .map_err(|e| CliError::new(format!("{} cannot be written: {e}.", path.display())))?;
        Ok(Self(path))
    }

    /// Gives the copy its name, once it is on the disk.
    fn finish(self, file: &Path) -> Result<(), CliError> {
        let failed = |e: std::io::Error| CliError::new(format!("The copy failed: {e}."));
        std::fs::File::open(&self.0).and_then(|copy| copy.sync_all()).map_err(failed)?;
        std::fs::rename(&self.0, file).map_err(failed)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for end in ["", "-journal", "-wal", "-shm"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(end);
            // Gone already, as after a rename.
            drop(std::fs::remove_file(name));
        }
    }
}
