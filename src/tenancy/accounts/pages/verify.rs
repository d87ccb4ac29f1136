//! Confirming an address.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::super::actions::{self, Arrival, SignInOutcome};
use crate::access::UserId;
use crate::access::actor::{Actor, AnySession};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::secret::Password;
use crate::frame::Shell;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/accounts/verify_needed.html")]
struct NeededPage {
    shell: Shell,
}

/// `GET /verify-email`: "Check your mail", after sign-up and for everybody unverified.
pub async fn show_needed(shell: Shell) -> Result<HttpResponse> {
    if shell.viewer.as_ref().is_some_and(|viewer| viewer.verified) {
        return Ok(see_other(urls::workspaces()));
    }
    Page(NeededPage { shell }).ok()
}

/// `POST /verify-email`: sends the mail again.
pub async fn send(
    req: HttpRequest,
    AnySession(who): AnySession,
    app: web::Data<App>,
    ip: ClientIp,
    _: Form<Button>,
) -> Result<HttpResponse> {
    actions::send_confirmation(&app, who.person().user, ip).await?;
    Notice::ok(format!("A new mail is on its way to {}.", who.person().email)).leave(&req)?;
    Ok(see_other(urls::verify_email_needed()))
}

#[derive(Template)]
#[template(path = "tenancy/accounts/verify.html")]
struct VerifyPage {
    shell: Shell,
    email: String,
    handle: String,
    /// Asked of whoever is not signed in as this person: a mailbox alone must not confirm an account
    /// that somebody else made with its address.
    password: Option<Field>,
}

fn is_them(req: &HttpRequest, user: UserId) -> bool {
    req.extensions()
        .get::<Actor>()
        .is_some_and(|actor| actor.as_person().is_some_and(|person| person.user == user))
}

fn dead_link() -> Error {
    Error::Gone(
        "This link was used, replaced by a newer one, or is older than 24 hours. Sign in to get a \
         new one."
            .to_owned(),
    )
}

/// `GET /verify-email/{token}`
pub async fn show(
    req: HttpRequest,
    app: web::Data<App>,
    shell: Shell,
    token: web::Path<String>,
) -> Result<HttpResponse> {
    let confirmation = actions::confirmable(&app, &token).await?.ok_or_else(dead_link)?;
    let password = (!is_them(&req, confirmation.user.id)).then(|| Field::empty("password"));
    let (email, handle) = (confirmation.email, confirmation.user.handle);
    Page(VerifyPage { shell, email, handle, password }).ok()
}

/// The password, where it is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfirmForm {
    password: String,
}

const CONFIRMED: &str = "Your address is confirmed.";

/// `POST /verify-email/{token}`
pub async fn confirm(
    req: HttpRequest,
    app: web::Data<App>,
    (shell, ip): (Shell, ClientIp),
    token: web::Path<String>,
    form: Form<ConfirmForm>,
) -> Result<HttpResponse> {
    let confirmation = actions::confirmable(&app, &token).await?.ok_or_else(dead_link)?;
    let user = confirmation.user.id;
    let is_them = is_them(&req, user);
    if !is_them {
        let typed = Password::new(form.fields.password);
        if let SignInOutcome::Wrong = actions::check_password(&app, user, typed, ip).await? {
            let password = Field::empty("password").with_problem("This is not its password.");
            let (email, handle) = (confirmation.email, confirmation.user.handle);
            return Page(VerifyPage { shell, email, handle, password: Some(password) })
                .unprocessable();
        }
    }
    actions::confirm_email(&app, confirmation, ip).await.map_err(|error| match error {
        Error::NotFound => dead_link(),
        error => error,
    })?;
    if !is_them {
        let user = actions::current(&app, user).await?;
        let arrival = Arrival { failures: 0, next: String::new(), notice: Some(CONFIRMED) };
        if let Some(answer) = actions::ask_second_step(&req, &app, &user, arrival).await? {
            return Ok(answer);
        }
        actions::start_session(&req, &app, &user, ip)?;
    }
    Notice::ok(CONFIRMED).leave(&req)?;
    Ok(see_other(urls::workspaces()))
}
