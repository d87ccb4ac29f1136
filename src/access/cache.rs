//! What this process remembers of keys and workspaces, so that a worker's thousand requests are not asked
//! about one by one (docs/decisions/0015).
//!
//! Invariant: what is remembered counts only while the versions of the accounts that decide it are what they
//! were before it was found out, which each request asks the database: a revoked key or role is gone at the
//! next request, whichever process took it away (A7, AK-05, H5).

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use jiff::SignedDuration;

use super::actor::Actor;
use super::membership::{self, Held, Source, Workspace};
use super::{AccountId, WorkspaceId, identify};
use crate::app::App;
use crate::base::db::schema::{accounts, instance};
use crate::base::db::{Db, Instant, on_each_backend};
use crate::base::error::Result;
use crate::base::secret::ApiKey;

/// Which key in which workspace.
type Key = (Vec<u8>, AccountId, WorkspaceId);

/// Entries kept, at most; then all are forgotten.
const MOST: usize = 10_000;

/// What was found out about a key in a workspace.
#[derive(Debug)]
pub struct Known {
    /// Who acts.
    pub actor: Actor,
    /// The workspace.
    pub workspace: Workspace,
    /// What the actor holds there.
    pub held: Held,
    versions: Versions,
    /// When the key or a role ends by itself.
    ends: Option<Instant>,
    noted: AtomicI64,
}

/// The versions of the accounts that decide: the workspace's, and the actor's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Versions {
    accounts: (AccountId, AccountId),
    sum: (i64, i64),
    instance: i64,
}

impl Versions {
    fn read(db: &mut Db, accounts: (AccountId, AccountId)) -> QueryResult<Option<Self>> {
        let whole = instance::table.select(instance::version).single_value();
        let query = accounts::table
            .filter(accounts::id.eq(accounts.0).or(accounts::id.eq(accounts.1)))
            .select((accounts::id, accounts::version, whole));
        let rows: Vec<(AccountId, i64, Option<i64>)> =
            on_each_backend!(db, |conn| query.load(conn))?;
        let of = |id: AccountId| rows.iter().find(|row| row.0 == id).map(|row| row.1);
        let instance = rows.first().and_then(|row| row.2);
        Ok(match (of(accounts.0), of(accounts.1), instance) {
            (Some(one), Some(other), Some(instance)) => {
                Some(Self { accounts, sum: (one, other), instance })
            }
            _ => None,
        })
    }
}

/// The account whose changes decide about an actor, beside the workspace's.
fn own_account(actor: &Actor) -> AccountId {
    match actor {
        Actor::Session { person, .. } | Actor::UserKey { person, .. } => person.account,
        Actor::ServiceAccountKey { service_account, .. } => service_account.account,
    }
}

/// The first moment at which something that counts now counts no more by itself.
fn ends(held: &Held, key: Option<Instant>) -> Option<Instant> {
    let grants = held.sources.iter().filter_map(|source| match source {
        Source::Grant(grant) => grant.until,
        _ => None,
    });
    grants.chain(key).min()
}

/// What this process remembers.
#[derive(Default)]
pub struct Cache(Mutex<HashMap<Key, Arc<Known>>>);

impl Cache {
    /// What was known of a key in a workspace when it last asked; whether that still counts
    /// [`Cache::still_counts`] tells.
    pub fn last(
        &self,
        key: &ApiKey,
        (account, workspace): (AccountId, WorkspaceId),
    ) -> Option<Arc<Known>> {
        let at = (key.hash(), account, workspace);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&at).cloned()
    }

    /// What is known, if it still counts.
    pub async fn still_counts(
        &self,
        app: &App,
        key: &ApiKey,
        known: Arc<Known>,
    ) -> Result<Option<Arc<Known>>> {
        let at = (key.hash(), known.workspace.account, known.workspace.id);
        let (versions, now) = (known.versions, app.now());
        let present = app.db.read(move |db| Ok(Versions::read(db, versions.accounts)?)).await?;
        if present == Some(versions) && known.ends.is_none_or(|end| end > now) {
            return Ok(Some(known));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&at);
        Ok(None)
    }

    /// Remembers what was found out.
    pub fn put(&self, key: &ApiKey, known: &Arc<Known>) {
        let at = (key.hash(), known.workspace.account, known.workspace.id);
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(at, Arc::clone(known));
    }
}

impl Known {
    /// Finds out what a key may do in a workspace; `actor` is who it was a moment ago.
    pub fn find(
        db: &mut Db,
        (key, actor): (&ApiKey, &Actor),
        (account, workspace): (AccountId, WorkspaceId),
        (now, keeps_mails): (Instant, bool),
    ) -> Result<Option<Self>> {
        // The versions come first: what changes later makes them other ones.
        let accounts = (account, own_account(actor));
        let Some(versions) = Versions::read(db, accounts)? else { return Ok(None) };
        let Some(again) = identify::by_hash(db, key, now, keeps_mails)? else { return Ok(None) };
        if own_account(&again.actor) != accounts.1 {
            return Ok(None);
        }
        let reach = again.actor.reach(now);
        let found = membership::by_ids(db, &reach, account, workspace)?;
        Ok(found.map(|(workspace, held)| Self {
            ends: ends(&held, again.expires),
            actor: again.actor,
            workspace,
            held,
            versions,
            noted: AtomicI64::new(now.as_microseconds()),
        }))
    }

    /// Whether it is time to note a use of the key again: a minute's exactness spares a write per request.
    pub fn is_due(&self, now: Instant) -> bool {
        let last = Instant::from_microseconds(self.noted.load(Ordering::Relaxed));
        let is_due = now.since(last) > SignedDuration::from_mins(1);
        if is_due {
            self.noted.store(now.as_microseconds(), Ordering::Relaxed);
        }
        is_due
    }
}
