//! A month of flow runs, with their tasks and lines, as they would have been written while they ran.

use jiff::SignedDuration;

use super::Demo;
use crate::access::WorkspaceId;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::Result;
use crate::base::json::RawObject;
use crate::orchestration::flow_runs::{self, names};
use crate::orchestration::logs::queries::{self as logs, Log, LogId};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flows::queries as flows;
use crate::orchestration::rows::task_runs::model::TaskRunId;
use crate::orchestration::states::model::{StateCreate, StateType};
use crate::orchestration::task_runs;

/// A flow that runs at the same hours, every day or on one day of seven.
pub struct Routine {
    flow: &'static str,
    tags: &'static [&'static str],
    hours: &'static [i64],
    every_days: i64,
    minutes: i64,
    /// How many of a hundred fail.
    failing: u64,
    tasks: &'static [&'static str],
    /// What a failure says.
    trouble: &'static str,
}

pub const FORECASTS: [Routine; 3] = [
    Routine {
        flow: "ingest-buoys",
        tags: &["buoys"],
        hours: &[1, 7, 13, 19],
        every_days: 1,
        minutes: 4,
        failing: 5,
        tasks: &["fetch-readings", "clean-readings", "store-readings"],
        trouble: "TimeoutError: buoy 62103 sent nothing for 40 minutes",
    },
    Routine {
        flow: "harbour-forecast",
        tags: &["forecast", "public"],
        hours: &[5, 17],
        every_days: 1,
        minutes: 14,
        failing: 8,
        tasks: &["load-model", "run-model", "publish-bulletin"],
        trouble: "ValueError: the pressure field has gaps at 12 of 480 points",
    },
    Routine {
        flow: "verify-forecasts",
        tags: &["weekly"],
        hours: &[9],
        every_days: 7,
        minutes: 28,
        failing: 20,
        tasks: &["read-archive", "score-forecasts"],
        trouble: "KeyError: no observations for station 01049",
    },
];

pub const BILLING: [Routine; 3] = [
    Routine {
        flow: "exchange-rates",
        tags: &["rates"],
        hours: &[6, 12, 18],
        every_days: 1,
        minutes: 1,
        failing: 6,
        tasks: &["fetch-rates", "store-rates"],
        trouble: "HTTPStatusError: 503 Service Unavailable from the rates service",
    },
    Routine {
        flow: "nightly-invoices",
        tags: &["invoices", "nightly"],
        hours: &[2],
        every_days: 1,
        minutes: 9,
        failing: 7,
        tasks: &["read-usage", "price-usage", "write-invoices"],
        trouble: "LookupError: no price for 3 of 412 usage records",
    },
    Routine {
        flow: "churn-report",
        tags: &["weekly"],
        hours: &[4],
        every_days: 7,
        minutes: 21,
        failing: 10,
        tasks: &["read-contracts", "draw-figures"],
        trouble: "MemoryError: the contracts of 2019 do not fit",
    },
];

/// Days of which runs are told.
const DAYS: i64 = 30;

/// Chance that is the same every time (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn name(&mut self) -> String {
        let mut place = || usize::try_from(self.below(64)).unwrap_or_default();
        names::of(place(), place())
    }

    /// About so many seconds.
    fn about(&mut self, seconds: i64) -> SignedDuration {
        let spread = self.below(40).cast_signed();
        SignedDuration::from_secs((seconds * (80 + spread) / 100).max(1))
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Completed,
    Failed,
    Crashed,
    /// It has not ended.
    GoesOn,
}

