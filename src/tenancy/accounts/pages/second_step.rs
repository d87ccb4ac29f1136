//! `/sign-in/two-factor`: the code after the password (AU-16).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::actions::{self, SecondStep, SecondStepOutcome};
use super::super::forms::CodeForm;
use super::super::model::TypedCode;
use super::super::queries::User;
use super::enter::remember_device;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::{ClientIp, user_agent};
use crate::base::http::form::{Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/accounts/second_step.html")]
struct SecondStepPage {
    shell: Shell,
    code: Field,
}

/// Back to the password; the way on is kept, save for invitations, whose address is a secret: they
/// have a sign-in form of their own.
fn start_again(app: &App, step: Option<&SecondStep>) -> Result<HttpResponse> {
    let mut response = match step {
        Some(step) if step.next.starts_with("/invitations/") => see_other(&step.next),
        Some(step) => {
            let pairs = [("next", step.next.as_str()), ("done", "too-late")];
            see_other(urls::with_query(urls::sign_in(), &pairs))
        }
        None => see_other(urls::sign_in()),
    };
    forget_step(&mut response, app)?;
    Ok(response)
}

fn forget_step(response: &mut HttpResponse, app: &App) -> Result<()> {
    response
        .add_cookie(&actions::no_second_step(app))
        .map_err(|error| Error::internal(error.to_string()))
}

/// `GET /sign-in/two-factor`
pub async fn show(req: HttpRequest, app: web::Data<App>, shell: Shell) -> Result<HttpResponse> {
    match actions::second_step(&req, &app) {
        Some(step) if step.is_alive(app.now()) => {
            Page(SecondStepPage { shell, code: Field::empty("code") }).ok()
        }
        step => start_again(&app, step.as_ref()),
    }
}

/// `POST /sign-in/two-factor`
pub async fn act(
    req: HttpRequest,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<CodeForm>,
) -> Result<HttpResponse> {
    let Some(step) = actions::second_step(&req, &app) else { return start_again(&app, None) };
    let code = Field::empty("code");
    let typed = match TypedCode::parse(&form.fields.code) {
        Ok(typed) => typed,
        Err(problem) => {
            let code = code.with_problem(problem);
            return Page(SecondStepPage { shell, code }).unprocessable();
        }
    };
    match actions::finish_second_step(&app, &step, typed, ip).await? {
        SecondStepOutcome::Welcome { user, failures } => {
            welcome(&req, &app, &step, (&user, failures), ip).await
        }
        SecondStepOutcome::Over => start_again(&app, Some(&step)),
        SecondStepOutcome::Wrong => {
            let code = code.with_problem(
                "This code doesn’t count. Wait for the next one: each counts once, for about a \
                 minute.",
            );
            Page(SecondStepPage { shell, code }).unprocessable()
        }
    }
}

async fn welcome(
    req: &HttpRequest,
    app: &App,
    step: &SecondStep,
    (user, failures): (&User, i32),
    ip: ClientIp,
) -> Result<HttpResponse> {
    let is_known = actions::is_known_device(req, app, user);
    actions::start_session(req, app, user, ip)?;
    let is_suspicious = !is_known || step.failures.max(failures) >= 5;
    actions::note_sign_in(app, user, ip, user_agent(req), is_suspicious).await?;
    if let Some(text) = &step.notice {
        Notice::ok(text).leave(req)?;
    }
    let next = if step.next.is_empty() { urls::workspaces() } else { &step.next };
    let mut response = see_other(next);
    remember_device(&mut response, app, user)?;
    forget_step(&mut response, app)?;
    Ok(response)
}
