//! The pages of runs.

mod change;
mod list;
pub mod rows;
mod show;

use actix_web::web;

use crate::base::http::routes::resource;
use crate::orchestration::logs::pages as lines;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let at =
        |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}/flow-runs{rest}"));
    config
        .service(at("").get(list::show))
        .service(at("/{id}").get(show::show))
        .service(at("/{id}/logs").get(lines::download))
        .service(at("/{id}/cancel").get(change::ask_cancel).post(change::cancel))
        .service(at("/{id}/crash").get(change::ask_crash).post(change::crash))
        .service(at("/{id}/delete").get(change::ask_delete).post(change::delete));
}
