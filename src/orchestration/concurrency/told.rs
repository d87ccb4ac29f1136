//! The events that tell of a limit being made, changed and removed (semantics 40).

use serde_json::json;

use super::model::Limit;
use crate::access::WorkspaceId;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::Result;
use crate::base::json::{Raw, RawObject};
use crate::orchestration::events::model::{Event, EventId, Labels, RESOURCE_ID};
use crate::orchestration::events::queries as events;

/// Tells what somebody did to a limit: `created`, `updated` or `deleted`.
///
/// # Errors
/// The database's fault.
pub fn tell(
    db: &mut Db,
    workspace: WorkspaceId,
    (limit, action): (&Limit, &str),
    now: Instant,
) -> Result<()> {
    let resource_id = format!("prefect.concurrency-limit.{}", limit.id);
    let resource = Labels::from([
        (RESOURCE_ID.to_owned(), resource_id.clone()),
        ("prefect.resource.name".to_owned(), limit.name.clone()),
    ]);
    let payload = RawObject::from_iter([
        ("name".to_owned(), Raw::of(&limit.name)),
        ("limit".to_owned(), Raw::of(&limit.slots)),
        ("active".to_owned(), Raw::of(&limit.is_active)),
        ("slot_decay_per_second".to_owned(), Raw::of(&json!(limit.decay))),
    ]);
    let event = Event {
        id: EventId::new(now),
        occurred_at: now,
        received_at: now,
        event: format!("prefect.concurrency-limit.{action}"),
        resource_id,
        follows: None,
        resource: Json(resource),
        related: Json(Vec::new()),
        payload: Json(payload),
    };
    Ok(events::insert(db, workspace, &[event])?)
}
