//! The mails that are kept while no mail server is set, for whoever tries the program out.
//!
//! Invariant: nobody reads them but a browser on this machine that talks to the server directly
//! (SP-13); for everybody else there are no such pages.

mod guard;
mod links;
mod pages;

use actix_web::web;

use crate::base::http::routes::resource;
use crate::urls;

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config
        .service(resource(urls::outbox()).get(pages::list))
        .service(resource("/dev/outbox/{id}").get(pages::show))
        .service(resource("/dev/outbox/{id}/html").get(pages::html));
}
