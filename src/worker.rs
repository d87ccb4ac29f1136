//! The background work: what runs, and how often. `serve` does it too.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::app::App;
use crate::base::db::{Location, tell};
use crate::base::error::Result;
use crate::base::http::form;
use crate::base::jobs::{self, Job};
use crate::base::mail::{self, Mailer, delivery};
use crate::{orchestration, tenancy};

/// Rows that only mattered for a while.
const TIDY: Job =
    Job { name: "tidy", every: SignedDuration::from_mins(10), work: |app| Box::pin(tidy(app)) };

/// All periodic jobs.
pub fn all_jobs() -> Vec<Job> {
    [
        &[TIDY],
        tenancy::audit::retention::JOBS,
        tenancy::accounts::jobs::JOBS,
        tenancy::api_keys::jobs::JOBS,
        tenancy::closing::jobs::JOBS,
        tenancy::invitations::jobs::JOBS,
        tenancy::service_accounts::jobs::JOBS,
        tenancy::sharing::jobs::JOBS,
        tenancy::transfers::jobs::JOBS,
        tenancy::workspaces::jobs::JOBS,
        &orchestration::jobs(),
    ]
    .concat()
}

/// Form tokens are remembered this long (D-21), mails that were sent this long.
const TOKENS: SignedDuration = SignedDuration::from_hours(24);
const MAIL_DAYS: i64 = 90;

async fn tidy(app: App) -> Result<()> {
    app.limits.forget();
    let now = app.now();
    let idle = SignedDuration::from_hours(app.settings().flags.session_idle_hours);
    loop {
        let removed = app
            .db
            .ingest(move |db| {
                Ok(form::forget_tokens(db, now - TOKENS)?
                    + mail::forget_old(db, now.plus_days(-MAIL_DAYS))?
                    + tenancy::accounts::queries::forget_sessions(db, now, now - idle)?
                    + tenancy::accounts::queries::forget_failures(db, now.plus_days(-1))?)
            })
            .await?;
        if removed == 0 {
            return Ok(());
        }
    }
}

/// Runs everything until `stop` says so.
pub async fn run(app: App, mailer: Option<Mailer>, stop: watch::Receiver<bool>) {
    let mut tasks: Vec<_> = all_jobs()
        .into_iter()
        .map(|job| actix_web::rt::spawn(jobs::keep_running(app.clone(), job, stop.clone())))
        .collect();
    if let Location::Postgres(_) = app.db.location() {
        tell::hear(app.db.location(), &app.live, &stop);
        let telling = tell::tell(app.db.clone(), Arc::clone(&app.live), stop.clone());
        tasks.push(actix_web::rt::spawn(telling));
    }
    if let Some(mailer) = mailer {
        tasks.push(actix_web::rt::spawn(send_mails(app, mailer, stop)));
    }
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(error.cause = %error, "background work ended early");
        }
    }
}

/// Without news the outbox is looked at this often.
const POLL: Duration = Duration::from_secs(5);

async fn send_mails(app: App, mailer: Mailer, mut stop: watch::Receiver<bool>) {
    loop {
        let round = actix_web::rt::spawn({
            let (app, mailer) = (app.clone(), mailer.clone());
            async move { delivery::deliver_due(&app, &mailer).await }
        });
        match round.await {
            // There may be more than one batch.
            Ok(Ok(count)) if count > 0 => continue,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(error.cause = %error, "could not send mails"),
            Err(panic) => tracing::error!(error.cause = %panic, "sending mails panicked"),
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = app.mail_queued.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
        if *stop.borrow() {
            return;
        }
    }
}
