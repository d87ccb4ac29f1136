//! What a workspace can contain. A slice says of each kind that it keeps how it is counted and removed; the
//! list of all kinds is put together above the slices and handed down in [`crate::app::Context`] (W4, SP-31).

use diesel::QueryResult;

use super::WorkspaceId;
use super::membership::AccountKind;
use super::permission::Permission;
use crate::app::Context;
use crate::base::db::Db;

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
    /// What is nobody's business and moves along; who declares it says how it is purged.
    pub const fn hidden(
        one: &'static str,
        many: &'static str,
        purge: fn(&mut Db, WorkspaceId, limit: i64) -> QueryResult<usize>,
    ) -> Self {
        let count = |_: &mut Db, _| Ok(0);
        Self { one, many, shown_to: None, in_kind: None, fate: Fate::Moves, count, purge }
    }

    /// Whether workspaces of such an account have it.
    pub fn is_in(&self, account: AccountKind) -> bool {
        self.in_kind.is_none_or(|known| known == account)
    }
}

/// Every kind, in the order of the pages. What refers to rows of another kind is purged before it.
#[derive(Clone, Copy)]
pub struct Contents(pub fn() -> &'static [ContentKind]);

impl Default for Contents {
    fn default() -> Self {
        Self(|| &[])
    }
}

impl Contents {
    /// Those that the program was put together with.
    pub fn of(context: &Context) -> Self {
        context.declared.of()
    }

    /// The kinds.
    pub fn kinds(self) -> &'static [ContentKind] {
        (self.0)()
    }

    /// What workspaces are for, in words: the kinds of content that stay in them.
    pub fn words(self) -> String {
        let kinds =
            self.kinds().iter().filter(|kind| kind.fate != Fate::Ends && kind.shown_to.is_some());
        kinds.map(|kind| kind.many).collect::<Vec<_>>().join(", ")
    }
}

/// Removes at most so many rows of a table that has ids, all of them of one workspace: the function that
/// [`ContentKind::purge`] wants. The second name is the column of the workspace, where it is called otherwise.
macro_rules! purge {
    ($table:ident) => {
        $crate::access::contents::purge!($table, workspace_id)
    };
    ($table:ident, $workspace:ident) => {
        |db, id, limit| {
            use diesel::prelude::*;
            use $crate::access::contents::ContentKind;
            use $crate::base::db::{Id, schema::$table};
            let some = $table::table.filter($table::$workspace.eq(id));
            let ids: Vec<Id<ContentKind>> = some.limit(limit).select($table::id).load(db)?;
            diesel::delete(some.filter($table::id.eq_any(ids))).execute(db)
        }
    };
}
pub(crate) use purge;
