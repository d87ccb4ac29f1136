//! The times of one recurrence rule, period by period: the days of the period that the rule
//! names, at the times of day that it names (RFC 5545, read as by Prefect's server).

use std::collections::VecDeque;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{SignedDuration, Span, ToSpan};

use super::ScheduleError;
use super::bounds::{Budget, MOST_STEPS};
use super::rule_part::{Frequency, Part, WEEKDAYS};

/// Walks over the periods of a rule. Times are those that clocks show.
pub(super) struct Periods {
    part: Part,
    start: DateTime,
    /// Where the present period begins; the first may begin within one.
    at: DateTime,
    /// Behind it nothing is looked for.
    end: DateTime,
    left: Option<i64>,
    found: VecDeque<DateTime>,
    over: bool,
}

impl Periods {
    /// The times of a rule from its start on. They may begin before `from`, but not long where
    /// that can be helped; those behind `end` may be left out.
    pub fn new(part: &Part, start: DateTime, from: DateTime, end: DateTime) -> Self {
        let whole = part.with_days_of(start);
        // A month's or year's days are known by now; what counts plainly is seen before.
        let seen = if part.frequency > Frequency::Monthly { part } else { &whole };
        let (start, left) = seen.near(start, from);
        let part = whole;
        let over = left.is_some_and(|left| left <= 0);
        Self { part, start, at: start, end, left, found: VecDeque::new(), over }
    }

