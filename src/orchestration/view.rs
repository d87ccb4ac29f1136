//! Runs as pages show them: chips, durations, charts.

use crate::base::db::Instant;
use crate::base::text::{When, thousands};
use crate::orchestration::states::model::{State, StateType, between};

/// A state: never colour alone, so an icon and a word.
#[derive(Clone, Debug)]
pub struct Chip {
    /// A tone of the design.
    pub tone: &'static str,
    /// An icon's name.
    pub icon: &'static str,
    /// The state's name.
    pub text: String,
}

/// The tone of a kind of state, and the icon.
pub fn tone(kind: StateType) -> (&'static str, &'static str) {
    match kind {
        StateType::Scheduled => ("scheduled", "clock"),
        StateType::Pending => ("pending", "pend"),
        StateType::Running => ("running", "run"),
        StateType::Completed => ("completed", "done"),
        StateType::Failed => ("failed", "fail"),
        StateType::Crashed => ("crashed", "crash"),
        StateType::Cancelled | StateType::Cancelling => ("cancelled", "ban"),
        StateType::Paused => ("paused", "pause"),
    }
}

impl Chip {
    /// The chip of a state with a name.
    pub fn of(kind: StateType, name: &str) -> Self {
        let (tone, icon) = if name == "AwaitingRetry" { ("late", "late") } else { tone(kind) };
        Self { tone, icon, text: words(name) }
    }

    /// The chip of a run's state.
    pub fn of_state(state: Option<&State>) -> Self {
        state.map_or_else(
            || Self::of(StateType::Pending, "Pending"),
            |state| Self::of(state.kind, &state.name),
        )
    }
}

/// `AwaitingRetry` as `Awaiting retry`; a name with spaces stays as it is.
fn words(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    let is_joined = !name.contains(char::is_whitespace);
    let mut was_lower = false;
    for letter in name.chars() {
        if is_joined && was_lower && letter.is_uppercase() {
            text.push(' ');
            text.extend(letter.to_lowercase());
        } else {
            text.push(letter);
        }
        was_lower = letter.is_lowercase();
    }
    text
}

/// `230 ms`, `1.5 s`, `2 m 07 s`, `1 h 05 m`.
pub fn duration(micros: i64) -> String {
    let micros = micros.max(0);
    let (seconds, tenths) = (micros / 1_000_000, (micros + 50_000) / 100_000);
    match seconds {
        0 if (1..1_000).contains(&micros) => "<1 ms".to_owned(),
        0 if micros > 0 => format!("{} ms", micros / 1_000),
        0..10 if tenths % 10 == 0 => format!("{} s", tenths / 10),
        0..10 => format!("{}.{} s", tenths / 10, tenths % 10),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A state of a run's story.
pub struct Moment {
    /// A tone of the design.
    pub tone: &'static str,
    /// The state's name.
    pub name: String,
    /// When it began.
    pub at: When,
    /// How long after the one before.
    pub later: String,
}

impl Moment {
    /// The story of a run; of a long one the end.
    pub fn of(states: &[State]) -> Vec<Self> {
        let mut before: Option<Instant> = None;
        let few = states.iter().rev().take(24).rev();
        few.map(|state| {
            let later = before.map_or_else(String::new, |before| {
                format!("+{}", duration(between(before, state.timestamp)))
            });
            before = Some(state.timestamp);
            let chip = Chip::of(state.kind, &state.name);
            Self { tone: chip.tone, name: chip.text, at: When::clock(state.timestamp), later }
        })
        .collect()
    }
}

/// Whether a state says that something went wrong.
pub fn is_failure(kind: StateType) -> bool {
    matches!(kind, StateType::Failed | StateType::Crashed)
}

/// A bar of a chart: in percent across and pixels down.
#[derive(Clone, Debug)]
pub struct Bar {
    /// A tone of the design.
    pub tone: &'static str,
    /// From the left, in percent.
    pub x: String,
    /// From the top, in pixels.
    pub y: String,
    /// In percent.
    pub width: String,
    /// In pixels.
    pub height: String,
}

/// A word beside a line or under a bar.
#[derive(Clone, Debug)]
pub struct Mark {
    /// From the left in percent, or from the top in pixels.
    pub at: String,
    /// The word.
    pub text: String,
}

/// A chart of runs over time, stacked by state.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The bars.
    pub bars: Vec<Bar>,
    /// Lines across, with the number that each stands for.
    pub lines: Vec<Mark>,
    /// Times under the bars.
    pub times: Vec<Mark>,
    /// What it shows, in words.
    pub label: String,
}

/// Runs of one kind in one step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which step, from 0.
    pub step: i64,
    /// Which kind of state.
    pub kind: StateType,
    /// How many.
    pub runs: i64,
}

