//! What work needs that time, chance or the outside world would decide otherwise.

use super::clock::Clock;
use super::db::Instant;
use super::declared::Declared;
use super::secret::InstanceKeys;
use super::settings::Settings;

/// What work on a database thread needs besides the connection.
pub struct Context {
    /// The settings.
    pub settings: Settings,
    /// The clock.
    pub clock: Clock,
    /// The key behind links.
    pub keys: InstanceKeys,
    /// What the layers above declare.
    pub declared: Declared,
}

impl Context {
    /// The present moment.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}