    /// The next time.
    ///
    /// # Errors
    /// [`ScheduleError::TooCostly`] (SCH-17).
    pub fn next(&mut self, budget: &mut Budget) -> Result<Option<DateTime>, ScheduleError> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(Some(found));
            }
            if self.over || self.at > self.end {
                return Ok(None);
            }
            budget.step()?;
            let next = if let Some(later) = self.vain_until() {
                self.on_from(later)
            } else {
                self.fill()?;
                self.after()
            };
            match next {
                Some(next) => self.at = next,
                None => self.over = true,
            }
        }
    }

    /// For short periods: the moment before which nothing can be, if the present one is in vain.
    fn vain_until(&self) -> Option<DateTime> {
        if self.part.frequency < Frequency::Daily {
            return None;
        }
        let (date, time) = (self.at.date(), self.at.time());
        if !self.part.allows("BYMONTH", date.month()) {
            return Some(date.last_of_month().tomorrow().ok()?.to_datetime(Time::midnight()));
        }
        if self.part.frequency == Frequency::Daily {
            return None;
        }
        if !self.is_named(date) {
            return Some(date.tomorrow().ok()?.to_datetime(Time::midnight()));
        }
        let hour = date.at(time.hour(), 0, 0, 0);
        if !self.part.allows("BYHOUR", time.hour()) {
            return hour.checked_add(1.hour()).ok();
        }
        if self.part.frequency > Frequency::Hourly && !self.part.allows("BYMINUTE", time.minute()) {
            let minute = date.at(time.hour(), time.minute(), 0, 0);
            return minute.checked_add(1.minute()).ok();
        }
        None
    }

    /// The first period that does not begin before a moment.
    fn on_from(&self, later: DateTime) -> Option<DateTime> {
        let period = self.part.period()?;
        let missing = later.duration_since(self.at).as_secs();
        let steps = missing.div_euclid(period) + i64::from(missing.rem_euclid(period) > 0);
        self.at.checked_add(SignedDuration::from_secs(steps.checked_mul(period)?)).ok()
    }

    /// The period after the present one.
    fn after(&self) -> Option<DateTime> {
        let interval = i64::from(self.part.interval);
        let date = self.at.date();
        let later = |date: Date, span: Result<Span, jiff::Error>| {
            Some(date.checked_add(span.ok()?).ok()?.to_datetime(Time::midnight()))
        };
        match self.part.frequency {
            Frequency::Yearly => later(date.first_of_year(), Span::new().try_years(interval)),
            Frequency::Monthly => later(date.first_of_month(), Span::new().try_months(interval)),
            Frequency::Weekly => later(self.week_start(date)?, Span::new().try_weeks(interval)),
            Frequency::Daily => later(date, Span::new().try_days(interval)),
            _ => self.at.checked_add(SignedDuration::from_secs(self.part.period()?)).ok(),
        }
    }

    /// Puts the times of the present period where they are taken from.
    fn fill(&mut self) -> Result<(), ScheduleError> {
        let in_month = |date: &Date| self.part.allows("BYMONTH", date.month());
        let days = self.months().into_iter().filter(|(first, _)| in_month(first));
        let days = days
            .flat_map(|(first, last)| first.series(1.day()).take_while(move |day| *day <= last));
        let days: Vec<Date> = days.filter(|date| self.is_named(*date)).collect();
        let times = self.times();
        if days.len() * times.len() > MOST_STEPS {
            return Err(ScheduleError::TooCostly);
        }
        let at = |(date, time): (&Date, &Time)| date.to_datetime(*time);
        let all = days.iter().flat_map(|date| times.iter().map(move |time| (date, time)));
        let mut chosen: Vec<DateTime> = match self.part.lists.get("BYSETPOS") {
            None => all.map(at).collect(),
            Some(places) => {
                let all: Vec<DateTime> = all.map(at).collect();
                places.iter().filter_map(|place| placed(&all, *place)).collect()
            }
        };
        chosen.sort_unstable();
        chosen.dedup();
        for time in chosen {
            if self.part.until.is_some_and(|until| time > until) || self.left == Some(0) {
                self.over = true;
                return Ok(());
            }
            if time >= self.start {
                self.left = self.left.map(|left| left - 1);
                self.found.push_back(time);
            }
        }
        Ok(())
    }

    /// The first and last days of what the present period has of each month.
    fn months(&self) -> Vec<(Date, Date)> {
        let date = self.at.date();
        let month = |first: Date| (first, first.last_of_month());
        match self.part.frequency {
            Frequency::Yearly => {
                let first = date.first_of_year().series(1.month());
                first.take(12).map(month).collect()
            }
            Frequency::Monthly => vec![month(date.first_of_month())],
            Frequency::Weekly => {
                let end = self.week_start(date).and_then(|start| start.checked_add(6.days()).ok());
                let end = end.unwrap_or(date);
                let next = end.first_of_month();
                if next > date { vec![month(date), (next, end)] } else { vec![(date, end)] }
            }
            _ => vec![(date, date)],
        }
    }

    /// The times of day in the present period.
    fn times(&self) -> Vec<Time> {
        let frequency = self.part.frequency;
        let numbers = |name: &str, own: Frequency, usual: i8, present: i8| {
            let mut numbers = match self.part.lists.get(name) {
                _ if frequency >= own && !self.part.allows(name, present) => Vec::new(),
                _ if frequency >= own => vec![present],
                Some(given) => given.iter().filter_map(|value| i8::try_from(*value).ok()).collect(),
                None => vec![usual],
            };
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        let (start, at) = (self.start, self.at);
        let hours = numbers("BYHOUR", Frequency::Hourly, start.hour(), at.hour());
        let minutes = numbers("BYMINUTE", Frequency::Minutely, start.minute(), at.minute());
        let seconds = numbers("BYSECOND", Frequency::Secondly, start.second(), at.second());
        let mut times = Vec::new();
        for hour in &hours {
            for minute in &minutes {
                let second = |second: &i8| Time::new(*hour, *minute, *second, 0).ok();
                times.extend(seconds.iter().filter_map(second));
            }
        }
        times
    }

    /// Whether the rule names a day.
    fn is_named(&self, date: Date) -> bool {
        let part = &self.part;
        let back = |forward: i32, length: i32| forward - length - 1;
        let counted = |name: &str, forward: i32, length: i32| {
            part.lists
                .get(name)
                .is_none_or(|list| list.contains(&forward) || list.contains(&back(forward, length)))
        };
        let day_of_year = i32::from(date.day_of_year());
        part.allows("BYMONTH", date.month())
            && counted("BYMONTHDAY", i32::from(date.day()), i32::from(date.days_in_month()))
            && counted("BYYEARDAY", day_of_year, i32::from(date.days_in_year()))
            && self.is_named_week(date)
            && self.is_named_weekday(date)
    }

    fn is_named_weekday(&self, date: Date) -> bool {
        let today = code(date.weekday());
        let days = &self.part.weekdays;
        let yearly = self.part.frequency == Frequency::Yearly;
        let (day, length) = if yearly && !self.part.lists.contains_key("BYMONTH") {
            (date.day_of_year(), date.days_in_year())
        } else {
            (i16::from(date.day()), i16::from(date.days_in_month()))
        };
        let place = i32::from((day - 1) / 7 + 1);
        let from_end = -i32::from((length - day) / 7 + 1);
        let plain = |(at, _): &&(i32, &str)| *at == 0;
        let (mut every, mut some) = (days.iter().filter(plain), days.iter().filter(|d| !plain(d)));
        let no_every = days.iter().all(|day| !plain(&day));
        let no_some = days.iter().all(|day| plain(&day));
        (no_every || every.any(|(_, day)| *day == today))
            && (no_some || some.any(|(at, day)| *day == today && (*at == place || *at == from_end)))
    }

    /// Weeks belong to the year that most of their days are in.
    fn is_named_week(&self, date: Date) -> bool {
        let Some(weeks) = self.part.lists.get("BYWEEKNO") else { return true };
        let middle = |date| self.week_start(date)?.checked_add(3.days()).ok();
        let number = |middle: Date| i32::from((middle.day_of_year() - 1) / 7 + 1);
        let Some(own) = middle(date) else { return false };
        // The 28th of December is always in the last week, whichever day begins it.
        let last = Date::new(own.year(), 12, 28).ok().and_then(middle).map_or(52, number);
        weeks.contains(&number(own)) || weeks.contains(&(number(own) - last - 1))
    }

    fn week_start(&self, date: Date) -> Option<Date> {
        let first = WEEKDAYS.iter().position(|day| *day == self.part.week_start)?;
        let today = i64::from(date.weekday().to_monday_zero_offset());
        let passed = (today - i64::try_from(first).ok()?).rem_euclid(7);
        date.checked_sub(Span::new().try_days(passed).ok()?).ok()
    }
}

/// The code of a day of the week, as `MO`.
pub(super) fn code(day: Weekday) -> &'static str {
    let index = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
    WEEKDAYS.get(index).copied().unwrap_or_default()
}

/// The first, second or last of a period.
fn placed(all: &[DateTime], place: i32) -> Option<DateTime> {
    let steps = usize::try_from(place.unsigned_abs()).ok()?.checked_sub(1)?;
    if place > 0 { all.get(steps).copied() } else { all.iter().rev().nth(steps).copied() }
}
