//! The end of an account: what has to go first, what goes along, and the last entry of its log.
//!
//! Invariant: an account that owns workspaces stays; nobody's runs go by accident.

mod actions;
pub mod jobs;
mod pages;
mod queries;

use actix_web::web::ServiceConfig;

use crate::base::http::routes::resource;
use crate::urls;

/// The routes of this slice.
pub fn pages(config: &mut ServiceConfig) {
    config.service(resource(urls::profile_delete()).get(pages::show).post(pages::delete));
}
