//! The time, as something that is handed in: expiry can then be tested by moving it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::db::Instant;

/// Tells the time. Clones share the same clock.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved; for tests.
    pub fn fixed(at: Instant) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(at.as_microseconds()))))
    }

    /// The present moment, to the microsecond.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::from(jiff::Timestamp::now()),
            Source::Fixed(at) => Instant::from_microseconds(at.load(Ordering::Relaxed)),
        }
    }

    /// Moves a fixed clock by whole seconds, also backwards; the machine's clock is not moved.
    pub fn advance(&self, seconds: i64) {
        if let Source::Fixed(at) = &self.0 {
            at.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
