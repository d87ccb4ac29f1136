//! Sessions that are over before the database knows of it.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sessions that ended in this process while their rows could not be taken away yet, by the hashes of their keys:
/// nothing is written while the disk is full or the file locked, and signing out works at once all the same
/// (F-07, F-11).
#[derive(Debug, Default)]
pub struct EndedSessions(Mutex<HashSet<Vec<u8>>>);

impl EndedSessions {
    /// All of them.
    pub(super) fn all(&self) -> MutexGuard<'_, HashSet<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
