//! An entry as a row of a list.

use uuid::Uuid;

use crate::base::db::Instant;
use crate::base::text::When;
use crate::tenancy::audit::events;
use crate::tenancy::audit::queries::Kept;
use crate::tenancy::audit::story::Story;

/// What a list tells of an entry.
pub(super) struct Row {
    pub when: When,
    pub event: String,
    pub what: String,
    pub about: String,
    pub who: String,
    pub key: Option<String>,
    pub workspace: String,
    pub ip: String,
}

impl Row {
    /// An entry, seen by `viewer`, who is "You" in it; nobody's id is for a list of others' doings.
    pub fn new(kept: &Kept, viewer: Uuid, now: Instant) -> Self {
        let story = Story::read(&kept.entry);
        Self {
            when: When::exact(kept.occurred_at, now),
            event: kept.event.clone(),
            what: events::words(&kept.event).to_owned(),
            about: story.about(),
            who: story.who(viewer),
            key: story.key().map(str::to_owned),
            workspace: story.workspace().unwrap_or_default().to_owned(),
            ip: story.ip().unwrap_or_default().to_owned(),
        }
    }
}
