//! Finding and keeping limits.

use diesel::prelude::*;

use super::model::{Limit, LimitId, LimitKind, Which};
use crate::access::WorkspaceId;
use crate::base::db::paging::{PAGE_SIZE, Position, Slice, contains_pattern};
use crate::base::db::schema::concurrency_limits;
use crate::base::db::{AnyConnection, Db, MultiBackend, Prepared, lower, on_each_backend};
use crate::base::http::json::Window;
use crate::orchestration::wire::named::named_queries;

named_queries!(concurrency_limits, Limit, LimitId);

/// The one that an address names.
pub fn find(db: &mut Db, workspace: WorkspaceId, which: &Which) -> QueryResult<Option<Limit>> {
    match which {
        Which::Id(id) => one(db, workspace, *id),
        Which::Name(name) => named(db, workspace, name),
    }
}

/// Some of a kind, by name.
pub fn some_of(
    db: &mut Db,
    workspace: WorkspaceId,
    kind: LimitKind,
    window: Window,
) -> QueryResult<Vec<Limit>> {
    let query = of(workspace).filter(concurrency_limits::kind.eq(kind));
    let query = query.order(concurrency_limits::name).limit(window.limit).offset(window.offset);
    query.select(Limit::as_select()).load(db)
}

/// Those of some ids, which nobody else counts before this transaction ends. Always in the order of their ids, so that
/// no two transactions wait for each other; and before any lease is locked.
pub fn locked(db: &mut Db, workspace: WorkspaceId, ids: &[LimitId]) -> QueryResult<Vec<Limit>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = concurrency_limits::table
        .filter(concurrency_limits::workspace_id.eq(workspace))
        .filter(concurrency_limits::id.eq_any(ids.to_vec()))
        .order(concurrency_limits::id);
    match &mut db.connection {
        AnyConnection::Postgres(conn) => query.select(Limit::as_select()).for_update().load(conn),
        AnyConnection::Sqlite(conn) => query.select(Limit::as_select()).load(conn),
    }
}

/// Those of some names, as they are at this moment.
pub fn of_names(db: &mut Db, workspace: WorkspaceId, names: &[String]) -> QueryResult<Vec<Limit>> {
    let query = of(workspace).filter(concurrency_limits::name.eq_any(names.to_vec()));
    query.order(concurrency_limits::name).select(Limit::as_select()).load(db)
}

/// As [`locked`], for those of some names; a name that none has is left out.
pub fn locked_named(
    db: &mut Db,
    workspace: WorkspaceId,
    names: &[String],
) -> QueryResult<Vec<Limit>> {
    let query = concurrency_limits::table
        .filter(concurrency_limits::workspace_id.eq(workspace))
        .filter(concurrency_limits::name.eq_any(names.to_vec()))
        .order(concurrency_limits::id);
    match &mut db.connection {
        AnyConnection::Postgres(conn) => query.select(Limit::as_select()).for_update().load(conn),
        AnyConnection::Sqlite(conn) => query.select(Limit::as_select()).load(conn),
    }
}

/// The one that an address names, which nobody else counts before this transaction ends.
pub fn lock(db: &mut Db, workspace: WorkspaceId, which: &Which) -> QueryResult<Option<Limit>> {
    let found = match which {
        Which::Id(id) => locked(db, workspace, &[*id])?,
        Which::Name(name) => locked_named(db, workspace, std::slice::from_ref(name))?,
    };
    Ok(found.into_iter().next())
}

