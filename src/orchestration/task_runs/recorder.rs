//! Runs of tasks as the newer client tells of them: by events, and by nothing else (api.md §3.3).
//!
//! Invariant: told twice or in another order, the same events leave the same rows.

use std::collections::HashMap;

use serde::Deserialize;

use super::model::{Body, TaskRun, TaskRunId};
use super::queries::{self, LONGEST_KEY};
use crate::access::{WorkspaceId, history};
use crate::base::db::{Db, Id, Instant, Json};
use crate::base::error::Result;
use crate::base::json::{Raw, RawObject};
use crate::orchestration::events::model::Event;
use crate::orchestration::flow_runs::model::FlowRunId;
use crate::orchestration::flow_runs::queries as flow_runs;
use crate::orchestration::states::model::{State, StateCreate};
use crate::orchestration::states::rules::{Course, Policy};

/// What an event says about a run; what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    name: Option<String>,
    task_key: Option<String>,
    dynamic_key: Option<String>,
    empirical_policy: Option<Policy>,
    tags: Option<Vec<String>>,
    labels: Option<RawObject>,
    task_inputs: Option<RawObject>,
    task_version: Option<String>,
    cache_key: Option<String>,
    cache_expiration: Option<Instant>,
    run_count: Option<i64>,
    flow_run_run_count: Option<i64>,
    expected_start_time: Option<Instant>,
    next_scheduled_start_time: Option<Instant>,
    start_time: Option<Instant>,
    end_time: Option<Instant>,
    total_run_time: Option<f64>,
}

/// Keeps what events of the client tell of runs of tasks.
///
/// # Errors
/// The database's fault.
pub fn record(db: &mut Db, workspace: WorkspaceId, events: &[Event]) -> Result<()> {
    let mut known = HashMap::new();
    let hides_some = history::hides_some(db, workspace)?;
    for event in events {
        if !event.event.starts_with("prefect.task-run")
            || event.resource.0.get("prefect.orchestration").map(String::as_str) != Some("client")
        {
            continue;
        }
        let id = Event::id_of(&event.resource_id, "prefect.task-run");
        let (Some(id), Some((told, state))) = (id, read(event)) else {
            tracing::info!(event.name = %event.event, "an event of a task says too little of it");
            continue;
        };
        let flow_run = event.related_as("flow-run");
        let flow_run = flow_run.and_then(|label| Event::id_of(label, "prefect.flow-run"));
        if let Some(flow_run) = flow_run {
            let is_known = match known.get(&flow_run) {
                Some(is_known) => *is_known,
                None => flow_runs::exists(db, workspace, flow_run)?,
            };
            known.insert(flow_run, is_known);
            if !is_known {
                tracing::info!(flow_run.id = %flow_run, "a task of an unknown run is not kept");
                continue;
            }
        }
        if hides_some && queries::is_hidden(db, workspace, id)? {
            tracing::info!(task_run.id = %id, "a task that a transfer hid is told nothing");
            continue;
        }
        keep(db, workspace, (id, flow_run), told, (state, event.received_at))?;
    }
    Ok(())
}

/// The run and the state that an event tells of.
fn read(event: &Event) -> Option<(Told, State)> {
    let part = |name: &str| event.payload.0.raw().field(name).filter(Raw::is_object);
    let told: Told = serde_json::from_str(part("task_run")?.text()).ok()?;
    let state: StateCreate = serde_json::from_str(part("validated_state")?.text()).ok()?;
    let mut state = state.at(event.occurred_at);
    state.id = event.id.cast();
    Some((told, state))
}

fn keep(
    db: &mut Db,
    workspace: WorkspaceId,
    (id, flow_run): (TaskRunId, Option<FlowRunId>),
    told: Told,
    (mut state, now): (State, Instant),
) -> Result<()> {
    let keys = (told.task_key.clone().unwrap_or_default(), told.dynamic_key.clone());
    let keys = (keys.0, keys.1.unwrap_or_else(|| id.to_string()));
    if keys.0.len() > LONGEST_KEY || keys.1.len() > LONGEST_KEY {
        tracing::info!(task_run.id = %id, "a task of a key that is too long is not kept");
        return Ok(());
    }
    let mut found = queries::locked(db, workspace, id)?;
    if let (None, Some(flow_run)) = (&found, flow_run) {
        // The same run under another id.
        let other = queries::id_of_keys(db, workspace, flow_run, (&keys.0, &keys.1))?;
        found = match other {
            Some(other) => queries::locked(db, workspace, other)?,
            None => None,
        };
    }
    let id = found.as_ref().map_or(id, |run| run.id);
    state.state_details.task_run_id = Some(id.uuid());
    state.state_details.flow_run_id = flow_run.map(Id::uuid);
    match found {
        None => {
            let mut run = TaskRun {
                id,
                flow_run_id: flow_run,
                name: told.name.clone().unwrap_or_else(|| keys.0.clone()),
                task_key: keys.0,
                dynamic_key: keys.1,
                tags: Json(Vec::new()),
                body: Json(Body::default()),
                policy: Json(Policy::default()),
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
            apply(&mut run, told, &state);
            queries::insert(db, workspace, &run)?;
        }
        Some(mut run) if run.state().is_none_or(|before| before.timestamp < state.timestamp) => {
            run.updated_at = now;
            apply(&mut run, told, &state);
            queries::update(db, workspace, &run)?;
        }
        // What came later is known already; only the state itself is new.
        Some(_) => {}
    }
    Ok(queries::insert_state(db, workspace, id, &state)?)
}

fn apply(run: &mut TaskRun, told: Told, state: &State) {
    let mut course: Course = run.course();
    if let Some(name) = told.name {
        run.name = name;
    }
    if let Some(policy) = told.empirical_policy {
        run.policy.0 = policy;
    }
    if let Some(tags) = told.tags {
        run.tags.0 = tags;
    }
    let body = &mut run.body.0;
    body.task_inputs = told.task_inputs.unwrap_or_else(|| std::mem::take(&mut body.task_inputs));
    body.labels = told.labels.unwrap_or_else(|| std::mem::take(&mut body.labels));
    body.task_version = told.task_version.or(body.task_version.take());
    body.cache_key = told.cache_key.or(body.cache_key.take());
    body.cache_expiration = told.cache_expiration.or(body.cache_expiration);
    body.flow_run_run_count = told.flow_run_run_count.unwrap_or(body.flow_run_run_count);
    course.run_count = told.run_count.unwrap_or(course.run_count);
    course.expected_start_at = told.expected_start_time.or(course.expected_start_at);
    course.next_scheduled_at = told.next_scheduled_start_time;
    course.started_at = told.start_time.or(course.started_at);
    course.ended_at = told.end_time;
    if let Some(seconds) = told.total_run_time {
        let micros =
            jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default().as_micros();
        course.total_run_micros = i64::try_from(micros).unwrap_or(0).max(0);
    }
    if state.kind.is_final() {
        course.ended_at = course.ended_at.or(Some(state.timestamp));
    }
    run.count(&course);
    run.state = Some(Json(state.clone()));
}
