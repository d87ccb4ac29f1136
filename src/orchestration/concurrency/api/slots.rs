//! Taking and giving back slots.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::super::leases;
use super::super::model::{Holder, HolderKind, LeaseId};
use super::super::slots::{self, Outcome, Wish};
use super::limits::{edit, read, remove};
use super::{BriefLimitBody, check_names, slots_in};
use crate::access::permission::needs::RunFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonBody, Refusal, no_content, object, ok, path_id};
use crate::base::http::routes::resource;
use crate::base::live::Topic;

/// The addresses, relative to the workspace's. A limit may be called as one of them.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let at = |word: &str| resource(format!("/v2/concurrency_limits/{word}"));
    let each = [
        at("increment-with-lease").post(take_with_lease),
        at("decrement-with-lease").post(end),
        at("increment").post(take),
        at("decrement").post(give),
    ];
    for one in each {
        config.service(one.get(read).patch(edit).delete(remove));
    }
    config.service(resource("/v2/concurrency_limits/leases/{id}/renew").post(renew));
}

/// The operations on slots, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(take, take_with_lease, renew, give, end))]
pub struct Document;

/// Slots that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Increment {
    /// How many, 1 or more.
    #[schema(minimum = 1)]
    pub slots: i64,
    /// Of which limits; one that does not exist limits nothing.
    #[schema(max_items = 200)]
    pub names: Vec<String>,
    /// `concurrency`, or `rate_limit` where they have to be given back by themselves.
    #[serde(default)]
    pub mode: Option<String>,
    /// For how many seconds, unless the lease is renewed: 60 to 86,400, and 300 unless it is said. Without a lease it
    /// says nothing.
    #[serde(default)]
    pub lease_duration: Option<f64>,
    /// Who holds them.
    #[serde(default, deserialize_with = "object")]
    pub holder: Option<HolderBody>,
}

/// Who holds slots.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct HolderBody {
    /// `flow_run`, `task_run` or `deployment`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: HolderKind,
    /// Its id.
    pub id: Uuid,
}

impl Increment {
    fn checked(self) -> Result<Wish> {
        check_names(&self.names)?;
        let is_rate = match self.mode.as_deref() {
            None | Some("concurrency") => false,
            Some("rate_limit") => true,
            Some(_) => {
                return Err(Error::Invalid("mode: use concurrency or rate_limit.".to_owned()));
            }
        };
        let holder = self.holder.map(|holder| Holder { kind: holder.kind, id: holder.id.into() });
        let slots = slots_in(self.slots, "slots", 1)?;
        Ok(Wish { names: self.names, slots, is_rate, holder })
    }
}

/// Slots that are held.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeaseBody {
    /// The lease.
    pub lease_id: Uuid,
    /// The limits whose slots they are.
    pub limits: Vec<BriefLimitBody>,
}

fn duration(seconds: Option<f64>) -> Result<SignedDuration> {
    let seconds = seconds.unwrap_or(300.0);
    if !(60.0..=86_400.0).contains(&seconds) {
        return Err(Error::Invalid("lease_duration: use 60 to 86400 seconds.".to_owned()));
    }
    Ok(SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::from_secs(300)))
}

/// What is refused for now: the client asks again after the time that is said.
pub(super) fn locked(seconds: f64) -> Error {
    Error::Locked("Locked".to_owned(), seconds)
}

/// Takes slots for good, or for a rate.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/increment",
    tag = "Concurrency", request_body = Increment,
    responses((status = 200, body = [BriefLimitBody]), (status = 423, body = Refusal)))]
pub async fn take(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<Increment>,
) -> Result<HttpResponse> {
    let (wish, now) = (body.parsed()?.checked()?, app.now());
    let take = move |db: &mut Db, workspace| slots::take(db, workspace, &wish, now);
    match access.report(&app, take).await? {
        Outcome::Refused(seconds) => Err(locked(seconds)),
        Outcome::Taken(limits) => {
            wake(&app, &access, &limits);
            Ok(ok(&BriefLimitBody::all(limits)))
        }
    }
}

