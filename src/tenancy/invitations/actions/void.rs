//! Invitations that end because what they were about, or who stood behind them, is gone (IN-06).

use diesel::prelude::*;

use super::super::model::{InvitationId, State};
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::schema::invitations;
use crate::base::db::{Db, Instant};

/// What changes in an invitation that becomes void.
#[derive(AsChangeset)]
#[diesel(table_name = invitations)]
struct Ended<'a> {
    state: State,
    void_reason: &'a str,
    decided_at: Instant,
}

impl<'a> Ended<'a> {
    fn because(void_reason: &'a str, now: Instant) -> Self {
        Self { state: State::Void, void_reason, decided_at: now }
    }
}

/// Voids all pending invitations into a workspace, inside the transaction that deletes or transfers
/// it; returns how many. They stay void when the workspace is restored.
pub fn void_of_workspace(
    db: &mut Db,
    workspace: WorkspaceId,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let into = invitations::workspace_id.eq(workspace);
    diesel::update(invitations::table.filter(into).filter(invitations::state.eq(State::Pending)))
        .set(Ended::because(reason, now))
        .execute(db)
}

/// Voids all pending invitations that a person sent, inside the transaction that ends the person's
/// account or right; returns how many.
pub fn void_of_inviter(
    db: &mut Db,
    inviter: UserId,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let by = invitations::invited_by.eq(inviter);
    diesel::update(invitations::table.filter(by).filter(invitations::state.eq(State::Pending)))
        .set(Ended::because(reason, now))
        .execute(db)
}

/// Voids the pending invitations that a person sent in the name of one account, inside the
/// transaction that ends the person's right to; returns how many.
pub fn void_by_inviter_in(
    db: &mut Db,
    account: AccountId,
    (inviter, sent): (UserId, Sent),
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let all = invitations::table
        .filter(invitations::account_id.eq(account))
        .filter(invitations::invited_by.eq(inviter))
        .filter(invitations::state.eq(State::Pending));
    let ended = Ended::because(reason, now);
    match sent {
        Sent::Anywhere => diesel::update(all).set(ended).execute(db),
        Sent::IntoOrganization => {
            let all = all.filter(invitations::workspace_id.is_null());
            diesel::update(all).set(ended).execute(db)
        }
    }
}

/// Which of a person's invitations are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// All in the account's name.
    Anywhere,
    /// Those into the organization itself.
    IntoOrganization,
}

/// Voids the pending invitations of a member into an organization's workspaces, inside the
/// transaction that ends the membership; returns how many.
pub fn void_for_member(
    db: &mut Db,
    account: AccountId,
    member: UserId,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let all = invitations::table
        .filter(invitations::account_id.eq(account))
        .filter(invitations::user_id.eq(member))
        .filter(invitations::state.eq(State::Pending));
    diesel::update(all).set(Ended::because(reason, now)).execute(db)
}

/// Voids all pending invitations of an account, inside the transaction that ends it.
pub fn void_of_account(
    db: &mut Db,
    account: AccountId,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let all = invitations::table
        .filter(invitations::account_id.eq(account))
        .filter(invitations::state.eq(State::Pending));
    diesel::update(all).set(Ended::because(reason, now)).execute(db)
}

/// Removes what an account that holds no workspace still has of invitations, before its row goes: those into an
/// organization itself, and old ones into workspaces that were transferred away.
pub fn forget_of_account(db: &mut Db, account: AccountId) -> QueryResult<usize> {
    diesel::delete(invitations::table.filter(invitations::account_id.eq(account))).execute(db)
}

/// Voids some invitations; returns how many.
pub(super) fn void_some(
    db: &mut Db,
    ids: &[InvitationId],
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let mut ended = 0;
    // So many values go into one statement, on either database.
    for some in ids.chunks(1000) {
        let pending = invitations::table
            .filter(invitations::id.eq_any(some.to_vec()))
            .filter(invitations::state.eq(State::Pending));
        ended += diesel::update(pending).set(Ended::because(reason, now)).execute(db)?;
    }
    Ok(ended)
}

/// Voids one invitation.
pub(super) fn void(
    db: &mut Db,
    id: InvitationId,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    diesel::update(invitations::table.find(id).filter(invitations::state.eq(State::Pending)))
        .set(Ended::because(reason, now))
        .execute(db)
}

/// Removes the invitations of a workspace that is purged, at most `limit` at a time; returns how many.
pub fn forget_of_workspace(db: &mut Db, workspace: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let ids: Vec<InvitationId> = invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .limit(limit)
        .select(invitations::id)
        .load(db)?;
    diesel::delete(invitations::table.filter(invitations::id.eq_any(ids))).execute(db)
}
