//! An [`Error`] as a page.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use tracing_actix_web::RequestId;

use super::Shell;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::form::NewVisitorCookie;
use crate::base::http::headers::check_origin;
use crate::base::http::page::{Notice, Page};
use crate::base::http::refusal::Refusal;
use crate::base::http::{local_path, see_other};
use crate::urls;

/// The web scope's layer: shows an [`Error`] as a page, and sets the visitor's form cookie.
///
/// # Errors
/// Passes on what cannot become a response.
pub async fn render_pages<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let res = match check_origin(&req) {
        Ok(()) => next.call(req).await?.map_into_boxed_body(),
        Err(error) => req.error_response(error),
    };
    let request = res.request().clone();
    let app =
        request.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?.clone();
    let page = Refusal::of(&res).map(|refusal| answer(&request, &app, refusal.error()));
    let mut res = match page {
        Some(page) => res.into_response(page),
        None => res,
    };
    if let Some(cookie) = request.extensions().get::<NewVisitorCookie>() {
        res.response_mut().add_cookie(&cookie.0).map_err(|e| Error::internal(e.to_string()))?;
    }
    Ok(res)
}

/// Where an error leads, or the page of it.
fn answer(req: &HttpRequest, app: &App, error: &Error) -> HttpResponse {
    let here = || {
        let is_page = req.method() == Method::GET;
        let here = req.uri().path_and_query().map_or("/", |pq| pq.as_str());
        if is_page { here } else { urls::workspaces() }
    };
    match error {
        Error::SignInRequired if matches!(here(), "/" | "/workspaces") => {
            see_other(urls::sign_in())
        }
        Error::SignInRequired => see_other(urls::sign_in_next(here())),
        Error::VerificationRequired => see_other(urls::verify_email_needed()),
        Error::SecondFactorRequired(_) => {
            // Best effort: without the notice the page explains itself too.
            if let Err(fault) = Notice::warn(error.to_string()).leave(req) {
                tracing::warn!(error.cause = %fault, "could not leave a notice");
            }
            see_other(urls::two_factor())
        }
        Error::ReauthenticationRequired => {
            // A form whose proof of identity ran out comes back to the page that it stands on.
            let back = req.uri().path_and_query().map_or("/", |pq| pq.as_str());
            see_other(urls::confirm_access_next(back))
        }
        Error::Moved(to) => see_other(to),
        error => error_page(req, app, error),
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    title: String,
    message: String,
    request_id: String,
    action: Option<(String, String)>,
}

/// The page that a form stands on, as the browser says.
fn origin_page(req: &HttpRequest) -> Option<String> {
    let referer = req.headers().get(header::REFERER)?.to_str().ok()?;
    let page = url::Url::parse(referer).ok()?;
    let is_own = req.headers().get(header::HOST)?.to_str().ok()?
        == page.host_str().map(|host| match page.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })?;
    let path = page
        .query()
        .map_or_else(|| page.path().to_owned(), |query| format!("{}?{query}", page.path()));
    local_path(&path).filter(|_| is_own)
}

/// The address of the request.
fn here(req: &HttpRequest) -> Option<String> {
    req.uri().path_and_query().and_then(|here| local_path(here.as_str()))
}

fn error_page(req: &HttpRequest, app: &App, error: &Error) -> HttpResponse {
    let status = error.status_code();
    let title = match error {
        Error::NotFound => "Nothing here",
        Error::Forbidden(_) => "You can’t do that",
        Error::Conflict(_) => "That was done already",
        Error::TooMany(_) => "Too many attempts",
        Error::Unavailable => "Busy right now",
        Error::Internal(_) => "Something went wrong",
        Error::MethodNotAllowed(_) => "Not that way",
        Error::StaleForm => "This form is too old",
        Error::AddressTooLong(_) | Error::HeadTooLarge | Error::TooLarge | Error::TooSlow => {
            "That did not arrive"
        }
        Error::Gone(_) => "This is over",
        _ => "That can’t be",
    };
    let message = match error {
        Error::NotFound => "The page was moved or deleted, its workspace was transferred, or you \
                            have no access to it. For your privacy and theirs, we don’t say which."
            .to_owned(),
        error => error.to_string(),
    };
    let request_id =
        req.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    if let Error::Internal(cause) = error {
        tracing::error!(error.cause = %cause, error.details = ?cause, "request failed");
    }
    let action = match error {
        Error::SignInRequired => Some(("Sign in".to_owned(), urls::sign_in().to_owned())),
        Error::StaleForm => origin_page(req).map(|page| ("Open the page again".to_owned(), page)),
        Error::Internal(_) | Error::Unavailable if *req.method() == Method::GET => {
            here(req).map(|page| ("Try again".to_owned(), page))
        }
        _ => None,
    };
    let shell = Shell::of(req, app);
    let page = ErrorPage {
        shell,
        status: status.as_u16(),
        title: title.to_owned(),
        message,
        request_id,
        action,
    };
    let mut response = Page(page).with_status(status).unwrap_or_else(|e| e.error_response());
    error.add_headers(&mut response);
    response
}
