//! A transfer, its review, and what the review is computed from.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::access::transfers::{State, TransferId};

use crate::access::handle::Handle;
use crate::access::membership::{AccountKind, OwningAccount, Workspace};
use crate::access::role::{NamedRole, RoleId};
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::ids::FlowRunId;
use crate::base::db::schema::transfers;
use crate::base::db::{Instant, Json, MultiBackend, StateType};
use crate::tenancy::impacts::model::{BotAccess, EndedRuns, KeyAccess, PersonAccess, Review, Side};
use crate::tenancy::workspaces::contents::Counted;
use crate::tenancy::workspaces::model::{Slots, Taken};

/// Which sides somebody belongs to: each sees its own people, keys and slots, and of the other no more than
/// what is public (SP-24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sees {
    /// Decides over the source, or owns the workspace.
    pub source: bool,
    /// Decides over the target.
    pub target: bool,
    /// Who looks; nobody in particular for the operator.
    pub person: Option<UserId>,
}

/// What a transfer takes away, by ids; what a consent was given to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Losses {
    /// People who lose access.
    pub people: Vec<Uuid>,
    /// Service accounts that lose access.
    pub service_accounts: Vec<Uuid>,
    /// Roles that do not exist in the target.
    pub roles: Vec<Uuid>,
    /// Days for which the target keeps runs.
    pub retention_days: Option<i32>,
    /// Whether the target asks for a second factor.
    pub second_factor: bool,
}

/// A side's yes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Consent {
    /// Whose.
    pub user: UserId,
    /// By name, as it was then.
    pub name: String,
    /// When.
    pub at: Instant,
    /// The review that was seen.
    pub hash: String,
    /// What it took away.
    pub losses: Losses,
}

/// What a workspace was before it moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Before {
    /// What everybody could do in it.
    pub default_role: Option<String>,
    /// The same by a role of the source's own.
    pub default_custom_role: Option<RoleId>,
    /// Which part of its history was to be seen.
    #[serde(default)]
    pub runs_visible_from: Option<Instant>,
}

/// A transfer as it was carried out, as each side may see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Receipt {
    /// For the source.
    pub source: Review,
    /// For the target.
    pub target: Review,
    /// For whoever decides over both.
    pub both: Review,
}

impl Receipt {
    /// The receipt of somebody.
    pub fn of(&self, sees: Sees) -> &Review {
        match (sees.source, sees.target) {
            (true, true) => &self.both,
            (true, false) => &self.source,
            (false, _) => &self.target,
        }
    }
}

/// A transfer.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = transfers, check_for_backend(MultiBackend))]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The account that it leaves.
    pub source_account_id: AccountId,
    /// The account that it comes to.
    pub target_account_id: AccountId,
    /// Its handle in the source.
    pub source_handle: String,
    /// Its handle in the target.
    pub target_handle: String,
    /// Where it is on its way.
    pub state: State,
    /// What whoever asked says to the others; may be empty.
    pub note: String,
    /// Why it ended, where somebody or something ended it.
    pub reason: Option<String>,
    /// Who asked, as long as there is such a person.
    pub requested_by: Option<UserId>,
    /// The same by name.
    pub requested_by_name: String,
    /// The source's yes.
    pub source_consent: Option<Json<Consent>>,
    /// The target's yes.
    pub target_consent: Option<Json<Consent>>,
    /// What the workspace was before.
    pub before: Option<Json<Before>>,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it is over without an answer.
    pub expires_at: Instant,
    /// No sooner than this.
    pub execute_at: Option<Instant>,
    /// When it ended, or moved the workspace.
    pub decided_at: Option<Instant>,
    /// Until when it can be undone.
    pub undo_until: Option<Instant>,
    /// Whether it waits until no flow run is going on.
    pub when_idle: bool,
    /// Who is invited to the target, of those who lose access.
    pub carry_over: Option<Json<Vec<UserId>>>,
    /// Who undid it, by name.
    pub undone_by_name: Option<String>,
    /// When.
    pub undone_at: Option<Instant>,
}

impl Transfer {
    /// A new one, to which nobody said yes yet; `by` asks for it, with a word to the others.
    pub fn new(id: TransferId, facts: &Facts, (by, note): (String, String), now: Instant) -> Self {
        let carry: Vec<UserId> = facts.carried.iter().map(|person| person.user).collect();
        Self {
            id,
            workspace_id: facts.workspace.id,
            source_account_id: facts.workspace.account,
            target_account_id: facts.target.account.id,
            source_handle: facts.workspace.handle.clone(),
            target_handle: facts.handle.as_str().to_owned(),
            state: State::Pending,
            note,
            reason: None,
            requested_by: None,
            requested_by_name: by,
            source_consent: None,
            target_consent: None,
            before: None,
            created_at: now,
            expires_at: now,
            execute_at: None,
            decided_at: None,
            undo_until: None,
            when_idle: false,
            carry_over: (!carry.is_empty()).then_some(Json(carry)),
            undone_by_name: None,
            undone_at: None,
        }
    }

