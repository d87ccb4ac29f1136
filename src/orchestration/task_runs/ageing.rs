//! Tasks that no flow ran go when they ended too long ago, with their lines; the others go with their flow's run.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::access::history::all;
use crate::base::db::schema::{logs, task_runs, workspaces};
use crate::base::db::{Db, Instant};
use crate::orchestration::ageing::{Ageing, OfPlaces, Old, in_batches};
use crate::orchestration::rows::task_runs::model::TaskRunId;

/// How runs of tasks age.
pub const AGEING: &[Ageing] =
    &[Ageing { is_due, remove: |app, old| Box::pin(in_batches(app, old, TASKS, remove)) }];

/// Tasks removed in one transaction.
const TASKS: i64 = 500;

fn is_due(before: Instant) -> OfPlaces {
    let tasks = task_runs::table
        .filter(task_runs::workspace_id.eq(workspaces::id))
        .filter(task_runs::flow_run_id.is_null())
        .filter(task_runs::ended_at.lt(before));
    Box::new(exists(tasks))
}

fn remove(db: &mut Db, Old { workspace, before, .. }: Old, limit: i64) -> QueryResult<usize> {
    let ids: Vec<TaskRunId> = all::task_runs(workspace)
        .filter(task_runs::flow_run_id.is_null())
        .filter(task_runs::ended_at.lt(before))
        .limit(limit)
        .select(task_runs::id)
        .load(db)?;
    let its_logs = all::logs(workspace).filter(logs::task_run_id.eq_any(ids.clone()));
    diesel::delete(its_logs).execute(db)?;
    let ended = all::task_runs(workspace).filter(task_runs::id.eq_any(ids));
    diesel::delete(ended).execute(db)
}
