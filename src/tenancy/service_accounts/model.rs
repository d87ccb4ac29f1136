//! A service account and its keys.

use diesel::prelude::*;
use jiff::SignedDuration;

use crate::access::ServiceAccountId;
use crate::base::db::ids::KeyId;
use crate::base::db::schema::{service_account_keys, service_accounts};
use crate::base::db::{Instant, MultiBackend};
use crate::base::text::single_line;

pub use crate::base::db::ids::BotKeyId;

/// The longest life of a key that was rotated (A4).
pub const LONGEST_OVERLAP: SignedDuration = SignedDuration::from_hours(48);

/// Service accounts that one organization may have when nobody set a limit: lists show all of them.
pub const MOST: i64 = 10_000;

/// The name of a service account, unique in its organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotName(String);

impl BotName {
    /// A name as typed.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let name = single_line(raw, "The name", 64)?;
        if name.is_empty() {
            return Err("Enter a name, such as what the service account is for.".to_owned());
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For comparison.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A service account.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = service_accounts, check_for_backend(MultiBackend))]
pub struct Bot {
    /// Its id.
    pub id: ServiceAccountId,
    /// Its name.
    pub name: String,
    /// The name in lower case, which orders lists.
    pub name_key: String,
    /// When it was made.
    pub created_at: Instant,
    /// Who made it, by name.
    pub created_by_name: String,
    /// Since when its keys are refused.
    pub disabled_at: Option<Instant>,
}

/// A key of a service account.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = service_account_keys, check_for_backend(MultiBackend))]
pub struct BotKey {
    /// Its id.
    pub id: BotKeyId,
    /// Whose.
    #[diesel(column_name = service_account_id)]
    pub service_account: ServiceAccountId,
    /// The last four characters.
    pub last_four: String,
    /// When it was made.
    pub created_at: Instant,
    /// Who made it, by name.
    pub created_by_name: String,
    /// When it stops; `None` for never.
    pub expires_at: Option<Instant>,
    /// When another key took its place.
    pub replaced_at: Option<Instant>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Instant>,
    /// From which address it was used last.
    pub last_used_ip: Option<String>,
    /// The person's key that it was made with.
    pub made_with_key_id: Option<KeyId>,
}

impl BotKey {
    /// Whether it is refused by now.
    pub fn is_over(&self, now: Instant) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The place of a row in the list of service accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name in lower case.
    pub name_key: String,
}