/// Fills a workspace.
pub async fn fill(demo: &Demo, workspace: WorkspaceId, routines: &'static [Routine]) -> Result<()> {
    let now = demo.now;
    let mut chance = Chance(0);
    let mut due: Vec<(Instant, &Routine)> = Vec::new();
    for routine in routines {
        for day in (1..=DAYS).rev().filter(|day| day % routine.every_days == 0) {
            let morning = midnight(now).plus_days(-day);
            due.extend(routine.hours.iter().map(|hour| (hours_after(morning, *hour), routine)));
        }
    }
    due.sort_by_key(|(at, _)| *at);
    // A day at a time, so that a slow database answers others in between.
    let per_day = due.len().div_ceil(usize::try_from(DAYS).unwrap_or(1)).max(1);
    for some in due.chunks(per_day) {
        let (some, seed) = (some.to_vec(), chance.below(u64::MAX));
        let work = move |db: &mut Db| {
            let mut chance = Chance(seed);
            for (at, routine) in &some {
                let end = match chance.below(100) {
                    0 => End::Crashed,
                    roll if roll <= routine.failing => End::Failed,
                    _ => End::Completed,
                };
                let began = *at + chance.about(20);
                run(db, workspace, (routine, began, end), &mut chance)?;
            }
            Ok(())
        };
        demo.app.db.ingest(work).await?;
    }
    let work = move |db: &mut Db| today(db, workspace, routines, now);
    demo.app.db.ingest(work).await
}

fn midnight(now: Instant) -> Instant {
    const DAY: i64 = 86_400_000_000;
    Instant::from_microseconds(now.as_microseconds().div_euclid(DAY) * DAY)
}

fn hours_after(at: Instant, hours: i64) -> Instant {
    at + SignedDuration::from_hours(hours)
}

/// What is going on, late and ahead: a run of the first flow is late, one of the second goes on, and each is due again.
fn today(db: &mut Db, workspace: WorkspaceId, routines: &[Routine], now: Instant) -> Result<()> {
    let mut chance = Chance(7);
    let minutes = |minutes: i64| now + SignedDuration::from_mins(minutes);
    for (place, routine) in (0..).zip(routines) {
        match place {
            0 => scheduled(db, workspace, (routine, minutes(-90), minutes(-25)), now, &mut chance)?,
            1 => run(db, workspace, (routine, minutes(-6), End::GoesOn), &mut chance)?,
            _ => {}
        }
        let due = minutes(110 + 400 * place);
        scheduled(db, workspace, (routine, minutes(-60), due), now, &mut chance)?;
    }
    Ok(())
}

fn wanted(
    db: &mut Db,
    workspace: WorkspaceId,
    (routine, at): (&Routine, Instant),
    (state, chance): (StateCreate, &mut Chance),
) -> Result<flow_runs::actions::Wanted> {
    let tags: Vec<String> = routine.tags.iter().map(|tag| (*tag).to_owned()).collect();
    let about = (&[][..], &RawObject::default());
    let (flow, _) = flows::get_or_create(db, workspace, routine.flow, about, at)?;
    Ok(flow_runs::actions::Wanted {
        flow: Some(flow.id),
        name: Some(chance.name()),
        tags,
        state: Some(state),
        ..flow_runs::actions::Wanted::default()
    })
}

/// A run that waits for its time, or is late.
fn scheduled(
    db: &mut Db,
    workspace: WorkspaceId,
    (routine, made, due): (&Routine, Instant, Instant),
    now: Instant,
    chance: &mut Chance,
) -> Result<()> {
    let state = |name: &str| {
        let mut state = StateCreate::of(StateType::Scheduled);
        state.name = Some(name.to_owned());
        state.state_details.get_or_insert_default().scheduled_time = Some(due);
        state
    };
    let wanted = wanted(db, workspace, (routine, made), (state("Scheduled"), chance))?;
    let (made, _) = flow_runs::actions::make(db, workspace, wanted, made)?;
    if due < now {
        let late = due + SignedDuration::from_secs(15);
        flow_runs::actions::orchestrate(db, workspace, made.id, (state("Late"), false), late)?;
    }
    Ok(())
}

