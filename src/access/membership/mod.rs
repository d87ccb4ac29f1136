//! The only queries that decide who reaches which workspace.
//!
//! Invariant: everything starts from a [`Reach`]; a deleted workspace is reached by nobody.

mod held;
mod reached;

use diesel::dsl::count_star;
use diesel::prelude::*;

pub use held::{
    CUSTOM, CustomColumns, Grant, Held, Source, custom_role, default_role, grant_of_person,
    grant_of_service_account, held, named_role, scopes_of_roles,
};
pub use reached::{Joined, reachable};

use self::reached::Reached;
use super::actor::{Person, Principal, Reach};
use super::organization::{self, OrganizationRole};
use super::recent::RECENT;
use super::{AccountId, WorkspaceId};
use crate::base::db::schema::{
    account_redirects, accounts, organization_members, workspace_redirects, workspaces,
};
use crate::base::db::{Db, Instant};
use crate::urls::InWorkspace;

/// A workspace together with the account that owns it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// The owning account.
    pub account: AccountId,
    /// Handle of the owning account.
    pub account_handle: String,
    /// Name of the owning account.
    pub account_name: String,
    /// `personal` or `organization`.
    pub account_kind: AccountKind,
    /// Its handle, unique within the account.
    pub handle: String,
    /// Its display name.
    pub name: String,
    /// Its description; may be empty.
    pub description: String,
    /// When it was made.
    pub created_at: Instant,
    /// Name of whoever made it.
    pub created_by_name: String,
}

impl InWorkspace for Workspace {
    fn handles(&self) -> (&str, &str) {
        (&self.account_handle, &self.handle)
    }
}

crate::base::db::text_enum! {
    /// What kind of account it is.
    AccountKind {
        /// Of one person.
        Personal = "personal",
        /// Of several people.
        Organization = "organization",
    }
}

/// The columns of [`Workspace`], for queries on workspaces joined with accounts.
pub const COLUMNS: (
    workspaces::id,
    accounts::id,
    accounts::handle,
    accounts::name,
    accounts::kind,
    workspaces::handle,
    workspaces::name,
    workspaces::description,
    workspaces::created_at,
    workspaces::created_by_name,
) = (
    workspaces::id,
    accounts::id,
    accounts::handle,
    accounts::name,
    accounts::kind,
    workspaces::handle,
    workspaces::name,
    workspaces::description,
    workspaces::created_at,
    workspaces::created_by_name,
);

/// An account of which a person reaches workspaces.
#[derive(Clone, Debug, Queryable)]
pub struct Owner {
    /// The account.
    pub id: AccountId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// `personal` or `organization`.
    pub kind: AccountKind,
    /// The account's own limit of workspaces.
    pub limit: Option<i32>,
    /// How many of its workspaces the person reaches.
    pub reached: i64,
}

/// The accounts of all workspaces that a person reaches in a browser, the own one first.
pub fn owners(db: &mut Db, reach: &Reach) -> QueryResult<Vec<Owner>> {
    let own = match reach.principal {
        Principal::Person { account, .. } => account,
        Principal::ServiceAccount(_) => uuid::Uuid::nil().into(),
    };
    workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::deleted_at.is_null())
        .filter(Reached::from(reach))
        .group_by((
            accounts::id,
            accounts::handle,
            accounts::name,
            accounts::kind,
            accounts::workspace_limit,
        ))
        .order((accounts::id.ne(own), accounts::handle))
        .select((
            accounts::id,
            accounts::handle,
            accounts::name,
            accounts::kind,
            accounts::workspace_limit,
            count_star(),
        ))
        .load(db)
}

/// An account in which a person may make workspaces.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct OwningAccount {
    /// The account.
    pub id: AccountId,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// `personal` or `organization`.
    pub kind: AccountKind,
}

/// The organizations whose admin a person is, by handle; at most `limit`.
pub fn administered(db: &mut Db, person: &Person, limit: i64) -> QueryResult<Vec<OwningAccount>> {
    organization_members::table
        .inner_join(accounts::table)
        .filter(organization_members::user_id.eq(person.user))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .order(accounts::handle)
        .limit(limit)
        .select((accounts::id, accounts::handle, accounts::name, accounts::kind))
        .load(db)
}

/// The account with a handle, if the person may make workspaces in it.
pub fn owning(db: &mut Db, person: &Person, handle: &str) -> QueryResult<Option<OwningAccount>> {
    let found: Option<OwningAccount> = accounts::table
        .filter(accounts::handle.eq(handle))
        .select((accounts::id, accounts::handle, accounts::name, accounts::kind))
        .first(db)
        .optional()?;
    let Some(found) = found else { return Ok(None) };
    Ok(organization::has_authority(db, person, found.id)?.then_some(found))
}

