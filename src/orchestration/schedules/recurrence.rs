//! The times of recurrence rules: what the rules name is put together, what they except is taken
//! away, by the clocks of the zone; then each time becomes a moment.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::ScheduleError;
use super::bounds::{Budget, Window};
use super::periods::Periods;
use super::rrule::Recurrence;
use super::rule_part::{Frequency, Part};
use super::zone::shift_near;

/// The moments of a recurrence. A time that clocks skip comes as much earlier as they skip, one
/// that they show twice the first time only (as on Prefect's server). What does not come within
/// 50 years (by months or years: 400, after which the calendar begins anew) comes never.
///
/// # Errors
/// [`ScheduleError::TooCostly`] (SCH-17).
pub(super) fn times(
    rule: &Recurrence,
    zone: &TimeZone,
    window: &Window,
) -> Result<Vec<Timestamp>, ScheduleError> {
    let start = rule.start();
    let from = window.from.checked_sub(shift_near(zone, window.from)).unwrap_or(window.from);
    let from = zone.to_datetime(from);
    let part = |part: &Part| {
        let years = if part.frequency > Frequency::Monthly { 50 } else { 400 };
        let end = match window.until {
            Some(until) => zone.to_datetime(until).saturating_add(2.days()),
            None => from.max(start).saturating_add(years.years()),
        };
        Source::Rule(Box::new(Periods::new(part, start, from, end)))
    };
    let dates = |dates: &[DateTime]| {
        let sorted: BTreeSet<DateTime> = dates.iter().copied().collect();
        Source::Dates(Box::new(sorted.into_iter()))
    };
    let mut wanted: Vec<Source> = rule.rules.iter().map(part).collect();
    let mut unwanted: Vec<Source> = rule.without_rules.iter().map(part).collect();
    wanted.push(dates(&rule.dates));
    unwanted.push(dates(&rule.without_dates));
    merged(wanted, unwanted, zone, window)
}

/// Where times come from, ascending; they are those that clocks show.
enum Source {
    Rule(Box<Periods>),
    Dates(Box<dyn Iterator<Item = DateTime>>),
}

/// A source and its next time.
struct Stream {
    source: Source,
    next: Option<DateTime>,
}

impl Stream {
    fn all(sources: Vec<Source>, budget: &mut Budget) -> Result<Vec<Self>, ScheduleError> {
        let mut streams = Vec::new();
        for source in sources {
            let mut stream = Self { source, next: None };
            stream.go_on(budget)?;
            streams.push(stream);
        }
        Ok(streams)
    }

    fn go_on(&mut self, budget: &mut Budget) -> Result<(), ScheduleError> {
        self.next = match &mut self.source {
            Source::Rule(periods) => periods.next(budget)?,
            Source::Dates(dates) => dates.next(),
        };
        budget.step()
    }

    /// Goes on while its next time is before another, or at it where that counts too.
    fn pass(
        &mut self,
        other: DateTime,
        at_it_too: bool,
        budget: &mut Budget,
    ) -> Result<(), ScheduleError> {
        while self.next.is_some_and(|next| next < other || at_it_too && next == other) {
            self.go_on(budget)?;
        }
        Ok(())
    }
}

fn merged(
    wanted: Vec<Source>,
    unwanted: Vec<Source>,
    zone: &TimeZone,
    window: &Window,
) -> Result<Vec<Timestamp>, ScheduleError> {
    let mut budget = Budget::new();
    let mut wanted = Stream::all(wanted, &mut budget)?;
    let mut unwanted = Stream::all(unwanted, &mut budget)?;
    let mut found = BTreeSet::new();
    while let Some(shown) = wanted.iter().filter_map(|stream| stream.next).min() {
        let mut excluded = false;
        for stream in &mut unwanted {
            stream.pass(shown, false, &mut budget)?;
            excluded |= stream.next == Some(shown);
        }
        let Ok(at) = zone.to_ambiguous_timestamp(shown).earlier() else { break };
        if !excluded && at >= window.from {
            if window.is_past(at) {
                break;
            }
            found.insert(at);
        }
        if found.len() >= window.limit {
            break;
        }
        for stream in &mut wanted {
            stream.pass(shown, true, &mut budget)?;
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::{RRule, Schedule, ScheduleZone, times};
    use super::*;

    fn told(rule: &str, from: &str, limit: usize) -> Result<Vec<String>, ScheduleError> {
        let zone = ScheduleZone::parse(Some("Europe/Berlin".to_owned())).unwrap();
        let rule = Schedule::RRule(RRule::parse(rule.to_owned(), zone).unwrap());
        let times = times(&rule, from.parse().unwrap(), None, limit)?;
        Ok(times.iter().map(Timestamp::to_string).collect())
    }

    const NOW: &str = "2026-11-30T08:00:00Z";

    /// SCH-17: every second without a start, dates that never come, counts that began long ago.
    #[test]
    fn rules_that_would_take_long() {
        assert_eq!(told("FREQ=SECONDLY", NOW, 3).unwrap().len(), 3);
        assert_eq!(told("FREQ=MINUTELY;INTERVAL=7", NOW, 100).unwrap().len(), 100);
        assert!(told("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", NOW, 3).unwrap().is_empty());
        assert!(told("FREQ=DAILY;INTERVAL=7;BYDAY=MO", NOW, 3).unwrap().is_empty());
        assert!(told("FREQ=SECONDLY;COUNT=1000000", NOW, 3).unwrap().is_empty());
        assert_eq!(told("FREQ=SECONDLY;COUNT=1000000000", NOW, 3).unwrap().len(), 3);
        let numbers = |most: u32| (0..most).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let every_second = format!(
            "FREQ=YEARLY;BYDAY=MO;BYHOUR={};BYMINUTE={1};BYSECOND={1}",
            numbers(24),
            numbers(60)
        );
        assert_eq!(told(&every_second, NOW, 3), Err(ScheduleError::TooCostly));
        assert!(told("FREQ=DAILY;COUNT=-9223372036854775808", NOW, 3).unwrap().is_empty());
        let counted = "FREQ=MINUTELY;COUNT=100000000;BYHOUR=1,2,3,4,5,6,7,8,9";
        assert_eq!(told(counted, NOW, 3), Err(ScheduleError::TooCostly));
        assert_eq!(
            told("RRULE:FREQ=SECONDLY\nEXRULE:FREQ=SECONDLY", NOW, 3),
            Err(ScheduleError::TooCostly)
        );
    }

    /// SCH-17: the bound itself.
    #[test]
    fn what_never_ends_is_given_up() {
        let long_ago = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        let endless = (0_i64..).map(move |second| long_ago + SignedDuration::from_secs(second));
        let window = Window { from: NOW.parse().unwrap(), until: None, limit: 1 };
        let endless = vec![Source::Dates(Box::new(endless))];
        let answer = merged(endless, Vec::new(), &TimeZone::UTC, &window);
        assert_eq!(answer, Err(ScheduleError::TooCostly));
    }

    /// One rule that is wholly excluded takes nothing from another.
    #[test]
    fn rules_are_put_together() {
        let both = "DTSTART:20261203T090000\nRRULE:FREQ=WEEKLY\nRRULE:FREQ=MONTHLY;BYMONTHDAY=15\n\
                    EXRULE:FREQ=WEEKLY;BYDAY=TH";
        assert_eq!(told(both, NOW, 2).unwrap(), ["2026-12-15T08:00:00Z", "2027-01-15T08:00:00Z"]);
        assert_eq!(
            told("RDATE:20261201T090000Z,20261201T090000", NOW, 5).unwrap(),
            ["2026-12-01T08:00:00Z"]
        );
    }
}
