//! What is asked and answered about transfers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::actions::Found;
use super::super::forms::asks;
use super::super::model::{Party, State, Transfer};
use super::super::rules;
use crate::base::http::json::moment;
use crate::tenancy::impacts::model::{PersonAccess, Review, Side};

/// Room for workspaces.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomBody {
    /// Workspaces that it has.
    pub used: i64,
    /// Workspaces that it has after the transfer.
    pub after: i64,
    /// How many it may have; null for any number.
    pub limit: Option<i64>,
}

/// One of the two accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartyBody {
    /// Its id.
    pub account_id: Uuid,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// `personal` or `organization`
    pub kind: &'static str,
    /// Days for which it keeps ended runs; null for ever.
    pub run_retention_days: Option<i32>,
    /// Whether it asks its people for a second factor.
    pub require_two_factor: bool,
    /// Its room; null where whoever asks may not know.
    pub workspaces: Option<RoomBody>,
}

impl PartyBody {
    pub(super) fn of(party: &Party, is_seen: bool, change: i64) -> Self {
        let room = RoomBody {
            used: party.slots.used,
            after: party.slots.used + change,
            limit: party.slots.limit,
        };
        Self {
            account_id: party.account.id.uuid(),
            handle: party.account.handle.clone(),
            name: party.account.name.clone(),
            kind: party.account.kind.as_str(),
            run_retention_days: party.retention_days,
            require_two_factor: party.second_factor,
            workspaces: is_seen.then_some(room),
        }
    }
}

/// Somebody who loses access.
#[derive(Debug, Serialize, ToSchema)]
pub struct LosingBody {
    /// The person’s id.
    pub user_id: Uuid,
    /// By name.
    pub name: String,
    /// Address.
    pub email: String,
}

/// What a transfer would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRunBody {
    /// The account that the workspace leaves.
    pub source: PartyBody,
    /// The account that it comes to.
    pub target: PartyBody,
    /// Its handle there.
    pub handle: String,
    /// What it does; its `hash` is the `review_hash` of a transfer.
    pub review: Review,
    /// What has to be acknowledged.
    pub acknowledge: Vec<&'static str>,
    /// Whether a consent of somebody else is needed.
    pub awaits_others: bool,
    /// Those who lose access, by name: they can be invited.
    pub losing: Vec<LosingBody>,
}

/// Where a workspace is to go.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DryRun {
    /// Handle of the account.
    pub account_handle: String,
    /// The workspace's handle there; null for the one that it has.
    #[serde(default)]
    pub handle: Option<String>,
}

/// A transfer to ask for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TransferCreate {
    /// Handle of the account.
    pub account_handle: String,
    /// The workspace's handle there; null for the one that it has.
    #[serde(default)]
    pub handle: Option<String>,
    /// `review.hash` of the review that was seen.
    pub review_hash: String,
    /// All of the review's `acknowledge`.
    #[serde(default)]
    pub acknowledge: Vec<String>,
    /// `account/workspace`, as it is now.
    pub confirm: String,
    /// A word to the others.
    #[serde(default)]
    pub note: String,
    /// No sooner than this (RFC 3339).
    #[serde(default)]
    #[schema(format = DateTime)]
    pub not_before: Option<String>,
    /// Whether it waits until no flow run is going on.
    #[serde(default)]
    pub when_idle: bool,
    /// Who of those who lose access is invited to the account, by id; 50 at most.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub invite: Vec<Uuid>,
}

/// An account by its names.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamesBody {
    /// Its id.
    pub account_id: Uuid,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// The workspace's handle in it.
    pub workspace_handle: String,
    /// Who consented for it, and when; null as long as nobody did.
    pub approved_by: Option<String>,
}

