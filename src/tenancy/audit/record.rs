//! Writing entries.

use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::events::Event;
use crate::access::actor::Actor;
use crate::access::membership::Workspace;
use crate::access::{AccountId, WorkspaceId};
use crate::app::App;
use crate::base::db::schema::{audit_entries, audit_heads};
use crate::base::db::{Db, Id, Instant, Locks, on_each_backend};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::secret::sha256;
use crate::base::seen::SeenLately;

/// Who did it, kept as a snapshot: people are renamed and removed, the log is not.
#[derive(Clone, Debug)]
pub enum By {
    /// A person or a key, from an address.
    Actor(Box<Actor>, Option<ClientIp>),
    /// A person who is not signed in (sign-up, a failed sign-in, a mailed link).
    Person {
        /// The person's id, where there is one.
        id: Option<Uuid>,
        /// Name.
        name: String,
        /// Address.
        email: String,
        /// From where.
        ip: Option<ClientIp>,
    },
    /// Whoever has the shell.
    Operator,
    /// The program itself, by a rule.
    System,
}

impl By {
    /// An actor from an address.
    pub fn actor(actor: &Actor, ip: ClientIp) -> Self {
        Self::Actor(Box::new(actor.clone()), Some(ip))
    }

    /// The person's id, for filters.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Self::Actor(actor, _) => Some(actor.id()),
            Self::Person { id, .. } => *id,
            Self::Operator | Self::System => None,
        }
    }

    fn snapshot(&self) -> Value {
        let address = |ip: &Option<ClientIp>| ip.map(|ip| ip.0.to_string());
        match self {
            Self::Actor(actor, ip) => {
                let (person, key) = match actor.as_ref() {
                    Actor::Session { person, .. } => (person, Value::Null),
                    Actor::UserKey { person, key } => {
                        (person, json!({ "id": key.id, "name": key.name }))
                    }
                    Actor::ServiceAccountKey { service_account, key } => {
                        return json!({
                            "kind": "service-account", "id": service_account.id,
                            "name": service_account.name, "key": { "id": key, "name": "" },
                            "ip": address(ip),
                        });
                    }
                };
                json!({
                    "kind": "user", "id": person.user, "name": person.name, "email": person.email,
                    "handle": person.handle, "key": key, "ip": address(ip),
                })
            }
            Self::Person { id, name, email, ip } => {
                json!({ "kind": "user", "id": id, "name": name, "email": email, "ip": address(ip) })
            }
            Self::Operator => json!({ "kind": "operator" }),
            Self::System => json!({ "kind": "system" }),
        }
    }
}

/// What happened, and to what.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// The account in whose chain it stands.
    pub account: AccountId,
    /// The workspace that it is about, with its path as it was.
    pub workspace: Option<(WorkspaceId, String)>,
    /// What else is worth keeping: names, before and after; no secrets.
    pub details: Value,
}

impl Entry {
    /// Something that happened to an account or its owner.
    pub fn of_account(event: Event, account: AccountId, details: Value) -> Self {
        Self { event, account, workspace: None, details }
    }

    /// Something that happened in or to a workspace.
    pub fn of_workspace(event: Event, workspace: &Workspace, details: Value) -> Self {
        Self {
            event,
            account: workspace.account,
            workspace: Some((
                workspace.id,
                format!("{}/{}", workspace.account_handle, workspace.handle),
            )),
            details,
        }
    }
}

