//! Rows about invitations.

use diesel::dsl::{count_star, exists};
use diesel::prelude::*;

use super::model::{
    Invitation, InvitationId, Offer, PendingInvitation, Place, Scope, State, Target,
};
use crate::access::actor::Person;
use crate::access::identify::Verified;
use crate::access::membership::{self, COLUMNS, Workspace};
use crate::access::organization::{self, Organization, OrganizationRole};
use crate::access::role::RoleRef;
use crate::access::{AccountId, UserId};
use crate::base::db::schema::{
    accounts, audit_entries, invitations, mails, memberships, organization_members, organizations,
    users, workspaces,
};
use crate::base::db::{Db, Id, Instant, MultiBackend};
use crate::base::http::json::Window;
use crate::tenancy::audit::{By, Event};

/// An invitation by id, wherever it leads.
pub fn by_id(db: &mut Db, id: InvitationId) -> QueryResult<Option<Invitation>> {
    invitations::table.find(id).select(Invitation::as_select()).first(db).optional()
}

/// An invitation with where it leads.
pub fn target(db: &mut Db, id: InvitationId) -> QueryResult<Option<Target>> {
    let Some(invitation) = by_id(db, id)? else { return Ok(None) };
    let place = place(db, &invitation)?;
    let offer = offer(db, &invitation)?;
    Ok(Some(Target { invitation, place: place.zip(offer) }))
}

fn place(db: &mut Db, invitation: &Invitation) -> QueryResult<Option<Place>> {
    let Some(id) = invitation.workspace else {
        let found: Option<Organization> = organization::one(db, invitation.account)?;
        let ended = organizations::table
            .find(invitation.account)
            .filter(organizations::deleted_at.is_not_null());
        let is_over: bool = diesel::select(exists(ended)).get_result(db)?;
        return Ok(found.filter(|_| !is_over).map(Place::Organization));
    };
    let workspace = workspaces::table
        .inner_join(accounts::table)
        .filter(workspaces::id.eq(id))
        .filter(workspaces::deleted_at.is_null())
        .select(COLUMNS)
        .first::<Workspace>(db)
        .optional()?;
    Ok(workspace.map(Place::Workspace))
}

/// As what an invitation lets somebody in; `None` once the role is gone.
pub fn offer(db: &mut Db, invitation: &Invitation) -> QueryResult<Option<Offer>> {
    if let Some(role) = invitation.organization_role {
        return Ok(Some(Offer::OrganizationRole(role)));
    }
    let role = match invitation.role_ref() {
        Some(RoleRef::BuiltIn(role)) => Some(role.into()),
        Some(RoleRef::Custom(id)) => membership::custom_role(db, invitation.account, id)?,
        None => None,
    };
    Ok(role.map(Offer::Role))
}

type Invitations<'a> = diesel::dsl::IntoBoxed<'a, invitations::table, MultiBackend>;

/// The invitations of one place.
pub(super) fn of(scope: Scope) -> Invitations<'static> {
    let all = invitations::table
        .filter(invitations::account_id.eq(scope.account))
        .into_boxed::<MultiBackend>();
    match scope.workspace {
        Some(workspace) => all.filter(invitations::workspace_id.eq(workspace)),
        None => all.filter(invitations::workspace_id.is_null()),
    }
}

/// A pending invitation of one place, by id (IN-10).
pub fn pending_in(db: &mut Db, scope: Scope, id: InvitationId) -> QueryResult<Option<Invitation>> {
    of(scope)
        .filter(invitations::id.eq(id))
        .filter(invitations::state.eq(State::Pending))
        .select(Invitation::as_select())
        .first(db)
        .optional()
}

/// The invitations of a place that wait for an answer, expired or not, the newest first.
pub fn open_ones(db: &mut Db, scope: Scope, window: Window) -> QueryResult<Vec<Invitation>> {
    of(scope)
        .filter(invitations::state.eq(State::Pending))
        .order(invitations::id.desc())
        .limit(window.limit)
        .offset(window.offset)
        .select(Invitation::as_select())
        .load(db)
}

/// Whether an invitation belongs to a place at all, whatever became of it.
pub fn is_in(db: &mut Db, scope: Scope, id: InvitationId) -> QueryResult<bool> {
    let found = of(scope).filter(invitations::id.eq(id)).select(invitations::id);
    Ok(found.first::<InvitationId>(db).optional()?.is_some())
}