    /// No sooner than this, where somebody chose a time; one that waits for runs may go at once otherwise.
    pub fn chosen_time(&self) -> Option<Instant> {
        self.execute_at.filter(|at| *at != self.created_at)
    }

    /// Who is to be invited to the target.
    pub fn carried(&self) -> Vec<UserId> {
        self.carry_over.as_ref().map_or_else(Vec::new, |carried| carried.0.clone())
    }

    /// A side's yes.
    pub fn consent(&self, side: Side) -> Option<&Consent> {
        let consent = match side {
            Side::Source => &self.source_consent,
            Side::Target => &self.target_consent,
        };
        consent.as_ref().map(|consent| &consent.0)
    }
}

/// One of the two accounts, with its rules and its room.
#[derive(Clone, Debug)]
pub struct Party {
    /// The account.
    pub account: OwningAccount,
    /// Days for which it keeps runs; `None` is for ever.
    pub retention_days: Option<i32>,
    /// Whether it asks its people for a second factor.
    pub second_factor: bool,
    /// Its room for workspaces.
    pub slots: Slots,
}

impl Party {
    /// Whether it is an organization.
    pub fn is_organization(&self) -> bool {
        self.account.kind == AccountKind::Organization
    }
}

/// As what somebody who loses access is invited to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarriedAs {
    /// Into the person's workspace.
    Collaborator,
    /// Into the organization.
    Member,
    /// Into the workspace, as a member of the organization who may look.
    Viewer,
}

/// Somebody who loses access and is to be invited to the target.
#[derive(Clone, Debug)]
pub struct Carried {
    /// Who.
    pub user: UserId,
    /// By name.
    pub name: String,
    /// Address.
    pub email: String,
    /// As what.
    pub invited_as: CarriedAs,
    /// Why it is not possible.
    pub problem: Option<&'static str>,
}

/// Runs that the target does not keep.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// How many.
    pub runs: i64,
    /// When the first and the last of them ended.
    pub span: Option<(Instant, Instant)>,
    /// How many of each flow, the most first.
    pub flows: Vec<(String, i64)>,
    /// All ended runs that are to be seen, by when they ended.
    pub history: Vec<EndedRuns>,
}

/// A flow run that the target does not keep.
#[derive(Clone, Debug, Queryable)]
pub struct RemovedRun {
    /// Its id.
    pub id: FlowRunId,
    /// Its name.
    pub name: String,
    /// Its flow.
    pub flow: String,
    /// `Completed`
    pub state: Option<String>,
    /// When it began.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Instant,
}

/// A flow run that goes on.
#[derive(Clone, Debug, Queryable)]
pub struct GoingOn {
    /// Its id.
    pub id: FlowRunId,
    /// Its name.
    pub name: String,
    /// The state that it is in.
    pub state: Option<StateType>,
    /// When it began.
    pub started_at: Option<Instant>,
}

/// All that a review is computed from.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When they were read.
    pub at: Instant,
    /// The workspace.
    pub workspace: Workspace,
    /// The account that it leaves.
    pub source: Party,
    /// The account that it comes to.
    pub target: Party,
    /// Its handle there.
    pub handle: Handle,
    /// Whoever has that handle.
    pub taken: Option<Taken>,
    /// Everybody who has access before or after, by name.
    pub people: Vec<PersonAccess>,
    /// Keys of those who lose access.
    pub keys: Vec<KeyAccess>,
    /// Service accounts.
    pub bots: Vec<BotAccess>,
    /// Those of the people who are to be invited to the target.
    pub carried: Vec<Carried>,
    /// Open invitations: the address, and when they were made.
    pub invitations: Vec<(String, Instant)>,
    /// The source's own roles that are used here.
    pub roles: Vec<(RoleId, String)>,
    /// What everybody in the source may do here.
    pub default_role: Option<NamedRole>,
    /// Runs that the target does not keep.
    pub removal: Removal,
    /// Runs that are going on, and some of their names.
    pub active: (i64, Vec<String>),
    /// Runs that are due within the hour.
    pub due: i64,
    /// Entries about the workspace in the source's audit log.
    pub audit_entries: i64,
    /// What moves along.
    pub contents: Vec<Counted>,
    /// Runs that an earlier transfer hid, which can still come back.
    pub hidden: i64,
    /// The address of this site, without a slash at its end.
    pub site: String,
    /// What the operator says about charges.
    pub price_note: Option<String>,
    /// Hours in which it can be undone.
    pub undo_hours: i64,
}
