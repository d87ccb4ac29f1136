//! Places of which there are so many: for each of those who take them, and in all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Places, counted by who has them.
#[derive(Debug)]
pub struct Places<K>(Arc<Mutex<Taken<K>>>);

#[derive(Debug)]
struct Taken<K> {
    all: usize,
    of: HashMap<K, usize>,
}

/// How many places there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In all.
    pub all: usize,
    /// For each.
    pub each: usize,
}

/// A place; given back when it is dropped.
#[derive(Debug)]
pub struct Place<K: Hash + Eq> {
    taken: Arc<Mutex<Taken<K>>>,
    who: Option<K>,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Taken { all: 0, of: HashMap::new() })))
    }
}

impl<K: Hash + Eq + Clone> Places<K> {
    /// One more place, counted for somebody where there is anybody to count it for; `None` when there are no more.
    pub fn take(&self, who: Option<K>, bounds: Bounds) -> Option<Place<K>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= bounds.all {
            return None;
        }
        if let Some(who) = &who {
            let own = taken.of.get(who).copied().unwrap_or(0);
            if own >= bounds.each {
                return None;
            }
            taken.of.insert(who.clone(), own + 1);
        }
        taken.all += 1;
        Some(Place { taken: Arc::clone(&self.0), who })
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let Some(who) = &self.who else { return };
        if let Some(own) = taken.of.get_mut(who) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.of.remove(who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WS-05, F-12: everybody has so many, all together have so many, and a place that is left is free again.
    #[test]
    fn places_end_for_each_and_for_all() {
        let (places, bounds) = (Places::default(), Bounds { all: 3, each: 2 });
        let first = places.take(Some("ada"), bounds);
        let _second = places.take(Some("ada"), bounds).unwrap();
        assert!(first.is_some() && places.take(Some("ada"), bounds).is_none());
        let nobody = places.take(None, bounds);
        assert!(nobody.is_some() && places.take(Some("bob"), bounds).is_none());
        drop(first);
        let third = places.take(Some("ada"), bounds);
        assert!(third.is_some());
        drop((third, nobody));
        assert!(places.take(Some("bob"), bounds).is_some());
    }
}
