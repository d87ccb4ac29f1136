//! A person's API keys: create, list, delete, the notice before they expire, and the Prefect
//! client's login through the browser, which makes one.
//!
//! Invariant: a key is shown once, by the answer to the form that made it; only its SHA-256 is kept.

pub mod actions;
pub mod api;
mod callback;
pub mod contents;
mod forms;
pub mod jobs;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;
pub mod rules;

use actix_web::web;

use crate::base::http::routes::resource;
use crate::urls;

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config
        .service(resource(urls::api_keys()).get(pages::list::show))
        .service(resource(urls::api_key_new()).get(pages::create::show).post(pages::create::save))
        .service(
            resource("/profile/api-keys/{id}/delete")
                .get(pages::delete::show)
                .post(pages::delete::act),
        )
        .service(resource(urls::auth_client()).get(pages::client::show).post(pages::client::act));
}
