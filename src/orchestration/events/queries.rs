//! Keeping and finding events.

use diesel::prelude::*;

use super::filter::{EventFilter, Order};
use super::model::{Event, EventId, Labels};
use crate::access::WorkspaceId;
use crate::access::history::{all, shown};
use crate::base::db::schema::events;
use crate::base::db::{Db, Id, Instant, Json, MultiBackend, Writing, on_each_backend, together};
use crate::base::json::RawObject;

/// Rows in one statement: what SQLite binds at most (32,766 values), with room to spare.
const ROWS: usize = 1000;

/// Rows read at a time, and looked at for one page, at most.
const CHUNK: i64 = 200;
const LOOKED_AT: usize = 10_000;

/// How long rows are looked at for one page, about; the next page goes on there.
const LONGEST_LOOK: std::time::Duration = std::time::Duration::from_secs(1);

#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
struct Row<'a> {
    id: EventId,
    workspace_id: WorkspaceId,
    occurred_at: Instant,
    received_at: Instant,
    event: &'a str,
    resource_id: &'a str,
    follows: Option<EventId>,
    resource: &'a Json<Labels>,
    related: &'a Json<Vec<Labels>>,
    payload: &'a Json<RawObject>,
}

impl<'a> Row<'a> {
    fn of(workspace_id: WorkspaceId, event: &'a Event) -> Self {
        Self {
            id: event.id,
            workspace_id,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            event: &event.event,
            resource_id: &event.resource_id,
            follows: event.follows,
            resource: &event.resource,
            related: &event.related,
            payload: &event.payload,
        }
    }
}

/// Keeps an event; one that is there already stays as it is.
pub fn insertion(workspace: WorkspaceId, event: &Event) -> impl Writing + '_ {
    diesel::insert_into(events::table).values(Row::of(workspace, event)).on_conflict_do_nothing()
}

