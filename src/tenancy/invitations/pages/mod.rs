//! What the invited person sees, below `/invitations/{token}`.
//!
//! The token stays in the path: nothing here is kept by caches or found by search engines, and GET
//! changes nothing (IN-03).

mod answer;
mod enter;
mod show;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::actions::Accepted;
use super::model::Opened;
use crate::base::error::Result;
use crate::base::http::page::{Notice, Page};
use crate::base::http::routes::resource;
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::urls;

/// The routes of these pages.
pub fn routes(config: &mut ServiceConfig) {
    let step = |step: &str| resource(format!("/invitations/{{token}}/{step}"));
    config
        .service(resource("/invitations/{token}").get(show::show).route(web::head().to(show::show)))
        .service(step("accept").get(back).post(answer::accept))
        .service(step("decline").get(back).post(answer::decline))
        .service(step("renew").get(back).post(answer::ask_again))
        .service(step("switch").get(back).post(enter::switch))
        .service(step("sign-up").get(back).post(enter::sign_up))
        .service(step("sign-in").get(enter::show_sign_in).post(enter::sign_in));
}

/// A step has no page of its own: back to the invitation.
async fn back(token: web::Path<String>) -> HttpResponse {
    private(see_other(urls::invitation(&token)))
}

/// Keeps an answer out of caches and search engines.
fn private(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let robots = HeaderName::from_static("x-robots-tag");
    headers.insert(robots, HeaderValue::from_static("noindex, nofollow"));
    response
}

#[derive(Template)]
#[template(path = "tenancy/invitations/message.html")]
struct MessagePage {
    shell: Shell,
    title: String,
    text: String,
}

fn message(shell: Shell, status: StatusCode, title: &str, text: String) -> Result<HttpResponse> {
    let page = MessagePage { shell, title: title.to_owned(), text };
    Page(page).with_status(status).map(private)
}

/// The one answer to every link that leads nowhere, whatever the reason.
fn nothing(shell: Shell) -> Result<HttpResponse> {
    let text = "It was answered, taken back or replaced by a newer one, or its link is incomplete. \
                Ask whoever invited you to send a new one.";
    message(shell, StatusCode::NOT_FOUND, "This invitation is not valid any more", text.to_owned())
}

/// The answer to an attempt to join.
fn landed(
    req: &HttpRequest,
    shell: Shell,
    opened: &Opened,
    outcome: Accepted,
) -> Result<HttpResponse> {
    let (name, role) = (opened.place.name(), opened.offer.title());
    match outcome {
        Accepted::Joined(home) => {
            let text = format!("You joined {name} as {role}. {}", opened.offer.purpose());
            arrived(req, &home, &Notice::ok(text))
        }
        Accepted::Already(home) => {
            let text = format!("You already joined {name}, and your role there stays.");
            arrived(req, &home, &Notice::info(text))
        }
        Accepted::Over => nothing(shell),
        // The page of the invitation tells each of these better.
        Accepted::Expired
        | Accepted::WrongAccount
        | Accepted::Unverified
        | Accepted::HasAccount
        | Accepted::HandleTaken => Ok(private(see_other(urls::invitation(&opened.token)))),
        Accepted::Full => {
            let text = format!(
                "{name} has no free place for another person. {} was told; the invitation \
                 stays open, so try again later.",
                opened.invitation.invited_by_name
            );
            message(shell, StatusCode::CONFLICT, "No place left", text)
        }
        Accepted::Domain(domain) => domain_refused(shell, name, &domain),
    }
}

fn domain_refused(shell: Shell, name: &str, domain: &str) -> Result<HttpResponse> {
    let text = format!(
        "{name} does not take addresses at {domain}. Ask for an invitation to another address."
    );
    message(shell, StatusCode::FORBIDDEN, "This address can’t join here", text)
}

fn arrived(req: &HttpRequest, home: &str, notice: &Notice) -> Result<HttpResponse> {
    notice.leave(req)?;
    Ok(private(see_other(home)))
}
