//! The API of runs.

pub mod body;
pub mod change;
pub mod find;
pub mod graph;
pub mod inputs;

use actix_web::web;
use utoipa::OpenApi;

use crate::base::http::routes::{resource, resources};

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resources(["/flow_runs/", "/flow_runs"]).post(change::create))
        .service(resource("/flow_runs/filter").post(find::filter))
        .service(resource("/flow_runs/paginate").post(find::paginate))
        .service(resource("/flow_runs/count").post(find::count))
        .service(resource("/flow_runs/history").post(find::history))
        .service(resource("/flow_runs/lateness").post(find::lateness))
        .service(
            resource("/flow_runs/{id}").get(find::read).patch(change::edit).delete(change::remove),
        )
        .service(resource("/flow_runs/{id}/graph-v2").get(graph::show))
        .service(resource("/flow_runs/{id}/labels").patch(change::label))
        .service(resource("/flow_runs/{id}/set_state").post(change::set_state))
        .service(resource("/flow_runs/{id}/resume").post(change::resume))
        .service(resource("/flow_runs/{id}/input").post(inputs::create))
        .service(resource("/flow_runs/{id}/input/filter").post(inputs::filter))
        .service(
            resource("/flow_runs/{id}/input/{key:[^/]+}").get(inputs::read).delete(inputs::remove),
        )
        .service(resources(["/flow_run_states/", "/flow_run_states"]).get(find::states))
        .service(resource("/flow_run_states/{id}").get(find::state));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(
    change::create,
    change::edit,
    change::label,
    change::remove,
    change::set_state,
    change::resume,
    find::read,
    graph::show,
    find::filter,
    find::paginate,
    find::count,
    find::history,
    find::lateness,
    find::states,
    find::state,
    inputs::create,
    inputs::filter,
    inputs::read,
    inputs::remove
))]
pub struct Document;
