//! `/auth/client?callback=`: the Prefect client's login through the browser (SP-20).
//!
//! Invariant: a key is made by the button only, and its page may talk to the callback and to
//! nothing else.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::create::limit_words;
use crate::access::actor::{RecentlyConfirmed, SignedInPerson};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::headers::CONTENT_SECURITY_POLICY;
use crate::base::http::page::Page;
use crate::frame::Shell;
use crate::tenancy::api_keys::actions::{self, Created};
use crate::tenancy::api_keys::callback::Callback;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientParams {
    callback: String,
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/client.html")]
struct AskPage {
    shell: Shell,
    callback: String,
    email: String,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/client_done.html")]
struct DonePage {
    shell: Shell,
    callback: String,
    name: String,
    secret: String,
    command: String,
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/client_refused.html")]
struct RefusedPage {
    shell: Shell,
    problem: &'static str,
}

fn refused(shell: Shell, problem: &'static str) -> Result<HttpResponse> {
    Page(RefusedPage { shell, problem }).with_status(StatusCode::BAD_REQUEST)
}

/// Lets this one page's script talk to the waiting client as well.
fn talking_to(callback: Callback, mut response: HttpResponse) -> Result<HttpResponse> {
    let own = "connect-src 'self'";
    let policy = CONTENT_SECURITY_POLICY.replace(own, &format!("{own} {callback}"));
    let policy = HeaderValue::from_str(&policy).map_err(Error::internal)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// `GET /auth/client?callback=`
pub async fn show(
    person: SignedInPerson,
    shell: Shell,
    params: web::Query<ClientParams>,
) -> Result<HttpResponse> {
    let callback = match Callback::parse(&params.callback) {
        Ok(callback) => callback,
        Err(problem) => return refused(shell, problem),
    };
    let email = person.person().email.clone();
    let page = AskPage { shell, callback: callback.to_string(), email, problem: None };
    talking_to(callback, Page(page).ok()?)
}

/// `POST /auth/client?callback=`: answers with the key, once; the page's script hands it on.
pub async fn act(
    person: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    params: web::Query<ClientParams>,
    form: Form<Button>,
) -> Result<HttpResponse> {
    let parsed = match Callback::parse(&params.callback) {
        Ok(callback) => callback,
        Err(problem) => return refused(shell, problem),
    };
    let (callback, email) = (parsed.to_string(), person.person().email.clone());
    let response = match actions::create_for_client(&app, person, ip, form.once).await? {
        Created::Made(new) => {
            let secret = new.secret.reveal();
            let command = format!("prefect cloud login --key {secret}");
            let name = new.key.name;
            Page(DonePage { shell, callback, name, secret, command }).ok()?
        }
        Created::LimitReached(limit) => {
            let problem = Some(limit_words(limit));
            Page(AskPage { shell, callback, email, problem }).unprocessable()?
        }
        // The name is chosen to be free, and nothing is limited.
        Created::NameTaken | Created::WorkspaceGone => return Err(Error::internal("no name")),
    };
    talking_to(parsed, response)
}
