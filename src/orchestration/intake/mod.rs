//! What clients tell by events: it is kept, and the runs of tasks that it is about with it.

pub mod api;
pub mod keep;
pub mod socket;

use actix_web::web::ServiceConfig;
use utoipa::OpenApi;

use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part { api: routes, document: api::Document::openapi, ..Part::NOTHING };

fn routes(config: &mut ServiceConfig) {
    config.configure(socket::routes).configure(api::routes);
}
