//! The kinds of states of runs, as their column holds them and clients write them.

use serde::{Deserialize, Serialize};

super::text_enum! {
    /// What kind of state a run is in.
    StateType {
        /// Waits for its time.
        Scheduled = "SCHEDULED",
        /// Somebody is about to run it.
        Pending = "PENDING",
        /// It runs.
        Running = "RUNNING",
        /// It ended well.
        Completed = "COMPLETED",
        /// It ended with an error.
        Failed = "FAILED",
        /// It was ended.
        Cancelled = "CANCELLED",
        /// What ran it went away.
        Crashed = "CRASHED",
        /// It waits for somebody.
        Paused = "PAUSED",
        /// It is being ended.
        Cancelling = "CANCELLING",
    }
}

impl StateType {
    /// Whether nothing follows by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Crashed)
    }

    /// The name of a state of this kind that has no other: `Running`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Crashed => "Crashed",
            Self::Paused => "Paused",
            Self::Cancelling => "Cancelling",
        }
    }
}

impl Serialize for StateType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for StateType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("no such type of state"))
    }
}