/// The live invitation of a member into one of the organization's workspaces, expired or not.
pub fn live_of_member(
    db: &mut Db,
    scope: Scope,
    member: UserId,
) -> QueryResult<Option<Invitation>> {
    of(scope)
        .filter(invitations::user_id.eq(member))
        .filter(invitations::state.eq(State::Pending))
        .select(Invitation::as_select())
        .first(db)
        .optional()
}

/// The live invitation of an address into a place, expired or not.
pub fn live(db: &mut Db, scope: Scope, email_key: &str) -> QueryResult<Option<Invitation>> {
    of(scope)
        .filter(invitations::email_key.eq(email_key.to_owned()))
        .filter(invitations::state.eq(State::Pending))
        .select(Invitation::as_select())
        .first(db)
        .optional()
}

/// When an address last refused to join a place, if that was after `since`.
pub fn declined_since(
    db: &mut Db,
    scope: Scope,
    email_key: &str,
    since: Instant,
) -> QueryResult<Option<Instant>> {
    let at: Option<Option<Instant>> = of(scope)
        .filter(invitations::email_key.eq(email_key.to_owned()))
        .filter(invitations::state.eq(State::Declined))
        .filter(invitations::decided_at.gt(since))
        .order(invitations::decided_at.desc())
        .select(invitations::decided_at)
        .first(db)
        .optional()?;
    Ok(at.flatten())
}

/// Which of some addresses refused an invitation of an account after `since`.
pub fn declined_among(
    db: &mut Db,
    account: AccountId,
    keys: &[String],
    since: Instant,
) -> QueryResult<Vec<String>> {
    invitations::table
        .filter(invitations::account_id.eq(account))
        .filter(invitations::email_key.eq_any(keys.to_vec()))
        .filter(invitations::state.eq(State::Declined))
        .filter(invitations::decided_at.gt(since))
        .select(invitations::email_key)
        .distinct()
        .load(db)
}

/// Another invitation takes the place of those of some addresses into an account that nobody answered.
pub fn supersede_among(
    db: &mut Db,
    account: AccountId,
    keys: &[String],
    now: Instant,
) -> QueryResult<usize> {
    let live = invitations::table
        .filter(invitations::account_id.eq(account))
        .filter(invitations::workspace_id.is_null())
        .filter(invitations::email_key.eq_any(keys.to_vec()))
        .filter(invitations::state.eq(State::Pending));
    diesel::update(live)
        .set((invitations::state.eq(State::Superseded), invitations::decided_at.eq(Some(now))))
        .execute(db)
}

/// Whether somebody with this address is in the place already.
pub fn has_member(db: &mut Db, scope: Scope, email_key: &str) -> QueryResult<bool> {
    let user: Option<UserId> = users::table
        .filter(users::email_key.eq(email_key))
        .select(users::id)
        .first(db)
        .optional()?;
    user.map_or(Ok(false), |user| is_member(db, scope, user))
}

/// Whether a person is in the place already.
pub fn is_member(db: &mut Db, scope: Scope, user: UserId) -> QueryResult<bool> {
    let Some(workspace) = scope.workspace else {
        return Ok(organization::role(db, user, scope.account)?.is_some());
    };
    diesel::select(exists(
        memberships::table
            .filter(memberships::workspace_id.eq(workspace))
            .filter(memberships::user_id.eq(user)),
    ))
    .get_result(db)
}

/// How many people are in a place, apart from the owner of a workspace.
pub fn members(db: &mut Db, scope: Scope) -> QueryResult<i64> {
    match scope.workspace {
        Some(workspace) => memberships::table
            .filter(memberships::workspace_id.eq(workspace))
            .select(count_star())
            .first(db),
        None => organization_members::table
            .filter(organization_members::account_id.eq(scope.account))
            .select(count_star())
            .first(db),
    }
}

/// How many invitations of a place can still be accepted: each keeps a place.
pub fn open(db: &mut Db, scope: Scope, now: Instant) -> QueryResult<i64> {
    of(scope)
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::expires_at.gt(now))
        .select(count_star())
        .first(db)
}

/// The member limit that an account has of its own.
pub fn own_member_limit(db: &mut Db, account: AccountId) -> QueryResult<Option<i32>> {
    accounts::table.find(account).select(accounts::member_limit).first(db)
}

/// Template of the mail that carries an invitation.
pub const INVITATION_MAIL: &str = "invitation";

