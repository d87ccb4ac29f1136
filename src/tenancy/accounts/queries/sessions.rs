//! Rows about signed-in browsers.

use diesel::prelude::*;

use crate::access::UserId;
use crate::base::db::ids::SessionId;
use crate::base::db::schema::sessions;
use crate::base::db::{Db, Instant, MultiBackend};

/// A signed-in browser of a person.
#[derive(Clone, Debug, Queryable)]
pub struct Device {
    /// The session's id.
    pub id: SessionId,
    /// The session's state, as JSON.
    pub state: String,
    /// When it was last seen.
    pub last_seen_at: Instant,
}

/// The signed-in browsers of a person that still count, the one seen last first.
pub fn devices(
    db: &mut Db,
    user: UserId,
    alive_since: Instant,
    now: Instant,
) -> QueryResult<Vec<Device>> {
    sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::last_seen_at.gt(alive_since))
        .filter(sessions::expires_at.gt(now))
        .order((sessions::last_seen_at.desc(), sessions::id))
        .limit(crate::base::http::session::SESSIONS_PER_USER)
        .select((sessions::id, sessions::state, sessions::last_seen_at))
        .load(db)
}

/// Ends one session of a person; returns whether it was there.
pub fn end_session(db: &mut Db, user: UserId, session: SessionId) -> QueryResult<bool> {
    let ended = diesel::delete(
        sessions::table.filter(sessions::id.eq(session)).filter(sessions::user_id.eq(user)),
    )
    .execute(db)?;
    Ok(ended == 1)
}

/// Ends all sessions of a person but one; returns how many.
pub fn end_sessions(db: &mut Db, user: UserId, but: Option<SessionId>) -> QueryResult<usize> {
    let mut doomed = diesel::delete(sessions::table.filter(sessions::user_id.eq(user)))
        .into_boxed::<MultiBackend>();
    if let Some(but) = but {
        doomed = doomed.filter(sessions::id.ne(but));
    }
    doomed.execute(db)
}

/// Removes sessions that ended, some at a time; returns how many.
pub fn forget_sessions(db: &mut Db, now: Instant, idle_since: Instant) -> QueryResult<usize> {
    let ended: Vec<SessionId> = sessions::table
        .filter(sessions::expires_at.le(now).or(sessions::last_seen_at.le(idle_since)))
        .limit(500)
        .select(sessions::id)
        .load(db)?;
    diesel::delete(sessions::table.filter(sessions::id.eq_any(ended))).execute(db)
}
