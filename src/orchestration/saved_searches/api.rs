//! The API of saved searches (schema of Prefect 3.8.8).

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::model::{SavedSearch, SavedSearchFilter, name};
use super::{actions, queries};
use crate::access::permission::needs::{ManageSavedSearch, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, Window, created, moment, no_content, ok, path_id};
use crate::base::http::routes::{resource, resources};
use crate::orchestration::which::list::item_endpoints;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resources(["/saved_searches/", "/saved_searches"]).put(save))
        .service(resource("/saved_searches/filter").post(filter))
        .service(resource("/saved_searches/{id}").get(read).delete(remove));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(save, read, filter, remove))]
pub struct Document;

/// A saved search.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedSearchBody {
    /// Its id.
    pub id: Uuid,
    /// When it was first saved.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated: String,
    /// Its name.
    pub name: String,
    /// What it looks for.
    pub filters: Vec<SavedSearchFilter>,
}

fn body_of(search: SavedSearch, _: Instant) -> SavedSearchBody {
    SavedSearchBody {
        id: search.id.uuid(),
        created: moment(search.created_at),
        updated: moment(search.updated_at),
        name: search.name,
        filters: search.filters.0,
    }
}

/// A search that is about to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedSearchCreate {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it looks for.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub filters: Vec<SavedSearchFilter>,
}

/// Saves a search; the one of its name is replaced.
#[utoipa::path(put, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/saved_searches/",
    tag = "Saved searches", request_body = SavedSearchCreate,
    responses((status = 200, body = SavedSearchBody), (status = 201, body = SavedSearchBody)))]
pub async fn save(
    access: WorkspaceAccess<ManageSavedSearch>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<SavedSearchCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let name = name(&body.name).map_err(|rule| Error::Invalid(format!("name: {rule}")))?;
    let (search, is_new) = actions::save(&app, access, ip, (name, body.filters)).await?;
    let body = body_of(search, app.now());
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// Some of all saved searches.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct SavedSearchesBody {
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

/// Saved searches, by name.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/saved_searches/filter",
    tag = "Saved searches", request_body = Option<SavedSearchesBody>,
    responses((status = 200, body = [SavedSearchBody])))]
pub async fn filter(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<SavedSearchesBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (window, workspace) = (Window::of(body.limit, body.offset)?, access.workspace().id);
    let found = app.db.read(move |db| Ok(queries::some(db, workspace, window)?)).await?;
    let now = app.now();
    let list: Vec<_> = found.into_iter().map(|search| body_of(search, now)).collect();
    Ok(ok(&list))
}

item_endpoints! {
    see SeeFlows, manage ManageSavedSearch, tag "Saved searches";
    queries::one, body_of => SavedSearchBody, actions::delete;
    /// One saved search.
    read "/api/accounts/{account_id}/workspaces/{workspace_id}/saved_searches/{id}"
    /// Removes a saved search.
    remove "/api/accounts/{account_id}/workspaces/{workspace_id}/saved_searches/{id}"
}
