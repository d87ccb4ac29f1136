//! The API of runs.

pub mod body;
pub mod change;
pub mod find;
pub mod inputs;

use actix_web::web;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(["/flow_runs/", "/flow_runs"]).post(change::create))
        .service(web::resource("/flow_runs/filter").post(find::filter))
        .service(web::resource("/flow_runs/paginate").post(find::paginate))
        .service(web::resource("/flow_runs/count").post(find::count))
        .service(web::resource("/flow_runs/history").post(find::history))
        .service(web::resource("/flow_runs/lateness").post(find::lateness))
        .service(
            web::resource("/flow_runs/{id}")
                .get(find::read)
                .patch(change::edit)
                .delete(change::remove),
        )
        .service(web::resource("/flow_runs/{id}/labels").patch(change::label))
        .service(web::resource("/flow_runs/{id}/set_state").post(change::set_state))
        .service(web::resource("/flow_runs/{id}/resume").post(change::resume))
        .service(web::resource("/flow_runs/{id}/input").post(inputs::create))
        .service(web::resource("/flow_runs/{id}/input/filter").post(inputs::filter))
        .service(
            web::resource("/flow_runs/{id}/input/{key}").get(inputs::read).delete(inputs::remove),
        )
        .service(web::resource(["/flow_run_states/", "/flow_run_states"]).get(find::states))
        .service(web::resource("/flow_run_states/{id}").get(find::state));
}
