//! Taking events in: they are kept, and the runs of tasks that they tell of with them, in one
//! transaction (api.md §3.3).

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::live::Topic;
use crate::base::seen::SeenLately;
use crate::orchestration::events::model::Event;
use crate::orchestration::events::queries;
use crate::orchestration::task_runs::recorder;

/// Keeps events, and what they tell of tasks.
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
    let events = Arc::new(events);
    let mut tried = 0;
    loop {
        let some = Arc::clone(&events);
        match app.db.ingest(move |db| store(db, workspace, &some)).await {
            Ok(()) => break,
            Err(Error::Unavailable | Error::Conflict(_)) if tried + 1 < TRIES => {}
            Err(error @ Error::Internal(_)) => {
                tracing::warn!(error.cause = %error, "events are kept one by one");
                one_by_one(app, workspace, &events).await?;
                break;
            }
            Err(error) => return Err(error),
        }
        tried += 1;
        tokio::time::sleep(Duration::from_millis(100 * u64::from(tried))).await;
    }
    app.live.wake(workspace.uuid(), Topic::Events);
    Ok(())
}

/// Keeps each event by itself, since the database takes one of them not. Where it would not take a harmless one
/// either, the fault is the database's own: then the others are told again later, and none is dropped.
async fn one_by_one(app: &App, workspace: WorkspaceId, events: &Arc<Vec<Event>>) -> Result<()> {
    for at in 0..events.len() {
        let all = Arc::clone(events);
        let one = move |db: &mut Db| store(db, workspace, all.get(at..=at).unwrap_or_default());
        match app.db.ingest(one).await {
            Err(error @ Error::Internal(_)) if takes_events(app, workspace).await => {
                drop_alone(app, workspace, &error);
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Whether the database takes an event with nothing in it that could be wrong; it does not stay.
async fn takes_events(app: &App, workspace: WorkspaceId) -> bool {
    let event = Event::harmless(app.now());
    let refused = app.db.ingest(move |db| {
        queries::insert(db, workspace, &[event])?;
        // Whatever is refused leaves nothing behind.
        Err::<(), _>(Error::NotFound)
    });
    matches!(refused.await, Err(Error::NotFound))
}

/// Of which workspace this process dropped an event within the last minute.
#[derive(Debug, Default)]
struct Dropped(SeenLately);

/// Counts an event that is not kept, and tells the operator of the first one a minute of a workspace.
pub fn drop_alone(app: &App, workspace: WorkspaceId, why: &Error) {
    app.metrics.dropped("event", 1);
    let dropped = app.memory.of::<Dropped>();
    if dropped.0.is_first(workspace.uuid(), Uuid::nil(), "event", app.now()) {
        tracing::warn!(error.cause = %why, workspace.id = %workspace, "an event is not kept");
    }
}
