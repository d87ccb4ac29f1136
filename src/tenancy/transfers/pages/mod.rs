//! The pages.

mod runs;
mod start;
mod transfer;

use actix_web::web;

use crate::base::http::routes::resource;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resource("/workspaces/{account}/{workspace}/settings/transfer")
                .get(start::show)
                .post(start::submit),
        )
        .service(
            resource("/workspaces/{account}/{workspace}/settings/transfer/review")
                .get(start::download),
        )
        .service(
            resource("/workspaces/{account}/{workspace}/settings/transfer/runs")
                .get(runs::download),
        )
        .service(resource("/transfers/{id}/review").get(transfer::download))
        .service(resource("/transfers/{id}").get(transfer::show).post(transfer::act));
}
