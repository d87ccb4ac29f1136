//! All that a review is computed from, read in one go.

use std::collections::HashMap;

use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;

use super::super::model::{Facts, Party, Removal};
use super::super::rules;
use super::carry::carried;
use super::moves::is_ended;
use crate::access::AccountId;
use crate::access::actor::Person;
use crate::access::contents::Contents;
use crate::access::handle::Handle;
use crate::access::history::all;
use crate::access::membership::{self, OwningAccount, Workspace};
use crate::access::organization::Organization;
use crate::access::role::RoleId;
use crate::access::{UserId, organization};
use crate::app::Context;
use crate::base::db::ids::FlowId;
use crate::base::db::paging::COUNT_LIMIT;
use crate::base::db::schema::{
    accounts, audit_entries, flow_runs, flows, memberships, service_account_grants as grants,
    workspace_roles, workspaces,
};
use crate::base::db::{Db, Instant, MultiBackend, Number, SqlId, SqlInstant};
use crate::base::settings::Settings;
use crate::tenancy::impacts::model::EndedRuns;
use crate::tenancy::impacts::queries::{
    Everybody, active_runs, bots, due_runs, keys, open_invitations,
};
use crate::tenancy::workspaces::contents;
use crate::tenancy::workspaces::queries::{slots, taken};

/// An account by id.
pub fn owning_account(db: &mut Db, id: AccountId) -> QueryResult<Option<OwningAccount>> {
    accounts::table
        .find(id)
        .select((accounts::id, accounts::handle, accounts::name, accounts::kind))
        .first(db)
        .optional()
}

/// The account of a handle.
pub fn account_of_handle(db: &mut Db, handle: &str) -> QueryResult<Option<OwningAccount>> {
    accounts::table
        .filter(accounts::handle.eq(handle))
        .select((accounts::id, accounts::handle, accounts::name, accounts::kind))
        .first(db)
        .optional()
}

/// The account of a handle, if a person may send a workspace to it: an organization that does not refuse it, or
/// the person's own one.
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
pub fn takes(db: &mut Db, person: &Person, account: AccountId) -> QueryResult<bool> {
    let known = organization::one(db, account)?;
    match known {
        Some(known) if known.refuses_transfers => organization::has_authority(db, person, account),
        known => Ok(known.is_some() && !is_ended(db, account)?),
    }
}

/// An account with its rules and its room.
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
    hidden: i64,
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
            hidden: self.hidden,
            ..facts
        }
    }
}

/// Counts what a workspace holds, and what of it the target does not keep.
pub fn counts(
    db: &mut Db,
    context: &Context,
    (workspace, target): (&Workspace, &Party),
    now: Instant,
) -> QueryResult<Counts> {
    let removal = match rules::visible_from(target, now) {
        Some(from) => removal(db, workspace, from, now)?,
        None => Removal::default(),
    };
    let about = audit_entries::table
        .filter(audit_entries::account_id.eq(workspace.account))
        .filter(audit_entries::workspace_id.eq(workspace.id))
        .limit(COUNT_LIMIT + 1)
        .select(audit_entries::sequence);
    Ok(Counts {
        removal,
        active: active_runs(db, workspace.id)?,
        due: due_runs(db, workspace.id, now)?,
        audit_entries: Number(about).get_result(db)?,
        contents: contents::counts(db, Contents::of(context), workspace, |_| true)?,
        hidden: hidden(db, workspace)?,
    })
}

/// Runs that ended before a moment and are to be seen: how many of each flow in one pass over an index, and the ends of
/// their span by a look at either end of it.
fn removal(
    db: &mut Db,
    workspace: &Workspace,
    before: Instant,
    now: Instant,
) -> QueryResult<Removal> {
    let visible_from: Option<Instant> =
        workspaces::table.find(workspace.id).select(workspaces::runs_visible_from).first(db)?;
    let from = visible_from.unwrap_or(Instant::from_microseconds(0));
    let ended = flow_runs::ended_at.ge(from).and(flow_runs::ended_at.lt(before));
    let ends = |end: Option<Option<Instant>>| end.flatten();
    let shown = all::flow_runs(workspace.id).filter(ended);
    let first = shown.select(min(flow_runs::ended_at)).first(db).optional()?;
    let Some(first) = ends(first) else { return Ok(Removal::default()) };
    let last = shown.select(max(flow_runs::ended_at)).first(db).optional()?;
    let rows: Vec<(FlowId, i64)> =
        shown.group_by(flow_runs::flow_id).select((flow_runs::flow_id, count_star())).load(db)?;
    let names: Vec<(FlowId, String)> = flows::table
        .filter(flows::workspace_id.eq(workspace.id))
        .select((flows::id, flows::name))
        .load(db)?;
    let names: HashMap<FlowId, String> = names.into_iter().collect();
    let name_of = |id| names.get(&id).cloned().unwrap_or_else(String::new);
    let mut by_flow: Vec<(String, i64)> =
        rows.iter().map(|(id, count)| (name_of(*id), *count)).collect();
    by_flow.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    Ok(Removal {
        runs: by_flow.iter().map(|(_, count)| count).sum(),
        span: ends(last).map(|last| (first, last)),
        history: history(db, workspace, rules::steps(first, before, now))?,
        flows: by_flow,
    })
}

