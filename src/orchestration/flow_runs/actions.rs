//! What happens to runs. A run is guarded by its own row: nobody else changes it in the transaction
//! that decides about it (SP-5).

use actix_web::web;
use serde_json::json;

use super::inputs::FlowRunInput;
use super::leftovers::{self, Work};
use super::{inputs, names};
use crate::access::WorkspaceId;
use crate::access::history::holds_starts;
use crate::access::permission::needs::{ManageFlows, RunFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::ids::{DeploymentId, TaskRunId};
use crate::base::db::{Db, Id, Instant, Json, Writing, together};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::json::RawObject;
use crate::base::live::Topic;
use crate::orchestration::events::of_runs::{self, Changed};
use crate::orchestration::events::queries as events;
use crate::orchestration::rows::flow_runs::model::{Body, FlowRun, FlowRunId, check_labels};
use crate::orchestration::rows::flow_runs::queries;
use crate::orchestration::rows::flows::model::{FlowId, FlowNote};
use crate::orchestration::rows::flows::queries as flows;
use crate::orchestration::rows::task_runs::queries as task_queries;
use crate::orchestration::states::model::{State, StateCreate, StateId, StateType};
use crate::orchestration::states::rules::{self, Course, Decision, Policy};
use crate::orchestration::task_runs::actions as task_runs;
use crate::orchestration::wire::outcome::Orchestrated;
use crate::tenancy::audit::{By, Entry, Event, record};

/// A run as a client wants it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of which flow.
    pub flow: Option<FlowId>,
    /// Its name; one by chance where none is given.
    pub name: Option<String>,
    /// The deployment that it is a run of.
    pub deployment: Option<DeploymentId>,
    /// The version of the flow.
    pub flow_version: Option<String>,
    /// The task that stands for it.
    pub parent: Option<TaskRunId>,
    /// One run for each of these.
    pub key: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What the client keeps with it.
    pub body: Body,
    /// How it is retried and paused.
    pub policy: Policy,
    /// Its first state.
    pub state: Option<StateCreate>,
}

