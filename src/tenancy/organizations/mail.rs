//! Mails about organizations.
//!
//! They name organizations and people by their handles, which no one can make say anything else
//! (EM-03).

use askama::Template;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::queries;
use crate::access::actor::Person;
use crate::access::organization::{Organization, OrganizationRole};
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::mail::{Notice, Outgoing, QueuedMail, Rendered, queue};
use crate::urls;

/// To everybody who belonged to an organization that was deleted.
const DELETED: &str = "organization.deleted";

/// To a member whose role changed.
const ROLE_CHANGED: &str = "organization.role-changed";

/// To a person who was removed.
const REMOVED: &str = "organization.removed";

/// The mails that [`render`] knows.
pub const TEMPLATES: &[&str] = &[DELETED, ROLE_CHANGED, REMOVED];

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Data {
    organization: String,
    by: String,
    when: Instant,
    #[serde(default)]
    role: String,
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
pub(super) fn queue_deleted(
    db: &mut Db,
    organization: &Organization,
    by: &Person,
    now: Instant,
) -> Result<()> {
    let data = data(organization, by, "", now);
    for recipient in queries::emails(db, organization.account)? {
        let mail = Outgoing { template: DELETED, recipient, data: data.clone(), subject: None };
        queue(db, mail, now)?;
    }
    Ok(())
}

fn data(organization: &Organization, by: &Person, role: &str, now: Instant) -> serde_json::Value {
    json!(Data {
        organization: organization.handle.clone(),
        by: by.handle.clone(),
        when: now,
        role: role.to_owned(),
    })
}

/// Tells a member that an admin changed the role.
pub(super) fn queue_role_changed(
    db: &mut Db,
    (organization, by): (&Organization, &Person),
    recipient: &str,
    role: OrganizationRole,
    now: Instant,
) -> Result<()> {
    let data = data(organization, by, role.title(), now);
    let recipient = recipient.to_owned();
    queue(db, Outgoing { template: ROLE_CHANGED, recipient, data, subject: None }, now).map(drop)
}

/// Tells a person that an admin ended the membership.
pub(super) fn queue_removed(
    db: &mut Db,
    (organization, by): (&Organization, &Person),
    recipient: &str,
    now: Instant,
) -> Result<()> {
    let data = data(organization, by, "", now);
    let recipient = recipient.to_owned();
    queue(db, Outgoing { template: REMOVED, recipient, data, subject: None }, now).map(drop)
}

/// A mail of this slice as text.
///
/// # Errors
/// A row that cannot be read.
pub fn render(context: &Context, _: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let data: Data = serde_json::from_value(mail.data.0.clone()).map_err(Error::internal)?;
    let Data { organization, by, when, role } = &data;
    let when = when.long_text();
    let notice = match mail.template.as_str() {
        ROLE_CHANGED => Notice {
            subject: format!("You are {role} of {organization} now"),
            body: format!(
                "{by} changed your role in the organization {organization} to {role} on {when}."
            ),
            action: "See the organization",
            path: urls::organization(organization),
        },
        REMOVED => Notice {
            subject: format!("You are no longer in {organization}"),
            body: format!(
                "{by} removed you from the organization {organization} on {when}. You and your API \
                 keys have no access to its workspaces any more. Your account and your own \
                 workspaces are not affected."
            ),
            action: "See your workspaces",
            path: urls::workspaces().to_owned(),
        },
        _ => return deleted(context, &data).map(Some).map_err(Error::internal),
    };
    notice.render(&context.settings).map(Some)
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
