//! Somebody in the list.

use diesel::prelude::*;

use crate::access::UserId;
use crate::base::db::Instant;
use crate::tenancy::invitations::roster::{Listed, MemberId};

/// Somebody who was let into a workspace.
#[derive(Clone, Debug, Queryable)]
pub struct Collaborator {
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
    /// When the person was last in the workspace.
    pub last_seen_at: Option<Instant>,
}

impl Listed for Collaborator {
    fn key(&self) -> (String, MemberId) {
        (self.sort_name.clone(), self.id)
    }
}
