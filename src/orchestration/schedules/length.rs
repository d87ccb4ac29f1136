//! How long an interval is.

use jiff::SignedDuration;
use serde::{Serialize, Serializer};

use super::{Field, ScheduleError};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Longer than the calendar: no interval needs more.
const LONGEST: i64 = 10_000 * 366 * DAY;

/// The length of an interval, to the microsecond, longer than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    micros: i64,
}

impl Length {
    /// A length in microseconds.
    ///
    /// # Errors
    /// A sentence when it is not longer than 0, or longer than 10,000 years.
    pub fn from_microseconds(micros: i64) -> Result<Self, ScheduleError> {
        match micros {
            ..=0 => Err(refused("An interval must be longer than 0.")),
            1..=LONGEST => Ok(Self { micros }),
            _ => Err(refused("An interval must not be longer than 10,000 years.")),
        }
    }

    /// A length in seconds, rounded to the microsecond.
    ///
    /// # Errors
    /// As [`Length::from_microseconds`].
    pub fn from_seconds(seconds: f64) -> Result<Self, ScheduleError> {
        match SignedDuration::try_from_secs_f64(seconds) {
            Ok(duration) => {
                let half = if duration.is_negative() { -500 } else { 500 };
                let micros = (duration.as_nanos() + half) / 1000;
                Self::from_microseconds(i64::try_from(micros).unwrap_or(i64::MAX))
            }
            Err(_) if seconds < 0.0 => Self::from_microseconds(0),
            Err(_) => Self::from_microseconds(i64::MAX),
        }
    }

    /// A length in words of ISO 8601 (`PT1H30M`, `P2W`) or as a clock (`01:30:00`,
    /// `1 day, 01:30:00`). A month is 30 days, a year 365.
    ///
    /// # Errors
    /// A sentence that shows both forms.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let lower = text.trim().to_ascii_lowercase();
        let parsed = match lower.strip_prefix('+').unwrap_or(&lower).strip_prefix('p') {
            Some(rest) => iso(rest),
            None => clock(&lower),
        };
        let unread = "An interval is a number of seconds, or a text like PT1H30M or 01:30:00.";
        Self::from_microseconds(parsed.ok_or_else(|| refused(unread))?)
    }

    /// The length in microseconds.
    pub fn as_microseconds(self) -> i64 {
        self.micros
    }

    pub(super) fn duration(self) -> SignedDuration {
        SignedDuration::from_micros(self.micros)
    }

    /// The whole days in it.
    pub(super) fn days(self) -> i64 {
        self.micros / DAY
    }

    /// What is left beside whole days.
    pub(super) fn beyond_days(self) -> SignedDuration {
        SignedDuration::from_micros(self.micros % DAY)
    }
}

fn refused(text: &str) -> ScheduleError {
    ScheduleError::refused(Field::Interval, text)
}

/// What follows the `P`: numbers, each with its unit, those of the clock behind a `T`.
fn iso(text: &str) -> Option<i64> {
    let (dates, clock) = text.split_once('t').unwrap_or((text, ""));
    if dates.is_empty() && clock.is_empty() || text.ends_with('t') {
        return None;
    }
    let dates = units(dates, &[('y', 365 * DAY), ('m', 30 * DAY), ('w', 7 * DAY), ('d', DAY)])?;
    let clock = units(clock, &[('h', 3600 * SECOND), ('m', 60 * SECOND), ('s', SECOND)])?;
    dates.checked_add(clock)
}

fn units(mut text: &str, known: &[(char, i64)]) -> Option<i64> {
    let mut sum: i64 = 0;
    let mut left = known.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, rest) = text.split_at(end);
        let letter = rest.chars().next()?;
        let (_, unit) = left.by_ref().find(|(name, _)| *name == letter)?;
        sum = sum.checked_add(decimal(number, *unit)?)?;
        text = rest.get(1..)?;
    }
    Some(sum)
}

/// `1 day, 01:30:00`, `2d`, `01:30:00.5`, `26:00`
fn clock(text: &str) -> Option<i64> {
    let days_end = text.find('d');
    let (days, rest) = match days_end {
        Some(end) => {
            let (number, rest) = text.split_at(end);
            let rest = rest.strip_prefix("days").or_else(|| rest.strip_prefix("day"));
            let rest = rest.or_else(|| text.get(end + 1..))?;
            (decimal(number.trim(), DAY)?, rest.trim_start_matches([',', ' ']))
        }
        None => (0, text),
    };
    if rest.is_empty() {
        return days_end.map(|_| days);
    }
    let parts: Vec<&str> = rest.split(':').collect();
    let (hours, minutes, seconds) = match *parts.as_slice() {
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let two = |text: &str| text.len() == 2 && text < "60";
    let whole = |text: &str| text.len() >= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !whole(hours) || !two(minutes) || decimal(seconds, SECOND)? >= 60 * SECOND {
        return None;
    }
    days.checked_add(decimal(hours, 3600 * SECOND)?)?
        .checked_add(decimal(minutes, 60 * SECOND)?)?
        .checked_add(decimal(seconds, SECOND)?)
}

/// Digits, perhaps with a fraction, of a unit.
fn decimal(text: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let part = i128::from(unit) * fraction.parse::<i128>().ok()? / scale;
    whole.parse::<i64>().ok()?.checked_mul(unit)?.checked_add(i64::try_from(part).ok()?)
}

impl Serialize for Length {
    /// Seconds with a point, as Prefect's server answers: `3600.0`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = SignedDuration::from_micros(self.micros);
        serializer.serialize_f64(whole.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the client and people write.
    #[test]
    fn lengths_are_read() {
        let seconds = |text: &str| {
            Length::parse(text).ok().map(|length| serde_json::to_string(&length).unwrap())
        };
        for (text, told) in [
            ("PT1H", "3600.0"),
            ("pt1h", "3600.0"),
            ("P1M", "2592000.0"),
            ("P1W", "604800.0"),
            ("01:00:00", "3600.0"),
            ("1 day, 01:00:00", "90000.0"),
            ("1d 01:00:00", "90000.0"),
            ("1 days 01:00", "90000.0"),
            ("PT0.5S", "0.5"),
            ("P1DT2H", "93600.0"),
            ("2d", "172800.0"),
            ("25:00:00", "90000.0"),
            ("PT1.5H", "5400.0"),
            ("P1,5D", "129600.0"),
            ("+PT1H", "3600.0"),
        ] {
            assert_eq!(seconds(text).as_deref(), Some(told), "{text}");
        }
        for bad in ["3600", "1:30", "00:90:00", "-PT1H", "P", "PT", "PT1X", "", "P1", "PT0S", "d"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    /// As Prefect's server: anything above half a microsecond is an interval.
    #[test]
    fn seconds_are_rounded_to_the_microsecond() {
        let micros = |seconds: f64| Length::from_seconds(seconds).map(Length::as_microseconds).ok();
        assert_eq!(micros(0.000_000_6), Some(1));
        assert_eq!(micros(2.5), Some(2_500_000));
        assert_eq!(micros(1e10), Some(10_000_000_000_000_000));
        for bad in [0.0, -1.0, 0.000_000_4, 1e13, f64::MAX, f64::MIN, f64::NAN] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }
}