/// A transfer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransferBody {
    /// Its id.
    pub id: Uuid,
    /// The workspace.
    pub workspace_id: Uuid,
    /// `pending`, `completed`, `undone`, `declined`, `cancelled`, `expired` or `void`
    pub state: &'static str,
    /// The side whose consent is missing, if one is.
    pub awaits: Option<Side>,
    /// The account that the workspace leaves.
    pub source: NamesBody,
    /// The account that it comes to.
    pub target: NamesBody,
    /// A word to the others.
    pub note: String,
    /// Why it ended.
    pub reason: Option<String>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it ends without an answer.
    #[schema(format = DateTime)]
    pub expires: String,
    /// No sooner than this.
    #[schema(format = DateTime)]
    pub not_before: Option<String>,
    /// Whether it waits until no flow run is going on.
    pub when_idle: bool,
    /// When it ended, or moved the workspace.
    #[schema(format = DateTime)]
    pub decided: Option<String>,
    /// Until when it can be undone.
    #[schema(format = DateTime)]
    pub undo_until: Option<String>,
    /// Who undid it, by name.
    pub undone_by: Option<String>,
    /// When it was undone.
    #[schema(format = DateTime)]
    pub undone: Option<String>,
    /// Why it can't be undone now, where it moved the workspace and something is in the way.
    pub undo_obstacle: Option<String>,
    /// Those who would lose access if it were undone; empty for who does not decide over the target.
    pub undo_losing: Vec<LosingBody>,
    /// What it would do now, or did, as far as whoever asks may see it; null in lists, and where nothing moved.
    pub review: Option<Review>,
    /// What has to be acknowledged to approve it.
    pub acknowledge: Vec<&'static str>,
}

impl TransferBody {
    pub(super) fn of(
        transfer: &Transfer,
        (source, target): (&(String, String), &(String, String)),
    ) -> Self {
        let names =
            |(name, handle): &(String, String), account: Uuid, workspace: &str, side| NamesBody {
                account_id: account,
                handle: handle.clone(),
                name: name.clone(),
                workspace_handle: workspace.to_owned(),
                approved_by: transfer.consent(side).map(|consent| consent.name.clone()),
            };
        let (from, to) = (transfer.source_account_id.uuid(), transfer.target_account_id.uuid());
        Self {
            id: transfer.id.uuid(),
            workspace_id: transfer.workspace_id.uuid(),
            state: transfer.state.as_str(),
            awaits: rules::awaits(transfer),
            source: names(source, from, &transfer.source_handle, Side::Source),
            target: names(target, to, &transfer.target_handle, Side::Target),
            note: transfer.note.clone(),
            reason: transfer.reason.clone(),
            requested_by: transfer.requested_by_name.clone(),
            created: moment(transfer.created_at),
            expires: moment(transfer.expires_at),
            not_before: transfer.chosen_time().map(moment),
            when_idle: transfer.when_idle,
            decided: transfer.decided_at.map(moment),
            undo_until: transfer.undo_until.map(moment),
            undone_by: transfer.undone_by_name.clone(),
            undone: transfer.undone_at.map(moment),
            undo_obstacle: None,
            undo_losing: Vec::new(),
            review: None,
            acknowledge: Vec::new(),
        }
    }

    pub(super) fn whole(found: Found) -> Self {
        let body = Self::of(&found.transfer, (&found.source, &found.target));
        let words = match &found.review {
            Some(review) if found.transfer.state == State::Pending => words(review),
            _ => Vec::new(),
        };
        Self {
            undo_obstacle: found.obstacle,
            undo_losing: found.undo_losers.iter().map(LosingBody::of).collect(),
            acknowledge: words,
            review: found.review,
            ..body
        }
    }
}

impl LosingBody {
    pub(super) fn of(person: &PersonAccess) -> Self {
        Self { user_id: person.user.uuid(), name: person.name.clone(), email: person.email.clone() }
    }
}

/// What has to be acknowledged, by its words.
pub(super) fn words(review: &Review) -> Vec<&'static str> {
    asks(review).into_iter().map(|(word, _)| word).collect()
}
