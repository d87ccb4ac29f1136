//! The API of events.

use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;

use super::filter::EventFilter;
use super::model::StoredEventBody;
use super::queries::{self, Place};
use crate::access::membership::Workspace;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonBody, Refusal, object, ok};
use crate::base::http::routes::resource;
use crate::urls;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/events/filter").post(filter))
        .service(resource("/events/filter/next").get(next));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(filter, next))]
pub struct Document;

/// Which events.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct EventsFilterBody {
    /// Which.
    #[serde(default, deserialize_with = "object")]
    pub filter: Option<EventFilter>,
    /// Events at most; 50 unless it is said.
    #[schema(minimum = 0, maximum = 200)]
    pub limit: Option<u32>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events.
    pub events: Vec<StoredEventBody>,
    /// How many there are in all; where only a look decides, among the 10,000 of the time that were looked
    /// at.
    pub total: i64,
    /// The address of what follows.
    pub next_page: Option<String>,
}

/// Where a page goes on.
#[derive(Debug, Deserialize, Serialize)]
struct Token {
    filter: EventFilter,
    limit: u32,
    span: (Instant, Instant),
    after: (Instant, Uuid),
    /// As the first page said it.
    total: i64,
}

async fn page(
    app: &App,
    workspace: &Workspace,
    (filter, limit): (EventFilter, u32),
    (span, after): ((Instant, Instant), Option<(Place, i64)>),
) -> Result<HttpResponse> {
    if limit > 200 {
        return Err(Error::Invalid("The limit is 200 at most.".to_owned()));
    }
    let filter = filter.checked()?;
    let (id, again) = (workspace.id, filter.clone());
    let rows = usize::try_from(limit).unwrap_or(0);
    let place = after.map(|(place, _)| place);
    let page =
        app.db.read(move |db| Ok(queries::page(db, id, &filter, (span, place), rows)?)).await?;
    let total = after.map_or(page.total, |(_, total)| total);
    let next = page.next.filter(|_| limit > 0).map(|(at, id)| Token {
        filter: again,
        limit,
        span,
        after: (at, id.uuid()),
        total,
    });
    let token = next.map(|next| serde_json::to_vec(&next)).transpose().map_err(Error::internal)?;
    let next_page = token.map(|token| {
        let path =
            urls::api_events_next(workspace.account, workspace.id, &URL_SAFE_NO_PAD.encode(token));
        format!("{}{path}", app.settings().site())
    });
    let events = page.events.into_iter().map(Into::into).collect();
    Ok(ok(&EventPage { events, total, next_page }))
}

/// Events.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/events/filter",
    tag = "Events", request_body = Option<EventsFilterBody>,
    responses((status = 200, body = EventPage)))]
pub async fn filter(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<EventsFilterBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let filter = body.filter.unwrap_or_default();
    let span = filter.span(app.now());
    page(&app, access.workspace(), (filter, body.limit.unwrap_or(50)), (span, None)).await
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NextPage {
    /// The token of the page before.
    #[serde(rename = "page-token")]
    pub page_token: String,
}

/// Events that follow those of a page.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/events/filter/next",
    tag = "Events", params(NextPage),
    responses((status = 200, body = EventPage), (status = 422, body = Refusal)))]
pub async fn next(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    params: Option<web::Query<NextPage>>,
) -> Result<HttpResponse> {
    let token = params.and_then(|params| {
        let bytes = URL_SAFE_NO_PAD.decode(&params.page_token).ok()?;
        serde_json::from_slice::<Token>(&bytes).ok()
    });
    let token = token.ok_or_else(|| {
        Error::Invalid("page-token: take the next_page of an answer as it is.".to_owned())
    })?;
    let after = (token.after.0, Id::from(token.after.1));
    let what = (token.filter, token.limit);
    let after = (after, token.total);
    page(&app, access.workspace(), what, (token.span, Some(after))).await
}
