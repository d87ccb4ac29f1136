//! An event as clients send, keep and read it (api.md §3.3, §6).

use diesel::prelude::*;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::schema::events;
use crate::base::db::{Id, Instant, Json, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::http::json::moment;
use crate::base::json::{RawObject, clean};

pub use crate::base::db::ids::EventId;

/// What is known of a thing, by name.
pub type Labels = IndexMap<String, String>;

/// The label that says which thing it is.
pub const RESOURCE_ID: &str = "prefect.resource.id";

/// The label that says what a thing has to do with an event.
pub const RESOURCE_ROLE: &str = "prefect.resource.role";

/// The largest event, in bytes: the client's own limit (Prefect 3.8).
const LARGEST: usize = 1_500_000;

/// Things that an event is related to, at most.
const RELATED: usize = 500;

/// The longest name of an event, and the longest id of a thing, in bytes.
const LONGEST: usize = 2048;

/// An event.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(MultiBackend))]
pub struct Event {
    /// Its id, chosen by whoever tells it.
    pub id: EventId,
    /// When it happened.
    pub occurred_at: Instant,
    /// When this server heard of it.
    pub received_at: Instant,
    /// What happened: `prefect.flow-run.Running`.
    pub event: String,
    /// To which thing.
    pub resource_id: String,
    /// The event before it.
    pub follows: Option<EventId>,
    /// What is known of that thing.
    pub resource: Json<Labels>,
    /// Other things, each with its role.
    pub related: Json<Vec<Labels>>,
    /// Whatever else the sender says.
    pub payload: Json<RawObject>,
}

/// An event that a client tells.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EventCreate {
    /// When it happened; now unless it is said.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub occurred: Option<Instant>,
    /// What happened.
    pub event: String,
    /// To which thing: labels, `prefect.resource.id` among them.
    #[schema(value_type = BTreeMap<String, String>)]
    pub resource: Labels,
    /// Other things, each with its role.
    #[serde(default)]
    #[schema(value_type = Vec<BTreeMap<String, String>>)]
    pub related: Vec<Labels>,
    /// Whatever else there is to say.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: RawObject,
    /// Its id, by which the same event told twice is kept once; a new one unless it is said.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// The event before it.
    #[serde(default)]
    pub follows: Option<Uuid>,
}

impl EventCreate {
    /// The event as it is kept.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what breaks a rule.
    pub fn received(self, now: Instant) -> Result<Event> {
        let resource_id = self.resource.get(RESOURCE_ID).cloned();
        let resource_id = resource_id.ok_or_else(|| {
            Error::Invalid(format!("resource: {RESOURCE_ID} has to say which thing it is."))
        })?;
        if self.event.is_empty() || self.event.len() > LONGEST || resource_id.len() > LONGEST {
            let rule = format!("event and {RESOURCE_ID}: use 1 to {LONGEST} bytes.");
            return Err(Error::Invalid(rule));
        }
        if self.related.len() > RELATED {
            return Err(Error::Invalid(format!("related: {RELATED} things at most.")));
        }
        if !self.related.iter().all(|one| one.contains_key(RESOURCE_ID)) {
            let rule = format!("related: each thing has a {RESOURCE_ID}.");
            return Err(Error::Invalid(rule));
        }
        Ok(Event {
            id: self.id.map_or_else(|| EventId::new(now), Into::into),
            occurred_at: self.occurred.unwrap_or(now),
            received_at: now,
            event: self.event,
            resource_id,
            follows: self.follows.map(Into::into),
            resource: Json(self.resource),
            related: Json(self.related),
            payload: Json(self.payload),
        })
    }

    /// Reads an event of a frame or of a list.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is too large, nested too deep, or no event.
    pub fn read(text: &str) -> Result<Self> {
        if text.len() > LARGEST {
            return Err(Error::Invalid(format!("An event has {LARGEST} bytes at most.")));
        }
        let text = &*clean(text).map_err(Error::Invalid)?;
        // serde would take the fields of a struct from a list too.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(Error::Invalid("An event has to be a JSON object.".to_owned()));
        }
        serde_json::from_str(text).map_err(|error| Error::Invalid(format!("No event: {error}.")))
    }
}

/// An event as clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoredEventBody {
    /// Its id.
    pub id: Uuid,
    /// When it happened.
    #[schema(format = DateTime)]
    pub occurred: String,
    /// When this server heard of it.
    #[schema(format = DateTime)]
    pub received: String,
    /// What happened.
    pub event: String,
    /// To which thing.
    #[schema(value_type = BTreeMap<String, String>)]
    pub resource: Labels,
    /// Other things, each with its role.
    #[schema(value_type = Vec<BTreeMap<String, String>>)]
    pub related: Vec<Labels>,
    /// Whatever else the sender says.
    #[schema(value_type = Object)]
    pub payload: RawObject,
    /// The event before it.
    pub follows: Option<Uuid>,
}

impl From<Event> for StoredEventBody {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.uuid(),
            occurred: moment(event.occurred_at),
            received: moment(event.received_at),
            event: event.event,
            resource: event.resource.0,
            related: event.related.0,
            payload: event.payload.0,
            follows: event.follows.map(Id::uuid),
        }
    }
}

impl Event {
    /// An event that says nothing, to try whether events are taken at all.
    pub fn harmless(now: Instant) -> Self {
        Self {
            id: EventId::new(now),
            occurred_at: now,
            received_at: now,
            event: "bulkhead.try".to_owned(),
            resource_id: "bulkhead.try".to_owned(),
            follows: None,
            resource: Json(Labels::new()),
            related: Json(Vec::new()),
            payload: Json(RawObject::default()),
        }
    }

    /// The id in a label like `prefect.task-run.01a2…`, for things of a kind.
    pub fn id_of<T>(label: &str, kind: &str) -> Option<Id<T>> {
        label.strip_prefix(kind)?.strip_prefix('.')?.parse().ok()
    }

    /// The related thing in a role.
    pub fn related_as(&self, role: &str) -> Option<&str> {
        let in_role = |one: &&Labels| one.get(RESOURCE_ROLE).is_some_and(|known| known == role);
        self.related.0.iter().find(in_role)?.get(RESOURCE_ID).map(String::as_str)
    }
}
