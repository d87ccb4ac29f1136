//! First user, sign-up, sign-in, sign-out, re-authentication.

use actix_session::SessionExt;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::actions::{self, Arrival, SignInOutcome};
use super::super::forms::{
    NextParams, PasswordForm, SignInForm, SignUpFields, SignUpForm, TokenParams,
};
use super::super::queries::User;
use crate::access::actor::{Actor, AnySession, SignedInPerson};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::{ClientIp, user_agent};
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::Page;
use crate::base::http::{local_path, see_other};
use crate::base::secret::Password;
use crate::base::settings::SignUp;
use crate::frame::Shell;
use crate::urls;

/// `/`
pub async fn home(req: HttpRequest) -> HttpResponse {
    let is_signed_in = req.extensions().contains::<Actor>();
    see_other(if is_signed_in { urls::workspaces() } else { urls::sign_in() })
}

#[derive(Template)]
#[template(path = "tenancy/accounts/setup.html")]
struct SetupPage {
    shell: Shell,
    fields: SignUpFields,
    token: String,
}

/// `GET /setup?token=`
pub async fn show_setup(
    app: web::Data<App>,
    shell: Shell,
    params: web::Query<TokenParams>,
) -> Result<HttpResponse> {
    let token = params.into_inner().token;
    if !actions::setup_is_open(&app, &token).await? {
        return Err(Error::NotFound);
    }
    Page(SetupPage { shell, fields: SignUpFields::empty(), token }).ok()
}

/// `POST /setup`
pub async fn set_up(
    req: HttpRequest,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<SignUpForm>,
) -> Result<HttpResponse> {
    let token = form.fields.token.clone();
    if !actions::setup_is_open(&app, &token).await? {
        return Err(Error::NotFound);
    }
    match form.fields.parse(&app.settings().host()) {
        Err(fields) => Page(SetupPage { shell, fields: *fields, token }).unprocessable(),
        Ok((new, _)) => {
            let user = actions::set_up(&app, new, ip).await?.ok_or(Error::NotFound)?;
            let user = actions::current(&app, user).await?;
            actions::start_session(&req, &app, &user, ip)?;
            actions::note_sign_in(&app, &user, ip, user_agent(&req), false).await?;
            let mut response = see_other(urls::workspaces());
            remember_device(&mut response, &app, &user)?;
            Ok(response)
        }
    }
}

pub(super) fn remember_device(response: &mut HttpResponse, app: &App, user: &User) -> Result<()> {
    response
        .add_cookie(&actions::device_cookie(app, user))
        .map_err(|e| Error::internal(e.to_string()))
}

#[derive(Template)]
#[template(path = "tenancy/accounts/sign_up.html")]
struct SignUpPage {
    shell: Shell,
    fields: SignUpFields,
    domains: Vec<String>,
}

#[derive(Template)]
#[template(path = "tenancy/accounts/sign_up_closed.html")]
struct SignUpClosedPage {
    shell: Shell,
    support: Option<String>,
}

/// `GET /sign-up`
pub async fn show_sign_up(app: web::Data<App>, shell: Shell) -> Result<HttpResponse> {
    if shell.viewer.is_some() {
        return Ok(see_other(urls::workspaces()));
    }
    let settings = app.settings();
    if !settings.takes_sign_ups() {
        return Page(SignUpClosedPage { shell, support: settings.flags.support.clone() }).ok();
    }
    let domains = settings.sign_up_domains.clone();
    Page(SignUpPage { shell, fields: SignUpFields::empty(), domains }).ok()
}

/// `POST /sign-up`
pub async fn sign_up(
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<SignUpForm>,
) -> Result<HttpResponse> {
    let settings = app.settings();
    if !settings.takes_sign_ups() {
        return Err(Error::Forbidden("New accounts are made by invitation only here.".to_owned()));
    }
    let domains = settings.sign_up_domains.clone();
    let (new, mut fields) = match form.fields.parse(&app.settings().host()) {
        Err(fields) => return Page(SignUpPage { shell, fields: *fields, domains }).unprocessable(),
        Ok(parsed) => parsed,
    };
    let must_fit = settings.flags.sign_up == SignUp::Domains;
    if must_fit && !settings.allows_domain(new.email.domain()) {
        fields.email.problem =
            Some(format!("Only addresses at {} can sign up here.", domains.join(", ")));
        return Page(SignUpPage { shell, fields, domains }).unprocessable();
    }
    match actions::sign_up(&app, new, form.once, ip).await? {
        Ok(()) => Ok(see_other(urls::verify_email_needed())),
        Err(free) => {
            fields.handle.problem =
                Some(taken(free.as_ref().map(crate::access::handle::Handle::as_str)));
            Page(SignUpPage { shell, fields, domains }).unprocessable()
        }
    }
}

