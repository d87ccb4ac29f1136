//! The last runs of workspaces, as small bars on their cards (L4). A bar is a run and not a day, so that no
//! history is read for it (docs/decisions/0016).

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::access::WorkspaceId;
use crate::base::db::{Db, Instant, MultiBackend, SqlId, SqlInstant, StateType};
use crate::base::text::When;

/// Bars on a card.
const BARS: usize = 14;

#[derive(QueryableByName)]
#[diesel(check_for_backend(MultiBackend))]
struct Row {
    #[diesel(sql_type = SqlId)]
    workspace_id: WorkspaceId,
    #[diesel(sql_type = Text)]
    state_type: StateType,
    #[diesel(sql_type = BigInt)]
    total_run_micros: i64,
    #[diesel(sql_type = SqlInstant)]
    at: Instant,
}

/// A bar: in units of a box of 151 by 32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// A tone of the design.
    pub tone: &'static str,
    /// From the left.
    pub x: usize,
    /// From the top.
    pub y: usize,
    /// How high.
    pub height: usize,
}

/// The bars of a card, the newest one at the right.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// The bars; none where nothing ran.
    pub bars: Vec<Bar>,
    /// What they show, in words.
    pub label: String,
    /// How the last run stands in words, and when it ended, or began.
    pub last: Option<(&'static str, When)>,
}

/// The last runs of some workspaces that were due by now, in one statement: a look at the end of an index
/// for each.
pub fn of(
    db: &mut Db,
    ids: &[WorkspaceId],
    now: Instant,
) -> QueryResult<HashMap<WorkspaceId, Activity>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let look = |at: usize| {
        let (id, due) = (2 * at + 1, 2 * at + 2);
        format!(
            "SELECT * FROM (SELECT workspace_id, state_type, total_run_micros, \
             COALESCE(ended_at, started_at, expected_start_at) AS at FROM flow_runs \
             WHERE workspace_id = ${id} AND expected_start_at <= ${due} AND state_type IS NOT NULL \
             AND COALESCE(ended_at >= (SELECT runs_visible_from FROM workspaces WHERE id = ${id}), TRUE) \
             ORDER BY expected_start_at DESC, id DESC LIMIT {BARS}) AS runs{at}"
        )
    };
    let looks: Vec<String> = (0..ids.len()).map(look).collect();
    let mut query = diesel::sql_query(looks.join(" UNION ALL ")).into_boxed::<MultiBackend>();
    for id in ids {
        query = query.bind::<SqlId, _>(*id).bind::<SqlInstant, _>(now);
    }
    let mut runs: HashMap<WorkspaceId, Vec<Row>> = HashMap::new();
    for row in query.load::<Row>(db)? {
        runs.entry(row.workspace_id).or_default().push(row);
    }
    Ok(runs.into_iter().map(|(id, rows)| (id, activity(&rows, now))).collect())
}

fn tone(state: StateType) -> &'static str {
    match state {
        StateType::Completed => "completed",
        StateType::Failed => "failed",
        StateType::Crashed => "crashed",
        StateType::Running => "running",
        StateType::Scheduled => "scheduled",
        StateType::Paused => "paused",
        StateType::Pending => "pending",
        StateType::Cancelled | StateType::Cancelling => "cancelled",
    }
}

/// How the last run stands, as goes before a time.
fn standing(state: StateType) -> &'static str {
    match state {
        StateType::Completed => "completed",
        StateType::Failed => "failed",
        StateType::Crashed => "crashed",
        StateType::Running => "is running, since",
        StateType::Scheduled => "is late, since",
        StateType::Paused => "is paused, since",
        StateType::Pending => "is pending, since",
        StateType::Cancelling => "is being cancelled, since",
        StateType::Cancelled => "was cancelled",
    }
}

/// The rows come with the newest run first.
fn activity(rows: &[Row], now: Instant) -> Activity {
    let longest = rows.iter().map(|row| row.total_run_micros).max().unwrap_or(0).max(1);
    let bar = |(at, row): (usize, &Row)| {
        let share = row.total_run_micros.max(0).saturating_mul(24) / longest;
        let height = 8 + usize::try_from(share).unwrap_or(0).min(24);
        Bar { tone: tone(row.state_type), x: 11 * (BARS - 1 - at), y: 32 - height, height }
    };
    let bars: Vec<Bar> = rows.iter().take(BARS).enumerate().map(bar).collect();
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for bar in &bars {
        match counts.iter_mut().find(|(tone, _)| *tone == bar.tone) {
            Some((_, count)) => *count += 1,
            None => counts.push((bar.tone, 1)),
        }
    }
    let words: Vec<String> =
        counts.into_iter().map(|(tone, count)| format!("{count} {tone}")).collect();
    let label = match bars.len() {
        1 => format!("The last run: {}", words.join(", ")),
        count => format!("The last {count} runs: {}", words.join(", ")),
    };
    let last = rows.first().map(|row| (standing(row.state_type), When::new(row.at, now)));
    Activity { bars, label, last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::zone::Zone;

    #[test]
    fn the_newest_run_is_the_last_bar() {
        let row = |state_type, total_run_micros| Row {
            workspace_id: uuid::Uuid::nil().into(),
            state_type,
            total_run_micros,
            at: Instant::from_microseconds(0),
        };
        let now = Instant::from_microseconds(2 * 3_600_000_000);
        let rows = [
            row(StateType::Failed, 10),
            row(StateType::Completed, 5),
            row(StateType::Completed, 0),
        ];
        let activity = activity(&rows, now);
        let (words, when) = activity.last.unwrap();
        assert_eq!((words, &*when.text(&Zone::default())), ("failed", "2 h ago"));
        assert_eq!(activity.label, "The last 3 runs: 1 failed, 2 completed");
        let at: Vec<(usize, usize)> = activity.bars.iter().map(|bar| (bar.x, bar.height)).collect();
        assert_eq!(at, [(143, 32), (132, 20), (121, 8)]);
    }
}
