//! Finding and keeping saved searches.

use diesel::prelude::*;

use super::model::{SavedSearch, SavedSearchId};
use crate::access::WorkspaceId;
use crate::base::db::schema::saved_searches;
use crate::base::db::{Db, MultiBackend, on_each_backend};
use crate::orchestration::wire::named::named_queries;

named_queries!(saved_searches, SavedSearch, SavedSearchId);

/// Keeps a search; the one of its name looks for this from now on.
pub fn save(db: &mut Db, workspace: WorkspaceId, search: &SavedSearch) -> QueryResult<()> {
    let changed = (
        saved_searches::filters.eq(&search.filters),
        saved_searches::updated_at.eq(search.updated_at),
    );
    on_each_backend!(db, |conn| diesel::insert_into(saved_searches::table)
        .values((
            saved_searches::id.eq(search.id),
            saved_searches::workspace_id.eq(workspace),
            saved_searches::name.eq(&search.name),
            saved_searches::created_at.eq(search.created_at),
            changed,
        ))
        .on_conflict((saved_searches::workspace_id, saved_searches::name))
        .do_update()
        .set(changed)
        .execute(conn))?;
    Ok(())
}
