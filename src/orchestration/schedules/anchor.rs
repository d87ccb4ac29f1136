//! The moment that an interval is counted from.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

use super::{Field, ScheduleError, ScheduleZone};

/// A moment to the microsecond, with the offset that it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    at: Timestamp,
    offset: Offset,
}

impl Anchor {
    /// A moment, written in UTC.
    pub fn new(at: Timestamp) -> Self {
        let whole = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        Self { at: whole, offset: Offset::UTC }
    }

    /// A date, or a date and time, as in ISO 8601; without an offset by the clocks of the zone.
    ///
    /// # Errors
    /// A sentence that shows the form.
    pub fn parse(text: &str, zone: &ScheduleZone) -> Result<Self, ScheduleError> {
        let refused = |text: &str| ScheduleError::refused(Field::Anchor, text);
        let unread =
            || refused("The interval’s start is no date. Write it like 2026-01-31T09:00:00Z.");
        let pieces = Pieces::parse(text).map_err(|_| unread())?;
        let local = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        if local.year() < 1 {
            return Err(refused("The interval’s start lies before the year 1."));
        }
        let late = || refused("The interval’s start lies after 9999.");
        let (at, offset) = match pieces.offset() {
            Some(PiecesOffset::Numeric(offset)) => {
                let offset = offset.offset();
                (offset.to_timestamp(local).map_err(|_| late())?, offset)
            }
            Some(_) => (Offset::UTC.to_timestamp(local).map_err(|_| late())?, Offset::UTC),
            None => {
                let at = zone.zone().to_timestamp(local).map_err(|_| late())?;
                (at, zone.zone().to_offset(at))
            }
        };
        Ok(Self { at: Self::new(at).at, offset })
    }

    /// The moment.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

impl fmt::Display for Anchor {
    /// As Prefect's server answers: `2026-01-31T09:00:00+01:00`, with `Z` for UTC and six digits
    /// of a fraction where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local: DateTime = self.offset.to_datetime(self.at);
        write!(f, "{}", local.strftime("%Y-%m-%dT%H:%M:%S"))?;
        if local.subsec_nanosecond() != 0 {
            write!(f, ".{:06}", local.subsec_nanosecond() / 1000)?;
        }
        let seconds = self.offset.seconds();
        if seconds == 0 {
            return f.write_str("Z");
        }
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl Serialize for Anchor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SCH-02: read back as it was sent.
    #[test]
    fn a_start_is_written_as_it_came() {
        let berlin = ScheduleZone::parse(Some("Europe/Berlin".to_owned())).unwrap();
        let told = |text: &str| Anchor::parse(text, &berlin).map(|anchor| anchor.to_string());
        for same in [
            "2026-01-01T09:00:00Z",
            "2026-01-01T09:00:00+01:00",
            "2026-01-01T09:00:00.500000-05:30",
            "0900-01-01T09:00:00Z",
        ] {
            assert_eq!(told(same).unwrap(), same);
        }
        for (given, written) in [
            ("2026-01-01 09:00:00.5-00:00", "2026-01-01T09:00:00.500000Z"),
            ("2026-01-01T09:00:00.123456789Z", "2026-01-01T09:00:00.123456Z"),
            ("2026-01-01T09:00:00+00:00", "2026-01-01T09:00:00Z"),
            ("2026-07-01T09:00:00", "2026-07-01T09:00:00+02:00"),
            ("2026-01-01", "2026-01-01T00:00:00+01:00"),
        ] {
            assert_eq!(told(given).unwrap(), written);
        }
        for bad in ["", "now", "2026-13-01", "0000-01-01", "9999-12-31T23:59:59Z"] {
            assert!(told(bad).is_err(), "{bad}");
        }
    }
}
