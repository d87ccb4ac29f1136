//! Periodic jobs: each runs in one process at a time, told by a leased row (SP-7).

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use diesel::prelude::*;
use jiff::SignedDuration;
use tokio::sync::watch;

use super::db::schema::jobs;
use super::db::{Db, Id, Instant, on_each_backend};
use super::error::Result;
use crate::base::app::App;

/// What a job does; it works in batches and returns when there is nothing left.
pub type Work = fn(App) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// A periodic job.
#[derive(Clone, Copy)]
pub struct Job {
    /// Its name, in the `jobs` table and the log.
    pub name: &'static str,
    /// How often it runs.
    pub every: SignedDuration,
    /// What it does.
    pub work: Work,
}

const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Takes the job if it is due and nobody has it.
fn take(db: &mut Db, job: &Job, by: Id<App>, now: Instant) -> Result<bool> {
    on_each_backend!(db, |conn| diesel::insert_into(jobs::table)
        .values(jobs::name.eq(job.name))
        .on_conflict(jobs::name)
        .do_nothing()
        .execute(conn))?;
    let taken = diesel::update(
        jobs::table
            .filter(jobs::name.eq(job.name))
            .filter(jobs::leased_until.is_null().or(jobs::leased_until.le(now)))
            .filter(jobs::last_run_at.is_null().or(jobs::last_run_at.le(now - job.every))),
    )
    .set((jobs::leased_by.eq(Some(by)), jobs::leased_until.eq(Some(now + LEASE))))
    .execute(db)?;
    Ok(taken == 1)
}

fn give_back(db: &mut Db, job: &Job, by: Id<App>, now: Instant, done: bool) -> Result<()> {
    let mine = jobs::table.filter(jobs::name.eq(job.name)).filter(jobs::leased_by.eq(Some(by)));
    let free = (jobs::leased_by.eq(None::<Id<App>>), jobs::leased_until.eq(None::<Instant>));
    if done {
        diesel::update(mine).set((free, jobs::last_run_at.eq(Some(now)))).execute(db)?;
    } else {
        diesel::update(mine).set(free).execute(db)?;
    }
    Ok(())
}

/// Runs a job once if it is due; returns whether it ran.
///
/// # Errors
/// The job's fault; it is due again then.
pub async fn run_if_due(app: &App, job: Job) -> Result<bool> {
    let (by, now) = (app.instance, app.now());
    let is_due = app
        .db
        .read(move |db| {
            let ran: Option<Option<Instant>> =
                jobs::table.find(job.name).select(jobs::last_run_at).first(db).optional()?;
            Ok(ran.flatten().is_none_or(|ran| ran <= now - job.every))
        })
        .await?;
    if !is_due || !app.db.ingest(move |db| take(db, &job, by, now)).await? {
        return Ok(false);
    }
    let outcome = (job.work)(app.clone()).await;
    let (done, end) = (outcome.is_ok(), app.now());
    app.db.ingest(move |db| give_back(db, &job, by, end, done)).await?;
    outcome.map(|()| true)
}

/// Runs a job whenever it is due, until `stop` says so. A fault or a panic is logged, and the job
/// tried again later (F-25).
pub async fn keep_running(app: App, job: Job, mut stop: watch::Receiver<bool>) {
    let tick = Duration::from_secs(u64::try_from(job.every.as_secs()).unwrap_or(5).clamp(1, 30));
    loop {
        let run = actix_web::rt::spawn({
            let app = app.clone();
            async move { run_if_due(&app, job).await }
        });
        match run.await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(job.name, error.cause = %error, "job failed"),
            Err(panic) => tracing::error!(job.name, error.cause = %panic, "job panicked"),
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(tick) => {}
        }
    }
}
