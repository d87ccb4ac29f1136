//! The pages: one's own activity, and an organization's log.

mod activity;
mod entry;
mod export;
mod log;
mod row;

use actix_web::web;

use crate::base::http::routes::resource;
use crate::urls;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    const LOG: &str = "/organizations/{organization}/audit-log";
    config
        .service(resource(urls::activity()).get(activity::activity))
        .service(resource(LOG).get(log::show))
        .service(resource(format!("{LOG}/export")).get(export::export))
        .service(resource(format!("{LOG}/{{sequence}}")).get(entry::show));
}
