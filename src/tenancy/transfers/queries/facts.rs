//! All that a review is computed from, read in one go.

use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;

use super::super::model::{Facts, FlowKey, Party, Removal};
use super::super::rules;
use super::carry::carried;
use super::people::{bots, keys, people, roles_in_use};
use crate::access::AccountId;
use crate::access::actor::Person;
use crate::access::handle::Handle;
use crate::access::membership::{self, OwningAccount, Workspace};
use crate::access::organization::Organization;
use crate::access::{UserId, organization};
use crate::base::db::paging::COUNT_LIMIT;
use crate::base::db::schema::{accounts, audit_entries, flow_runs, flows, invitations, workspaces};
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::settings::Settings;
use crate::tenancy::workspaces::contents;
use crate::tenancy::workspaces::queries::{slots, taken};

/// An account by id.
///
/// # Errors
/// The database's fault.
pub fn owning_account(db: &mut Db, id: AccountId) -> QueryResult<Option<OwningAccount>> {
    accounts::table
        .find(id)
        .select((accounts::id, accounts::handle, accounts::name, accounts::kind))
        .first(db)
        .optional()
}

/// The account of a handle.
///
/// # Errors
/// The database's fault.
pub fn account_of_handle(db: &mut Db, handle: &str) -> QueryResult<Option<OwningAccount>> {
    accounts::table
        .filter(accounts::handle.eq(handle))
        .select((accounts::id, accounts::handle, accounts::name, accounts::kind))
        .first(db)
        .optional()
}

/// The account of a handle, if a person may send a workspace to it: an organization that does not refuse it, or
/// the person's own one.
///
/// # Errors
/// The database's fault.
pub fn target_of_handle(
    db: &mut Db,
    person: &Person,
    handle: &str,
) -> QueryResult<Option<OwningAccount>> {
    use crate::access::membership::AccountKind;
    let Some(found) = account_of_handle(db, handle)? else { return Ok(None) };
    let may = match found.kind {
        AccountKind::Personal => found.id == person.account,
        AccountKind::Organization => takes(db, person, found.id)?,
    };
    Ok(Some(found).filter(|_| may))
}

/// Whether an organization takes a workspace that a person sends to it.
///
/// # Errors
/// The database's fault.
pub fn takes(db: &mut Db, person: &Person, account: AccountId) -> QueryResult<bool> {
    let known = organization::one(db, account)?;
    match known {
        Some(known) if known.refuses_transfers => organization::has_authority(db, person, account),
        known => Ok(known.is_some()),
    }
}

/// An account with its rules and its room.
///
/// # Errors
/// The database's fault.
pub fn party(db: &mut Db, account: OwningAccount, settings: &Settings) -> QueryResult<Party> {
    let room = slots(db, account.id, settings.flags.workspace_limit)?;
    let organization = organization::one(db, account.id)?;
    let own: Option<i32> =
        accounts::table.find(account.id).select(accounts::run_retention_days).first(db)?;
    let chosen =
        organization.as_ref().and_then(|known: &Organization| known.own_run_retention_days);
    let usual = own.or(settings.flags.run_retention_days);
    Ok(Party {
        account,
        retention_days: usual.into_iter().chain(chosen).min(),
        second_factor: organization.is_some_and(|known| known.two_factor_since.is_some()),
        slots: room,
    })
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The workspace.
    pub workspace: Workspace,
    /// The account that it is to move to.
    pub target: OwningAccount,
    /// Its handle there.
    pub handle: Handle,
    /// Who of those who lose access is to be invited to it.
    pub carry: Vec<UserId>,
}

/// What is counted of a history; nothing of it decides whether something moves, so a transaction that moves a
/// workspace need not wait for it.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    removal: Removal,
    active: (i64, Vec<String>),
    due: i64,
    audit_entries: i64,
    contents: Vec<contents::Counted>,
}

impl Counts {
    /// The same facts with these counts.
    #[must_use]
    pub fn put_into(self, facts: Facts) -> Facts {
        Facts {
            removal: self.removal,
            active: self.active,
            due: self.due,
            audit_entries: self.audit_entries,
            contents: self.contents,
            ..facts
        }
    }
}

/// Runs named in a review.
const NAMED: i64 = 20;

