//! Finding deployments, and removing one.

use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{DeploymentBody, body_of};
use crate::access::permission::needs::{ManageDeployments, SeeDeployments};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{JsonBody, Window, no_content, ok, path_id};
use crate::orchestration::deployments::actions;
use crate::orchestration::deployments::queries::{self, Sort};
use crate::orchestration::which::list::{item_endpoints, list_endpoints};
use crate::orchestration::which::{Filters, Paginated};

/// One deployment, by the name of its flow and its own.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/name/{flow_name}/{deployment_name}",
    tag = "Deployments", params(("flow_name" = String, Path), ("deployment_name" = String, Path)),
    responses((status = 200, body = DeploymentBody)))]
pub async fn by_name(
    req: HttpRequest,
    access: WorkspaceAccess<SeeDeployments>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let name = |part: &str| {
        let text = req.match_info().get(part).unwrap_or_default();
        percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
    };
    let (flow, own) = (name("flow_name"), name("deployment_name"));
    let workspace = access.workspace().id;
    let found = app.db.read(move |db| Ok(queries::named(db, workspace, (&flow, &own))?)).await?;
    Ok(ok(&body_of(found.ok_or(Error::NotFound)?, app.now())))
}

/// The automations that have to do with something: the client asks for those of a deployment that it shows. In this
/// version there are none.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/automations/related-to/{resource_id}",
    tag = "Deployments", params(("resource_id" = String, Path)), responses((status = 200, body = [Object])))]
pub async fn automations(_access: WorkspaceAccess<SeeDeployments>) -> HttpResponse {
    ok(&Vec::<()>::new())
}

list_endpoints! {
    /// Which deployments, in which order.
    DeploymentsBody of Filters, "`NAME_ASC`, `NAME_DESC`, `CREATED_DESC` or `UPDATED_DESC`." by Sort, see SeeDeployments, tag "Deployments";
    Filters::of_deployments => (queries::some, queries::count), body_of => DeploymentBody;
    /// Deployments.
    filter "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/filter"
    /// A page of deployments, with how many there are.
    paginate "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/paginate"
    /// How many deployments.
    count "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/count"
}

item_endpoints! {
    see SeeDeployments, manage ManageDeployments, tag "Deployments";
    queries::one, body_of => DeploymentBody, actions::delete;
    /// One deployment.
    read "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}"
    /// Removes a deployment with its schedules and the runs that wait for their time.
    remove "/api/accounts/{account_id}/workspaces/{workspace_id}/deployments/{id}"
}
