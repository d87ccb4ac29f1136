//! Runs go when they ended too long ago, with their tasks and states; their lines are left over.

use std::sync::Arc;

use diesel::dsl::exists;
use diesel::prelude::*;

use super::actions::remove_some_tasks;
use super::leftovers;
use crate::access::WorkspaceId;
use crate::access::history::all;
use crate::app::App;
use crate::base::db::schema::{flow_runs, workspaces};
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::orchestration::ageing::{Ageing, OfPlaces, Old};
use crate::orchestration::rows::flow_runs::model::FlowRunId;

/// How runs of flows age.
pub const AGEING: &[Ageing] = &[Ageing { is_due, remove: |app, old| Box::pin(remove(app, old)) }];

/// Runs removed in one transaction.
const RUNS: i64 = 100;

fn is_due(before: Instant) -> OfPlaces {
    let runs = flow_runs::table
        .filter(flow_runs::workspace_id.eq(workspaces::id))
        .filter(flow_runs::ended_at.lt(before));
    Box::new(exists(runs))
}

async fn remove(app: &App, Old { workspace, before, now }: Old) -> Result<()> {
    loop {
        let due = app.db.read(move |db| Ok(ended(db, workspace, before)?)).await?;
        if due.is_empty() {
            return Ok(());
        }
        let due = Arc::new(due);
        while {
            let due = Arc::clone(&due);
            app.db.ingest(move |db| remove_some_tasks(db, workspace, &due)).await?
        } {}
        // One that began again meanwhile stays.
        let remove = move |db: &mut Db| {
            let due = ended(db, workspace, before)?;
            Ok(leftovers::delete(db, workspace, &due, now)?)
        };
        app.db.ingest(remove).await?;
    }
}

fn ended(db: &mut Db, workspace: WorkspaceId, before: Instant) -> QueryResult<Vec<FlowRunId>> {
    all::flow_runs(workspace)
        .filter(flow_runs::ended_at.lt(before))
        .order(flow_runs::ended_at)
        .limit(RUNS)
        .select(flow_runs::id)
        .load(db)
}
