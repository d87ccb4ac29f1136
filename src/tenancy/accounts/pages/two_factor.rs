//! Two-factor authentication: on, off, recovery codes (AU-16, AU-17).

use std::fmt::Write;

use actix_session::SessionExt;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use qrcode::{Color, QrCode};

use super::super::actions::{self, Setup};
use super::super::forms::TurnOnForm;
use super::super::model::TypedCode;
use super::super::queries;
use crate::access::actor::RecentlyConfirmed;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::urls;

/// A QR code as the `d` of one SVG path, with the four light modules around it that readers need.
struct Picture {
    size: usize,
    path: String,
}

impl Picture {
    fn of(text: &str) -> Result<Self> {
        let code = QrCode::new(text).map_err(|error| Error::internal(error.to_string()))?;
        let width = code.width();
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                write!(path, "M{} {}h1v1h-1z", at % width + 4, at / width + 4)
                    .map_err(Error::internal)?;
            }
        }
        Ok(Self { size: width + 8, path })
    }
}

#[derive(Template)]
#[template(path = "tenancy/accounts/two_factor.html")]
struct SetupPage {
    shell: Shell,
    setup: Setup,
    picture: Picture,
    code: Field,
}

fn setup_page(shell: Shell, setup: Setup, code: Field) -> Result<Page<SetupPage>> {
    let picture = Picture::of(&setup.uri)?;
    Ok(Page(SetupPage { shell: shell.at("security"), setup, picture, code }))
}

async fn is_on(app: &App, who: &RecentlyConfirmed) -> Result<bool> {
    let user = who.person().user;
    app.db.read(move |db| Ok(queries::has_two_factor(db, user)?)).await
}

/// `GET /profile/security/two-factor`: a new secret, of which nothing is kept before its first code
/// comes back.
pub async fn show(
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
) -> Result<HttpResponse> {
    if is_on(&app, &who).await? {
        return Ok(see_other(urls::profile_security()));
    }
    setup_page(shell, actions::begin_setup(&app, &who)?, Field::empty("code"))?.ok()
}

#[derive(Template)]
#[template(path = "tenancy/accounts/recovery_codes_made.html")]
struct CodesPage {
    shell: Shell,
    is_new: bool,
    codes: Vec<String>,
}

/// `POST /profile/security/two-factor`: answers with the recovery codes, once (SP-17).
pub async fn turn_on(
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<TurnOnForm>,
) -> Result<HttpResponse> {
    let mut code = Field::new("code", form.fields.code);
    let typed = code.parse(TypedCode::parse);
    code.value.clear();
    let Some(setup) = actions::resume_setup(&app, &who, &form.fields.setup)? else {
        let setup = actions::begin_setup(&app, &who)?;
        code.problem = Some("This page is a newer one. Scan its code, then type yours.".to_owned());
        return setup_page(shell, setup, code)?.unprocessable();
    };
    if let Some(typed) = typed {
        let sent = (form.fields.setup.as_str(), typed);
        if let Some(codes) = actions::turn_on(&app, who, sent, (form.once, ip)).await? {
            return Page(CodesPage { shell: shell.at("security"), is_new: true, codes }).ok();
        }
        code.problem = Some(
            "This is not the code that your app shows now. Check the clock of its device."
                .to_owned(),
        );
    }
    setup_page(shell, setup, code)?.unprocessable()
}

#[derive(Template)]
#[template(path = "tenancy/accounts/recovery_codes.html")]
struct RotatePage {
    shell: Shell,
    left: i64,
}

/// `GET /profile/security/two-factor/recovery-codes`
pub async fn show_rotate(
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
) -> Result<HttpResponse> {
    if !is_on(&app, &who).await? {
        return Ok(see_other(urls::profile_security()));
    }
    let user = who.person().user;
    let left = app.db.read(move |db| Ok(queries::recovery_codes_left(db, user)?)).await?;
    Page(RotatePage { shell: shell.at("security"), left }).ok()
}

/// `POST /profile/security/two-factor/recovery-codes`: answers with the codes, once.
pub async fn rotate(
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<Button>,
) -> Result<HttpResponse> {
    let codes = actions::rotate_recovery_codes(&app, who, form.once, ip).await?;
    Page(CodesPage { shell: shell.at("security"), is_new: false, codes }).ok()
}

#[derive(Template)]
#[template(path = "tenancy/accounts/two_factor_off.html")]
struct OffPage {
    shell: Shell,
}

/// `GET /profile/security/two-factor/off`
pub async fn show_off(
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
) -> Result<HttpResponse> {
    if !is_on(&app, &who).await? {
        return Ok(see_other(urls::profile_security()));
    }
    Page(OffPage { shell: shell.at("security") }).ok()
}

/// `POST /profile/security/two-factor/off`
pub async fn turn_off(
    req: HttpRequest,
    who: RecentlyConfirmed,
    app: web::Data<App>,
    ip: ClientIp,
    _: Form<Button>,
) -> Result<HttpResponse> {
    if actions::turn_off(&app, who, ip).await? {
        req.get_session().renew();
        Notice::ok("Two-factor authentication is off.").leave(&req)?;
    }
    Ok(see_other(urls::profile_security()))
}
