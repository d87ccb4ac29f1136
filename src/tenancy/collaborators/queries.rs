//! The list of collaborators and invitations.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::model::Collaborator;
use crate::access::WorkspaceId;
use crate::base::db::paging::{Position, Slice};
use crate::base::db::schema::{accounts, memberships, users};
use crate::base::db::{Db, MultiBackend};
use crate::tenancy::invitations::model::Scope;
use crate::tenancy::invitations::roster::queries::invited_count;
use crate::tenancy::invitations::roster::{
    self, Counts, Filter, From, Key, MemberId, Row, Status, Way,
};

/// One page of the list.
pub fn page(
    db: &mut Db,
    filter: &Filter,
    position: &Position<Key>,
) -> QueryResult<Slice<Row<Collaborator>>> {
    roster::page(db, filter, position, |db, way, from, wanted| {
        people(db, filter, way, from, wanted)
    })
}

fn people(
    db: &mut Db,
    filter: &Filter,
    way: Way,
    from: From,
    wanted: usize,
) -> QueryResult<Vec<Collaborator>> {
    if matches!(filter.status, Status::Pending | Status::Expired) {
        return Ok(Vec::new());
    }
    let Some(workspace) = filter.scope.workspace else { return Ok(Vec::new()) };
    let mut query = memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .filter(memberships::workspace_id.eq(workspace))
        .into_boxed::<MultiBackend>();
    if let Some(pattern) = filter.pattern() {
        query = query.filter(memberships::search_key.like(pattern).escape('\\'));
    }
    let (name, id) = (memberships::sort_name, memberships::id);
    query = match (way, from) {
        (Way::Down, Some((n, i))) => query.filter(name.gt(n.clone()).or(name.eq(n).and(id.gt(i)))),
        (Way::Up, Some((n, i))) => query.filter(name.lt(n.clone()).or(name.eq(n).and(id.lt(i)))),
        (_, None) => query,
    };
    query = match way {
        Way::Down => query.order((name.asc(), id.asc())),
        Way::Up => query.order((name.desc(), id.desc())),
    };
    query.limit(i64::try_from(wanted).unwrap_or(i64::MAX)).select(COLLABORATOR).load(db)
}

type CollaboratorColumns = (
    memberships::id,
    memberships::user_id,
    memberships::sort_name,
    accounts::name,
    users::email,
    accounts::handle,
    memberships::last_seen_at,
);

const COLLABORATOR: CollaboratorColumns = (
    memberships::id,
    memberships::user_id,
    memberships::sort_name,
    accounts::name,
    users::email,
    accounts::handle,
    memberships::last_seen_at,
);

/// How many people and invitations a workspace has, whatever is searched for.
pub fn counts(db: &mut Db, scope: Scope) -> QueryResult<Counts> {
    let active = match scope.workspace {
        Some(workspace) => memberships::table
            .filter(memberships::workspace_id.eq(workspace))
            .select(count_star())
            .first(db)?,
        None => 0,
    };
    Ok(Counts { active, invited: invited_count(db, scope)? })
}

/// One collaborator of a workspace (IN-10).
pub fn one(db: &mut Db, workspace: WorkspaceId, id: MemberId) -> QueryResult<Option<Collaborator>> {
    memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .filter(memberships::id.eq(id))
        .filter(memberships::workspace_id.eq(workspace))
        .select(COLLABORATOR)
        .first(db)
        .optional()
}

/// Ends a membership; returns whether it was there.
pub fn remove(db: &mut Db, workspace: WorkspaceId, id: MemberId) -> QueryResult<bool> {
    let removed = diesel::delete(
        memberships::table
            .filter(memberships::id.eq(id))
            .filter(memberships::workspace_id.eq(workspace)),
    )
    .execute(db)?;
    Ok(removed == 1)
}
