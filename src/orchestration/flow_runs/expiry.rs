//! Pauses that nobody ended in time, and cancellations that nobody answered (api.md §4.2).

use diesel::prelude::*;
use jiff::SignedDuration;

use super::actions::orchestrate;
use super::model::FlowRunId;
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::schema::flow_runs;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::base::live::Topic;
use crate::orchestration::states::model::{State, StateCreate, StateType};

/// The job of this slice.
pub const JOBS: &[Job] = &[Job {
    name: "flow-runs.expiry",
    every: SignedDuration::from_secs(5),
    work: |app| Box::pin(expire(app)),
}];

/// Runs looked at together.
const SOME: i64 = 200;

/// A cancellation is taken as done after so long.
const CANCELLING: SignedDuration = SignedDuration::from_secs(300);

type Row = (WorkspaceId, FlowRunId, Option<Json<State>>);

/// Fails runs whose pause is over, and cancels those that do not stop.
///
/// # Errors
/// The database's fault; what was done before stays done.
pub async fn expire(app: App) -> Result<()> {
    let mut after = None;
    loop {
        let rows = app.db.read(move |db| Ok(some(db, after)?)).await?;
        let Some((workspace, id, _)) = rows.last() else { return Ok(()) };
        after = Some((*workspace, *id));
        let now = app.now();
        for (workspace, id, state) in rows {
            let Some(wish) = state.and_then(|state| due(&state.0, now)) else { continue };
            app.db.ingest(move |db| orchestrate(db, workspace, id, (wish, true), now)).await?;
            app.live.wake(workspace.uuid(), Topic::Events);
        }
    }
}

/// Runs that are paused or being cancelled, of all workspaces: few at any time, with an index of their own.
fn some(db: &mut Db, after: Option<(WorkspaceId, FlowRunId)>) -> QueryResult<Vec<Row>> {
    let mut query = flow_runs::table
        .filter(
            flow_runs::state_type
                .eq(StateType::Paused.as_str())
                .or(flow_runs::state_type.eq(StateType::Cancelling.as_str())),
        )
        .into_boxed::<crate::base::db::MultiBackend>();
    if let Some((workspace, id)) = after {
        let (known, known_id) = (flow_runs::workspace_id, flow_runs::id);
        query = query.filter(known.gt(workspace).or(known.eq(workspace).and(known_id.gt(id))));
    }
    query
        .order((flow_runs::workspace_id, flow_runs::id))
        .limit(SOME)
        .select((flow_runs::workspace_id, flow_runs::id, flow_runs::state))
        .load(db)
}

/// The state that is due; `None` while there is time.
fn due(state: &State, now: Instant) -> Option<StateCreate> {
    match state.kind {
        StateType::Paused if state.state_details.pause_timeout.is_some_and(|end| end < now) => {
            let mut wish = StateCreate::of(StateType::Failed);
            wish.message = Some("The flow was paused and never resumed.".to_owned());
            Some(wish)
        }
        StateType::Cancelling if now.since(state.timestamp) > CANCELLING => {
            let mut wish = StateCreate::of(StateType::Cancelled);
            wish.message = Some("Nothing answered the cancellation.".to_owned());
            Some(wish)
        }
        _ => None,
    }
}
