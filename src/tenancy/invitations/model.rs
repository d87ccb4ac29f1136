//! An invitation as the database knows it.

use diesel::prelude::*;

use crate::access::actor::Person;
use crate::access::membership::{AccountKind, Workspace};
use crate::access::organization::{Organization, OrganizationRole};
use crate::access::role::{NamedRole, Role, RoleId, RoleRef};
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::ids::MailId;
use crate::base::db::schema::invitations;
use crate::base::db::{Instant, MultiBackend};
use crate::base::secret::{InstanceKeys, Purpose};
use crate::tenancy::audit::{Entry, Event};
use crate::urls;

pub use crate::base::db::ids::InvitationId;

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

crate::base::db::text_enum! {
    /// What kind of place it leads to.
    Kind {
        /// Into somebody's personal workspace.
        Collaborator = "collaborator",
        /// A member of an organization, into one of its workspaces (H10).
        Workspace = "workspace",
        /// Into an organization.
        Organization = "organization",
    }
}

/// An invitation.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(MultiBackend))]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// What kind of place it leads to.
    pub kind: Kind,
    /// The account that invited: an organization, or the owner of the workspace.
    #[diesel(column_name = account_id)]
    pub account: AccountId,
    /// The workspace; `None` for an invitation into an organization.
    #[diesel(column_name = workspace_id)]
    pub workspace: Option<WorkspaceId>,
    /// The invited address, as mails are sent to it.
    pub email: String,
    /// The invited address, for comparison.
    pub email_key: String,
    /// The invited member, where it is for a member of the organization.
    #[diesel(column_name = user_id)]
    pub user: Option<UserId>,
    /// As what in the workspace: a built-in role.
    pub role: Option<Role>,
    /// As what in the workspace: one of the organization's own roles.
    #[diesel(column_name = custom_role_id)]
    pub custom_role: Option<RoleId>,
    /// As what in the organization.
    pub organization_role: Option<OrganizationRole>,
    /// When the access that it gives ends.
    pub access_until: Option<Instant>,
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
    /// The mail that carries it; `None` where the address got several that day.
    pub mail_id: Option<MailId>,
}

impl Invitation {
    /// The token of its link, for one way of handing it on.
    pub fn token(&self, keys: &InstanceKeys, way: Way) -> String {
        keys.link_token(way.purpose(), self.id.uuid(), self.generation)
    }

    /// Whether a mail carries it.
    pub fn is_mailed(&self) -> bool {
        self.mail_id.is_some()
    }

    /// Why no mail carries it, in a sentence; `None` where one does.
    pub fn unmailed(&self, keeps_mails: bool) -> Option<&'static str> {
        if keeps_mails {
            return Some("No mail server is set: copy the link and hand it on.");
        }
        let several = "It stands in their list; no mail was sent, since they got several today.";
        (!self.is_mailed()).then_some(several)
    }

    /// Among which invitations it is listed.
    pub fn scope(&self) -> Scope {
        Scope { account: self.account, workspace: self.workspace }
    }

    /// The role in the workspace that it names.
    pub fn role_ref(&self) -> Option<RoleRef> {
        RoleRef::of(self.role, self.custom_role)
    }

    /// Whether it is for this person: the invited member, or whoever has the invited address.
    pub fn is_for(&self, person: &Person) -> bool {
        match self.user {
            Some(user) => user == person.user,
            None => self.email_key == person.email_key,
        }
    }

    /// The event in the audit log when something happens to it.
    pub fn event(&self, what: Happened) -> Event {
        what.event(self.workspace.is_some())
    }
}

/// The place whose invitations are meant: a workspace, or the organization itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The account that invites.
    pub account: AccountId,
    /// The workspace; `None` for the organization itself.
    pub workspace: Option<WorkspaceId>,
}

/// What happened to an invitation, for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was sent.
    Created,
    /// It was sent again, or its link looked at.
    Updated,
    /// It was taken back, or lost its ground.
    Deleted,
    /// The invited person joined.
    Accepted,
    /// The invited person does not want to.
    Rejected,
}

impl Happened {
    /// The event in the log.
    pub fn event(self, into_workspace: bool) -> Event {
        match (self, into_workspace) {
            (Self::Created, true) => Event::WorkspaceInvitationCreated,
            (Self::Updated, true) => Event::WorkspaceInvitationUpdated,
            (Self::Deleted, true) => Event::WorkspaceInvitationDeleted,
            (Self::Accepted, true) => Event::WorkspaceInvitationAccepted,
            (Self::Rejected, true) => Event::WorkspaceInvitationRejected,
            (Self::Created, false) => Event::AccountInvitationCreated,
            (Self::Updated, false) => Event::AccountInvitationUpdated,
            (Self::Deleted, false) => Event::AccountInvitationDeleted,
            (Self::Accepted, false) => Event::AccountInvitationAccepted,
            (Self::Rejected, false) => Event::AccountInvitationRejected,
        }
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

/// Where an invitation leads.
#[derive(Clone, Debug)]
pub enum Place {
    /// Into a workspace.
    Workspace(Workspace),
    /// Into an organization.
    Organization(Organization),
}

impl Place {
    /// The account that owns it, or that it is.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Workspace(workspace) => workspace.account,
            Self::Organization(organization) => organization.account,
        }
    }

