//! What happens to runs of tasks over REST, and to those that stand for subflows.

use crate::access::WorkspaceId;
use crate::access::permission::needs::{ManageFlows, RunFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Id, Instant, Json};
use crate::base::error::{Error, Result};
use crate::base::live::Topic;
use crate::base::random;
use crate::orchestration::concurrency::tags::{self, Secured};
use crate::orchestration::events::of_runs::{self, Changed};
use crate::orchestration::events::queries as events;
use crate::orchestration::logs::queries as logs;
use crate::orchestration::rows::flow_runs::model::{FlowRun, FlowRunId, check_labels};
use crate::orchestration::rows::flow_runs::queries as flow_runs;
use crate::orchestration::rows::task_runs::model::{Body, TaskRun, TaskRunId};
use crate::orchestration::rows::task_runs::queries;
use crate::orchestration::states::model::{State, StateCreate, StateType};
use crate::orchestration::states::rules::{Decision, Policy};
use crate::orchestration::states::task_rules::{self, TaskSeen};
use crate::orchestration::wire::outcome::Orchestrated;

/// A run as a client wants it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Its id; one of ours where none is given.
    pub id: Option<TaskRunId>,
    /// In which run of a flow.
    pub flow_run: Option<FlowRunId>,
    /// Its name.
    pub name: Option<String>,
    /// Which task.
    pub task_key: String,
    /// Which of the task's runs.
    pub dynamic_key: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What the client keeps with it.
    pub body: Body,
    /// How it is retried.
    pub policy: Policy,
    /// Its first state.
    pub state: Option<StateCreate>,
}

/// Makes a run in its first state; or finds the one of its keys (§5.4). Returns whether it was made.
///
/// # Errors
/// [`Error::NotFound`] for a flow's run of elsewhere; the database's fault.
pub async fn create(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    wanted: Wanted,
) -> Result<(TaskRun, bool)> {
    let (workspace, now) = (access.workspace().id, app.now());
    let again = wanted.clone();
    let made = access.report(app, move |db, workspace| make(db, workspace, wanted, now)).await;
    let made = match made {
        // Somebody else made the run of these keys in between: it is there now.
        Err(Error::Conflict(_)) => {
            access.report(app, move |db, workspace| make(db, workspace, again, now)).await?
        }
        outcome => outcome?,
    };
    app.live.wake(workspace.uuid(), Topic::Events);
    Ok(made)
}

/// The same inside a transaction.
///
/// # Errors
/// As of [`create`].
pub fn make(
    db: &mut Db,
    workspace: WorkspaceId,
    mut wanted: Wanted,
    now: Instant,
) -> Result<(TaskRun, bool)> {
    let flow_run = match wanted.flow_run {
        Some(id) => Some(flow_runs::one(db, workspace, id)?.ok_or(Error::NotFound)?),
        None => None,
    };
    let known = match wanted.id {
        Some(id) if queries::one(db, workspace, id)?.is_some() => Some(id),
        _ => {
            let keys = (wanted.task_key.as_str(), wanted.dynamic_key.as_str());
            if flow_run.is_none() {
                queries::lock_keys(db, workspace, keys)?;
            }
            queries::id_of_keys(db, workspace, wanted.flow_run, keys)?
        }
    };
    if let Some(id) = known {
        return Ok((queries::one(db, workspace, id)?.ok_or(Error::NotFound)?, false));
    }
    let id = wanted.id.unwrap_or_else(|| TaskRunId::new(now));
    if let Some(flow_run) = &flow_run {
        let mut labels = flow_run.body.0.labels.clone();
        labels.insert("prefect.flow-run.id", &flow_run.id);
        labels.extend(wanted.body.labels);
        wanted.body.labels = labels;
    }
    check_labels(&wanted.body.labels)?;
    let mut run = TaskRun {
        id,
        flow_run_id: wanted.flow_run,
        name: wanted.name.unwrap_or_else(|| format!("{}-{}", wanted.task_key, wanted.dynamic_key)),
        task_key: wanted.task_key,
        dynamic_key: wanted.dynamic_key,
        tags: Json(wanted.tags),
        body: Json(wanted.body),
        policy: Json(wanted.policy),
        state: None,
        run_count: 0,
        expected_start_at: None,
        next_scheduled_at: None,
        started_at: None,
        ended_at: None,
        total_run_micros: 0,
        created_at: now,
        updated_at: now,
    };
    let first = wanted.state.map(|state| state.at(now));
    let first = first.unwrap_or_else(|| State::made(StateType::Pending, "Pending", now));
    let policy = run.policy.0.clone();
    let state = move_to(&mut run, first, policy, now);
    queries::insert(db, workspace, &run)?;
    keep_state(db, workspace, (&run, flow_run.as_ref()), (None, &state))?;
    Ok((run, true))
}

