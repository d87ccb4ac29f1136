//! The mails about keys: one was made (EM-06), one is about to expire (SP-15).

use askama::Template;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actions::NewKey;
use super::model::KeyId;
use super::queries;
use crate::access::actor::Person;
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::mail::{Outgoing, QueuedMail, Rendered};
use crate::base::settings::Settings;
use crate::urls;

const CREATED: &str = "api-key-created";
const EXPIRING: &str = "api-key-expiring";

/// The mails that [`render`] writes.
pub const TEMPLATES: &[&str] = &[CREATED, EXPIRING];

/// What the notice of a new key keeps: the key may be gone before the mail is sent, and the notice
/// is worth sending all the same.
#[derive(Deserialize, Serialize)]
struct Made {
    name: String,
    last_four: String,
    only: Option<String>,
    read_only: bool,
    expires_at: Option<Instant>,
    created_at: Instant,
    ip: String,
}

/// The notice of a new key.
pub fn created(person: &Person, new: &NewKey, ip: ClientIp) -> Outgoing {
    let key = &new.key;
    let made = Made {
        name: key.name.clone(),
        last_four: key.last_four.clone(),
        only: new.only.clone(),
        read_only: key.read_only,
        expires_at: key.expires_at,
        created_at: key.created_at,
        ip: ip.0.to_string(),
    };
    Outgoing {
        template: CREATED,
        recipient: person.email.clone(),
        data: json!(made),
        subject: Some(person.user.uuid()),
    }
}

/// The notice that a key is about to expire.
pub fn expiring(key: KeyId, email: String) -> Outgoing {
    Outgoing { template: EXPIRING, recipient: email, data: json!({}), subject: Some(key.uuid()) }
}

/// Writes one of this slice's mails; `None` when it is not one, or what it is about is over.
pub fn render(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    match mail.template.as_str() {
        CREATED => {
            let made = serde_json::from_value(mail.data.0.clone()).map_err(Error::internal)?;
            render_created(&context.settings, &made).map(Some)
        }
        EXPIRING => render_expiring(context, db, mail),
        _ => Ok(None),
    }
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/mail/created.txt")]
struct CreatedText<'a> {
    host: &'a str,
    about: &'a CreatedNotice<'a>,
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/mail/created.html")]
struct CreatedHtml<'a> {
    host: &'a str,
    site: &'a str,
    about: &'a CreatedNotice<'a>,
}

struct CreatedNotice<'a> {
    name: &'a str,
    last_four: &'a str,
    when: String,
    ip: &'a str,
    reach: String,
    until: String,
    keys: String,
    security: String,
}

fn render_created(settings: &Settings, made: &Made) -> Result<Rendered> {
    let (host, site) = (settings.host(), settings.site());
    let reach =
        made.only.as_ref().map_or("every workspace you can access".to_owned(), Clone::clone);
    let about = CreatedNotice {
        name: &made.name,
        last_four: &made.last_four,
        when: made.created_at.long_text(),
        ip: &made.ip,
        reach: if made.read_only { format!("{reach}, to read only") } else { reach },
        until: made
            .expires_at
            .map_or("until you delete it".to_owned(), |end| format!("until {}", end.long_text())),
        keys: format!("{site}{}", urls::api_keys()),
        security: format!("{site}{}", urls::profile_security()),
    };
    let text = CreatedText { host: &host, about: &about }.render().map_err(Error::internal)?;
    let html =
        CreatedHtml { host: &host, site, about: &about }.render().map_err(Error::internal)?;
    Ok(Rendered { subject: "A new API key was created for your account".to_owned(), text, html })
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/mail/expiring.txt")]
struct ExpiringText<'a> {
    host: &'a str,
    about: &'a ExpiringNotice<'a>,
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/mail/expiring.html")]
struct ExpiringHtml<'a> {
    host: &'a str,
    site: &'a str,
    about: &'a ExpiringNotice<'a>,
}

struct ExpiringNotice<'a> {
    name: &'a str,
    last_four: &'a str,
    when: String,
    last_used: String,
    create: String,
}

fn render_expiring(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let Some(id) = mail.subject_id else { return Ok(None) };
    let Some(key) = queries::any(db, id.cast())? else { return Ok(None) };
    let Some(end) = key.expires_at.filter(|end| *end > context.now()) else { return Ok(None) };
    let (host, site) = (context.settings.host(), context.settings.site());
    let about = ExpiringNotice {
        name: &key.name,
        last_four: &key.last_four,
        when: end.long_text(),
        last_used: key.last_used_at.map_or("It was never used.".to_owned(), |at| {
            format!("It was last used on {}.", at.long_text())
        }),
        create: format!("{site}{}", urls::api_key_new()),
    };
    let text = ExpiringText { host: &host, about: &about }.render().map_err(Error::internal)?;
    let html =
        ExpiringHtml { host: &host, site, about: &about }.render().map_err(Error::internal)?;
    let subject = format!("Your API key “{}” expires on {}", key.name, end.day_text());
    Ok(Some(Rendered { subject, text, html }))
}
