//! A page as a response, and the notice that it may begin with.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use askama::Template;

pub use super::notice::Notice;

use crate::base::error::{Error, Result};

/// A rendered template as a response.
pub struct Page<T>(pub T);

impl<T: Template> Page<T> {
    /// The page with a status of its own.
    ///
    /// # Errors
    /// [`Error::Internal`] when the template fails.
    pub fn with_status(self, status: StatusCode) -> Result<HttpResponse> {
        let html = self.0.render().map_err(Error::internal)?;
        Ok(HttpResponse::build(status).content_type(ContentType::html()).body(html))
    }

    /// The form again, with its problems: 422.
    ///
    /// # Errors
    /// [`Error::Internal`] when the template fails.
    pub fn unprocessable(self) -> Result<HttpResponse> {
        self.with_status(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// The page.
    ///
    /// # Errors
    /// [`Error::Internal`] when the template fails.
    pub fn ok(self) -> Result<HttpResponse> {
        self.with_status(StatusCode::OK)
    }
}

impl<T: Template> Responder for Page<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.ok().unwrap_or_else(|error| error.error_response())
    }
}
