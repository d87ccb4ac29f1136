//! Rows about invitations.

use diesel::dsl::{count_star, exists};
use diesel::prelude::*;

use super::model::{Invitation, InvitationId, PendingInvitation, State, Target};
use crate::access::identify::Verified;
use crate::access::membership::{COLUMNS, Workspace};
use crate::access::{AccountId, UserId, WorkspaceId};
use crate::base::db::schema::{
    accounts, audit_entries, invitations, mails, memberships, users, workspaces,
};
use crate::base::db::{Db, Id, Instant};
use crate::base::mail::Mail;

/// An invitation by id, wherever it leads.
///
/// # Errors
/// The database's fault.
pub fn by_id(db: &mut Db, id: InvitationId) -> QueryResult<Option<Invitation>> {
    invitations::table.find(id).select(Invitation::as_select()).first(db).optional()
}

/// An invitation with the workspace it leads to.
///
/// # Errors
/// The database's fault.
pub fn target(db: &mut Db, id: InvitationId) -> QueryResult<Option<Target>> {
    let Some(invitation) = by_id(db, id)? else { return Ok(None) };
    let workspace = workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::id.eq(invitation.workspace))
        .filter(workspaces::deleted_at.is_null())
        .select(COLUMNS)
        .first::<Workspace>(db)
        .optional()?;
    Ok(Some(Target { invitation, workspace }))
}

/// A pending invitation of one workspace, by id (IN-10).
///
/// # Errors
/// The database's fault.
pub fn pending_in(
    db: &mut Db,
    workspace: WorkspaceId,
    id: InvitationId,
) -> QueryResult<Option<Invitation>> {
    invitations::table
        .find(id)
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::state.eq(State::Pending))
        .select(Invitation::as_select())
        .first(db)
        .optional()
}

/// Whether an invitation belongs to a workspace at all, whatever became of it.
///
/// # Errors
/// The database's fault.
pub fn is_in(db: &mut Db, workspace: WorkspaceId, id: InvitationId) -> QueryResult<bool> {
    diesel::select(exists(
        invitations::table.find(id).filter(invitations::workspace_id.eq(workspace)),
    ))
    .get_result(db)
}

/// The live invitation of an address into a workspace, expired or not.
///
/// # Errors
/// The database's fault.
pub fn live(
    db: &mut Db,
    workspace: WorkspaceId,
    email_key: &str,
) -> QueryResult<Option<Invitation>> {
    invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::email_key.eq(email_key))
        .filter(invitations::state.eq(State::Pending))
        .select(Invitation::as_select())
        .first(db)
        .optional()
}

/// When an address last refused to join a workspace, if that was after `since`.
///
/// # Errors
/// The database's fault.
pub fn declined_since(
    db: &mut Db,
    workspace: WorkspaceId,
    email_key: &str,
    since: Instant,
) -> QueryResult<Option<Instant>> {
    let at: Option<Option<Instant>> = invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::email_key.eq(email_key))
        .filter(invitations::state.eq(State::Declined))
        .filter(invitations::decided_at.gt(since))
        .order(invitations::decided_at.desc())
        .select(invitations::decided_at)
        .first(db)
        .optional()?;
    Ok(at.flatten())
}

/// Whether somebody with this address is in the workspace already.
///
/// # Errors
/// The database's fault.
pub fn has_member(db: &mut Db, workspace: WorkspaceId, email_key: &str) -> QueryResult<bool> {
    diesel::select(exists(
        memberships::table
            .inner_join(users::table)
            .filter(memberships::workspace_id.eq(workspace))
            .filter(users::email_key.eq(email_key)),
    ))
    .get_result(db)
}

/// Whether a person is in the workspace already.
///
/// # Errors
/// The database's fault.
pub fn is_member(db: &mut Db, workspace: WorkspaceId, user: UserId) -> QueryResult<bool> {
    diesel::select(exists(
        memberships::table
            .filter(memberships::workspace_id.eq(workspace))
            .filter(memberships::user_id.eq(user)),
    ))
    .get_result(db)
}

/// How many people were let into a workspace.
///
/// # Errors
/// The database's fault.
pub fn members(db: &mut Db, workspace: WorkspaceId) -> QueryResult<i64> {
    memberships::table
        .filter(memberships::workspace_id.eq(workspace))
        .select(count_star())
        .first(db)
}

/// How many invitations of a workspace can still be accepted: each keeps a place.
///
/// # Errors
/// The database's fault.
pub fn open(db: &mut Db, workspace: WorkspaceId, now: Instant) -> QueryResult<i64> {
    invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::expires_at.gt(now))
        .select(count_star())
        .first(db)
}

