//! What narrows the log, as it stands in its address.

use crate::base::db::Instant;
use crate::base::zone::Zone;

/// What the address of a log says: unknown parameters are left aside, the first of doubled ones
/// counts, and a day that is none narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogParams {
    /// The first day, as typed.
    pub from: String,
    /// The last day, as typed.
    pub to: String,
    /// An event's name.
    pub event: String,
    /// A workspace's handle.
    pub workspace: String,
    /// A person's handle or address.
    pub user: String,
    /// The sequence of the last row of the page before.
    pub after: String,
    /// The sequence of the first row of the page behind.
    pub before: String,
    /// `csv` or `jsonl`, of an export.
    pub format: String,
}

impl LogParams {
    /// Reads the query string.
    pub fn of(query: &str) -> Self {
        let value = |wanted: &str| -> String {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(200).collect())
                .map(|value: String| value.trim().to_owned())
                .unwrap_or_default()
        };
        Self {
            from: value("from"),
            to: value("to"),
            event: value("event"),
            workspace: value("workspace"),
            user: value("user"),
            after: value("after"),
            before: value("before"),
            format: value("format"),
        }
    }

    /// The parameters that narrow, for links.
    pub fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("from", &self.from),
            ("to", &self.to),
            ("event", &self.event),
            ("workspace", &self.workspace),
            ("user", &self.user),
        ]
    }

    /// The first moment that counts.
    pub fn since(&self, zone: &Zone) -> Option<Instant> {
        zone.start_of_day(&self.from, 0)
    }

    /// The first moment that counts no more: the last day counts whole.
    pub fn until(&self, zone: &Zone) -> Option<Instant> {
        zone.start_of_day(&self.to, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_never_refused_for_its_address() {
        let utc = Zone::default();
        let params = LogParams::of("from=2026-11-23&to=2026-11-23&event=a&event=b&x=1&user=%00ada");
        assert_eq!(params.since(&utc).unwrap().as_seconds() % 86_400, 0);
        assert_eq!(params.until(&utc).unwrap().since(params.since(&utc).unwrap()).as_hours(), 24);
        assert_eq!((params.event.as_str(), params.user.as_str()), ("a", "ada"));
        for bad in ["", "yesterday", "2026-13-40", "0000-00-00", "99999-01-01"] {
            assert_eq!(
                LogParams { from: bad.to_owned(), ..LogParams::default() }.since(&utc),
                None
            );
        }
    }
}
