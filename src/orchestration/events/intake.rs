//! Taking events in: they are kept, and the runs of tasks that they tell of with them, in one
//! transaction (api.md §3.3).

use std::time::Duration;

use super::model::Event;
use super::queries;
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::live::Topic;
use crate::orchestration::task_runs::recorder;

/// Keeps events, and what they tell of tasks.
///
/// # Errors
/// The database's fault.
pub fn store(db: &mut Db, workspace: WorkspaceId, events: &[Event]) -> Result<()> {
    queries::insert(db, workspace, events)?;
    recorder::record(db, workspace, events)
}

/// Tries when the database is away or somebody else keeps the same run of a task at the same moment.
const TRIES: u32 = 4;

/// Takes events in; they are durable when this answers.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not take them for some seconds.
pub async fn take(app: &App, workspace: WorkspaceId, events: Vec<Event>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let events = std::sync::Arc::new(events);
    let mut tried = 0;
    loop {
        let some = std::sync::Arc::clone(&events);
        match app.db.ingest(move |db| store(db, workspace, &some)).await {
            Ok(()) => break,
            Err(Error::Unavailable | Error::Conflict(_)) if tried + 1 < TRIES => {}
            Err(error) => return Err(error),
        }
        tried += 1;
        tokio::time::sleep(Duration::from_millis(100 * u64::from(tried))).await;
    }
    app.live.wake(workspace.uuid(), Topic::Events);
    Ok(())
}
