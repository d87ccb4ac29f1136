//! Events go when they occurred too long ago.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::queries::delete_before;
use crate::base::db::Instant;
use crate::base::db::schema::{events, workspaces};
use crate::orchestration::ageing::{Ageing, OfPlaces, in_batches};

/// How events age.
pub const AGEING: &[Ageing] = &[Ageing {
    is_due,
    remove: |app, old| {
        Box::pin(in_batches(app, old, ROWS, |db, old, limit| {
            delete_before(db, old.workspace, old.before, limit)
        }))
    },
}];

/// Events removed in one transaction.
const ROWS: i64 = 1000;

fn is_due(before: Instant) -> OfPlaces {
    let old = events::table
        .filter(events::workspace_id.eq(workspaces::id))
        .filter(events::occurred_at.lt(before));
    Box::new(exists(old))
}
