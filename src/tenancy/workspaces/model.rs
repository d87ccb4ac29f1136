//! What a workspace is described by, and what its account has room for.

use crate::access::WorkspaceId;
use crate::access::handle::Handle;
use crate::access::membership::AccountKind;
use crate::access::role::Scopes;
use crate::base::db::Instant;
use crate::base::text::{several_lines, thousands};
use crate::urls::InWorkspace;

/// What a workspace is for, as plain text; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// The longest description, in characters as people count them.
    pub const MAX: usize = 500;

    /// A description as typed.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        several_lines(raw, "The description", Self::MAX).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many workspaces an account has, and how many it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Workspaces that are not deleted.
    pub used: i64,
    /// The limit; `None` is unlimited.
    pub limit: Option<i64>,
}

impl Slots {
    /// Whether there is no room for one more.
    pub fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.used >= limit)
    }

    /// `3 of 5`, where there is a limit.
    pub fn text(&self) -> Option<String> {
        self.limit.map(|limit| format!("{} of {}", thousands(self.used), thousands(limit)))
    }
}

/// What a person says about a workspace.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its handle.
    pub handle: Handle,
    /// Its description.
    pub description: Description,
}

/// Why a handle cannot be had, and one that can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The handle.
    pub handle: Handle,
    /// Until when a deleted workspace keeps it, where that is the reason.
    pub reserved_until: Option<Instant>,
    /// A free one that is close.
    pub proposal: Handle,
}

impl Taken {
    /// What the field says.
    pub fn problem(&self) -> String {
        match self.reserved_until {
            None => format!("“{}” is taken. “{}” is free.", self.handle, self.proposal),
            Some(until) => format!(
                "“{}” stays reserved for a deleted workspace until {}. “{}” is free.",
                self.handle,
                until.day_text(),
                self.proposal
            ),
        }
    }
}

/// A workspace in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: WorkspaceId,
    /// Handle of the owning account.
    pub account_handle: String,
    /// Name of the owning account.
    pub account_name: String,
    /// What kind of account that is.
    pub account_kind: AccountKind,
    /// Its handle.
    pub handle: String,
    /// Its description; may be empty.
    pub description: String,
    /// Whether it belongs to the viewer's own account.
    pub is_own: bool,
    /// Whether the viewer decides over the account that owns it.
    pub has_authority: bool,
    /// What the viewer may do in it.
    pub scopes: Scopes,
    /// Whether the viewer was given a role of one's own in it, which can be given up.
    pub has_grant: bool,
    /// People who were let in.
    pub people: i64,
}

impl InWorkspace for Listed {
    fn handles(&self) -> (&str, &str) {
        (&self.account_handle, &self.handle)
    }
}

/// A deleted workspace that has not been removed yet.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// Its id.
    pub id: WorkspaceId,
    /// Its handle, reserved meanwhile.
    pub handle: String,
    /// When it was deleted.
    pub deleted_at: Instant,
    /// When it is removed for good.
    pub purge_after: Instant,
}

/// The order within each owner's group of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By handle.
    #[default]
    Name,
    /// The newest first.
    Newest,
}

impl Sort {
    /// The word in the address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Newest => "newest",
        }
    }

    /// The order that a word names; an unknown word is the usual order.
    pub fn parse(word: &str) -> Self {
        if word == "newest" { Self::Newest } else { Self::Name }
    }
}

/// What the list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Text to find.
    pub q: String,
    /// Handle of an owning account.
    pub owner: String,
    /// The order.
    pub sort: Sort,
}

/// The place of a row in the list: its owner, and what orders it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Handle of the owning account.
    pub account: String,
    /// Where in the owner's group.
    pub edge: Edge,
}

/// The place of a row in its owner's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// By handle.
    Name(String),
    /// By age.
    Newest(WorkspaceId),
}

impl Key {
    /// The place of a row.
    pub fn of(row: &Listed, sort: Sort) -> Self {
        let edge = match sort {
            Sort::Name => Edge::Name(row.handle.clone()),
            Sort::Newest => Edge::Newest(row.id),
        };
        Self { account: row.account_handle.clone(), edge }
    }

    /// A place as it stands in an address: `ada/lab`, or `ada/` and an id.
    pub fn parse(text: &str, sort: Sort) -> Option<Self> {
        let (account, edge) = text.split_once('/').filter(|(a, _)| Handle::is_stored_form(a))?;
        let edge = match sort {
            Sort::Name => Edge::Name(edge.to_owned()).checked()?,
            Sort::Newest => Edge::Newest(edge.parse().ok()?),
        };
        Some(Self { account: account.to_owned(), edge })
    }

    /// The place as it stands in an address.
    pub fn text(&self) -> String {
        match &self.edge {
            Edge::Name(handle) => format!("{}/{handle}", self.account),
            Edge::Newest(id) => format!("{}/{id}", self.account),
        }
    }
}

impl Edge {
    fn checked(self) -> Option<Self> {
        match &self {
            Self::Name(handle) if !Handle::is_stored_form(handle) => None,
            _ => Some(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_survives_the_address() {
        let id = "0199a0c5-7d2e-7abc-8def-0123456789ab";
        for (text, sort) in [("ada/lab", Sort::Name), (&*format!("ada/{id}"), Sort::Newest)] {
            assert_eq!(Key::parse(text, sort).unwrap().text(), text);
        }
        for bad in ["", "ada", "/", "ada/", "Ada/lab", "ada/l b", "ada/lab/x", "ada/\u{0}"] {
            assert_eq!(Key::parse(bad, Sort::Name), None, "{bad:?}");
            assert_eq!(Key::parse(bad, Sort::Newest), None, "{bad:?}");
        }
    }

    #[test]
    fn a_limit_of_none_is_never_full() {
        assert!(!Slots { used: 1_000_000, limit: None }.is_full());
        assert!(Slots { used: 5, limit: Some(5) }.is_full());
        assert!(Slots { used: 6, limit: Some(5) }.is_full());
        assert!(Slots { used: 0, limit: Some(0) }.is_full());
        assert_eq!(Slots { used: 3, limit: Some(5) }.text().as_deref(), Some("3 of 5"));
    }

    #[test]
    fn a_description_is_counted_as_people_count() {
        assert!(Description::parse(&"é".repeat(500)).is_ok());
        assert!(Description::parse(&"é".repeat(501)).is_err());
        assert_eq!(Description::parse(" one\r\ntwo ").unwrap().as_str(), "one\ntwo");
        assert!(Description::parse("a\u{202e}b").is_err());
    }
}
