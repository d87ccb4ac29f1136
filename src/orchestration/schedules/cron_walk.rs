//! From the times that clocks show to moments, over changes of the clock.
//!
//! A time that clocks skip comes as much later as they skip. One that they show twice counts the
//! first time; an expression that repeats by itself runs both times, which Prefect's server lacks.

use std::collections::BTreeSet;

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Unit};

use super::bounds::{Budget, Window};
use super::zone::shift_near;
use super::{Cron, ScheduleError};

/// The moments of an expression.
///
/// # Errors
/// [`ScheduleError::TooCostly`] (SCH-17).
pub(super) fn times(
    cron: &Cron,
    zone: &TimeZone,
    window: &Window,
) -> Result<Vec<Timestamp>, ScheduleError> {
    let mut walk = Walk { window, found: Vec::new(), waiting: BTreeSet::new() };
    let second = SignedDuration::from_secs(1);
    let mut budget = Budget::new();
    let mut shown = window
        .from
        .checked_sub(shift_near(zone, window.from))
        .ok()
        .map(|start| zone.to_datetime(start))
        .and_then(|start| start.round((Unit::Second, 1)).ok()?.checked_sub(second).ok());
    while let Some(wall) = shown.and_then(|from| cron.at_or_after(from)) {
        budget.step()?;
        let moment = zone.to_ambiguous_timestamp(wall);
        let both = matches!(moment.offset(), AmbiguousOffset::Fold { .. }) && cron.fields.repeats;
        let (Ok(earliest), Ok(usual)) = (moment.earlier(), moment.compatible()) else {
            break;
        };
        if walk.settle(earliest) {
            return Ok(walk.found);
        }
        walk.wait(usual);
        if both && let Ok(again) = moment.later() {
            walk.wait(again);
        }
        shown = wall.checked_add(second).ok();
    }
    walk.settle(Timestamp::MAX);
    Ok(walk.found)
}

/// Moments that were found; those that others may still come before wait.
struct Walk<'a> {
    window: &'a Window,
    found: Vec<Timestamp>,
    waiting: BTreeSet<Timestamp>,
}

impl Walk<'_> {
    fn wait(&mut self, at: Timestamp) {
        if at >= self.window.from {
            self.waiting.insert(at);
        }
    }

    /// Takes what lies before a moment that nothing can come before any more. Says whether that
    /// is all that was asked for.
    fn settle(&mut self, before: Timestamp) -> bool {
        while let Some(first) = self.waiting.first().copied().filter(|first| *first < before) {
            if self.found.len() >= self.window.limit || self.window.is_past(first) {
                return true;
            }
            self.waiting.pop_first();
            self.found.push(first);
        }
        self.found.len() >= self.window.limit || self.window.is_past(before)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Schedule, ScheduleZone, times};
    use super::*;

    fn told(cron: &str, zone: &str, from: &str, limit: usize) -> Vec<String> {
        let zone = ScheduleZone::parse(Some(zone.to_owned())).unwrap();
        let cron = Cron::parse(cron.to_owned(), zone, true).unwrap();
        let times = times(&Schedule::Cron(cron), from.parse().unwrap(), None, limit).unwrap();
        times.iter().map(Timestamp::to_string).collect()
    }

    /// The hour that clocks show twice: once for a fixed time, twice for what repeats.
    #[test]
    fn what_repeats_runs_in_the_repeated_hour() {
        let from = "2026-11-01T04:00:00Z";
        assert_eq!(
            told("0 * * * *", "America/New_York", from, 4),
            [from, "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"]
        );
        assert_eq!(
            told("30 1 * * *", "America/New_York", from, 2),
            ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
        );
        assert_eq!(
            told("30 1 * * *", "America/New_York", "2026-11-01T05:31:00Z", 1),
            ["2026-11-02T06:30:00Z"]
        );
        assert_eq!(
            told("15 * * * *", "America/New_York", "2026-11-01T05:45:00Z", 2),
            ["2026-11-01T06:15:00Z", "2026-11-01T07:15:00Z"]
        );
    }

    #[test]
    fn a_time_that_clocks_skip_comes_once_and_later() {
        assert_eq!(
            told("30 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", 2),
            ["2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"]
        );
        assert_eq!(
            told("30 2 * * *", "America/New_York", "2026-03-08T07:10:00Z", 1),
            ["2026-03-08T07:30:00Z"]
        );
    }

    /// SCH-17: a date that never comes has no times, and every second can be asked for.
    #[test]
    fn the_search_ends() {
        assert!(told("0 0 31 2 *", "Europe/Berlin", "2026-01-01T00:00:00Z", 5).is_empty());
        assert!(told("0 0 * * * 0 2001", "UTC", "2026-01-01T00:00:00Z", 5).is_empty());
        let seconds = told("* * * * * *", "Europe/Berlin", "2026-10-25T00:59:58.5Z", 100);
        assert_eq!(seconds.len(), 100);
        assert_eq!(seconds.first().unwrap(), "2026-10-25T00:59:59Z");
    }

    /// Day lists across short months, where an older reader loses the first of March.
    #[test]
    fn short_months_lose_no_day() {
        assert_eq!(
            told("0 0 1,31 * *", "UTC", "2027-02-02T00:00:00Z", 2),
            ["2027-03-01T00:00:00Z", "2027-03-31T00:00:00Z"]
        );
        assert_eq!(
            told("0 0 13 * 5#2", "UTC", "2026-02-01T00:00:00Z", 3),
            ["2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-04-10T00:00:00Z"]
        );
    }
}