/// Puts a run into a state, which gets a moment of its own, and counts it (§5.2).
fn move_to(run: &mut TaskRun, mut state: State, mut policy: Policy, now: Instant) -> State {
    let before = run.state().cloned();
    if let Some(before) = &before
        && state.timestamp <= before.timestamp
    {
        state.timestamp = before.timestamp + jiff::SignedDuration::from_micros(1);
    }
    state.state_details.flow_run_id = run.flow_run_id.map(Id::uuid);
    state.state_details.task_run_id = Some(run.id.uuid());
    let mut course = run.course();
    course.enter(before.as_ref(), &state, &mut policy);
    run.count(&course);
    run.policy = Json(policy);
    run.state = Some(Json(state.clone()));
    run.updated_at = now;
    state
}

/// Keeps the state with the event that tells of it.
fn keep_state(
    db: &mut Db,
    workspace: WorkspaceId,
    (run, flow_run): (&TaskRun, Option<&FlowRun>),
    (before, state): (Option<&State>, &State),
) -> Result<()> {
    queries::insert_state(db, workspace, run.id, state)?;
    let changed = Changed { before, state, run_count: run.run_count, tags: &run.tags.0 };
    let about = flow_run.map(|run| (run.id, run.name.as_str()));
    let mut told = of_runs::of_task(&changed, (run.id, &run.name), about);
    told.received_at = run.updated_at;
    Ok(events::insert(db, workspace, &[told])?)
}

/// Moves a run to a state, as far as the rules allow.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the database's fault.
pub async fn set_state(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    id: TaskRunId,
    (wish, force): (StateCreate, bool),
) -> Result<Orchestrated> {
    let (workspace, now) = (access.workspace().id, app.now());
    let told = access
        .report(app, move |db, workspace| orchestrate(db, workspace, id, (wish, force), now))
        .await?;
    app.live.wake(workspace.uuid(), Topic::Events);
    Ok(told)
}

/// The same inside a transaction.
///
/// # Errors
/// As of [`set_state`].
pub fn orchestrate(
    db: &mut Db,
    workspace: WorkspaceId,
    id: TaskRunId,
    (wish, force): (StateCreate, bool),
    now: Instant,
) -> Result<Orchestrated> {
    let mut run = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
    let flow_run = match run.flow_run_id {
        Some(id) => flow_runs::one(db, workspace, id)?,
        None => None,
    };
    let proposed = wish.at(now);
    let key = proposed.state_details.cache_key.as_deref();
    let cached = match key.filter(|_| proposed.kind == StateType::Running) {
        Some(key) => queries::cached(db, workspace, key, now)?,
        None => None,
    };
    let before = run.state().cloned();
    let policy = run.policy.0.clone();
    let seen = TaskSeen {
        state: before.as_ref(),
        run_count: run.run_count,
        flow_run_run_count: run.body.0.flow_run_run_count,
        policy: &policy,
        flow_run: flow_run.as_ref().map(|run| (run.state(), run.run_count)),
        cached: cached.as_ref(),
        chance: f64::from(random::below(1000)) / 1000.0,
    };
    let (mut decision, begins_anew) = task_rules::decide(&seen, proposed, force, now);
    if !force {
        decision = with_slots(db, workspace, (&run, decision), now)?;
    }
    Orchestrated::of(decision, before.as_ref(), |state, policy| {
        if begins_anew {
            run.run_count = 0;
        }
        if state.kind == StateType::Running
            && let Some(flow_run) = &flow_run
        {
            run.body.0.flow_run_run_count = flow_run.run_count;
        }
        let state = move_to(&mut run, state, policy, now);
        queries::update(db, workspace, &run)?;
        keep_state(db, workspace, (&run, flow_run.as_ref()), (before.as_ref(), &state))?;
        if gives_slots_back(&run, before.as_ref()) {
            tags::release(db, workspace, &[run.id], now)?;
        }
        Ok(state)
    })
}