/// Takes slots for a time.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/increment-with-lease",
    tag = "Concurrency", request_body = Increment,
    responses((status = 200, body = LeaseBody), (status = 423, body = Refusal)))]
pub async fn take_with_lease(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<Increment>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (lasts, now) = (duration(body.lease_duration)?, app.now());
    let wish = body.checked()?;
    let take = move |db: &mut Db, workspace| {
        Ok(match slots::take(db, workspace, &wish, now)? {
            Outcome::Refused(seconds) => Err(seconds),
            Outcome::Taken(limits) => {
                let held = (limits.as_slice(), wish.slots, wish.holder);
                let lease = slots::lease(db, workspace, held, (now, Some(lasts)))?;
                Ok((lease, limits))
            }
        })
    };
    let (lease, limits) = access.report(&app, take).await?.map_err(locked)?;
    wake(&app, &access, &limits);
    Ok(ok(&LeaseBody { lease_id: lease.uuid(), limits: BriefLimitBody::all(limits) }))
}

/// Open pages show what is in use; what no limit counts is no news.
fn wake<T>(app: &App, access: &WorkspaceAccess<RunFlows>, limits: &[T]) {
    if !limits.is_empty() {
        app.live.wake(access.workspace().id.uuid(), Topic::Events);
    }
}

/// For how much longer.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Renewal {
    /// Seconds from now: 60 to 86,400, and 300 unless it is said.
    #[serde(default)]
    pub lease_duration: Option<f64>,
}

/// Holds slots for longer.
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
    let renew = move |db: &mut Db, workspace| Ok(leases::renew(db, (workspace, id), (now, until))?);
    let is_held = access.report(&app, renew).await?;
    if !is_held {
        return Err(Error::Gone("This lease has ended. Take a new one.".to_owned()));
    }
    Ok(no_content())
}

/// Slots that are given back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Decrement {
    /// How many, 1 or more.
    #[schema(minimum = 1)]
    pub slots: i64,
    /// Of which limits.
    #[schema(max_items = 200)]
    pub names: Vec<String>,
    /// How many seconds they were held.
    #[serde(default)]
    pub occupancy_seconds: Option<f64>,
}

/// Gives back slots that were taken without a lease.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/decrement",
    tag = "Concurrency", request_body = Decrement,
    responses((status = 200, body = [BriefLimitBody])))]
pub async fn give(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<Decrement>,
) -> Result<HttpResponse> {
    let (body, now) = (body.parsed()?, app.now());
    check_names(&body.names)?;
    let slots = slots_in(body.slots, "slots", 1)?;
    if body.occupancy_seconds.is_some_and(|held| !held.is_finite() || held <= 0.0) {
        return Err(Error::Invalid("occupancy_seconds: use more than 0.".to_owned()));
    }
    let given = (slots, body.occupancy_seconds);
    let give = move |db: &mut Db, workspace| slots::give(db, workspace, &body.names, given, now);
    let limits = access.report(&app, give).await?;
    wake(&app, &access, &limits);
    Ok(ok(&BriefLimitBody::all(limits)))
}

/// Which lease.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LeaseEnd {
    /// The lease.
    pub lease_id: Uuid,
}

/// Gives back the slots of a lease; those that were given back or ran out already stay so.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/v2/concurrency_limits/decrement-with-lease",
    tag = "Concurrency", request_body = LeaseEnd, responses((status = 204)))]
pub async fn end(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<LeaseEnd>,
) -> Result<HttpResponse> {
    let (id, now) = (LeaseId::from(body.parsed()?.lease_id), app.now());
    let end = move |db: &mut Db, workspace| {
        let held = leases::of_lease(db, workspace, id)?;
        leases::end(db, workspace, &[id], (false, now))?;
        Ok(held)
    };
    let held = access.report(&app, end).await?;
    wake(&app, &access, &held);
    Ok(no_content())
}
