//! The invitations of a list of people.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::super::model::{InvitationId, Scope, State};
use super::super::queries::of;
use super::{Filter, Invited, Status, Way};
use crate::base::db::schema::{invitations, mails};
use crate::base::db::{Db, Instant, MultiBackend};

fn limit(wanted: usize) -> i64 {
    i64::try_from(wanted).unwrap_or(i64::MAX)
}

/// Some invitations that were not answered, the newest first when the way is down.
pub fn invited(
    db: &mut Db,
    filter: &Filter,
    way: Way,
    from: Option<InvitationId>,
    wanted: usize,
) -> QueryResult<Vec<Invited>> {
    if filter.status == Status::Active {
        return Ok(Vec::new());
    }
    let mut query = invitations::table
        .left_join(mails::table.on(invitations::mail_id.eq(mails::id.nullable())))
        .filter(invitations::state.eq(State::Pending))
        .into_boxed::<MultiBackend>();
    query = match filter.scope.workspace {
        Some(workspace) => query.filter(invitations::workspace_id.eq(workspace)),
        None => query
            .filter(invitations::account_id.eq(filter.scope.account))
            .filter(invitations::workspace_id.is_null()),
    };
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
    query
        .limit(limit(wanted))
        .select((
            invitations::id,
            invitations::email,
            invitations::role,
            invitations::custom_role_id,
            invitations::organization_role,
            invitations::invited_by_name,
            invitations::sent_at,
            invitations::expires_at,
            invitations::access_until,
            invitations::mail_id,
            mails::state.nullable(),
            mails::last_error.nullable(),
        ))
        .load(db)
}

/// How many invitations of a place were not answered, expired ones included.
pub fn invited_count(db: &mut Db, scope: Scope) -> QueryResult<i64> {
    of(scope).filter(invitations::state.eq(State::Pending)).select(count_star()).first(db)
}

/// How many invitations of a place can still be accepted: each keeps a place.
pub fn open_count(db: &mut Db, scope: Scope, now: Instant) -> QueryResult<i64> {
    super::super::queries::open(db, scope, now)
}
