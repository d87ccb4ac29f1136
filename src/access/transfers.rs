//! What everybody asks of workspaces on their way to another account: whether one is, where it came from, and
//! which handles stay free for its way back. What moves them is `tenancy/transfers`.

use diesel::dsl::case_when;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actor::Person;
use super::history::release_starts;
use super::{AccountId, UserId, WorkspaceId, organization};
use crate::base::db::schema::{accounts, transfers, users, workspaces};
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::mail::queue_all;

pub use crate::base::db::ids::TransferId;

crate::base::db::text_enum! {
    /// Where a transfer is on its way. Who is awaited, and whether it can still be undone, follows from the
    /// rest of its row.
    State {
        /// A consent, or its time, is awaited.
        Pending = "pending",
        /// The workspace moved.
        Completed = "completed",
        /// It moved, and moved back.
        Undone = "undone",
        /// A side said no.
        Declined = "declined",
        /// Whoever asked for it took it back.
        Cancelled = "cancelled",
        /// Nobody answered in time.
        Expired = "expired",
        /// What it was about is gone.
        Void = "void",
    }
}

/// Until when a handle of an account stays reserved for a workspace, another one than `except`, that was
/// transferred away and may come back.
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
        .filter(transfers::state.eq(State::Completed))
        .filter(transfers::undo_until.gt(now))
        .select(transfers::undo_until.assume_not_null())
        .order(transfers::undo_until.desc())
        .first(db)
        .optional()
}

/// Whether a workspace once belonged to an account, which it left by a transfer.
pub fn came_from(db: &mut Db, workspace: WorkspaceId, account: AccountId) -> QueryResult<bool> {
    let left = transfers::table.filter(transfers::workspace_id.eq(workspace)).filter(
        transfers::source_account_id
            .eq(account)
            .and(transfers::state.eq_any([State::Completed, State::Undone]))
            .or(transfers::target_account_id.eq(account).and(transfers::state.eq(State::Undone))),
    );
    diesel::select(diesel::dsl::exists(left)).get_result(db)
}

/// The transfer that a workspace waits for: its id, and the name of the account that it is to move to.
pub fn pending(
    db: &mut Db,
    workspace: WorkspaceId,
    now: Instant,
) -> QueryResult<Option<(TransferId, String)>> {
    transfers::table
        .inner_join(accounts::table.on(accounts::id.eq(transfers::target_account_id)))
        .filter(transfers::workspace_id.eq(workspace))
        .filter(transfers::state.eq(State::Pending))
        .filter(transfers::expires_at.gt(now))
        .select((transfers::id, accounts::name))
        .first(db)
        .optional()
}

/// A transfer that brought a workspace to the account that it is in, and can still be undone.
#[derive(Clone, Debug, Queryable)]
pub struct Arrival {
    /// The transfer.
    pub id: TransferId,
    /// Name of the account that it came from.
    pub from: String,
    /// Who asked for it, by name.
    pub by: String,
    /// When it moved.
    pub at: Instant,
    /// Until when it can be undone.
    pub until: Instant,
}

/// How a workspace came to an account, as long as that can be undone.
pub fn arrival(
    db: &mut Db,
    (account, workspace): (AccountId, WorkspaceId),
    now: Instant,
) -> QueryResult<Option<Arrival>> {
    transfers::table
        .inner_join(accounts::table.on(accounts::id.eq(transfers::source_account_id)))
        .filter(transfers::workspace_id.eq(workspace))
        .filter(transfers::target_account_id.eq(account))
        .filter(transfers::state.eq(State::Completed))
        .filter(transfers::undo_until.gt(now))
        .order(transfers::decided_at.desc())
        .select((
            transfers::id,
            accounts::name,
            transfers::requested_by_name,
            transfers::decided_at.assume_not_null(),
            transfers::undo_until.assume_not_null(),
        ))
        .first(db)
        .optional()
}

