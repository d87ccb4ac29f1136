//! The pages.

mod end;
mod list;
mod members;
mod profile;
mod workspaces;

use actix_web::web;

/// The addresses of this slice. `new` is a reserved handle, so it hides no organization.
pub fn routes(config: &mut web::ServiceConfig) {
    let of = |rest: &str| web::resource(format!("/organizations/{{organization}}{rest}"));
    config
        .service(web::resource("/organizations").get(list::show))
        .service(web::resource("/organizations/new").get(list::new).post(list::create))
        .service(of("").get(profile::show))
        .service(of("/edit").get(profile::edit).post(profile::save))
        .service(of("/workspaces").get(workspaces::show))
        .service(of("/members").get(members::show))
        .service(of("/leave").get(end::show_leave).post(end::leave))
        .service(of("/delete").get(end::show_delete).post(end::delete));
}
