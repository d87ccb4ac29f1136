//! The mails about service accounts' keys: one was made (EM-06), one is about to expire.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actions::NewKey;
use super::model::BotKeyId;
use super::queries;
use crate::access::AccountId;
use crate::access::organization::{Admin, OrganizationAccess};
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::mail::{Notice, Outgoing, QueuedMail, Rendered, queue};
use crate::tenancy::invitations::queries::managers;
use crate::tenancy::invitations::rules::plain_name;
use crate::urls;

const KEY_MADE: &str = "service-account.key-made";
const KEY_EXPIRING: &str = "service-account.key-expiring";

/// The mails of this slice.
pub const TEMPLATES: &[&str] = &[KEY_MADE, KEY_EXPIRING];

#[derive(Debug, Deserialize, Serialize)]
struct Made {
    organization: String,
    name: String,
    last_four: String,
    by: String,
    verb: String,
    expires_at: Option<Instant>,
    id: String,
}

/// Tells the person who made a key that it was made.
pub(super) fn queue_key_made(
    db: &mut Db,
    access: &OrganizationAccess<Admin>,
    (new, verb): (&NewKey, &str),
    now: Instant,
) -> Result<()> {
    let data = json!(Made {
        organization: access.organization().handle.clone(),
        name: new.bot.name.clone(),
        last_four: new.key.last_four.clone(),
        by: access.person().handle.clone(),
        verb: verb.to_owned(),
        expires_at: new.key.expires_at,
        id: new.bot.id.to_string(),
    });
    let recipient = access.person().email.clone();
    queue(db, Outgoing { template: KEY_MADE, recipient, data, subject: None }, now).map(drop)
}

/// Tells the admins of an organization that a key is about to expire.
pub(super) fn queue_expiring(
    db: &mut Db,
    account: AccountId,
    key: BotKeyId,
    now: Instant,
) -> Result<()> {
    for admin in managers(db, account)? {
        let mail = Outgoing {
            template: KEY_EXPIRING,
            recipient: admin.email,
            data: json!({}),
            subject: Some(key.uuid()),
        };
        queue(db, mail, now)?;
    }
    Ok(())
}

/// Writes a mail of this slice; `None` when what it is about is over.
pub fn render(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let notice = match mail.template.as_str() {
        KEY_MADE => {
            let made: Made =
                serde_json::from_value(mail.data.0.clone()).map_err(Error::internal)?;
            made_notice(&made)
        }
        KEY_EXPIRING => match expiring_notice(context, db, mail)? {
            Some(notice) => notice,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    notice.render(&context.settings).map(Some)
}

fn made_notice(made: &Made) -> Notice {
    let name = plain_name(&made.name);
    let until = made
        .expires_at
        .map_or("until it is rotated".to_owned(), |end| format!("until {}", end.long_text()));
    Notice {
        subject: format!("The API key of “{name}” was {}", made.verb),
        body: format!(
            "{} {} the API key of the service account “{name}” of the organization {}. It ends \
             with {} and works {until}. If that wasn’t you, rotate the key and change your password.",
            made.by, made.verb, made.organization, made.last_four
        ),
        action: "See the service account",
        path: urls::service_account(&made.organization, &made.id),
    }
}

fn expiring_notice(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Notice>> {
    let Some(id) = mail.subject_id else { return Ok(None) };
    let Some((key, bot, organization)) = queries::key(db, id.cast())? else { return Ok(None) };
    let end = key.expires_at.filter(|end| *end > context.now() && key.replaced_at.is_none());
    let Some(end) = end else { return Ok(None) };
    let name = plain_name(&bot.name);
    let last_used = key.last_used_at.map_or("It was never used.".to_owned(), |at| {
        format!("It was last used on {}.", at.long_text())
    });
    Ok(Some(Notice {
        subject: format!("The API key of “{name}” expires on {}", end.day_text()),
        body: format!(
            "The API key of the service account “{name}” of the organization {organization} ends \
             with {} and stops on {}. {last_used} Rotate it before then: the old key can live on for \
             up to 48 hours beside the new one.",
            key.last_four,
            end.long_text()
        ),
        action: "Rotate API key",
        path: urls::service_account_step(&organization, bot.id, "rotate"),
    }))
}
