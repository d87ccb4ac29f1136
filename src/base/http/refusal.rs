//! What a response refuses, be it in our words or in actix's.

use actix_web::ResponseError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;

use crate::base::error::{Error, Result};

/// Why a response is a refusal.
pub enum Refusal<'a> {
    /// An error of ours.
    Own(&'a Error),
    /// One of actix itself, as one of ours.
    Foreign(Error),
}

impl Refusal<'_> {
    /// What `res` refuses, if it does; an error of ours goes into the log.
    pub fn of<B>(res: &ServiceResponse<B>) -> Option<Refusal<'_>> {
        let Some(error) = res.response().error() else {
            return wrong_method(res).map(Refusal::Foreign);
        };
        Some(match error.as_error::<Error>() {
            Some(error) => {
                note(error);
                Refusal::Own(error)
            }
            None => Refusal::Foreign(foreign(error, res.status())),
        })
    }

    /// The error.
    pub fn error(&self) -> &Error {
        match self {
            Self::Own(error) => error,
            Self::Foreign(error) => error,
        }
    }
}

/// actix answers a method that an address does not take with `Allow` and nothing to read.
fn wrong_method<B>(res: &ServiceResponse<B>) -> Option<Error> {
    (res.status() == StatusCode::METHOD_NOT_ALLOWED).then(|| {
        let allowed = res.headers().get(header::ALLOW).and_then(|value| value.to_str().ok());
        let methods = allowed.unwrap_or_default().split(',').map(str::trim);
        Error::MethodNotAllowed(methods.filter_map(|name| name.parse().ok()).collect())
    })
}

/// What actix itself refuses (bad paths, bad queries), as one of ours.
fn foreign(error: &actix_web::Error, status: StatusCode) -> Error {
    match status.as_u16() {
        404 => Error::NotFound,
        405 => Error::MethodNotAllowed(Vec::new()),
        413 => Error::TooLarge,
        431 => Error::HeadTooLarge,
        400..=499 => {
            Error::BadRequest("The address or the form has a value that cannot be.".to_owned())
        }
        _ => Error::internal(error.to_string()),
    }
}

/// One line for every refusal (LG-01); who, which route and which request are in its span.
pub fn note(error: &Error) {
    if matches!(
        error,
        Error::SignInRequired
            | Error::Forbidden(_)
            | Error::StaleForm
            | Error::Misdirected
            | Error::TooMany(_)
            | Error::UnsupportedMediaType(_)
    ) {
        let status = error.status_code().as_u16();
        tracing::info!(event = "request.refused", status, reason = %error, "request refused");
    }
}

/// The API scope's layer: every refusal has a sentence in JSON.
///
/// # Errors
/// Passes on what cannot become a response.
pub async fn render_json<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let res = next.call(req).await?.map_into_boxed_body();
    let foreign = match Refusal::of(&res) {
        Some(Refusal::Foreign(error)) => Some(error),
        Some(Refusal::Own(_)) | None => None,
    };
    Ok(match foreign {
        Some(error) => res.into_response(error.error_response()),
        None => res,
    })
}
