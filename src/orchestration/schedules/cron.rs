//! Cron expressions as Prefect's server reads them: five fields, a sixth at the end for seconds,
//! a seventh for years.

use jiff::civil::{Date, DateTime, Time};

use super::cron_field::{self, Allowed, DAY, HOUR, MINUTE, MONTH, Nth, SECOND, WEEKDAY, YEAR};
use super::words::shortened;
use super::{Field, ScheduleError, ScheduleZone};

/// A date that does not come within so many years comes never (as on Prefect's server).
const YEARS_AHEAD: i16 = 50;

/// A cron expression with the zone whose clocks it follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    /// The zone whose clocks count.
    pub zone: ScheduleZone,
    text: String,
    day_or: bool,
    /// The fields, for the words.
    pub(super) fields: Box<Fields>,
}

/// What the fields allow.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fields {
    pub minute: Allowed,
    pub hour: Allowed,
    pub day: Allowed,
    pub month: Allowed,
    pub weekday: Allowed,
    pub second: Allowed,
    pub year: Option<Allowed>,
    /// Whether every day of the month is meant, and every day of the week.
    pub any_day: bool,
    pub any_weekday: bool,
    /// Whether minute or hour repeat by themselves (a star or a step): such an expression also
    /// runs in the hour that clocks show twice.
    pub repeats: bool,
}

