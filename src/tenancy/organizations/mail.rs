//! Mails about organizations.
//!
//! They name organizations and people by their handles, which no one can make say anything else
//! (EM-03).

use askama::Template;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::queries;
use crate::access::actor::Person;
use crate::access::organization::Organization;
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::mail::{Outgoing, QueuedMail, Rendered, queue};

/// To everybody who belonged to an organization that was deleted.
const DELETED: &str = "organization.deleted";

/// The mails that [`render`] knows.
pub const TEMPLATES: &[&str] = &[DELETED];

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Data {
    organization: String,
    by: String,
    when: Instant,
}

#[derive(Template)]
#[template(path = "tenancy/organizations/mail/deleted.txt")]
struct DeletedText<'a> {
    host: &'a str,
    organization: &'a str,
    by: &'a str,
    when: &'a str,
}

#[derive(Template)]
#[template(path = "tenancy/organizations/mail/deleted.html")]
struct DeletedHtml<'a> {
    host: &'a str,
    site: &'a str,
    organization: &'a str,
    by: &'a str,
    when: &'a str,
}

/// Tells everybody who belongs to an organization that it is gone.
///
/// # Errors
/// The database's fault.
pub(super) fn queue_deleted(
    db: &mut Db,
    organization: &Organization,
    by: &Person,
    now: Instant,
) -> Result<()> {
    let data =
        json!(Data { organization: organization.handle.clone(), by: by.handle.clone(), when: now });
    for recipient in queries::emails(db, organization.account)? {
        let mail = Outgoing { template: DELETED, recipient, data: data.clone(), subject: None };
        queue(db, mail, now)?;
    }
    Ok(())
}

/// A mail of this slice as text.
///
/// # Errors
/// A row that cannot be read.
pub fn render(context: &Context, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let data: Data = serde_json::from_value(mail.data.0.clone()).map_err(Error::internal)?;
    deleted(context, &data).map(Some).map_err(Error::internal)
}

fn deleted(context: &Context, data: &Data) -> askama::Result<Rendered> {
    let (host, site) = (&*context.settings.host(), context.settings.site());
    let (organization, by) = (&*data.organization, &*data.by);
    let when = &*data.when.long_text();
    Ok(Rendered {
        subject: format!("The organization {organization} was deleted"),
        text: DeletedText { host, organization, by, when }.render()?,
        html: DeletedHtml { host, site, organization, by, when }.render()?,
    })
}
