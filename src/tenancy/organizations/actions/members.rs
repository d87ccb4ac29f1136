//! Changing what members are, taking them out, and several invitations at once.

use serde_json::json;

use super::super::{mail, queries, rules};
use crate::access::actor::StepUp;
use crate::access::organization::{self, Admin, OrganizationAccess, OrganizationRole};
use crate::access::{AccountId, UserId};
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::actions::Recruiting;
use crate::tenancy::invitations::actions::{
    Judged, Managed, Sent, resend_some, revoke_some, void_by_inviter_in, void_for_member,
    void_groundless,
};
use crate::tenancy::invitations::model::{Invitation, InvitationId};
use crate::tenancy::invitations::roster::MemberId;
use crate::tenancy::organizations::model::Member;

/// What became of a change of role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was made, or was so before; the person's name.
    Done(String),
    /// The person is the last admin (O7).
    LastAdmin(String),
}

/// Changes what a member is in the organization. It counts from the next request on. Making an admin,
/// and unmaking one, asks for the password (AU-17).
///
/// # Errors
/// [`Error::ReauthenticationRequired`]; [`Error::NotFound`] for a member of elsewhere; the right went meanwhile; the database's fault.
pub async fn change_role(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    (id, role): (MemberId, OrganizationRole),
    step_up: StepUp,
) -> Result<Changed> {
    let now = app.now();
    let outcome = access
        .write(app, move |db, access| {
            let organization = access.organization();
            let account = organization.account;
            let member = queries::member(db, account, id)?.ok_or(Error::NotFound)?;
            if member.role == role {
                return Ok(Changed::Done(member.name));
            }
            if [member.role, role].contains(&OrganizationRole::Admin) {
                step_up.demand()?;
            }
            if !rules::may_go(member.role, queries::admin_count(db, account)?) {
                return Ok(Changed::LastAdmin(member.name));
            }
            organization::set_role(db, account, member.user, role)?;
            let mut ended = 0;
            if role == OrganizationRole::Member {
                // What a member may not send does not wait for an answer.
                let reason = "Whoever sent it is no admin any more.";
                let sent = (member.user, Sent::IntoOrganization);
                let judged = Judged { account, workspace: None, inviter: Some(member.user) };
                ended += void_by_inviter_in(db, account, sent, reason, now)?;
                ended += void_groundless(db, judged, now)?;
            }
            let details = json!({
                "user": { "id": member.user, "name": member.name, "email": member.email },
                "before": { "role": member.role.as_str() }, "after": { "role": role.as_str() },
                "invitations_ended": ended,
            });
            let entry = Entry::of_account(Event::AccountMembershipUpdated, account, details);
            record(db, &By::actor(access.actor(), ip), entry, now)?;
            if member.user != access.person().user {
                let who = (organization, access.person());
                mail::queue_role_changed(db, who, &member.email, role, now)?;
            }
            Ok(Changed::Done(member.name))
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

/// What became of a removal.
#[derive(Clone, Debug)]
pub enum Removed {
    /// The person is out.
    Gone(Box<Member>),
    /// The person is the last admin (O7).
    LastAdmin,
}

/// Takes a member out of the organization and all its workspaces (H9). For an admin that asks for the
/// password (AU-17).
///
/// # Errors
/// [`Error::ReauthenticationRequired`]; [`Error::NotFound`] for a member of elsewhere; the right went meanwhile; the database's fault.
pub async fn remove_member(
    app: &App,
    access: OrganizationAccess<Admin>,
    ip: ClientIp,
    id: MemberId,
    step_up: StepUp,
) -> Result<Removed> {
    let now = app.now();
    let outcome = access
        .write(app, move |db, access| {
            let organization = access.organization();
            let account = organization.account;
            let member = queries::member(db, account, id)?.ok_or(Error::NotFound)?;
            if member.role == OrganizationRole::Admin {
                step_up.demand()?;
            }
            if !rules::may_go(member.role, queries::admin_count(db, account)?) {
                return Ok(Removed::LastAdmin);
            }
            let who = Leaver {
                user: member.user,
                name: &member.name,
                email: &member.email,
                role: member.role,
            };
            let by = By::actor(access.actor(), ip);
            take_out(db, account, &who, (&by, "Whoever sent it was removed."), now)?;
            if member.user != access.person().user {
                mail::queue_removed(db, (organization, access.person()), &member.email, now)?;
            }
            Ok(Removed::Gone(Box::new(member)))
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(outcome)
}

/// Who goes.
pub(super) struct Leaver<'a> {
    pub(super) user: UserId,
    pub(super) name: &'a str,
    pub(super) email: &'a str,
    pub(super) role: OrganizationRole,
}

/// Ends a membership: roles in workspaces, invitations that the person sent or got, and an entry.
pub(super) fn take_out(
    db: &mut Db,
    account: AccountId,
    who: &Leaver<'_>,
    (by, reason): (&By, &str),
    now: Instant,
) -> Result<()> {
    let workspaces = queries::remove_member(db, account, who.user)?;
    let voided = void_by_inviter_in(db, account, (who.user, Sent::Anywhere), reason, now)?;
    let reason = "The invited person is not in the organization any more.";
    void_for_member(db, account, who.user, reason, now)?;
    let details = json!({
        "user": { "id": who.user, "name": who.name, "email": who.email },
        "role": who.role.as_str(),
        "workspace_roles_ended": workspaces,
        "invitations_ended": voided,
        "left": by.id() == Some(who.user.uuid()),
    });
    record(db, by, Entry::of_account(Event::AccountMembershipDeleted, account, details), now)
}

/// What is done with several invitations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkStep {
    /// Sent again, each with a new link.
    Resend,
    /// Taken back.
    Revoke,
}

/// What became of one of several invitations.
#[derive(Clone, Debug)]
pub struct BulkDone {
    /// Its address, where it was found.
    pub email: String,
    /// Whether a mail carries it.
    pub is_mailed: bool,
    /// What stood against it, in a sentence.
    pub problem: Option<String>,
}

/// Sends several invitations again, or takes them back; each for itself, in one transaction.
///
/// # Errors
/// The right went meanwhile; the database's fault.
pub async fn bulk(
    app: &App,
    access: Recruiting,
    ip: ClientIp,
    (ids, once): (Vec<InvitationId>, FormTokenId),
    step: BulkStep,
) -> Result<Vec<BulkDone>> {
    let results = match step {
        BulkStep::Resend => resend_some(app, access, ip, (ids, Some(once))).await?,
        BulkStep::Revoke => revoke_some(app, access, ip, ids).await?,
    };
    Ok(results.into_iter().map(bulk_done).collect())
}

fn bulk_done(managed: Managed<Invitation>) -> BulkDone {
    match managed {
        Managed::Done(invitation) => {
            BulkDone { is_mailed: invitation.is_mailed(), email: invitation.email, problem: None }
        }
        Managed::Refused(problem) => {
            BulkDone { email: String::new(), is_mailed: false, problem: Some(problem) }
        }
        Managed::Over | Managed::Expired => BulkDone {
            email: String::new(),
            is_mailed: false,
            problem: Some("An invitation was answered or revoked meanwhile.".to_owned()),
        },
    }
}