/// The workspace of a transfer, where it came to by it: not deleted there, and not given to others since.
macro_rules! still_there {
    () => {
        workspaces::id
            .eq(transfers::workspace_id)
            .and(workspaces::account_id.eq(transfers::target_account_id))
            .and(workspaces::deleted_at.is_null())
    };
}

/// Of some transfers those that are there, and until when each can be undone.
pub fn ways_back(
    db: &mut Db,
    ids: Vec<TransferId>,
    now: Instant,
) -> QueryResult<Vec<(TransferId, Option<Instant>)>> {
    let can_go_back = transfers::state.eq(State::Completed).and(transfers::undo_until.gt(now));
    let stayed = workspaces::table.on(still_there!().and(can_go_back));
    transfers::table
        .left_join(stayed)
        .filter(transfers::id.eq_any(ids))
        .select((
            transfers::id,
            case_when(workspaces::id.nullable().is_not_null(), transfers::undo_until),
        ))
        .load(db)
}

/// What changes in a transfer that becomes void.
#[derive(AsChangeset)]
#[diesel(table_name = transfers)]
struct Void<'a> {
    state: State,
    reason: &'a str,
    decided_at: Instant,
}

impl<'a> Void<'a> {
    fn because(reason: &'a str, decided_at: Instant) -> Self {
        Self { state: State::Void, reason, decided_at }
    }
}

/// Ends the transfer that a workspace waits for, inside the transaction that deletes the workspace, and tells whoever was
/// asked, and who asked; it stays ended when the workspace is restored.
pub fn void_of_workspace(
    db: &mut Db,
    workspace: WorkspaceId,
    reason: &str,
    now: Instant,
) -> Result<usize> {
    let waiting = transfers::table
        .filter(transfers::workspace_id.eq(workspace))
        .filter(transfers::state.eq(State::Pending));
    let ids = waiting.select(transfers::id).load(db)?;
    void(db, ids, reason, now)
}

/// The same for all into an account, inside the transaction that ends the account.
pub fn void_into(db: &mut Db, account: AccountId, reason: &str, now: Instant) -> Result<usize> {
    let waiting = transfers::table
        .filter(transfers::target_account_id.eq(account))
        .filter(transfers::state.eq(State::Pending));
    let ids = waiting.select(transfers::id).load(db)?;
    void(db, ids, reason, now)
}

/// What a mail about a transfer says, as it was: who lost access cannot look any more, and what is renamed later is not
/// theirs to know.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MailData {
    /// `ada/lab`
    pub from: String,
    /// `acme/lab`
    pub to: String,
    /// Handle of the target.
    pub target: String,
    /// Who asked, by name.
    pub by: String,
    /// A word to the others, or why it ended.
    pub note: String,
    /// As what it ended.
    pub state: String,
    /// Until when it can be answered, or undone.
    pub until: Option<Instant>,
    /// When it is to move.
    pub at: Option<Instant>,
}

/// To both sides: nothing moves after all.
pub const OVER: &str = "transfer.over";

/// Ends transfers, each with a mail to whoever decides over its accounts, and to who asked.
fn void(db: &mut Db, ids: Vec<TransferId>, reason: &str, now: Instant) -> Result<usize> {
    type Row = (TransferId, WorkspaceId, (AccountId, AccountId), (String, String), String);
    let (source, target) = diesel::alias!(accounts as source, accounts as target);
    let rows: Vec<(Row, (String, String), Option<UserId>)> = transfers::table
        .inner_join(source.on(source.field(accounts::id).eq(transfers::source_account_id)))
        .inner_join(target.on(target.field(accounts::id).eq(transfers::target_account_id)))
        .inner_join(workspaces::table.on(workspaces::id.eq(transfers::workspace_id)))
        .filter(transfers::id.eq_any(ids))
        .select((
            (
                transfers::id,
                transfers::workspace_id,
                (transfers::source_account_id, transfers::target_account_id),
                (workspaces::handle, transfers::target_handle),
                transfers::requested_by_name,
            ),
            (source.field(accounts::handle), target.field(accounts::handle)),
            transfers::requested_by,
        ))
        .load(db)?;
    let mut voided = 0;
    for ((id, workspace, places, handles, by), (from, to), asker) in rows {
        // Somebody else may have ended it at this moment, for another reason.
        let waiting = transfers::table.find(id).filter(transfers::state.eq(State::Pending));
        if diesel::update(waiting).set(Void::because(reason, now)).execute(db)? == 0 {
            continue;
        }
        voided += 1;
        release_starts(db, workspace)?;
        let data = MailData {
            from: format!("{from}/{}", handles.0),
            to: format!("{to}/{}", handles.1),
            target: to,
            by,
            note: reason.to_owned(),
            state: State::Void.as_str().to_owned(),
            ..MailData::default()
        };
        let told = concerned(db, [places.0, places.1], asker)?;
        queue_all(db, OVER, &told, (&json!(data), Some(id.uuid())), now)?;
    }
    Ok(voided)
}

