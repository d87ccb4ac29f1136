//! Moving a workspace's row, and what hangs on the account that it leaves: roles and invitations go, and come
//! back when the transfer is undone. Each is one statement, however many people there are (SP-27).

use std::collections::HashSet;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use uuid::Uuid;

use super::super::model::{Before, State, Transfer, TransferId};
use crate::access::handle::Handle;
use crate::access::history::all;
use crate::access::membership::{self, AccountKind, OwningAccount, Workspace};
use crate::access::role::{Role, RoleId};
use crate::access::{AccountId, ServiceAccountId, UserId, WorkspaceId};
use crate::base::db::schema::{
    invitations, memberships, organization_members, service_account_grants as grants,
    service_accounts, transfer_grants as kept, workspace_redirects, workspace_roles, workspaces,
};
use crate::base::db::{Db, Instant, SqlId, on_each_backend};
use crate::tenancy::audit::Event;
use crate::tenancy::impacts::model::PersonAccess;
use crate::tenancy::impacts::queries::Everybody;
use crate::tenancy::invitations::model::State as InvitationState;

/// Keeps the roles in a workspace for as long as its transfer can be undone.
pub fn keep_grants(db: &mut Db, transfer: TransferId, workspace: WorkspaceId) -> QueryResult<()> {
    let people = memberships::table.filter(memberships::workspace_id.eq(workspace)).select((
        transfer.into_sql::<SqlId>(),
        memberships::id,
        memberships::user_id.nullable(),
        None::<ServiceAccountId>.into_sql::<Nullable<SqlId>>(),
        memberships::role,
        memberships::custom_role_id,
        memberships::sort_name,
        memberships::search_key,
        memberships::granted_by_name,
        memberships::created_at,
        memberships::expires_at,
        memberships::last_seen_at,
    ));
    let bots = grants::table.filter(grants::workspace_id.eq(workspace)).select((
        transfer.into_sql::<SqlId>(),
        grants::id,
        None::<UserId>.into_sql::<Nullable<SqlId>>(),
        grants::service_account_id.nullable(),
        grants::role,
        grants::custom_role_id,
        grants::sort_name,
        "".into_sql::<Text>(),
        grants::granted_by_name,
        grants::created_at,
        grants::expires_at,
        grants::last_seen_at,
    ));
    let columns = (
        kept::transfer_id,
        kept::id,
        kept::user_id,
        kept::service_account_id,
        kept::role,
        kept::custom_role_id,
        kept::sort_name,
        kept::search_key,
        kept::granted_by_name,
        kept::created_at,
        kept::expires_at,
        kept::last_seen_at,
    );
    on_each_backend!(db, |conn| people
        .insert_into(kept::table)
        .into_columns(columns)
        .execute(conn))?;
    on_each_backend!(db, |conn| bots.insert_into(kept::table).into_columns(columns).execute(conn))?;
    Ok(())
}

/// Ends all roles in a workspace.
pub fn end_of_grants(db: &mut Db, workspace: WorkspaceId) -> QueryResult<()> {
    diesel::delete(memberships::table.filter(memberships::workspace_id.eq(workspace)))
        .execute(db)?;
    diesel::delete(grants::table.filter(grants::workspace_id.eq(workspace))).execute(db)?;
    Ok(())
}

/// What a workspace is before it moves.
pub fn before(db: &mut Db, workspace: WorkspaceId) -> QueryResult<Before> {
    let row = workspaces::table.find(workspace).select((
        workspaces::default_role,
        workspaces::default_custom_role_id,
        workspaces::runs_visible_from,
    ));
    let (role, custom, runs_visible_from): (Option<Role>, Option<RoleId>, Option<Instant>) =
        row.first(db)?;
    Ok(Before {
        default_role: role.map(|role| role.as_str().to_owned()),
        default_custom_role: custom,
        runs_visible_from,
    })
}

