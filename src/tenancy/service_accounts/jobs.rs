//! Telling admins that a key is about to expire.

use jiff::SignedDuration;

use super::{mail, queries};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::tenancy::api_keys::rules::WARNING_DAYS;

/// The slice's periodic jobs.
pub const JOBS: &[Job] = &[Job {
    name: "service-account-keys-expiring",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(tell_admins(app)),
}];

/// Keys told about in one transaction.
const BATCH: i64 = 50;

async fn tell_admins(app: App) -> Result<()> {
    if !app.settings().flags.reminders {
        return Ok(());
    }
    let now = app.now();
    while app.db.ingest(move |db| tell_some(db, now)).await? == BATCH {}
    app.mail_queued.notify_one();
    Ok(())
}

/// Queues mails about some keys, each together with the note that it was; returns how many keys.
fn tell_some(db: &mut Db, now: Instant) -> Result<i64> {
    let mut count = 0;
    for (key, account) in queries::expiring(db, (now, now.plus_days(WARNING_DAYS)), BATCH)? {
        count += 1;
        if queries::mark_told(db, key, now)? {
            mail::queue_expiring(db, account, key, now)?;
        }
    }
    Ok(count)
}