/// Makes a run in its first state; or finds the one of its idempotency key (§5.4). Returns whether it
/// was made.
///
/// # Errors
/// [`Error::NotFound`] for a flow of elsewhere; [`Error::Conflict`] for one that starts at once where none may for
/// now; the database's fault.
pub async fn create(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    wanted: Wanted,
) -> Result<(FlowRun, bool)> {
    let (workspace, now) = (access.workspace().id, app.now());
    let again = wanted.key.is_some().then(|| wanted.clone());
    let made = access.report(app, move |db, workspace| make(db, workspace, wanted, now)).await;
    let made = match (made, again) {
        // Somebody else made the run of this key in between: it is there now.
        (Err(Error::Conflict(_)), Some(wanted)) => {
            access.report(app, move |db, workspace| make(db, workspace, wanted, now)).await?
        }
        (outcome, _) => outcome?,
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
) -> Result<(FlowRun, bool)> {
    let flow = wanted.flow.ok_or(Error::NotFound)?;
    let known = flows::one(db, workspace, flow)?.ok_or(Error::NotFound)?;
    if let Some(key) = &wanted.key
        && let Some(run) = queries::of_key(db, workspace, (flow, key))?
    {
        if !queries::exists(db, workspace, run.id)? {
            let text = "A run of this idempotency key was made before, and is kept no longer.";
            return Err(Error::Conflict(text.to_owned()));
        }
        return Ok((run, false));
    }
    let starts = wanted.state.as_ref().is_some_and(|state| state.kind == StateType::Running);
    if starts && wanted.parent.is_none() && holds_starts(db, workspace, now)? {
        return Err(Error::Conflict(rules::ABOUT_TO_MOVE.to_owned()));
    }
    if let Some(parent) = wanted.parent
        && task_queries::one(db, workspace, parent.cast())?.is_none()
    {
        let text = "parent_task_run_id: there is no such run of a task in this workspace.";
        return Err(Error::Conflict(text.to_owned()));
    }
    let mut labels = known.labels.0;
    labels.insert("prefect.flow.id", &flow);
    labels.extend(wanted.body.labels);
    check_labels(&labels)?;
    wanted.body.labels = labels;
    let mut run = FlowRun {
        id: FlowRunId::new(now),
        flow_id: flow,
        name: wanted.name.filter(|name| !name.is_empty()).unwrap_or_else(names::by_chance),
        flow_version: wanted.flow_version,
        parent_task_run_id: wanted.parent,
        idempotency_key: wanted.key,
        tags: Json(wanted.tags),
        body: Json(wanted.body),
        policy: Json(Policy::default()),
        state: None,
        infrastructure_pid: None,
        run_count: 0,
        expected_start_at: None,
        next_scheduled_at: None,
        started_at: None,
        ended_at: None,
        total_run_micros: 0,
        created_at: now,
        updated_at: now,
        deployment_id: wanted.deployment,
    };
    let first = wanted.state.map(|state| state.at(now));
    let first = first.unwrap_or_else(|| State::made(StateType::Pending, "Pending", now));
    let step = Step::of(&run, first, wanted.policy);
    run.count(&step.course);
    run.policy = Json(step.policy);
    run.state = Some(Json(step.state.clone()));
    let flow = FlowNote { name: known.name, tags: known.tags.0 };
    let made = queries::insertion(workspace, &run);
    keep_state(db, workspace, &made, (&run, run.run_count, &flow), (None, &step.state), now)?;
    drop(made);
    Ok((run, true))
}

/// What a run becomes by a state.
struct Step {
    state: State,
    policy: Policy,
    course: Course,
}

impl Step {
    /// The state gets a moment of its own, and is counted (§5.2).
    fn of(run: &FlowRun, mut state: State, mut policy: Policy) -> Self {
        let before = run.state();
        if let Some(before) = before
            && state.timestamp <= before.timestamp
        {
            state.timestamp = before.timestamp + jiff::SignedDuration::from_micros(1);
        }
        state.state_details.flow_run_id = Some(run.id.uuid());
        state.state_details.task_run_id = run.parent_task_run_id.map(Id::uuid);
        let mut course = run.course();
        course.enter(before, &state, &mut policy);
        Self { state, policy, course }
    }
}

/// Puts a run into a state.
fn enter(
    db: &mut Db,
    workspace: WorkspaceId,
    (run, flow): (&FlowRun, &FlowNote),
    (state, policy): (State, Policy),
    now: Instant,
) -> Result<State> {
    let Step { state, policy, course } = Step::of(run, state, policy);
    let moved = queries::update_of_state((workspace, run.id), &state, (&policy, &course), now);
    let run_count = course.run_count;
    keep_state(db, workspace, &moved, (run, run_count, flow), (run.state(), &state), now)?;
    drop(moved);
    Ok(state)
}

/// Keeps a change of a run, its state and the event that tells of it; gives the task that stands for a subflow the
/// same state, and notes what ends with a run.
fn keep_state(
    db: &mut Db,
    workspace: WorkspaceId,
    change: &dyn Writing,
    (run, run_count, flow): (&FlowRun, i64, &FlowNote),
    (before, state): (Option<&State>, &State),
    now: Instant,
) -> Result<()> {
    let parent = match run.parent_task_run_id {
        Some(task) => task_runs::mirror(db, workspace, (task.cast(), run.id), state, now)?,
        None => None,
    };
    let changed = Changed { before, state, run_count, tags: &run.tags.0 };
    let (own, flow) = ((run.id, run.name.as_str()), (run.flow_id, flow));
    let mut told = of_runs::of_flow(&changed, own, flow, parent.as_ref());
    told.received_at = now;
    let kept = queries::insertion_of_state((workspace, run.id), state);
    together(db, &[change, &kept, &events::insertion(workspace, &told)])?;
    if state.kind == StateType::Cancelled {
        leftovers::note(db, workspace, (&[run.id], Work::Cancel), now)?;
    }
    Ok(())
}

/// Moves a run to a state, as far as the rules allow.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the database's fault.
pub async fn set_state(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    id: FlowRunId,
    (wish, force): (StateCreate, bool),
) -> Result<Orchestrated> {
    let (workspace, now) = (access.workspace().id, app.now());
    let told = access
        .report(app, move |db, workspace| orchestrate(db, workspace, id, (wish, force), now))
        .await?;
    app.live.wake(workspace.uuid(), Topic::Events);
    settle(app, workspace, &told).await;
    Ok(told)
}

/// Ends what ends with a run that was cancelled, as long as that is not much; the job does the rest.
async fn settle(app: &App, workspace: WorkspaceId, told: &Orchestrated) {
    if !told.is_new || told.state.as_ref().is_none_or(|state| state.kind != StateType::Cancelled) {
        return;
    }
    if let Err(error) = leftovers::finish(app, workspace).await {
        tracing::warn!(error.cause = %error, "what ends with a cancelled run is left for later");
    }
}

/// The same inside a transaction.
///
/// # Errors
/// As of [`set_state`].
pub fn orchestrate(
    db: &mut Db,
    workspace: WorkspaceId,
    id: FlowRunId,
    (wish, force): (StateCreate, bool),
    now: Instant,
) -> Result<Orchestrated> {
    let found = queries::locked_with_flow(db, workspace, id)?;
    let (run, flow, held_until) = found.ok_or(Error::NotFound)?;
    let starts = !force && wish.kind == StateType::Running;
    let seen = rules::Run {
        held: (starts && held_until.is_some_and(|until| until > now)).then_some(rules::HELD),
        state: run.state(),
        run_count: run.run_count,
        policy: &run.policy.0,
        has_deployment: run.deployment_id.is_some(),
        has_process: run.infrastructure_pid.is_some(),
        is_subflow: run.parent_task_run_id.is_some(),
    };
    let decision = rules::decide(&seen, wish.at(now), force, now);
    Orchestrated::of(decision, run.state(), |state, policy| {
        enter(db, workspace, (&run, &flow), (state, policy), now)
    })
}

/// Lets a run that waits go on, with the input that it waits for (api.md §4).
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the database's fault.
pub async fn resume(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    id: FlowRunId,
    input: Option<RawObject>,
) -> Result<Orchestrated> {
    let (workspace, now) = (access.workspace().id, app.now());
    // A schema comes from a client and may take its time, so nothing waits for it.
    let asked = app.db.read(move |db| awaited(db, workspace, id)).await?;
    let input = match asked {
        Some((state, schema)) => {
            let look = move || inputs::accepted(schema.as_deref(), input);
            let input = web::block(look).await.map_err(Error::internal)?;
            Answer { state: Some(state), input }
        }
        None => Answer { state: None, input: Ok(None) },
    };
    let told =
        access.report(app, move |db, workspace| go_on(db, workspace, id, input, now)).await?;
    app.live.wake(workspace.uuid(), Topic::Events);
    Ok(told)
}

/// An input, or what is wrong with it by the schema that a state of the run waits with.
struct Answer {
    state: Option<StateId>,
    input: Result<Option<RawObject>, String>,
}

/// The state that a run waits for an input in, and the schema of it.
fn awaited(
    db: &mut Db,
    workspace: WorkspaceId,
    id: FlowRunId,
) -> Result<Option<(StateId, Option<String>)>> {
    let run = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
    let Some(paused) = run.state().filter(|state| state.kind == StateType::Paused) else {
        return Ok(None);
    };
    let Some(keyset) = &paused.state_details.run_input_keyset else { return Ok(None) };
    let schema = match keyset.raw().string("schema") {
        Some(key) => inputs::one(db, (workspace, id), &key)?,
        None => None,
    };
    Ok(Some((paused.id, schema.map(|schema| schema.value))))
}

fn go_on(
    db: &mut Db,
    workspace: WorkspaceId,
    id: FlowRunId,
    Answer { state, input }: Answer,
    now: Instant,
) -> Result<Orchestrated> {
    let run = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
    let refused = |decision| Orchestrated::of(decision, run.state(), |state, _| Ok(state));
    let Some(paused) = run.state().filter(|state| state.kind == StateType::Paused) else {
        let reason = "Cannot resume a flow run that is not paused.";
        return refused(Decision::Abort(reason.to_owned()));
    };
    let keyset = paused.state_details.run_input_keyset.as_ref();
    if keyset.is_some() && state != Some(paused.id) {
        return Err(Error::Conflict("The run went on meanwhile. Try again.".to_owned()));
    }
    let input = match input {
        Ok(input) => input,
        Err(reason) => return refused(Decision::Reject(None, reason)),
    };
    let key = keyset.and_then(|keyset| keyset.raw().string("response"));
    let answer = match (key, input) {
        (Some(key), Some(input)) => {
            inputs::check_key(&key)?;
            Some(FlowRunInput {
                flow_run_id: id,
                key,
                id: Id::new(now),
                value: input.text().to_owned(),
                sender: None,
                created_at: now,
            })
        }
        _ => None,
    };
    let mut wish = StateCreate::of(StateType::Running);
    if paused.state_details.pause_reschedule {
        wish = StateCreate::of(StateType::Scheduled);
        wish.name = Some("Resuming".to_owned());
        wish.state_details.get_or_insert_default().scheduled_time = Some(now);
    }
    let told = orchestrate(db, workspace, id, (wish, false), now)?;
    if let Some(answer) = answer.filter(|_| told.status == "ACCEPT") {
        inputs::insert(db, workspace, &answer)?;
    }
    Ok(told)
}

/// A change of a run by a client; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// The version of the flow.
    pub flow_version: Option<String>,
    /// What it was called with.
    pub parameters: Option<RawObject>,
    /// How it is retried and paused.
    pub policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// The process that runs it.
    pub infrastructure_pid: Option<String>,
    /// Settings of what runs it.
    pub job_variables: Option<RawObject>,
    /// Labels to be added.
    pub labels: Option<RawObject>,
}

