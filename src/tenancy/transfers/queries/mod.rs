//! Rows of transfers, and what a review is computed from.

mod carry;
mod facts;
mod moves;
mod removed;

use diesel::prelude::*;

use super::model::{Consent, GoingOn, Receipt, State, Transfer, TransferId};
use crate::access::history::{all, release_starts};
use crate::access::{AccountId, WorkspaceId};
use crate::base::db::schema::{accounts, flow_runs, transfers, workspaces};
use crate::base::db::{Db, Instant, Json, MultiBackend, StateType};
use crate::base::http::json::Window;
use crate::tenancy::impacts::model::Side;
use crate::tenancy::impacts::queries::GOING_ON;

pub use carry::end_carried;
pub use facts::{
    Asked, Counts, account_of_handle, counts, facts, owning_account, party, takes, target_of_handle,
};
pub use moves::{
    before, emails_of_grants, end_of_grants, forget_kept, give_back, give_default_back,
    has_changed, is_ended, is_held, keep_grants, move_there, redirect, restore_invitations,
    show_runs, undo_losers,
};
pub use removed::removed_runs;

/// A transfer by id.
pub fn one(db: &mut Db, id: TransferId) -> QueryResult<Option<Transfer>> {
    transfers::table.find(id).select(Transfer::as_select()).first(db).optional()
}

/// What a transfer did, for those who see it; none for one that moved nothing.
pub fn receipt(db: &mut Db, id: TransferId) -> QueryResult<Option<Receipt>> {
    let kept: Option<Json<Receipt>> =
        transfers::table.find(id).select(transfers::receipt).first(db)?;
    Ok(kept.map(|receipt| receipt.0))
}

/// The transfer that a workspace waits for.
pub fn pending_of(db: &mut Db, workspace: WorkspaceId) -> QueryResult<Option<Transfer>> {
    transfers::table
        .filter(transfers::workspace_id.eq(workspace))
        .filter(transfers::state.eq(State::Pending))
        .select(Transfer::as_select())
        .first(db)
        .optional()
}

/// Keeps a new transfer.
pub fn insert(db: &mut Db, transfer: &Transfer) -> QueryResult<()> {
    diesel::insert_into(transfers::table)
        .values((
            transfers::id.eq(transfer.id),
            transfers::workspace_id.eq(transfer.workspace_id),
            transfers::source_account_id.eq(transfer.source_account_id),
            transfers::target_account_id.eq(transfer.target_account_id),
            transfers::source_handle.eq(&transfer.source_handle),
            transfers::target_handle.eq(&transfer.target_handle),
            transfers::state.eq(transfer.state),
            transfers::note.eq(&transfer.note),
            transfers::requested_by.eq(transfer.requested_by),
            transfers::requested_by_name.eq(&transfer.requested_by_name),
            transfers::source_consent.eq(&transfer.source_consent),
            transfers::target_consent.eq(&transfer.target_consent),
            transfers::created_at.eq(transfer.created_at),
            transfers::expires_at.eq(transfer.expires_at),
            transfers::execute_at.eq(transfer.execute_at),
            transfers::when_idle.eq(transfer.when_idle),
            transfers::carry_over.eq(&transfer.carry_over),
        ))
        .execute(db)?;
    Ok(())
}

/// Keeps a side's yes, or that it has none.
pub fn set_consent(
    db: &mut Db,
    id: TransferId,
    side: Side,
    consent: Option<&Consent>,
) -> QueryResult<()> {
    let consent = consent.cloned().map(Json);
    let row = transfers::table.find(id);
    match side {
        Side::Source => {
            diesel::update(row).set(transfers::source_consent.eq(consent)).execute(db)?
        }
        Side::Target => {
            diesel::update(row).set(transfers::target_consent.eq(consent)).execute(db)?
        }
    };
    Ok(())
}

