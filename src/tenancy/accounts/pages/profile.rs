//! Name, handle, colours, time zone; the address.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::actions::{self, NewProfile, ProfileProblem};
use super::super::forms::{EmailForm, ProfileForm};
use super::super::model::DisplayName;
use super::super::queries;
use super::enter::taken;
use crate::access::actor::{RecentlyConfirmed, SignedInPerson};
use crate::access::email::EmailAddress;
use crate::access::handle::Handle;
use crate::access::identify::Theme;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::zone::Zone;
use crate::frame::Shell;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/accounts/profile.html")]
struct ProfilePage {
    shell: Shell,
    name: Field,
    handle: Field,
    theme: Field,
    themes: Vec<(String, String)>,
    time_zone: Field,
    zones: Vec<String>,
    email: String,
    pending_email: Option<String>,
}

fn themes() -> Vec<(String, String)> {
    [(Theme::System, "As the device says"), (Theme::Light, "Light"), (Theme::Dark, "Dark")]
        .map(|(theme, words)| (theme.as_str().to_owned(), words.to_owned()))
        .to_vec()
}

async fn pending_email(app: &App, who: &SignedInPerson) -> Result<Option<String>> {
    let user = who.person().user;
    let user = app.db.read(move |db| Ok(queries::by_id(db, user)?)).await?;
    Ok(user.and_then(|user| user.pending_email))
}

/// `GET /profile`
pub async fn show(who: SignedInPerson, app: web::Data<App>, shell: Shell) -> Result<HttpResponse> {
    let pending_email = pending_email(&app, &who).await?;
    let person = who.person();
    let theme = Field::new("theme", shell.theme);
    let time_zone = Field::new("time_zone", shell.zone.name());
    Page(ProfilePage {
        shell: shell.at("profile"),
        name: Field::new("name", person.name.clone()),
        handle: Field::new("handle", person.handle.clone()),
        theme,
        themes: themes(),
        time_zone,
        zones: Zone::names(),
        email: person.email.clone(),
        pending_email,
    })
    .ok()
}

/// `POST /profile`
pub async fn save(
    req: HttpRequest,
    who: SignedInPerson,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<ProfileForm>,
) -> Result<HttpResponse> {
    let mut name = Field::new("name", form.fields.name);
    let mut handle = Field::new("handle", form.fields.handle);
    let mut theme = Field::new("theme", form.fields.theme);
    let mut time_zone = Field::new("time_zone", form.fields.time_zone);
    let parsed = (
        name.parse(DisplayName::parse),
        handle.parse(Handle::parse),
        theme.parse(|text| Theme::parse(text).ok_or_else(|| "Choose one of these.".to_owned())),
        time_zone.parse(Zone::parse),
    );
    let email = who.person().email.clone();
    if let (Some(name), Some(new_handle), Some(theme), Some(zone)) = parsed {
        let renamed = new_handle.as_str() != who.person().handle;
        let new = NewProfile { name, handle: new_handle.clone(), theme, zone };
        match actions::save_profile(&app, who.clone(), new, ip).await? {
            Ok(()) => {
                notice(renamed, new_handle.as_str()).leave(&req)?;
                return Ok(see_other(urls::profile()));
            }
            Err(ProfileProblem::HandleTaken(free)) => {
                handle.problem = Some(taken(free.as_ref().map(Handle::as_str)));
            }
        }
    }
    let pending_email = pending_email(&app, &who).await?;
    let page = ProfilePage {
        shell: shell.at("profile"),
        name,
        handle,
        theme,
        themes: themes(),
        time_zone,
        zones: Zone::names(),
        email,
        pending_email,
    };
    Page(page).unprocessable()
}

fn notice(renamed: bool, handle: &str) -> Notice {
    if renamed {
        Notice::warn(format!(
            "Saved. Your workspaces are now under {handle}/…: select them again on each machine, \
             as their settings show. Old addresses lead on until somebody takes the old handle."
        ))
    } else {
        Notice::ok("Saved.")
    }
}

#[derive(Template)]
#[template(path = "tenancy/accounts/profile_email.html")]
struct EmailPage {
    shell: Shell,
    current: String,
    email: Field,
}

/// `GET /profile/email`
pub async fn show_email(who: RecentlyConfirmed, shell: Shell) -> Result<HttpResponse> {
    let current = who.person().email.clone();
    Page(EmailPage { shell: shell.at("profile"), current, email: Field::empty("email") }).ok()
}

/// `POST /profile/email`
pub async fn change_email(
    req: HttpRequest,
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<EmailForm>,
) -> Result<HttpResponse> {
    let mut field = Field::new("email", form.fields.email);
    let current = who.person().email.clone();
    let parsed = field.parse(EmailAddress::parse);
    let settings = app.settings();
    let refusal = match &parsed {
        Some(email) if email.typed() == current => Some("This is your address already.".to_owned()),
        Some(email) if !settings.allows_domain(email.domain()) => Some(format!(
            "Only addresses at {} are taken here.",
            settings.sign_up_domains.join(", ")
        )),
        _ => None,
    };
    field.problem = field.problem.or(refusal);
    let Some(email) = parsed.filter(|_| field.problem.is_none()) else {
        return Page(EmailPage { shell: shell.at("profile"), current, email: field })
            .unprocessable();
    };
    let typed = email.typed().to_owned();
    if settings.keeps_mails() && !settings.has_outbox_page() {
        return Err(Error::Forbidden(
            "No mail server is set, so a new address can’t be confirmed. Ask whoever runs this \
             server."
                .to_owned(),
        ));
    }
    actions::ask_for_change(&app, who, email, form.once, ip).await?;
    Notice::info(format!("Open the mail to {typed} and confirm it. Until then {current} stays."))
        .leave(&req)?;
    Ok(see_other(urls::profile()))
}

/// `POST /profile/email/cancel`
pub async fn cancel_email(
    req: HttpRequest,
    who: SignedInPerson,
    app: web::Data<App>,
    ip: ClientIp,
    _: Form<Button>,
) -> Result<HttpResponse> {
    let email = who.person().email.clone();
    actions::cancel_change(&app, who, ip).await?;
    Notice::ok(format!("Your address stays {email}.")).leave(&req)?;
    Ok(see_other(urls::profile()))
}
