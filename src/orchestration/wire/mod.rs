//! What the API's endpoints share, and those that are about no single resource.

pub mod absent;
pub mod filter;
pub mod hydration;
pub mod me;
pub mod named;
pub mod outcome;
pub mod outgoing;
pub mod probes;
pub mod schema;
pub mod term;
pub mod words;

use utoipa::OpenApi;

/// The operations that are about no single resource, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(
    me::workspaces,
    probes::health,
    probes::hello,
    probes::version,
    probes::health_here,
    probes::hello_here,
    probes::version_here,
    probes::storage
))]
pub struct Document;
