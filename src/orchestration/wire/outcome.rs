//! What became of a wish for a state, as the client is told (api.md §3.1).

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::base::error::{Error, Result};
use crate::base::http::json::{JSON_LIMIT, created, ok};
use crate::base::http::object::Object;
use crate::orchestration::states::model::{State, StateCreate};
use crate::orchestration::states::rules::{Decision, Policy};

/// What became of a wish for a state: what the client is told, and whether a state was written.
#[derive(Clone, Debug)]
pub struct Orchestrated {
    /// `ACCEPT`, `REJECT`, `ABORT` or `WAIT`.
    pub status: &'static str,
    /// The state that the run is in.
    pub state: Option<State>,
    /// Seconds to wait.
    pub delay: Option<i64>,
    /// Why.
    pub reason: Option<String>,
    /// Whether the run is in another state than before.
    pub is_new: bool,
}

impl Orchestrated {
    /// What becomes of a decision; `enter` puts the run into the state that was decided on.
    ///
    /// # Errors
    /// What `enter` returns.
    pub fn of(
        decision: Decision,
        current: Option<&State>,
        enter: impl FnOnce(State, Policy) -> Result<State>,
    ) -> Result<Self> {
        let told = |status, reason| Self {
            status,
            state: current.cloned(),
            delay: None,
            reason,
            is_new: false,
        };
        Ok(match decision {
            Decision::Accept(state, policy) => {
                let state = enter(*state, policy)?;
                Self { state: Some(state), is_new: true, ..told("ACCEPT", None) }
            }
            Decision::Reject(Some((state, policy)), reason) => {
                let state = enter(*state, policy)?;
                Self { state: Some(state), is_new: true, ..told("REJECT", Some(reason)) }
            }
            Decision::Reject(None, reason) => told("REJECT", Some(reason)),
            Decision::Abort(reason) => told("ABORT", Some(reason)),
            Decision::Wait(seconds, reason) => {
                Self { delay: Some(seconds), ..told("WAIT", Some(reason)) }
            }
        })
    }

    /// The answer: 201 where the run changed, else 200.
    pub fn answer(self) -> HttpResponse {
        let kind = format!("{}_details", self.status.to_lowercase());
        let mut details = Map::from_iter([("type".to_owned(), json!(kind))]);
        details.extend(self.reason.map(|reason| ("reason".to_owned(), json!(reason))));
        details.extend(self.delay.map(|delay| ("delay_seconds".to_owned(), json!(delay))));
        let body = OrchestrationResult {
            state: self.state,
            status: self.status,
            details: Value::Object(details),
        };
        if self.is_new { created(&body) } else { ok(&body) }
    }
}

/// A wish for a state.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetState {
    /// The state.
    #[schema(value_type = StateCreate)]
    pub state: Object<StateCreate>,
    /// Whether the rules are passed over.
    #[serde(default)]
    pub force: bool,
}

impl SetState {
    /// The state, and whether the rules are passed over.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than can be kept; a message is cut instead, so that no end is lost for it.
    pub fn checked(self) -> Result<(StateCreate, bool)> {
        let Self { state: Object(state), force } = self;
        let size = state.size_but_message();
        if size > JSON_LIMIT {
            let (size, most) = (size.div_ceil(1024), JSON_LIMIT / 1024);
            return Err(Error::Invalid(format!(
                "The data and details of the state are {size} KiB; at most {most} KiB can be kept. Put large data \
                 in storage and pass its address."
            )));
        }
        Ok((state, force))
    }
}

/// What became of a wish for a state.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrchestrationResult {
    /// The state that the run is in.
    pub state: Option<State>,
    /// `ACCEPT`, `REJECT`, `ABORT` or `WAIT`.
    pub status: &'static str,
    /// Why, and how long to wait.
    #[schema(value_type = Object)]
    pub details: Value,
}
