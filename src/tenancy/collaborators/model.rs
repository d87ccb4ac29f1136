//! One row of the list: a collaborator, or an invitation that was not answered.

use diesel::prelude::*;

use crate::access::UserId;
use crate::base::db::{Id, Instant};
use crate::base::mail::MailState;
use crate::tenancy::invitations::model::InvitationId;

/// The id of a membership.
pub type CollaboratorId = Id<Collaborator>;

/// Somebody who was let into a workspace.
#[derive(Clone, Debug, Queryable)]
pub struct Collaborator {
    /// The membership's id.
    pub id: CollaboratorId,
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

/// An invitation that was not answered, with the mail that carries it.
#[derive(Clone, Debug, Queryable)]
pub struct Invited {
    /// The invitation's id.
    pub id: InvitationId,
    /// The invited address.
    pub email: String,
    /// Who sent it.
    pub invited_by_name: String,
    /// When it was sent last.
    pub sent_at: Instant,
    /// When it ends, or ended.
    pub expires_at: Instant,
    /// Where its mail is on its way; `None` when that is no longer known.
    pub mail_state: Option<MailState>,
    /// Why the mail's last try failed.
    pub mail_error: Option<String>,
}

/// One row of the list.
#[derive(Clone, Debug)]
pub enum Row {
    /// Not answered yet.
    Invited(Invited),
    /// In.
    Collaborator(Collaborator),
}

/// The place of a row in the list: invitations first, the newest on top, then people by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// An invitation.
    Invited(InvitationId),
    /// A person.
    Collaborator(String, CollaboratorId),
}

impl Row {
    /// Its place in the list.
    pub fn key(&self) -> Key {
        match self {
            Self::Invited(row) => Key::Invited(row.id),
            Self::Collaborator(row) => Key::Collaborator(row.sort_name.clone(), row.id),
        }
    }
}

impl Key {
    /// As it stands in an address.
    pub fn text(&self) -> String {
        match self {
            Self::Invited(id) => format!("i.{id}"),
            Self::Collaborator(name, id) => format!("c.{id}.{name}"),
        }
    }

    /// Reads what [`Key::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(id) = text.strip_prefix("i.") {
            return id.parse().ok().map(Self::Invited);
        }
        let (id, name) = text.strip_prefix("c.")?.split_once('.')?;
        Some(Self::Collaborator(name.to_owned(), id.parse().ok()?))
    }
}

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// All of them.
    #[default]
    All,
    /// People who are in.
    Active,
    /// Invitations that can be accepted.
    Pending,
    /// Invitations whose time is over.
    Expired,
}

impl Status {
    /// All values, with the word in the address and the words on the page.
    pub const ALL: [(Self, &str, &str); 4] = [
        (Self::All, "", "All"),
        (Self::Active, "active", "Active"),
        (Self::Pending, "pending", "Pending"),
        (Self::Expired, "expired", "Expired"),
    ];

    /// The value of a word in the address; an unknown one means all.
    pub fn parse(word: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == word)
            .map_or(Self::All, |(value, _, _)| *value)
    }
}

/// How many there are in all, whatever is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// People who are in.
    pub active: i64,
    /// Invitations that were not answered, expired ones included.
    pub invited: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_address() {
        let now = Instant::from_microseconds(1);
        for key in [
            Key::Invited(Id::new(now)),
            Key::Collaborator("ada. lovelace".to_owned(), Id::new(now)),
            Key::Collaborator(String::new(), Id::new(now)),
        ] {
            assert_eq!(Key::parse(&key.text()), Some(key));
        }
        for bad in
            ["", "i.", "c.", "x.1", "i.1", "c.1.ada", "c.00000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_unknown_status_means_all() {
        assert_eq!(Status::parse("pending"), Status::Pending);
        assert_eq!(Status::parse("' OR 1=1"), Status::All);
    }
}
