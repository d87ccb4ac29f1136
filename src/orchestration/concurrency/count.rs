//! How the slots of a limit are counted (semantics 29). Pure: no database, no clock.

use super::model::{Holder, Limit, LimitKind};
use crate::base::db::Instant;

/// The shortest that one counts as.
const SHORTEST: f64 = 0.1;

/// Seconds until somebody may ask again, at most: for a tag, and for any other.
const WAIT_OF_TAG: f64 = 10.0;
const WAIT: f64 = 30.0;

/// A number as one with a fraction; what is beyond any limit counts as the largest.
fn float(number: i64) -> f64 {
    f64::from(i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX }))
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.since(from).as_secs_f64().max(0.0)
}

/// The whole part of what went by itself.
fn whole(amount: f64) -> i64 {
    jiff::SignedDuration::try_from_secs_f64(amount).map_or(i64::MAX, |whole| whole.as_secs())
}

impl Limit {
    /// Slots in use, without those that were given back by themselves (semantics 29).
    pub fn in_use(&self, now: Instant) -> i64 {
        self.taken.saturating_sub(whole(self.decay * seconds(self.taken_at, now))).max(0)
    }

    /// Slots asked for in vain, as far as that still counts.
    pub fn denied_now(&self, now: Instant) -> i64 {
        let each = if self.decay > 0.0 { self.decay } else { 1.0 / self.held() };
        self.denied.saturating_sub(whole(each * seconds(self.denied_at, now))).max(0)
    }

    /// Whether slots can be taken.
    pub fn has_room(&self, slots: i64, now: Instant) -> bool {
        self.in_use(now).saturating_add(slots) <= self.slots
    }

    /// Slots that have to be given back before one can be taken (LIM-07).
    pub fn beyond(&self, now: Instant) -> i64 {
        (self.in_use(now) - self.slots).max(0)
    }

    /// The longest that somebody waits before asking again.
    fn longest(&self) -> f64 {
        if self.kind == LimitKind::Tag { WAIT_OF_TAG } else { WAIT }
    }

    /// How long a slot is held, within bounds.
    fn held(&self) -> f64 {
        self.occupancy.clamp(SHORTEST, self.longest())
    }

    fn count(&mut self, now: Instant, change: i64) -> i64 {
        self.taken = self.in_use(now).saturating_add(change).max(0);
        self.taken_at = now;
        self.taken
    }

    fn count_denied(&mut self, now: Instant, change: i64) {
        self.denied = self.denied_now(now).saturating_add(change);
        self.denied_at = now;
    }

    /// Takes slots; whoever calls knows that there is room.
    pub fn take(&mut self, slots: i64, holder: Option<Holder>, now: Instant) {
        let in_use = self.count(now, slots);
        self.count_denied(now, 0);
        self.usage.0.took(in_use, holder, now);
    }

    /// Counts an ask in vain. What goes by itself goes on meanwhile.
    pub fn refuse(&mut self, slots: i64, holder: Option<Holder>, now: Instant) {
        self.count_denied(now, slots);
        let in_use = self.in_use(now);
        self.usage.0.refused(in_use, holder, now);
    }

    /// Gives slots back; how many seconds they were held says how long others have to wait.
    pub fn give(&mut self, slots: i64, held: Option<f64>, now: Instant) {
        self.count(now, slots.saturating_neg());
        self.count_denied(now, 0);
        if let Some(held) = held.filter(|_| self.slots > 0 && slots > 0) {
            let each = (held / float(slots)).max(SHORTEST);
            self.occupancy += (each - self.occupancy) / (2.0 * float(self.slots));
        }
    }

    /// Sets how many slots are in use.
    pub fn set_taken(&mut self, taken: i64, now: Instant) {
        (self.taken, self.taken_at) = (taken, now);
    }

    /// Sets how many were asked for in vain.
    pub fn set_denied(&mut self, denied: i64, now: Instant) {
        (self.denied, self.denied_at) = (denied, now);
    }

    /// Sets how many are given back by themselves, from now on.
    pub fn set_decay(&mut self, decay: f64, now: Instant) {
        self.count(now, 0);
        self.count_denied(now, 0);
        self.decay = decay;
    }

    /// How much stands before whoever asks now, in rounds of the whole limit.
    fn rounds(&self, slots: i64, now: Instant) -> f64 {
        let ahead = float(slots.saturating_add(self.denied_now(now)));
        if self.decay > 0.0 { ahead } else { ahead / float(self.slots.max(1)) }
    }