    /// Its name: a workspace's handle, an organization's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Workspace(workspace) => &workspace.handle,
            Self::Organization(organization) => &organization.name,
        }
    }

    /// What it is called in addresses and commands.
    pub fn path(&self) -> String {
        match self {
            Self::Workspace(workspace) => {
                format!("{}/{}", workspace.account_handle, workspace.handle)
            }
            Self::Organization(organization) => organization.handle.clone(),
        }
    }

    /// `workspace` or `organization`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Workspace(_) => "workspace",
            Self::Organization(_) => "organization",
        }
    }

    /// Where somebody who joined arrives.
    pub fn home(&self) -> String {
        match self {
            Self::Workspace(place) => urls::workspace(place),
            Self::Organization(place) => urls::organization_page(&place.handle, "workspaces"),
        }
    }

    /// The page with its people and invitations.
    pub fn people(&self) -> String {
        match self {
            Self::Workspace(place) if takes_collaborators(place) => urls::collaborators(place),
            Self::Workspace(place) => urls::sharing(place),
            Self::Organization(place) => urls::organization_page(&place.handle, "members"),
        }
    }

    /// The page that sends an invitation again.
    pub fn resend(&self, id: InvitationId) -> String {
        match self {
            Self::Workspace(place) if takes_collaborators(place) => {
                urls::collaborator_step(place, id, "resend")
            }
            Self::Workspace(place) => urls::sharing_invitation(place, id, "resend"),
            Self::Organization(place) => urls::organization_invitation(&place.handle, id, "resend"),
        }
    }

    /// An entry of the audit log about it.
    pub fn entry(&self, event: Event, details: serde_json::Value) -> Entry {
        match self {
            Self::Workspace(workspace) => Entry::of_workspace(event, workspace, details),
            Self::Organization(organization) => {
                Entry::of_account(event, organization.account, details)
            }
        }
    }
}

/// As what an invitation lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// With a role in the workspace.
    Role(NamedRole),
    /// With a role in the organization.
    OrganizationRole(OrganizationRole),
}

impl Offer {
    /// The role's name.
    pub fn title(&self) -> &str {
        match self {
            Self::Role(role) => &role.title,
            Self::OrganizationRole(role) => role.title(),
        }
    }

    /// What one can do in the workspace then, in the words of the table.
    pub fn allows(&self) -> Vec<String> {
        match self {
            Self::Role(role) => role.scopes.in_words(),
            Self::OrganizationRole(_) => Vec::new(),
        }
    }

    /// What one can do then, in a sentence.
    pub fn purpose(&self) -> String {
        match self {
            Self::Role(NamedRole {
                role: RoleRef::BuiltIn(Role::Collaborator), scopes, ..
            }) => {
                format!("You can {}.", scopes.in_short())
            }
            Self::Role(NamedRole { role: RoleRef::BuiltIn(role), .. }) => {
                format!("{}.", role.purpose())
            }
            Self::Role(role) => {
                format!(
                    "{} permissions of the organization’s own role.",
                    role.scopes.iter().count()
                )
            }
            Self::OrganizationRole(OrganizationRole::Admin) => {
                "You manage the organization, and own all its workspaces.".to_owned()
            }
            Self::OrganizationRole(OrganizationRole::Member) => {
                "You work in the workspaces that are shared with you.".to_owned()
            }
        }
    }
}

/// An invitation together with where it leads.
#[derive(Clone, Debug)]
pub struct Target {
    /// The invitation.
    pub invitation: Invitation,
    /// Where it leads, and as what; `None` once that is gone.
    pub place: Option<(Place, Offer)>,
}

/// An invitation whose link was opened with a token that fits its present generation.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The invitation.
    pub invitation: Invitation,
    /// Where it leads.
    pub place: Place,
    /// As what.
    pub offer: Offer,
    /// How the link got here.
    pub way: Way,
    /// The token, for the addresses of the steps.
    pub token: String,
}

impl Opened {
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
    /// Handle of the account that invites.
    pub account: String,
    /// Handle of the workspace; `None` for the organization itself.
    pub workspace: Option<String>,
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

    /// Where it leads, as people write it.
    pub fn path(&self) -> String {
        match &self.workspace {
            Some(workspace) => format!("{}/{workspace}", self.account),
            None => self.account.clone(),
        }
    }
}
