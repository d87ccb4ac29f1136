//! The API of deployments and their schedules (schema of Prefect 3.8.8).

pub mod body;
pub mod change;
pub mod find;
pub mod given;
pub mod run;
pub mod schedules;

use actix_web::web;
use utoipa::OpenApi;

use crate::base::http::routes::{resource, resources};

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resources(["/deployments/", "/deployments"]).post(change::create))
        .service(resource("/deployments/filter").post(find::filter))
        .service(resource("/deployments/paginate").post(find::paginate))
        .service(resource("/deployments/count").post(find::count))
        .service(resource("/deployments/bulk_delete").post(change::bulk_delete))
        .service(resource("/deployments/get_scheduled_flow_runs").post(run::due))
        .service(
            resource("/deployments/name/{flow_name:[^/]+}/{deployment_name:[^/]+}")
                .get(find::by_name),
        )
        .service(
            resource("/deployments/{id}").get(find::read).patch(change::edit).delete(find::remove),
        )
        .service(resource("/deployments/{id}/pause_deployment").post(change::pause))
        .service(resource("/deployments/{id}/resume_deployment").post(change::resume))
        .service(resource("/deployments/{id}/create_flow_run").post(run::create))
        .service(resource("/automations/related-to/{resource_id}").get(find::automations))
        .service(resource("/deployments/{id}/schedule").post(run::schedule))
        .service(
            resource("/deployments/{id}/schedules").get(schedules::list).post(schedules::create),
        )
        .service(
            resource("/deployments/{id}/schedules/{schedule_id}")
                .patch(schedules::edit)
                .delete(schedules::remove),
        );
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(
    change::create,
    find::filter,
    find::paginate,
    find::count,
    change::bulk_delete,
    run::due,
    find::by_name,
    find::automations,
    find::read,
    change::edit,
    find::remove,
    change::pause,
    change::resume,
    run::create,
    run::schedule,
    schedules::list,
    schedules::create,
    schedules::edit,
    schedules::remove
))]
pub struct Document;
