//! Who waits for news of a workspace is woken when there are some; what the news are, each asks the
//! database. So nothing is lost or doubled here, and it does not matter which process heard of it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// What the news are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Events, and with them runs and their states.
    Events,
    /// Lines that runs logged.
    Logs,
}

impl Topic {
    /// The letter between processes.
    pub fn letter(self) -> char {
        match self {
            Self::Events => 'e',
            Self::Logs => 'l',
        }
    }

    /// The topic of a letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        [Self::Events, Self::Logs].into_iter().find(|topic| topic.letter() == letter)
    }
}

/// A workspace and what about it.
pub type Subject = (Uuid, Topic);

/// Who waits for what in this process.
pub struct Live {
    is_shared: bool,
    waiting: Mutex<HashMap<Subject, watch::Sender<u64>>>,
    told: Mutex<HashSet<Subject>>,
    /// Woken when there is something that other processes have to be told.
    pub to_tell: Notify,
    closing: watch::Sender<bool>,
    open: Mutex<HashMap<Uuid, usize>>,
    at_door: Mutex<HashMap<IpAddr, usize>>,
}

/// Connections that stay open of one key, and of all keys in this process, at most (WS-05).
const OPEN_OF_KEY: usize = 1000;
const OPEN: usize = 5000;

/// A place among the connections that stay open; given back when it is dropped.
pub struct Seat(std::sync::Arc<Live>, Uuid);

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// Sockets that have shown no key yet, from one network and from all, at most (WS-05).
const AT_DOOR_OF_NETWORK: usize = 100;
const AT_DOOR: usize = 1000;

/// A place among the sockets that have shown no key yet; given back when it is dropped.
pub struct Entrance(std::sync::Arc<Live>, IpAddr);

impl Drop for Entrance {
    fn drop(&mut self) {
        let mut waiting = self.0.at_door.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(&self.1) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                waiting.remove(&self.1);
            }
        }
    }
}

impl Live {
    /// Nobody waits; `is_shared` says that other processes use the same database.
    pub fn new(is_shared: bool) -> Self {
        Self {
            is_shared,
            waiting: Mutex::default(),
            told: Mutex::default(),
            to_tell: Notify::new(),
            closing: watch::Sender::new(false),
            open: Mutex::default(),
            at_door: Mutex::default(),
        }
    }

    /// Waits for news; each one counts up.
    pub fn listen(&self, workspace: Uuid, topic: Topic) -> watch::Receiver<u64> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, sender| sender.receiver_count() > 0);
        waiting.entry((workspace, topic)).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// There are news, heard of by this process: also for the others.
    pub fn wake(&self, workspace: Uuid, topic: Topic) {
        self.wake_here((workspace, topic));
        if !self.is_shared {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert((workspace, topic)) {
            self.to_tell.notify_one();
        }
    }

    /// There are news, for those who wait in this process.
    pub fn wake_here(&self, subject: Subject) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = waiting.get(&subject) {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// What the other processes have not been told yet.
    pub fn take_told(&self) -> Vec<Subject> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.drain().collect()
    }

    /// A place for one more connection of a key; `None` when there are too many.
    pub fn seat(self: &std::sync::Arc<Self>, key: Uuid) -> Option<Seat> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= OPEN {
            return None;
        }
        let count = open.entry(key).or_default();
        if *count >= OPEN_OF_KEY {
            return None;
        }
        *count += 1;
        Some(Seat(std::sync::Arc::clone(self), key))
    }

    /// A place for a socket from a network that has yet to show its key; `None` when there are too many.
    pub fn entrance(self: &std::sync::Arc<Self>, network: IpAddr) -> Option<Entrance> {
        let mut waiting = self.at_door.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.values().sum::<usize>() >= AT_DOOR {
            return None;
        }
        let count = waiting.entry(network).or_default();
        if *count >= AT_DOOR_OF_NETWORK {
            return None;
        }
        *count += 1;
        Some(Entrance(std::sync::Arc::clone(self), network))
    }

    /// Becomes true when the server stops: connections that stay open end then.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ends connections that stay open.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WS-05: a key has so many places, and gets one back when a connection ends.
    #[test]
    fn a_key_has_so_many_places() {
        let live = std::sync::Arc::new(Live::new(false));
        let (key, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut seats: Vec<_> = (0..OPEN_OF_KEY).map(|_| live.seat(key)).collect();
        assert!(seats.iter().all(Option::is_some));
        assert!(live.seat(key).is_none());
        assert!(live.seat(other).is_some());
        seats.pop();
        assert!(live.seat(key).is_some());
    }
}
