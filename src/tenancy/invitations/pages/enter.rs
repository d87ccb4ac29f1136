//! Sign-up, sign-in and change of account, without losing the invitation (B5).

use actix_session::SessionExt;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::actions::{self, Accepted, Seen};
use super::super::forms::{Join, JoinFields, JoinForm, SignInForm};
use super::super::model::Opened;
use super::super::rules;
use super::show::{Card, open_page};
use super::{domain_refused, landed, private, show};
use crate::access::actor::AnySession;
use crate::access::email::EmailAddress;
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::error::{Error, Result};
use crate::base::http::client::{ClientIp, user_agent};
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::Page;
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::tenancy::accounts::actions::{self as accounts, Arrival, SignInOutcome};
use crate::tenancy::accounts::{SignUp, queries as people};
use crate::urls;

/// `POST /invitations/{token}/sign-up`
pub(super) async fn sign_up(
    req: HttpRequest,
    token: web::Path<String>,
    app: web::Data<App>,
    (shell, session, ip): (Shell, Option<AnySession>, ClientIp),
    form: Form<JoinForm>,
) -> Result<HttpResponse> {
    if session.is_some() {
        return Ok(private(see_other(urls::invitation(&token))));
    }
    let opened = match actions::seen(&app, &token, None).await? {
        Seen::Open(opened) => opened,
        seen => return show::seen_page(&req, &app, shell, seen, None),
    };
    let host = app.settings().host();
    let (new, fields) = match form.fields.parse(&opened.invitation, &host)? {
        Ok(parsed) => parsed,
        Err(fields) => return again(&app, shell, &opened, fields),
    };
    if rules::proof(opened.way, app.settings().keeps_mails()).is_some() {
        join(&req, &app, shell, &opened, (new, fields), (form.once, ip)).await
    } else {
        confirm_first(&app, shell, &opened, (new, fields), (form.once, ip)).await
    }
}

fn again(app: &App, shell: Shell, opened: &Opened, fields: JoinFields) -> Result<HttpResponse> {
    open_page(app, shell, opened, None, fields, StatusCode::UNPROCESSABLE_ENTITY)
}

/// The link proves the address: account and membership in one go.
async fn join(
    req: &HttpRequest,
    app: &App,
    shell: Shell,
    opened: &Opened,
    (new, mut fields): (Join, JoinFields),
    (once, ip): (FormTokenId, ClientIp),
) -> Result<HttpResponse> {
    let (outcome, user) = actions::join(app, opened, new, (once, ip)).await?;
    match outcome {
        Accepted::HandleTaken => fields.handle = fields.handle.with_problem(TAKEN),
        Accepted::HasAccount => {
            let problem = "There is an account with this address. Sign in to join with it.";
            fields.email = fields.email.with_problem(problem);
        }
        outcome => {
            let Some(user) = user else { return landed(req, shell, opened, outcome) };
            let user = accounts::current(app, user).await?;
            accounts::start_session(req, app, &user, ip)?;
            accounts::note_sign_in(app, &user, ip, user_agent(req), false).await?;
            return remember_device(app, landed(req, shell, opened, outcome)?, &user);
        }
    }
    again(app, shell, opened, fields)
}

const TAKEN: &str = "This handle is taken. Choose another one.";

fn remember_device(
    app: &App,
    mut response: HttpResponse,
    user: &people::User,
) -> Result<HttpResponse> {
    response
        .add_cookie(&accounts::device_cookie(app, user))
        .map_err(|e| Error::internal(e.to_string()))?;
    Ok(response)
}

