//! Limits by id or name.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::super::actions::{self, Change, Changed};
use super::super::model::{Limit, Which};
use super::super::queries;
use super::{LimitsBody, slots_in};
use crate::access::permission::needs::{ManageConcurrencyLimits, SeeConcurrencyLimits};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, Refusal, created, moment, no_content, ok};
use crate::base::http::routes::{resource, resources};

/// The addresses, relative to the workspace's. A limit may have any name, also one that is a fixed word here.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let all = "/v2/concurrency_limits";
    let one = "/v2/concurrency_limits/{id_or_name:[^/]+}";
    let word = resource("/v2/concurrency_limits/filter").post(filter);
    config
        .service(resources(["/v2/concurrency_limits/", all]).post(create))
        .service(word.get(read).patch(edit).delete(remove))
        .service(resource(one).get(read).patch(edit).delete(remove));
}

/// The operations on limits, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(create, read, edit, remove, filter))]
pub struct Document;

/// Which limit an address names: its last part, whatever that is.
pub(super) fn named(req: &HttpRequest) -> Result<Which> {
    let named = req.match_info().get("id_or_name");
    let text = named.or_else(|| req.path().rsplit('/').next()).ok_or(Error::NotFound)?;
    Ok(Which::of(text))
}

/// A limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When somebody last changed it.
    #[schema(format = DateTime)]
    pub updated: String,
    /// Whether it counts.
    pub active: bool,
    /// Its name.
    pub name: String,
    /// How many slots there are.
    pub limit: i64,
    /// Slots in use.
    pub active_slots: i64,
    /// Slots given back by themselves, a second.
    pub slot_decay_per_second: f64,
}

fn body_of(limit: Limit, now: Instant) -> LimitBody {
    LimitBody {
        id: limit.id.uuid(),
        created: moment(limit.created_at),
        updated: moment(limit.updated_at),
        active: limit.is_active,
        active_slots: limit.in_use(now),
        name: limit.name,
        limit: limit.slots,
        slot_decay_per_second: limit.decay,
    }
}

/// A limit that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewLimitBody {
    /// What there is of any.
    #[serde(flatten)]
    pub limit: LimitBody,
    /// Slots asked for in vain.
    pub denied_slots: i64,
    /// Seconds that a slot is held, on average.
    pub avg_slot_occupancy_seconds: f64,
}

/// A limit that is about to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitCreate {
    /// Its name.
    pub name: String,
    /// How many slots there are.
    #[schema(minimum = 0)]
    pub limit: i64,
    /// Whether it counts; it does unless it is said.
    pub active: Option<bool>,
    /// Slots in use.
    #[schema(minimum = 0)]
    pub active_slots: Option<i64>,
    /// Slots asked for in vain.
    #[schema(minimum = 0)]
    pub denied_slots: Option<i64>,
    /// Slots given back by themselves, a second.
    #[schema(minimum = 0)]
    pub slot_decay_per_second: Option<f64>,
}

/// A change of a limit; what is absent or null stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitUpdate {
    /// Its name.
    pub name: Option<String>,
    /// How many slots there are.
    #[schema(minimum = 0)]
    pub limit: Option<i64>,
    /// Whether it counts.
    pub active: Option<bool>,
    /// Slots in use.
    #[schema(minimum = 0)]
    pub active_slots: Option<i64>,
    /// Slots asked for in vain.
    #[schema(minimum = 0)]
    pub denied_slots: Option<i64>,
    /// Slots given back by themselves, a second.
    #[schema(minimum = 0)]
    pub slot_decay_per_second: Option<f64>,
}

impl LimitUpdate {
    fn checked(self) -> Result<Change> {
        let count =
            |value: Option<i64>, name| value.map(|value| slots_in(value, name, 0)).transpose();
        if self.slot_decay_per_second.is_some_and(|decay| !decay.is_finite() || decay < 0.0) {
            return Err(Error::Invalid("slot_decay_per_second: use 0 or more.".to_owned()));
        }
        Ok(Change {
            name: self.name,
            slots: count(self.limit, "limit")?,
            is_active: self.active,
            decay: self.slot_decay_per_second,
            taken: count(self.active_slots, "active_slots")?,
            denied: count(self.denied_slots, "denied_slots")?,
        })
    }
}

/// Makes a limit.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/",
    tag = "Concurrency", request_body = LimitCreate,
    responses((status = 201, body = NewLimitBody), (status = 409, body = Refusal)))]
pub async fn create(
    access: WorkspaceAccess<ManageConcurrencyLimits>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<LimitCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let wanted = LimitUpdate {
        name: None,
        limit: Some(body.limit),
        active: body.active,
        active_slots: body.active_slots,
        denied_slots: body.denied_slots,
        slot_decay_per_second: body.slot_decay_per_second,
    };
    let limit = actions::create(&app, access, ip, (body.name, wanted.checked()?)).await?;
    let now = app.now();
    Ok(created(&NewLimitBody {
        denied_slots: limit.denied_now(now),
        avg_slot_occupancy_seconds: limit.occupancy,
        limit: body_of(limit, now),
    }))
}

/// One limit, with how many of its slots are in use at this moment.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/{id_or_name}",
    tag = "Concurrency", params(("id_or_name" = String, Path)),
    responses((status = 200, body = LimitBody)))]
pub async fn read(
    req: HttpRequest,
    access: WorkspaceAccess<SeeConcurrencyLimits>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, which) = (access.workspace().id, named(&req)?);
    let found = app.db.read(move |db| Ok(queries::find(db, workspace, &which)?)).await?;
    Ok(ok(&body_of(found.ok_or(Error::NotFound)?, app.now())))
}

/// Changes a limit.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/{id_or_name}",
    tag = "Concurrency", params(("id_or_name" = String, Path)), request_body = LimitUpdate,
    responses((status = 204), (status = 409, body = Refusal)))]
pub async fn edit(
    req: HttpRequest,
    access: WorkspaceAccess<ManageConcurrencyLimits>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<LimitUpdate>,
) -> Result<HttpResponse> {
    let change = body.parsed()?.checked()?;
    match actions::change(&app, access, ip, (named(&req)?, change), None).await? {
        Changed::Done(_) | Changed::Stale(_) => Ok(no_content()),
    }
}

/// Removes a limit; what holds slots of it goes on.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/{id_or_name}",
    tag = "Concurrency", params(("id_or_name" = String, Path)), responses((status = 204)))]
pub async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<ManageConcurrencyLimits>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::delete(&app, access, ip, (named(&req)?, None)).await?;
    Ok(no_content())
}

/// Limits, by name.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/filter",
    tag = "Concurrency", request_body = Option<LimitsBody>,
    responses((status = 200, body = [LimitBody])))]
pub async fn filter(
    access: WorkspaceAccess<SeeConcurrencyLimits>,
    app: web::Data<App>,
    body: JsonBody<LimitsBody>,
) -> Result<HttpResponse> {
    let (window, workspace) = (body.parsed()?.window()?, access.workspace().id);
    let found = app.db.read(move |db| Ok(queries::some(db, workspace, window)?)).await?;
    let now = app.now();
    let list: Vec<_> = found.into_iter().map(|limit| body_of(limit, now)).collect();
    Ok(ok(&list))
}
