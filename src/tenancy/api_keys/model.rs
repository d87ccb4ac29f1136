//! A key as it is listed, and the parts that a new one is made of.

use diesel::prelude::*;

use crate::access::{UserId, WorkspaceId};
use crate::base::db::schema::api_keys;
use crate::base::db::{Instant, MultiBackend};
use crate::base::text;

pub use crate::base::db::ids::KeyId;

/// A key as its owner sees it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(MultiBackend))]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub user_id: UserId,
    /// Its name, unique among the owner's.
    pub name: String,
    /// The last four characters, to recognise it.
    pub last_four: String,
    /// Nothing but this workspace.
    pub only_workspace_id: Option<WorkspaceId>,
    /// Only reading.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it stops; `None` for never.
    pub expires_at: Option<Instant>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Instant>,
    /// From which address it was used last.
    pub last_used_ip: Option<String>,
    /// The key that it was made with, and ends with.
    pub made_with_key_id: Option<KeyId>,
}

/// A key's name: one line that its owner recognises it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// Characters at most.
    pub const LONGEST: usize = 64;

    /// Reads a typed name.
    ///
    /// # Errors
    /// A sentence for whoever typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let name = text::single_line(raw, "The name", Self::LONGEST)?;
        if name.is_empty() {
            return Err("Enter a name, such as the machine that the key is for.".to_owned());
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that the program chose.
    pub(super) fn chosen(name: String) -> Self {
        Self(name)
    }
}

/// How long a key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// This many days.
    Days(i64),
    /// Until this moment, as a program asked.
    Until(Instant),
    /// Until it is deleted.
    Unlimited,
}

impl Lifetime {
    /// What is offered first (A5, SP-22), and what a login through the browser gets (A6).
    pub const USUAL: Self = Self::Days(30);

    /// What the form offers: its value, its words, what it means.
    const OFFERED: [(&'static str, &'static str, Self); 5] = [
        ("7", "7 days", Self::Days(7)),
        ("30", "30 days", Self::Days(30)),
        ("90", "90 days", Self::Days(90)),
        ("365", "1 year", Self::Days(365)),
        ("never", "Never", Self::Unlimited),
    ];

    /// Values and words for the form.
    pub fn options() -> Vec<(String, String)> {
        let option =
            |(value, words, _): &(&str, &str, Self)| ((*value).to_owned(), (*words).to_owned());
        Self::OFFERED.iter().map(option).collect()
    }

    /// Reads the form's value.
    ///
    /// # Errors
    /// A sentence for whoever sent it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let offered = Self::OFFERED.iter().find(|(value, _, _)| *value == raw);
        offered.map(|(_, _, lifetime)| *lifetime).ok_or("Choose one of the list.".to_owned())
    }

    /// When a key made at `now` stops.
    pub fn end(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Days(days) => Some(now.plus_days(days)),
            Self::Until(end) => Some(end),
            Self::Unlimited => None,
        }
    }
}

/// What somebody asked for.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// Its name.
    pub name: KeyName,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Nothing but this workspace.
    pub only_workspace: Option<WorkspaceId>,
    /// Only reading.
    pub read_only: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        assert_eq!(KeyName::parse("  laptop ").unwrap().as_str(), "laptop");
        for bad in ["", "   ", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            assert!(KeyName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_what_the_form_offers_is_a_lifetime() {
        for (value, _) in Lifetime::options() {
            assert!(Lifetime::parse(&value).is_ok());
        }
        for bad in ["", "8", "-7", "36500", "Never"] {
            assert!(Lifetime::parse(bad).is_err(), "{bad}");
        }
    }
}
