//! A state as the client sends, keeps and reads it (api.md §10).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::base::db::StateType;

use crate::base::db::Instant;
use crate::base::http::json::object;
use crate::base::json::{Raw, RawObject, cut};

pub use crate::base::db::ids::StateId;

/// What else there is to know about a state. Names and meanings are the client's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct StateDetails {
    /// The flow run that it is a state of.
    pub flow_run_id: Option<Uuid>,
    /// The task run that it is a state of.
    pub task_run_id: Option<Uuid>,
    /// For the task that stands for a subflow: its flow run.
    pub child_flow_run_id: Option<Uuid>,
    /// When a scheduled run is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_time: Option<Instant>,
    /// What a cached result is found by.
    pub cache_key: Option<String>,
    /// Until when it counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cache_expiration: Option<Instant>,
    /// Whether the task runs elsewhere.
    pub deferred: Option<bool>,
    /// Whether the result is kept nowhere.
    pub untrackable_result: bool,
    /// Until when a pause is waited out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub pause_timeout: Option<Instant>,
    /// Whether the process ends during the pause.
    pub pause_reschedule: bool,
    /// Which pause of the flow it is.
    pub pause_key: Option<String>,
    /// Names of the inputs that are waited for.
    #[schema(value_type = Option<Object>)]
    pub run_input_keyset: Option<RawObject>,
    /// Whether a cached result is passed over.
    pub refresh_cache: Option<bool>,
    /// Whether another try makes sense.
    pub retriable: Option<bool>,
    /// One attempt to make this transition; the client's retries carry the same one.
    pub transition_id: Option<Uuid>,
    /// Where the parameters of a task that runs elsewhere are kept.
    pub task_parameters_id: Option<Uuid>,
    /// For tracing.
    pub traceparent: Option<String>,
    /// A place that the run holds among its deployment's.
    pub deployment_concurrency_lease_id: Option<Uuid>,
}

/// A state that somebody asks for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StateCreate {
    /// What kind.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: StateType,
    /// Its name; the kind's own where none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// Why.
    #[serde(default)]
    pub message: Option<String>,
    /// What it resulted in; the client's business.
    #[serde(default)]
    #[schema(value_type = Value, required = false)]
    pub data: Option<Raw>,
    /// What else there is to know.
    #[serde(default, deserialize_with = "object")]
    pub state_details: Option<StateDetails>,
}

/// A state.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct State {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub id: StateId,
    /// What kind.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: StateType,
    /// Its name.
    pub name: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Instant,
    /// Why.
    pub message: Option<String>,
    /// What it resulted in.
    #[schema(value_type = Value, required = false)]
    pub data: Option<Raw>,
    /// What else there is to know.
    pub state_details: StateDetails,
}

/// The longest message of a state, in characters: where the client cuts it for events (Prefect 3.8).
const LONGEST_MESSAGE: usize = 100_000;

/// The longest name of a state.
const LONGEST_NAME: usize = 200;

impl StateCreate {
    /// A wish for a state of a kind, with nothing else to say.
    pub fn of(kind: StateType) -> Self {
        Self { kind, name: None, message: None, data: None, state_details: None }
    }

    /// How much text there is of it, beside its message, in bytes.
    pub fn size_but_message(&self) -> usize {
        let data = self.data.as_ref().map_or(0, |data| data.text().len());
        let Some(details) = &self.state_details else { return data };
        let words = [&details.cache_key, &details.pause_key, &details.traceparent];
        let words = words.into_iter().flatten().map(String::len).sum::<usize>();
        data + words + details.run_input_keyset.as_ref().map_or(0, |keys| keys.text().len())
    }

    /// The state, from a moment on; one that is scheduled without a time is due at that moment.
    pub fn at(self, now: Instant) -> State {
        let name = self.name.filter(|name| !name.is_empty());
        let mut name = name.unwrap_or_else(|| self.kind.title().to_owned());
        if let Some((end, _)) = name.char_indices().nth(LONGEST_NAME) {
            name.truncate(end);
        }
        let mut state_details = self.state_details.unwrap_or_default();
        if self.kind == StateType::Scheduled {
            state_details.scheduled_time.get_or_insert(now);
        }
        State {
            id: StateId::new(now),
            kind: self.kind,
            name,
            timestamp: now,
            message: self.message.map(|message| cut(message, LONGEST_MESSAGE)),
            data: self.data,
            state_details,
        }
    }
}

/// A cancellation is taken as done after so long.
const CANCELLING: jiff::SignedDuration = jiff::SignedDuration::from_secs(300);

impl State {
    /// When a pause that nobody ends, or a cancellation that nobody answers, is taken as over.
    pub fn expires_at(&self) -> Option<Instant> {
        match self.kind {
            StateType::Paused => self.state_details.pause_timeout,
            StateType::Cancelling => Some(self.timestamp + CANCELLING),
            _ => None,
        }
    }

    /// A state of the server's own making.
    pub fn made(kind: StateType, name: &str, now: Instant) -> Self {
        Self {
            id: StateId::new(now),
            kind,
            name: name.to_owned(),
            timestamp: now,
            message: None,
            data: None,
            state_details: StateDetails::default(),
        }
    }

    /// Whether its result is kept somewhere (api.md §5.1, 3).
    pub fn has_result(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.string("storage_key").is_some())
    }
}

/// Microseconds as seconds.
pub fn seconds(micros: i64) -> f64 {
    std::time::Duration::from_micros(micros.unsigned_abs()).as_secs_f64()
}

/// The microseconds between two moments; none for the wrong order.
pub fn between(from: Instant, to: Instant) -> i64 {
    to.as_microseconds().saturating_sub(from.as_microseconds()).max(0)
}