/// Lets no flow run start in the workspace of a transfer any more, until it moved or its new end, if that was not
/// so before.
pub fn hold_starts(db: &mut Db, transfer: &Transfer, until: Instant) -> QueryResult<()> {
    let row = workspaces::table.find(transfer.workspace_id);
    let free = row.filter(workspaces::starts_held_until.is_null());
    let held = diesel::update(free).set(workspaces::starts_held_until.eq(until)).execute(db)?;
    if held > 0 {
        diesel::update(transfers::table.find(transfer.id))
            .set(transfers::expires_at.eq(until))
            .execute(db)?;
    }
    Ok(())
}

/// Lets flow runs start again in the workspace of a transfer that cannot move for now, and gives whoever has to do
/// something about that until `expires_at`.
pub fn let_runs_start(db: &mut Db, transfer: &Transfer, expires_at: Instant) -> QueryResult<()> {
    let held = workspaces::table
        .find(transfer.workspace_id)
        .filter(workspaces::starts_held_until.is_not_null());
    let none = workspaces::starts_held_until.eq(None::<Instant>);
    if diesel::update(held).set(none).execute(db)? > 0 {
        diesel::update(transfers::table.find(transfer.id))
            .set(transfers::expires_at.eq(expires_at))
            .execute(db)?;
    }
    Ok(())
}

/// Whether a flow run is going on in a workspace; one that has not begun is not.
pub fn is_busy(db: &mut Db, workspace: WorkspaceId) -> QueryResult<bool> {
    let running = all::flow_runs(workspace)
        .filter(flow_runs::state_type.eq_any([StateType::Running, StateType::Cancelling]));
    diesel::select(diesel::dsl::exists(running)).get_result(db)
}

/// Flow runs in sight on a receipt.
const IN_SIGHT: i64 = 20;

/// Flow runs of a workspace that were going on at a moment and still are, the newest first, some of them; and how many there
/// are.
pub fn going_on(
    db: &mut Db,
    workspace: WorkspaceId,
    at: Instant,
) -> QueryResult<(Vec<GoingOn>, i64)> {
    let runs = || {
        all::flow_runs(workspace)
            .filter(flow_runs::state_type.eq_any(GOING_ON))
            .filter(flow_runs::created_at.le(at))
    };
    let some = runs()
        .order((flow_runs::expected_start_at.desc(), flow_runs::id.desc()))
        .limit(IN_SIGHT)
        .select((
            flow_runs::id,
            flow_runs::name,
            flow_runs::state_type.nullable(),
            flow_runs::started_at,
        ))
        .load(db)?;
    Ok((some, runs().count().get_result(db)?))
}

/// Gives the workspace another handle in the target.
pub fn set_handle(db: &mut Db, id: TransferId, handle: &str) -> QueryResult<()> {
    diesel::update(transfers::table.find(id))
        .set(transfers::target_handle.eq(handle))
        .execute(db)?;
    Ok(())
}

/// Ends a transfer that is pending, in another state than that it moved.
pub fn end(
    db: &mut Db,
    transfer: &Transfer,
    (state, reason): (State, Option<&str>),
    now: Instant,
) -> QueryResult<()> {
    release_starts(db, transfer.workspace_id)?;
    diesel::update(transfers::table.find(transfer.id))
        .set((
            transfers::state.eq(state),
            transfers::reason.eq(reason),
            transfers::decided_at.eq(Some(now)),
        ))
        .execute(db)?;
    Ok(())
}

/// Notes that the workspace moved.
pub fn complete(
    db: &mut Db,
    transfer: &Transfer,
    receipt: Receipt,
    undo_until: Instant,
    now: Instant,
) -> QueryResult<()> {
    diesel::update(transfers::table.find(transfer.id))
        .set((
            transfers::state.eq(State::Completed),
            transfers::source_handle.eq(&transfer.source_handle),
            transfers::receipt.eq(Some(Json(receipt))),
            transfers::before.eq(&transfer.before),
            transfers::decided_at.eq(Some(now)),
            transfers::undo_until.eq(Some(undo_until)),
        ))
        .execute(db)?;
    Ok(())
}

