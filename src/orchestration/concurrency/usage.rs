//! How a limit was used lately: the last hours, and who was refused and may still wait.

use serde::{Deserialize, Serialize};

use super::model::Holder;
use crate::base::db::Instant;

/// What a limit keeps of its use, in its own row: it is written when slots are taken anyway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Usage {
    hours: Vec<Hour>,
    refusals: Vec<(i64, i64)>,
    waiting: Vec<Waiting>,
}

/// An hour of use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Hour {
    /// Which hour since 1970.
    pub at: i64,
    /// Slots that were in use at the same time, at most.
    pub most: i64,
    /// Asks that were refused.
    pub refused: i64,
}

/// Somebody who was refused and asks again.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Waiting {
    /// Who.
    pub holder: Holder,
    /// Since when.
    pub since: Instant,
    /// When last.
    pub asked_at: Instant,
}

/// Hours that are kept and shown.
pub const HOURS: i64 = 24;

/// Seconds after which somebody who did not ask again does not wait any more: clients ask again after 39 at most.
const PATIENCE: i64 = 60;

/// Seconds that refusals are counted together.
const STEP: i64 = 10;

/// Those who wait, as far as they are kept.
const QUEUE: usize = 50;

impl Usage {
    fn hour(&mut self, now: Instant) -> Option<&mut Hour> {
        let at = now.as_seconds() / 3600;
        self.hours.retain(|hour| hour.at > at - HOURS && hour.at <= at);
        if self.hours.last().is_none_or(|hour| hour.at != at) {
            self.hours.push(Hour { at, ..Hour::default() });
        }
        self.hours.last_mut()
    }

    /// Slots were taken; so many are in use now.
    pub fn took(&mut self, in_use: i64, holder: Option<Holder>, now: Instant) {
        if let Some(hour) = self.hour(now) {
            hour.most = hour.most.max(in_use);
        }
        self.forget(now);
        self.waiting.retain(|one| Some(one.holder) != holder);
    }

    /// Somebody was refused while so many slots were in use.
    pub fn refused(&mut self, in_use: i64, holder: Option<Holder>, now: Instant) {
        if let Some(hour) = self.hour(now) {
            hour.most = hour.most.max(in_use);
            hour.refused += 1;
        }
        self.forget(now);
        let step = now.as_seconds() / STEP;
        match self.refusals.last_mut() {
            Some((at, count)) if *at == step => *count += 1,
            _ => self.refusals.push((step, 1)),
        }
        let Some(holder) = holder else { return };
        if let Some(one) = self.waiting.iter_mut().find(|one| one.holder == holder) {
            one.asked_at = now;
        } else if self.waiting.len() < QUEUE {
            self.waiting.push(Waiting { holder, since: now, asked_at: now });
        }
    }

    fn forget(&mut self, now: Instant) {
        let since = now.as_seconds() - PATIENCE;
        self.refusals.retain(|(at, _)| at * STEP > since);
        self.waiting.retain(|one| one.asked_at.as_seconds() > since);
    }

    /// The last hours, the first one first; those without use are there too.
    pub fn last_hours(&self, now: Instant) -> Vec<Hour> {
        let last = now.as_seconds() / 3600;
        let one = |at| {
            let known = self.hours.iter().find(|hour| hour.at == at);
            known.copied().unwrap_or(Hour { at, ..Hour::default() })
        };
        (last - HOURS + 1..=last).map(one).collect()
    }

    /// Asks that were refused in the last minute.
    pub fn lately_refused(&self, now: Instant) -> i64 {
        let since = now.as_seconds() - PATIENCE;
        self.refusals.iter().filter(|(at, _)| at * STEP > since).map(|(_, count)| count).sum()
    }

    /// Those who wait, as far as they said who they are; the longest first.
    pub fn who_waits(&self, now: Instant) -> Vec<Waiting> {
        let since = now.as_seconds() - PATIENCE;
        self.waiting.iter().filter(|one| one.asked_at.as_seconds() > since).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orchestration::concurrency::model::HolderKind;

    #[test]
    fn use_is_kept_for_a_day_and_waiting_for_a_minute() {
        let at = |second: i64| Instant::from_microseconds((1_800_000_000 + second) * 1_000_000);
        let holder =
            |number| Holder { kind: HolderKind::TaskRun, id: uuid::Uuid::from_u128(number).into() };
        let mut usage = Usage::default();
        usage.took(3, Some(holder(1)), at(0));
        for second in [1, 2, 30] {
            usage.refused(3, Some(holder(2)), at(second));
        }
        assert_eq!((usage.lately_refused(at(31)), usage.lately_refused(at(65))), (3, 1));
        let waits = usage.who_waits(at(31));
        assert_eq!((waits.len(), waits[0].since, waits[0].asked_at), (1, at(1), at(30)));
        assert!(usage.who_waits(at(95)).is_empty());
        usage.took(3, Some(holder(2)), at(40));
        assert!(usage.who_waits(at(40)).is_empty());
        let hours = usage.last_hours(at(40));
        assert_eq!((hours.len(), hours[23].most, hours[23].refused), (24, 3, 3));
        assert_eq!(usage.last_hours(at(24 * 3600))[23].most, 0);
        usage.took(1, None, at(25 * 3600));
        assert_eq!(usage.hours.len(), 1);
        for number in 0..60 {
            usage.refused(1, Some(holder(number)), at(25 * 3600));
        }
        assert_eq!(usage.who_waits(at(25 * 3600)).len(), QUEUE);
    }
}