/// The hash of an entry: SHA-256 over the one before it, the account, the sequence and the text.
pub(super) fn chain_hash(
    previous: &[u8],
    account: AccountId,
    sequence: i64,
    text: &str,
) -> Vec<u8> {
    let mut bytes = previous.to_vec();
    bytes.extend_from_slice(account.uuid().as_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    sha256(&bytes)
}

/// Appends an entry to its account's chain. The caller's transaction holds the account's lock.
///
/// # Errors
/// The database's fault; the change it belongs to must not be kept then (F-24).
pub fn record(db: &mut Db, by: &By, entry: Entry, now: Instant) -> Result<()> {
    let account = entry.account;
    let head: Option<(i64, Vec<u8>)> = audit_heads::table
        .find(account)
        .select((audit_heads::sequence, audit_heads::hash))
        .first(db)
        .optional()?;
    let (last, previous) = head.unwrap_or_default();
    let sequence = last + 1;
    let workspace = entry.workspace.as_ref().map(|(id, path)| json!({ "id": id, "path": path }));
    let text = serde_json::to_string(&json!({
        "event": entry.event.as_str(),
        "occurred": now,
        "actor": by.snapshot(),
        "workspace": workspace,
        "details": entry.details,
    }))
    .map_err(Error::internal)?;
    let hash = chain_hash(&previous, account, sequence, &text);
    diesel::insert_into(audit_entries::table)
        .values((
            audit_entries::account_id.eq(account),
            audit_entries::sequence.eq(sequence),
            audit_entries::occurred_at.eq(now),
            audit_entries::event.eq(entry.event),
            audit_entries::actor_id.eq(by.id().map(Id::<By>::from)),
            audit_entries::workspace_id.eq(entry.workspace.map(|(id, _)| id)),
            audit_entries::entry.eq(text),
            audit_entries::hash.eq(&hash),
        ))
        .execute(db)?;
    on_each_backend!(db, |conn| diesel::insert_into(audit_heads::table)
        .values((
            audit_heads::account_id.eq(account),
            audit_heads::sequence.eq(sequence),
            audit_heads::hash.eq(&hash),
            audit_heads::pruned_sequence.eq(0_i64),
            audit_heads::pruned_hash.eq(Vec::new()),
        ))
        .on_conflict(audit_heads::account_id)
        .do_update()
        .set((audit_heads::sequence.eq(sequence), audit_heads::hash.eq(&hash)))
        .execute(conn))?;
    Ok(())
}

/// The first moment of the day (UTC) of `now`.
fn day_start(now: Instant) -> Instant {
    Instant::from_microseconds(
        now.as_microseconds() - now.as_microseconds().rem_euclid(86_400_000_000),
    )
}

/// Records that somebody looked at a workspace, once a day for each principal (SP-6);
/// returns whether this was the first time today.
pub fn record_visit(
    db: &mut Db,
    actor: &Actor,
    ip: Option<ClientIp>,
    workspace: &Workspace,
    now: Instant,
) -> Result<bool> {
    let by = By::Actor(Box::new(actor.clone()), ip);
    let event = match actor {
        Actor::Session { .. } => Event::WorkspaceAccessed,
        Actor::UserKey { .. } | Actor::ServiceAccountKey { .. } => Event::WorkspaceAccessedByKey,
    };
    // A key is a principal of its own: the text names it.
    let named = match actor {
        Actor::Session { .. } => "%".to_owned(),
        Actor::UserKey { key, .. } => format!("%\"id\":\"{}\"%", key.id),
        Actor::ServiceAccountKey { key, .. } => format!("%\"id\":\"{key}\"%"),
    };
    let known: bool = diesel::select(diesel::dsl::exists(
        audit_entries::table
            .filter(audit_entries::actor_id.eq(by.id().map(Id::<By>::from)))
            .filter(audit_entries::occurred_at.ge(day_start(now)))
            .filter(audit_entries::event.eq(event))
            .filter(audit_entries::workspace_id.eq(workspace.id))
            .filter(audit_entries::entry.like(named)),
    ))
    .get_result(db)?;
    if known {
        return Ok(false);
    }
    record(db, &by, Entry::of_workspace(event, workspace, json!({})), now)?;
    Ok(true)
}

/// What this process refused to whom within the last minute.
#[derive(Debug, Default)]
struct Denials(SeenLately);

/// Records that something was refused: at most once a minute for each actor and event, which this process
/// decides by what it remembers, before it opens a transaction. Refusals change nothing, so that whoever causes
/// many of them costs nobody a write (SP-6, F-28).
pub async fn deny(app: &App, actor: &Actor, ip: ClientIp, entry: Entry) -> Result<()> {
    let (account, now) = (entry.account, app.now());
    let denials = app.memory.of::<Denials>();
    if !denials.0.is_first(actor.id(), account.uuid(), entry.event.as_str(), now) {
        return Ok(());
    }
    let (by, event) = (By::actor(actor, ip), entry.event);
    let write = move |db: &mut Db| record_denial(db, &by, entry, now);
    let written = app.db.write(Locks::Chain(account), write).await;
    if written.is_err() {
        denials.0.forget(actor.id(), account.uuid(), event.as_str());
    }
    written
}

/// The entry, unless another process wrote one within the last minute.
fn record_denial(db: &mut Db, by: &By, entry: Entry, now: Instant) -> Result<()> {
    let minute_ago = now - jiff::SignedDuration::from_mins(1);
    let known: bool = diesel::select(diesel::dsl::exists(
        audit_entries::table
            .filter(audit_entries::account_id.eq(entry.account))
            .filter(audit_entries::actor_id.eq(by.id().map(Id::<By>::from)))
            .filter(audit_entries::occurred_at.ge(minute_ago))
            .filter(audit_entries::event.eq(entry.event)),
    ))
    .get_result(db)?;
    if known { Ok(()) } else { record(db, by, entry, now) }
}