/// What to say about a taken handle.
pub(super) fn taken(free: Option<&str>) -> String {
    match free {
        Some(free) => format!("This handle is taken. {free} is free."),
        None => "This handle is taken. Choose another one.".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "tenancy/accounts/sign_in.html")]
struct SignInPage {
    shell: Shell,
    email: Field,
    password: Field,
    next: String,
    problem: Option<&'static str>,
    done: Option<&'static str>,
    takes_sign_ups: bool,
    /// Nobody has an account yet.
    is_first_run: bool,
}

/// What happened before, by a word in the address: a visitor has no session to keep a notice in.
fn done(word: &str) -> Option<&'static str> {
    match word {
        "signed-out" => Some("You are signed out."),
        "reset" => Some("Your password was changed. Sign in with the new one."),
        "deleted" => Some("Your account was deleted."),
        _ => None,
    }
}

/// `GET /sign-in`
pub async fn show_sign_in(
    app: web::Data<App>,
    shell: Shell,
    params: web::Query<NextParams>,
) -> Result<HttpResponse> {
    let params = params.into_inner();
    let next = local_path(&params.next).unwrap_or_default();
    if shell.viewer.is_some() {
        return Ok(see_other(if next.is_empty() { urls::workspaces() } else { &next }));
    }
    Page(SignInPage {
        shell,
        email: Field::empty("email"),
        password: Field::empty("password"),
        next,
        problem: (params.done == "too-late")
            .then_some("Signing in took too long. Enter your password again."),
        done: done(&params.done),
        takes_sign_ups: app.settings().takes_sign_ups(),
        is_first_run: actions::is_first_run(&app).await?,
    })
    .ok()
}

/// `POST /sign-in`
pub async fn sign_in(
    req: HttpRequest,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<SignInForm>,
) -> Result<HttpResponse> {
    let SignInForm { email, password, next } = form.fields;
    let next = local_path(&next).unwrap_or_default();
    match actions::sign_in(&app, &email, Password::new(password), ip).await? {
        SignInOutcome::Welcome { user, failures } => {
            let arrival = Arrival { failures, next: next.clone(), notice: None };
            if let Some(answer) = actions::ask_second_step(&req, &app, &user, arrival).await? {
                return Ok(answer);
            }
            let is_known = actions::is_known_device(&req, &app, &user);
            actions::start_session(&req, &app, &user, ip)?;
            let is_suspicious = !is_known || failures >= 5;
            actions::note_sign_in(&app, &user, ip, user_agent(&req), is_suspicious).await?;
            let mut response = see_other(if next.is_empty() { urls::workspaces() } else { &next });
            remember_device(&mut response, &app, &user)?;
            Ok(response)
        }
        SignInOutcome::Wrong => Page(SignInPage {
            shell,
            email: Field::new("email", email),
            password: Field::empty("password"),
            next,
            problem: Some("Email, handle or password is wrong."),
            done: None,
            takes_sign_ups: app.settings().takes_sign_ups(),
            is_first_run: actions::is_first_run(&app).await?,
        })
        .unprocessable(),
    }
}

/// `POST /sign-out`
pub async fn sign_out(
    req: HttpRequest,
    app: web::Data<App>,
    session: Option<AnySession>,
    ip: ClientIp,
    _: Form<Button>,
) -> Result<HttpResponse> {
    req.get_session().purge();
    if let Some(AnySession(who)) = session {
        actions::note_sign_out(&app, &who, ip).await;
    }
    Ok(see_other(urls::with_query(urls::sign_in(), &[("done", "signed-out")])))
}

#[derive(Template)]
#[template(path = "tenancy/accounts/confirm_access.html")]
struct ConfirmPage {
    shell: Shell,
    password: Field,
    next: String,
}

/// `GET /confirm-access?next=`
pub async fn show_confirm(
    _: SignedInPerson,
    shell: Shell,
    params: web::Query<NextParams>,
) -> Result<HttpResponse> {
    let next = local_path(&params.next).unwrap_or_else(|| urls::workspaces().to_owned());
    Page(ConfirmPage { shell, password: Field::empty("password"), next }).ok()
}

/// `POST /confirm-access`
pub async fn confirm(
    req: HttpRequest,
    who: SignedInPerson,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<PasswordForm>,
) -> Result<HttpResponse> {
    let next = local_path(&form.fields.next).unwrap_or_else(|| urls::workspaces().to_owned());
    let password = Password::new(form.fields.password);
    match actions::check_password(&app, who.person().user, password, ip).await? {
        SignInOutcome::Welcome { user, .. } => {
            actions::start_session(&req, &app, &user, ip)?;
            Ok(see_other(next))
        }
        SignInOutcome::Wrong => {
            let password = Field::empty("password").with_problem("This is not your password.");
            Page(ConfirmPage { shell, password, next }).unprocessable()
        }
    }
}
