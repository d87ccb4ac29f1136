//! What happens to flows.

use serde_json::json;

use crate::access::permission::needs::ManageFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::orchestration::deployments::queries::remove_of_flow;
use crate::orchestration::flow_runs;
use crate::orchestration::rows::flows::model::FlowId;
use crate::orchestration::rows::flows::queries;
use crate::tenancy::audit::{By, Entry, Event, record};

/// Runs removed in one transaction.
const RUNS: i64 = 100;

/// Removes a flow with its deployments and its runs: the runs some at a time, so that nobody else waits, and the flow with the
/// last ones.
///
/// # Errors
/// [`Error::NotFound`] for a flow of elsewhere; the right went meanwhile; the database's fault, and then some
/// runs are gone already.
pub async fn delete(
    app: &App,
    access: WorkspaceAccess<ManageFlows>,
    ip: ClientIp,
    id: FlowId,
) -> Result<()> {
    let (workspace, now) = (access.workspace().id, app.now());
    let flow = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    let flow = flow.ok_or(Error::NotFound)?;
    if app.db.read(move |db| Ok(queries::has_hidden_runs(db, workspace, id)?)).await? {
        let text = "The workspace was transferred, and this flow has runs that come back if that is undone. Delete \
                    it once the transfer can’t be undone any more.";
        return Err(Error::Conflict(text.to_owned()));
    }
    let mut removed = 0;
    loop {
        let some =
            app.db.read(move |db| Ok(queries::some_runs(db, (workspace, id), RUNS)?)).await?;
        let is_last = i64::try_from(some.len()).unwrap_or(0) < RUNS;
        flow_runs::actions::remove_tasks(app, &access, some.clone()).await?;
        let remove = move |db: &mut Db, workspace| {
            Ok(flow_runs::leftovers::delete(db, workspace, &some, now)?)
        };
        removed += access.ingest(app, remove).await?;
        if is_last {
            break;
        }
    }
    access
        .write(app, move |db, access| {
            let last = queries::some_runs(db, (workspace, id), RUNS)?;
            let last = flow_runs::leftovers::delete(db, workspace, &last, now)?;
            let deployments = remove_of_flow(db, workspace, id)?;
            if !queries::delete(db, workspace, id)? {
                return Err(Error::NotFound);
            }
            let runs = removed + last;
            let flow = json!({ "id": id, "name": flow.name });
            let details = json!({ "flow": flow, "flow_runs": runs, "deployments": deployments });
            let entry = Entry::of_workspace(Event::FlowDeleted, access.workspace(), details);
            record(db, &By::actor(access.actor(), ip), entry, now)
        })
        .await?;
    if let Err(error) = flow_runs::leftovers::finish(app, workspace).await {
        tracing::warn!(error.cause = %error, "the lines of a removed flow are left for later");
    }
    Ok(())
}
