//! `backup`: a consistent copy beside a running server.

use std::path::Path;

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
    copy(&mut db, file)?;
    check(file)?;
    make_private(file)?;
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

fn make_private(file: &Path) -> Result<(), CliError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
            .map_err(CliError::new)?;
    }
    Ok(())
}
