//! An invitation as the database knows it.

use diesel::prelude::*;

use crate::access::actor::Person;
use crate::access::membership::{AccountKind, Workspace};
use crate::access::role::Role;
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::schema::invitations;
use crate::base::db::{Id, Instant, MultiBackend};
use crate::base::secret::{InstanceKeys, Purpose};
use crate::urls;

/// The id of an invitation.
pub type InvitationId = Id<Invitation>;

crate::base::db::text_enum! {
    /// Where an invitation stands. That it has expired is told by the clock, not by the row.
    State {
        /// Waits for an answer.
        Pending = "pending",
        /// The invited person joined.
        Accepted = "accepted",
        /// The invited person does not want to.
        Declined = "declined",
        /// Whoever may invite took it back.
        Revoked = "revoked",
        /// Another invitation took its place.
        Superseded = "superseded",
        /// What it was about, or who stood behind it, is gone.
        Void = "void",
    }
}

/// An invitation.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(MultiBackend))]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The account that owned the workspace when it was sent.
    #[diesel(column_name = account_id)]
    pub account: AccountId,
    /// Where to.
    #[diesel(column_name = workspace_id)]
    pub workspace: WorkspaceId,
    /// The invited address, as mails are sent to it.
    pub email: String,
    /// The invited address, for comparison.
    pub email_key: String,
    /// As what.
    pub role: Role,
    /// Where it stands.
    pub state: State,
    /// Raised by each resend: links of an older generation are dead.
    pub generation: i32,
    /// No answer is taken from then on.
    pub expires_at: Instant,
    /// Who sent it last.
    pub invited_by: Option<UserId>,
    /// Their name then.
    pub invited_by_name: String,
    /// When the invited person last asked for a new one.
    pub renewal_asked_at: Option<Instant>,
    /// When it was sent last.
    pub sent_at: Instant,
    /// Who accepted it.
    pub accepted_by: Option<UserId>,
}

impl Invitation {
    /// The token of its link, for one way of handing it on.
    pub fn token(&self, keys: &InstanceKeys, way: Way) -> String {
        keys.link_token(way.purpose(), self.id.uuid(), self.generation)
    }
}

/// How a link reached whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By mail to the invited address: opening it proves the address.
    Mailed,
    /// Handed on by whoever invited: proves nothing.
    Copied,
}

impl Way {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mailed, Self::Copied];

    /// What a token of this way is derived for.
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Mailed => Purpose::InvitationMailed,
            Self::Copied => Purpose::InvitationCopied,
        }
    }

    /// The word in the audit log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mailed => "mailed",
            Self::Copied => "copied",
        }
    }
}

/// An invitation together with the workspace it leads to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The invitation.
    pub invitation: Invitation,
    /// The workspace; `None` once it is deleted.
    pub workspace: Option<Workspace>,
}

/// An invitation whose link was opened with a token that fits its present generation.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The invitation.
    pub invitation: Invitation,
    /// Where it leads.
    pub workspace: Workspace,
    /// How the link got here.
    pub way: Way,
    /// The token, for the addresses of the steps.
    pub token: String,
}

impl Opened {
    /// The address of the workspace.
    pub fn home(&self) -> String {
        urls::workspace(&self.workspace.account_handle, &self.workspace.handle)
    }

    /// Whether the invited address is this person's.
    pub fn is_for(&self, person: &Person) -> bool {
        self.invitation.email_key == person.email_key
    }

    /// The address of one step.
    pub fn step(&self, step: &str) -> String {
        urls::invitation_step(&self.token, step)
    }
}

/// Whether a workspace has collaborators at all; an organization's has members (B7).
pub fn takes_collaborators(workspace: &Workspace) -> bool {
    workspace.account_kind == AccountKind::Personal
}

/// An invitation in the list of whom it is for.
#[derive(Clone, Debug, Queryable)]
pub struct PendingInvitation {
    /// Its id.
    pub id: InvitationId,
    /// The generation of its link.
    pub generation: i32,
    /// Handle of the owning account.
    pub account: String,
    /// Handle of the workspace.
    pub workspace: String,
    /// As what.
    pub role: Role,
    /// Who invites.
    pub invited_by_name: String,
    /// Until when.
    pub expires_at: Instant,
}

impl PendingInvitation {
    /// The token of its link. It proves no address: whoever sees the list has proved theirs.
    pub fn token(&self, keys: &InstanceKeys) -> String {
        keys.link_token(Purpose::InvitationCopied, self.id.uuid(), self.generation)
    }

    /// The page with **Accept invitation** and **Decline**.
    pub fn href(&self, keys: &InstanceKeys) -> String {
        urls::invitation(&self.token(keys))
    }
}