/// Gives a workspace to another account; its default role is none there. A display name that was the handle
/// goes with it (C5).
///
/// # Errors
/// The database's fault, also when the handle is taken.
pub fn move_there(
    db: &mut Db,
    workspace: &Workspace,
    (account, handle): (AccountId, &Handle),
    now: Instant,
) -> QueryResult<()> {
    let handle = handle.as_str();
    let name = if workspace.name == workspace.handle { handle } else { &workspace.name };
    diesel::update(workspaces::table.find(workspace.id))
        .set((
            workspaces::account_id.eq(account),
            workspaces::handle.eq(handle),
            workspaces::name.eq(name),
            workspaces::default_role.eq(None::<Role>),
            workspaces::default_custom_role_id.eq(None::<RoleId>),
            workspaces::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Sets from when on ended runs of a workspace are to be seen, and lets runs start again.
pub fn show_runs(db: &mut Db, workspace: WorkspaceId, from: Option<Instant>) -> QueryResult<()> {
    diesel::update(workspaces::table.find(workspace))
        .set((
            workspaces::runs_visible_from.eq(from),
            workspaces::starts_held_until.eq(None::<Instant>),
        ))
        .execute(db)?;
    Ok(())
}

/// Lets an old path lead to the workspace, and ends what another one let the new path lead to.
pub fn redirect(
    db: &mut Db,
    workspace: WorkspaceId,
    (from, old): (AccountId, &str),
    (to, new): (AccountId, &str),
    now: Instant,
) -> QueryResult<()> {
    diesel::delete(workspace_redirects::table.find((to, new))).execute(db)?;
    diesel::delete(workspace_redirects::table.find((from, old))).execute(db)?;
    diesel::insert_into(workspace_redirects::table)
        .values((
            workspace_redirects::account_id.eq(from),
            workspace_redirects::handle.eq(old),
            workspace_redirects::workspace_id.eq(workspace),
            workspace_redirects::created_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Kept roles of a transfer that are still possible: they have not ended, and the source still has them.
macro_rules! possible {
    ($transfer:expr, $now:expr) => {{
        let role = workspace_roles::table
            .filter(workspace_roles::account_id.eq($transfer.source_account_id))
            .filter(workspace_roles::id.nullable().eq(kept::custom_role_id));
        kept::table
            .filter(kept::transfer_id.eq($transfer.id))
            .filter(kept::expires_at.is_null().or(kept::expires_at.gt($now)))
            .filter(kept::custom_role_id.is_null().or(exists(role)))
    }};
}

/// Those of them that belong to a person who belongs to the source.
macro_rules! possible_of_people {
    ($transfer:expr, $is_organization:expr, $now:expr) => {{
        let member = organization_members::table
            .filter(organization_members::account_id.eq($transfer.source_account_id))
            .filter(organization_members::user_id.nullable().eq(kept::user_id));
        let is_personal = !$is_organization;
        possible!($transfer, $now)
            .filter(kept::user_id.is_not_null())
            .filter(exists(member).or(is_personal.into_sql::<diesel::sql_types::Bool>()))
    }};
}

/// Gives back the roles that are still possible: of people who belong to the source, of its service accounts,
/// with roles that it still has. Returns how many of people, and how many of service accounts.
pub fn give_back(
    db: &mut Db,
    transfer: &Transfer,
    is_organization: bool,
    now: Instant,
) -> QueryResult<(usize, usize)> {
    let source = transfer.source_account_id;
    let bot = service_accounts::table
        .filter(service_accounts::account_id.eq(source))
        .filter(service_accounts::id.nullable().eq(kept::service_account_id));
    let people = possible_of_people!(transfer, is_organization, now).select((
        kept::id,
        transfer.workspace_id.into_sql::<SqlId>(),
        kept::user_id.assume_not_null(),
        kept::role,
        kept::custom_role_id,
        kept::sort_name,
        kept::search_key,
        kept::granted_by_name,
        kept::created_at,
        kept::expires_at,
        kept::last_seen_at,
    ));
    let bots = possible!(transfer, now)
        .filter(kept::service_account_id.is_not_null())
        .filter(exists(bot))
        .select((
            kept::id,
            transfer.workspace_id.into_sql::<SqlId>(),
            kept::service_account_id.assume_not_null(),
            kept::role,
            kept::custom_role_id,
            kept::sort_name,
            kept::granted_by_name,
            kept::created_at,
            kept::expires_at,
            kept::last_seen_at,
        ));
    let people = on_each_backend!(db, |conn| people
        .insert_into(memberships::table)
        .into_columns((
            memberships::id,
            memberships::workspace_id,
            memberships::user_id,
            memberships::role,
            memberships::custom_role_id,
            memberships::sort_name,
            memberships::search_key,
            memberships::granted_by_name,
            memberships::created_at,
            memberships::expires_at,
            memberships::last_seen_at,
        ))
        .execute(conn))?;
    let bots = on_each_backend!(db, |conn| bots
        .insert_into(grants::table)
        .into_columns((
            grants::id,
            grants::workspace_id,
            grants::service_account_id,
            grants::role,
            grants::custom_role_id,
            grants::sort_name,
            grants::granted_by_name,
            grants::created_at,
            grants::expires_at,
            grants::last_seen_at,
        ))
        .execute(conn))?;
    Ok((people, bots))
}

/// The default role that a workspace had before it moved, as far as the source still has it.
fn default_back(
    db: &mut Db,
    transfer: &Transfer,
    before: &Before,
) -> QueryResult<(Option<Role>, Option<RoleId>)> {
    let built_in = before.default_role.as_deref().and_then(Role::parse);
    let custom: Option<RoleId> = match before.default_custom_role {
        Some(id) => workspace_roles::table
            .filter(workspace_roles::id.eq(id))
            .filter(workspace_roles::account_id.eq(transfer.source_account_id))
            .select(workspace_roles::id)
            .first(db)
            .optional()?,
        None => None,
    };
    Ok((built_in, custom))
}

/// Gives a workspace its default role back, if there is such a role.
pub fn give_default_back(db: &mut Db, transfer: &Transfer, before: &Before) -> QueryResult<()> {
    let (built_in, custom) = default_back(db, transfer, before)?;
    diesel::update(workspaces::table.find(transfer.workspace_id))
        .set((workspaces::default_role.eq(built_in), workspaces::default_custom_role_id.eq(custom)))
        .execute(db)?;
    Ok(())
}

/// Opens the invitations again that ended with a transfer and would still count; returns how many.
pub fn restore_invitations(
    db: &mut Db,
    transfer: &Transfer,
    moved_at: Instant,
    now: Instant,
) -> QueryResult<usize> {
    let role = workspace_roles::table
        .filter(workspace_roles::id.nullable().eq(invitations::custom_role_id));
    let ended = invitations::table
        .filter(invitations::custom_role_id.is_null().or(exists(role)))
        .filter(invitations::workspace_id.eq(transfer.workspace_id))
        .filter(invitations::account_id.eq(transfer.source_account_id))
        .filter(invitations::state.eq(InvitationState::Void))
        .filter(invitations::decided_at.eq(moved_at))
        .filter(invitations::expires_at.gt(now));
    diesel::update(ended)
        .set((
            invitations::state.eq(InvitationState::Pending),
            invitations::void_reason.eq(None::<String>),
            invitations::decided_at.eq(None::<Instant>),
        ))
        .execute(db)
}

/// Transfers whose kept roles go together.
const SOME: i64 = 20;

/// Forgets the roles that were kept for transfers that cannot be undone any more; returns whether there may be
/// more.
pub fn forget_kept(db: &mut Db, now: Instant) -> QueryResult<bool> {
    use crate::base::db::schema::transfers;
    let over: Vec<TransferId> = kept::table
        .inner_join(transfers::table.on(transfers::id.eq(kept::transfer_id)))
        .filter(transfers::undo_until.le(now).or(transfers::state.eq(State::Undone)))
        .select(kept::transfer_id)
        .distinct()
        .limit(SOME)
        .load(db)?;
    diesel::delete(kept::table.filter(kept::transfer_id.eq_any(over.clone()))).execute(db)?;
    Ok(!over.is_empty())
}

/// Whether a workspace of an account has a handle, deleted or not.
pub fn is_held(db: &mut Db, account: AccountId, handle: &str) -> QueryResult<bool> {
    let holder = workspaces::table
        .filter(workspaces::account_id.eq(account))
        .filter(workspaces::handle.eq(handle));
    diesel::select(exists(holder)).get_result(db)
}

/// Whether an account is an organization that was deleted.
pub fn is_ended(db: &mut Db, account: AccountId) -> QueryResult<bool> {
    use crate::base::db::schema::organizations;
    let over = organizations::table.find(account).filter(organizations::deleted_at.is_not_null());
    diesel::select(exists(over)).get_result(db)
}

/// Whether something in a workspace was made or changed since a moment: by the audit log of its account, or
/// since something ran or happened in it. Looking at it changes nothing.
pub fn has_changed(
    db: &mut Db,
    (account, workspace): (AccountId, WorkspaceId),
    since: Instant,
) -> QueryResult<bool> {
    use crate::base::db::schema::{audit_entries, events, flow_runs, flows};
    let looking = [
        Event::WorkspaceTransferredIn,
        Event::WorkspaceAccessed,
        Event::WorkspaceInvitationRejected,
        Event::WorkspaceAccessedByKey,
        Event::WorkspaceTransferApproved,
        Event::WorkspaceTransferCreated,
        Event::WorkspaceTransferCancelled,
        Event::WorkspaceTransferDeclined,
        Event::WorkspaceTransferExpired,
    ];
    let told = audit_entries::table
        .filter(audit_entries::account_id.eq(account))
        .filter(audit_entries::workspace_id.eq(workspace))
        .filter(audit_entries::occurred_at.ge(since))
        .filter(audit_entries::event.ne_all(looking));
    let ran = all::flow_runs(workspace).filter(flow_runs::created_at.gt(since));
    let made =
        flows::table.filter(flows::workspace_id.eq(workspace)).filter(flows::created_at.gt(since));
    let happened = all::events(workspace).filter(events::received_at.gt(since));
    diesel::select(exists(told).or(exists(ran)).or(exists(made)).or(exists(happened)))
        .get_result(db)
}

/// The addresses of people who have a role in a workspace.
pub fn emails_of_grants(db: &mut Db, workspace: WorkspaceId) -> QueryResult<Vec<String>> {
    use crate::base::db::schema::users;
    memberships::table
        .inner_join(users::table)
        .filter(memberships::workspace_id.eq(workspace))
        .order(memberships::id)
        .select(users::email)
        .load(db)
}

/// Those who lose access to a workspace when its transfer is undone, by name: whoever neither decides over the source nor has
/// a role there that comes back.
pub fn undo_losers(
    db: &mut Db,
    transfer: &Transfer,
    (workspace, source): (&Workspace, &OwningAccount),
    now: Instant,
) -> QueryResult<Vec<PersonAccess>> {
    let default_role = membership::default_role(db, workspace.id)?;
    let people = Everybody::of(db, workspace, default_role.as_ref(), now)?;
    let people = people.in_account(db, source)?.by_name();
    let is_organization = source.kind == AccountKind::Organization;
    let mut back: Vec<UserId> = possible_of_people!(transfer, is_organization, now)
        .select(kept::user_id.assume_not_null())
        .load(db)?;
    let before = transfer.before.as_ref().map(|before| &before.0);
    let everybody = before.map(|before| default_back(db, transfer, before)).transpose()?;
    if is_organization && everybody.is_some_and(|role| role != (None, None)) {
        let members: Vec<UserId> = organization_members::table
            .filter(organization_members::account_id.eq(source.id))
            .select(organization_members::user_id)
            .load(db)?;
        back.extend(members);
    }
    let back: HashSet<Uuid> = back.into_iter().map(UserId::uuid).collect();
    Ok(people.into_iter().filter(|one| one.loses() && !back.contains(&one.user.uuid())).collect())
}
