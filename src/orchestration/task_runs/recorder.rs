//! Runs of tasks as the newer client tells of them: by events, and by nothing else (api.md §3.3).
//!
//! Invariant: told twice or in another order, the same events leave the same rows. The clock of whoever runs a
//! task may be set back meanwhile, so a run is in the state that no other one follows.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::access::{WorkspaceId, history};
use crate::base::db::{Db, Id, Instant, Json};
use crate::base::error::Result;
use crate::base::json::{Raw, RawObject};
use crate::orchestration::events::model::{Event, EventId};
use crate::orchestration::events::queries as events;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries as flow_runs;
use crate::orchestration::rows::task_runs::model::{Body, TaskRun, TaskRunId};
use crate::orchestration::rows::task_runs::queries::{self, LONGEST_KEY};
use crate::orchestration::states::model::{State, StateCreate, StateId};
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

/// What an event tells: of which run, what, which state that is now in, and after which one.
struct Report {
    id: TaskRunId,
    told: Told,
    state: State,
    follows: Option<StateId>,
    received_at: Instant,
}

impl Report {
    /// What the client tells; `None` for an event that says too little.
    fn of(event: &Event) -> Option<Self> {
        let part = |name: &str| event.payload.0.raw().field(name).filter(Raw::is_object);
        let told: Told = serde_json::from_str(part("task_run")?.text()).ok()?;
        let state: StateCreate = serde_json::from_str(part("validated_state")?.text()).ok()?;
        let mut state = state.at(event.occurred_at);
        state.id = event.id.cast();
        Some(Self {
            id: Event::id_of(&event.resource_id, KIND)?,
            told,
            state,
            follows: event.follows.map(Id::cast),
            received_at: event.received_at,
        })
    }

    /// Which try of the run it is about, as far as it says so.
    fn attempt(&self) -> Option<(i64, i64)> {
        Some((self.told.flow_run_run_count.unwrap_or(0), self.told.run_count?))
    }

    /// Whether it is about a later time than another one: of one run the later try, of one try the end, and
    /// else what the clock said, which may have been set back.
    fn is_later(&self, other: &Self) -> bool {
        let place = |one: &Self| {
            let attempt = one.attempt()?;
            Some((one.id, attempt, one.state.kind.is_final(), one.state.timestamp, one.state.id))
        };
        match (place(self), place(other)) {
            (Some(own), Some(other)) if own.0 == other.0 => own > other,
            _ => moment_of(&self.state) > moment_of(&other.state),
        }
    }
}

/// What a clock said of a state; of two at one moment, the end comes later.
fn moment_of(state: &State) -> (Instant, bool, StateId) {
    (state.timestamp, state.kind.is_final(), state.id)
}

/// What the ids of such runs begin with, as resources of events.
const KIND: &str = "prefect.task-run";