    /// Seconds until it makes sense to ask again, on average.
    fn wait(&self, slots: i64, now: Instant) -> f64 {
        let rounds = self.rounds(slots, now);
        if self.decay > 0.0 {
            return rounds / self.decay;
        }
        (self.held() * rounds).min(self.longest())
    }
}

/// Seconds until it makes sense to ask for slots again, by the limit that most stand before (semantics 29). `chance` is
/// between 0 and 1, and keeps those who wait apart.
pub fn retry_after(limits: &[Limit], slots: i64, chance: f64, now: Instant) -> f64 {
    let active = limits.iter().filter(|limit| limit.is_active);
    let most = active.max_by(|a, b| a.rounds(slots, now).total_cmp(&b.rounds(slots, now)));
    most.map_or(0.0, |limit| apart(limit.wait(slots, now), chance))
}

/// How far a wait may be beyond its average, and how far below so that the average stays about the same.
const LATEST: f64 = 1.3;
const SOONEST: f64 = 0.752;

/// A wait that is like the time between two arrivals, within bounds around its average.
fn apart(average: f64, chance: f64) -> f64 {
    let (soonest, latest) = ((-SOONEST).exp(), (-LATEST).exp());
    average * -(soonest + (latest - soonest) * chance.clamp(0.0, 1.0)).ln()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::base::db::Json;
    use crate::orchestration::concurrency::model::OCCUPANCY;
    use crate::orchestration::concurrency::usage::Usage;

    fn at(millis: i64) -> Instant {
        Instant::from_microseconds(1_800_000_000_000_000 + millis * 1000)
    }

    fn limit(slots: i64, decay: f64) -> Limit {
        Limit {
            id: Uuid::nil().into(),
            name: "db".to_owned(),
            kind: LimitKind::Global,
            is_active: true,
            slots,
            taken: 0,
            denied: 0,
            decay,
            occupancy: OCCUPANCY,
            taken_at: at(0),
            denied_at: at(0),
            usage: Json(Usage::default()),
            changed_by: String::new(),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    /// semantics 29: limit 2, decay 0.5; a refusal does not hold up what goes by itself (prefect#20187).
    #[test]
    fn slots_of_a_rate_go_by_themselves() {
        let mut rate = limit(2, 0.5);
        rate.take(1, None, at(0));
        rate.take(1, None, at(100));
        assert!(!rate.has_room(1, at(200)));
        for millis in [500, 1000, 1500] {
            rate.refuse(1, None, at(millis));
        }
        assert_eq!((rate.in_use(at(2099)), rate.in_use(at(2100))), (2, 1));
        assert_eq!(rate.in_use(at(100_000)), 0);
        rate.give(5, None, at(2100));
        assert_eq!(rate.in_use(at(2100)), 0);
    }

    /// semantics 29: how long to wait, from its bounds.
    #[test]
    fn the_wait_is_bounded() {
        let mut db = limit(1, 0.0);
        let near = |limit: &Limit, at: Instant| {
            [0.0, 0.5, 1.0].map(|chance| retry_after(std::slice::from_ref(limit), 1, chance, at))
        };
        let [soon, middle, late] = near(&db, at(0));
        assert!(soon > 1.5 && soon < middle && middle < late && late < 2.601, "{soon} {late}");
        db.give(1, Some(40.0), at(0));
        assert!((db.occupancy - 21.0).abs() < 0.01, "{}", db.occupancy);
        db.denied = 500;
        assert!(near(&db, at(0))[2] < 39.01);
        db.kind = LimitKind::Tag;
        assert!(near(&db, at(0))[2] < 13.01);
        let rate = limit(10, 0.5);
        assert!(near(&rate, at(0))[1] > 1.5 && near(&rate, at(0))[1] < 2.6);
        db.is_active = false;
        assert!(near(&db, at(0))[0] < f64::EPSILON);
    }

    /// LIM-07.
    #[test]
    fn a_limit_below_its_use_says_how_many_are_too_many() {
        let mut limit = limit(5, 0.0);
        limit.set_taken(7, at(0));
        assert_eq!((limit.beyond(at(0)), limit.has_room(1, at(0))), (2, false));
        limit.set_decay(2.0, at(0));
        assert_eq!(limit.beyond(at(1000)), 0);
    }
}
