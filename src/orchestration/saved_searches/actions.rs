//! What happens to saved searches.

use serde_json::json;

use super::model::{MOST, SavedSearch, SavedSearchFilter, SavedSearchId, check};
use super::queries;
use crate::access::permission::needs::ManageSavedSearch;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, Event, record};

type Access = WorkspaceAccess<ManageSavedSearch>;

/// Saves a search under a name; the one of that name looks for this from now on. Returns whether it is a new one.
///
/// # Errors
/// [`Error::Invalid`] for more than can be kept; [`Error::Conflict`] for one more than a workspace may have; the right
/// went meanwhile; the database's fault.
pub async fn save(
    app: &App,
    access: Access,
    ip: ClientIp,
    (name, filters): (String, Vec<SavedSearchFilter>),
) -> Result<(SavedSearch, bool)> {
    check(&filters)?;
    let now = app.now();
    let save = move |db: &mut Db, access: Access| {
        let workspace = access.workspace().id;
        let known = queries::named(db, workspace, &name)?;
        let is_new = known.is_none();
        if is_new && queries::count(db, workspace)? >= MOST {
            let text = format!("A workspace has at most {MOST} saved searches. Delete one first.");
            return Err(Error::Conflict(text));
        }
        let (id, created_at) = known
            .as_ref()
            .map_or_else(|| (SavedSearchId::new(now), now), |known| (known.id, known.created_at));
        if let Some(known) = known.filter(|known| known.filters.0 == filters) {
            return Ok((known, false));
        }
        let search = SavedSearch { id, name, filters: Json(filters), created_at, updated_at: now };
        queries::save(db, workspace, &search)?;
        let event = if is_new { Event::SavedSearchCreated } else { Event::SavedSearchUpdated };
        note(db, (&access, ip), (event, &search), now)?;
        Ok((search, is_new))
    };
    access.write(app, save).await
}

fn note(
    db: &mut Db,
    (access, ip): (&Access, ClientIp),
    (event, search): (Event, &SavedSearch),
    now: Instant,
) -> Result<()> {
    let details = json!({ "saved_search": { "id": search.id, "name": search.name } });
    let entry = Entry::of_workspace(event, access.workspace(), details);
    record(db, &By::actor(access.actor(), ip), entry, now)
}

/// Removes a saved search; returns its name.
///
/// # Errors
/// [`Error::NotFound`] for one of elsewhere; the right went meanwhile; the database's fault.
pub async fn delete(app: &App, access: Access, ip: ClientIp, id: SavedSearchId) -> Result<String> {
    let now = app.now();
    let delete = move |db: &mut Db, access: Access| {
        let workspace = access.workspace().id;
        let search = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
        queries::delete(db, workspace, id)?;
        note(db, (&access, ip), (Event::SavedSearchDeleted, &search), now)?;
        Ok(search.name)
    };
    access.write(app, delete).await
}
