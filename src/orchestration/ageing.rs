//! What grows old in a workspace: each part says of what it keeps whether any is too old, and removes that.
//! `retention.rs` goes through all of it.

use std::pin::Pin;

use diesel::dsl::InnerJoinQuerySource;
use diesel::expression::BoxableExpression;
use diesel::result::QueryResult;
use diesel::sql_types::Bool;

use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::schema::{accounts, workspaces};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::error::Result;

/// A condition on workspaces, in a query that has their accounts too.
pub type OfPlaces = Box<
    dyn BoxableExpression<
            InnerJoinQuerySource<workspaces::table, accounts::table>,
            MultiBackend,
            SqlType = Bool,
        >,
>;

/// What is to go.
#[derive(Clone, Copy, Debug)]
pub struct Old {
    /// Of which workspace.
    pub workspace: WorkspaceId,
    /// All that ended or happened before.
    pub before: Instant,
    /// The present moment.
    pub now: Instant,
}

/// Work on what is to go.
pub type Removal<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// How something ages.
#[derive(Clone, Copy)]
pub struct Ageing {
    /// Whether a workspace has any of before a moment.
    pub is_due: fn(before: Instant) -> OfPlaces,
    /// Removes it, in short transactions; what is removed stays removed when one of them fails.
    pub remove: fn(&App, Old) -> Removal<'_>,
}

/// Removes rows with a function that takes at most so many at once and returns how many it removed.
pub async fn in_batches(
    app: &App,
    old: Old,
    limit: i64,
    remove: fn(&mut Db, Old, i64) -> QueryResult<usize>,
) -> Result<()> {
    loop {
        let removed = app.db.ingest(move |db| Ok(remove(db, old, limit)?)).await?;
        if i64::try_from(removed).unwrap_or(0) < limit {
            return Ok(());
        }
    }
}
