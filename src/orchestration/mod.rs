//! What a workspace runs: the API that the Prefect client talks to, and the pages of it.
//!
//! Invariant: every address needs a key (the scope's layer); one inside a workspace also needs a
//! [`crate::access::workspace::WorkspaceAccess`], so a workspace out of the key's reach answers
//! with the same bytes as one that does not exist.

pub mod concurrency;
mod dashboard;
pub mod events;
pub mod flow_runs;
pub mod flows;
pub mod intake;
mod links;
mod live;
pub mod logs;
pub mod period;
pub mod rows;
pub mod states;
pub mod task_runs;
pub mod view;
pub mod which;
pub mod wire;

use actix_web::web;

use crate::base::http::routes::resource;

/// The pages of what a workspace runs.
pub fn pages(config: &mut web::ServiceConfig) {
    let of_workspace =
        |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}{rest}"));
    config
        .service(of_workspace("").get(dashboard::show))
        .service(of_workspace("/live").get(live::show));
    flow_runs::pages::routes(config);
    task_runs::pages::routes(config);
    flows::pages::routes(config);
    links::routes(config);
}

/// Addresses below `/api` that take their key in a frame and not in the head.
pub fn open_sockets(config: &mut web::ServiceConfig) {
    events::sockets::open_routes(config);
    logs::sockets::open_routes(config);
}

/// The API's addresses inside a workspace, relative to its own.
pub fn api_in_workspace(config: &mut web::ServiceConfig) {
    config
        .configure(flow_runs::api::routes)
        .configure(logs::api::routes)
        .configure(task_runs::api::routes)
        .configure(intake::socket::routes)
        .configure(intake::api::routes)
        .configure(events::api::routes)
        .configure(flows::api::routes)
        .configure(concurrency::api::routes)
        .configure(wire::probes::in_workspace);
}

/// The API's addresses outside of any workspace, relative to `/api`.
pub fn api(config: &mut web::ServiceConfig) {
    config
        .service(resource("/me/workspaces").get(wire::me::workspaces))
        .configure(wire::probes::at_root);
}