/// Keeps a new limit.
pub fn insert(db: &mut Db, workspace: WorkspaceId, limit: &Limit) -> QueryResult<()> {
    diesel::insert_into(concurrency_limits::table)
        .values((
            concurrency_limits::id.eq(limit.id),
            concurrency_limits::workspace_id.eq(workspace),
            concurrency_limits::name.eq(&limit.name),
            concurrency_limits::kind.eq(limit.kind),
            concurrency_limits::is_active.eq(limit.is_active),
            concurrency_limits::slots.eq(limit.slots),
            concurrency_limits::taken.eq(limit.taken),
            concurrency_limits::denied.eq(limit.denied),
            concurrency_limits::decay.eq(limit.decay),
            concurrency_limits::occupancy.eq(limit.occupancy),
            concurrency_limits::taken_at.eq(limit.taken_at),
            concurrency_limits::denied_at.eq(limit.denied_at),
            concurrency_limits::usage.eq(&limit.usage),
            concurrency_limits::changed_by.eq(&limit.changed_by),
            concurrency_limits::created_at.eq(limit.created_at),
            concurrency_limits::updated_at.eq(limit.updated_at),
        ))
        .execute(db)?;
    Ok(())
}

/// Keeps what is counted of a limit that is locked.
pub fn save_counts(db: &mut Db, workspace: WorkspaceId, limit: &Limit) -> QueryResult<()> {
    let row = concurrency_limits::table.find((workspace, limit.id));
    let change = Prepared(diesel::update(row).set((
        concurrency_limits::taken.eq(limit.taken),
        concurrency_limits::denied.eq(limit.denied),
        concurrency_limits::occupancy.eq(limit.occupancy),
        concurrency_limits::taken_at.eq(limit.taken_at),
        concurrency_limits::denied_at.eq(limit.denied_at),
        concurrency_limits::usage.eq(&limit.usage),
    )));
    on_each_backend!(db, |conn| change.execute(conn))?;
    Ok(())
}

/// Keeps what somebody changed of a limit that is locked.
pub fn save(db: &mut Db, workspace: WorkspaceId, limit: &Limit) -> QueryResult<()> {
    let row = concurrency_limits::table.find((workspace, limit.id));
    diesel::update(row)
        .set((
            concurrency_limits::name.eq(&limit.name),
            concurrency_limits::kind.eq(limit.kind),
            concurrency_limits::is_active.eq(limit.is_active),
            concurrency_limits::slots.eq(limit.slots),
            concurrency_limits::decay.eq(limit.decay),
            concurrency_limits::changed_by.eq(&limit.changed_by),
            concurrency_limits::updated_at.eq(limit.updated_at),
        ))
        .execute(db)?;
    save_counts(db, workspace, limit)
}

/// A page of the limits of a kind, by name; those whose name contains `q`.
pub fn page(
    db: &mut Db,
    workspace: WorkspaceId,
    (kind, q): (LimitKind, &str),
    position: &Position<String>,
) -> QueryResult<Slice<Limit>> {
    let name = concurrency_limits::name;
    let mut query = of(workspace).filter(concurrency_limits::kind.eq(kind));
    if !q.is_empty() {
        query = query.filter(lower(name).like(contains_pattern(q)).escape('\\'));
    }
    query = match position {
        Position::Start => query.order(name),
        Position::After(after) => query.filter(name.gt(after.clone())).order(name),
        Position::Before(before) => query.filter(name.lt(before.clone())).order(name.desc()),
    };
    let limit = i64::try_from(PAGE_SIZE).unwrap_or(0) + 1;
    let rows = query.limit(limit).select(Limit::as_select()).load(db)?;
    Ok(Slice::from_query(rows, position, PAGE_SIZE))
}

/// How many limits of a kind have a name that contains `q`.
pub fn count_of(
    db: &mut Db,
    workspace: WorkspaceId,
    (kind, q): (LimitKind, &str),
) -> QueryResult<i64> {
    let query = of(workspace).filter(concurrency_limits::kind.eq(kind));
    let name = lower(concurrency_limits::name);
    query.filter(name.like(contains_pattern(q)).escape('\\')).count().get_result(db)
}

/// How many limits there are of each kind.
pub fn counts(db: &mut Db, workspace: WorkspaceId) -> QueryResult<Vec<(LimitKind, i64)>> {
    concurrency_limits::table
        .filter(concurrency_limits::workspace_id.eq(workspace))
        .group_by(concurrency_limits::kind)
        .select((concurrency_limits::kind, diesel::dsl::count_star()))
        .load(db)
}
