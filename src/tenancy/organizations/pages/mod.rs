//! The pages.

mod end;
mod list;
mod member;
mod members;
mod policy;
mod profile;
mod workspaces;

use actix_web::web;

use crate::base::http::routes::resource;
use crate::tenancy::invitations::actions::Recruiting;
use crate::tenancy::invitations::managing;

/// The addresses of this slice. `new` is a reserved handle, so it hides no organization.
pub fn routes(config: &mut web::ServiceConfig) {
    let of = |rest: &str| resource(format!("/organizations/{{organization}}{rest}"));
    config
        .service(resource("/organizations").get(list::show))
        .service(resource("/organizations/new").get(list::new).post(list::create))
        .service(of("").get(profile::show))
        .service(of("/edit").get(profile::edit).post(profile::save))
        .service(of("/workspaces").get(workspaces::show))
        .service(of("/policy").get(policy::show).post(policy::save))
        .service(of("/members").get(members::show))
        .service(of("/members/invite").get(member::show_invite).post(member::invite))
        .service(of("/members/invitations").get(member::show_bulk).post(member::bulk))
        .service(of("/members/{id}/role").get(member::back).post(member::change_role))
        .service(of("/members/{id}/remove").get(member::show_remove).post(member::remove))
        .service(of("/leave").get(end::show_leave).post(end::leave))
        .service(of("/delete").get(end::show_delete).post(end::delete));
    managing::routes::<Recruiting>(config, "/organizations/{organization}/members/invitations");
}