/// Keeps what events of the client tell of runs of tasks.
pub fn record(db: &mut Db, workspace: WorkspaceId, events: &[Event]) -> Result<()> {
    let mut known = HashMap::new();
    let mut past = Past { events, known: HashMap::new() };
    let hides_some = history::hides_some(db, workspace)?;
    for event in events {
        if !event.event.starts_with(KIND)
            || event.resource.0.get("prefect.orchestration").map(String::as_str) != Some("client")
        {
            continue;
        }
        let Some(report) = Report::of(event) else {
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
        if hides_some && queries::is_hidden(db, workspace, report.id)? {
            tracing::info!(task_run.id = %report.id, "a task that a transfer hid is told nothing");
            continue;
        }
        keep(db, workspace, flow_run, report, &mut past)?;
    }
    Ok(())
}

fn keep(
    db: &mut Db,
    workspace: WorkspaceId,
    flow_run: Option<FlowRunId>,
    report: Report,
    past: &mut Past,
) -> Result<()> {
    let (id, now) = (report.id, report.received_at);
    let keys = (report.told.task_key.clone().unwrap_or_default(), report.told.dynamic_key.clone());
    let keys = (keys.0, keys.1.unwrap_or_else(|| id.to_string()));
    if keys.0.len() > LONGEST_KEY || keys.1.len() > LONGEST_KEY {
        tracing::info!(task_run.id = %id, "a task of a key that is too long is not kept");
        return Ok(());
    }
    let mut found = queries::locked(db, workspace, id)?;
    if let (None, Some(flow_run)) = (&found, flow_run) {
        // The same run under another id.
        let other = queries::id_of_keys(db, workspace, Some(flow_run), (&keys.0, &keys.1))?;
        found = match other {
            Some(other) => queries::locked(db, workspace, other)?,
            None => None,
        };
    }
    let id = found.as_ref().map_or(id, |run| run.id);
    let of_run = |mut state: State| {
        state.state_details.task_run_id = Some(id.uuid());
        state.state_details.flow_run_id = flow_run.map(Id::uuid);
        state
    };
    let state = of_run(report.state.clone());
    match found {
        None => {
            let mut run = TaskRun {
                id,
                flow_run_id: flow_run,
                name: report.told.name.clone().unwrap_or_else(|| keys.0.clone()),
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
            apply(&mut run, report.told, &state);
            queries::insert(db, workspace, &run)?;
        }
        Some(mut run) => {
            if let Some(last) = last_of(db, workspace, &run, report, past)? {
                run.updated_at = now;
                apply(&mut run, last.told, &of_run(last.state));
                queries::update(db, workspace, &run)?;
            }
        }
    }
    Ok(queries::insert_state(db, workspace, id, &state)?)
}

/// What is kept of some runs; read when it is first asked for, of all that the events at hand are about.
struct Past<'a> {
    events: &'a [Event],
    known: HashMap<String, Kept>,
}

/// What is kept of one run: the events that others follow, and what is told by those that none does.
#[derive(Default)]
struct Kept {
    followed: HashSet<EventId>,
    open: Vec<Event>,
}

impl Past<'_> {
    fn of(&mut self, db: &mut Db, workspace: WorkspaceId, things: &[String]) -> Result<Vec<&Kept>> {
        let is_first = self.known.is_empty();
        let mut wanted: HashSet<&String> = things.iter().collect();
        wanted.retain(|thing| !self.known.contains_key(*thing));
        if is_first {
            let told = self.events.iter().filter(|event| event.event.starts_with(KIND));
            wanted.extend(told.map(|event| &event.resource_id));
        }
        if !wanted.is_empty() {
            let wanted: Vec<String> = wanted.into_iter().cloned().collect();
            self.known.extend(wanted.iter().map(|thing| (thing.clone(), Kept::default())));
            self.read(db, workspace, &wanted)?;
        }
        Ok(things.iter().filter_map(|thing| self.known.get(thing)).collect())
    }

    fn read(&mut self, db: &mut Db, workspace: WorkspaceId, things: &[String]) -> Result<()> {
        let links = events::links_of_things(db, workspace, things)?;
        let followed: HashSet<_> = links.iter().filter_map(|(_, follows, _)| *follows).collect();
        let ids = links.iter().map(|(id, ..)| *id);
        let open: Vec<_> = ids.filter(|id| !followed.contains(id)).collect();
        for event in events::by_ids(db, workspace, &open)? {
            self.known.entry(event.resource_id.clone()).or_default().open.push(event);
        }
        for (_, follows, thing) in links {
            self.known.entry(thing).or_default().followed.extend(follows);
        }
        Ok(())
    }
}

/// What is known last of a run, where it is not in that state already.
fn last_of(
    db: &mut Db,
    workspace: WorkspaceId,
    run: &TaskRun,
    report: Report,
    past: &mut Past,
) -> Result<Option<Report>> {
    let Some(current) = run.state() else { return Ok(Some(report)) };
    if report.follows == Some(current.id) {
        return Ok(Some(report));
    }
    if report.state.id == current.id {
        return Ok(None);
    }
    let mut things = vec![format!("{KIND}.{}", run.id), format!("{KIND}.{}", report.id)];
    things.dedup();
    let kept = past.of(db, workspace, &things)?;
    let followed: HashSet<EventId> =
        kept.iter().flat_map(|kept| kept.followed.iter().copied()).collect();
    let open = kept.iter().flat_map(|kept| &kept.open);
    let open = open.filter(|event| !followed.contains(&event.id));
    let mut told: Vec<Report> = open.filter_map(Report::of).collect();
    // What others of the batch have so many events of that this one was not read counts all the same.
    let is_open = !followed.contains(&report.state.id.cast());
    if is_open && told.iter().all(|known| known.state.id != report.state.id) {
        told.push(report);
    }
    let is_told = told.iter().any(|report| report.state.id == current.id);
    let last = told.into_iter().reduce(|a, b| if b.is_later(&a) { b } else { a });
    Ok(last.filter(|last| {
        let is_over = is_told || followed.contains(&current.id.cast());
        last.state.id != current.id && (is_over || moment_of(&last.state) > moment_of(current))
    }))
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