/// Keeps events; one that is there already stays as it is.
pub fn insert(db: &mut Db, workspace: WorkspaceId, list: &[Event]) -> QueryResult<()> {
    // A statement with any number of rows is prepared each time, one with a single row once.
    if let [event] = list {
        return together(db, &[&insertion(workspace, event)]);
    }
    for some in list.chunks(ROWS) {
        let rows: Vec<_> = some.iter().map(|event| Row::of(workspace, event)).collect();
        on_each_backend!(db, |conn| diesel::insert_into(events::table)
            .values(&rows)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}

/// Events of one thing that are looked at together, about at most.
const OF_THING: usize = 100;

/// An event without what it tells: its id, the one it follows, and the thing it is about.
pub type Link = (EventId, Option<EventId>, String);

/// What happened to some things, the last one first.
pub fn links_of_things(
    db: &mut Db,
    workspace: WorkspaceId,
    things: &[String],
) -> QueryResult<Vec<Link>> {
    let limit = i64::try_from(things.len() * OF_THING).unwrap_or(i64::MAX);
    all::events(workspace)
        .filter(events::resource_id.eq_any(things.to_vec()))
        .order((events::occurred_at.desc(), events::id.desc()))
        .limit(limit)
        .select((events::id, events::follows, events::resource_id))
        .load(db)
}

/// Events by their ids, in no order.
pub fn by_ids(db: &mut Db, workspace: WorkspaceId, ids: &[EventId]) -> QueryResult<Vec<Event>> {
    all::events(workspace)
        .filter(events::id.eq_any(ids.to_vec()))
        .select(Event::as_select())
        .load(db)
}

/// A place in a list of events: behind this one.
pub type Place = (Instant, EventId);

/// A page of events.
#[derive(Debug)]
pub struct Page {
    /// The events.
    pub events: Vec<Event>,
    /// How many there are in all; of those that only a look decides, among the first 10,000.
    pub total: i64,
    /// Where to go on.
    pub next: Option<Place>,
}

type Query = diesel::dsl::IntoBoxed<'static, events::table, MultiBackend>;

fn of(workspace: WorkspaceId, filter: &EventFilter, (since, until): (Instant, Instant)) -> Query {
    let mut query = shown::events(workspace)
        .into_boxed::<MultiBackend>()
        .filter(events::occurred_at.ge(since))
        .filter(events::occurred_at.le(until));
    if let Some(ids) = filter.ids() {
        let ids: Vec<EventId> = ids.iter().map(|id| Id::from(*id)).collect();
        query = query.filter(events::id.eq_any(ids));
    }
    if let Some(name) = &filter.event
        && name.prefix.is_none()
        && let Some(names) = &name.name
    {
        query = query.filter(events::event.eq_any(names.clone()));
    }
    if let Some(ids) = filter.resource.as_ref().and_then(|resource| resource.id.as_ref()) {
        query = query.filter(events::resource_id.eq_any(ids.clone()));
    }
    query
}

/// Events of a workspace.
pub fn page(
    db: &mut Db,
    workspace: WorkspaceId,
    filter: &EventFilter,
    (span, after): ((Instant, Instant), Option<Place>),
    limit: usize,
) -> QueryResult<Page> {
    let looks = filter.needs_looking();
    // Events may be large: no more of them are read than are wanted.
    let wanted = i64::try_from(limit).unwrap_or(CHUNK).saturating_add(1);
    let some = if looks { CHUNK } else { wanted.min(CHUNK) };
    let mut page = Page { events: Vec::new(), total: 0, next: None };
    let (mut at, mut looked_at) = (after, 0);
    let began = std::time::Instant::now();
    loop {
        let rows = chunk(db, of(workspace, filter, span), filter.order(), at, some)?;
        let is_last = i64::try_from(rows.len()).unwrap_or(0) < some;
        looked_at += rows.len();
        at = rows.last().map(|last| (last.occurred_at, last.id)).or(at);
        for event in rows.into_iter().filter(|event| filter.holds(event)) {
            page.total += 1;
            if page.events.len() < limit {
                page.events.push(event);
            } else {
                page.next = page.events.last().map(|last| (last.occurred_at, last.id));
            }
        }
        let is_full = page.next.is_some();
        if is_last || (is_full && !looks) {
            break;
        }
        if looked_at >= LOOKED_AT || (looks && began.elapsed() >= LONGEST_LOOK) {
            page.next = page.next.or(at);
            break;
        }
    }
    if !looks {
        page.total = of(workspace, filter, span).count().get_result(db)?;
    }
    Ok(page)
}

fn chunk(
    db: &mut Db,
    mut query: Query,
    order: Order,
    after: Option<Place>,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    let (at, id) = (events::occurred_at, events::id);
    query = match order {
        Order::Up => query.order((at, id)),
        Order::Down => query.order((at.desc(), id.desc())),
    };
    if let Some((moment, last)) = after {
        query = match order {
            Order::Up => query.filter(at.gt(moment).or(at.eq(moment).and(id.gt(last)))),
            Order::Down => query.filter(at.lt(moment).or(at.eq(moment).and(id.lt(last)))),
        };
    }
    query.limit(limit).select(Event::as_select()).load(db)
}

/// Events that this server heard of behind a place, in that order.
pub fn received_since(
    db: &mut Db,
    workspace: WorkspaceId,
    (since, after): Place,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    let (received, id) = (events::received_at, events::id);
    shown::events(workspace)
        .filter(received.gt(since).or(received.eq(since).and(id.gt(after))))
        .order((received, id))
        .limit(limit)
        .select(Event::as_select())
        .load(db)
}

/// Removes some events that occurred before a moment; returns how many.
pub fn delete_before(
    db: &mut Db,
    workspace: WorkspaceId,
    before: Instant,
    limit: i64,
) -> QueryResult<usize> {
    let old: Vec<EventId> = all::events(workspace)
        .filter(events::occurred_at.lt(before))
        .order(events::occurred_at)
        .limit(limit)
        .select(events::id)
        .load(db)?;
    let old = all::events(workspace).filter(events::id.eq_any(old));
    diesel::delete(old).execute(db)
}
