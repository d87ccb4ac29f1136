//! The notice to whoever lost access (EM-06).

use askama::Template;
use serde_json::{Value, json};

use super::model::Collaborator;
use crate::access::membership::Workspace;
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::mail::{Outgoing, QueuedMail, Rendered, queue};
use crate::tenancy::invitations::rules::plain_name;
use crate::urls;

const REMOVED: &str = "access-removed";

/// The mails of this slice.
pub const TEMPLATES: &[&str] = &[REMOVED];

/// Tells a person that access to a workspace has ended.
pub fn queue_removed(
    db: &mut Db,
    gone: &Collaborator,
    workspace: &Workspace,
    by: &str,
    now: Instant,
) -> Result<()> {
    let mail = Outgoing {
        template: REMOVED,
        recipient: gone.email.clone(),
        // As it was: the person cannot look any more, and what is renamed later is not theirs to know.
        data: json!({
            "account": workspace.account_handle, "workspace": workspace.handle, "by": by,
        }),
        subject: Some(workspace.id.uuid()),
    };
    queue(db, mail, now).map(drop)
}

/// Writes the mail of this slice; `None` for another slice's.
///
/// # Errors
/// A template's fault.
pub fn render(context: &Context, _: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    if mail.template != REMOVED {
        return Ok(None);
    }
    let text = |name: &str| mail.data.0.get(name).and_then(Value::as_str).unwrap_or_default();
    let site = context.settings.site().to_owned();
    let html = RemovedHtml {
        host: context.settings.host(),
        link: format!("{site}{}", urls::workspaces()),
        site,
        who: plain_name(text("by")),
        name: text("workspace").to_owned(),
        path: format!("{}/{}", text("account"), text("workspace")),
    };
    Ok(Some(Rendered {
        subject: format!("Your access to {} has ended", html.name),
        text: RemovedText { host: &html.host, mail: &html }.render().map_err(Error::internal)?,
        html: html.render().map_err(Error::internal)?,
    }))
}

#[derive(Template)]
#[template(path = "tenancy/collaborators/mail/removed.html")]
struct RemovedHtml {
    host: String,
    site: String,
    who: String,
    name: String,
    path: String,
    link: String,
}

#[derive(Template)]
#[template(path = "tenancy/collaborators/mail/removed.txt", escape = "none")]
struct RemovedText<'a> {
    host: &'a str,
    mail: &'a RemovedHtml,
}