/// How many runs an earlier transfer hid, which are still there.
fn hidden(db: &mut Db, workspace: &Workspace) -> QueryResult<i64> {
    let from =
        workspaces::table.find(workspace.id).select(workspaces::runs_visible_from).single_value();
    let some = all::flow_runs(workspace.id)
        .filter(flow_runs::ended_at.lt(from))
        .limit(COUNT_LIMIT + 1)
        .select(flow_runs::flow_id);
    Number(some).get_result(db)
}

#[derive(QueryableByName)]
struct StepRow {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    step: i32,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    runs: i64,
}

/// Days that the clock of a client may be ahead.
const AHEAD: i64 = 365;

/// How many runs ended in each of some steps: one statement, which counts a range of an index for each.
fn history(
    db: &mut Db,
    workspace: &Workspace,
    steps: Vec<(Instant, Instant, bool)>,
) -> QueryResult<Vec<EndedRuns>> {
    let count = |at: usize| {
        let (id, from, until) = (3 * at + 1, 3 * at + 2, 3 * at + 3);
        format!(
            "SELECT {at} AS step, COUNT(*) AS runs FROM flow_runs \
             WHERE workspace_id = ${id} AND ended_at >= ${from} AND ended_at < ${until} AND \
             COALESCE(ended_at >= (SELECT runs_visible_from FROM workspaces WHERE id = ${id}), TRUE)"
        )
    };
    let counts: Vec<String> = (0..steps.len()).map(count).collect();
    let mut query = diesel::sql_query(counts.join(" UNION ALL ")).into_boxed::<MultiBackend>();
    for (at, (from, until, _)) in steps.iter().enumerate() {
        // Clocks of clients may be ahead.
        let until = if at + 1 == steps.len() { until.plus_days(AHEAD) } else { *until };
        query = query.bind::<SqlId, _>(workspace.id);
        query = query.bind::<SqlInstant, _>(*from).bind::<SqlInstant, _>(until);
    }
    let mut history: Vec<EndedRuns> = steps
        .into_iter()
        .map(|(from, until, is_kept)| EndedRuns { from, until, runs: 0, is_kept })
        .collect();
    for row in query.load::<StepRow>(db)? {
        let step = usize::try_from(row.step).map(|step| history.get_mut(step));
        if let Ok(Some(step)) = step {
            step.runs = row.runs;
        }
    }
    Ok(history)
}

/// Reads all that a review is computed from.
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
    let known = Everybody::of(db, &workspace, default_role.as_ref(), now)?;
    let known = known.in_account(db, &target.account)?.by_name();
    let carried = carried(db, (&carry, &known), &target, settings, now)?;
    let losers: Vec<UserId> =
        known.iter().filter(|person| person.loses()).map(|person| person.user).collect();
    Ok(Some(counts.put_into(Facts {
        at: now,
        taken: taken(db, target.account.id, &handle, Some(workspace.id), now)?,
        keys: keys(db, &workspace, &losers, now)?,
        bots: bots(db, &workspace, now)?,
        roles: roles_in_use(db, &workspace)?,
        people: known,
        carried,
        invitations: open_invitations(db, workspace.id, now)?,
        default_role,
        removal: Removal::default(),
        active: (0, Vec::new()),
        due: 0,
        audit_entries: 0,
        contents: Vec::new(),
        hidden: 0,
        site: settings.site().to_owned(),
        price_note: settings.flags.price_note.clone(),
        undo_hours: settings.flags.undo_hours,
        workspace,
        source,
        target,
        handle,
    })))
}

/// The source's own roles that are used in a workspace, by name.
fn roles_in_use(db: &mut Db, workspace: &Workspace) -> QueryResult<Vec<(RoleId, String)>> {
    let people = memberships::table
        .filter(memberships::workspace_id.eq(workspace.id))
        .filter(memberships::custom_role_id.is_not_null())
        .select(memberships::custom_role_id.assume_not_null());
    let bots = grants::table
        .filter(grants::workspace_id.eq(workspace.id))
        .filter(grants::custom_role_id.is_not_null())
        .select(grants::custom_role_id.assume_not_null());
    let everybody = workspaces::table
        .filter(workspaces::id.eq(workspace.id))
        .filter(workspaces::default_custom_role_id.is_not_null())
        .select(workspaces::default_custom_role_id.assume_not_null());
    workspace_roles::table
        .filter(workspace_roles::account_id.eq(workspace.account))
        .filter(
            workspace_roles::id
                .eq_any(people)
                .or(workspace_roles::id.eq_any(bots))
                .or(workspace_roles::id.eq_any(everybody)),
        )
        .order((workspace_roles::name_key, workspace_roles::id))
        .select((workspace_roles::id, workspace_roles::name))
        .load(db)
}
