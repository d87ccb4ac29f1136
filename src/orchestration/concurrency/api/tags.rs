//! Limits of tags, as older clients and `prefect concurrency-limit` know them: the same limits, seen from their tags
//! (LIM-01).

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::super::actions;
use super::super::model::{HolderKind, Limit, LimitId, LimitKind, TAG, Which};
use super::super::tags::{self, Asked};
use super::super::{leases, queries};
use super::{BriefLimitBody, LimitsBody, NAMES, check_names};
use crate::access::WorkspaceId;
use crate::access::permission::needs::{ManageConcurrencyLimits, RunFlows, SeeConcurrencyLimits};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, Refusal, created, moment, ok, path_id};
use crate::base::http::routes::{resource, resources};
use crate::base::live::Topic;

/// The addresses, relative to the workspace's.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let of_tag = |rest: &str| resource(format!("/concurrency_limits/tag/{{tag:[^/]+}}{rest}"));
    config
        .service(resources(["/concurrency_limits/", "/concurrency_limits"]).post(create))
        .service(resource("/concurrency_limits/filter").post(filter))
        .service(resource("/concurrency_limits/increment").post(take))
        .service(resource("/concurrency_limits/decrement").post(give))
        .service(of_tag("").get(read_by_tag).delete(remove_by_tag))
        .service(of_tag("/reset").post(reset))
        .service(resource("/concurrency_limits/{id}").get(read).delete(remove));
}

/// The operations on limits of tags, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(create, read, remove, read_by_tag, remove_by_tag, reset, filter, take, give))]
pub struct Document;

/// The limit of a tag.
#[derive(Debug, Serialize, ToSchema)]
pub struct TagLimitBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When somebody last changed it.
    #[schema(format = DateTime)]
    pub updated: String,
    /// The tag.
    pub tag: String,
    /// How many tasks with it may run at once.
    pub concurrency_limit: i64,
    /// The runs of tasks that hold slots.
    pub active_slots: Vec<Uuid>,
}

/// Limits with who holds their slots.
fn with_holders(
    db: &mut Db,
    workspace: WorkspaceId,
    limits: Vec<Limit>,
    now: Instant,
) -> Result<Vec<TagLimitBody>> {
    let ids: Vec<LimitId> = limits.iter().map(|limit| limit.id).collect();
    let mut holders: HashMap<LimitId, Vec<Uuid>> = HashMap::new();
    for (limit, lease) in leases::holding(db, workspace, &ids)? {
        let holder = lease.holder().filter(|_| lease.lasts(now));
        let task = holder.filter(|holder| holder.kind == HolderKind::TaskRun);
        holders.entry(limit).or_default().extend(task.map(|task| task.id.uuid()));
    }
    let body = |limit: Limit| TagLimitBody {
        id: limit.id.uuid(),
        created: moment(limit.created_at),
        updated: moment(limit.updated_at),
        tag: tags::tag_of(&limit).to_owned(),
        concurrency_limit: limit.slots,
        active_slots: holders.remove(&limit.id).unwrap_or_default(),
    };
    Ok(limits.into_iter().map(body).collect())
}

async fn one(app: &App, workspace: WorkspaceId, which: Which) -> Result<TagLimitBody> {
    let now = app.now();
    let find = move |db: &mut Db| {
        let found = queries::find(db, workspace, &which)?;
        let limits = found.into_iter().filter(|limit| limit.kind == LimitKind::Tag).collect();
        with_holders(db, workspace, limits, now)
    };
    app.db.read(find).await?.into_iter().next().ok_or(Error::NotFound)
}

fn tag_in(req: &HttpRequest) -> Result<Which> {
    req.match_info().get("tag").map(Which::tag).ok_or(Error::NotFound)
}

/// The limit of a tag that is about to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagLimitCreate {
    /// The tag.
    pub tag: String,
    /// How many tasks with it may run at once.
    pub concurrency_limit: i64,
}

/// Makes the limit of a tag; the one that is there gets so many slots from now on.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/",
    tag = "Concurrency", request_body = TagLimitCreate,
    responses((status = 200, body = TagLimitBody), (status = 201, body = TagLimitBody)))]
pub async fn create(
    access: WorkspaceAccess<ManageConcurrencyLimits>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<TagLimitCreate>,
) -> Result<HttpResponse> {
    let (body, workspace) = (body.parsed()?, access.workspace().id);
    let least = i64::from(i32::MIN);
    let slots = super::slots_in(body.concurrency_limit, "concurrency_limit", least)?;
    let wanted = (format!("{TAG}{}", body.tag), slots);
    let (limit, is_new) = actions::set_of_tag(&app, access, ip, wanted).await?;
    let body = one(&app, workspace, Which::Id(limit.id)).await?;
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// The limit of a tag, by its id.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/{id}",
    tag = "Concurrency", responses((status = 200, body = TagLimitBody)))]
pub async fn read(
    req: HttpRequest,
    access: WorkspaceAccess<SeeConcurrencyLimits>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let which = Which::Id(path_id(&req, "id")?);
    Ok(ok(&one(&app, access.workspace().id, which).await?))
}

