//! Reminders of invitations that end soon.

use std::pin::Pin;

use jiff::SignedDuration;

use super::mail::{REMINDER_MAIL, queue_reminder};
use super::model::{Invitation, InvitationId};
use super::queries;
use super::rules::DAY;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::jobs::Job;

/// The periodic work of this slice.
pub const JOBS: &[Job] = &[Job {
    name: "invitation-reminders",
    every: SignedDuration::from_hours(1),
    work: |app| Box::pin(remind(app)) as Pin<Box<dyn Future<Output = Result<()>>>>,
}];

/// So long before the end people are reminded.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

const BATCH: i64 = 100;

/// Reminds the people whose invitation ends within two days, each once for each time it was sent.
async fn remind(app: App) -> Result<()> {
    if !app.settings().flags.reminders {
        return Ok(());
    }
    let now = app.now();
    let mut after = None;
    loop {
        after = app.db.ingest(move |db| remind_some(db, after, now)).await?;
        app.mail_queued.notify_one();
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Reminds the next few; returns behind whom to go on.
fn remind_some(
    db: &mut Db,
    after: Option<InvitationId>,
    now: Instant,
) -> Result<Option<InvitationId>> {
    // Who was invited yesterday has not forgotten yet.
    let ending = queries::ending(db, (now, now + AHEAD), now - DAY, after, BATCH)?;
    for invitation in &ending {
        if !queries::mailed_since(db, invitation.id, REMINDER_MAIL, invitation.sent_at)? {
            queue_reminder(db, invitation, now)?;
        }
    }
    let is_full = i64::try_from(ending.len()).unwrap_or(0) == BATCH;
    Ok(ending.last().filter(|_| is_full).map(|last: &Invitation| last.id))
}