impl Cron {
    /// An expression; with `day_or` a day matches if the day of the month or that of the week
    /// does, else both must.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn parse(text: String, zone: ScheduleZone, day_or: bool) -> Result<Self, ScheduleError> {
        let fields = fields(&text).map_err(|text| ScheduleError::refused(Field::Cron, text))?;
        Ok(Self { zone, text, day_or, fields: Box::new(fields) })
    }

    /// The expression as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether one of day of month and day of week is enough.
    pub fn day_or(&self) -> bool {
        self.day_or
    }

    /// The first time that clocks may show, at or after one; `None` if it never comes.
    pub(super) fn at_or_after(&self, wall: DateTime) -> Option<DateTime> {
        let mut date = wall.date();
        let end = wall.year().saturating_add(YEARS_AHEAD);
        while date.year() <= end {
            if !self.has_year(date) {
                date = Date::new(date.year().checked_add(1)?, 1, 1).ok()?;
                continue;
            }
            if !has(&self.fields.month, date.month()) {
                date = date.last_of_month().tomorrow().ok()?;
                continue;
            }
            if self.has_day(date) {
                let earliest = if date == wall.date() { wall.time() } else { Time::midnight() };
                if let Some(time) = self.time_from(earliest) {
                    return Some(date.to_datetime(time));
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn has_year(&self, date: Date) -> bool {
        self.fields.year.as_ref().is_none_or(|year| has(year, date.year()))
    }

    fn has_day(&self, date: Date) -> bool {
        let Fields { day, weekday, any_day, any_weekday, .. } = self.fields.as_ref();
        let last = date.day() == date.days_in_month();
        let by_day = *any_day || has(day, date.day()) || day.last && last;
        let today = date.weekday().to_sunday_zero_offset();
        let by_weekday = if weekday.nth.is_empty() {
            *any_weekday || has(weekday, today)
        } else {
            weekday.nth.iter().any(|(day, nth)| has_value(*day, today) && is_nth(date, *nth))
        };
        if self.day_or && !any_day && !any_weekday {
            by_day || by_weekday
        } else {
            by_day && by_weekday
        }
    }

    fn time_from(&self, from: Time) -> Option<Time> {
        let Fields { hour, minute, second, .. } = self.fields.as_ref();
        let first = |field: &Allowed| next(field, 0);
        if has(hour, from.hour()) {
            if has(minute, from.minute())
                && let Some(second) = next(second, from.second())
            {
                return Time::new(from.hour(), from.minute(), second, 0).ok();
            }
            if let Some(minute) = next(minute, from.minute() + 1) {
                return Time::new(from.hour(), minute, first(second)?, 0).ok();
            }
        }
        let hour = next(hour, from.hour() + 1)?;
        Time::new(hour, first(minute)?, first(second)?, 0).ok()
    }
}

fn has_value<T: Into<i32>>(value: u32, wanted: T) -> bool {
    i32::try_from(value) == Ok(wanted.into())
}

fn has<T: Into<i32>>(field: &Allowed, wanted: T) -> bool {
    let wanted = wanted.into();
    field.values.iter().any(|value| has_value(*value, wanted))
}

/// The field's first value that is not below one.
fn next(field: &Allowed, from: i8) -> Option<i8> {
    field.values.iter().filter_map(|value| i8::try_from(*value).ok()).find(|value| *value >= from)
}

fn is_nth(date: Date, nth: Nth) -> bool {
    match nth {
        Nth::Number(number) => has_value(number, (date.day() - 1) / 7 + 1),
        Nth::Last => date.day() + 7 > date.days_in_month(),
    }
}

fn fields(text: &str) -> Result<Fields, String> {
    let lower = text.to_ascii_lowercase();
    let written = match lower.as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    let parts: Vec<&str> = written.split_whitespace().collect();
    let count = parts.len();
    let (minute, hour, day, month, weekday, rest) = match *parts.as_slice() {
        [minute, hour, day, month, weekday, ref rest @ ..] if rest.len() <= 2 => {
            (minute, hour, day, month, weekday, rest)
        }
        [one] if one.starts_with('@') => {
            return Err(format!(
                "“{}” is not understood. Use @hourly, @daily, @weekly, @monthly or @yearly.",
                shortened(one)
            ));
        }
        _ => {
            return Err(format!(
                "The expression has {count} fields; it takes 5 (minute, hour, day of month, \
                 month, day of week), a sixth for seconds and a seventh for years."
            ));
        }
    };
    let parse = |kind, text| cron_field::parse(kind, text, count);
    let zero = || Allowed { values: vec![0], ..Allowed::default() };
    let days = parse(&DAY, day)?;
    let weekdays = parse(&WEEKDAY, weekday)?;
    let all_days = days.values.len() + usize::from(days.last) >= 31;
    let all_weekdays = weekdays.nth.is_empty() && weekdays.values.len() == 7;
    Ok(Fields {
        minute: parse(&MINUTE, minute)?,
        hour: parse(&HOUR, hour)?,
        month: parse(&MONTH, month)?,
        any_day: days.star || all_days && weekday.contains('*'),
        any_weekday: weekdays.star || all_weekdays && day.contains('*'),
        day: days,
        weekday: weekdays,
        second: rest.first().map_or_else(|| Ok(zero()), |text| parse(&SECOND, text))?,
        year: rest.get(1).map(|text| parse(&YEAR, text)).transpose()?,
        repeats: [minute, hour].iter().any(|field| field.contains(['*', '/'])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(text: &str) -> Result<Cron, ScheduleError> {
        Cron::parse(text.to_owned(), ScheduleZone::parse(None).unwrap(), true)
    }

    /// What Prefect's server takes.
    #[test]
    fn expressions_that_are_taken() {
        for good in [
            "0 9 31 * *",
            "*/7 * * * *",
            "0 0 * * 7",
            "0 0 * * 0-7",
            "0 22-2 * * *",
            "@HOURLY",
            "@annually",
            "0 0 L * *",
            "0 0 * * l5",
            "0 0 * * 5#2",
            "0 0 ? * MON",
            "5/15 * * * *",
            " 0\t0 * * * ",
            "*/10 * * * * *",
            "*/70 * * * *",
            "0 0 31 2 *",
            "0 0 * * * 0 2027",
            "0 0 0 * * 0",
            "0 0 20-L * *",
            "0 0 * * l1,l3",
            "0 0 * * mon-fri#1",
            "0 0 5-0 * *",
        ] {
            assert!(cron(good).is_ok(), "{good}: {:?}", cron(good));
        }
    }

    /// What Prefect's server refuses, and what this does beyond (random and other scripts).
    #[test]
    fn expressions_that_are_refused() {
        for bad in [
            "",
            "* * * *",
            "@reboot",
            "@every 5m",
            " @daily",
            "H * * * *",
            "R * * * *",
            "H/5 * * * *",
            "R(0-10) * * * *",
            "? * * * *",
            "0 0 * * 5L",
            "0 0 15W * *",
            "0 0 LW * *",
            "0 0 L-2 * *",
            "0 0 * * SUNDAY",
            "0 24 * * *",
            "60 * * * *",
            "0 0 0 * *",
            "*/0 * * * *",
            "0 0 * * L",
            "0 0 * * mon#1,2",
            "0 0 * * 2,5#1",
            "+1 * * * *",
            "1,,2 * * * *",
            "0 0 ?/2 * *",
            "0 0 * * 7 0",
            "0 0 1 0 *",
            "١ * * * *",
            "0 0 * * 1#6",
            "1-2-3 * * * *",
            "-5 * * * *",
            "* * * * * * * *",
            "*/5/2 * * * *",
            "99999999999 * * * *",
            "0 0 * * 1-5#2",
            "*-5 * * * *",
        ] {
            assert!(cron(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_names_the_field() {
        let text = |text: &str| cron(text).unwrap_err().to_string();
        assert_eq!(text("0 25 * * *"), "Field 2 (hour) is 25; it goes from 0 to 23.");
        assert!(text("0 0 * * SUNDAY").starts_with("Field 5 (day of week) has “sunday”"));
        assert!(text("* * * *").starts_with("The expression has 4 fields; it takes 5"));
    }
}
