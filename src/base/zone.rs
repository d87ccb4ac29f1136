//! Time zones, and moments as the clocks there show them.
//!
//! The zones come with the program, so that an answer depends neither on the machine nor on what is installed there.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::db::Instant;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A place's time.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }
}

impl Zone {
    /// The zone of an IANA name, in any letter case.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let typed = raw.trim();
        if typed.eq_ignore_ascii_case("UTC") {
            return Ok(Self::default());
        }
        let zone = DATABASE.get(typed).map_err(|_| {
            "There is no time zone of that name. Use one like Europe/Berlin, or UTC.".to_owned()
        })?;
        let name = zone.iana_name().unwrap_or(typed).to_owned();
        Ok(Self { name, zone })
    }

    /// The zone that was kept; UTC where its name is known no more.
    pub fn kept(name: &str) -> Self {
        Self::parse(name).unwrap_or_default()
    }

    /// `Europe/Berlin`
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its clocks are those that everything is kept in.
    pub fn is_utc(&self) -> bool {
        self.name == "UTC"
    }

    /// All names, in the order of the alphabet.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = DATABASE.available().map(|name| name.to_string()).collect();
        names.sort_unstable();
        names
    }

    fn told(&self, at: Instant, format: &str) -> String {
        at.timestamp().to_zoned(self.zone.clone()).strftime(format).to_string()
    }

    /// `2026-11-23 10:24 CET`
    pub fn minute_text(&self, at: Instant) -> String {
        self.told(at, "%Y-%m-%d %H:%M %Z")
    }

    /// `2026-11-23 10:24:11 CET`
    pub fn second_text(&self, at: Instant) -> String {
        self.told(at, "%Y-%m-%d %H:%M:%S %Z")
    }

    /// `30 November 2026, 10:24 CET`
    pub fn long_text(&self, at: Instant) -> String {
        self.told(at, "%-d %B %Y, %H:%M %Z")
    }

    /// `30 Nov 2026`
    pub fn day_text(&self, at: Instant) -> String {
        self.told(at, "%-d %b %Y")
    }

    /// `30 Nov`
    pub fn short_day_text(&self, at: Instant) -> String {
        self.told(at, "%-d %b")
    }

    /// `10:24`
    pub fn clock_text(&self, at: Instant) -> String {
        self.told(at, "%H:%M")
    }

    /// `10:24:11`
    pub fn exact_clock_text(&self, at: Instant) -> String {
        self.told(at, "%H:%M:%S")
    }

    /// `10:24:11.114`
    pub fn finest_clock_text(&self, at: Instant) -> String {
        self.told(at, "%H:%M:%S%.3f")
    }

    /// The first moment of a day (`2026-11-23`), or of one `days` later; `None` for what is no day.
    pub fn start_of_day(&self, day: &str, days: i64) -> Option<Instant> {
        let day: Date = day.parse().ok()?;
        let day = day.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        let start = day.to_zoned(self.zone.clone()).ok()?;
        Some(start.timestamp().into())
    }

    /// The moment at which its clocks show a time; of two, the first, and of a time that clocks skip, the one
    /// as long after the skip. `None` outside of what can be told.
    pub fn moment(&self, shown: DateTime) -> Option<Instant> {
        Some(shown.to_zoned(self.zone.clone()).ok()?.timestamp().into())
    }

    /// How far its clocks are ahead at a moment, in microseconds.
    pub fn ahead(&self, at: Instant) -> i64 {
        i64::from(self.zone.to_offset(at.timestamp()).seconds()) * 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ALL-19: a person's clock, with its summer time.
    #[test]
    fn moments_are_told_in_a_place() {
        let at = Instant::from_microseconds(1_795_425_851_114_000);
        let berlin = Zone::parse(" europe/berlin ").unwrap();
        assert_eq!(berlin.name(), "Europe/Berlin");
        assert_eq!(berlin.minute_text(at), "2026-11-23 10:24 CET");
        assert_eq!(berlin.finest_clock_text(at), "10:24:11.114");
        assert_eq!(Zone::default().minute_text(at), at.minute_text());
        let kathmandu = Zone::parse("Asia/Kathmandu").unwrap();
        assert_eq!(kathmandu.second_text(at), "2026-11-23 15:09:11 +0545");
        let summer = Instant::from_microseconds(1_782_000_000_000_000);
        assert_eq!(berlin.ahead(summer) - berlin.ahead(at), 3_600_000_000);
    }

    /// ALL-19: a day begins at midnight there, and may have 23 hours.
    #[test]
    fn a_day_is_a_day_of_the_place() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let start = |zone: &Zone, days| zone.start_of_day("2026-03-29", days).unwrap();
        assert_eq!(start(&berlin, 0).to_string(), "2026-03-28T23:00:00Z");
        assert_eq!(start(&berlin, 1).since(start(&berlin, 0)).as_hours(), 23);
        assert_eq!(start(&Zone::default(), 1).since(start(&Zone::default(), 0)).as_hours(), 24);
        for bad in ["", "yesterday", "2026-13-40", "0000-00-00", "99999-01-01", "9999-12-31"] {
            assert_eq!(berlin.start_of_day(bad, 1), None, "{bad:?}");
        }
    }

    /// ALL-19: names are those of the zones that the program brings along.
    #[test]
    fn what_is_no_zone_is_refused() {
        for bad in ["", "Berlin", "Europe/Atlantis", "../etc/passwd", "CET\u{0}", "+01:00"] {
            assert!(Zone::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Zone::kept("Mars/Olympus").is_utc());
        let names = Zone::names();
        assert!(names.len() > 400 && names.contains(&"America/Argentina/Buenos_Aires".to_owned()));
        assert!(names.iter().all(|name| Zone::parse(name).is_ok()));
    }
}