/// The member limit that an account has of its own.
///
/// # Errors
/// The database's fault.
pub fn own_member_limit(db: &mut Db, account: AccountId) -> QueryResult<Option<i32>> {
    accounts::table.find(account).select(accounts::member_limit).first(db)
}

/// Template of the mail that carries an invitation.
pub const INVITATION_MAIL: &str = "invitation";

/// What the log says when an invitation is sent, sent again, or its link copied.
const SENDING: [&str; 2] = ["workspace-invitation.created", "workspace-invitation.updated"];

/// Invitation mails that a person caused since `since`, resends included.
///
/// # Errors
/// The database's fault.
pub fn mails_by(db: &mut Db, inviter: UserId, since: Instant) -> QueryResult<i64> {
    // Counted in the log, which outlives the workspaces and their invitations.
    audit_entries::table
        .filter(audit_entries::actor_id.eq(inviter.cast::<crate::tenancy::audit::By>()))
        .filter(audit_entries::occurred_at.gt(since))
        .filter(audit_entries::event.eq_any(SENDING))
        .select(count_star())
        .first(db)
}

/// Invitation mails that an address got since `since`, from anybody.
///
/// # Errors
/// The database's fault.
pub fn mails_to(db: &mut Db, email_key: &str, since: Instant) -> QueryResult<i64> {
    crate::base::mail::sent_to(db, email_key, INVITATION_MAIL, since)
}

/// Whether a mail of a template about an invitation was queued since `since`.
///
/// # Errors
/// The database's fault.
pub fn mailed_since(
    db: &mut Db,
    id: InvitationId,
    template: &str,
    since: Instant,
) -> QueryResult<bool> {
    diesel::select(exists(
        mails::table
            .filter(mails::subject_id.eq(id.cast::<Mail>()))
            .filter(mails::template.eq(template))
            .filter(mails::created_at.ge(since)),
    ))
    .get_result(db)
}

/// Pending invitations that end before `until` and were sent before `sent_before`, the next to end
/// first; some at a time, behind `after`.
///
/// # Errors
/// The database's fault.
pub fn ending(
    db: &mut Db,
    (now, until): (Instant, Instant),
    sent_before: Instant,
    after: Option<InvitationId>,
    limit: i64,
) -> QueryResult<Vec<Invitation>> {
    invitations::table
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::expires_at.le(until))
        .filter(invitations::sent_at.le(sent_before))
        .filter(invitations::id.gt(after.unwrap_or(Id::from(uuid::Uuid::nil()))))
        .order(invitations::id)
        .limit(limit)
        .select(Invitation::as_select())
        .load(db)
}

/// The open invitations of an address, newest first; for the list of its workspaces.
///
/// # Errors
/// The database's fault.
pub fn pending_for(
    db: &mut Db,
    email_key: &str,
    now: Instant,
    limit: i64,
) -> QueryResult<Vec<PendingInvitation>> {
    invitations::table
        .inner_join(workspaces::table.inner_join(accounts::table))
        .filter(invitations::email_key.eq(email_key))
        // An address that somebody vouched for proves nothing to the others who invited it.
        .filter(exists(
            users::table
                .filter(users::email_key.eq(email_key))
                .filter(users::verified.eq(Verified::Mailed)),
        ))
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::expires_at.gt(now))
        .filter(workspaces::deleted_at.is_null())
        .order(invitations::id.desc())
        .limit(limit)
        .select((
            invitations::id,
            invitations::generation,
            accounts::handle,
            workspaces::handle,
            invitations::role,
            invitations::invited_by_name,
            invitations::expires_at,
        ))
        .load(db)
}

/// Somebody to write to.
#[derive(Clone, Debug, Queryable)]
pub struct Recipient {
    /// The person.
    pub user: UserId,
    /// Display name.
    pub name: String,
    /// Address.
    pub email: String,
}

/// The person whose personal account this is.
///
/// # Errors
/// The database's fault.
pub fn owner_of(db: &mut Db, account: AccountId) -> QueryResult<Option<Recipient>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::personal_account_id.eq(account))
        .select((users::id, accounts::name, users::email))
        .first(db)
        .optional()
}

/// A person by id.
///
/// # Errors
/// The database's fault.
pub fn recipient(db: &mut Db, user: UserId) -> QueryResult<Option<Recipient>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::id.eq(user))
        .select((users::id, accounts::name, users::email))
        .first(db)
        .optional()
}
