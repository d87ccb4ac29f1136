//! The zone of a schedule: kept as the client wrote it, looked up in the zones that come along.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::words::shortened;
use super::{Field, ScheduleError};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone whose clocks a schedule follows. None and an empty name are UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleZone {
    name: Option<String>,
    zone: TimeZone,
}

impl ScheduleZone {
    /// The zone of an IANA name. Its letter case counts, as for Prefect's server.
    ///
    /// # Errors
    /// A sentence that names a zone that was likely meant, if there is one.
    pub fn parse(name: Option<String>) -> Result<Self, ScheduleError> {
        let zone = match name.as_deref() {
            None | Some("" | "UTC") => TimeZone::UTC,
            Some(typed) => exact(typed).ok_or_else(|| unknown(typed))?,
        };
        Ok(Self { name, zone })
    }

    /// The name as it was given: what the client reads back.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The name for a person; none when it is UTC.
    pub fn shown(&self) -> Option<&str> {
        self.name().filter(|name| !matches!(*name, "" | "UTC"))
    }

    /// The zone's clocks.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

fn exact(typed: &str) -> Option<TimeZone> {
    DATABASE.get(typed).ok().filter(|zone| zone.iana_name() == Some(typed))
}

fn unknown(typed: &str) -> ScheduleError {
    let advice = match likely(typed) {
        Some(name) => format!("Did you mean “{name}”?"),
        None => "Use one like Europe/Berlin, or UTC.".to_owned(),
    };
    let typed = shortened(typed);
    ScheduleError::refused(Field::Zone, format!("“{typed}” is not a time zone. {advice}"))
}

/// The zone that differs by letter case, by the region in front or by one letter.
fn likely(typed: &str) -> Option<String> {
    let wanted = typed.trim().to_ascii_lowercase().replace(' ', "_");
    if wanted.is_empty() || wanted.len() > 60 {
        return None;
    }
    let names: Vec<String> = DATABASE.available().map(|name| name.to_string()).collect();
    let place = |name: &str| name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let close = |name: &&String| nearly_equal(&name.to_ascii_lowercase(), &wanted);
    names
        .iter()
        .find(|name| name.eq_ignore_ascii_case(&wanted))
        .or_else(|| names.iter().find(|name| place(name) == wanted))
        .or_else(|| names.iter().find(|name| place(name) == place(&wanted)))
        .or_else(|| names.iter().find(close))
        .cloned()
}

/// Whether two texts are the same but for one letter that is missing, too much or another.
fn nearly_equal(one: &str, other: &str) -> bool {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let rest = |text: &str, skipped: usize| text.bytes().skip(same + skipped).collect::<Vec<_>>();
    match one.len().cmp(&other.len()) {
        std::cmp::Ordering::Equal => rest(one, 1) == rest(other, 1),
        std::cmp::Ordering::Less => rest(one, 0) == rest(other, 1),
        std::cmp::Ordering::Greater => rest(one, 1) == rest(other, 0),
    }
}

/// How far clocks are set back or forward within a day or so of a moment: as far back the search
/// begins, as clocks may show such times again or late.
pub(super) fn shift_near(zone: &TimeZone, at: Timestamp) -> SignedDuration {
    let day = SignedDuration::from_hours(26);
    let Ok(start) = at.checked_sub(day) else { return SignedDuration::ZERO };
    let seconds = |at: Timestamp| i64::from(zone.to_offset(at).seconds());
    let shifts = zone
        .following(start)
        .take(4)
        .map(|change| change.timestamp())
        .take_while(|change| change.duration_since(at) < day)
        .filter_map(|change| {
            let before = change.checked_sub(SignedDuration::from_secs(1)).ok()?;
            Some((seconds(change) - seconds(before)).abs())
        });
    SignedDuration::from_secs(shifts.max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str) -> String {
        ScheduleZone::parse(Some(name.to_owned())).unwrap_err().to_string()
    }

    /// Names are those of the client's list, in their letter case.
    #[test]
    fn zones_are_iana_names() {
        for good in ["Europe/Berlin", "EST", "Etc/GMT+1", "US/Eastern", "UTC", ""] {
            let zone = ScheduleZone::parse(Some(good.to_owned())).unwrap();
            assert_eq!(zone.name(), Some(good));
        }
        assert_eq!(ScheduleZone::parse(None).unwrap().shown(), None);
        for bad in ["GMT+1", "+02:00", "Mars/Base", " ", "../x", "Europe/Berlin ", "posix"] {
            assert!(ScheduleZone::parse(Some(bad.to_owned())).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_names_what_was_likely_meant() {
        let meant = |name: &str| format!(" Did you mean “{name}”?");
        assert!(refusal("europe/berlin").ends_with(&meant("Europe/Berlin")));
        assert!(refusal("Berlin").ends_with(&meant("Europe/Berlin")));
        assert!(refusal("America/New York").ends_with(&meant("America/New_York")));
        assert!(refusal("Europe/Berln").ends_with(&meant("Europe/Berlin")));
        assert_eq!(
            refusal("Mars/Olympus"),
            "“Mars/Olympus” is not a time zone. Use one like Europe/Berlin, or UTC."
        );
    }
}
