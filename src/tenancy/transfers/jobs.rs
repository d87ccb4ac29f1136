//! Work that comes round by itself.

use jiff::SignedDuration;

use super::{actions, queries};
use crate::app::App;
use crate::base::error::Result;
use crate::base::jobs::Job;

/// Carries out transfers whose time has come, ends those that nobody answered, and forgets what was kept for undoing others.
pub const JOBS: &[Job] = &[
    Job {
        name: "transfers.execute",
        every: SignedDuration::from_mins(1),
        work: |app| Box::pin(actions::execute_due(app)),
    },
    Job {
        name: "transfers.expire",
        every: SignedDuration::from_mins(1),
        work: |app| Box::pin(actions::expire(app)),
    },
    Job {
        name: "transfers.forget",
        every: SignedDuration::from_hours(1),
        work: |app| Box::pin(forget(app)),
    },
];

async fn forget(app: App) -> Result<()> {
    let now = app.now();
    while app.db.ingest(move |db| Ok(queries::forget_kept(db, now)?)).await? {}
    Ok(())
}
