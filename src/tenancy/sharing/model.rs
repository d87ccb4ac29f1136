//! Who is listed on the sharing page.

use crate::access::organization::OrganizationRole;
use crate::access::role::NamedRole;
use crate::access::{ServiceAccountId, UserId};
use crate::base::db::Instant;
use crate::tenancy::invitations::roster::{Listed, MemberId};

pub use crate::base::db::ids::BotGrantId;

/// What becomes of the end of somebody's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It stays as it is.
    Keep,
    /// It is this from now on; `None` for never.
    Set(Option<Instant>),
}

impl End {
    /// The end from now on, where `present` is the one so far.
    pub fn or(self, present: Option<Instant>) -> Option<Instant> {
        match self {
            Self::Keep => present,
            Self::Set(end) => end,
        }
    }
}

/// A person with a role of their own in a workspace.
#[derive(Clone, Debug)]
pub struct SharedPerson {
    /// The membership's id.
    pub id: MemberId,
    /// The person.
    pub user: UserId,
    /// What the list is sorted by.
    pub sort_name: String,
    /// Display name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Handle of the personal account.
    pub handle: String,
    /// The role.
    pub role: NamedRole,
    /// Who gave it, by name.
    pub by: String,
    /// When it was given.
    pub since: Instant,
    /// When it ends.
    pub until: Option<Instant>,
    /// When the person was last in the workspace.
    pub last_seen_at: Option<Instant>,
    /// What the person is in the organization.
    pub organization_role: Option<OrganizationRole>,
}

impl Listed for SharedPerson {
    fn key(&self) -> (String, MemberId) {
        (self.sort_name.clone(), self.id)
    }
}

/// A service account with which a workspace is shared.
#[derive(Clone, Debug)]
pub struct SharedBot {
    /// The grant's id.
    pub id: BotGrantId,
    /// The service account.
    pub bot: ServiceAccountId,
    /// What the list is sorted by.
    pub sort_name: String,
    /// Its name.
    pub name: String,
    /// The role.
    pub role: NamedRole,
    /// Who shared it, by name.
    pub by: String,
    /// When it was shared.
    pub since: Instant,
    /// When it ends.
    pub until: Option<Instant>,
    /// When the service account was last in the workspace.
    pub last_seen_at: Option<Instant>,
    /// Since when its keys are refused.
    pub disabled_at: Option<Instant>,
}

/// The place of a row in the list of service accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotPlace {
    /// The name in lower case.
    pub sort_name: String,
    /// The grant.
    pub id: BotGrantId,
}

impl BotPlace {
    /// As it stands in an address.
    pub fn text(&self) -> String {
        format!("{}~{}", self.id, self.sort_name)
    }

    /// Reads what [`BotPlace::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, name) = text.split_once('~')?;
        Some(Self { sort_name: name.to_owned(), id: id.parse().ok()? })
    }
}
