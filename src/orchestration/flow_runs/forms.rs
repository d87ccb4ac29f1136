//! What narrows the list of runs, as it stands in its address.

use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, Position};
use crate::base::zone::Zone;
use crate::orchestration::period::Period;
use crate::orchestration::rows::flow_runs::listing::{Key, Order};
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::is_failure;

/// The word for runs that failed or crashed.
pub const FAILURES: &str = "failures";

/// The word for runs that ended.
pub const ENDED: &str = "ended";

/// The word for runs that are going on.
pub const GOING_ON: &str = "open";

/// What the address of the list says; a value that cannot be narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunsParams {
    /// The first day, as typed.
    pub from: String,
    /// The last day, as typed.
    pub to: String,
    /// A kind of state, in lower case, or one of [`FAILURES`], [`ENDED`] and [`GOING_ON`].
    pub state: String,
    /// A time that ends now.
    pub period: String,
    /// `newest` or `oldest`.
    pub sort: String,
    /// A flow's name.
    pub flow: String,
    /// A deployment's id.
    pub deployment: String,
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
            period: value("period"),
            sort: value("sort"),
            flow: value("flow"),
            deployment: value("deployment"),
            tag: value("tag"),
            q: value("q"),
            after: value("after"),
            before: value("before"),
        }
    }

    /// The parameters that narrow, for links.
    pub fn pairs(&self) -> [(&'static str, &str); 9] {
        [
            ("period", &self.period),
            ("sort", &self.sort),
            ("from", &self.from),
            ("to", &self.to),
            ("state", &self.state),
            ("deployment", &self.deployment),
            ("flow", &self.flow),
            ("tag", &self.tag),
            ("q", &self.q),
        ]
    }

    /// Whether anything narrows: which of the two lists it is and its order do not.
    pub fn narrows(&self) -> bool {
        self.pairs().iter().any(|(name, value)| match *name {
            "sort" => false,
            "state" => !value.is_empty() && !self.is_upcoming(),
            _ => !value.is_empty(),
        })
    }

    /// The kinds of states that are meant; none for all but those that wait for their time.
    pub fn kinds(&self) -> Vec<StateType> {
        let those = |are: fn(StateType) -> bool| {
            StateType::ALL.iter().copied().filter(|kind| are(*kind)).collect()
        };
        match self.state.as_str() {
            FAILURES => those(is_failure),
            ENDED => those(StateType::is_final),
            GOING_ON => those(|kind| !kind.is_final() && kind != StateType::Scheduled),
            word => StateType::parse(&word.to_uppercase()).into_iter().collect(),
        }
    }

    /// Whether the runs are meant that wait for their time.
    pub fn is_upcoming(&self) -> bool {
        self.kinds() == [StateType::Scheduled]
    }

    /// The order: what comes next, or what was last, comes first unless told.
    pub fn order(&self) -> Order {
        match self.sort.as_str() {
            "newest" => Order::Newest,
            "oldest" => Order::Oldest,
            _ if self.is_upcoming() => Order::Oldest,
            _ => Order::Newest,
        }
    }

    /// The first moment that counts, and the first that counts no more: the last day counts whole.
    pub fn time(&self, now: Instant, zone: &Zone) -> (Option<Instant>, Option<Instant>) {
        let span = Period::parse(&self.period).map(|period| period.span(now, zone));
        let (from, to) = (zone.start_of_day(&self.from, 0), zone.start_of_day(&self.to, 1));
        let (start, end) = span.map_or((None, None), |span| (Some(span.start), Some(span.end)));
        (from.max(start), [to, end].into_iter().flatten().min())
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

/// A place in the list as its address says it.
pub fn key_text((at, id): Key) -> String {
    format!("{}.{id}", at.as_microseconds())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_list_is_never_refused_for_its_address() {
        let utc = Zone::default();
        let params = RunsParams::of("from=2026-11-23&to=2026-11-23&state=failed&state=x&q=%00a");
        let now = Instant::from_microseconds(1_795_425_851_000_000);
        let (since, until) = params.time(now, &utc);
        assert_eq!(until.unwrap().since(since.unwrap()).as_hours(), 24);
        let params = RunsParams { period: "day".to_owned(), ..params };
        assert_eq!(params.time(now, &utc), (since, Some(now + SignedDuration::from_secs(2149))));
        assert_eq!((params.kinds(), params.q.as_str()), (vec![StateType::Failed], "a"));
        assert_eq!(params.position(), Position::Start);
        for bad in ["x", "1.x", "x.1", "."] {
            assert_eq!(RunsParams::of(&format!("after={bad}")).position(), Position::Start);
        }
        let key = (Instant::from_microseconds(5), uuid::Uuid::nil().into());
        let params = RunsParams::of(&format!("after={}", key_text(key)));
        assert_eq!(params.position(), Position::After(key));
        assert!(RunsParams::of("state=nothing").kinds().is_empty());
        assert_eq!(
            RunsParams::of("state=failures").kinds(),
            [StateType::Failed, StateType::Crashed]
        );
        assert!(!RunsParams::of("state=scheduled&sort=newest").narrows());
        assert_eq!(RunsParams::of("state=scheduled").order(), Order::Oldest);
        assert_eq!(RunsParams::of("state=running").order(), Order::Newest);
    }
}
