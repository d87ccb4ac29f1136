//! Who waits for news of a workspace is woken when there are some; what the news are, each asks the
//! database. So nothing is lost or doubled here, and it does not matter which process heard of it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::places::{Bounds, Place, Places};

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
    open: Places<Uuid>,
    at_door: Places<IpAddr>,
}

/// Connections that stay open of one person or service account, and of all in this process, at most (WS-05).
const OPEN: Bounds = Bounds { all: 5000, each: 1000 };

/// Sockets that have shown no key yet, from all and from one network, at most (WS-05).
const AT_DOOR: Bounds = Bounds { all: 1000, each: 100 };

/// A place among the connections that stay open.
pub type Seat = Place<Uuid>;

/// A place among the sockets that have shown no key yet.
pub type Entrance = Place<IpAddr>;

impl Live {
    /// Nobody waits; `is_shared` says that other processes use the same database.
    pub fn new(is_shared: bool) -> Self {
        Self {
            is_shared,
            waiting: Mutex::default(),
            told: Mutex::default(),
            to_tell: Notify::new(),
            closing: watch::Sender::new(false),
            open: Places::default(),
            at_door: Places::default(),
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

    /// A place for one more connection of somebody; `None` when there are too many.
    pub fn seat(&self, who: Uuid) -> Option<Seat> {
        self.open.take(Some(who), OPEN)
    }

    /// A place for a socket from a network that has yet to show its key; `None` when there are too many.
    pub fn entrance(&self, network: IpAddr) -> Option<Entrance> {
        self.at_door.take(Some(network), AT_DOOR)
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
        let mut seats: Vec<_> = (0..OPEN.each).map(|_| live.seat(key)).collect();
        assert!(seats.iter().all(Option::is_some));
        assert!(live.seat(key).is_none());
        assert!(live.seat(other).is_some());
        seats.pop();
        assert!(live.seat(key).is_some());
    }
}
