//! What is left to do about a run that was cancelled or removed: its tasks and subflows end with it, its lines
//! go with it. There may be any number of them, so this is noted with the change and done some at a time.
//!
//! Invariant: a note goes in the transaction that finds nothing left to do.

use diesel::dsl::exists;
use diesel::prelude::*;
use jiff::SignedDuration;

use super::actions::orchestrate;
use crate::access::WorkspaceId;
use crate::access::history::all;
use crate::app::App;
use crate::base::db::schema::{flow_run_leftovers as leftovers, flow_runs, logs};
use crate::base::db::{Db, Instant, on_each_backend};
use crate::base::error::Result;
use crate::base::jobs::Job;
use crate::base::live::Topic;
use crate::orchestration::logs::queries::LogId;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries;
use crate::orchestration::states::model::{StateCreate, StateType};
use crate::orchestration::task_runs::actions as task_runs;

/// The job.
pub const JOB: Job = Job {
    name: "flow-runs.leftovers",
    every: SignedDuration::from_secs(5),
    work: |app| Box::pin(finish_all(app)),
};

crate::base::db::text_enum! {
    /// What is to be done.
    Work {
        /// Its tasks and subflows that have not ended are cancelled.
        Cancel = "cancel",
        /// The lines that it logged are removed.
        RemoveLines = "remove-lines",
    }
}

/// A note.
type Note = (WorkspaceId, FlowRunId, Work);

/// Tasks and subflows cancelled in one transaction, and lines removed in one.
const TASKS: i64 = 100;
const CHILDREN: i64 = 20;
const LINES: i64 = 1000;

/// Transactions for which whoever asked waits; the job does the rest.
const AT_ONCE: usize = 20;

/// Notes that the job looks at together.
const NOTES: i64 = 100;

/// Notes what is to be done about some runs, inside the transaction that makes it so.
pub fn note(
    db: &mut Db,
    workspace: WorkspaceId,
    (runs, work): (&[FlowRunId], Work),
    now: Instant,
) -> QueryResult<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            (
                leftovers::workspace_id.eq(workspace),
                leftovers::flow_run_id.eq(*run),
                leftovers::work.eq(work),
                leftovers::created_at.eq(now),
            )
        })
        .collect();
    on_each_backend!(db, |conn| diesel::insert_into(leftovers::table)
        .values(&rows)
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// Does what is left to do in a workspace, as long as that is not much.
///
/// # Errors
/// The database's fault; what is left then is done by the job.
pub async fn finish(app: &App, workspace: WorkspaceId) -> Result<()> {
    for _ in 0..AT_ONCE {
        let next = app.db.read(move |db| Ok(next_of(db, workspace)?)).await?;
        let Some(note) = next else { return Ok(()) };
        step(app, note).await?;
    }
    Ok(())
}

/// Does what is left to do anywhere: a step for each note, the oldest first, and again until none is left.
async fn finish_all(app: App) -> Result<()> {
    loop {
        let notes = app.db.read(|db| Ok(some(db)?)).await?;
        if notes.is_empty() {
            return Ok(());
        }
        let mut fault = None;
        for note in notes {
            if let Err(error) = step(&app, note).await {
                tracing::warn!(workspace.id = %note.0, flow_run.id = %note.1, error.cause = %error,
                               "could not do what is left about a run");
                fault = Some(error);
            }
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
}

fn some(db: &mut Db) -> QueryResult<Vec<Note>> {
    leftovers::table
        .order(leftovers::created_at)
        .limit(NOTES)
        .select((leftovers::workspace_id, leftovers::flow_run_id, leftovers::work))
        .load(db)
}

fn next_of(db: &mut Db, workspace: WorkspaceId) -> QueryResult<Option<Note>> {
    leftovers::table
        .filter(leftovers::workspace_id.eq(workspace))
        .select((leftovers::workspace_id, leftovers::flow_run_id, leftovers::work))
        .first(db)
        .optional()
}

async fn step(app: &App, note: Note) -> Result<()> {
    let now = app.now();
    let (workspace, run, work) = note;
    app.db
        .ingest(move |db| {
            let is_more = match work {
                Work::Cancel => cancel_some(db, workspace, run, now)?,
                Work::RemoveLines => remove_lines(db, workspace, run)?,
            };
            if !is_more {
                diesel::delete(leftovers::table.find((workspace, run, work))).execute(db)?;
            }
            Ok(())
        })
        .await?;
    let topic = if work == Work::Cancel { Topic::Events } else { Topic::Logs };
    app.live.wake(workspace.uuid(), topic);
    Ok(())
}

/// What a run is told that ended with the one that it is in.
const WITH_ITS_PARENT: &str = "The parent flow run was cancelled.";

/// Returns whether there may be more. A subflow that is cancelled leaves a note of its own. Unless it is a run of a
/// deployment, it ran in the process of its parent, so nobody is left who could answer a cancellation.
fn cancel_some(db: &mut Db, workspace: WorkspaceId, run: FlowRunId, now: Instant) -> Result<bool> {
    let tasks = task_runs::cancel_in(db, workspace, (run, WITH_ITS_PARENT), TASKS, now)?;
    let mut children = 0;
    for (child, deployment) in queries::open_children(db, workspace, run, CHILDREN)? {
        let is_apart = deployment.is_some();
        let kind = if is_apart { StateType::Cancelling } else { StateType::Cancelled };
        let mut wish = StateCreate::of(kind);
        wish.message = Some(WITH_ITS_PARENT.to_owned());
        let told = orchestrate(db, workspace, child, (wish, false), now)?;
        children += usize::from(told.is_new);
    }
    Ok(tasks + children > 0)
}

/// The same for the lines of a run that is gone.
fn remove_lines(db: &mut Db, workspace: WorkspaceId, run: FlowRunId) -> Result<bool> {
    let some = all::logs(workspace);
    let ids: Vec<LogId> = some
        .filter(logs::flow_run_id.eq(run.cast::<()>()))
        .limit(LINES)
        .select(logs::id)
        .load(db)?;
    let removed = diesel::delete(some.filter(logs::id.eq_any(ids))).execute(db)?;
    Ok(i64::try_from(removed).unwrap_or(0) == LINES)
}

/// Those of some runs that logged lines.
pub fn with_lines(
    db: &mut Db,
    workspace: WorkspaceId,
    runs: &[FlowRunId],
) -> QueryResult<Vec<FlowRunId>> {
    let lines = all::logs(workspace).filter(logs::flow_run_id.eq(flow_runs::id.nullable()));
    all::flow_runs(workspace)
        .filter(flow_runs::id.eq_any(runs.to_vec()))
        .filter(exists(lines))
        .select(flow_runs::id)
        .load(db)
}

/// Removes runs with their states and inputs, and notes that their lines go too; returns how many.
pub fn delete(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: &[FlowRunId],
    now: Instant,
) -> QueryResult<usize> {
    let with_lines = with_lines(db, workspace, ids)?;
    note(db, workspace, (&with_lines, Work::RemoveLines), now)?;
    let runs = all::flow_runs(workspace).filter(flow_runs::id.eq_any(ids.to_vec()));
    diesel::delete(runs).execute(db)
}