/// What the log says when an invitation is sent, sent again, or its link copied.
const SENDING: [Event; 4] = [
    Event::WorkspaceInvitationCreated,
    Event::WorkspaceInvitationUpdated,
    Event::AccountInvitationCreated,
    Event::AccountInvitationUpdated,
];

/// Invitation mails that a person caused since `since`, resends included.
pub fn mails_by(db: &mut Db, inviter: UserId, since: Instant) -> QueryResult<i64> {
    // Counted in the log, which outlives the workspaces and their invitations.
    audit_entries::table
        .filter(audit_entries::actor_id.eq(inviter.cast::<By>()))
        .filter(audit_entries::occurred_at.gt(since))
        .filter(audit_entries::event.eq_any(SENDING))
        .select(count_star())
        .first(db)
}

/// Invitation mails that an address got since `since`, from anybody.
pub fn mails_to(db: &mut Db, email_key: &str, since: Instant) -> QueryResult<i64> {
    crate::base::mail::sent_to(db, email_key, INVITATION_MAIL, since)
}

/// Invitation mails that an address got since `since` from one person. They outlive what they were about.
pub fn mails_from_to(
    db: &mut Db,
    inviter: UserId,
    email_key: &str,
    since: Instant,
) -> QueryResult<i64> {
    mails::table
        .filter(mails::recipient_key.eq(email_key))
        .filter(mails::template.eq(INVITATION_MAIL))
        .filter(mails::created_at.gt(since))
        .filter(mails::data.like(format!("%\"inviter\":\"{inviter}\"%")))
        .count()
        .get_result(db)
}

/// Whether a mail of a template about an invitation was queued since `since`.
pub fn mailed_since(
    db: &mut Db,
    id: InvitationId,
    template: &str,
    since: Instant,
) -> QueryResult<bool> {
    crate::base::mail::was_told(db, (template, id.uuid()), since)
}

/// Pending invitations that end before `until` and were sent before `sent_before`, the next to end
/// first; some at a time, behind `after`.
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

/// The open invitations of a person, newest first; for the list of the person's workspaces.
pub fn pending_for(
    db: &mut Db,
    person: &Person,
    now: Instant,
    limit: i64,
) -> QueryResult<Vec<PendingInvitation>> {
    // An address that somebody vouched for proves nothing to the others who invited it.
    let is_proved =
        exists(users::table.find(person.user).filter(users::verified.eq(Verified::Mailed)));
    let of_the_person = invitations::user_id.eq(person.user);
    let to_the_address = invitations::user_id
        .is_null()
        .and(invitations::email_key.eq(&person.email_key))
        .and(is_proved);
    invitations::table
        .inner_join(accounts::table.on(accounts::id.eq(invitations::account_id)))
        .left_join(workspaces::table.on(invitations::workspace_id.eq(workspaces::id.nullable())))
        .filter(to_the_address.or(of_the_person))
        .filter(invitations::state.eq(State::Pending))
        .filter(invitations::expires_at.gt(now))
        .filter(workspaces::deleted_at.is_null())
        .order(invitations::id.desc())
        .limit(limit)
        .select((
            invitations::id,
            invitations::generation,
            accounts::handle,
            workspaces::handle.nullable(),
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
pub fn owner_of(db: &mut Db, account: AccountId) -> QueryResult<Option<Recipient>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::personal_account_id.eq(account))
        .select((users::id, accounts::name, users::email))
        .first(db)
        .optional()
}

/// Admins who are written to.
const MANAGERS: i64 = 20;

/// Who decides over an account: the owner, or an organization's admins, the longest serving first.
pub fn managers(db: &mut Db, account: AccountId) -> QueryResult<Vec<Recipient>> {
    if let Some(owner) = owner_of(db, account)? {
        return Ok(vec![owner]);
    }
    organization_members::table
        .inner_join(users::table)
        .inner_join(accounts::table.on(accounts::id.eq(users::personal_account_id)))
        .filter(organization_members::account_id.eq(account))
        .filter(organization_members::role.eq(OrganizationRole::Admin))
        .order(organization_members::id)
        .limit(MANAGERS)
        .select((users::id, accounts::name, users::email))
        .load(db)
}

/// A person by id.
pub fn recipient(db: &mut Db, user: UserId) -> QueryResult<Option<Recipient>> {
    users::table
        .inner_join(accounts::table)
        .filter(users::id.eq(user))
        .select((users::id, accounts::name, users::email))
        .first(db)
        .optional()
}