/// Changes what a client keeps with a run.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the database's fault.
pub async fn change(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    id: FlowRunId,
    change: Change,
) -> Result<()> {
    let now = app.now();
    access
        .report(app, move |db, workspace| {
            let mut run = queries::locked(db, workspace, id)?.ok_or(Error::NotFound)?;
            run.name = change.name.filter(|name| !name.is_empty()).unwrap_or(run.name);
            run.flow_version = change.flow_version.or(run.flow_version);
            run.infrastructure_pid = change.infrastructure_pid.or(run.infrastructure_pid);
            if let Some(tags) = change.tags {
                run.tags.0 = tags;
            }
            if let Some(policy) = change.policy {
                run.policy.0 = policy;
            }
            let body = &mut run.body.0;
            if let Some(parameters) = change.parameters {
                body.parameters = parameters;
            }
            if let Some(variables) = change.job_variables {
                body.job_variables = variables;
            }
            body.labels.extend(change.labels.into_iter().flatten());
            check_labels(&body.labels)?;
            Ok(queries::update(db, workspace, &run, now)?)
        })
        .await
}

/// How a person on a page ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What runs it is told to stop it.
    Cancel,
    /// What ran it is gone.
    Crash,
}

/// The wish that ends a run in a state: nothing runs that could answer a cancellation of one that is paused.
fn wish_to_end(state: Option<&State>) -> StateCreate {
    let is_paused = state.is_some_and(|state| state.kind == StateType::Paused);
    StateCreate::of(if is_paused { StateType::Cancelled } else { StateType::Cancelling })
}

