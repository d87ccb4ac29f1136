//! Rules that make runs: every so often, by a cron expression, by a recurrence rule.
//!
//! Pure: a schedule and a moment give times. The same function serves the scheduler and every
//! preview (SCH-03). Where Prefect's server is at fault, `docs` says how this differs.

mod anchor;
mod bounds;
mod cron;
mod cron_field;
mod cron_walk;
mod interval;
mod length;
mod periods;
mod recurrence;
mod rrule;
mod rule_part;
mod wire;
mod words;
mod words_cron;
mod words_rule;
mod zone;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod words_check;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use anchor::Anchor;
pub use cron::Cron;
pub use interval::Interval;
pub use length::Length;
pub use rrule::RRule;
pub use zone::ScheduleZone;

/// A rule that makes runs of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Every so often, counted from a moment.
    Interval(Interval),
    /// At the times that a cron expression names.
    Cron(Cron),
    /// At the times of one or several recurrence rules (RFC 5545).
    RRule(RRule),
}

/// The part of a schedule that an error is about: on a form, the field that it stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The whole body.
    Schedule,
    /// `interval`
    Interval,
    /// `anchor_date`
    Anchor,
    /// `cron`
    Cron,
    /// `rrule`
    Rule,
    /// `timezone`
    Zone,
}

/// Why a schedule is refused, or has no times.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// What was given is none: a sentence that says what to do, and where it belongs.
    #[error("{text}")]
    Refused {
        /// The part that is at fault.
        field: Field,
        /// The sentence for a person.
        text: String,
    },
    /// Looking for its times was given up (SCH-17).
    #[error("This rule is too costly to compute.")]
    TooCostly,
}

impl ScheduleError {
    fn refused(field: Field, text: impl Into<String>) -> Self {
        Self::Refused { field, text: text.into() }
    }
}

impl Schedule {
    /// Prefect's name of the kind, as a run's `created_by` tells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Interval(_) => "IntervalSchedule",
            Self::Cron(_) => "CronSchedule",
            Self::RRule(_) => "RRuleSchedule",
        }
    }

    /// The zone whose clocks it follows.
    pub fn zone(&self) -> &ScheduleZone {
        match self {
            Self::Interval(interval) => &interval.zone,
            Self::Cron(cron) => &cron.zone,
            Self::RRule(rule) => &rule.zone,
        }
    }

    /// As it is to be kept: a recurrence rule that names no start is given one, as Prefect's
    /// server does when a schedule is made or changed.
    #[must_use]
    pub fn anchored(self, now: Timestamp) -> Self {
        match self {
            Self::RRule(rule) => Self::RRule(rule.anchored(now)),
            other => other,
        }
    }
}

/// The times of a schedule from `from` on, soonest first, each once: at most `limit`, none after
/// `until`; both ends count (Prefect 3.9). None at all means that it never runs again.
///
/// # Errors
/// [`ScheduleError::TooCostly`] when the search would take too long (SCH-17).
pub fn times(
    schedule: &Schedule,
    from: Timestamp,
    until: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Timestamp>, ScheduleError> {
    let window = bounds::Window { from, until, limit };
    let zone: &TimeZone = schedule.zone().zone();
    match schedule {
        Schedule::Interval(interval) => interval.times(zone, &window),
        Schedule::Cron(cron) => cron_walk::times(cron, zone, &window),
        Schedule::RRule(rule) => recurrence::times(&rule.rule, zone, &window),
    }
}
