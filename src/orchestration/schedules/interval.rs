//! Intervals: whole days by the clocks of the zone, the rest by the time that passes, as Prefect
//! 3.9 counts. A length of both (36 hours) is counted so from its anchor on; that server begins
//! anew with each question, and so answers differently after a change of the clock.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Zoned};

use super::bounds::{Budget, Window};
use super::{Anchor, Length, ScheduleError, ScheduleZone};

/// Every so often, counted from a moment in both directions.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// How often.
    pub every: Length,
    /// The moment that it is counted from.
    pub anchor: Anchor,
    /// The zone whose clocks count for whole days.
    pub zone: ScheduleZone,
}

impl Interval {
    pub(super) fn times(
        &self,
        zone: &TimeZone,
        window: &Window,
    ) -> Result<Vec<Timestamp>, ScheduleError> {
        let anchor = self.anchor.at().to_zoned(zone.clone());
        let mut series = Series {
            anchor: anchor.clone(),
            days: self.every.days(),
            rest: self.every.beyond_days(),
            total: self.every.duration(),
            before: 0,
        };
        let mut found = Vec::new();
        let mut next = series.first(window.from)?;
        let mut budget = Budget::new();
        while let Some(at) = next {
            if found.len() >= window.limit || window.is_past(at.timestamp()) {
                break;
            }
            budget.step()?;
            if at.timestamp() >= window.from && found.last() != Some(&at.timestamp()) {
                found.push(at.timestamp());
            }
            next = series.after(&at);
        }
        Ok(found)
    }
}

/// The times around an anchor.
struct Series {
    anchor: Zoned,
    /// Whole days, then what is left: below a day.
    days: i64,
    rest: SignedDuration,
    total: SignedDuration,
    /// How many steps before the anchor the last time lies, for a day and more.
    before: i64,
}

impl Series {
    /// The last time that is not after a moment, or the first one that is. `None` where the
    /// calendar ends.
    fn first(&mut self, from: Timestamp) -> Result<Option<Zoned>, ScheduleError> {
        let passed = from.duration_since(self.anchor.timestamp());
        let steps = passed.as_nanos().div_euclid(self.total.as_nanos());
        if self.days == 0 {
            return Ok(self.elapsed(&self.anchor, steps));
        }
        if steps >= 0 {
            return self.seek(from);
        }
        // One more, as the clocks may have changed in between.
        self.before = i64::try_from(1 - steps).unwrap_or(i64::MAX);
        let mut budget = Budget::new();
        loop {
            match self.before_anchor() {
                // Before the calendar begins.
                None if self.before > 0 => self.before -= 1,
                first => return Ok(first),
            }
            budget.step()?;
        }
    }

    fn after(&mut self, at: &Zoned) -> Option<Zoned> {
        if self.before > 0 {
            self.before -= 1;
            return self.before_anchor();
        }
        let day = if self.days == 0 { at.clone() } else { plus_days(at, self.days)? };
        day.checked_add(self.rest).ok()
    }

    /// A time moved by so many intervals that pass.
    fn elapsed(&self, from: &Zoned, steps: i128) -> Option<Zoned> {
        let moved = steps.checked_mul(self.total.as_nanos())?;
        let at = from.timestamp().as_nanosecond().checked_add(moved)?;
        Some(Timestamp::from_nanosecond(at).ok()?.to_zoned(from.time_zone().clone()))
    }

    /// Before the anchor each time is counted from the anchor itself: a time that clocks skip
    /// moves none of the others.
    fn before_anchor(&self) -> Option<Zoned> {
        let day = plus_days(&self.anchor, self.days.checked_mul(-self.before)?)?;
        day.checked_sub(self.rest.checked_mul(i32::try_from(self.before).ok()?)?).ok()
    }

    /// Goes from the anchor to the last time before a moment. A time that clocks skip moves all
    /// that follow, so a jump never crosses a change of the clocks.
    fn seek(&mut self, from: Timestamp) -> Result<Option<Zoned>, ScheduleError> {
        let mut at = self.anchor.clone();
        let mut budget = Budget::new();
        while at.timestamp() < from {
            budget.step()?;
            let change = at.time_zone().following(at.timestamp()).next();
            let end = change.map_or(from, |change| change.timestamp().min(from));
            let passed = end.duration_since(at.timestamp()).as_nanos();
            let steps = passed / self.total.as_nanos() - 1;
            let next = if steps > 0 { self.elapsed(&at, steps) } else { self.after(&at) };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }
}

fn plus_days(at: &Zoned, days: i64) -> Option<Zoned> {
    at.checked_add(Span::new().try_days(days).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Schedule, times};
    use super::*;

    fn told(every: &str, anchor: &str, zone: &str, from: &str, limit: usize) -> Vec<String> {
        let zone = ScheduleZone::parse(Some(zone.to_owned())).unwrap();
        let every = Length::parse(every).unwrap();
        let anchor = Anchor::parse(anchor, &zone).unwrap();
        let schedule = Schedule::Interval(Interval { every, anchor, zone });
        let times = times(&schedule, from.parse().unwrap(), None, limit).unwrap();
        times.iter().map(Timestamp::to_string).collect()
    }

    /// An anchor in winter keeps the hour in summer.
    #[test]
    fn days_keep_the_hour() {
        assert_eq!(
            told("P1D", "2026-01-01T09:00:00", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"]
        );
    }

    /// Hours pass, whatever clocks show.
    #[test]
    fn hours_are_hours() {
        assert_eq!(
            told("PT1H", "2020-01-01T00:00:00Z", "Europe/Berlin", "2026-10-25T00:00:00Z", 3),
            ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]
        );
    }

    /// A day and a half is counted from its anchor on, whenever it is asked for.
    #[test]
    fn days_and_hours_do_not_drift() {
        let every = |from: &str, limit| {
            told("PT36H", "2026-03-04T12:00:00Z", "America/New_York", from, limit)
        };
        let all = every("2026-03-05T00:00:00Z", 4);
        assert_eq!(all.last().unwrap(), "2026-03-10T11:00:00Z");
        assert_eq!(every("2026-03-10T00:00:00Z", 1), all[3..]);
        let before = told("PT36H", "2026-05-01T12:00:00Z", "UTC", "2026-04-28T00:00:00Z", 4);
        assert_eq!(before.first().unwrap(), "2026-04-28T12:00:00Z");
        assert_eq!(before.last().unwrap(), "2026-05-03T00:00:00Z");
    }

    /// SCH-17: the calendar's ends and the longest lengths are no trouble.
    #[test]
    fn far_away_is_no_trouble() {
        let berlin = "Europe/Berlin";
        let now = "2026-01-01T00:00:00Z";
        for (every, anchor, found) in [
            ("P1D", "0001-01-01T00:00:00Z", 2),
            ("P1D", "9999-12-01T00:00:00Z", 2),
            ("P9999Y", "2020-01-01T00:00:00Z", 0),
            ("P9999Y", "2030-01-01T00:00:00Z", 1),
            ("P400Y", "1800-01-01T00:00:00Z", 2),
            ("PT0.000001S", "2020-01-01T00:00:00Z", 2),
        ] {
            assert_eq!(told(every, anchor, berlin, now, 2).len(), found, "{every} {anchor}");
        }
    }
}
