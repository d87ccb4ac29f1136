//! Events that clients tell over HTTP.

use actix_web::{HttpResponse, web};
use utoipa::OpenApi;

use super::keep;
use crate::access::permission::needs::RunFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonList, Refusal, no_content};
use crate::base::http::routes::resources;
use crate::base::json::Raw;
use crate::orchestration::events::model::EventCreate;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(resources(["/events", "/events/"]).post(create));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(create))]
pub struct Document;

/// Events in one request, at most.
const AT_ONCE: usize = 1000;

/// Keeps events; they are durable when this answers. One that is kept already stays as it is, and one that is
/// refused costs no other.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/events",
    tag = "Events", request_body = [EventCreate],
    responses((status = 204), (status = 413, body = Refusal)))]
pub async fn create(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonList<Raw>,
) -> Result<HttpResponse> {
    let list = body.parsed()?;
    if list.len() > AT_ONCE {
        return Err(Error::Invalid(format!("{AT_ONCE} events at most.")));
    }
    let now = app.now();
    let (mut events, mut refused) = (Vec::new(), None);
    for (at, event) in list.iter().enumerate() {
        match EventCreate::read(event.text()).and_then(|event| event.received(now)) {
            Ok(event) => events.push(event),
            Err(error) => {
                keep::drop_alone(&app, access.workspace().id, &error);
                refused.get_or_insert((at, error));
            }
        }
    }
    keep::take(&app, access.workspace().id, events).await?;
    match refused {
        None => Ok(no_content()),
        Some((at, why)) => Err(Error::Invalid(format!(
            "Event {at} of the list (from 0): {why} The others are kept."
        ))),
    }
}
