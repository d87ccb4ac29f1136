//! What the API's endpoints share, and those that are about no single resource.

pub mod filter;
pub mod history;
pub mod me;
pub mod outgoing;
pub mod probes;
pub mod which;
pub mod words;

use actix_web::HttpResponse;

use crate::base::error::{Error, Result};

/// Any other address: 404.
///
/// # Errors
/// Always [`Error::NotFound`].
pub async fn nothing_here() -> Result<HttpResponse> {
    Err(Error::NotFound)
}
