//! Checking the chains: any edit, gap or cut end is found and named (LG-03), in the hashed text as in the columns
//! beside it.

use diesel::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::record::{By, chain_hash};
use crate::access::{AccountId, WorkspaceId};
use crate::base::db::schema::{audit_entries, audit_heads};
use crate::base::db::{Db, Id, Instant};

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose chain.
    pub account: AccountId,
    /// Where.
    pub sequence: i64,
    /// What, in words.
    pub what: &'static str,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Chains read.
    pub chains: usize,
    /// Entries read.
    pub entries: usize,
    /// The first fault of each broken chain.
    pub faults: Vec<Fault>,
}

const BATCH: i64 = 1000;

type Head = (AccountId, i64, Vec<u8>, i64, Vec<u8>);

const HEAD: (
    audit_heads::account_id,
    audit_heads::sequence,
    audit_heads::hash,
    audit_heads::pruned_sequence,
    audit_heads::pruned_hash,
) = (
    audit_heads::account_id,
    audit_heads::sequence,
    audit_heads::hash,
    audit_heads::pruned_sequence,
    audit_heads::pruned_hash,
);

/// Reads all chains, some entries at a time.
pub fn verify(db: &mut Db) -> QueryResult<Report> {
    let mut report = Report::default();
    let mut after: Option<AccountId> = None;
    loop {
        let mut query = audit_heads::table.into_boxed::<crate::base::db::MultiBackend>();
        if let Some(after) = after {
            query = query.filter(audit_heads::account_id.gt(after));
        }
        let heads: Vec<Head> =
            query.order(audit_heads::account_id).limit(BATCH).select(HEAD).load(db)?;
        let Some(last) = heads.last() else { break };
        after = Some(last.0);
        for head in heads {
            report.chains += 1;
            report.faults.extend(verify_settled(db, head, &mut report.entries)?);
        }
    }
    let orphan: Option<(AccountId, i64)> = audit_entries::table
        .left_join(audit_heads::table.on(audit_heads::account_id.eq(audit_entries::account_id)))
        .filter(audit_heads::account_id.is_null())
        .select((audit_entries::account_id, audit_entries::sequence))
        .first(db)
        .optional()?;
    if let Some((account, sequence)) = orphan {
        report.faults.push(Fault {
            account,
            sequence,
            what: "entries without an end of the chain",
        });
    }
    Ok(report)
}

/// How often a chain is read again that was written to meanwhile.
const TRIES: usize = 5;

/// A fault counts only if nobody wrote to the chain while it was read: a server may run beside.
fn verify_settled(db: &mut Db, mut head: Head, entries: &mut usize) -> QueryResult<Option<Fault>> {
    for _ in 0..TRIES {
        let mut seen = 0;
        let fault = verify_chain(db, &head, &mut seen)?;
        let now: Option<Head> =
            audit_heads::table.find(head.0).select(HEAD).first(db).optional()?;
        let is_settled = now.as_ref() == Some(&head);
        if fault.is_none() || is_settled {
            *entries += seen;
            return Ok(fault);
        }
        // An account that is gone meanwhile has no chain.
        let Some(now) = now else { return Ok(None) };
        head = now;
    }
    verify_chain(db, &head, entries)
}

/// The columns of an entry that pages, filters and exports read.
type Columns = (Instant, String, Option<Id<By>>, Option<WorkspaceId>);

/// What the hashed text says of these columns.
#[derive(Deserialize)]
struct Text {
    event: String,
    occurred: Instant,
    actor: Named,
    workspace: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: Option<Uuid>,
}

/// Whether an entry's columns say what its text does: only the text is hashed.
fn agrees(text: &str, (occurred_at, event, actor, workspace): Columns) -> bool {
    let Ok(text) = serde_json::from_str::<Text>(text) else { return false };
    text.occurred == occurred_at
        && text.event == event
        && text.actor.id == actor.map(Id::uuid)
        && text.workspace.and_then(|workspace| workspace.id) == workspace.map(Id::uuid)
}

fn verify_chain(db: &mut Db, head: &Head, entries: &mut usize) -> QueryResult<Option<Fault>> {
    let (account, end, end_hash, mut sequence, mut hash) = head.clone();
    let fault = |sequence, what| Ok(Some(Fault { account, sequence, what }));
    loop {
        let rows: Vec<(i64, String, Vec<u8>, Columns)> = audit_entries::table
            .filter(audit_entries::account_id.eq(account))
            .filter(audit_entries::sequence.gt(sequence))
            .order(audit_entries::sequence)
            .limit(BATCH)
            .select((
                audit_entries::sequence,
                audit_entries::entry,
                audit_entries::hash,
                (
                    audit_entries::occurred_at,
                    audit_entries::event,
                    audit_entries::actor_id,
                    audit_entries::workspace_id,
                ),
            ))
            .load(db)?;
        if rows.is_empty() {
            break;
        }
        for (at, text, stored, columns) in rows {
            *entries += 1;
            if at != sequence + 1 {
                return fault(sequence + 1, "an entry is missing");
            }
            if chain_hash(&hash, account, at, &text) != stored {
                return fault(at, "the entry was changed");
            }
            if !agrees(&text, columns) {
                return fault(at, "its columns say something else than its text");
            }
            (sequence, hash) = (at, stored);
        }
    }
    if sequence < end {
        return fault(sequence + 1, "the end of the chain is missing");
    }
    if sequence > end || hash != end_hash {
        return fault(sequence, "the chain does not end where it should");
    }
    Ok(None)
}
