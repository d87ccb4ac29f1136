//! The list of collaborators and invitations.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::model::{Collaborator, CollaboratorId, Counts, Invited, Key, Row, Status};
use crate::access::WorkspaceId;
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::{accounts, invitations, mails, memberships, users};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::tenancy::invitations::model::{InvitationId, State};

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Filter {
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// In names, addresses and handles; empty for everybody.
    pub q: String,
    /// Which rows.
    pub status: Status,
    /// Tells pending from expired.
    pub now: Instant,
}

impl Filter {
    fn pattern(&self) -> Option<String> {
        (!self.q.trim().is_empty()).then(|| contains_pattern(&self.q))
    }
}

/// Which way a query runs through the list.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Down,
    Up,
}

/// One page of the list: at most one query for invitations and one for people.
///
/// # Errors
/// The database's fault.
pub fn page(db: &mut Db, filter: &Filter, position: &Position<Key>) -> QueryResult<Slice<Row>> {
    let wanted = PAGE_SIZE + 1;
    let rows = match position {
        Position::Start => down_from(db, filter, None, wanted)?,
        Position::After(Key::Invited(id)) => down_from(db, filter, Some(*id), wanted)?,
        Position::After(Key::Collaborator(name, id)) => {
            people(db, filter, Way::Down, Some((name.clone(), *id)), wanted)?
        }
        Position::Before(Key::Invited(id)) => invited(db, filter, Way::Up, Some(*id), wanted)?,
        Position::Before(Key::Collaborator(name, id)) => {
            let mut rows = people(db, filter, Way::Up, Some((name.clone(), *id)), wanted)?;
            let missing = wanted - rows.len();
            if missing > 0 {
                rows.extend(invited(db, filter, Way::Up, None, missing)?);
            }
            rows
        }
    };
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// Invitations below a row, or from the top, and the people under them as far as there is room.
fn down_from(
    db: &mut Db,
    filter: &Filter,
    after: Option<InvitationId>,
    wanted: usize,
) -> QueryResult<Vec<Row>> {
    let mut rows = invited(db, filter, Way::Down, after, wanted)?;
    let missing = wanted - rows.len();
    if missing > 0 {
        rows.extend(people(db, filter, Way::Down, None, missing)?);
    }
    Ok(rows)
}

fn limit(wanted: usize) -> i64 {
    i64::try_from(wanted).unwrap_or(i64::MAX)
}

fn invited(
    db: &mut Db,
    filter: &Filter,
    way: Way,
    from: Option<InvitationId>,
    wanted: usize,
) -> QueryResult<Vec<Row>> {
    if filter.status == Status::Active {
        return Ok(Vec::new());
    }
    let mut query = invitations::table
        .left_join(mails::table.on(invitations::mail_id.eq(mails::id.nullable())))
        .filter(invitations::workspace_id.eq(filter.workspace))
        .filter(invitations::state.eq(State::Pending))
        .into_boxed::<MultiBackend>();
    match filter.status {
        Status::Pending => query = query.filter(invitations::expires_at.gt(filter.now)),
        Status::Expired => query = query.filter(invitations::expires_at.le(filter.now)),
        Status::All | Status::Active => {}
    }
    if let Some(pattern) = filter.pattern() {
        query = query.filter(invitations::email_key.like(pattern).escape('\\'));
    }
    query = match (way, from) {
        (Way::Down, Some(id)) => query.filter(invitations::id.lt(id)),
        (Way::Up, Some(id)) => query.filter(invitations::id.gt(id)),
        (_, None) => query,
    };
    query = match way {
        Way::Down => query.order(invitations::id.desc()),
        Way::Up => query.order(invitations::id.asc()),
    };
    let rows: Vec<Invited> = query
        .limit(limit(wanted))
        .select((
            invitations::id,
            invitations::email,
            invitations::invited_by_name,
            invitations::sent_at,
            invitations::expires_at,
            mails::state.nullable(),
            mails::last_error.nullable(),
        ))
        .load(db)?;
    Ok(rows.into_iter().map(Row::Invited).collect())
}

fn people(
    db: &mut Db,
    filter: &Filter,
    way: Way,
    from: Option<(String, CollaboratorId)>,
    wanted: usize,
) -> QueryResult<Vec<Row>> {
    if matches!(filter.status, Status::Pending | Status::Expired) {
        return Ok(Vec::new());
    }
    let mut query = memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .filter(memberships::workspace_id.eq(filter.workspace))
        .into_boxed::<MultiBackend>();
    if let Some(pattern) = filter.pattern() {
        query = query.filter(
            memberships::sort_name
                .like(pattern.clone())
                .escape('\\')
                .or(users::email_key.like(pattern.clone()).escape('\\'))
                .or(accounts::handle.like(pattern).escape('\\')),
        );
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
    let rows: Vec<Collaborator> = query.limit(limit(wanted)).select(COLLABORATOR).load(db)?;
    Ok(rows.into_iter().map(Row::Collaborator).collect())
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
///
/// # Errors
/// The database's fault.
pub fn counts(db: &mut Db, workspace: WorkspaceId) -> QueryResult<Counts> {
    let active =
        memberships::table.filter(memberships::workspace_id.eq(workspace)).select(count_star());
    let invited = invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::state.eq(State::Pending))
        .select(count_star());
    let (active, invited): (Option<i64>, Option<i64>) =
        diesel::select((active.single_value(), invited.single_value())).get_result(db)?;
    Ok(Counts { active: active.unwrap_or(0), invited: invited.unwrap_or(0) })
}

/// One collaborator of a workspace (IN-10).
///
/// # Errors
/// The database's fault.
pub fn one(
    db: &mut Db,
    workspace: WorkspaceId,
    id: CollaboratorId,
) -> QueryResult<Option<Collaborator>> {
    memberships::table
        .inner_join(users::table.inner_join(accounts::table))
        .filter(memberships::id.eq(id))
        .filter(memberships::workspace_id.eq(workspace))
        .select(COLLABORATOR)
        .first(db)
        .optional()
}

/// Ends a membership; returns whether it was there.
///
/// # Errors
/// The database's fault.
pub fn remove(db: &mut Db, workspace: WorkspaceId, id: CollaboratorId) -> QueryResult<bool> {
    let removed = diesel::delete(
        memberships::table
            .filter(memberships::id.eq(id))
            .filter(memberships::workspace_id.eq(workspace)),
    )
    .execute(db)?;
    Ok(removed == 1)
}
