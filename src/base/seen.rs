//! What was seen today already, so that noting it once a day costs the database one question a day.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::db::Instant;

/// Pairs kept; past it the day starts anew, which costs a question to the database each.
const LIMIT: usize = 20_000;

const DAY: i64 = 86_400;

/// Remembers who was seen where today (UTC); in memory, per process, bounded.
#[derive(Debug, Default)]
pub struct SeenToday(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    day: i64,
    pairs: HashSet<(Uuid, Uuid)>,
}

impl SeenToday {
    /// Whether this is the first time today, as far as this process remembers.
    pub fn is_first(&self, who: Uuid, place: Uuid, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now.as_seconds().div_euclid(DAY);
        if seen.day != day || seen.pairs.len() >= LIMIT {
            seen.pairs.clear();
            seen.day = day;
        }
        seen.pairs.insert((who, place))
    }

    /// Takes back what [`SeenToday::is_first`] noted, because it could not be recorded.
    pub fn forget(&self, who: Uuid, place: Uuid) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.pairs.remove(&(who, place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_noted_once_and_the_next_day_again() {
        let (seen, ada, lab) = (SeenToday::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let noon = Instant::from_microseconds(1_795_435_200_000_000);
        assert!(seen.is_first(ada, lab, noon));
        assert!(!seen.is_first(ada, lab, noon));
        assert!(seen.is_first(lab, ada, noon));
        assert!(seen.is_first(ada, lab, noon.plus_days(1)));
        seen.forget(ada, lab);
        assert!(seen.is_first(ada, lab, noon.plus_days(1)));
    }
}
