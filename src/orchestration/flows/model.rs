//! A flow.

use diesel::prelude::*;

use crate::base::db::schema::flows;
use crate::base::db::{Id, Instant, Json, MultiBackend};
use crate::base::json::RawObject;

/// What an id of the `flows` table is the id of.
#[derive(Debug)]
pub enum FlowMarker {}

/// The id of a flow.
pub type FlowId = Id<FlowMarker>;

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