/// What runs holds a slot of the limit of each of its tags, or waits for one (semantics 30).
fn with_slots(
    db: &mut Db,
    workspace: WorkspaceId,
    (run, decision): (&TaskRun, Decision),
    now: Instant,
) -> Result<Decision> {
    let begins =
        matches!(&decision, Decision::Accept(state, _) if state.kind == StateType::Running);
    if !begins {
        return Ok(decision);
    }
    Ok(match tags::secure(db, workspace, (run.id, &run.tags.0), now)? {
        Secured::Runs => decision,
        Secured::Never(reason) => Decision::Abort(reason),
        Secured::Waits(seconds, reason) => Decision::Wait(seconds, reason),
    })
}

/// Whether a run does not run any more, as it did before, and may hold slots of its tags.
fn gives_slots_back(run: &TaskRun, before: Option<&State>) -> bool {
    let runs = |state: &State| matches!(state.kind, StateType::Running | StateType::Cancelling);
    !run.tags.0.is_empty() && before.is_some_and(runs) && !run.state().is_some_and(runs)
}

/// Gives the run that stands for a subflow the state of that flow's run (§5.2); returns it.
pub fn mirror(
    db: &mut Db,
    workspace: WorkspaceId,
    (id, child): (TaskRunId, FlowRunId),
    state: &State,
    now: Instant,
) -> Result<Option<TaskRun>> {
    let Some(mut run) = queries::locked(db, workspace, id)? else { return Ok(None) };
    let flow_run = match run.flow_run_id {
        Some(id) => flow_runs::one(db, workspace, id)?,
        None => None,
    };
    let before = run.state().cloned();
    let mut same = State::made(state.kind, &state.name, now);
    same.message.clone_from(&state.message);
    same.data.clone_from(&state.data);
    same.state_details.child_flow_run_id = Some(child.uuid());
    let policy = run.policy.0.clone();
    let state = move_to(&mut run, same, policy, now);
    queries::update(db, workspace, &run)?;
    keep_state(db, workspace, (&run, flow_run.as_ref()), (before.as_ref(), &state))?;
    Ok(Some(run))
}

/// Cancels some of what has not ended in a flow's run that was cancelled (§4.2); returns how many.
pub fn cancel_in(
    db: &mut Db,
    workspace: WorkspaceId,
    (id, message): (FlowRunId, &str),
    limit: i64,
    now: Instant,
) -> Result<usize> {
    let open = queries::open_in(db, workspace, id, limit)?;
    if open.is_empty() {
        return Ok(0);
    }
    let flow_run = flow_runs::one(db, workspace, id)?;
    let (mut ended, mut held) = (0, Vec::new());
    for task in open {
        let Some(mut run) = queries::locked(db, workspace, task)? else { continue };
        let before = run.state().cloned();
        let mut state = State::made(StateType::Cancelled, "Cancelled", now);
        state.message = Some(message.to_owned());
        let policy = run.policy.0.clone();
        let state = move_to(&mut run, state, policy, now);
        queries::update(db, workspace, &run)?;
        keep_state(db, workspace, (&run, flow_run.as_ref()), (before.as_ref(), &state))?;
        held.extend(gives_slots_back(&run, before.as_ref()).then_some(run.id));
        ended += 1;
    }
    tags::release(db, workspace, &held, now)?;
    Ok(ended)
}

/// Gives a run another name.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the database's fault.
pub async fn rename(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    id: TaskRunId,
    name: Option<String>,
) -> Result<()> {
    let now = app.now();
    access
        .report(app, move |db, workspace| {
            let mut run = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                run.name = name;
                run.updated_at = now;
                queries::update(db, workspace, &run)?;
            }
            Ok(())
        })
        .await
}

/// Lines removed in one transaction.
const LINES: i64 = 1000;

/// Removes a run with its states and lines: the lines some at a time, so that nobody else waits, and the run with
/// the last ones.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the right went meanwhile; the database's fault, and then some of
/// its lines are gone already.
pub async fn delete(app: &App, access: WorkspaceAccess<ManageFlows>, id: TaskRunId) -> Result<()> {
    while !access.ingest(app, move |db, workspace| remove_some(db, workspace, id)).await? {}
    Ok(())
}

/// Removes some lines of a run, and the run with the last ones; returns whether it is gone.
fn remove_some(db: &mut Db, workspace: WorkspaceId, id: TaskRunId) -> Result<bool> {
    queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
    let removed = logs::delete_of_task(db, workspace, id.cast(), LINES)?;
    if i64::try_from(removed).unwrap_or(0) == LINES {
        return Ok(false);
    }
    let is_gone = queries::delete(db, workspace, id)?;
    is_gone.then_some(true).ok_or(Error::NotFound)
}
