//! Counts of runs over time (schema `HistoryResponse` of Prefect 3.8.8).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Filters;
use crate::base::db::{AnyConnection, Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::moment;
use crate::orchestration::states::model::{StateType, seconds};

/// Over which time, in which steps, of which runs.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HistoryBody {
    /// From then on.
    #[schema(value_type = String, format = DateTime)]
    pub history_start: Instant,
    /// Until then.
    #[schema(value_type = String, format = DateTime)]
    pub history_end: Instant,
    /// Seconds of a step, 1 or more.
    pub history_interval_seconds: f64,
    /// Which runs.
    #[serde(flatten)]
    pub which: Filters,
}

/// Steps in one answer, at most.
const STEPS: i64 = 500;

/// A time in steps.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// From then on.
    pub start: Instant,
    /// Until then.
    pub end: Instant,
    /// Microseconds of a step.
    pub step: i64,
}

/// Runs of one step in one state.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Which step, from 0.
    pub step: i64,
    /// What kind of state.
    pub kind: StateType,
    /// Its name.
    pub name: String,
    /// How many.
    pub runs: i64,
    /// How long they ran together, in microseconds.
    pub ran: i64,
    /// How long after they were due they began together, in microseconds.
    pub late: i64,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
pub struct Interval {
    /// From then on.
    #[schema(format = DateTime)]
    pub interval_start: String,
    /// Until then.
    #[schema(format = DateTime)]
    pub interval_end: String,
    /// What there was.
    pub states: Vec<IntervalState>,
}

/// Runs in one state.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntervalState {
    /// What kind of state.
    #[schema(value_type = String)]
    pub state_type: StateType,
    /// Its name.
    pub state_name: String,
    /// How many.
    pub count_runs: i64,
    /// How many seconds they ran together.
    pub sum_estimated_run_time: f64,
    /// How many seconds after they were due they began together.
    pub sum_estimated_lateness: f64,
}

impl Span {
    /// The time of a body.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that ends before it begins or has too many steps.
    pub fn of(body: &HistoryBody) -> Result<Self> {
        let seconds = body.history_interval_seconds;
        if !(1.0..=3_155_760_000.0).contains(&seconds) {
            let rule = "history_interval_seconds: use 1 or more.";
            return Err(Error::Invalid(rule.to_owned()));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let step = (seconds * 1_000_000.0) as i64;
        let (start, end) = (body.history_start, body.history_end);
        let length = end.as_microseconds().saturating_sub(start.as_microseconds());
        if length <= 0 {
            return Err(Error::Invalid("history_end has to be after history_start.".to_owned()));
        }
        if length.div_euclid(step) >= STEPS {
            return Err(Error::Invalid(format!("The time has {STEPS} steps at most.")));
        }
        Ok(Self { start, end, step })
    }

    /// The steps with what there was in each.
    pub fn intervals(&self, rows: Vec<Counted>) -> Vec<Interval> {
        let (first, last) = (self.start.as_microseconds(), self.end.as_microseconds());
        let steps = (last - first).div_euclid(self.step)
            + i64::from((last - first).rem_euclid(self.step) > 0);
        let at = |step: i64| moment(Instant::from_microseconds(first + step * self.step));
        let mut intervals: Vec<Interval> = (0..steps)
            .map(|step| Interval {
                interval_start: at(step),
                interval_end: at(step + 1),
                states: Vec::new(),
            })
            .collect();
        for row in rows {
            let at = usize::try_from(row.step).ok().and_then(|step| intervals.get_mut(step));
            if let Some(interval) = at {
                interval.states.push(IntervalState {
                    state_type: row.kind,
                    state_name: row.name,
                    count_runs: row.runs,
                    sum_estimated_run_time: seconds(row.ran),
                    sum_estimated_lateness: seconds(row.late),
                });
            }
        }
        intervals
    }

    /// The step that a run was due in, as SQL.
    pub fn step_sql(&self, db: &Db) -> String {
        let (start, step) = (self.start.as_microseconds(), self.step);
        match db.connection {
            AnyConnection::Sqlite(_) => format!("(expected_start_at - {start}) / {step}"),
            AnyConnection::Postgres(_) => format!(
                "floor((extract(epoch from expected_start_at) * 1000000 - {start}) / {step})::bigint"
            ),
        }
    }
}

/// How long runs ran together up to `now`, and how long after they were due they began, as SQL, in
/// microseconds.
pub fn sums_sql(db: &Db, now: Instant) -> (String, String) {
    let now = now.as_microseconds();
    match db.connection {
        AnyConnection::Sqlite(_) => (
            format!(
                "COALESCE(SUM(total_run_micros + CASE WHEN state_type = 'RUNNING' \
                 THEN MAX({now} - state_at, 0) ELSE 0 END), 0)"
            ),
            format!("COALESCE(SUM(MAX(COALESCE(started_at, {now}) - expected_start_at, 0)), 0)"),
        ),
        AnyConnection::Postgres(_) => {
            let now = format!("to_timestamp({now} / 1000000.0)");
            (
                format!(
                    "COALESCE(SUM(total_run_micros + CASE WHEN state_type = 'RUNNING' THEN \
                     GREATEST(extract(epoch from {now} - state_at) * 1000000, 0) ELSE 0 END), 0)::bigint"
                ),
                format!(
                    "COALESCE(SUM(GREATEST(extract(epoch from COALESCE(started_at, {now}) - \
                     expected_start_at) * 1000000, 0)), 0)::bigint"
                ),
            )
        }
    }
}

/// Writes, for a table of runs, the query of their history.
macro_rules! history_query {
    ($table:ident) => {
        /// How many runs of a workspace were in which state, by the time that they were due.
        pub fn history(
            db: &mut Db,
            workspace: WorkspaceId,
            term: Term,
            span: $crate::orchestration::which::history::Span,
            now: Instant,
        ) -> QueryResult<Vec<$crate::orchestration::which::history::Counted>> {
            use diesel::dsl::{count_star, sql};
            use diesel::sql_types::{BigInt, Nullable, Text};
            let step = span.step_sql(db);
            let (ran, late) = $crate::orchestration::which::history::sums_sql(db, now);
            let rows: Vec<(i64, Option<StateType>, Option<String>, i64, i64, i64)> =
                shown::$table(workspace)
                    .filter($table::expected_start_at.ge(span.start))
                    .filter($table::expected_start_at.lt(span.end))
                    .filter(term)
                    .filter($table::state_type.is_not_null())
                    .group_by(sql::<BigInt>(&format!("{step}, state_type, state_name")))
                    .select((
                        sql::<BigInt>(&step),
                        sql::<Nullable<Text>>("state_type"),
                        sql::<Nullable<Text>>("state_name"),
                        count_star(),
                        sql::<BigInt>(&ran),
                        sql::<BigInt>(&late),
                    ))
                    .load(db)?;
            let counted =
                |(step, kind, name, runs, ran, late): (i64, _, Option<String>, i64, i64, i64)| {
                    let name = name.unwrap_or_default();
                    Some($crate::orchestration::which::history::Counted {
                        step,
                        kind: kind?,
                        name,
                        runs,
                        ran,
                        late,
                    })
                };
            Ok(rows.into_iter().filter_map(counted).collect())
        }
    };
}
pub(crate) use history_query;