/// Notes who undid a transfer.
pub fn set_undone(db: &mut Db, id: TransferId, by: &str, now: Instant) -> QueryResult<()> {
    diesel::update(transfers::table.find(id))
        .set((
            transfers::state.eq(State::Undone),
            transfers::undone_by_name.eq(by),
            transfers::undone_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// A transfer, with name and handle of its source and of its target.
pub type Named = (Transfer, (String, String), (String, String));

/// The transfers out of and into some accounts, the newest first; in some states, of some workspaces.
pub fn of_accounts(
    db: &mut Db,
    accounts: Vec<AccountId>,
    (states, of): (Option<Vec<State>>, Option<Vec<WorkspaceId>>),
    window: Window,
) -> QueryResult<Vec<Named>> {
    use crate::base::db::schema::accounts as table;
    let (source, target) = diesel::alias!(table as source, table as target);
    let from = transfers::source_account_id.eq_any(accounts.clone());
    let mut query = transfers::table
        .inner_join(source.on(source.field(table::id).eq(transfers::source_account_id)))
        .inner_join(target.on(target.field(table::id).eq(transfers::target_account_id)))
        .filter(from.or(transfers::target_account_id.eq_any(accounts)))
        .into_boxed::<MultiBackend>();
    if let Some(states) = states {
        query = query.filter(transfers::state.eq_any(states));
    }
    if let Some(of) = of {
        query = query.filter(transfers::workspace_id.eq_any(of));
    }
    query
        .order(transfers::id.desc())
        .limit(window.limit)
        .offset(window.offset)
        .select((
            Transfer::as_select(),
            (source.field(table::name), source.field(table::handle)),
            (target.field(table::name), target.field(table::handle)),
        ))
        .load(db)
}

/// Transfers looked at by the job together.
const SOME: i64 = 100;

/// Pending transfers whose time is over.
pub fn overdue(db: &mut Db, now: Instant) -> QueryResult<Vec<Transfer>> {
    transfers::table
        .filter(transfers::state.eq(State::Pending))
        .filter(transfers::expires_at.le(now))
        .order(transfers::expires_at)
        .limit(SOME)
        .select(Transfer::as_select())
        .load(db)
}

/// Some of the transfers that wait for nothing but their time, which has come, those that wait longest first; `after` is the
/// last one of those before.
pub fn due(
    db: &mut Db,
    after: Option<(Instant, TransferId)>,
    now: Instant,
) -> QueryResult<Vec<Transfer>> {
    let (at, id) = after.unwrap_or((Instant::from_microseconds(0), uuid::Uuid::nil().into()));
    transfers::table
        .filter(transfers::execute_at.ge(at))
        .filter(transfers::execute_at.gt(at).or(transfers::id.gt(id)))
        .filter(transfers::state.eq(State::Pending))
        .filter(transfers::execute_at.le(now))
        .filter(transfers::expires_at.gt(now))
        .filter(transfers::source_consent.is_not_null())
        .filter(transfers::target_consent.is_not_null())
        .order((transfers::execute_at, transfers::id))
        .limit(SOME)
        .select(Transfer::as_select())
        .load(db)
}

/// How many transfers out of an account were asked for since a moment and moved nothing.
pub fn asked_since(db: &mut Db, source: AccountId, since: Instant) -> QueryResult<i64> {
    transfers::table
        .filter(transfers::source_account_id.eq(source))
        .filter(transfers::created_at.gt(since))
        .filter(transfers::undo_until.is_null())
        .count()
        .get_result(db)
}

/// Name and handle of an account.
pub fn account_names(db: &mut Db, account: AccountId) -> QueryResult<Option<(String, String)>> {
    accounts::table.find(account).select((accounts::name, accounts::handle)).first(db).optional()
}
