//! What the client asks to see whether somebody is there; at the root and inside a workspace.

use actix_web::{HttpResponse, web};

use crate::access::workspace::{AnyRole, WorkspaceAccess};

/// The version of Prefect's own server whose API this is.
pub const SERVER_VERSION: &str = "3.8.8";

/// The probes that any key may ask.
pub fn at_root(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/health").get(health))
        .service(web::resource("/hello").get(hello))
        .service(web::resource("/admin/version").get(version));
}

/// The same, for a key that reaches the workspace.
pub fn in_workspace(config: &mut web::ServiceConfig) {
    type Access = WorkspaceAccess<AnyRole>;
    config
        .service(web::resource("/health").get(async |_: Access| health().await))
        .service(web::resource("/hello").get(async |_: Access| hello().await))
        .service(web::resource("/admin/version").get(async |_: Access| version().await));
}

async fn health() -> HttpResponse {
    HttpResponse::Ok().json(true)
}

async fn hello() -> HttpResponse {
    HttpResponse::Ok().json("👋")
}

async fn version() -> HttpResponse {
    HttpResponse::Ok().json(SERVER_VERSION)
}
