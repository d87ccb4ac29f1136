//! The API of leases.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::queries::{self, LeaseId};
use crate::access::permission::needs::RunFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonBody, Refusal, no_content, object, ok, path_id};
use crate::base::http::routes::resource;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resource("/v2/concurrency_limits/increment-with-lease").post(increment))
        .service(resource("/v2/concurrency_limits/leases/{id}/renew").post(renew))
        .service(resource("/v2/concurrency_limits/decrement-with-lease").post(decrement));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(increment, renew, decrement))]
pub struct Document;

/// Places that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Increment {
    /// How many, 1 or more.
    #[schema(minimum = 1)]
    pub slots: u32,
    /// Of which limits; one that does not exist limits nothing.
    #[schema(max_items = 200)]
    pub names: Vec<String>,
    /// `concurrency` or `rate_limit`.
    #[serde(default)]
    pub mode: Option<String>,
    /// For how many seconds, unless the lease is renewed: 60 to 86,400, and 300 unless it is said.
    #[serde(default)]
    pub lease_duration: Option<f64>,
    /// Who holds them.
    #[serde(default, deserialize_with = "object")]
    pub holder: Option<Holder>,
}

/// Who holds places.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Holder {
    /// `flow_run`, `task_run` or `deployment`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: Uuid,
}

/// Places that are held.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lease {
    /// The lease.
    pub lease_id: Uuid,
    /// The limits that hold the places.
    #[schema(value_type = Vec<Object>)]
    pub limits: Vec<Value>,
}

fn duration(seconds: Option<f64>) -> Result<SignedDuration> {
    let seconds = seconds.unwrap_or(300.0);
    if !(60.0..=86_400.0).contains(&seconds) {
        return Err(Error::Invalid("lease_duration: use 60 to 86400 seconds.".to_owned()));
    }
    Ok(SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::from_secs(300)))
}

/// Takes places for a time.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/increment-with-lease",
    tag = "Concurrency", request_body = Increment, responses((status = 200, body = Lease)))]
pub async fn increment(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<Increment>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    if body.slots == 0 || body.names.len() > 200 {
        return Err(Error::Invalid("slots: use 1 or more. names: 200 at most.".to_owned()));
    }
    if !matches!(body.mode.as_deref(), None | Some("concurrency" | "rate_limit")) {
        return Err(Error::Invalid("mode: use concurrency or rate_limit.".to_owned()));
    }
    let now = app.now();
    let (id, until) = (LeaseId::new(now), now + duration(body.lease_duration)?);
    let holder = body.holder.map(|holder| serde_json::json!(holder));
    access
        .report(&app, move |db, workspace| {
            Ok(queries::insert(db, (workspace, id), (body.names, holder), until)?)
        })
        .await?;
    Ok(ok(&Lease { lease_id: id.uuid(), limits: Vec::new() }))
}

/// For how much longer.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Renewal {
    /// Seconds from now: 60 to 86,400, and 300 unless it is said.
    #[serde(default)]
    pub lease_duration: Option<f64>,
}

/// Holds places for longer.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/leases/{id}/renew",
    tag = "Concurrency", request_body = Option<Renewal>,
    responses((status = 204), (status = 410, body = Refusal)))]
pub async fn renew(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<Renewal>,
) -> Result<HttpResponse> {
    let now = app.now();
    let until = now + duration(body.parsed()?.lease_duration)?;
    let id: LeaseId = path_id(&req, "id")?;
    let renew =
        move |db: &mut Db, workspace| Ok(queries::renew(db, (workspace, id), (now, until))?);
    let is_held = access.report(&app, renew).await?;
    if !is_held {
        return Err(Error::Gone("This lease has ended. Take a new one.".to_owned()));
    }
    Ok(no_content())
}

/// Which lease.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Decrement {
    /// The lease.
    pub lease_id: Uuid,
}

/// Gives places back; those that were given back or ran out already stay so.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/decrement-with-lease",
    tag = "Concurrency", request_body = Decrement, responses((status = 204)))]
pub async fn decrement(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<Decrement>,
) -> Result<HttpResponse> {
    let id = LeaseId::from(body.parsed()?.lease_id);
    access.report(&app, move |db, workspace| Ok(queries::end(db, workspace, id)?)).await?;
    Ok(no_content())
}