/// The workspaces that an actor reaches, by path; at most `limit`.
pub fn list(db: &mut Db, reach: &Reach, limit: i64) -> QueryResult<Vec<Workspace>> {
    reachable(reach)
        .order((accounts::handle, workspaces::handle))
        .limit(limit)
        .select(COLUMNS)
        .load(db)
}

fn with_held(
    db: &mut Db,
    reach: &Reach,
    workspace: Option<Workspace>,
) -> QueryResult<Option<(Workspace, Held)>> {
    let Some(workspace) = workspace else { return Ok(None) };
    Ok(held(db, reach, &workspace)?.map(|held| (workspace, held)))
}

/// The workspace at a path, and what the actor may do in it.
pub fn by_path(
    db: &mut Db,
    reach: &Reach,
    account: &str,
    workspace: &str,
) -> QueryResult<Option<(Workspace, Held)>> {
    let found = workspaces::table
        .inner_join(accounts::table)
        .filter(accounts::handle.eq(account))
        .filter(workspaces::handle.eq(workspace))
        .filter(workspaces::deleted_at.is_null())
        .select(COLUMNS)
        .first::<Workspace>(db)
        .optional()?;
    with_held(db, reach, found)
}

/// The workspace with an id, and what the actor may do in it.
pub fn by_id(
    db: &mut Db,
    reach: &Reach,
    workspace: WorkspaceId,
) -> QueryResult<Option<(Workspace, Held)>> {
    let found = workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::id.eq(workspace))
        .filter(workspaces::deleted_at.is_null())
        .select(COLUMNS)
        .first::<Workspace>(db)
        .optional()?;
    with_held(db, reach, found)
}

/// The workspace that an address of the API names by its two ids, and what the actor may do in it.
pub fn by_ids(
    db: &mut Db,
    reach: &Reach,
    account: AccountId,
    workspace: WorkspaceId,
) -> QueryResult<Option<(Workspace, Held)>> {
    Ok(by_id(db, reach, workspace)?.filter(|(found, _)| found.account == account))
}

/// Where a path that leads nowhere led before a rename, for an actor who reaches the new place.
pub fn moved(
    db: &mut Db,
    reach: &Reach,
    account: &str,
    workspace: &str,
) -> QueryResult<Option<Workspace>> {
    let current: Option<AccountId> = accounts::table
        .filter(accounts::handle.eq(account))
        .select(accounts::id)
        .first(db)
        .optional()?;
    let owner = match current {
        Some(id) => Some(id),
        None => account_redirects::table
            .find(account)
            .select(account_redirects::account_id)
            .first(db)
            .optional()?,
    };
    let Some(owner) = owner else { return Ok(None) };
    let id: Option<WorkspaceId> = workspaces::table
        .filter(workspaces::account_id.eq(owner))
        .filter(workspaces::handle.eq(workspace))
        .select(workspaces::id)
        .first(db)
        .optional()?;
    let id = match id {
        Some(id) => Some(id),
        None => workspace_redirects::table
            .find((owner, workspace))
            .select(workspace_redirects::workspace_id)
            .first(db)
            .optional()?,
    };
    let Some(id) = id else { return Ok(None) };
    Ok(by_id(db, reach, id)?.map(|(workspace, _)| workspace))
}

/// A few workspaces to change to, the recent ones first and never the present one: account handle and handle.
pub fn others(
    db: &mut Db,
    reach: &Reach,
    (present, recent): (WorkspaceId, &[WorkspaceId; RECENT]),
    limit: i64,
) -> QueryResult<Vec<(String, String)>> {
    // Four conditions and no list of them: such a statement stays prepared.
    let [a, b, c, d] = *recent;
    let id = workspaces::id;
    let is_older = id.ne(a).and(id.ne(b)).and(id.ne(c)).and(id.ne(d));
    let mut found: Vec<(WorkspaceId, String, String)> = reachable(reach)
        .filter(id.ne(present))
        .order((is_older, accounts::handle, workspaces::handle))
        .limit(limit)
        .select((id, accounts::handle, workspaces::handle))
        .load(db)?;
    found.sort_by_key(|(id, ..)| recent.iter().position(|one| one == id).unwrap_or(RECENT));
    Ok(found.into_iter().map(|(_, account, workspace)| (account, workspace)).collect())
}
