//! Lines go when they are too old and of no run: logged by none, told after their run was removed, or of a run that
//! never was. The others go with their run.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::queries::{LogId, received_from};
use crate::access::WorkspaceId;
use crate::access::history::all;
use crate::app::App;
use crate::base::db::schema::{flow_runs, logs, workspaces};
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::orchestration::ageing::{Ageing, OfPlaces, Old, in_batches};

/// How lines age.
pub const AGEING: &[Ageing] = &[Ageing { is_due, remove: |app, old| Box::pin(remove(app, old)) }];

/// Lines removed in one transaction.
const ROWS: i64 = 1000;

fn is_due(before: Instant) -> OfPlaces {
    let lines = logs::table
        .filter(logs::workspace_id.eq(workspaces::id))
        .filter(logs::id.lt(received_from(before)));
    Box::new(exists(lines))
}

async fn remove(app: &App, old: Old) -> Result<()> {
    in_batches(app, old, ROWS, remove_of_none).await?;
    remove_strays(app, old).await
}

/// Removes some lines that no run logged.
fn remove_of_none(
    db: &mut Db,
    Old { workspace, before, .. }: Old,
    limit: i64,
) -> QueryResult<usize> {
    let some = all::logs(workspace);
    let old: Vec<LogId> = some
        .filter(logs::flow_run_id.is_null())
        .filter(logs::at.lt(before))
        .limit(limit)
        .select(logs::id)
        .load(db)?;
    diesel::delete(some.filter(logs::id.eq_any(old))).execute(db)
}

/// Removes lines of runs that are not there.
async fn remove_strays(app: &App, Old { workspace, before, .. }: Old) -> Result<()> {
    let mut after = LogId::from(uuid::Uuid::nil());
    loop {
        let found = app.db.read(move |db| Ok(strays(db, workspace, (after, before))?)).await?;
        let Some(last) = found.last() else { return Ok(()) };
        after = *last;
        let remove = move |db: &mut Db| {
            let some = all::logs(workspace);
            Ok(diesel::delete(some.filter(logs::id.eq_any(found))).execute(db)?)
        };
        app.db.ingest(remove).await?;
    }
}

fn strays(
    db: &mut Db,
    workspace: WorkspaceId,
    (after, before): (LogId, Instant),
) -> QueryResult<Vec<LogId>> {
    let run = all::flow_runs(workspace).filter(flow_runs::id.nullable().eq(logs::flow_run_id));
    all::logs(workspace)
        .filter(logs::id.gt(after))
        .filter(logs::id.lt(received_from(before)))
        .filter(logs::flow_run_id.is_not_null())
        .filter(not(exists(run)))
        .order(logs::id)
        .limit(ROWS)
        .select(logs::id)
        .load(db)
}
