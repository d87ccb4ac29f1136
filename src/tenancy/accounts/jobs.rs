//! Keeping sealed secrets readable while the instance key is replaced.

use jiff::SignedDuration;
use uuid::Uuid;

use super::actions::reseal_some;
use crate::app::App;
use crate::base::db::Id;
use crate::base::error::Result;
use crate::base::jobs::Job;

/// The slice's periodic jobs.
pub const JOBS: &[Job] = &[Job {
    name: "two-factor-reseal",
    every: SignedDuration::from_mins(10),
    work: |app| Box::pin(reseal(app)),
}];

/// Seals with the present key what the one before sealed, so that it can be taken away.
async fn reseal(app: App) -> Result<()> {
    if !app.context.keys.has_previous() {
        return Ok(());
    }
    let mut next = Some(Id::from(Uuid::nil()));
    while let Some(after) = next {
        let context = app.context.clone();
        next = app.db.ingest(move |db| reseal_some(db, &context.keys, after)).await?;
    }
    Ok(())
}
