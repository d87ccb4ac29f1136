//! What the client asks to see whether somebody is there; at the root and inside a workspace.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::base::http::routes::resource;

/// The version of Prefect's own server whose API this is.
pub const SERVER_VERSION: &str = "3.8.8";

/// The probes that any key may ask.
pub fn at_root(config: &mut web::ServiceConfig) {
    config
        .service(resource("/health").get(health))
        .service(resource("/hello").get(hello))
        .service(resource("/admin/version").get(version));
}

/// The same, for a key that reaches the workspace.
pub fn in_workspace(config: &mut web::ServiceConfig) {
    config
        .service(resource("/health").get(health_here))
        .service(resource("/hello").get(hello_here))
        .service(resource("/admin/storage").get(storage))
        .service(resource("/admin/version").get(version_here));
}

/// Where results are kept unless a flow says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct StorageBody {
    /// Always null: where the flow runs.
    pub default_result_storage_block_id: Option<Uuid>,
}

/// Where results are kept unless a flow says so.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/admin/storage",
    tag = "Server", responses((status = 200, body = StorageBody)))]
pub async fn storage(_: WorkspaceAccess<AnyRole>) -> HttpResponse {
    HttpResponse::Ok().json(StorageBody { default_result_storage_block_id: None })
}

/// Whether the server is there.
#[utoipa::path(get, path = "/api/health", tag = "Server",
    responses((status = 200, body = bool, content_type = "application/json")))]
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(true)
}

/// A greeting.
#[utoipa::path(get, path = "/api/hello", tag = "Server",
    responses((status = 200, body = String, content_type = "application/json")))]
pub async fn hello() -> HttpResponse {
    HttpResponse::Ok().json("👋")
}

/// The version of Prefect's server whose API this is.
#[utoipa::path(get, path = "/api/admin/version", tag = "Server",
    responses((status = 200, body = String, content_type = "application/json")))]
pub async fn version() -> HttpResponse {
    HttpResponse::Ok().json(SERVER_VERSION)
}

/// Whether the workspace is there.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/health",
    tag = "Server", responses((status = 200, body = bool, content_type = "application/json")))]
pub async fn health_here(_: WorkspaceAccess<AnyRole>) -> HttpResponse {
    health().await
}

/// A greeting from the workspace.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/hello",
    tag = "Server", responses((status = 200, body = String, content_type = "application/json")))]
pub async fn hello_here(_: WorkspaceAccess<AnyRole>) -> HttpResponse {
    hello().await
}

/// The version of Prefect's server whose API this is, asked in the workspace.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/admin/version",
    tag = "Server", responses((status = 200, body = String, content_type = "application/json")))]
pub async fn version_here(_: WorkspaceAccess<AnyRole>) -> HttpResponse {
    version().await
}