/// A run from its beginning to its end.
fn run(
    db: &mut Db,
    workspace: WorkspaceId,
    (routine, began, end): (&Routine, Instant, End),
    chance: &mut Chance,
) -> Result<()> {
    let pending = StateCreate::of(StateType::Pending);
    let wanted = wanted(db, workspace, (routine, began), (pending, chance))?;
    let (made, _) = flow_runs::actions::make(db, workspace, wanted, began)?;
    let mut at = began + chance.about(3);
    let mut lines = Lines::of(made.id);
    let enter = |db: &mut Db, state: StateCreate, at: Instant| {
        flow_runs::actions::orchestrate(db, workspace, made.id, (state, false), at)
    };
    enter(db, StateCreate::of(StateType::Running), at)?;
    lines.say(
        None,
        20,
        at,
        format!("Beginning flow run '{}' for flow '{}'", made.name, routine.flow),
    );
    let each = routine.minutes * 60 / i64::try_from(routine.tasks.len()).unwrap_or(1).max(1);
    // The task in which it goes wrong, or which goes on.
    let last = match end {
        End::Completed => routine.tasks.len(),
        End::Failed | End::Crashed | End::GoesOn => {
            usize::try_from(chance.below(routine.tasks.len() as u64)).unwrap_or_default()
        }
    };
    for (place, name) in routine.tasks.iter().enumerate().take(last + 1) {
        let end = if place == last { end } else { End::Completed };
        let length = chance.about(each);
        task(db, (workspace, made.id), (name, at, length), (end, routine.trouble), &mut lines)?;
        at = at + length + SignedDuration::from_secs(1);
    }
    let (kind, message) = match end {
        End::Completed => (StateType::Completed, None),
        End::Failed => {
            let message = format!("Flow run encountered an exception: {}", routine.trouble);
            (StateType::Failed, Some(message))
        }
        End::Crashed => {
            let message = "Execution was interrupted: the process was terminated (signal 9).";
            (StateType::Crashed, Some(message.to_owned()))
        }
        End::GoesOn => return lines.keep(db, workspace),
    };
    if let Some(message) = &message {
        lines.say(None, 40, at, message.clone());
    }
    enter(db, StateCreate { message, ..StateCreate::of(kind) }, at)?;
    lines.say(None, if end == End::Completed { 20 } else { 40 }, at, finished(kind));
    lines.keep(db, workspace)
}

fn finished(kind: StateType) -> String {
    format!("Finished in state {}()", kind.title())
}

/// A task of a run, from its beginning to its end.
fn task(
    db: &mut Db,
    (workspace, run): (WorkspaceId, FlowRunId),
    (name, began, length): (&str, Instant, SignedDuration),
    (end, trouble): (End, &str),
    lines: &mut Lines,
) -> Result<()> {
    let wanted = task_runs::actions::Wanted {
        flow_run: Some(run),
        name: Some(format!("{name}-0")),
        task_key: name.to_owned(),
        dynamic_key: "0".to_owned(),
        state: Some(StateCreate::of(StateType::Pending)),
        ..task_runs::actions::Wanted::default()
    };
    let (made, _) = task_runs::actions::make(db, workspace, wanted, began)?;
    let enter = |db: &mut Db, state: StateCreate, at: Instant| {
        task_runs::actions::orchestrate(db, workspace, made.id, (state, false), at)
    };
    let at = began + SignedDuration::from_millis(200);
    enter(db, StateCreate::of(StateType::Running), at)?;
    lines.say(Some(made.id), 20, at, format!("{name} began"));
    let ended = began + length;
    let kind = match end {
        End::Completed => StateType::Completed,
        End::Failed => StateType::Failed,
        End::Crashed => StateType::Crashed,
        End::GoesOn => return Ok(()),
    };
    if end == End::Failed {
        lines.say(Some(made.id), 40, ended, trouble.to_owned());
    }
    enter(db, StateCreate::of(kind), ended)?;
    lines.say(Some(made.id), if end == End::Completed { 20 } else { 40 }, ended, finished(kind));
    Ok(())
}

/// What a run logs.
struct Lines {
    run: FlowRunId,
    lines: Vec<Log>,
}

impl Lines {
    fn of(run: FlowRunId) -> Self {
        Self { run, lines: Vec::new() }
    }

    fn say(&mut self, task: Option<TaskRunId>, level: i64, at: Instant, message: String) {
        self.lines.push(Log {
            id: LogId::new(at),
            flow_run_id: Some(self.run.cast()),
            task_run_id: task.map(Id::cast),
            name: if task.is_some() { "prefect.task_runs" } else { "prefect.flow_runs" }.to_owned(),
            level,
            message,
            at,
        });
    }

    fn keep(self, db: &mut Db, workspace: WorkspaceId) -> Result<()> {
        Ok(logs::insert(db, workspace, &self.lines)?)
    }
}
