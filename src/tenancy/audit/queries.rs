//! Reading an account's chain.

use diesel::prelude::*;

use super::record::By;
use crate::access::{AccountId, WorkspaceId};
use crate::base::db::paging::{PAGE_SIZE, Position, Slice};
use crate::base::db::schema::{accounts, audit_entries, users, workspaces};
use crate::base::db::{Db, Id, Instant, MultiBackend};

/// An entry as it is kept.
#[derive(Clone, Debug, Queryable)]
pub struct Kept {
    /// Its place in the chain.
    pub sequence: i64,
    /// When it happened.
    pub occurred_at: Instant,
    /// What.
    pub event: String,
    /// The exact text that the hash covers.
    pub entry: String,
    /// The hash, over the one before it too.
    pub hash: Vec<u8>,
}

/// Which entries of a chain.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Whose chain.
    pub account: AccountId,
    /// From this moment on.
    pub since: Option<Instant>,
    /// Before this moment.
    pub until: Option<Instant>,
    /// With this name.
    pub event: Option<String>,
    /// About this workspace.
    pub workspace: Option<WorkspaceId>,
    /// By this person.
    pub person: Option<Id<By>>,
}

impl Filter {
    /// All entries of an account.
    pub fn everything(account: AccountId) -> Self {
        let (since, until, event, workspace, person) = (None, None, None, None, None);
        Self { account, since, until, event, workspace, person }
    }
}

type Entries = audit_entries::BoxedQuery<'static, MultiBackend>;

/// Instances' clocks may be off by seconds, so the order of times is nearly that of the chain: so
/// many entries beyond the borders that the times give are looked at.
const SLACK: i64 = 1000;

/// The entries that a filter leaves; `None` when its times leave none. A stretch of time is looked up
/// as a stretch of the chain, so that no index but one has to be read.
fn filtered(db: &mut Db, filter: &Filter) -> QueryResult<Option<Entries>> {
    let mut query = audit_entries::table
        .filter(audit_entries::account_id.eq(filter.account))
        .into_boxed::<MultiBackend>();
    let times = audit_entries::table.filter(audit_entries::account_id.eq(filter.account));
    if let Some(since) = filter.since {
        let first: Option<i64> = times
            .filter(audit_entries::occurred_at.ge(since))
            .order(audit_entries::occurred_at)
            .select(audit_entries::sequence)
            .first(db)
            .optional()?;
        let Some(first) = first else { return Ok(None) };
        query = query
            .filter(audit_entries::sequence.ge(first - SLACK))
            .filter(audit_entries::occurred_at.ge(since));
    }
    if let Some(until) = filter.until {
        let last: Option<i64> = times
            .filter(audit_entries::occurred_at.lt(until))
            .order(audit_entries::occurred_at.desc())
            .select(audit_entries::sequence)
            .first(db)
            .optional()?;
        let Some(last) = last else { return Ok(None) };
        query = query
            .filter(audit_entries::sequence.le(last + SLACK))
            .filter(audit_entries::occurred_at.lt(until));
    }
    if let Some(event) = &filter.event {
        query = query.filter(audit_entries::event.eq(event.clone()));
    }
    if let Some(workspace) = filter.workspace {
        query = query.filter(audit_entries::workspace_id.eq(workspace));
    }
    if let Some(person) = filter.person {
        query = query.filter(audit_entries::actor_id.eq(person));
    }
    Ok(Some(query))
}

type KeptColumns = (
    audit_entries::sequence,
    audit_entries::occurred_at,
    audit_entries::event,
    audit_entries::entry,
    audit_entries::hash,
);

const KEPT: KeptColumns = (
    audit_entries::sequence,
    audit_entries::occurred_at,
    audit_entries::event,
    audit_entries::entry,
    audit_entries::hash,
);

/// A page of what a filter leaves of a chain, the newest entry first.
pub fn page(db: &mut Db, filter: &Filter, position: &Position<i64>) -> QueryResult<Slice<Kept>> {
    let Some(query) = filtered(db, filter)? else {
        return Ok(Slice::from_query(Vec::new(), position, PAGE_SIZE));
    };
    let sequence = audit_entries::sequence;
    let query = match position {
        Position::Start => query.order(sequence.desc()),
        Position::After(at) => query.filter(sequence.lt(*at)).order(sequence.desc()),
        Position::Before(at) => query.filter(sequence.gt(*at)).order(sequence.asc()),
    };
    let rows =
        query.limit(i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX)).select(KEPT).load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// The next entries of what a filter leaves, from the newest down, below `under`; at most `limit`.
pub fn batch(
    db: &mut Db,
    filter: &Filter,
    under: Option<i64>,
    limit: i64,
) -> QueryResult<Vec<Kept>> {
    let Some(mut query) = filtered(db, filter)? else { return Ok(Vec::new()) };
    if let Some(under) = under {
        query = query.filter(audit_entries::sequence.lt(under));
    }
    query.order(audit_entries::sequence.desc()).limit(limit).select(KEPT).load(db)
}

/// One entry of a chain.
pub fn one(db: &mut Db, account: AccountId, sequence: i64) -> QueryResult<Option<Kept>> {
    audit_entries::table.find((account, sequence)).select(KEPT).first(db).optional()
}

/// The workspace of an account that has a handle, deleted or not.
pub fn workspace_named(
    db: &mut Db,
    account: AccountId,
    handle: &str,
) -> QueryResult<Option<WorkspaceId>> {
    workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::handle.eq(handle))
        .select(workspaces::id)
        .first(db)
        .optional()
}

/// The person whom a handle or an address names, if an entry of the account tells of that person:
/// the log says nothing about others.
pub fn person_named(db: &mut Db, account: AccountId, name: &str) -> QueryResult<Option<Id<By>>> {
    let name = name.to_lowercase();
    let person: Option<crate::access::UserId> = users::table
        .inner_join(accounts::table)
        .filter(users::email_key.eq(&name).or(accounts::handle.eq(&name)))
        .select(users::id)
        .first(db)
        .optional()?;
    let Some(person) = person.map(Id::cast::<By>) else { return Ok(None) };
    let told = audit_entries::table
        .filter(audit_entries::account_id.eq(account))
        .filter(audit_entries::actor_id.eq(person));
    let is_told: bool = diesel::select(diesel::dsl::exists(told)).get_result(db)?;
    Ok(is_told.then_some(person))
}
