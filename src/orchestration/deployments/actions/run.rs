//! Deployments are run.

use serde_json::json;

use super::{check_parameters, no_schema, note, told};
use crate::access::permission::Permission;
use crate::access::permission::needs::{RunDeployments, RunFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::ids::TaskRunId;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::Window;
use crate::base::json::{RawObject, cut};
use crate::base::live::Topic;
use crate::orchestration::deployments::model::DeploymentId;
use crate::orchestration::deployments::queries;
use crate::orchestration::flow_runs::actions::{Wanted, make};
use crate::orchestration::rows::flow_runs::model::{Body, CreatedBy, FlowRun, check_sizes};
use crate::orchestration::rows::flow_runs::queries::{self as runs, Sort};
use crate::orchestration::rows::task_runs::queries::LONGEST_KEY;
use crate::orchestration::states::model::{StateCreate, StateType};
use crate::orchestration::states::rules::Policy;
use crate::orchestration::wire::hydration::in_place;
use crate::orchestration::wire::term::{Term, Value, column};
use crate::tenancy::audit::Event;

/// A run of a deployment as somebody wants it.
#[derive(Clone, Debug, Default)]
pub struct WantedRun {
    /// Its name; one by chance where none is given.
    pub name: Option<String>,
    /// What it is called with, beside what the deployment says.
    pub parameters: RawObject,
    /// Whether parameters are checked, where that is not left to the deployment.
    pub is_checked: Option<bool>,
    /// What else the client knows.
    pub context: RawObject,
    /// Tags beside the deployment's.
    pub tags: Vec<String>,
    /// Labels beside the deployment's.
    pub labels: RawObject,
    /// Settings of what runs it.
    pub job_variables: RawObject,
    /// How it is retried and paused.
    pub policy: Policy,
    /// One run for each of these.
    pub key: Option<String>,
    /// The task that stands for it.
    pub parent: Option<TaskRunId>,
    /// Its first state; scheduled for now where none is given.
    pub state: Option<StateCreate>,
}

/// Makes a run of a deployment, or finds the one of its idempotency key; returns whether it was made (api.md §4,
/// semantics.md 20).
///
/// # Errors
/// [`Error::NotFound`] for a deployment of elsewhere; [`Error::BadRequest`] for parameters that say what they do not
/// stand for, [`Error::Conflict`] for those that do not fit; [`Error::Invalid`] for more than can be kept; the right went
/// meanwhile; the database's fault.
pub async fn run(
    app: &App,
    access: WorkspaceAccess<RunDeployments>,
    ip: ClientIp,
    (id, wanted): (DeploymentId, WantedRun),
) -> Result<(FlowRun, bool)> {
    let workspace = access.workspace().id;
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    let whole = found.ok_or(Error::NotFound)?;
    if wanted.key.as_ref().is_some_and(|key| key.len() > LONGEST_KEY) {
        return Err(Error::Invalid(format!("idempotency_key: use {LONGEST_KEY} bytes at most.")));
    }
    let body = &whole.deployment.body.0;
    let mut parameters = body.parameters.clone();
    parameters.extend(wanted.parameters.clone());
    let parameters = in_place(parameters).map_err(|problem| {
        Error::BadRequest(format!("Error hydrating flow run parameters: {problem}"))
    })?;
    check_sizes(Some(&parameters), Some(&wanted.job_variables))?;
    if wanted.is_checked.unwrap_or(body.is_checked) {
        let schema = body.parameter_schema.clone().ok_or_else(no_schema)?;
        let checked = check_parameters(schema, parameters.clone(), true).await;
        checked.map_err(|fault| {
            Error::Conflict(format!("Error creating flow run: {}", told(fault)))
        })?;
    }
    let differs = note::covered(&wanted.parameters, body.parameter_schema.as_ref());
    let mut labels = body.labels.clone();
    labels.insert("prefect.deployment.id", &id);
    labels.extend(wanted.labels);
    let mut tags = whole.deployment.tags.0.clone();
    for tag in wanted.tags {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let wish = Wanted {
        flow: Some(whole.deployment.flow_id),
        deployment: Some(id),
        name: wanted.name,
        flow_version: None,
        parent: wanted.parent,
        key: wanted.key,
        tags,
        body: Body {
            parameters,
            context: wanted.context,
            labels,
            job_variables: wanted.job_variables,
            created_by: Some(CreatedBy::of(access.actor())),
            deployment_version: body.version.clone(),
        },
        policy: wanted.policy,
        state: wanted.state.or_else(|| Some(StateCreate::of(StateType::Scheduled))),
    };
    let now = app.now();
    let made = access
        .write(app, move |db, access| {
            let workspace = access.workspace().id;
            let whole = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
            let (run, is_new) = make(db, workspace, wish, now)?;
            if is_new {
                let run = json!({ "id": run.id, "name": run.name });
                let more = json!({ "flow_run": run, "parameters": cut(differs, 500) });
                note::with(db, (&access, ip), (Event::DeploymentRun, &whole), more, now)?;
            }
            Ok((run, is_new))
        })
        .await?;
    app.live.wake(workspace.uuid(), Topic::Events);
    Ok(made)
}

/// Runs of some deployments that are due until a moment, the next one first; notes that something asks for them
/// (DEP-04).
///
/// # Errors
/// [`Error::Forbidden`] without the right to see deployments; the database's fault.
pub async fn due(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    ids: Vec<DeploymentId>,
    (before, window): (Option<Instant>, Window),
) -> Result<Vec<FlowRun>> {
    if !access.may(Permission::SeeDeployments) {
        let words = Permission::SeeDeployments.words().trim_end_matches('.');
        return Err(Error::Forbidden(format!("This needs the permission “{words}” too.")));
    }
    let (workspace, now) = (access.workspace().id, app.now());
    let of = ids.iter().map(|id| Value::from(*id)).collect();
    let mut terms = vec![
        Term::Among(column!(flow_runs.deployment_id), of),
        Term::is(column!(flow_runs.state_type), StateType::Scheduled.as_str()),
    ];
    terms.extend(before.map(|at| Term::AtMost(column!(flow_runs.next_scheduled_at), at.into())));
    let some = move |db: &mut crate::base::db::Db| {
        Ok(runs::some(db, workspace, Term::All(terms), Sort::NextScheduled, window)?)
    };
    let found = app.db.read(some).await?;
    access
        .report(app, move |db, workspace| Ok(queries::note_poll(db, workspace, ids, now)?))
        .await?;
    Ok(found)
}
