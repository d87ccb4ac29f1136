//! What everybody asks of workspaces on their way to another account: whether one is, where it came from, and
//! which handles stay free for its way back. What moves them is `tenancy/transfers`.

use diesel::prelude::*;

use super::actor::Person;
use super::history::release_starts;
use super::{AccountId, WorkspaceId, organization};
use crate::base::db::schema::{accounts, transfers, workspaces};
use crate::base::db::{Db, Id, Instant};

/// What an id of the `transfers` table is the id of.
#[derive(Debug)]
pub enum TransferMarker {}

/// The id of a transfer.
pub type TransferId = Id<TransferMarker>;

/// Until when a handle of an account stays reserved for a workspace, another one than `except`, that was
/// transferred away and may come back.
///
/// # Errors
/// The database's fault.
pub fn reserved(
    db: &mut Db,
    (account, handle): (AccountId, &str),
    except: Option<WorkspaceId>,
    now: Instant,
) -> QueryResult<Option<Instant>> {
    let nobody = uuid::Uuid::nil().into();
    transfers::table
        .filter(transfers::workspace_id.ne(except.unwrap_or(nobody)))
        .filter(transfers::source_account_id.eq(account))
        .filter(transfers::source_handle.eq(handle))
        .filter(transfers::state.eq("completed"))
        .filter(transfers::undo_until.gt(now))
        .select(transfers::undo_until.assume_not_null())
        .order(transfers::undo_until.desc())
        .first(db)
        .optional()
}

/// Whether a workspace once belonged to an account, which it left by a transfer.
///
/// # Errors
/// The database's fault.
pub fn came_from(db: &mut Db, workspace: WorkspaceId, account: AccountId) -> QueryResult<bool> {
    let left = transfers::table.filter(transfers::workspace_id.eq(workspace)).filter(
        transfers::source_account_id
            .eq(account)
            .and(transfers::state.eq_any(["completed", "undone"]))
            .or(transfers::target_account_id.eq(account).and(transfers::state.eq("undone"))),
    );
    diesel::select(diesel::dsl::exists(left)).get_result(db)
}

/// The transfer that a workspace waits for: its id, and the name of the account that it is to move to.
///
/// # Errors
/// The database's fault.
pub fn pending(
    db: &mut Db,
    workspace: WorkspaceId,
    now: Instant,
) -> QueryResult<Option<(TransferId, String)>> {
    transfers::table
        .inner_join(accounts::table.on(accounts::id.eq(transfers::target_account_id)))
        .filter(transfers::workspace_id.eq(workspace))
        .filter(transfers::state.eq("pending"))
        .filter(transfers::expires_at.gt(now))
        .select((transfers::id, accounts::name))
        .first(db)
        .optional()
}

/// What changes in a transfer that becomes void.
#[derive(AsChangeset)]
#[diesel(table_name = transfers)]
struct Void<'a> {
    state: &'static str,
    reason: &'a str,
    decided_at: Instant,
}

impl<'a> Void<'a> {
    fn because(reason: &'a str, decided_at: Instant) -> Self {
        Self { state: "void", reason, decided_at }
    }
}

/// Ends the transfer that a workspace waits for, inside the transaction that deletes the workspace; it stays
/// ended when the workspace is restored.
///
/// # Errors
/// The database's fault.
pub fn void_of_workspace(
    db: &mut Db,
    workspace: WorkspaceId,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let waiting = transfers::table
        .filter(transfers::workspace_id.eq(workspace))
        .filter(transfers::state.eq("pending"));
    release_starts(db, workspace)?;
    diesel::update(waiting).set(Void::because(reason, now)).execute(db)
}

/// The same for all into an account, inside the transaction that ends the account.
///
/// # Errors
/// The database's fault.
pub fn void_into(
    db: &mut Db,
    account: AccountId,
    reason: &str,
    now: Instant,
) -> QueryResult<usize> {
    let waiting = transfers::table
        .filter(transfers::target_account_id.eq(account))
        .filter(transfers::state.eq("pending"));
    let held = waiting.select(transfers::workspace_id);
    diesel::update(workspaces::table.filter(workspaces::id.eq_any(held)))
        .set(workspaces::starts_held_until.eq(None::<Instant>))
        .execute(db)?;
    diesel::update(waiting).set(Void::because(reason, now)).execute(db)
}

/// A transfer that waits for somebody.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its id.
    pub id: TransferId,
    /// The path of the workspace.
    pub path: String,
    /// Name of the account that it is to move to.
    pub target: String,
    /// Who asked.
    pub by: String,
}

/// Transfers in the list, at most.
const LISTED: i64 = 20;

/// The transfers that wait for a person, who decides over an account that did not consent yet; the oldest
/// first.
///
/// # Errors
/// The database's fault.
pub fn awaiting(db: &mut Db, person: &Person, now: Instant) -> QueryResult<Vec<Waiting>> {
    let ids = organization::decided_by(db, person)?;
    let (source, target) = diesel::alias!(accounts as source, accounts as target);
    let into =
        transfers::target_account_id.eq_any(ids.clone()).and(transfers::target_consent.is_null());
    let out_of = transfers::source_account_id.eq_any(ids).and(transfers::source_consent.is_null());
    let rows: Vec<(TransferId, String, String, String, String)> = transfers::table
        .inner_join(source.on(source.field(accounts::id).eq(transfers::source_account_id)))
        .inner_join(target.on(target.field(accounts::id).eq(transfers::target_account_id)))
        .filter(transfers::state.eq("pending"))
        .filter(transfers::expires_at.gt(now))
        .filter(into.or(out_of))
        .order(transfers::id)
        .limit(LISTED)
        .select((
            transfers::id,
            source.field(accounts::handle),
            transfers::source_handle,
            target.field(accounts::name),
            transfers::requested_by_name,
        ))
        .load(db)?;
    let waiting = |(id, account, handle, target, by): (_, String, String, _, _)| Waiting {
        id,
        path: format!("{account}/{handle}"),
        target,
        by,
    };
    Ok(rows.into_iter().map(waiting).collect())
}
