//! Deployments are made, changed, paused and resumed.

use super::schedules::{merge, replace};
use super::{Change, check_parameters, no_schema, note, told};
use crate::access::permission::needs::WriteDeployments;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::json::RawObject;
use crate::orchestration::deployments::model::{
    Body, Deployment, DeploymentId, WantedSchedule, Whole,
};
use crate::orchestration::deployments::queries;
use crate::orchestration::rows::flow_runs::model::{CreatedBy, check_labels, check_sizes};
use crate::orchestration::rows::flows::model::FlowId;
use crate::orchestration::rows::flows::queries as flows;
use crate::orchestration::wire::hydration::in_place;
use crate::tenancy::audit::Event;

type Access = WorkspaceAccess<WriteDeployments>;

/// A deployment as a client wants it.
#[derive(Clone, Debug)]
pub struct Deploy {
    /// Of which flow.
    pub flow: FlowId,
    /// Its name.
    pub name: String,
    /// What else there is to say.
    pub change: Change,
    /// Its schedules.
    pub schedules: Vec<WantedSchedule>,
}

/// What stands in no name, so that the deployment can be found by it in an address.
const NOT_IN_NAMES: [char; 6] = ['/', '\\', '%', '&', '<', '>'];

impl Deploy {
    fn check(&self) -> Result<()> {
        let name = &self.name;
        if name.is_empty() || name.chars().count() > 500 || name.contains(NOT_IN_NAMES) {
            let rule = "name: use 1 to 500 characters, and none of / \\ % & < >.";
            return Err(Error::Invalid(rule.to_owned()));
        }
        check_sizes(self.change.parameters.as_ref(), self.change.job_variables.as_ref())?;
        self.schedules.iter().try_for_each(WantedSchedule::check)
    }
}

/// Makes a deployment, or makes the one of its flow and name like this (api.md §4, semantics.md 19). Returns whether it
/// is a new one.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be kept, and for parameters that do not fit; [`Error::Conflict`] for a flow of
/// elsewhere, and for slugs that are not unique; the right went meanwhile; the database's fault.
pub async fn deploy(
    app: &App,
    access: Access,
    ip: ClientIp,
    wanted: Deploy,
) -> Result<(Whole, bool)> {
    wanted.check()?;
    if wanted.change.is_checked != Some(false)
        && let (parameters, Some(schema)) = wanted.change.checked(&Body::default())
    {
        let checked = check_parameters(schema, parameters, false).await;
        checked.map_err(|fault| Error::Invalid(told(fault)))?;
    }
    let now = app.now();
    access
        .write(app, move |db, access| {
            let workspace = access.workspace().id;
            let flow = flows::one(db, workspace, wanted.flow)?.ok_or_else(|| {
                Error::Conflict("flow_id: there is no such flow in this workspace.".to_owned())
            })?;
            let before = queries::of_flow(db, workspace, (flow.id, &wanted.name))?;
            let maker = CreatedBy::of(access.actor());
            let known = before.as_ref().map(|whole| whole.deployment.clone());
            let mut deployment =
                known.unwrap_or_else(|| fresh((flow.id, &wanted.name), maker.clone(), now));
            let mut labels = flow.labels.0;
            labels.insert("prefect.flow.id", &flow.id);
            labels.extend(wanted.change.labels.clone().into_iter().flatten());
            check_labels(&labels)?;
            let change = Change {
                parameters: Some(wanted.change.parameters.clone().unwrap_or_default()),
                labels: Some(labels),
                ..wanted.change
            };
            change.apply(&mut deployment, maker, now);
            let id = deployment.id;
            queries::save(db, workspace, &deployment)?;
            replace(db, workspace, id, wanted.schedules, now)?;
            let after = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
            note::changed(db, (&access, ip), (before.as_ref(), &after), now)?;
            Ok((after, before.is_none()))
        })
        .await
}

fn fresh((flow, name): (FlowId, &str), maker: CreatedBy, now: Instant) -> Deployment {
    Deployment {
        id: DeploymentId::new(now),
        flow_id: flow,
        name: name.to_owned(),
        tags: Json(Vec::new()),
        body: Json(Body {
            parameter_schema: Some(RawObject::default()),
            is_checked: true,
            created_by: Some(maker),
            ..Body::default()
        }),
        paused_at: None,
        last_polled_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// Changes a deployment. Schedules that have slugs are changed by them; others are replaced (semantics.md 19).
///
/// # Errors
/// [`Error::NotFound`] for one of elsewhere; [`Error::BadRequest`] for parameters that say what they do not stand for,
/// [`Error::Conflict`] for those that do not fit; [`Error::Invalid`] for what cannot be kept; the right went meanwhile;
/// the database's fault.
pub async fn change(
    app: &App,
    access: Access,
    ip: ClientIp,
    id: DeploymentId,
    (mut change, schedules): (Change, Option<Vec<WantedSchedule>>),
) -> Result<()> {
    let workspace = access.workspace().id;
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    let body = found.ok_or(Error::NotFound)?.deployment.body.0;
    check_sizes(change.parameters.as_ref(), change.job_variables.as_ref())?;
    schedules.iter().flatten().try_for_each(WantedSchedule::check)?;
    if let Some(parameters) = change.parameters.take() {
        let parameters = in_place(parameters).map_err(|problem| {
            Error::BadRequest(format!("Error hydrating deployment parameters: {problem}"))
        })?;
        change.parameters = Some(parameters);
    }
    if change.touches_parameters() && change.is_checked.unwrap_or(body.is_checked) {
        let (parameters, schema) = change.checked(&body);
        let schema = schema.ok_or_else(no_schema)?;
        let checked = check_parameters(schema, parameters, false).await;
        checked.map_err(|fault| {
            Error::Conflict(format!("Error updating deployment: {}", told(fault)))
        })?;
    }
    let now = app.now();
    access
        .write(app, move |db, access| {
            let workspace = access.workspace().id;
            let before = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
            let mut deployment = before.deployment.clone();
            change.apply(&mut deployment, CreatedBy::of(access.actor()), now);
            queries::save(db, workspace, &deployment)?;
            if let Some(schedules) = schedules {
                merge(db, workspace, &before, schedules, now)?;
            }
            let after = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
            note::changed(db, (&access, ip), (Some(&before), &after), now)
        })
        .await
}

/// Pauses a deployment, so that its schedules make no runs, or ends that (DEP-12). Returns its name, and whether it is
/// otherwise than before.
///
/// # Errors
/// [`Error::NotFound`] for one of elsewhere; the right went meanwhile; the database's fault.
pub async fn set_paused(
    app: &App,
    access: Access,
    ip: ClientIp,
    (id, paused): (DeploymentId, bool),
) -> Result<(String, bool)> {
    let now = app.now();
    let set = move |db: &mut Db, access: Access| {
        let workspace = access.workspace().id;
        let before = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
        let name = before.deployment.name.clone();
        if before.deployment.paused_at.is_some() == paused {
            return Ok((name, false));
        }
        let mut after = before.clone();
        let change = Change { paused: Some(paused), ..Change::default() };
        change.apply(&mut after.deployment, CreatedBy::of(access.actor()), now);
        queries::save(db, workspace, &after.deployment)?;
        let event = if paused { Event::DeploymentPaused } else { Event::DeploymentResumed };
        note::simply(db, (&access, ip), (event, &after), now)?;
        Ok((name, true))
    };
    access.write(app, set).await
}
