//! What surrounds every response: strict headers, accepted hosts, deadlines.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{ResponseError, web};
use tokio::time::timeout;

use super::client::ClientIp;
use super::refusal;
use crate::base::app::App;
use crate::base::error::{Error, Result};
use crate::base::settings::is_loopback_host;

/// No inline script or style anywhere, so no nonces (BR-04).
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; object-src 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// A handler has this long (CF-06).
const HANDLER_DEADLINE: Duration = Duration::from_secs(30);

/// The outermost layer: headers on every response, whatever it is (BR-04 … BR-06, BR-11).
///
/// # Errors
/// Passes on what cannot become a response.
pub async fn secure<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let app = req.app_data::<web::Data<App>>().cloned();
    let mut res = next.call(req).await?;
    add_headers(res.headers_mut(), app.is_some_and(|app| app.settings().is_https()));
    Ok(res)
}

fn add_headers(headers: &mut header::HeaderMap, is_https: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CONTENT_SECURITY_POLICY),
        );
    }
    if is_https {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Refuses what is not meant for this server, is too much, or takes too long.
///
/// # Errors
/// [`Error::Misdirected`], [`Error::HeadTooLarge`], [`Error::TooLarge`], [`Error::TooMany`], [`Error::Unavailable`].
pub async fn guard<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let (request, payload) = req.into_parts();
    let app =
        request.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?.clone();
    let admitted = admit(&request, &app);
    let mut req = ServiceRequest::from_parts(request, payload);
    // A HEAD is a GET whose body is not sent, which the connection sees to.
    if *req.method() == Method::HEAD {
        req.head_mut().method = Method::GET;
    }
    if let Err(error) = admitted {
        refusal::note(&error);
        return Ok(req.error_response(error));
    }
    // A request must not be held while it is routed, so there is none left to answer with here:
    // the answer travels as an error, with its headers already on.
    if let Ok(res) = timeout(HANDLER_DEADLINE, next.call(req)).await {
        return Ok(res?.map_into_boxed_body());
    }
    tracing::warn!("a request took too long");
    let mut response = Error::Unavailable.error_response();
    add_headers(response.headers_mut(), app.settings().is_https());
    Err(InternalError::from_response("deadline", response).into())
}

/// The longest path with query, in bytes (CF-06).
const ADDRESS_LIMIT: usize = 4096;

/// The longest head of a request, in bytes (CF-06); a line more is a name, a value, and four bytes between and
/// behind them.
const HEAD_LIMIT: usize = 16 * 1024;

fn head_length(req: &actix_web::HttpRequest) -> usize {
    let lines = req.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    req.uri().path_and_query().map_or(0, |pq| pq.as_str().len()) + lines.sum::<usize>()
}

fn admit(req: &actix_web::HttpRequest, app: &App) -> Result<()> {
    let path = req.path();
    if head_length(req) > HEAD_LIMIT {
        return Err(Error::HeadTooLarge);
    }
    if req.uri().path_and_query().is_some_and(|pq| pq.as_str().len() > ADDRESS_LIMIT) {
        return Err(Error::AddressTooLong(ADDRESS_LIMIT));
    }
    if matches!(*req.method(), Method::TRACE | Method::CONNECT) {
        return Err(Error::MethodNotAllowed(vec![Method::GET, Method::POST]));
    }
    // Encoded slashes, backslashes and NULs mean different things to different readers (IV-14).
    let raw = req.uri().path().to_ascii_lowercase();
    if ["%2f", "%5c", "%00", "\\"].iter().any(|bad| raw.contains(bad))
        || raw
            .split('/')
            .any(|part| matches!(part, "." | ".." | "%2e" | "%2e%2e" | ".%2e" | "%2e."))
    {
        return Err(Error::NotFound);
    }
    if req.uri().query().is_some_and(|query| query.contains("%00")) {
        return Err(Error::BadRequest("The address holds a NUL character.".to_owned()));
    }
    if matches!(path, "/health" | "/ready" | "/metrics") {
        return Ok(());
    }
    check_host(req, app)?;
    // Programs are counted by their keys, once these are known to be some: many of them share one network.
    if path.starts_with("/api/") {
        return Ok(());
    }
    app.limits.request(ClientIp::of(req, &app.context))
}

/// The `Host` header must name this server (D-12): nothing is built from it, but a page under a
/// foreign name is a page in a foreign origin.
fn check_host(req: &actix_web::HttpRequest, app: &App) -> Result<()> {
    let mut hosts = req.headers().get_all(header::HOST);
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| Error::Misdirected)?,
        // HTTP/2 and an absolute-form target carry it in the address.
        (None, _) => req.uri().authority().map_or("", |authority| authority.as_str()),
        (Some(_), Some(_)) => return Err(Error::BadRequest("Two Host headers.".to_owned())),
    };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let settings = app.settings();
    let own = settings.base_url.host_str().unwrap_or_default();
    let is_ours =
        name.eq_ignore_ascii_case(own) || (settings.is_loopback() && is_loopback_host(name));
    if is_ours { Ok(()) } else { Err(Error::Misdirected) }
}

/// Unsafe requests must come from this site's own pages: the header check that browsers enforce
/// (BR-02). Where a browser says nothing, the form token alone decides.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn check_origin(req: &ServiceRequest) -> Result<()> {
    if matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?;
    let header = |name: &str| req.headers().get(name).map(|value| value.to_str().unwrap_or("null"));
    let foreign = || {
        Error::Forbidden(
            "This form was sent from another site. Open the page here and try again.".to_owned(),
        )
    };
    match header("sec-fetch-site") {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return Err(foreign()),
        None => {}
    }
    match header("origin") {
        None => Ok(()),
        Some(origin) => {
            let settings = app.settings();
            let host = req.headers().get(header::HOST).and_then(|value| value.to_str().ok());
            let own = origin == settings.base_url.origin().ascii_serialization();
            // On this machine a page may have been opened under another of its names.
            let alias = settings.is_loopback()
                && host.is_some_and(|host| {
                    origin == format!("{}://{host}", settings.base_url.scheme())
                });
            if own || alias { Ok(()) } else { Err(foreign()) }
        }
    }
}
