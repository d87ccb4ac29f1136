//! The pages.

mod delete;
mod deleted;
mod leave;
mod list;
mod new;
mod settings;

use actix_web::web;

use super::connect::path_of;

use crate::base::http::routes::resource;

/// The addresses of this slice. `new` and `deleted` are reserved handles, so no account hides them.
pub fn routes(config: &mut web::ServiceConfig) {
    let of_workspace =
        |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}{rest}"));
    config
        .service(resource("/workspaces").get(list::show))
        .service(resource("/workspaces/new").get(new::show).post(new::create))
        .service(resource("/workspaces/deleted/{id}").get(deleted::show).post(deleted::act))
        .service(resource("/workspaces/deleted/{id}/receipt").get(deleted::receipt))
        .service(of_workspace("/settings").get(settings::show))
        .service(of_workspace("/settings/edit").get(settings::edit).post(settings::save))
        .service(of_workspace("/settings/delete").get(delete::show).post(delete::delete))
        .service(of_workspace("/leave").get(leave::show).post(leave::leave));
}

/// Where people ask for a higher limit, as an address.
fn support_href(support: &str) -> String {
    if support.contains("://") { support.to_owned() } else { format!("mailto:{support}") }
}
