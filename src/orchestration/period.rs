//! Over which time charts and lists go.

use serde::Deserialize;

use crate::base::db::Instant;
use crate::base::zone::Zone;
use crate::orchestration::which::history::Span;

/// A time that ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// 24 hours.
    #[default]
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The period of a word in an address.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// Its word in an address.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// What people call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
        }
    }

    /// How many steps, of how many hours, and every how many-th is named.
    pub fn steps(self) -> (i64, i64, i64) {
        match self {
            Self::Day => (24, 1, 4),
            Self::Week => (28, 6, 4),
            Self::Month => (30, 24, 5),
        }
    }

    /// The time up to the end of the present step, which begin at whole hours or days of a zone.
    pub fn span(self, now: Instant, zone: &Zone) -> Span {
        let (steps, hours, _) = self.steps();
        let (step, ahead) = (hours * 3_600_000_000, zone.ahead(now));
        let end = ((now.as_microseconds() + ahead).div_euclid(step) + 1) * step - ahead;
        Span {
            start: Instant::from_microseconds(end - steps * step),
            end: Instant::from_microseconds(end),
            step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_with_the_hour_or_the_day_of_the_place() {
        let now = Instant::from_microseconds(1_795_425_851_000_000);
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let end = |period: Period, zone: &Zone| period.span(now, zone).end.to_string();
        assert_eq!(end(Period::Day, &berlin), "2026-11-23T10:00:00Z");
        assert_eq!(end(Period::Month, &berlin), "2026-11-23T23:00:00Z");
        assert_eq!(end(Period::Month, &Zone::default()), "2026-11-24T00:00:00Z");
        for period in Period::ALL {
            assert_eq!(Period::parse(period.word()), Some(period));
        }
    }
}
