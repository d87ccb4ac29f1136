//! The API of flows.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::actions;
use crate::access::permission::needs::{ManageFlows, RunFlows, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, Window, created, moment, no_content, ok, path_id};
use crate::base::http::routes::{resource, resources};
use crate::base::json::RawObject;
use crate::orchestration::rows::flow_runs::model::check_labels;
use crate::orchestration::rows::flows::model::Flow;
use crate::orchestration::rows::flows::queries::{self, Sort};
use crate::orchestration::which::list::{item_endpoints, list_endpoints};
use crate::orchestration::which::{Filters, Paginated};

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resources(["/flows/", "/flows"]).post(create))
        .service(resource("/flows/filter").post(filter))
        .service(resource("/flows/count").post(count))
        .service(resource("/flows/name/{name:[^/]+}").get(by_name))
        .service(resource("/flows/paginate").post(paginate))
        .service(resource("/flows/{id}").get(read).patch(edit).delete(remove));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(create, read, by_name, edit, remove, filter, paginate, count))]
pub struct Document;

/// A flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowBody {
    /// Its id.
    pub id: Uuid,
    /// When it was first run.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its labels.
    #[schema(value_type = Object)]
    pub labels: RawObject,
}

impl From<Flow> for FlowBody {
    fn from(flow: Flow) -> Self {
        Self {
            id: flow.id.uuid(),
            created: moment(flow.created_at),
            updated: moment(flow.updated_at),
            name: flow.name,
            tags: flow.tags.0,
            labels: flow.labels.0,
        }
    }
}

/// What stands in no name, so that the flow can be found by it in an address.
const NOT_IN_NAMES: [char; 6] = ['/', '\\', '%', '&', '<', '>'];

/// A flow that is about to be run.
#[derive(Debug, Deserialize, ToSchema)]
pub struct FlowCreate {
    /// Its name.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^/\\%&><]+$")]
    pub name: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its labels.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub labels: RawObject,
}

/// The flow of a name, made if there is none (§5.4).
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/",
    tag = "Flows", request_body = FlowCreate,
    responses((status = 200, body = FlowBody), (status = 201, body = FlowBody)))]
pub async fn create(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowCreate>,
) -> Result<HttpResponse> {
    let FlowCreate { name, tags, labels } = body.parsed()?;
    check_labels(&labels)?;
    if name.is_empty() || name.chars().count() > 500 || name.contains(NOT_IN_NAMES) {
        let rule = "name: use 1 to 500 characters, and none of / \\ % & < >.";
        return Err(Error::Invalid(rule.to_owned()));
    }
    let now = app.now();
    let (flow, is_new) = access
        .ingest(&app, move |db, workspace| {
            Ok(queries::get_or_create(db, workspace, &name, (&tags, &labels), now)?)
        })
        .await?;
    let body = FlowBody::from(flow);
    Ok(if is_new { created(&body) } else { ok(&body) })
}

/// One flow, by its name.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/name/{name}",
    tag = "Flows", params(("name" = String, Path)), responses((status = 200, body = FlowBody)))]
pub async fn by_name(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let name = req.match_info().get("name").unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
    let workspace = access.workspace().id;
    let flow = app.db.read(move |db| Ok(queries::named(db, workspace, &name)?)).await?;
    Ok(ok(&FlowBody::from(flow.ok_or(Error::NotFound)?)))
}

/// A change of a flow; what is absent or null stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlowChange {
    /// Its tags.
    pub tags: Option<Vec<String>>,
}

/// Changes a flow.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/{id}",
    tag = "Flows", request_body = Option<FlowChange>, responses((status = 204)))]
pub async fn edit(
    req: HttpRequest,
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowChange>,
) -> Result<HttpResponse> {
    let (id, tags) = (path_id(&req, "id")?, body.parsed()?.tags);
    let now = app.now();
    let is_there = access
        .ingest(&app, move |db, workspace| Ok(queries::retag(db, (workspace, id), tags, now)?))
        .await?;
    if is_there { Ok(no_content()) } else { Err(Error::NotFound) }
}

fn body_of(flow: Flow, _: Instant) -> FlowBody {
    flow.into()
}

list_endpoints! {
    /// Which flows, in which order.
    FlowsBody of Filters, "`NAME_ASC`, `NAME_DESC`, `CREATED_DESC` or `UPDATED_DESC`." by Sort, see SeeFlows, tag "Flows";
    Filters::of_flows => (queries::some, queries::count), body_of => FlowBody;
    /// Flows.
    filter "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/filter"
    /// A page of flows, with how many there are.
    paginate "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/paginate"
    /// How many flows.
    count "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/count"
}

item_endpoints! {
    see SeeFlows, manage ManageFlows, tag "Flows";
    queries::one, body_of => FlowBody, actions::delete;
    /// One flow.
    read "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/{id}"
    /// Removes a flow with its deployments and its runs.
    remove "/api/accounts/{account_id}/workspaces/{workspace_id}/flows/{id}"
}
