//! The command line: one executable, and what each of its commands does.

mod admin;
mod backup;
mod seed;
mod serve;

use std::ffi::OsStr;

use clap::builder::{OsStr as Name, Resettable};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::base::db::{Db, Location, Role, connect, migrate};
use crate::base::error::Error;
use crate::base::settings::{Flags, SECRETS, Settings};
use crate::base::telemetry;
use crate::start::{Mode, Started, cannot_open, look, start};

/// Workspaces for teams that run Prefect themselves.
#[derive(Debug, Parser)]
#[command(name = "bulkhead", version, after_help = secrets_help())]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve pages and API, and do the background work (the default)
    Serve,
    /// Do background work only; for several processes on one PostgreSQL
    Worker,
    /// Bring the database up to date
    Migrate {
        /// Only say what is missing; exit code 1 when something is
        #[arg(long)]
        check: bool,
    },
    /// What only whoever runs the server may do
    #[command(subcommand)]
    Admin(admin::Admin),
    /// The audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Print all settings as they are understood, secrets masked
    Config,
    /// Write a copy of the database to a file, beside a running server
    Backup {
        /// The file to write; must not exist
        file: std::path::PathBuf,
    },
    /// Fill an empty database
    Seed {
        /// With a believable organization, its people, and a month of runs, for a first look
        #[arg(long)]
        demo: bool,
    },
    /// Ask the running server whether it is ready; exit code 1 when not
    Healthcheck,
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Check every account's chain and name the first fault of each
    Verify,
}

/// The secrets have no flags; `--help` names them all the same.
fn secrets_help() -> String {
    let lines = SECRETS.map(|(name, words)| format!("  {name}\n          {words}"));
    format!(
        "Secrets come from the environment, or from the file that the same name with _FILE names:\n{}",
        lines.join("\n")
    )
}

/// What a command ends in: a sentence for the terminal, and the exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CliError(String);

impl CliError {
    fn new(sentence: impl std::fmt::Display) -> Self {
        Self(sentence.to_string())
    }
}

/// The command line with the environment, in which an empty variable is as good as none: `VAR=` is what Compose
/// writes for what is not set.
#[expect(clippy::disallowed_methods, reason = "which settings are empty, before they are read")]
fn read_command_line() -> Result<Cli, CliError> {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let command = Cli::command().mut_args(|arg| match arg.get_env() {
        Some(name) if is_empty(name) => arg.env(Resettable::<Name>::Reset),
        _ => arg,
    });
    Cli::from_arg_matches(&command.get_matches()).map_err(CliError::new)
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        Self::new(error)
    }
}

/// Runs the program as the command line says.
///
/// # Errors
/// One sentence on what went wrong.
pub fn run() -> Result<(), CliError> {
    let cli = read_command_line()?;
    telemetry::start(&cli.flags).map_err(CliError::new)?;
    let settings = Settings::load(cli.flags).map_err(CliError::new)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(settings),
        Command::Worker => serve::work(settings),
        Command::Migrate { check } => migrate_command(settings, check),
        Command::Admin(admin) => admin::run(settings, admin),
        Command::Audit(Audit::Verify) => verify(&settings),
        Command::Config => {
            for (name, value) in settings.describe() {
                say(format!("{name}={value}"));
            }
            Ok(())
        }
        Command::Backup { file } => backup::backup(&settings, &file),
        Command::Seed { demo } => seed::seed(settings, demo),
        Command::Healthcheck => serve::healthcheck(&settings),
    }
}

/// Says something to whoever typed the command.
#[expect(clippy::print_stdout, reason = "the command line's own voice")]
fn say(text: impl std::fmt::Display) {
    println!("{text}");
}

/// How the program was started, to be typed again before another command.
#[expect(clippy::disallowed_methods, reason = "who started the program is no setting")]
fn started_as() -> String {
    // Cargo says so to what it runs.
    if std::env::var_os("CARGO").is_some() {
        return "cargo run --".to_owned();
    }
    std::env::args().next().unwrap_or_else(|| "bulkhead".to_owned())
}

/// The program beside a running server.
fn beside(settings: Settings) -> Result<Started, CliError> {
    start(settings, Mode::Beside).map_err(CliError::new)
}

fn migrate_command(settings: Settings, check: bool) -> Result<(), CliError> {
    if !check {
        let started = start(settings, Mode::Serve).map_err(CliError::new)?;
        say(format!("The database is up to date ({} migrations).", started.migrations));
        return Ok(());
    }
    if let Location::Sqlite(path) = &settings.database
        && !path.exists()
    {
        return Err(CliError::new(format!("There is no database at {} yet.", path.display())));
    }
    let mut db: Db = connect(&settings.database, Role::Reader)
        .map_err(|e| CliError::new(cannot_open(&settings, &e)))?;
    let missing = migrate::pending(&mut db).map_err(CliError::new)?;
    if missing.is_empty() {
        say("The database is up to date.");
        return Ok(());
    }
    Err(CliError::new(format!("Missing: {}", missing.join(", "))))
}

fn verify(settings: &Settings) -> Result<(), CliError> {
    let mut db = look(settings).map_err(CliError::new)?;
    let report = crate::tenancy::audit::verify::verify(&mut db).map_err(CliError::new)?;
    for fault in &report.faults {
        say(format!("account {}, entry {}: {}", fault.account, fault.sequence, fault.what));
    }
    if report.faults.is_empty() {
        say(format!("{} entries in {} chains are whole.", report.entries, report.chains));
        return Ok(());
    }
    Err(CliError::new(format!("{} chains are broken.", report.faults.len())))
}
