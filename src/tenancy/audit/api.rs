//! The JSON API of an organization's audit log.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::queries::{self, Filter};
use crate::access::organization::{Admin, OrganizationAccess};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonBody, ROWS, moment, ok, parse_moment};
use crate::base::http::routes::resource;
use crate::base::text::hex;

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(resource("/accounts/{account_id}/audit_events/filter").post(filter_events));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(filter_events))]
pub struct Document;

/// Which entries.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct EventsBody {
    /// With this name, as in `workspace.created`.
    pub event: Option<String>,
    /// About this workspace.
    pub workspace_id: Option<Uuid>,
    /// By this person or service account.
    pub actor_id: Option<Uuid>,
    /// From this moment on (RFC 3339).
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// Before this moment (RFC 3339).
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Before the entry with this sequence: the last one of the answer before.
    pub before_sequence: Option<i64>,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventBody {
    /// Its place in the organization's chain.
    pub sequence: i64,
    /// When it happened.
    #[schema(format = DateTime)]
    pub occurred: String,
    /// What happened.
    pub event: String,
    /// Who did it, the workspace, and what changed, as it was kept.
    #[schema(value_type = Object)]
    pub entry: Value,
    /// The hash over it and the entry before it.
    pub hash: String,
}

/// Entries of an organization's audit log, the newest first.
#[utoipa::path(post, path = "/api/accounts/{account_id}/audit_events/filter", tag = "Audit log",
    request_body = Option<EventsBody>, responses((status = 200, body = [EventBody])))]
pub async fn filter_events(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    body: JsonBody<EventsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let limit = body.limit.unwrap_or(ROWS);
    if limit > ROWS {
        return Err(Error::Invalid(format!("The limit is {ROWS} at most.")));
    }
    let filter = Filter {
        account: access.organization().account,
        since: body.since.as_deref().map(parse_moment).transpose()?,
        until: body.until.as_deref().map(parse_moment).transpose()?,
        event: body.event,
        workspace: body.workspace_id.map(Into::into),
        person: body.actor_id.map(Into::into),
    };
    let before = body.before_sequence;
    let found =
        app.db.read(move |db| Ok(queries::batch(db, &filter, before, i64::from(limit))?)).await?;
    let list: Vec<EventBody> = found
        .into_iter()
        .map(|kept| EventBody {
            sequence: kept.sequence,
            occurred: moment(kept.occurred_at),
            entry: serde_json::from_str(&kept.entry).unwrap_or(Value::Null),
            hash: hex(&kept.hash),
            event: kept.event,
        })
        .collect();
    Ok(ok(&list))
}
