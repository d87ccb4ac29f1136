//! Telling people that a key is about to expire.

use jiff::SignedDuration;

use super::{mail, queries, rules};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::base::mail as outbox;

/// The slice's periodic jobs.
pub const JOBS: &[Job] = &[Job {
    name: "api-keys-expiring",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(tell_owners(app)),
}];

/// Keys told about in one transaction.
const BATCH: i64 = 100;

async fn tell_owners(app: App) -> Result<()> {
    if !app.settings().flags.reminders {
        return Ok(());
    }
    let now = app.now();
    while app.db.ingest(move |db| tell_some(db, now)).await? == BATCH {}
    app.mail_queued.notify_one();
    Ok(())
}

/// Queues mails about some keys, each together with the note that it was; returns how many there
/// were.
fn tell_some(db: &mut Db, now: Instant) -> Result<i64> {
    let mut count = 0;
    for (key, email) in queries::expiring(db, now, now.plus_days(rules::WARNING_DAYS), BATCH)? {
        count += 1;
        if queries::mark_told(db, key, now)? {
            outbox::queue(db, mail::expiring(key, email), now)?;
        }
    }
    Ok(count)
}
