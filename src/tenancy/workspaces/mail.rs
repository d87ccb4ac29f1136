//! Mails about deleted workspaces.
//!
//! They name accounts and workspaces by their handles, which no one can make say anything else
//! (EM-03).

use askama::Template;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::queries;
use crate::access::membership::Workspace;
use crate::access::{WorkspaceId, organization};
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::mail::{Notice, QueuedMail, Rendered, queue_all};
use crate::urls;

/// To people who lose access because the workspace was deleted.
pub const ACCESS_ENDED: &str = "workspace.access-ended";

/// To the owner of a workspace that was deleted.
pub const DELETED: &str = "workspace.deleted";

/// To the owner of a workspace that came back, since nobody stands behind its deletion any more.
const RESTORED: &str = "workspace.restored";

/// The mails that [`render`] knows.
pub const TEMPLATES: &[&str] = &[ACCESS_ENDED, DELETED, RESTORED];

/// What a mail about a deleted workspace needs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Data {
    /// Handle of the owning account.
    pub account: String,
    /// Handle of the workspace.
    pub workspace: String,
    /// Until when it can be restored.
    pub until: Option<Instant>,
}

#[derive(Template)]
#[template(path = "tenancy/workspaces/mail/access_ended.txt")]
struct AccessEndedText<'a> {
    host: &'a str,
    path: &'a str,
    account: &'a str,
    until: Option<String>,
}

#[derive(Template)]
#[template(path = "tenancy/workspaces/mail/access_ended.html")]
struct AccessEndedHtml<'a> {
    host: &'a str,
    site: &'a str,
    path: &'a str,
    account: &'a str,
    until: Option<String>,
}

#[derive(Template)]
#[template(path = "tenancy/workspaces/mail/deleted.txt")]
struct DeletedText<'a> {
    host: &'a str,
    path: &'a str,
    until: Option<String>,
    link: &'a str,
    security: &'a str,
}

#[derive(Template)]
#[template(path = "tenancy/workspaces/mail/deleted.html")]
struct DeletedHtml<'a> {
    host: &'a str,
    site: &'a str,
    path: &'a str,
    until: Option<String>,
    link: &'a str,
    security: &'a str,
}

/// Tells those who decide over an account that a workspace of it is back by itself.
pub fn queue_restored(db: &mut Db, workspace: &Workspace, now: Instant) -> Result<()> {
    let data = json!(Data {
        account: workspace.account_handle.clone(),
        workspace: workspace.handle.clone(),
        until: None,
    });
    let owners = organization::emails_of_authority(db, workspace.account)?;
    queue_all(db, RESTORED, &owners, (&data, Some(workspace.id.uuid())), now)
}

/// A mail of this slice as text; `None` when the workspace was restored before it was sent, or when
/// the mail is not of this slice.
///
/// # Errors
/// The database's fault; a row that cannot be read.
pub fn render(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    if !TEMPLATES.contains(&mail.template.as_str()) {
        return Ok(None);
    }
    let id: WorkspaceId =
        mail.subject_id.ok_or_else(|| Error::internal("a mail about no workspace"))?.cast();
    let data: Data = serde_json::from_value(mail.data.0.clone()).map_err(Error::internal)?;
    let is_active = queries::is_active(db, id)?;
    if is_active != (mail.template == RESTORED) {
        return Ok(None);
    }
    if is_active {
        return restored(context, &data).map(Some);
    }
    let rendered = match mail.template.as_str() {
        ACCESS_ENDED => access_ended(context, &data),
        _ => deleted(context, &data, id),
    };
    rendered.map(Some).map_err(Error::internal)
}

fn access_ended(context: &Context, data: &Data) -> askama::Result<Rendered> {
    let (host, site) = (&*context.settings.host(), context.settings.site());
    let path = &*format!("{}/{}", data.account, data.workspace);
    let account = &*data.account;
    let until = data.until.map(Instant::long_text);
    Ok(Rendered {
        subject: format!("The workspace {path} was deleted"),
        text: AccessEndedText { host, path, account, until: until.clone() }.render()?,
        html: AccessEndedHtml { host, site, path, account, until }.render()?,
    })
}

fn deleted(context: &Context, data: &Data, id: WorkspaceId) -> askama::Result<Rendered> {
    let (host, site) = (&*context.settings.host(), context.settings.site());
    let path = &*format!("{}/{}", data.account, data.workspace);
    let until = data.until.map(Instant::long_text);
    let link = &*format!("{site}{}", urls::workspace_deleted(id));
    let security = &*format!("{site}{}", urls::profile_security());
    Ok(Rendered {
        subject: format!("Your workspace {path} was deleted"),
        text: DeletedText { host, path, until: until.clone(), link, security }.render()?,
        html: DeletedHtml { host, site, path, until, link, security }.render()?,
    })
}

fn restored(context: &Context, data: &Data) -> Result<Rendered> {
    let path = format!("{}/{}", data.account, data.workspace);
    let body = format!(
        "The workspace {path} was deleted, and whoever did that may not do it any more. So it is back, and everybody \
         who had access has it again. Its invitations stay void. If it is to go, delete it once more."
    );
    Notice {
        subject: format!("{path} is back"),
        body,
        action: "Open the workspace",
        path: urls::workspace((&data.account, &data.workspace)),
    }
    .render(&context.settings)
}
