//! An entry as a row of a list.

use std::collections::HashMap;

use uuid::Uuid;

use crate::access::transfers::{self, TransferId};
use crate::base::db::{Db, Instant};
use crate::base::text::When;
use crate::tenancy::audit::events;
use crate::tenancy::audit::queries::Kept;
use crate::tenancy::audit::story::Story;
use crate::urls;

/// The way from an entry to the transfer that it tells of.
#[derive(Clone)]
pub(super) struct Way {
    pub href: String,
    /// Until when it can be undone.
    pub until: Option<When>,
}

/// The transfers that entries tell of, as far as they are there still.
pub(super) fn ways(
    db: &mut Db,
    entries: &[Kept],
    now: Instant,
) -> diesel::QueryResult<HashMap<TransferId, Way>> {
    let ids: Vec<TransferId> =
        entries.iter().filter_map(|kept| Story::read(&kept.entry).transfer()).collect();
    let way = |(id, until): (TransferId, Option<Instant>)| {
        let until = until.map(|until| When::new(until, now));
        (id, Way { href: urls::transfer(id), until })
    };
    Ok(transfers::ways_back(db, ids, now)?.into_iter().map(way).collect())
}

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
    /// The transfer that it tells of, where the list leads to it.
    pub transfer: Option<Way>,
    about_transfer: Option<TransferId>,
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
            transfer: None,
            about_transfer: story.transfer(),
        }
    }

    /// The same with the way to the transfer that it tells of.
    pub fn leading(self, ways: &HashMap<TransferId, Way>) -> Self {
        Self { transfer: self.about_transfer.and_then(|id| ways.get(&id).cloned()), ..self }
    }
}
