//! `serve`, `worker` and `healthcheck`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{CliError, say, started_as};
use crate::base::db::Location;
use crate::base::descriptors;
use crate::base::mail::Mailer;
use crate::base::settings::Settings;
use crate::start::{Mode, Started, start};
use crate::tenancy::accounts::actions::setup_token;
use crate::{server, urls, worker};

/// Serves until SIGTERM or SIGINT.
pub fn serve(settings: Settings) -> Result<(), CliError> {
    descriptors::raise_limit();
    let started = start(settings, Mode::Serve).map_err(CliError::new)?;
    let bind = started.app.settings().flags.bind;
    let listener = TcpListener::bind(bind).map_err(|e| {
        CliError::new(format!("{bind} cannot be used: {e}. Choose another address with --bind."))
    })?;
    actix_web::rt::System::new().block_on(run(started, listener))
}

async fn run(started: Started, listener: TcpListener) -> Result<(), CliError> {
    let app = started.app.clone();
    let mailer = Mailer::new(app.settings()).map_err(CliError::new)?;
    let server = server::build(app.clone(), listener).map_err(CliError::new)?;
    let handle = server.handle();
    let figures = server::build_metrics(&app).map_err(|e| {
        CliError::new(format!("--metrics-bind cannot be used: {e}. Choose another address."))
    })?;
    figures.map(actix_web::rt::spawn);
    greet(&started).await?;
    let (stop, stopped) = watch::channel(false);
    let live = std::sync::Arc::clone(&app.live);
    let background = actix_web::rt::spawn(worker::run(app, mailer, stopped));
    actix_web::rt::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping: requests under way are finished");
        live.close();
        let stopping = handle.stop(true);
        actix_web::rt::spawn(async {
            wait_for_signal().await;
            std::process::exit(1);
        });
        stopping.await;
    });
    server.await.map_err(CliError::new)?;
    stop.send(true).map_err(CliError::new)?;
    // A mail that is being sent right now is sent again after its lease, if this is too short.
    drop(tokio::time::timeout(Duration::from_secs(5), background).await);
    Ok(())
}

/// Does background work until SIGTERM or SIGINT.
pub fn work(settings: Settings) -> Result<(), CliError> {
    if let Location::Sqlite(_) = settings.database {
        say("With SQLite, `bulkhead serve` does the background work: there is nothing to do here.");
        return Ok(());
    }
    let started = start(settings, Mode::Serve).map_err(CliError::new)?;
    actix_web::rt::System::new().block_on(async {
        let mailer = Mailer::new(started.app.settings()).map_err(CliError::new)?;
        let (stop, stopped) = watch::channel(false);
        let background = actix_web::rt::spawn(worker::run(started.app, mailer, stopped));
        wait_for_signal().await;
        stop.send(true).map_err(CliError::new)?;
        drop(tokio::time::timeout(Duration::from_secs(20), background).await);
        Ok(())
    })
}

async fn wait_for_signal() {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// What whoever started the server wants to know.
async fn greet(started: &Started) -> Result<(), CliError> {
    let (app, settings) = (&started.app, started.app.settings());
    let data = match &settings.database {
        Location::Sqlite(path) => format!("{} (SQLite {}", path.display(), started.engine),
        Location::Postgres(_) => format!("PostgreSQL ({}", started.engine),
    };
    let line = |name: &str, value: &str| say(format!("  {name:<18} {value}"));
    say("");
    line(
        &format!("Bulkhead {}", env!("CARGO_PKG_VERSION")),
        &format!("data {data}, {} migrations applied)", started.migrations),
    );
    line("Open", settings.site());
    let token = setup_token(&app.context);
    if crate::tenancy::accounts::actions::setup_is_open(app, &token).await.map_err(CliError::new)? {
        let link = format!("{}{}", settings.site(), urls::setup_with(&token));
        line("First user", &format!("{link}   (one use, until the first account exists)"));
        let again = started_as();
        line(
            "Try the demo",
            &format!("stop it, then: {again} seed --demo     Settings: {again} --help"),
        );
    }
    match &settings.smtp {
        Some(smtp) => line("Mail", &format!("through {}:{}", smtp.host, smtp.port)),
        None if settings.has_outbox_page() => {
            line("Mail", &format!("not configured: see {}{}", settings.site(), urls::outbox()));
        }
        None => line("Mail", "not configured: invitations are handed on as copied links"),
    }
    if !settings.is_https() && !settings.is_loopback() {
        line("Warning", "plain http: passwords and keys travel in the clear");
    }
    say("");
    Ok(())
}

/// Asks `/ready` of the server with these settings.
pub fn healthcheck(settings: &Settings) -> Result<(), CliError> {
    let mut address = settings.flags.bind;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        };
        address = SocketAddr::new(loopback, address.port());
    }
    let answer =
        ask(address).map_err(|e| CliError::new(format!("No answer at {address}: {e}.")))?;
    if answer.starts_with("HTTP/1.1 200") {
        say("ready");
        return Ok(());
    }
    Err(CliError::new(answer.lines().next().unwrap_or("no answer")))
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let wait = Duration::from_secs(3);
    let mut stream = TcpStream::connect_timeout(&address, wait)?;
    stream.set_read_timeout(Some(wait))?;
    stream.set_write_timeout(Some(wait))?;
    stream.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(answer)
}
