//! The mails about access to an organization's workspace: it ended (EM-06), or is about to.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::membership::Workspace;
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::mail::{Notice, Outgoing, QueuedMail, Rendered, queue, sent_about};
use crate::tenancy::invitations::roster::MemberId;
use crate::tenancy::invitations::rules::{DAY, plain_name};
use crate::tenancy::workspaces::queries::path_and_end;
use crate::urls;

const REMOVED: &str = "sharing.removed";
const GIVEN: &str = "sharing.given";
const ENDING: &str = "sharing.ending";
const ENDED: &str = "sharing.ended";

/// The mails of this slice.
pub const TEMPLATES: &[&str] = &[REMOVED, GIVEN, ENDING, ENDED];

/// As it was: the person cannot look any more, and what is renamed later is not theirs to know.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Data {
    account: String,
    workspace: String,
    by: String,
    role: String,
}

/// Mails of one kind that an address gets in a day about one workspace, however often a role there
/// changes (IN-08).
const NOTICES: i64 = 10;

/// Tells a person that somebody ended the role.
pub(super) fn queue_removed(
    db: &mut Db,
    place: &Workspace,
    (by, recipient): (&str, &str),
    now: Instant,
) -> Result<()> {
    queue_some(db, (REMOVED, ""), place, (by, recipient), now)
}

/// Tells a person that somebody gave a role.
pub(super) fn queue_given(
    db: &mut Db,
    place: &Workspace,
    (by, recipient): (&str, &str),
    role: &str,
    now: Instant,
) -> Result<()> {
    queue_some(db, (GIVEN, role), place, (by, recipient), now)
}

/// Tells a person that the role came to its end.
pub(super) fn queue_ended(
    db: &mut Db,
    place: &Workspace,
    recipient: &str,
    now: Instant,
) -> Result<()> {
    queue_about(db, (ENDED, ""), place, ("", recipient), now)
}

/// The same, but not for ever: a program may give and take a role as often as it likes.
fn queue_some(
    db: &mut Db,
    (template, role): (&'static str, &str),
    place: &Workspace,
    (by, recipient): (&str, &str),
    now: Instant,
) -> Result<()> {
    let recipient_key = recipient.to_lowercase();
    let about = (template, place.id.uuid());
    if sent_about(db, &recipient_key, about, now - DAY)? >= NOTICES {
        return Ok(());
    }
    queue_about(db, (template, role), place, (by, recipient), now)
}

fn queue_about(
    db: &mut Db,
    (template, role): (&'static str, &str),
    place: &Workspace,
    (by, recipient): (&str, &str),
    now: Instant,
) -> Result<()> {
    let data = json!(Data {
        account: place.account_handle.clone(),
        workspace: place.handle.clone(),
        by: by.to_owned(),
        role: role.to_owned(),
    });
    let subject = Some(place.id.uuid());
    let recipient = recipient.to_owned();
    queue(db, Outgoing { template, recipient, data, subject }, now).map(drop)
}

/// Tells a person that the role is about to end.
pub(super) fn queue_ending(
    db: &mut Db,
    id: MemberId,
    recipient: String,
    now: Instant,
) -> Result<()> {
    let mail = Outgoing { template: ENDING, recipient, data: json!({}), subject: Some(id.uuid()) };
    queue(db, mail, now).map(drop)
}

/// Writes a mail of this slice; `None` when what it is about is over.
pub fn render(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let data: Data = serde_json::from_value(mail.data.0.clone()).map_err(Error::internal)?;
    let path = format!("{}/{}", data.account, data.workspace);
    let workspaces = ("See your workspaces", urls::workspaces().to_owned());
    let (subject, body, (action, href)) = match mail.template.as_str() {
        REMOVED => (
            format!("Your role in {} has ended", data.workspace),
            format!(
                "“{}” removed you from the workspace {path}. You and your API keys can do there only \
                 what everybody in the organization may do.",
                plain_name(&data.by)
            ),
            workspaces,
        ),
        GIVEN => (
            format!("You have a role in {} now", data.workspace),
            format!(
                "“{}” gave you the role “{}” in the workspace {path}.",
                plain_name(&data.by),
                plain_name(&data.role)
            ),
            ("See the workspace", urls::workspace((&data.account, &data.workspace))),
        ),
        ENDED => (
            format!("Your role in {} has ended", data.workspace),
            format!(
                "Your role in the workspace {path} came to its end, as was set when you got it. You \
                 and your API keys can do there only what everybody in the organization may do."
            ),
            workspaces,
        ),
        ENDING => {
            let Some(id) = mail.subject_id else { return Ok(None) };
            let Some((account, workspace, end)) = path_and_end(db, id.cast())? else {
                return Ok(None);
            };
            let Some(end) = end.filter(|end| *end > context.now()) else { return Ok(None) };
            (
                format!("Your role in {workspace} ends soon"),
                format!(
                    "Your role in the workspace {account}/{workspace} ends on {}. Ask an owner of \
                     the workspace or an admin of the organization if you need it for longer.",
                    end.long_text()
                ),
                ("See the workspace", urls::workspace((&account, &workspace))),
            )
        }
        _ => return Ok(None),
    };
    Notice { subject, body, action, path: href }.render(&context.settings).map(Some)
}