/// Counts what a workspace holds, and what of it the target does not keep.
///
/// # Errors
/// The database's fault.
pub fn counts(
    db: &mut Db,
    workspace: &Workspace,
    target: &Party,
    now: Instant,
) -> QueryResult<Counts> {
    let removal = match rules::visible_from(target, now) {
        Some(from) => removal(db, workspace, from)?,
        None => Removal::default(),
    };
    let running = ["RUNNING", "PENDING", "PAUSED", "CANCELLING"];
    let active = || {
        flow_runs::table
            .filter(flow_runs::workspace_id.eq(workspace.id))
            .filter(flow_runs::state_type.eq_any(running))
    };
    let names: Vec<String> = active()
        .order((flow_runs::expected_start_at.desc(), flow_runs::id))
        .limit(NAMED)
        .select(flow_runs::name)
        .load(db)?;
    let due = flow_runs::table
        .filter(flow_runs::workspace_id.eq(workspace.id))
        .filter(flow_runs::state_type.eq("SCHEDULED"))
        .filter(flow_runs::expected_start_at.le(now + jiff::SignedDuration::from_hours(1)));
    let about: Vec<i64> = audit_entries::table
        .filter(audit_entries::account_id.eq(workspace.account))
        .filter(audit_entries::workspace_id.eq(workspace.id))
        .limit(COUNT_LIMIT + 1)
        .select(audit_entries::sequence)
        .load(db)?;
    Ok(Counts {
        removal,
        active: (active().count().get_result(db)?, names),
        due: due.count().get_result(db)?,
        audit_entries: i64::try_from(about.len()).unwrap_or(COUNT_LIMIT + 1),
        contents: contents::counts(db, workspace, |_| true)?,
    })
}

/// Runs that ended before a moment and are to be seen: how many of each flow in one pass over an index, and the ends of
/// their span by a look at either end of it.
fn removal(db: &mut Db, workspace: &Workspace, before: Instant) -> QueryResult<Removal> {
    let visible_from: Option<Instant> =
        workspaces::table.find(workspace.id).select(workspaces::runs_visible_from).first(db)?;
    let shown = || {
        let mut ended = flow_runs::table
            .into_boxed::<MultiBackend>()
            .filter(flow_runs::workspace_id.eq(workspace.id))
            .filter(flow_runs::ended_at.lt(before));
        if let Some(from) = visible_from {
            ended = ended.filter(flow_runs::ended_at.ge(from));
        }
        ended
    };
    let first: Option<Instant> = shown().select(min(flow_runs::ended_at)).first(db)?;
    let Some(first) = first else { return Ok(Removal::default()) };
    let last: Option<Instant> = shown().select(max(flow_runs::ended_at)).first(db)?;
    let mut ended = flow_runs::table
        .group_by(flow_runs::flow_id)
        .select((flow_runs::flow_id, count_star()))
        .into_boxed::<MultiBackend>()
        .filter(flow_runs::workspace_id.eq(workspace.id))
        .filter(flow_runs::ended_at.lt(before));
    if let Some(from) = visible_from {
        ended = ended.filter(flow_runs::ended_at.ge(from));
    }
    let rows: Vec<(FlowKey, i64)> = ended.load(db)?;
    let names: Vec<(FlowKey, String)> = flows::table
        .filter(flows::workspace_id.eq(workspace.id))
        .select((flows::id, flows::name))
        .load(db)?;
    let name_of = |id| {
        let found = names.iter().find(|(known, _)| *known == id);
        found.map_or_else(String::new, |(_, name)| name.clone())
    };
    let mut by_flow: Vec<(String, i64)> =
        rows.iter().map(|(id, count)| (name_of(*id), *count)).collect();
    by_flow.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    Ok(Removal {
        runs: by_flow.iter().map(|(_, count)| count).sum(),
        span: last.map(|last| (first, last)),
        flows: by_flow,
    })
}

/// Reads all that a review is computed from.
///
/// # Errors
/// The database's fault.
pub fn facts(
    db: &mut Db,
    asked: Asked,
    counts: Counts,
    settings: &Settings,
    now: Instant,
) -> QueryResult<Option<Facts>> {
    let Asked { workspace, target, handle, carry } = asked;
    let Some(source) = owning_account(db, workspace.account)? else { return Ok(None) };
    let source = party(db, source, settings)?;
    let target = party(db, target, settings)?;
    let default_role = membership::default_role(db, workspace.id)?;
    let known = people(db, (&workspace, &source, &target), default_role.as_ref(), now)?;
    let carried = carried(db, (&carry, &known), &target, settings, now)?;
    let losers: Vec<UserId> =
        known.iter().filter(|person| person.loses()).map(|person| person.user).collect();
    let open = invitations::table
        .filter(invitations::workspace_id.eq(workspace.id))
        .filter(invitations::state.eq("pending"))
        .filter(invitations::expires_at.gt(now))
        .order(invitations::id)
        .select((invitations::email, invitations::created_at))
        .load(db)?;
    Ok(Some(counts.put_into(Facts {
        at: now,
        taken: taken(db, target.account.id, &handle, Some(workspace.id), now)?,
        keys: keys(db, &workspace, &losers, now)?,
        bots: bots(db, &workspace, now)?,
        roles: roles_in_use(db, &workspace)?,
        people: known,
        carried,
        invitations: open,
        default_role,
        removal: Removal::default(),
        active: (0, Vec::new()),
        due: 0,
        audit_entries: 0,
        contents: Vec::new(),
        site: settings.site().to_owned(),
        price_note: settings.flags.price_note.clone(),
        workspace,
        source,
        target,
        handle,
    })))
}
