//! What happens to schedules of deployments.

use std::collections::HashSet;

use super::note;
use crate::access::WorkspaceId;
use crate::access::permission::needs::WriteDeployments;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::orchestration::deployments::model::{
    DeploymentId, Schedule, ScheduleId, WantedSchedule, Whole, check_schedules,
};
use crate::orchestration::deployments::queries;

type Access = WorkspaceAccess<WriteDeployments>;

/// Puts schedules in the place of all that a deployment has.
pub(super) fn replace(
    db: &mut Db,
    workspace: WorkspaceId,
    id: DeploymentId,
    wanted: Vec<WantedSchedule>,
    now: Instant,
) -> Result<()> {
    queries::delete_schedules(db, workspace, id)?;
    let made = made(id, wanted, now)?;
    check_schedules(&made)?;
    Ok(queries::insert_schedules(db, workspace, &made)?)
}

fn made(id: DeploymentId, wanted: Vec<WantedSchedule>, now: Instant) -> Result<Vec<Schedule>> {
    let each = wanted.into_iter().enumerate();
    each.map(|(order, wanted)| wanted.made(id, (now, order))).collect()
}

fn invalid<T>(text: String) -> Result<T> {
    Err(Error::Invalid(text))
}

/// Changes the schedules of a deployment by their slugs, where all have one; else replaces them (semantics.md 19).
pub(super) fn merge(
    db: &mut Db,
    workspace: WorkspaceId,
    before: &Whole,
    wanted: Vec<WantedSchedule>,
    now: Instant,
) -> Result<()> {
    let (id, known) = (before.deployment.id, &before.schedules);
    let have_slugs = !known.is_empty() && known.iter().all(|one| one.slug.is_some());
    if !have_slugs {
        let wanted = wanted.into_iter().filter(|one| one.rule.is_some()).collect();
        return replace(db, workspace, id, wanted, now);
    }
    if wanted.iter().any(|one| one.slug.is_none()) {
        let text = "Please provide a slug for each schedule in your request to ensure schedules are updated correctly.";
        return invalid(text.to_owned());
    }
    let targets: Vec<&str> = wanted.iter().filter_map(|one| one.replaces.as_deref()).collect();
    let mut seen = HashSet::new();
    if let Some(twice) = targets.iter().find(|target| !seen.insert(**target)) {
        return invalid(format!(
            "Multiple schedules have 'replaces' targeting the same slug: {twice}"
        ));
    }
    let is_known = |slug: &str| known.iter().any(|one| one.slug.as_deref() == Some(slug));
    for one in &wanted {
        if let (Some(slug), Some(old)) = (&one.slug, &one.replaces)
            && is_known(slug)
            && !targets.contains(&slug.as_str())
        {
            return invalid(format!(
                "Cannot rename schedule from '{old}' to '{slug}': a schedule with slug '{slug}' already exists."
            ));
        }
    }
    let (mut all, mut changed, mut new) = (known.clone(), Vec::new(), Vec::new());
    for one in wanted {
        let target = one.replaces.clone().or_else(|| one.slug.clone());
        let at = known.iter().position(|known| known.slug == target);
        match at.and_then(|at| all.get_mut(at)) {
            Some(schedule) => {
                one.change(schedule, now);
                changed.push(schedule.id);
            }
            None => new.push(one),
        }
    }
    let new = made(id, new, now)?;
    check_schedules(&all.iter().chain(&new).cloned().collect::<Vec<_>>())?;
    queries::clear_slugs(db, workspace, changed.clone())?;
    for schedule in all.iter().filter(|one| changed.contains(&one.id)) {
        queries::update_schedule(db, workspace, schedule)?;
    }
    Ok(queries::insert_schedules(db, workspace, &new)?)
}

/// Adds schedules to a deployment.
///
/// # Errors
/// [`Error::NotFound`] for a deployment of elsewhere; [`Error::Invalid`] for what cannot be kept; [`Error::Conflict`] for
/// a slug that is there already; the right went meanwhile; the database's fault.
pub async fn add_schedules(
    app: &App,
    access: Access,
    ip: ClientIp,
    (id, wanted): (DeploymentId, Vec<WantedSchedule>),
) -> Result<Vec<Schedule>> {
    wanted.iter().try_for_each(WantedSchedule::check)?;
    let now = app.now();
    access
        .write(app, move |db, access| {
            let workspace = access.workspace().id;
            let whole = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
            let new = made(id, wanted, now)?;
            check_schedules(&whole.schedules.iter().chain(&new).cloned().collect::<Vec<_>>())?;
            queries::insert_schedules(db, workspace, &new)?;
            for one in &new {
                note::schedule(db, (&access, ip), &whole, (None, Some(one)), now)?;
            }
            Ok(new)
        })
        .await
}

/// Changes a schedule of a deployment.
///
/// # Errors
/// As of [`add_schedules`], also for a schedule of elsewhere.
pub async fn change_schedule(
    app: &App,
    access: Access,
    ip: ClientIp,
    (of, id): (DeploymentId, ScheduleId),
    wanted: WantedSchedule,
) -> Result<Schedule> {
    wanted.check()?;
    let now = app.now();
    access
        .write(app, move |db, access| {
            let workspace = access.workspace().id;
            let whole = queries::locked(db, workspace, of)?.ok_or(Error::NotFound)?;
            let mut all = whole.schedules.clone();
            let found = all.iter_mut().find(|one| one.id == id).ok_or(Error::NotFound)?;
            let before = found.clone();
            wanted.change(found, now);
            let after = found.clone();
            check_schedules(&all)?;
            queries::update_schedule(db, workspace, &after)?;
            note::schedule(db, (&access, ip), &whole, (Some(&before), Some(&after)), now)?;
            Ok(after)
        })
        .await
}

/// Pauses a schedule, so that it makes no runs, or ends that.
///
/// # Errors
/// As of [`change_schedule`].
pub async fn pause_schedule(
    app: &App,
    access: Access,
    ip: ClientIp,
    (schedule, paused): ((DeploymentId, ScheduleId), bool),
) -> Result<Schedule> {
    let wanted = WantedSchedule { active: Some(!paused), ..WantedSchedule::default() };
    change_schedule(app, access, ip, schedule, wanted).await
}

/// Removes a schedule of a deployment.
///
/// # Errors
/// [`Error::NotFound`] for one of elsewhere; the right went meanwhile; the database's fault.
pub async fn delete_schedule(
    app: &App,
    access: Access,
    ip: ClientIp,
    (of, id): (DeploymentId, ScheduleId),
) -> Result<()> {
    let now = app.now();
    access
        .write(app, move |db, access| {
            let workspace = access.workspace().id;
            let whole = queries::locked(db, workspace, of)?.ok_or(Error::NotFound)?;
            let one = whole.schedules.iter().find(|one| one.id == id).ok_or(Error::NotFound)?;
            queries::delete_schedule(db, workspace, id)?;
            note::schedule(db, (&access, ip), &whole, (Some(one), None), now)
        })
        .await
}
