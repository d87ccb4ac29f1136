//! Limits of tags, as tasks meet them whose runs the server is asked about: those of older clients (semantics 30).
//! Newer clients take a lease by themselves before a task runs.

use super::leases;
use super::model::{Holder, HolderKind, Limit, LimitId, TAG};
use super::queries;
use super::slots;
use crate::access::WorkspaceId;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::orchestration::rows::task_runs::model::TaskRunId;

/// Whether a task may run.
#[derive(Clone, Debug, PartialEq)]
pub enum Secured {
    /// It holds what it needs.
    Runs,
    /// It never may; why.
    Never(String),
    /// It has to wait so many seconds; why.
    Waits(i64, String),
}

/// A run of a task as a holder.
pub fn holder(task: TaskRunId) -> Holder {
    Holder { kind: HolderKind::TaskRun, id: task.cast() }
}

/// The names of the limits of some tags.
pub fn names(tags: &[String]) -> Vec<String> {
    tags.iter().map(|tag| format!("{TAG}{tag}")).collect()
}

/// The tag of a limit.
pub fn tag_of(limit: &Limit) -> &str {
    limit.name.strip_prefix(TAG).unwrap_or(&limit.name)
}

fn deadlock(limit: &Limit) -> String {
    let tag = tag_of(limit);
    format!(
        "The concurrency limit on tag \"{tag}\" is 0 and will deadlock if the task tries to run again."
    )
}

/// Takes a slot of the limit of each tag for a run, whose row is locked, until it ends; all or none. What it holds
/// already counts (LIM-09).
///
/// # Errors
/// The database's fault.
pub fn secure(
    db: &mut Db,
    workspace: WorkspaceId,
    (task, tags): (TaskRunId, &[String]),
    now: Instant,
) -> Result<Secured> {
    if tags.is_empty() {
        return Ok(Secured::Runs);
    }
    let mut limits = queries::locked_named(db, workspace, &names(tags))?;
    limits.retain(|limit| limit.is_active);
    if let Some(none) = limits.iter().find(|limit| limit.slots <= 0) {
        return Ok(Secured::Never(deadlock(none)));
    }
    let ids: Vec<LimitId> = limits.iter().map(|limit| limit.id).collect();
    let holder = holder(task);
    if limits.is_empty() || !leases::of_task(db, workspace, holder.id, &ids)?.is_empty() {
        return Ok(Secured::Runs);
    }
    if let Some(wait) = slots::take_of(db, workspace, (&mut limits, 1, Some(holder)), now)? {
        let mut tags: Vec<&str> = limits.iter().map(tag_of).collect();
        tags.sort_unstable();
        let reason = format!("Concurrency limit reached for tags: {}", tags.join(", "));
        let seconds = jiff::SignedDuration::try_from_secs_f64(wait.round()).unwrap_or_default();
        return Ok(Secured::Waits(seconds.as_secs().max(1), reason));
    }
    slots::lease(db, workspace, (&limits, 1, Some(holder)), (now, None))?;
    Ok(Secured::Runs)
}

/// Gives back what runs of tasks hold until they end. Locks limits: rows of runs are locked before it, not after.
///
/// # Errors
/// The database's fault.
pub fn release(
    db: &mut Db,
    workspace: WorkspaceId,
    tasks: &[TaskRunId],
    now: Instant,
) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let holders: Vec<_> = tasks.iter().map(|task| holder(*task).id).collect();
    let held = leases::bound_to(db, workspace, &holders)?;
    leases::end(db, workspace, &held, (false, now))?;
    Ok(())
}

/// What became of an ask for the slots of some tags.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The limits that hold them.
    Taken(Vec<Limit>),
    /// None; why, and seconds until it makes sense to ask again.
    Full(String, f64),
}

/// Seconds until somebody may ask again who is told that a limit has no slots at all.
const NEVER: f64 = 30.0;

/// Takes a slot of the limit of each tag for a run of a task, which says itself when it ends.
///
/// # Errors
/// The database's fault.
pub fn take(
    db: &mut Db,
    workspace: WorkspaceId,
    (task, tags): (TaskRunId, &[String]),
    now: Instant,
) -> Result<Asked> {
    let mut limits = queries::locked_named(db, workspace, &names(tags))?;
    if let Some(none) = limits.iter().find(|limit| limit.slots <= 0) {
        return Ok(Asked::Full(deadlock(none), NEVER));
    }
    limits.retain(|limit| limit.is_active);
    let ids: Vec<LimitId> = limits.iter().map(|limit| limit.id).collect();
    let holder = holder(task);
    if limits.is_empty() || !leases::of_task(db, workspace, holder.id, &ids)?.is_empty() {
        return Ok(Asked::Taken(limits));
    }
    if let Some(wait) = slots::take_of(db, workspace, (&mut limits, 1, Some(holder)), now)? {
        let full = limits.iter().find(|limit| !limit.has_room(1, now));
        let tag = full.map(tag_of).unwrap_or_default();
        let reason = format!("Concurrency limit for the {tag} tag has been reached");
        return Ok(Asked::Full(reason, wait));
    }
    slots::lease(db, workspace, (&limits, 1, Some(holder)), (now, None))?;
    Ok(Asked::Taken(limits))
}

/// Gives back what a run of a task holds of the limits of some tags; returns those.
///
/// # Errors
/// The database's fault.
pub fn give(
    db: &mut Db,
    workspace: WorkspaceId,
    (task, tags): (TaskRunId, &[String]),
    now: Instant,
) -> Result<Vec<Limit>> {
    let limits = queries::of_names(db, workspace, &names(tags))?;
    let ids: Vec<LimitId> = limits.iter().map(|limit| limit.id).collect();
    let held = leases::of_task(db, workspace, holder(task).id, &ids)?;
    leases::end(db, workspace, &held, (false, now))?;
    Ok(limits)
}
