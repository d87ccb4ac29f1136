//! What a workspace runs: the API that the Prefect client talks to, and the pages of it.
//!
//! Invariant: every address needs a key (the scope's layer); one inside a workspace also needs a
//! [`crate::access::workspace::WorkspaceAccess`], so a workspace out of the key's reach answers
//! with the same bytes as one that does not exist.

pub mod ageing;
pub mod concurrency;
mod dashboard;
pub mod deletion;
pub mod deployments;
pub mod events;
pub mod flow_runs;
pub mod flows;
pub mod intake;
mod links;
mod live;
pub mod logs;
pub mod part;
pub mod period;
mod retention;
pub mod rows;
pub mod saved_searches;
pub mod schedules;
pub mod states;
pub mod task_runs;
pub mod view;
pub mod which;
pub mod wire;

use actix_web::web;
use utoipa::OpenApi;

use crate::base::http::routes::resource;
use crate::base::jobs::Job;
use part::Part;

/// All parts that keep something in workspaces. What refers to rows of another part stands before it, since a deleted
/// workspace is emptied in this order, and pages count in it.
pub const PARTS: &[Part] = &[
    events::PART,
    task_runs::PART,
    intake::PART,
    flow_runs::PART,
    deployments::PART,
    flows::PART,
    concurrency::PART,
    saved_searches::PART,
    logs::PART,
];

/// The periodic jobs.
pub fn jobs() -> Vec<Job> {
    let of_parts = PARTS.iter().flat_map(|part| part.jobs).copied();
    of_parts.chain([retention::JOB]).collect()
}

/// The pages of what a workspace runs.
pub fn pages(config: &mut web::ServiceConfig) {
    let of_workspace =
        |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}{rest}"));
    config
        .service(of_workspace("").get(dashboard::show))
        .service(of_workspace("/live").get(live::show));
    for part in PARTS {
        (part.pages)(config);
    }
    links::routes(config);
}

/// Addresses below `/api` that take their key in a frame and not in the head.
pub fn open_sockets(config: &mut web::ServiceConfig) {
    for part in PARTS {
        (part.open_sockets)(config);
    }
}

/// The API's addresses inside a workspace, relative to its own.
pub fn api_in_workspace(config: &mut web::ServiceConfig) {
    for part in PARTS {
        (part.api)(config);
    }
    wire::probes::in_workspace(config);
}

/// The API's addresses outside of any workspace, relative to `/api`.
pub fn api(config: &mut web::ServiceConfig) {
    config
        .service(resource("/me/workspaces").get(wire::me::workspaces))
        .configure(wire::probes::at_root);
}

/// The part of the API's document that is about all this.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut all = wire::Document::openapi();
    for part in PARTS {
        all.merge((part.document)());
    }
    all
}
