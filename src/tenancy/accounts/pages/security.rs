//! Password, two-factor authentication, and signed-in devices.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::SignedDuration;

use super::super::actions::{self, SignInOutcome};
use super::super::forms::ChangePasswordForm;
use super::super::model::NewPassword;
use super::super::queries;
use crate::access::actor::SignedInPerson;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::{ClientIp, browser_name};
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::http::session::{SIGNED_IN, SignedIn};
use crate::base::secret::Password;
use crate::base::text::{When, counted};
use crate::frame::Shell;
use crate::urls;

struct DeviceRow {
    id: String,
    name: String,
    ip: String,
    seen: When,
    is_this: bool,
}

/// Two-factor authentication that is on.
struct TwoFactorRow {
    since: When,
    left: String,
}

#[derive(Template)]
#[template(path = "tenancy/accounts/security.html")]
struct SecurityPage {
    shell: Shell,
    current: Field,
    new: Field,
    two_factor: Option<TwoFactorRow>,
    devices: Vec<DeviceRow>,
}

async fn page(
    who: &SignedInPerson,
    app: &App,
    shell: Shell,
    current: Field,
    new: Field,
) -> Result<SecurityPage> {
    let (user, now) = (who.person().user, app.now());
    let idle = SignedDuration::from_hours(app.settings().flags.session_idle_hours);
    let found = app.db.read(move |db| {
        let two_factor = queries::two_factor(db, user)?;
        let left = queries::recovery_codes_left(db, user)?;
        Ok((queries::devices(db, user, now - idle, now)?, two_factor, left))
    });
    let (devices, two_factor, left) = found.await?;
    let two_factor = two_factor.map(|row| TwoFactorRow {
        since: When::new(row.created_at, now),
        left: counted(left, "recovery code", "recovery codes"),
    });
    let devices = devices
        .into_iter()
        .map(|device| {
            let signed_in = signed_in(&device.state);
            DeviceRow {
                id: device.id.to_string(),
                name: browser_name(signed_in.as_ref().map_or("", |s| &s.user_agent)),
                ip: signed_in.map(|s| s.ip).unwrap_or_default(),
                seen: When::new(device.last_seen_at, now),
                is_this: device.id == who.session(),
            }
        })
        .collect();
    Ok(SecurityPage { shell: shell.at("security"), current, new, two_factor, devices })
}

/// Who is signed in, from the stored state of a session.
fn signed_in(state: &str) -> Option<SignedIn> {
    let state: std::collections::HashMap<String, String> = serde_json::from_str(state).ok()?;
    serde_json::from_str(state.get(SIGNED_IN)?).ok()
}

/// `GET /profile/security`
pub async fn show(who: SignedInPerson, app: web::Data<App>, shell: Shell) -> Result<HttpResponse> {
    let fields = (Field::empty("current_password"), Field::empty("new_password"));
    Page(page(&who, &app, shell, fields.0, fields.1).await?).ok()
}

/// `POST /profile/security`: changes the password.
pub async fn change_password(
    req: HttpRequest,
    who: SignedInPerson,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<ChangePasswordForm>,
) -> Result<HttpResponse> {
    let mut current = Field::empty("current_password");
    let mut new = Field::empty("new_password");
    let person = who.person();
    let host = app.settings().host();
    let own = [person.name.as_str(), &person.handle, &person.email, &host];
    let parsed = match NewPassword::parse(&form.fields.new_password, &own) {
        Ok(parsed) => Some(parsed),
        Err(problem) => {
            new.problem = Some(problem);
            None
        }
    };
    let typed = Password::new(form.fields.current_password);
    if let SignInOutcome::Wrong = actions::check_password(&app, person.user, typed, ip).await? {
        current.problem = Some("This is not your password.".to_owned());
    }
    let Some(parsed) = parsed.filter(|_| current.problem.is_none()) else {
        return Page(page(&who, &app, shell, current, new).await?).unprocessable();
    };
    let user = person.user;
    let ended = actions::change_password(&app, who, parsed, ip).await?;
    let user = actions::current(&app, user).await?;
    actions::start_session(&req, &app, &user, ip)?;
    let text = match i64::try_from(ended).unwrap_or(0) {
        0 => "Your password was changed.".to_owned(),
        ended => format!(
            "Your password was changed, and {} signed out.",
            counted(ended, "other browser", "other browsers")
        ),
    };
    Notice::ok(text).leave(&req)?;
    Ok(see_other(urls::profile_security()))
}

/// `POST /profile/security/devices/{id}/sign-out`
pub async fn sign_out_device(
    req: HttpRequest,
    who: SignedInPerson,
    app: web::Data<App>,
    ip: ClientIp,
    id: web::Path<String>,
    _: Form<Button>,
) -> Result<HttpResponse> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    if !actions::end_session_of(&app, who, id, ip).await? {
        return Err(Error::NotFound);
    }
    Notice::ok("That browser is signed out.").leave(&req)?;
    Ok(see_other(urls::profile_security()))
}

/// `POST /profile/security/sign-out-others`
pub async fn sign_out_others(
    req: HttpRequest,
    who: SignedInPerson,
    app: web::Data<App>,
    ip: ClientIp,
    _: Form<Button>,
) -> Result<HttpResponse> {
    let ended = actions::end_other_sessions(&app, who, ip).await?;
    let ended = i64::try_from(ended).unwrap_or(0);
    Notice::ok(format!(
        "{} signed out.",
        counted(ended, "other browser was", "other browsers were")
    ))
    .leave(&req)?;
    Ok(see_other(urls::profile_security()))
}
