//! Deployments are deleted.

use serde_json::json;

use super::note;
use crate::access::WorkspaceId;
use crate::access::permission::needs::ManageDeployments;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::live::Topic;
use crate::orchestration::deployments::model::DeploymentId;
use crate::orchestration::deployments::queries;
use crate::orchestration::flow_runs::actions::remove_some_tasks;
use crate::orchestration::flow_runs::leftovers;
use crate::tenancy::audit::Event;

type Access = WorkspaceAccess<ManageDeployments>;

/// Runs removed in one transaction.
const RUNS: i64 = 100;

/// Removes a deployment with its schedules and the runs that wait for their time; other runs stay (DEP-14). Returns its
/// name.
///
/// # Errors
/// [`Error::NotFound`] for one of elsewhere; the right went meanwhile; the database's fault.
pub async fn delete(app: &App, access: Access, ip: ClientIp, id: DeploymentId) -> Result<String> {
    let removed = delete_all(app, access, ip, vec![id]).await?;
    removed.into_iter().next().map(|(_, name)| name).ok_or(Error::NotFound)
}

/// The same for several: those that are there. Returns their ids and names.
///
/// # Errors
/// The right went meanwhile; the database's fault, and then some of the runs are gone already.
pub async fn delete_all(
    app: &App,
    access: Access,
    ip: ClientIp,
    ids: Vec<DeploymentId>,
) -> Result<Vec<(DeploymentId, String)>> {
    let (workspace, now) = (access.workspace().id, app.now());
    let mut runs = vec![0; ids.len()];
    for (id, runs) in ids.iter().copied().zip(&mut runs) {
        loop {
            let some = move |db: &mut Db, workspace| remove_runs(db, workspace, id, now);
            let removed = access.ingest(app, some).await?;
            *runs += removed;
            if i64::try_from(removed).unwrap_or(0) < RUNS {
                break;
            }
        }
    }
    let removed = access
        .write(app, move |db, access| {
            let workspace = access.workspace().id;
            let mut removed = Vec::new();
            for (id, runs) in ids.into_iter().zip(runs) {
                let Some(whole) = queries::locked(db, workspace, id)? else { continue };
                let runs = runs + remove_runs(db, workspace, id, now)?;
                queries::delete(db, workspace, id)?;
                let more = json!({ "flow_runs": runs, "schedules": whole.schedules.len() });
                note::with(db, (&access, ip), (Event::DeploymentDeleted, &whole), more, now)?;
                removed.push((id, whole.deployment.name));
            }
            Ok(removed)
        })
        .await?;
    app.live.wake(workspace.uuid(), Topic::Events);
    if let Err(error) = leftovers::finish(app, workspace).await {
        tracing::warn!(error.cause = %error, "the lines of removed runs are left for later");
    }
    Ok(removed)
}

/// Removes some runs that wait for their time, with their tasks; returns how many.
fn remove_runs(
    db: &mut Db,
    workspace: WorkspaceId,
    id: DeploymentId,
    now: Instant,
) -> Result<usize> {
    let some = queries::waiting_runs(db, workspace, id, RUNS)?;
    while remove_some_tasks(db, workspace, &some)? {}
    Ok(leftovers::delete(db, workspace, &some, now)?)
}
