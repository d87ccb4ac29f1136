//! Mails about invitations: to the invited person, and back to whoever invited.

mod render;

use serde_json::{Value, json};

use super::model::{Invitation, InvitationId};
use super::queries::{self, INVITATION_MAIL, Recipient};
use super::rules::DAY;
use crate::access::UserId;
use crate::base::db::ids::MailId;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::mail::{Outgoing, queue};

pub use render::render;

/// Template of the reminder before an invitation ends.
pub const REMINDER_MAIL: &str = "invitation-reminder";
const JOINED: &str = "invitation-joined";
const DECLINED: &str = "invitation-declined";
const RENEWAL: &str = "invitation-renewal-asked";
const NO_PLACE: &str = "invitation-no-place";

/// The mails of this slice.
pub const TEMPLATES: &[&str] =
    &[INVITATION_MAIL, REMINDER_MAIL, JOINED, DECLINED, RENEWAL, NO_PLACE];

/// Queues the mail that carries an invitation; it remembers who sent it, for how many mails one person sends.
pub fn queue_invitation(
    db: &mut Db,
    (id, generation): (InvitationId, i32),
    recipient: &str,
    inviter: UserId,
    now: Instant,
) -> Result<MailId> {
    let data = json!({ "generation": generation, "inviter": inviter });
    queue_about(db, INVITATION_MAIL, id, recipient, data, now)
}

/// Queues the reminder before an invitation ends.
pub fn queue_reminder(db: &mut Db, invitation: &Invitation, now: Instant) -> Result<MailId> {
    let data = json!({ "generation": invitation.generation });
    queue_about(db, REMINDER_MAIL, invitation.id, &invitation.email, data, now)
}

/// Tells the inviter that somebody joined.
pub fn queue_joined(db: &mut Db, invitation: &Invitation, name: &str, now: Instant) -> Result<()> {
    tell_inviter(db, JOINED, invitation, json!({ "name": name }), now)
}

/// Tells the inviter of a refusal.
pub fn queue_declined(db: &mut Db, invitation: &Invitation, now: Instant) -> Result<()> {
    tell_inviter(db, DECLINED, invitation, json!({}), now)
}

/// Tells the inviter that somebody could not join for lack of a place, once a day.
pub fn queue_no_place(db: &mut Db, invitation: &Invitation, now: Instant) -> Result<()> {
    if queries::mailed_since(db, invitation.id, NO_PLACE, now - DAY)? {
        return Ok(());
    }
    tell_inviter(db, NO_PLACE, invitation, json!({}), now)
}

/// Tells whoever manages the place that somebody asks for a new invitation.
pub fn queue_renewal_asked(db: &mut Db, invitation: &Invitation, now: Instant) -> Result<()> {
    let data = json!({ "generation": invitation.generation });
    for manager in queries::managers(db, invitation.account)? {
        queue_about(db, RENEWAL, invitation.id, &manager.email, data.clone(), now)?;
    }
    Ok(())
}

fn tell_inviter(
    db: &mut Db,
    template: &'static str,
    invitation: &Invitation,
    data: Value,
    now: Instant,
) -> Result<()> {
    let Some(inviter) = invitation.invited_by else { return Ok(()) };
    let Some(Recipient { email, .. }) = queries::recipient(db, inviter)? else { return Ok(()) };
    queue_about(db, template, invitation.id, &email, data, now).map(drop)
}

fn queue_about(
    db: &mut Db,
    template: &'static str,
    id: InvitationId,
    recipient: &str,
    data: Value,
    now: Instant,
) -> Result<MailId> {
    let recipient = recipient.to_owned();
    queue(db, Outgoing { template, recipient, data, subject: Some(id.uuid()) }, now)
}
