//! Pauses that nobody ended in time, and cancellations that nobody answered (api.md §4.2).

use diesel::prelude::*;
use jiff::SignedDuration;

use super::actions::orchestrate;
use super::leftovers;
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::schema::flow_runs;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::base::live::Topic;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries;
use crate::orchestration::states::model::{State, StateCreate, StateType};

/// The job.
pub const JOB: Job = Job {
    name: "flow-runs.expiry",
    every: SignedDuration::from_secs(5),
    work: |app| Box::pin(expire(app)),
};

/// Runs looked at together.
const SOME: i64 = 200;

/// Fails runs whose pause is over, and cancels those that do not stop.
///
/// # Errors
/// The first fault; a run that it is about stays due and does not keep the others.
pub async fn expire(app: App) -> Result<()> {
    let now = app.now();
    let due = app.db.read(move |db| Ok(some(db, now)?)).await?;
    let mut outcome = Ok(());
    for (workspace, id) in due {
        match app.db.ingest(move |db| end(db, workspace, id, now)).await {
            Ok(()) => app.live.wake(workspace.uuid(), Topic::Events),
            Err(error) => {
                tracing::warn!(workspace.id = %workspace, flow_run.id = %id, error.cause = %error,
                               "could not end a run that is due");
                outcome = outcome.and(Err(error));
            }
        }
        leftovers::finish(&app, workspace).await?;
    }
    outcome
}

/// Runs whose end is due, the longest first.
fn some(db: &mut Db, now: Instant) -> QueryResult<Vec<(WorkspaceId, FlowRunId)>> {
    flow_runs::table
        .filter(flow_runs::expires_at.le(now))
        .order(flow_runs::expires_at)
        .limit(SOME)
        .select((flow_runs::workspace_id, flow_runs::id))
        .load(db)
}

/// Ends a run, unless it went on meanwhile.
fn end(db: &mut Db, workspace: WorkspaceId, id: FlowRunId, now: Instant) -> Result<()> {
    let Some(run) = queries::locked(db, workspace, id)? else { return Ok(()) };
    let expires_at = run.state().and_then(State::expires_at);
    let due = run.state().filter(|_| expires_at.is_some_and(|end| end <= now));
    match due.and_then(wish) {
        Some(wish) => orchestrate(db, workspace, id, (wish, true), now).map(drop),
        None => Ok(queries::set_expiry(db, workspace, id, expires_at)?),
    }
}

/// The state that takes the place of one that is over.
fn wish(state: &State) -> Option<StateCreate> {
    let (kind, message) = match state.kind {
        StateType::Paused => (StateType::Failed, "The flow was paused and never resumed."),
        StateType::Cancelling => (StateType::Cancelled, "Nothing answered the cancellation."),
        _ => return None,
    };
    let mut wish = StateCreate::of(kind);
    wish.message = Some(message.to_owned());
    Some(wish)
}
