//! Reading an account's chain.

use diesel::prelude::*;

use crate::access::AccountId;
use crate::base::db::paging::{PAGE_SIZE, Position, Slice};
use crate::base::db::schema::audit_entries;
use crate::base::db::{Db, Instant, MultiBackend};

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
}

/// A page of an account's chain, the newest entry first.
pub fn of_account(
    db: &mut Db,
    account: AccountId,
    position: &Position<i64>,
) -> QueryResult<Slice<Kept>> {
    let query = audit_entries::table
        .filter(audit_entries::account_id.eq(account))
        .into_boxed::<MultiBackend>();
    let sequence = audit_entries::sequence;
    let query = match position {
        Position::Start => query.order(sequence.desc()),
        Position::After(at) => query.filter(sequence.lt(*at)).order(sequence.desc()),
        Position::Before(at) => query.filter(sequence.gt(*at)).order(sequence.asc()),
    };
    let rows = query
        .limit(i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX))
        .select((sequence, audit_entries::occurred_at, audit_entries::event, audit_entries::entry))
        .load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}
