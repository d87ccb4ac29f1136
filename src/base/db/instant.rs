//! Moments in time: `timestamptz` on PostgreSQL, microseconds since 1970 on SQLite.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, HasSqlType, SqlOrd, SqlType, Timestamptz};
use diesel::sqlite::Sqlite;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::backend::{MultiBackend, MultiRawValue};

/// The SQL type of [`Instant`].
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub struct SqlInstant;

impl SqlOrd for SqlInstant {}

/// A moment, in UTC, to the microsecond (what both databases keep).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlInstant)]
pub struct Instant(Timestamp);

/// PostgreSQL counts from 2000-01-01, everybody else from 1970-01-01: the difference in
/// microseconds.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

impl Instant {
    /// From microseconds since 1970; what lies before the year 1 or behind the calendar becomes its first or last
    /// moment (PostgreSQL ends at 4713 BC).
    pub fn from_microseconds(micros: i64) -> Self {
        const FIRST: i64 = -62_135_596_800_000_000;
        // jiff takes whole microseconds up to this one, which is not quite `Timestamp::MAX`.
        const LAST: i64 = 253_402_207_200_000_000;
        Self(Timestamp::from_microsecond(micros.clamp(FIRST, LAST)).unwrap_or(Timestamp::MIN))
    }

    /// Microseconds since 1970.
    pub fn as_microseconds(self) -> i64 {
        self.0.as_microsecond()
    }

    /// The same moment for the calendar.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Whole seconds since 1970.
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// This moment moved by whole days of 24 hours.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self + SignedDuration::from_hours(days.saturating_mul(24))
    }

    /// How long ago `earlier` was, seen from here; negative when it lies ahead.
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }

    /// `2026-11-23 09:24 UTC`
    pub fn minute_text(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// `2026-11-23 09:24:11 UTC`
    pub fn second_text(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    /// `30 November 2026, 09:24 UTC`
    pub fn long_text(self) -> String {
        self.0.strftime("%-d %B %Y, %H:%M UTC").to_string()
    }

    /// `30 Nov 2026`
    pub fn day_text(self) -> String {
        self.0.strftime("%-d %b %Y").to_string()
    }
}

impl From<Timestamp> for Instant {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_microseconds(timestamp.as_microsecond())
    }
}

impl Add<SignedDuration> for Instant {
    type Output = Self;

    fn add(self, duration: SignedDuration) -> Self {
        self.0.saturating_add(duration).unwrap_or(Timestamp::MAX).into()
    }
}

impl Sub<SignedDuration> for Instant {
    type Output = Self;

    fn sub(self, duration: SignedDuration) -> Self {
        self.0.saturating_sub(duration).unwrap_or(Timestamp::MIN).into()
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, as in `2026-11-23T09:24:11.500000Z`, and without a fraction where there is none: the
    /// form that the client's own server answers with (Prefect 3.8).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_nanosecond() == 0 { self.0.fmt(f) } else { write!(f, "{:.6}", self.0) }
    }
}

impl FromStr for Instant {
    type Err = jiff::Error;

    /// RFC 3339, also with a space in the place of the `T`; without an offset it is UTC, as the client means it.
    /// What lies behind the calendar's end (the last day of the year 9999 stands for "never") is its last moment.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(moment.into());
        }
        let pieces = Pieces::parse(text)?;
        let local = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        let offset = match pieces.offset() {
            Some(PiecesOffset::Numeric(offset)) => offset.offset(),
            _ => Offset::UTC,
        };
        match offset.to_timestamp(local) {
            Ok(moment) => Ok(moment.into()),
            Err(_) if local.year() == 9999 => Ok(Timestamp::MAX.into()),
            Err(error) => Err(error),
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl ToSql<SqlInstant, Sqlite> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_microseconds());
        Ok(IsNull::No)
    }
}

impl ToSql<SqlInstant, Pg> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = diesel::pg::data_types::PgTimestamp(self.as_microseconds() - POSTGRES_EPOCH);
        ToSql::<Timestamptz, Pg>::to_sql(&micros, &mut out.reborrow())
    }
}

impl ToSql<SqlInstant, MultiBackend> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((SqlInstant, self));
        Ok(IsNull::No)
    }
}

impl FromSql<SqlInstant, Sqlite> for Instant {
    fn from_sql(bytes: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(bytes).map(Self::from_microseconds)
    }
}

impl FromSql<SqlInstant, Pg> for Instant {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let diesel::pg::data_types::PgTimestamp(micros) =
            FromSql::<Timestamptz, Pg>::from_sql(bytes)?;
        Ok(Self::from_microseconds(micros.saturating_add(POSTGRES_EPOCH)))
    }
}

impl FromSql<SqlInstant, MultiBackend> for Instant {
    fn from_sql(bytes: MultiRawValue<'_>) -> deserialize::Result<Self> {
        bytes.from_sql::<Self, SqlInstant>()
    }
}

impl HasSqlType<SqlInstant> for MultiBackend {
    fn metadata(
        lookup: &mut Self::MetadataLookup,
    ) -> <Self as diesel::sql_types::TypeMetadata>::TypeMetadata {
        Self::lookup_sql_type::<SqlInstant>(lookup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_as_the_client_does() {
        let same = |text: &str| text.parse::<Instant>().unwrap().to_string();
        assert_eq!(same("2026-11-23T08:16:52.12Z"), "2026-11-23T08:16:52.120000Z");
        assert_eq!(same("2026-11-23 09:16:52+01:00"), "2026-11-23T08:16:52Z");
        assert_eq!(same("2026-11-23T08:16:52.000001"), "2026-11-23T08:16:52.000001Z");
        for never in ["9999-12-31T23:59:59.999999Z", "9999-12-31", "9999-12-31 00:00:00-12:00"] {
            assert_eq!(same(never), "9999-12-30T22:00:00Z", "{never}");
        }
        assert!("next Monday".parse::<Instant>().is_err());
    }
}
