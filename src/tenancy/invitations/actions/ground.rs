//! Who stands behind an invitation: the inviter's right is judged when it is accepted, and at once when
//! rights change (IN-05, IN-06, R4).

use diesel::prelude::*;

use super::super::model::{Invitation, InvitationId, Offer, Opened, Place, State};
use super::void;
use crate::access::actor::{Person, Reach};
use crate::access::membership::{self, COLUMNS, Held, Workspace};
use crate::access::organization::{self, OrganizationRole};
use crate::access::permission::Permission;
use crate::access::role::{RoleRef, Scopes};
use crate::access::{AccountId, UserId, WorkspaceId, identify};
use crate::base::db::schema::{accounts, invitations, workspaces};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::error::Result;

/// Why nobody stands behind an invitation any more.
pub(super) fn ground_lost(
    db: &mut Db,
    opened: &Opened,
    now: Instant,
) -> Result<Option<&'static str>> {
    let gone = Some("Whoever sent it may not let anybody in any more.");
    let Some(inviter) = opened.invitation.invited_by else { return Ok(gone) };
    let Some(inviter) = identify::person(db, inviter, true)? else { return Ok(gone) };
    let still = match &opened.place {
        Place::Organization(place) => {
            organization::role(db, inviter.user, place.account)? == Some(OrganizationRole::Admin)
        }
        Place::Workspace(place) => {
            let offered = match &opened.offer {
                Offer::Role(role) => role.scopes,
                Offer::OrganizationRole(_) => Scopes::default(),
            };
            let held = held_by(db, &inviter, place, now)?;
            may_offer(held.as_ref(), offered, opened.invitation.access_until)
        }
    };
    if !still {
        return Ok(gone);
    }
    // An organization's workspace is shared with its members only.
    Ok(match opened.invitation.user {
        Some(member) if organization::role(db, member, opened.place.account())?.is_none() => {
            Some("The invited person is not in the organization any more.")
        }
        _ => None,
    })
}

fn held_by(
    db: &mut Db,
    inviter: &Person,
    place: &Workspace,
    now: Instant,
) -> QueryResult<Option<Held>> {
    membership::held(db, &Reach::of_person(inviter, now), place)
}

/// Nobody offers more than the own role, or for longer.
fn may_offer(held: Option<&Held>, offered: Scopes, until: Option<Instant>) -> bool {
    held.is_some_and(|held| {
        held.scopes.contains(Permission::ManageWorkspaceUsers)
            && held.scopes_until(until).covers(offered)
    })
}

/// Whose invitations into an organization's workspaces are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The organization's account.
    pub account: AccountId,
    /// Into this workspace only.
    pub workspace: Option<WorkspaceId>,
    /// Sent by this person only.
    pub inviter: Option<UserId>,
}

impl Judged {
    /// Everybody's, into all workspaces of an organization.
    pub fn all_of(account: AccountId) -> Self {
        Self { account, workspace: None, inviter: None }
    }
}

/// Voids the pending invitations whose inviter may not offer them any more, inside the transaction that
/// took rights away; returns how many. Each inviter is judged once for each workspace.
pub fn void_groundless(db: &mut Db, judged: Judged, now: Instant) -> Result<usize> {
    let mut query = invitations::table
        .inner_join(workspaces::table.inner_join(accounts::table))
        .filter(invitations::account_id.eq(judged.account))
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::invited_by.is_not_null())
        .order((invitations::workspace_id, invitations::invited_by))
        .into_boxed::<MultiBackend>();
    if let Some(workspace) = judged.workspace {
        query = query.filter(invitations::workspace_id.eq(workspace));
    }
    if let Some(inviter) = judged.inviter {
        query = query.filter(invitations::invited_by.eq(inviter));
    }
    let sent: Vec<(Invitation, Workspace)> =
        query.select((Invitation::as_select(), COLUMNS)).load(db)?;
    let custom = sent.iter().filter_map(|(invitation, _)| match invitation.role_ref() {
        Some(RoleRef::Custom(id)) => Some(id),
        _ => None,
    });
    let custom = membership::scopes_of_roles(db, &custom.collect::<Vec<_>>())?;
    let offered = |invitation: &Invitation| match invitation.role_ref() {
        Some(RoleRef::BuiltIn(role)) => role.scopes(),
        Some(RoleRef::Custom(id)) => custom
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, scopes)| *scopes)
            .unwrap_or_default(),
        None => Scopes::default(),
    };
    let mut groundless: Vec<InvitationId> = Vec::new();
    let of_one = |a: &(Invitation, Workspace), b: &(Invitation, Workspace)| {
        (a.1.id, a.0.invited_by) == (b.1.id, b.0.invited_by)
    };
    for group in sent.chunk_by(of_one) {
        let [(Invitation { invited_by: Some(inviter), .. }, place), ..] = group else { continue };
        let held = match identify::person(db, *inviter, true)? {
            Some(person) => held_by(db, &person, place, now)?,
            None => None,
        };
        let lost = group.iter().map(|(invitation, _)| invitation).filter(|invitation| {
            !may_offer(held.as_ref(), offered(invitation), invitation.access_until)
        });
        groundless.extend(lost.map(|invitation| invitation.id));
    }
    let reason = "Whoever sent it may not let anybody in any more.";
    Ok(void::void_some(db, &groundless, reason, now)?)
}
