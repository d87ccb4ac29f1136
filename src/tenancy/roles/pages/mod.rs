//! The pages about roles.

mod change;
mod look;
mod tree;

use actix_web::web;

use crate::base::http::routes::resource;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let of = |rest: &str| resource(format!("/organizations/{{organization}}/roles{rest}"));
    config
        .service(of("").get(look::list))
        .service(of("/compare").get(look::compare))
        .service(of("/new").get(change::new).post(change::create))
        .service(of("/{role}").get(look::show))
        .service(of("/{role}/edit").get(change::edit).post(change::save))
        .service(of("/{role}/delete").get(change::show_delete).post(change::delete));
}

/// Which entry of the navigation these pages are.
const AT: &str = "organization-roles";
