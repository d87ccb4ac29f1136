//! What people and keys do to limits.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::leases;
use super::model::{
    Holder, HolderKind, LeaseId, Limit, LimitId, LimitKind, OCCUPANCY, Which, check_name,
};
use super::queries;
use super::slots;
use super::told;
use super::usage::Usage;
use crate::access::permission::needs::ManageConcurrencyLimits;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::live::Topic;
use crate::tenancy::audit::{By, Entry, Event, record};

type Access = WorkspaceAccess<ManageConcurrencyLimits>;

/// A limit as somebody wants it, or what of it changes; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// Slots.
    pub slots: Option<i64>,
    /// Whether it counts.
    pub is_active: Option<bool>,
    /// Slots given back by themselves, a second.
    pub decay: Option<f64>,
    /// Slots in use.
    pub taken: Option<i64>,
    /// Slots asked for in vain.
    pub denied: Option<i64>,
}

impl Change {
    fn apply(self, limit: &mut Limit, now: Instant) {
        if let Some(name) = self.name {
            limit.kind = LimitKind::of(&name);
            limit.name = name;
        }
        if let Some(decay) = self.decay.filter(|decay| decay.total_cmp(&limit.decay).is_ne()) {
            limit.set_decay(decay, now);
        }
        limit.slots = self.slots.unwrap_or(limit.slots);
        limit.is_active = self.is_active.unwrap_or(limit.is_active);
        if let Some(taken) = self.taken {
            limit.set_taken(taken, now);
        }
        if let Some(denied) = self.denied {
            limit.set_denied(denied, now);
        }
    }
}

