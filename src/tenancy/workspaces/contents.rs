//! What there is in a workspace: the dashboard, the delete page and the review of a transfer count it (W4, SP-31).

use diesel::prelude::*;

use crate::access::WorkspaceId;
use crate::access::contents::{ContentKind, Contents, Fate};
use crate::access::membership::Workspace;
use crate::access::permission::Permission;
use crate::base::db::Db;
use crate::base::db::paging::{COUNT_LIMIT, count_text};
use crate::base::db::schema::workspace_redirects;
use crate::base::text::counted;

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind {
    one: "former handle",
    many: "former handles",
    shown_to: None,
    in_kind: None,
    fate: Fate::Ends,
    count,
    purge,
}];

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
pub fn counts(
    db: &mut Db,
    contents: Contents,
    workspace: &Workspace,
    may: impl Fn(Permission) -> bool,
) -> QueryResult<Vec<Counted>> {
    contents
        .kinds()
        .iter()
        .filter(|kind| kind.is_in(workspace.account_kind))
        .filter(|kind| kind.shown_to.is_some_and(&may))
        .map(|kind| Ok(Counted { kind, number: (kind.count)(db, workspace.id)? }))
        .collect()
}

fn count(db: &mut Db, id: WorkspaceId) -> QueryResult<i64> {
    workspace_redirects::table
        .filter(workspace_redirects::workspace_id.eq(id))
        .count()
        .get_result(db)
}

fn purge(db: &mut Db, id: WorkspaceId, limit: i64) -> QueryResult<usize> {
    let handles = super::queries::former_handles(db, id, limit)?;
    diesel::delete(
        workspace_redirects::table
            .filter(workspace_redirects::workspace_id.eq(id))
            .filter(workspace_redirects::handle.eq_any(handles)),
    )
    .execute(db)
}
