//! An [`Error`] as a page.

use actix_web::http::{Method, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use tracing_actix_web::RequestId;

use super::local_path;
use super::page::{Page, Shell};
use crate::app::App;
use crate::base::error::Error;
use crate::urls;

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

/// An error as a page.
pub fn error_page(req: &HttpRequest, app: &App, error: &Error) -> HttpResponse {
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
