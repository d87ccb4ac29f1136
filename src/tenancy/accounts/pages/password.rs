//! A forgotten password.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::super::actions;
use super::super::forms::EmailForm;
use super::super::model::NewPassword;
use crate::access::email::EmailAddress;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::Page;
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/accounts/forgot_password.html")]
struct ForgotPage {
    shell: Shell,
    email: Field,
    sent_to: Option<String>,
}

/// `GET /forgot-password`
pub async fn show_forgot(shell: Shell) -> Result<HttpResponse> {
    Page(ForgotPage { shell, email: Field::empty("email"), sent_to: None }).ok()
}

/// `POST /forgot-password`: the same answer whether or not the address has an account.
pub async fn forgot(
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<EmailForm>,
) -> Result<HttpResponse> {
    let mut field = Field::new("email", form.fields.email);
    let Some(email) = field.parse(EmailAddress::parse) else {
        return Page(ForgotPage { shell, email: field, sent_to: None }).unprocessable();
    };
    let sent_to = Some(email.typed().to_owned());
    actions::request_reset(&app, email, ip).await?;
    Page(ForgotPage { shell, email: field, sent_to }).ok()
}

#[derive(Template)]
#[template(path = "tenancy/accounts/reset_password.html")]
struct ResetPage {
    shell: Shell,
    password: Field,
}

/// A link that does not work (any more): used, replaced by a newer one, older than 30 minutes.
fn dead_link() -> Error {
    Error::Gone(
        "This link was used, replaced by a newer one, or is older than 30 minutes. Ask for a new \
         one on the sign-in page."
            .to_owned(),
    )
}

/// `GET /reset-password/{token}`
pub async fn show_reset(
    app: web::Data<App>,
    shell: Shell,
    token: web::Path<String>,
) -> Result<HttpResponse> {
    actions::resettable(&app, &token).await?.ok_or_else(dead_link)?;
    Page(ResetPage { shell, password: Field::empty("new_password") }).ok()
}

/// The new password.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResetForm {
    new_password: String,
}

/// `POST /reset-password/{token}`
pub async fn reset(
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    token: web::Path<String>,
    form: Form<ResetForm>,
) -> Result<HttpResponse> {
    app.limits.guess(ip)?;
    let user = actions::resettable(&app, &token).await?.ok_or_else(dead_link)?;
    let host = app.settings().host();
    let own = [user.name.as_str(), &user.handle, &user.email, &host];
    match NewPassword::parse(&form.fields.new_password, &own) {
        Err(problem) => {
            let password = Field::empty("new_password").with_problem(problem);
            Page(ResetPage { shell, password }).unprocessable()
        }
        Ok(new) => {
            actions::reset_password(&app, user, new, ip).await.map_err(|error| match error {
                Error::NotFound => dead_link(),
                error => error,
            })?;
            Ok(see_other(urls::with_query(urls::sign_in(), &[("done", "reset")])))
        }
    }
}