/// The limit of a tag.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/tag/{tag}",
    tag = "Concurrency", params(("tag" = String, Path)),
    responses((status = 200, body = TagLimitBody)))]
pub async fn read_by_tag(
    req: HttpRequest,
    access: WorkspaceAccess<SeeConcurrencyLimits>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    Ok(ok(&one(&app, access.workspace().id, tag_in(&req)?).await?))
}

/// Limits of tags, by tag.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/filter",
    tag = "Concurrency", request_body = Option<LimitsBody>,
    responses((status = 200, body = [TagLimitBody])))]
pub async fn filter(
    access: WorkspaceAccess<SeeConcurrencyLimits>,
    app: web::Data<App>,
    body: JsonBody<LimitsBody>,
) -> Result<HttpResponse> {
    let (window, workspace, now) = (body.parsed()?.window()?, access.workspace().id, app.now());
    let find = move |db: &mut Db| {
        let limits = queries::some_of(db, workspace, LimitKind::Tag, window)?;
        with_holders(db, workspace, limits, now)
    };
    Ok(ok(&app.db.read(find).await?))
}

/// Removes the limit of a tag, by its id.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/{id}",
    tag = "Concurrency", responses((status = 200)))]
pub async fn remove(
    req: HttpRequest,
    access: WorkspaceAccess<ManageConcurrencyLimits>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let which = Which::Id(path_id(&req, "id")?);
    actions::delete(&app, access, ip, (which, Some(LimitKind::Tag))).await?;
    Ok(ok(&()))
}

/// Removes the limit of a tag.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/tag/{tag}",
    tag = "Concurrency", params(("tag" = String, Path)), responses((status = 200)))]
pub async fn remove_by_tag(
    req: HttpRequest,
    access: WorkspaceAccess<ManageConcurrencyLimits>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::delete(&app, access, ip, (tag_in(&req)?, Some(LimitKind::Tag))).await?;
    Ok(ok(&()))
}

/// Which runs of tasks hold slots from now on.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct TagLimitReset {
    /// The runs; none unless some are named.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub slot_override: Option<Vec<Uuid>>,
}

/// Frees the slots of the limit of a tag.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/tag/{tag}/reset",
    tag = "Concurrency", params(("tag" = String, Path)), request_body = Option<TagLimitReset>,
    responses((status = 200)))]
pub async fn reset(
    req: HttpRequest,
    access: WorkspaceAccess<ManageConcurrencyLimits>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<TagLimitReset>,
) -> Result<HttpResponse> {
    let holders = body.parsed()?.slot_override.unwrap_or_default();
    if holders.len() > NAMES {
        return Err(Error::Invalid(format!("slot_override: use {NAMES} at most.")));
    }
    actions::reset(&app, access, ip, (tag_in(&req)?, holders)).await?;
    Ok(ok(&()))
}

/// A run of a task that takes or gives back a slot of each of some tags.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SlotsOfTask {
    /// The tags.
    #[schema(max_items = 200)]
    pub names: Vec<String>,
    /// The run.
    pub task_run_id: Uuid,
}

/// Takes a slot of each of some tags for a run of a task, until it gives them back.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/increment",
    tag = "Concurrency", request_body = SlotsOfTask,
    responses((status = 200, body = [BriefLimitBody]), (status = 423, body = Refusal)))]
pub async fn take(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<SlotsOfTask>,
) -> Result<HttpResponse> {
    let (body, now) = (body.parsed()?, app.now());
    check_names(&body.names)?;
    let task = body.task_run_id.into();
    let take = move |db: &mut Db, workspace| tags::take(db, workspace, (task, &body.names), now);
    match access.report(&app, take).await? {
        Asked::Full(reason, seconds) => Err(Error::Locked(reason, seconds)),
        Asked::Taken(limits) => {
            app.live.wake(access.workspace().id.uuid(), Topic::Events);
            let brief = |limit: Limit| BriefLimitBody {
                id: limit.id.uuid(),
                name: tags::tag_of(&limit).to_owned(),
                limit: limit.slots,
            };
            let list: Vec<_> = limits.into_iter().map(brief).collect();
            Ok(ok(&list))
        }
    }
}

/// Gives back what a run of a task holds of some tags.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/concurrency_limits/decrement",
    tag = "Concurrency", request_body = SlotsOfTask,
    responses((status = 200, body = [BriefLimitBody])))]
pub async fn give(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<SlotsOfTask>,
) -> Result<HttpResponse> {
    let (body, now) = (body.parsed()?, app.now());
    check_names(&body.names)?;
    let task = body.task_run_id.into();
    let give = move |db: &mut Db, workspace| tags::give(db, workspace, (task, &body.names), now);
    let limits = access.report(&app, give).await?;
    app.live.wake(access.workspace().id.uuid(), Topic::Events);
    Ok(ok(&BriefLimitBody::all(limits)))
}