/// Asks, as a person on a page, for the end of a run; returns its name and what became of it.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the right went meanwhile; the database's fault.
pub async fn end(
    app: &App,
    access: WorkspaceAccess<RunFlows>,
    ip: ClientIp,
    (id, ending): (FlowRunId, Ending),
) -> Result<(String, Orchestrated)> {
    let (now, workspace) = (app.now(), access.workspace().id);
    let done = access
        .write(app, move |db, access| {
            let place = access.workspace();
            let run = queries::one(db, place.id, id)?.ok_or(Error::NotFound)?;
            let (wish, event) = match ending {
                Ending::Cancel => (wish_to_end(run.state()), Event::FlowRunCancelled),
                Ending::Crash => {
                    let message = format!("Marked as crashed by {}.", access.actor().name());
                    let wish = StateCreate {
                        message: Some(message),
                        ..StateCreate::of(StateType::Crashed)
                    };
                    (wish, Event::FlowRunCrashed)
                }
            };
            let told = orchestrate(db, place.id, id, (wish, false), now)?;
            if told.is_new {
                let details = json!({ "flow_run": { "id": id, "name": run.name } });
                let entry = Entry::of_workspace(event, place, details);
                record(db, &By::actor(access.actor(), ip), entry, now)?;
            }
            Ok((run.name, told))
        })
        .await?;
    app.live.wake(workspace.uuid(), Topic::Events);
    settle(app, workspace, &done.1).await;
    Ok(done)
}

