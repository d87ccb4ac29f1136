//! What narrows the list of runs, as it stands in its address.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::listing::Key;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, Position};
use crate::orchestration::states::model::StateType;

/// What the address of the list says; a value that cannot be narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunsParams {
    /// The first day (UTC), as typed.
    pub from: String,
    /// The last day (UTC), as typed.
    pub to: String,
    /// A kind of state, in lower case; `ended` and `open` for several.
    pub state: String,
    /// A flow's name.
    pub flow: String,
    /// A tag.
    pub tag: String,
    /// A part of a name.
    pub q: String,
    after: String,
    before: String,
}

impl RunsParams {
    /// Reads the query string; the first of doubled parameters counts.
    pub fn of(query: &str) -> Self {
        let value = |wanted: &str| -> String {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(500).collect())
                .map(|value: String| value.trim().to_owned())
                .unwrap_or_default()
        };
        Self {
            from: value("from"),
            to: value("to"),
            state: value("state"),
            flow: value("flow"),
            tag: value("tag"),
            q: value("q"),
            after: value("after"),
            before: value("before"),
        }
    }

    /// The parameters that narrow, for links.
    pub fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("from", &self.from),
            ("to", &self.to),
            ("state", &self.state),
            ("flow", &self.flow),
            ("tag", &self.tag),
            ("q", &self.q),
        ]
    }

    /// Whether anything narrows.
    pub fn narrows(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    /// The kinds of states that are meant.
    pub fn kinds(&self) -> Vec<StateType> {
        StateType::parse(&self.state.to_uppercase()).into_iter().collect()
    }

    /// The first moment that counts.
    pub fn since(&self) -> Option<Instant> {
        start_of(&self.from, 0)
    }

    /// The first moment that counts no more: the last day counts whole.
    pub fn until(&self) -> Option<Instant> {
        start_of(&self.to, 1)
    }

    /// Where the page begins.
    pub fn position(&self) -> Position<Key> {
        let params = PageParams { after: self.after.clone(), before: self.before.clone() };
        params.position(|text| {
            let (micros, id) = text.split_once('.')?;
            Some((Instant::from_microseconds(micros.parse().ok()?), id.parse().ok()?))
        })
    }
}

fn start_of(day: &str, days: i64) -> Option<Instant> {
    let day = Date::from_str(day).ok()?;
    let start = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond();
    Some(Instant::from_microseconds(start).plus_days(days))
}

/// A place in the list as its address says it.
pub fn key_text((at, id): Key) -> String {
    format!("{}.{id}", at.as_microseconds())
}

/// What narrows the lines of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LinesParams {
    /// At least so grave: `10` … `50`.
    pub level: String,
    /// Words that all occur.
    pub q: String,
    /// Lines before this one.
    pub until: String,
    /// So many tasks stand before those shown.
    pub tasks: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_never_refused_for_its_address() {
        let params = RunsParams::of("from=2026-11-23&to=2026-11-23&state=failed&state=x&q=%00a");
        assert_eq!(params.until().unwrap().since(params.since().unwrap()).as_hours(), 24);
        assert_eq!((params.kinds(), params.q.as_str()), (vec![StateType::Failed], "a"));
        assert_eq!(params.position(), Position::Start);
        for bad in ["x", "1.x", "x.1", "."] {
            assert_eq!(RunsParams::of(&format!("after={bad}")).position(), Position::Start);
        }
        let key = (Instant::from_microseconds(5), uuid::Uuid::nil().into());
        let params = RunsParams::of(&format!("after={}", key_text(key)));
        assert_eq!(params.position(), Position::After(key));
        assert!(RunsParams::of("state=nothing").kinds().is_empty());
    }
}