/// A copied link proves nothing while mails are sent: an ordinary sign-up, and the invitation waits
/// for the confirmed address. Known and unknown addresses end alike (SP-11).
async fn confirm_first(
    app: &App,
    shell: Shell,
    opened: &Opened,
    (new, mut fields): (Join, JoinFields),
    (once, ip): (FormTokenId, ClientIp),
) -> Result<HttpResponse> {
    let email = EmailAddress::parse(&opened.invitation.email).map_err(Error::internal)?;
    if !app.settings().allows_domain(email.domain()) {
        return domain_refused(shell, opened.place.name(), email.domain());
    }
    let new = SignUp { name: new.name, handle: new.handle, email, password: new.password };
    if accounts::sign_up(app, new, once, ip).await?.is_ok() {
        return Ok(private(see_other(urls::verify_email_needed())));
    }
    fields.handle = fields.handle.with_problem(TAKEN);
    again(app, shell, opened, fields)
}

#[derive(Template)]
#[template(path = "tenancy/invitations/sign_in.html")]
struct SignInPage {
    shell: Shell,
    card: Card,
    back: String,
    email: Field,
    password: Field,
    is_wrong: bool,
}

fn sign_in_page(app: &App, shell: Shell, opened: &Opened, is_wrong: bool) -> Result<HttpResponse> {
    let page = SignInPage {
        shell,
        card: Card::of(opened, app.now()),
        back: urls::invitation(&opened.token),
        email: Field::new("email", opened.invitation.email.clone()),
        password: Field::empty("password"),
        is_wrong,
    };
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Page(page).with_status(status).map(private)
}

/// `GET /invitations/{token}/sign-in`
pub(super) async fn show_sign_in(
    req: HttpRequest,
    token: web::Path<String>,
    app: web::Data<App>,
    shell: Shell,
) -> Result<HttpResponse> {
    if shell.viewer.is_some() {
        return Ok(private(see_other(urls::invitation(&token))));
    }
    match actions::seen(&app, &token, None).await? {
        Seen::Open(opened) => sign_in_page(&app, shell, &opened, false),
        seen => show::seen_page(&req, &app, shell, seen, None),
    }
}

/// `POST /invitations/{token}/sign-in`
pub(super) async fn sign_in(
    req: HttpRequest,
    token: web::Path<String>,
    app: web::Data<App>,
    (shell, ip): (Shell, ClientIp),
    form: Form<SignInForm>,
) -> Result<HttpResponse> {
    let opened = match actions::seen(&app, &token, None).await? {
        Seen::Open(opened) => opened,
        seen => return show::seen_page(&req, &app, shell, seen, None),
    };
    let password = form.fields.parse(&opened.invitation)?;
    match accounts::sign_in(&app, &opened.invitation.email, password, ip).await? {
        SignInOutcome::Wrong => sign_in_page(&app, shell, &opened, true),
        SignInOutcome::Welcome { user, failures } => {
            let arrival = Arrival { failures, next: urls::invitation(&token), notice: None };
            let asked = accounts::ask_second_step(&req, &app, &user, arrival).await?;
            if let Some(answer) = asked {
                return Ok(private(answer));
            }
            signed_in(&req, &app, &user, failures, ip).await?;
            let back = private(see_other(urls::invitation(&token)));
            remember_device(&app, back, &user)
        }
    }
}

async fn signed_in(
    req: &HttpRequest,
    app: &App,
    user: &people::User,
    failures: i32,
    ip: ClientIp,
) -> Result<()> {
    let is_suspicious = failures >= 5 || !accounts::is_known_device(req, app, user);
    accounts::start_session(req, app, user, ip)?;
    accounts::note_sign_in(app, user, ip, user_agent(req), is_suspicious).await
}

/// `POST /invitations/{token}/switch`
pub(super) async fn switch(
    req: HttpRequest,
    token: web::Path<String>,
    app: web::Data<App>,
    (session, ip): (Option<AnySession>, ClientIp),
    _: Form<Button>,
) -> Result<HttpResponse> {
    if let Some(AnySession(who)) = session {
        accounts::note_sign_out(&app, &who, ip).await;
    }
    req.get_session().purge();
    Ok(private(see_other(urls::invitation(&token))))
}
