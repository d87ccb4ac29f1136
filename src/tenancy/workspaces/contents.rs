//! What a workspace contains. Each kind of content says once how it is counted and purged; the
//! dashboard, the delete page and the purge read this list (W4, SP-31).

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::access::actor::KeyMarker;
use crate::access::history::{all, shown};
use crate::access::membership::{AccountKind, Workspace};
use crate::access::permission::Permission;
use crate::base::db::paging::{COUNT_LIMIT, count_text};
use crate::base::db::schema::{
    api_keys, concurrency_leases, events, flow_runs, flows, invitations, logs, memberships,
    service_account_grants as grants, task_runs, workspace_redirects,
};
use crate::base::db::{Db, Id};
use crate::base::text::counted;
use crate::tenancy::invitations::actions::forget_of_workspace;

/// One kind of content.
#[derive(Clone, Copy, Debug)]
pub struct ContentKind {
    /// The word for one.
    pub one: &'static str,
    /// The word for several, which also names the kind in the audit log.
    pub many: &'static str,
    /// Who sees how many there are; `None` where it is nobody's business.
    pub shown_to: Option<Permission>,
    /// The kind of account whose workspaces have it; `None` for both.
    pub in_kind: Option<AccountKind>,
    /// What becomes of it when the workspace moves, and whether it is what a deletion takes away.
    pub fate: Fate,
    /// How many there are that count.
    pub count: fn(&mut Db, WorkspaceId) -> QueryResult<i64>,
    /// Removes at most so many rows, whether they count or not; returns how many.
    pub purge: fn(&mut Db, WorkspaceId, limit: i64) -> QueryResult<usize>,
}

/// What becomes of a kind of content when its workspace moves to another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It belonged to the account, and ends, or is made anew.
    Ends,
    /// It moves along; a deletion takes it away.
    Moves,
    /// The same, as far as the account keeps it; what goes with it in words.
    Retained(&'static str),
}

impl ContentKind {
    /// Whether workspaces of such an account have it.
    pub fn is_in(&self, account: AccountKind) -> bool {
        self.in_kind.is_none_or(|known| known == account)
    }
}

/// What workspaces are for, in words: the kinds of content that stay in them.
pub fn words() -> String {
    let kinds = KINDS.iter().filter(|kind| kind.fate != Fate::Ends && kind.shown_to.is_some());
    kinds.map(|kind| kind.many).collect::<Vec<_>>().join(", ")
}

/// Every kind, in the order of the pages.
pub const KINDS: &[ContentKind] = &[
    ContentKind {
        one: "collaborator",
        many: "collaborators",
        shown_to: Some(Permission::SeeWorkspaceUsers),
        in_kind: Some(AccountKind::Personal),
        fate: Fate::Ends,
        count: count_memberships,
        purge: purge_memberships,
    },
    ContentKind {
        one: "member",
        many: "members",
        shown_to: Some(Permission::SeeWorkspaceUsers),
        in_kind: Some(AccountKind::Organization),
        fate: Fate::Ends,
        count: count_memberships,
        purge: purge_memberships,
    },
    ContentKind {
        one: "pending invitation",
        many: "pending invitations",
        shown_to: Some(Permission::SeeWorkspaceUsers),
        in_kind: None,
        fate: Fate::Ends,
        count: count_invitations,
        purge: forget_of_workspace,
    },
    ContentKind {
        one: "service account",
        many: "service accounts",
        shown_to: Some(Permission::SeeWorkspaceServiceAccounts),
        in_kind: Some(AccountKind::Organization),
        fate: Fate::Ends,
        count: count_service_accounts,
        purge: purge_service_accounts,
    },
    ContentKind {
        one: "API key for this workspace only",
        many: "API keys for this workspace only",
        shown_to: Some(Permission::ManageWorkspaceSettings),
        in_kind: None,
        fate: Fate::Ends,
        count: count_keys,
        purge: purge_keys,
    },
    ContentKind {
        one: "event",
        many: "events",
        shown_to: None,
        in_kind: None,
        fate: Fate::Moves,
        count: |_, _| Ok(0),
        purge: purge_events,
    },
    ContentKind {
        one: "task run",
        many: "task runs",
        shown_to: None,
        in_kind: None,
        fate: Fate::Moves,
        count: |_, _| Ok(0),
        purge: purge_task_runs,
    },
    ContentKind {
        one: "concurrency lease",
        many: "concurrency leases",
        shown_to: None,
        in_kind: None,
        fate: Fate::Moves,
        count: |_, _| Ok(0),
        purge: purge_leases,
    },
    ContentKind {
        one: "flow run",
        many: "flow runs",
        shown_to: Some(Permission::SeeFlows),
        in_kind: None,
        fate: Fate::Retained(" with their task runs and logs"),
        count: count_flow_runs,
        purge: purge_flow_runs,
    },
    ContentKind {
        one: "flow",
        many: "flows",
        shown_to: Some(Permission::SeeFlows),
        in_kind: None,
        fate: Fate::Moves,
        count: count_flows,
        purge: purge_flows,
    },
    ContentKind {
        one: "log line",
        many: "log lines",
        shown_to: None,
        in_kind: None,
        fate: Fate::Moves,
        count: |_, _| Ok(0),
        purge: purge_logs,
    },
    ContentKind {
        one: "former handle",
        many: "former handles",
        shown_to: None,
        in_kind: None,
        fate: Fate::Ends,
        count: count_redirects,
        purge: purge_redirects,
    },
];

