//! What is asked of a schedule, and how much work an answer may be (SCH-17).

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::ScheduleError;

/// The most candidates that are looked at for one answer (SCH-17).
pub(super) const MOST_STEPS: usize = 10_000;

/// The longest that one answer may take (SCH-17); without optimisation all is slower.
const LONGEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });

/// The stretch that is asked about; both ends belong to it.
pub(super) struct Window {
    pub from: Timestamp,
    pub until: Option<Timestamp>,
    pub limit: usize,
}

impl Window {
    /// Whether a time lies behind the stretch.
    pub fn is_past(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| at > until)
    }
}

/// Counts the work of one answer.
pub(super) struct Budget {
    steps: usize,
    end: Instant,
}

impl Budget {
    pub fn new() -> Self {
        Self { steps: 0, end: Instant::now() + LONGEST }
    }

    /// One more candidate.
    ///
    /// # Errors
    /// [`ScheduleError::TooCostly`] when there were too many, or they took too long.
    pub fn step(&mut self) -> Result<(), ScheduleError> {
        self.steps += 1;
        if self.steps > MOST_STEPS || Instant::now() > self.end {
            return Err(ScheduleError::TooCostly);
        }
        Ok(())
    }
}
