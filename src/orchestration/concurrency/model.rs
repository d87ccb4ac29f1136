//! A concurrency limit, and a lease of its slots.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::usage::Usage;
use crate::base::db::schema::{concurrency_leases, concurrency_limits};
use crate::base::db::{Id, Instant, Json, MultiBackend, text_enum};
use crate::base::error::{Error, Result};

pub use crate::base::db::ids::{LeaseId, LimitId};

text_enum! {
    /// What a limit is about, as its name begins (LIM-01).
    LimitKind {
        /// What code asks for by name.
        Global = "global",
        /// Tasks with a tag: `tag:…`.
        Tag = "tag",
        /// Runs of a deployment: `deployment:…`.
        Deployment = "deployment",
    }
}

/// What the names of limits of tags begin with.
pub const TAG: &str = "tag:";

/// What the names of limits of deployments begin with.
const DEPLOYMENT: &str = "deployment:";

impl LimitKind {
    /// The kind of a limit with a name.
    pub fn of(name: &str) -> Self {
        if name.starts_with(TAG) {
            Self::Tag
        } else if name.starts_with(DEPLOYMENT) {
            Self::Deployment
        } else {
            Self::Global
        }
    }
}

text_enum! {
    /// What kind of thing holds slots.
    HolderKind {
        /// A run of a flow.
        FlowRun = "flow_run",
        /// A run of a task.
        TaskRun = "task_run",
        /// A deployment.
        Deployment = "deployment",
    }
}

impl Serialize for HolderKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for HolderKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("no such type of holder"))
    }
}

/// Who holds slots (LIM-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Holder {
    /// Of which kind.
    #[serde(rename = "type")]
    pub kind: HolderKind,
    /// Its id.
    pub id: Id<Self>,
}

/// A limit.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = concurrency_limits, check_for_backend(MultiBackend))]
pub struct Limit {
    /// Its id.
    pub id: LimitId,
    /// Its name, unique in the workspace.
    pub name: String,
    /// What it is about.
    pub kind: LimitKind,
    /// Whether it counts; else it is kept, and limits nothing (LIM-03).
    pub is_active: bool,
    /// How many slots there are.
    pub slots: i64,
    /// Slots that were in use when they were last counted.
    pub taken: i64,
    /// Slots that were asked for in vain, when they were last counted.
    pub denied: i64,
    /// Slots that are given back by themselves, a second; 0 where they are held until they are given back.
    pub decay: f64,
    /// Seconds that a slot is held, on average.
    pub occupancy: f64,
    /// When the slots in use were last counted.
    pub taken_at: Instant,
    /// When those in vain were.
    pub denied_at: Instant,
    /// How it was used lately.
    pub usage: Json<Usage>,
    /// Who changed it last, by name.
    pub changed_by: String,
    /// When it was made.
    pub created_at: Instant,
    /// When somebody last changed it.
    pub updated_at: Instant,
}

/// A lease: slots that somebody holds.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = concurrency_leases, check_for_backend(MultiBackend))]
pub struct Lease {
    /// Its id.
    pub id: LeaseId,
    /// How many slots of each limit.
    pub slots: i64,
    /// What kind of thing holds them, where that is known.
    pub holder_kind: Option<HolderKind>,
    /// Which.
    pub holder_id: Option<Id<Holder>>,
    /// Since when.
    pub taken_at: Instant,
    /// When it was last renewed.
    pub renewed_at: Option<Instant>,
    /// Until when, unless it is renewed; `None` for until the holder ends.
    pub expires_at: Option<Instant>,
}

impl Lease {
    /// Who holds it, where that is known.
    pub fn holder(&self) -> Option<Holder> {
        Some(Holder { kind: self.holder_kind?, id: self.holder_id? })
    }

    /// Whether it lasts at a moment.
    pub fn lasts(&self, now: Instant) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// Seconds that a slot of a new limit is taken to be held.
pub const OCCUPANCY: f64 = 2.0;

/// The largest number of slots: what the int32 of other servers holds.
pub const MOST: i64 = i32::MAX as i64;

/// Bytes of a name, at most: an index holds it.
const LONGEST: usize = 1000;

/// Checks a name of a client (LIM-08).
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_name(name: &str) -> Result<()> {
    let is_kept = !name.is_empty() && name.len() <= LONGEST && !name.contains(BANNED);
    if is_kept {
        return Ok(());
    }
    let rule = format!("name: use 1 to {LONGEST} bytes, and none of / % & < >");
    Err(Error::Invalid(rule))
}

/// What no name has, as it would not fit into an address of the client.
pub const BANNED: [char; 5] = ['/', '%', '&', '>', '<'];

/// Which limit an address names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one of an id.
    Id(LimitId),
    /// The one of a name.
    Name(String),
}

impl Which {
    /// By an id where it is one, else by a name.
    pub fn of(text: &str) -> Self {
        let id = Uuid::try_parse(text).map(Into::into);
        id.map_or_else(|_| Self::Name(text.to_owned()), Self::Id)
    }

    /// The limit of a tag.
    pub fn tag(tag: &str) -> Self {
        Self::Name(format!("{TAG}{tag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_limit_is_about() {
        use LimitKind::{Deployment, Global, Tag};
        let kinds = ["tag:x", "deployment:1", "tags", "x"].map(LimitKind::of);
        assert_eq!(kinds, [Tag, Deployment, Global, Global]);
        assert!(check_name("tag:ä b").is_ok());
        for wrong in ["", "a/b", "a%", "a&", "<a", "a>", &"x".repeat(1001)] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