/// Addresses of those who decide over the accounts of a transfer, and of who asked for it; each once.
pub fn concerned(
    db: &mut Db,
    accounts: impl IntoIterator<Item = AccountId>,
    asker: Option<UserId>,
) -> QueryResult<Vec<String>> {
    let mut all = Vec::new();
    for account in accounts {
        all.extend(organization::emails_of_authority(db, account)?);
    }
    if let Some(asker) = asker {
        all.extend(users::table.find(asker).select(users::email).first::<String>(db).optional()?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
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
pub fn awaiting(db: &mut Db, person: &Person, now: Instant) -> QueryResult<Vec<Waiting>> {
    let ids = organization::decided_by(db, person)?;
    let (source, target) = diesel::alias!(accounts as source, accounts as target);
    let into =
        transfers::target_account_id.eq_any(ids.clone()).and(transfers::target_consent.is_null());
    let out_of = transfers::source_account_id.eq_any(ids).and(transfers::source_consent.is_null());
    let rows: Vec<(TransferId, String, String, String, String)> = transfers::table
        .inner_join(source.on(source.field(accounts::id).eq(transfers::source_account_id)))
        .inner_join(target.on(target.field(accounts::id).eq(transfers::target_account_id)))
        .filter(transfers::state.eq(State::Pending))
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

/// A transfer that a person can undo, or ask the other side to.
#[derive(Clone, Debug)]
pub struct Undoable {
    /// Its id.
    pub id: TransferId,
    /// The path that the workspace had.
    pub from: String,
    /// The path that it came to.
    pub to: String,
    /// Until when.
    pub until: Instant,
}

/// The transfers out of and into the accounts that a person decides over, as long as they can be undone; the last first.
pub fn undoable(db: &mut Db, person: &Person, now: Instant) -> QueryResult<Vec<Undoable>> {
    type Path = (String, String);
    let ids = organization::decided_by(db, person)?;
    let (source, target) = diesel::alias!(accounts as source, accounts as target);
    let out_of = transfers::source_account_id.eq_any(ids.clone());
    let rows: Vec<(TransferId, Path, Path, Instant)> = transfers::table
        .inner_join(source.on(source.field(accounts::id).eq(transfers::source_account_id)))
        .inner_join(target.on(target.field(accounts::id).eq(transfers::target_account_id)))
        .inner_join(workspaces::table.on(still_there!()))
        .filter(transfers::state.eq(State::Completed))
        .filter(transfers::undo_until.gt(now))
        .filter(out_of.or(transfers::target_account_id.eq_any(ids)))
        .order(transfers::undo_until.desc())
        .limit(LISTED)
        .select((
            transfers::id,
            (source.field(accounts::handle), transfers::source_handle),
            (target.field(accounts::handle), transfers::target_handle),
            transfers::undo_until.assume_not_null(),
        ))
        .load(db)?;
    let undoable = |(id, from, to, until): (_, Path, Path, _)| Undoable {
        id,
        from: format!("{}/{}", from.0, from.1),
        to: format!("{}/{}", to.0, to.1),
        until,
    };
    Ok(rows.into_iter().map(undoable).collect())
}