/// How many there are of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The kind.
    pub kind: &'static ContentKind,
    /// The number.
    pub number: i64,
}

impl Counted {
    /// `3 collaborators`, `10,000+ flow runs`
    pub fn text(&self) -> String {
        if self.number > COUNT_LIMIT {
            return format!("{} {}", count_text(self.number), self.kind.many);
        }
        counted(self.number, self.kind.one, self.kind.many)
    }

    /// The kind as a label: `Pending invitations`.
    pub fn label(&self) -> String {
        let mut letters = self.kind.many.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// The number as people read it.
    pub fn number_text(&self) -> String {
        count_text(self.number)
    }
}

/// The counts of a workspace that somebody who `may` do some things sees.
///
/// # Errors
/// The database's fault.
pub fn counts(
    db: &mut Db,
    workspace: &Workspace,
    may: impl Fn(Permission) -> bool,
) -> QueryResult<Vec<Counted>> {
    KINDS
        .iter()
        .filter(|kind| kind.is_in(workspace.account_kind))
        .filter(|kind| kind.shown_to.is_some_and(&may))
        .map(|kind| Ok(Counted { kind, number: (kind.count)(db, workspace.id)? }))
        .collect()
}

fn count_memberships(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    memberships::table.filter(memberships::workspace_id.eq(id)).count().get_result(db)
}

fn purge_memberships(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let ids: Vec<Id<ContentKind>> = memberships::table
        .filter(memberships::workspace_id.eq(id))
        .limit(limit)
        .select(memberships::id)
        .load(db)?;
    diesel::delete(memberships::table.filter(memberships::id.eq_any(ids))).execute(db)
}

fn count_invitations(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    invitations::table
        .filter(invitations::workspace_id.eq(id))
        .filter(invitations::state.eq("pending"))
        .count()
        .get_result(db)
}

fn count_service_accounts(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    grants::table.filter(grants::workspace_id.eq(id)).count().get_result(db)
}

fn purge_service_accounts(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let ids: Vec<Id<ContentKind>> = grants::table
        .filter(grants::workspace_id.eq(id))
        .limit(limit)
        .select(grants::id)
        .load(db)?;
    diesel::delete(grants::table.filter(grants::id.eq_any(ids))).execute(db)
}

fn count_keys(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    api_keys::table.filter(api_keys::only_workspace_id.eq(id)).count().get_result(db)
}

fn purge_keys(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let ids: Vec<Id<KeyMarker>> = api_keys::table
        .filter(api_keys::only_workspace_id.eq(id))
        .limit(limit)
        .select(api_keys::id)
        .load(db)?;
    diesel::delete(api_keys::table.filter(api_keys::id.eq_any(ids))).execute(db)
}

/// Counting stops one past [`COUNT_LIMIT`]: a history is not read to say how long it is.
fn count_flow_runs(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    let some: Vec<Id<ContentKind>> =
        shown::flow_runs(id).limit(COUNT_LIMIT + 1).select(flow_runs::id).load(db)?;
    Ok(i64::try_from(some.len()).unwrap_or(COUNT_LIMIT + 1))
}

/// With their states, which go along.
fn purge_flow_runs(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let some = all::flow_runs(id);
    let ids: Vec<Id<ContentKind>> = some.limit(limit).select(flow_runs::id).load(db)?;
    diesel::delete(some.filter(flow_runs::id.eq_any(ids))).execute(db)
}

/// With their states, which go along.
fn purge_task_runs(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let some = all::task_runs(id);
    let ids: Vec<Id<ContentKind>> = some.limit(limit).select(task_runs::id).load(db)?;
    diesel::delete(some.filter(task_runs::id.eq_any(ids))).execute(db)
}

fn purge_events(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let some = all::events(id);
    let ids: Vec<Id<ContentKind>> = some.limit(limit).select(events::id).load(db)?;
    diesel::delete(some.filter(events::id.eq_any(ids))).execute(db)
}

fn purge_leases(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let some = concurrency_leases::table.filter(concurrency_leases::workspace_id.eq(id));
    let ids: Vec<Id<ContentKind>> = some.limit(limit).select(concurrency_leases::id).load(db)?;
    diesel::delete(some.filter(concurrency_leases::id.eq_any(ids))).execute(db)
}

fn count_flows(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    flows::table.filter(flows::workspace_id.eq(id)).count().get_result(db)
}

fn purge_flows(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let some = flows::table.filter(flows::workspace_id.eq(id));
    let ids: Vec<Id<ContentKind>> = some.limit(limit).select(flows::id).load(db)?;
    diesel::delete(some.filter(flows::id.eq_any(ids))).execute(db)
}

fn purge_logs(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let some = all::logs(id);
    let ids: Vec<Id<ContentKind>> = some.limit(limit).select(logs::id).load(db)?;
    diesel::delete(some.filter(logs::id.eq_any(ids))).execute(db)
}

fn count_redirects(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    workspace_redirects::table
        .filter(workspace_redirects::workspace_id.eq(id))
        .count()
        .get_result(db)
}

fn purge_redirects(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let handles = super::queries::former_handles(db, id, limit)?;
    diesel::delete(
        workspace_redirects::table
            .filter(workspace_redirects::workspace_id.eq(id))
            .filter(workspace_redirects::handle.eq_any(handles)),
    )
    .execute(db)
}
