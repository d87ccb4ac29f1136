//! What the API says of invitations; the slices of the places have the endpoints.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::actions::Managed;
use super::model::Invitation;
use super::rules::{Standing, standing};
use crate::access::organization::OrganizationRole;
use crate::access::role::RoleRef;
use crate::base::db::{Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::moment;

/// An invitation that was not answered. It holds no link: that goes by mail only.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationBody {
    /// Its id.
    pub id: Uuid,
    /// When it was sent last.
    #[schema(format = DateTime)]
    pub sent: String,
    /// The invited address.
    pub email: String,
    /// The invited member, for an invitation into an organization's workspace.
    pub user_id: Option<Uuid>,
    /// `pending` or `expired`.
    pub status: String,
    /// Whether a mail carries it; else its link is copied from the page, and a member has it in the own list.
    pub mailed: bool,
    /// When it ends, or ended.
    #[schema(format = DateTime)]
    pub expiration: String,
    /// Who sent it, by name.
    pub invited_by: String,
    /// As what in the organization.
    pub account_role_id: Option<Uuid>,
    /// As what in the workspace.
    pub workspace_role_id: Option<Uuid>,
    /// When the access ends that it gives.
    #[schema(format = DateTime)]
    pub access_expiration: Option<String>,
}

impl InvitationBody {
    /// An invitation as of now.
    pub fn of(invitation: &Invitation, now: Instant) -> Self {
        let status = match standing(invitation, now) {
            Standing::Expired => "expired",
            Standing::Open | Standing::Over => "pending",
        };
        Self {
            id: invitation.id.uuid(),
            sent: moment(invitation.sent_at),
            email: invitation.email.clone(),
            user_id: invitation.user.map(Id::uuid),
            status: status.to_owned(),
            mailed: invitation.is_mailed(),
            expiration: moment(invitation.expires_at),
            invited_by: invitation.invited_by_name.clone(),
            account_role_id: invitation.organization_role.map(OrganizationRole::id),
            workspace_role_id: invitation.role_ref().map(RoleRef::id),
            access_expiration: invitation.access_until.map(moment),
        }
    }
}

/// How many invitations are wanted, and behind how many.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct InvitationsBody {
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

/// What became of one address.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent {
    /// As it was sent here.
    pub email: String,
    /// `sent`, `not_mailed` (invited, but the address got several mails today: hand on the link), `already_invited`,
    /// `already_member`, `invalid`, `yourself`, `no_place`, `too_many` or `declined_lately`.
    pub status: String,
    /// The invitation, where there is one.
    pub invitation_id: Option<Uuid>,
    /// When it ends; for `declined_lately`, from when on the address can be invited again.
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

/// The invitation that something was done with, or why not.
///
/// # Errors
/// [`Error::Conflict`].
pub fn managed(managed: Managed<Invitation>) -> Result<Invitation> {
    match managed {
        Managed::Done(invitation) => Ok(invitation),
        Managed::Refused(problem) => Err(Error::Conflict(problem)),
        Managed::Over | Managed::Expired => {
            Err(Error::Conflict("It was answered or revoked meanwhile.".to_owned()))
        }
    }
}