/// What an entry of the audit log says of a limit.
fn told_of(limit: &Limit, now: Instant) -> Map<String, Value> {
    let values = [
        ("name", json!(limit.name)),
        ("limit", json!(limit.slots)),
        ("active", json!(limit.is_active)),
        ("slot_decay_per_second", json!(limit.decay)),
        ("active_slots", json!(limit.in_use(now))),
        ("denied_slots", json!(limit.denied_now(now))),
    ];
    values.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

fn note(
    db: &mut Db,
    (access, ip): (&Access, ClientIp),
    (event, limit): (Event, &Limit),
    more: Value,
    now: Instant,
) -> Result<()> {
    let mut details = json!({ "concurrency_limit": { "id": limit.id, "name": limit.name } });
    if let (Value::Object(all), Value::Object(more)) = (&mut details, more) {
        all.extend(more);
    }
    let entry = Entry::of_workspace(event, access.workspace(), details);
    record(db, &By::actor(access.actor(), ip), entry, now)
}

fn taken_name(name: &str) -> Error {
    Error::Conflict(format!("A concurrency limit named “{name}” exists already."))
}

fn made(name: String, mut change: Change, by: &str, now: Instant) -> Limit {
    let mut limit = Limit {
        id: LimitId::new(now),
        kind: LimitKind::of(&name),
        name,
        is_active: true,
        slots: 0,
        taken: 0,
        denied: 0,
        decay: 0.0,
        occupancy: OCCUPANCY,
        taken_at: now,
        denied_at: now,
        usage: Json(Usage::default()),
        changed_by: by.to_owned(),
        created_at: now,
        updated_at: now,
    };
    change.name = None;
    change.apply(&mut limit, now);
    limit
}

fn insert(
    db: &mut Db,
    (access, ip): (&Access, ClientIp),
    limit: &Limit,
    now: Instant,
) -> Result<()> {
    let workspace = access.workspace().id;
    queries::insert(db, workspace, limit)?;
    told::tell(db, workspace, (limit, "created"), now)?;
    let after = json!({ "limit": limit.slots, "slot_decay_per_second": limit.decay });
    note(db, (access, ip), (Event::ConcurrencyLimitCreated, limit), after, now)
}

/// Makes a limit.
///
/// # Errors
/// [`Error::Invalid`] for a name that cannot be, [`Error::Conflict`] for one that is taken (LIM-08); the right went
/// meanwhile; the database's fault.
pub async fn create(
    app: &App,
    access: Access,
    ip: ClientIp,
    (name, wanted): (String, Change),
) -> Result<Limit> {
    check_name(&name)?;
    let (now, subject) = (app.now(), access.workspace().id.uuid());
    let create = move |db: &mut Db, access: Access| {
        if queries::named(db, access.workspace().id, &name)?.is_some() {
            return Err(taken_name(&name));
        }
        let limit = made(name, wanted, access.actor().name(), now);
        insert(db, (&access, ip), &limit, now)?;
        Ok(limit)
    };
    let limit = access.write(app, create).await?;
    app.live.wake(subject, Topic::Events);
    Ok(limit)
}

/// Makes the limit of a tag, or gives the one that is there so many slots; returns whether it is a new one.
///
/// # Errors
/// As of [`create`].
pub async fn set_of_tag(
    app: &App,
    access: Access,
    ip: ClientIp,
    (name, slots): (String, i64),
) -> Result<(Limit, bool)> {
    check_name(&name)?;
    let (now, subject) = (app.now(), access.workspace().id.uuid());
    let wanted = Change { slots: Some(slots), ..Change::default() };
    let set = move |db: &mut Db, access: Access| {
        let known = queries::lock(db, access.workspace().id, &Which::Name(name.clone()))?;
        if let Some(limit) = known {
            return Ok((changed(db, (&access, ip), limit, wanted, now)?, false));
        }
        let limit = made(name, wanted, access.actor().name(), now);
        insert(db, (&access, ip), &limit, now)?;
        Ok((limit, true))
    };
    let set = access.write(app, set).await?;
    app.live.wake(subject, Topic::Events);
    Ok(set)
}

/// Changes a limit that is locked; what changes nothing leaves nothing behind (ALL-11).
fn changed(
    db: &mut Db,
    (access, ip): (&Access, ClientIp),
    mut limit: Limit,
    change: Change,
    now: Instant,
) -> Result<Limit> {
    let workspace = access.workspace().id;
    let mut before = told_of(&limit, now);
    if let Some(name) = change.name.as_ref().filter(|name| **name != limit.name) {
        check_name(name)?;
        if queries::named(db, workspace, name)?.is_some() {
            return Err(taken_name(name));
        }
    }
    change.apply(&mut limit, now);
    let mut after = told_of(&limit, now);
    after.retain(|name, value| before.get(name) != Some(value));
    before.retain(|name, _| after.contains_key(name));
    if after.is_empty() {
        return Ok(limit);
    }
    access.actor().name().clone_into(&mut limit.changed_by);
    limit.updated_at = now;
    queries::save(db, workspace, &limit)?;
    told::tell(db, workspace, (&limit, "updated"), now)?;
    let more = json!({ "before": before, "after": after });
    note(db, (access, ip), (Event::ConcurrencyLimitUpdated, &limit), more, now)?;
    Ok(limit)
}

/// What became of a change that was made of a limit as it was at some time (ALL-05).
#[derive(Clone, Debug)]
pub enum Changed {
    /// It was made.
    Done(Box<Limit>),
    /// Somebody else changed it meanwhile: nothing was changed, and this is what it is.
    Stale(Box<Limit>),
}

/// Changes a limit; where `seen` is given, only if nobody else changed it since.
///
/// # Errors
/// [`Error::NotFound`]; as of [`create`].
pub async fn change(
    app: &App,
    access: Access,
    ip: ClientIp,
    (which, change): (Which, Change),
    seen: Option<Instant>,
) -> Result<Changed> {
    let (now, subject) = (app.now(), access.workspace().id.uuid());
    let change = move |db: &mut Db, access: Access| {
        let found = queries::lock(db, access.workspace().id, &which)?;
        let limit = found.ok_or(Error::NotFound)?;
        if seen.is_some_and(|seen| seen != limit.updated_at) {
            return Ok(Changed::Stale(Box::new(limit)));
        }
        let limit = changed(db, (&access, ip), limit, change, now)?;
        Ok(Changed::Done(Box::new(limit)))
    };
    let changed = access.write(app, change).await?;
    app.live.wake(subject, Topic::Events);
    Ok(changed)
}

/// Removes a limit; what holds slots of it goes on. Returns it.
///
/// # Errors
/// [`Error::NotFound`]; the right went meanwhile; the database's fault.
pub async fn delete(
    app: &App,
    access: Access,
    ip: ClientIp,
    (which, kind): (Which, Option<LimitKind>),
) -> Result<Limit> {
    let (now, subject) = (app.now(), access.workspace().id.uuid());
    let delete = move |db: &mut Db, access: Access| {
        let workspace = access.workspace().id;
        let limit = queries::lock(db, workspace, &which)?;
        let limit = limit.filter(|limit| kind.is_none_or(|kind| kind == limit.kind));
        let limit = limit.ok_or(Error::NotFound)?;
        queries::delete(db, workspace, limit.id)?;
        told::tell(db, workspace, (&limit, "deleted"), now)?;
        note(db, (&access, ip), (Event::ConcurrencyLimitDeleted, &limit), Value::Null, now)?;
        Ok(limit)
    };
    let limit = access.write(app, delete).await?;
    app.live.wake(subject, Topic::Events);
    Ok(limit)
}

/// Frees all slots of a limit, and gives them to some runs of tasks where some are named. What held them goes on, and
/// its lease too. Returns the limit as it was before.
///
/// # Errors
/// [`Error::NotFound`]; the right went meanwhile; the database's fault.
pub async fn reset(
    app: &App,
    access: Access,
    ip: ClientIp,
    (which, holders): (Which, Vec<Uuid>),
) -> Result<Limit> {
    let (now, subject) = (app.now(), access.workspace().id.uuid());
    let reset = move |db: &mut Db, access: Access| {
        let workspace = access.workspace().id;
        let was = queries::lock(db, workspace, &which)?.ok_or(Error::NotFound)?;
        leases::forget_holds(db, workspace, was.id)?;
        let mut limit = was.clone();
        limit.set_taken(0, now);
        limit.set_denied(0, now);
        for id in holders {
            let holder = Some(Holder { kind: HolderKind::TaskRun, id: id.into() });
            limit.take(1, holder, now);
            let one = std::slice::from_ref(&limit);
            slots::lease(db, workspace, (one, 1, holder), (now, None))?;
        }
        queries::save_counts(db, workspace, &limit)?;
        let freed = json!({ "freed": was.in_use(now) });
        note(db, (&access, ip), (Event::ConcurrencyLimitReset, &was), freed, now)?;
        Ok(was)
    };
    let limit = access.write(app, reset).await?;
    app.live.wake(subject, Topic::Events);
    Ok(limit)
}

/// Ends one lease of a limit, with all that it holds: renewing it is refused from now on (LIM-06). Returns the lease's
/// holder, where that is known.
///
/// # Errors
/// [`Error::NotFound`]; the right went meanwhile; the database's fault.
pub async fn release(
    app: &App,
    access: Access,
    ip: ClientIp,
    (limit, lease): (LimitId, LeaseId),
) -> Result<()> {
    let (now, subject) = (app.now(), access.workspace().id.uuid());
    let release = move |db: &mut Db, access: Access| {
        let workspace = access.workspace().id;
        let found = queries::one(db, workspace, limit)?.ok_or(Error::NotFound)?;
        if !leases::holds_slots(db, workspace, (limit, lease))? {
            return Err(Error::NotFound);
        }
        leases::end(db, workspace, &[lease], (false, now))?;
        let more = json!({ "lease": lease });
        note(db, (&access, ip), (Event::ConcurrencyLimitReleased, &found), more, now)
    };
    access.write(app, release).await?;
    app.live.wake(subject, Topic::Events);
    Ok(())
}