/// The kinds in the order in which they are stacked and counted.
pub const STACK: [StateType; 9] = [
    StateType::Completed,
    StateType::Failed,
    StateType::Crashed,
    StateType::Cancelled,
    StateType::Cancelling,
    StateType::Running,
    StateType::Pending,
    StateType::Paused,
    StateType::Scheduled,
];

const TOP: f64 = 16.0;
const FLOOR: f64 = 112.0;

fn float(number: i64) -> f64 {
    f64::from(i32::try_from(number).unwrap_or(i32::MAX))
}

/// A round number that is at least `most`, and half of it a whole one.
fn ceiling(most: i64) -> i64 {
    let mut unit = 1;
    while unit * 10 < most {
        unit *= 10;
    }
    [2, 4, 10, 20].into_iter().map(|times| times * unit).find(|top| *top >= most).unwrap_or(most)
}

impl Chart {
    /// The chart of runs in steps; `name` says what a step is called, every `every`th of which is written.
    pub fn of(
        rows: &[Step],
        (steps, every): (i64, i64),
        name: impl Fn(i64) -> String,
        label: String,
    ) -> Self {
        let total = |step: i64| -> i64 {
            rows.iter().filter(|row| row.step == step).map(|row| row.runs).sum()
        };
        let top = ceiling((0..steps).map(total).max().unwrap_or(0).max(1));
        let room = 100.0 / float(steps);
        let scale = (FLOOR - TOP) / float(top);
        let mut bars = Vec::new();
        for step in 0..steps {
            let mut y = FLOOR;
            for kind in STACK {
                let found = rows.iter().filter(|row| row.step == step && row.kind == kind);
                let runs: i64 = found.map(|row| row.runs).sum();
                if runs == 0 {
                    continue;
                }
                let height = (float(runs) * scale).max(2.0);
                y -= height;
                bars.push(Bar {
                    tone: tone(kind).0,
                    x: format!("{:.2}%", float(step) * room + room * 0.1),
                    y: format!("{y:.1}"),
                    width: format!("{:.2}%", room * 0.8),
                    height: format!("{:.1}", (height - 0.8).max(1.2)),
                });
            }
        }
        let lines = [0, top / 2, top].map(|number| Mark {
            at: format!("{:.1}", FLOOR - float(number) * scale),
            text: thousands(number),
        });
        let times = (0..steps).filter(|step| step % every == 0).map(|step| Mark {
            at: format!("{:.2}%", float(step) * room + room * 0.5),
            text: name(step),
        });
        Self { bars, lines: lines.to_vec(), times: times.collect(), label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_names_in_words() {
        let seconds = |number: i64| duration(number * 1_000_000);
        assert_eq!([duration(0), duration(230_400), seconds(59)], ["0 s", "230 ms", "59 s"]);
        let short = [1_500_000, 1_960_000, 9_990_000, 30_000, 999_999, 200].map(duration);
        assert_eq!(short, ["1.5 s", "2 s", "10 s", "30 ms", "999 ms", "<1 ms"]);
        assert_eq!(
            [seconds(127), seconds(3900), seconds(90_000)],
            ["2 m 07 s", "1 h 05 m", "1 d 01 h"]
        );
        assert_eq!(Chip::of(StateType::Scheduled, "AwaitingRetry").text, "Awaiting retry");
        assert_eq!(Chip::of(StateType::Completed, "All good").text, "All good");
        assert_eq!(
            [ceiling(1), ceiling(3), ceiling(11), ceiling(33), ceiling(541)],
            [2, 4, 20, 40, 1000]
        );
    }

    #[test]
    fn bars_stand_on_the_floor() {
        let rows = [
            Step { step: 1, kind: StateType::Failed, runs: 2 },
            Step { step: 1, kind: StateType::Completed, runs: 2 },
        ];
        let chart = Chart::of(&rows, (4, 2), |step| step.to_string(), String::new());
        assert_eq!(chart.bars.len(), 2);
        assert_eq!((chart.bars[0].tone, chart.bars[0].y.as_str()), ("completed", "64.0"));
        assert_eq!((chart.bars[1].tone, chart.bars[1].y.as_str()), ("failed", "16.0"));
        assert_eq!(chart.times.len(), 2);
    }
}
