//! A flow.

use diesel::prelude::*;

use crate::base::db::schema::flows;
use crate::base::db::{Instant, Json, MultiBackend};
use crate::base::json::RawObject;

pub use crate::base::db::ids::FlowId;

/// What events of its runs say of a flow.
#[derive(Clone, Debug, Default)]
pub struct FlowNote {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
}

impl FlowNote {
    /// What a run's row says of its flow, which is there as long as the run is.
    pub fn of(name: Option<String>, tags: Option<Json<Vec<String>>>) -> Self {
        Self { name: name.unwrap_or_default(), tags: tags.map(|tags| tags.0).unwrap_or_default() }
    }
}

/// A flow.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = flows, check_for_backend(MultiBackend))]
pub struct Flow {
    /// Its id.
    pub id: FlowId,
    /// Its name, unique in the workspace.
    pub name: String,
    /// Its tags.
    pub tags: Json<Vec<String>>,
    /// Its labels.
    pub labels: Json<RawObject>,
    /// When it was first run.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}