/// Tasks removed in one transaction.
const TASKS: i64 = 500;

/// Removes a run with its tasks, states and lines: the tasks some at a time, so that nobody else waits.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere; the right went meanwhile; the database's fault, and then some
/// of its tasks are gone already.
pub async fn delete(
    app: &App,
    access: WorkspaceAccess<ManageFlows>,
    ip: ClientIp,
    id: FlowRunId,
) -> Result<()> {
    let (now, workspace) = (app.now(), access.workspace().id);
    if !app.db.read(move |db| Ok(queries::exists(db, workspace, id)?)).await? {
        return Err(Error::NotFound);
    }
    remove_tasks(app, &access, vec![id]).await?;
    access
        .write(app, move |db, access| {
            let place = access.workspace();
            let run = queries::locked(db, place.id, id)?.ok_or(Error::NotFound)?;
            leftovers::delete(db, place.id, &[id], now)?;
            let state = run.state().map(|state| state.name.clone());
            let details = json!({ "flow_run": { "id": id, "name": run.name, "state": state } });
            let entry = Entry::of_workspace(Event::FlowRunDeleted, place, details);
            record(db, &By::actor(access.actor(), ip), entry, now)
        })
        .await?;
    app.live.wake(workspace.uuid(), Topic::Events);
    if let Err(error) = leftovers::finish(app, workspace).await {
        tracing::warn!(error.cause = %error, "the lines of a removed run are left for later");
    }
    Ok(())
}

/// Removes the tasks of some runs that are about to go.
///
/// # Errors
/// The right went meanwhile; the database's fault.
pub async fn remove_tasks(
    app: &App,
    access: &WorkspaceAccess<ManageFlows>,
    runs: Vec<FlowRunId>,
) -> Result<()> {
    loop {
        let runs = runs.clone();
        let some = move |db: &mut Db, workspace| remove_some_tasks(db, workspace, &runs);
        if !access.ingest(app, some).await? {
            return Ok(());
        }
    }
}

/// The same inside a transaction, some at a time; returns whether there may be more.
pub fn remove_some_tasks(db: &mut Db, workspace: WorkspaceId, runs: &[FlowRunId]) -> Result<bool> {
    let removed = task_queries::delete_in(db, workspace, runs, TASKS)?;
    Ok(i64::try_from(removed).unwrap_or(0) == TASKS)
}
