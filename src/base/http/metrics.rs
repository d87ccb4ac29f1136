//! The figures of this process: what fills them, and who may read them.

use std::time::Instant as Started;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::client::ClientIp;
use super::routes::route_of;
use crate::base::app::App;
use crate::base::error::{Error, Result};

/// The layer that counts and times every request.
///
/// # Errors
/// Passes on what cannot become a response.
pub async fn layer<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let started = Started::now();
    let app = req.app_data::<web::Data<App>>().cloned();
    let method = req.method().clone();
    let route = route_of(req.request());
    let outcome = next.call(req).await;
    let status = match &outcome {
        Ok(res) => res.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if let Some(app) = app {
        let seconds = started.elapsed().as_secs_f64();
        app.metrics.observe(route.as_deref().unwrap_or("(none)"), &method, status, seconds);
    }
    outcome
}

fn may_read(req: &HttpRequest, app: &App) -> Result<()> {
    let token = app.settings().metrics_token.as_ref().ok_or(Error::NotFound)?;
    let value = req.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = value.and_then(|value| value.split_once(' '));
    let fits = given.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case("bearer")
            && bool::from(given.trim().as_bytes().ct_eq(token.expose_secret().as_bytes()))
    });
    if fits {
        return Ok(());
    }
    app.limits.guess(ClientIp::of(req, &app.context))?;
    Err(Error::SignInRequired)
}

/// `GET /metrics` on the main address: for who has the token; without one set it is not there.
///
/// # Errors
/// [`Error::NotFound`], [`Error::SignInRequired`], [`Error::TooMany`].
pub async fn serve(req: HttpRequest, app: web::Data<App>) -> Result<HttpResponse> {
    may_read(&req, &app)?;
    serve_openly(app).await
}

/// `GET /metrics` on an address of its own, which the operator keeps to themselves.
///
/// # Errors
/// [`Error::Internal`].
pub async fn serve_openly(app: web::Data<App>) -> Result<HttpResponse> {
    let text = app.metrics.text(&app.db).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, prometheus::TEXT_FORMAT))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}
