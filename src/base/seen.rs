//! What was seen already, today or within the last minute, so that noting it once costs the database one
//! question and not one for each request.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

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

/// Who, where, and what.
type Occasion = (Uuid, Uuid, &'static str);

/// Remembers what happened within the last minute; in memory, per process, bounded.
#[derive(Debug, Default)]
pub struct SeenLately(Mutex<HashMap<Occasion, Instant>>);

impl SeenLately {
    /// Whether `what` of somebody somewhere is the first one within a minute. Where more is going on than is
    /// remembered, nothing more is a first one until a minute is over.
    pub fn is_first(&self, who: Uuid, place: Uuid, what: &'static str, now: Instant) -> bool {
        // A clock that was set back must not silence anybody for longer.
        let is_recent = |at: &Instant| {
            let age = now.since(*at);
            !age.is_negative() && age < SignedDuration::from_mins(1)
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let occasion = (who, place, what);
        if seen.get(&occasion).is_some_and(is_recent) {
            return false;
        }
        if seen.len() >= LIMIT {
            seen.retain(|_, at| is_recent(at));
            if seen.len() >= LIMIT {
                return false;
            }
        }
        seen.insert(occasion, now);
        true
    }

    /// Takes back what [`SeenLately::is_first`] noted, because it could not be recorded.
    pub fn forget(&self, who: Uuid, place: Uuid, what: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(who, place, what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_occasion_is_a_first_one_once_a_minute() {
        let (seen, ada, lab) = (SeenLately::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let noon = Instant::from_microseconds(1_795_435_200_000_000);
        let after = |seconds| noon + SignedDuration::from_secs(seconds);
        assert!(seen.is_first(ada, lab, "denied", noon));
        assert!(!seen.is_first(ada, lab, "denied", after(59)));
        assert!(seen.is_first(ada, lab, "other", after(59)));
        assert!(seen.is_first(lab, ada, "denied", after(59)));
        assert!(seen.is_first(ada, lab, "denied", after(60)));
        assert!(seen.is_first(ada, lab, "denied", after(-86_400)));
        seen.forget(ada, lab, "denied");
        assert!(seen.is_first(ada, lab, "denied", after(-86_399)));
    }

    #[test]
    fn more_occasions_than_are_remembered_wait_for_the_next_minute() {
        let (seen, lab) = (SeenLately::default(), Uuid::from_u128(2));
        let noon = Instant::from_microseconds(1_795_435_200_000_000);
        let later = noon + SignedDuration::from_mins(1);
        let is_first = |n, now| seen.is_first(Uuid::from_u128(n), lab, "denied", now);
        let most = LIMIT as u128;
        assert!((0..most).all(|n| is_first(n, noon)));
        assert!(!is_first(most, noon));
        assert!(is_first(most, later));
    }

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
