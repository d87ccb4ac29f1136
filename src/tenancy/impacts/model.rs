//! What a change of a workspace does, and to whom: the same for a transfer and for its deletion (product.md 1.14, 1).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::UserId;
use crate::access::permission::Permission;
use crate::base::db::Instant;

/// One of the two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The workspace leaves it.
    Source,
    /// The workspace comes to it.
    Target,
}

/// Somebody who has access before or after.
#[derive(Clone, Debug)]
pub struct PersonAccess {
    /// Who.
    pub user: UserId,
    /// By name.
    pub name: String,
    /// Address.
    pub email: String,
    /// From where it comes today, in words; empty for who has none.
    pub before: Vec<String>,
    /// The same afterwards.
    pub after: Option<String>,
    /// When the youngest of today's sources began.
    pub since: Option<Instant>,
    /// The person has no second factor.
    pub lacks_second_factor: bool,
}

impl PersonAccess {
    /// Whether access ends.
    pub fn loses(&self) -> bool {
        !self.before.is_empty() && self.after.is_none()
    }

    /// Whether access begins.
    pub fn gains(&self) -> bool {
        self.before.is_empty() && self.after.is_some()
    }
}

/// A key of a person.
#[derive(Clone, Debug)]
pub struct KeyAccess {
    /// The key.
    pub id: Uuid,
    /// Whose.
    pub user: UserId,
    /// Its name.
    pub name: String,
    /// Whether it reaches nothing but this workspace.
    pub is_only_here: bool,
    /// When it was last used, anywhere.
    pub last_used: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

/// A service account with which the workspace is shared.
#[derive(Clone, Debug)]
pub struct BotAccess {
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its role here.
    pub role: String,
    /// When a key of it was last used, anywhere.
    pub last_used: Option<Instant>,
    /// Since when it has the role.
    pub since: Instant,
}

/// How grave a part of a review is, the gravest first (SP-25).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing moves as long as it is so.
    Blocks,
    /// Data go for good.
    Loses,
    /// Somebody has to do something.
    Action,
    /// Good to know.
    Info,
    /// Stays as it is.
    Unchanged,
}

/// What a part of a review is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The target has no room.
    TargetFull,
    /// The handle cannot be had in the target.
    HandleTaken,
    /// Runs go, since the target keeps them for fewer days.
    RunsRemoved,
    /// Runs that an earlier transfer removed don't come back.
    RunsStayRemoved,
    /// People lose access.
    PeopleLose,
    /// Whoever looks loses access.
    YouLose,
    /// Keys of people lose access.
    KeysLose,
    /// Service accounts lose access.
    ServiceAccountsLose,
    /// Runs are going on.
    RunsActive,
    /// Runs are due soon.
    RunsDue,
    /// Saved links have another account's id.
    LinksChange,
    /// Profiles of the command line and processes need the new place.
    ProfilesChange,
    /// The target asks for a second factor.
    SecondFactor,
    /// People keep access.
    PeopleKeep,
    /// People get access.
    PeopleGain,
    /// Some of those who lose access are invited.
    PeopleInvited,
    /// Some of them cannot be.
    PeopleNotInvited,
    /// Open invitations end.
    InvitationsEnd,
    /// Roles do not exist in the target.
    RolesLost,
    /// Everybody's role goes back to none.
    DefaultRoleReset,
    /// The source's audit log tracks it no more.
    AuditStops,
    /// The target's audit log begins to.
    AuditStarts,
    /// The source has room for another one.
    SlotFreed,
    /// The target has room for one less.
    SlotUsed,
    /// Runs are kept for another time.
    RetentionChanges,
    /// What it costs.
    Charges,
    /// Old addresses lead to the new place.
    Redirects,
    /// Until when it can be undone, and by whom.
    WayBack,
    /// What is in it goes.
    ContentsRemoved,
    /// The transfer that it waits for ends.
    TransferEnds,
    /// Nobody else gets its handle for now.
    HandleReserved,
    /// Its id.
    Id,
    /// What is in it.
    Contents,
}

/// Somebody or something that a part of a review is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Subject {
    /// By name.
    pub name: String,
    /// What there is to say about it.
    pub detail: String,
    /// Since when it is so, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Instant>,
}

/// One part of a review.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Impact {
    /// What it is about.
    pub code: Code,
    /// How grave it is.
    pub severity: Severity,
    /// On which side.
    pub side: Side,
    /// How many it concerns.
    pub count: i64,
    /// A count and a consequence.
    pub title: String,
    /// What else there is to know.
    pub sentence: String,
    /// Whom it concerns.
    pub subjects: Vec<Subject>,
    /// Commands to be typed, and addresses.
    pub lines: Vec<String>,
    /// Flow runs by when they ended, the first to end first, where it is about them.
    #[serde(default)]
    pub history: Vec<EndedRuns>,
}

/// Flow runs that ended within some time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct EndedRuns {
    /// From when on.
    #[schema(value_type = String, format = DateTime)]
    pub from: Instant,
    /// Before when.
    #[schema(value_type = String, format = DateTime)]
    pub until: Instant,
    /// How many.
    pub runs: i64,
    /// Whether they stay.
    pub is_kept: bool,
}

/// What a change does, as somebody may see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Review {
    /// When it was computed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// Its parts, the gravest first.
    pub impacts: Vec<Impact>,
    /// Stands for what a transfer takes away (SP-26).
    pub hash: String,
}

impl Code {
    /// What somebody has to be allowed to see, to read whom a part names.
    fn names(self) -> Option<Permission> {
        match self {
            Self::RunsRemoved | Self::RunsActive => Some(Permission::SeeFlows),
            Self::PeopleLose | Self::PeopleKeep | Self::KeysLose | Self::InvitationsEnd => {
                Some(Permission::SeeWorkspaceUsers)
            }
            Self::ServiceAccountsLose => Some(Permission::SeeWorkspaceServiceAccounts),
            _ => None,
        }
    }
}

impl Review {
    /// The same for somebody who may do some things in the workspace: its counts stay, and names only as far as they are to
    /// be seen.
    #[must_use]
    pub fn for_eyes(mut self, may: impl Fn(Permission) -> bool) -> Self {
        for impact in &mut self.impacts {
            if impact.code.names().is_some_and(|needed| !may(needed)) {
                impact.subjects.clear();
                impact.history.clear();
            }
        }
        self
    }

    /// A review of some parts: the gravest come first, others stay in their order.
    pub fn of_parts(at: Instant, mut impacts: Vec<Impact>, hash: String) -> Self {
        impacts.sort_by_key(|impact| impact.severity);
        Self { at, impacts, hash }
    }

    /// Its parts of one gravity.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Impact> {
        self.impacts.iter().filter(move |impact| impact.severity == severity)
    }

    /// How many parts of a gravity it has.
    pub fn count(&self, severity: Severity) -> usize {
        self.of(severity).count()
    }

    /// The part about something.
    pub fn part(&self, code: Code) -> Option<&Impact> {
        self.impacts.iter().find(|impact| impact.code == code)
    }
}
