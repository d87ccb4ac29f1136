//! Inviting: each line for itself, places counted in order.

use diesel::prelude::*;
use serde_json::json;

use super::super::model::{Happened, Invitation, InvitationId, Kind, Scope, State};
use super::super::rules::{self, DAY};
use super::super::{mail, queries};
use super::inviter::{MayInvite, Recruiting};
use crate::access::UserId;
use crate::access::actor::Person;
use crate::access::email::EmailAddress;
use crate::access::organization::{self, OrganizationRole, takes_domain};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::role::{Role, RoleRef};
use crate::access::workspace::WorkspaceAccess;
use crate::app::{App, Context};
use crate::base::db::ids::FormTokenId;
use crate::base::db::schema::invitations;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::only_once;
use crate::tenancy::audit::{By, record};

/// What became of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineOutcome {
    /// The invitation is on its way; and when it ends.
    Sent(InvitationId, Instant),
    /// The invitation stands, but is not mailed: the address got several today. And when it ends.
    Unmailed(InvitationId, Instant),
    /// Somebody with this address is in already.
    Member,
    /// There is an invitation; it can be sent again.
    Invited(InvitationId),
    /// It is no address, or none that may have an account here; a sentence.
    Invalid(String),
    /// The inviter's own address.
    Yourself,
    /// The workspace has no place left: this many.
    Full(i32),
    /// As many invitations are open as can be.
    TooManyOpen,
    /// The inviter sent as many invitations today as can be.
    TooManyToday,
    /// The address refused lately; it can be invited again from then on.
    Declined(Instant),
    /// Behind the last line that one form takes.
    Surplus,
}

/// One line, and what became of it.
#[derive(Clone, Debug)]
pub struct LineResult {
    /// As typed.
    pub typed: String,
    /// What became of it.
    pub outcome: LineOutcome,
}

/// Invites addresses, as somebody typed them, as collaborators.
///
/// # Errors
/// [`crate::base::error::Error::Conflict`] when the form was sent before; the caller's lost right;
/// the database's fault.
pub async fn invite(
    app: &App,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    ip: ClientIp,
    typed: Vec<String>,
    once: FormTokenId,
) -> Result<Vec<LineResult>> {
    invite_as(app, access, ip, typed, (Offered::Collaborator, Some(once))).await
}

/// The same for a program, which has no form: it counts each time.
///
/// # Errors
/// As [`invite`].
pub async fn invite_by_key(
    app: &App,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    ip: ClientIp,
    typed: Vec<String>,
) -> Result<Vec<LineResult>> {
    invite_as(app, access, ip, typed, (Offered::Collaborator, None)).await
}

/// Invites addresses, as somebody typed them, into an organization. Without a form's token it counts each time.
/// To invite admins asks for the password (AU-17).
///
/// # Errors
/// [`Error::ReauthenticationRequired`]; as [`invite`].
pub async fn invite_members(
    app: &App,
    access: Recruiting,
    ip: ClientIp,
    typed: Vec<String>,
    (role, once): (OrganizationRole, Option<FormTokenId>),
) -> Result<Vec<LineResult>> {
    if role == OrganizationRole::Admin {
        access.step_up().demand()?;
    }
    invite_as(app, access, ip, typed, (Offered::Member(role), once)).await
}

async fn invite_as(
    app: &App,
    access: impl MayInvite,
    ip: ClientIp,
    typed: Vec<String>,
    (offered, once): (Offered, Option<FormTokenId>),
) -> Result<Vec<LineResult>> {
    let lines = read(typed);
    let (context, now) = (app.context.clone(), app.now());
    let results = access
        .write(app, move |db, access| {
            if let Some(once) = once {
                only_once(db, once, now)?;
            }
            let mut inviting = Inviting::begin(db, &context, &access, (offered, ip), now)?;
            lines.into_iter().map(|line| inviting.line(db, line)).collect::<Result<Vec<_>>>()
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(results)
}

/// As what the addresses of a form are invited.
#[derive(Clone, Copy)]
enum Offered {
    Collaborator,
    Member(OrganizationRole),
}

/// What was typed as addresses, each address once.
fn read(typed: Vec<String>) -> Vec<(String, Result<EmailAddress, LineOutcome>)> {
    let mut lines: Vec<(String, Result<EmailAddress, LineOutcome>)> = Vec::new();
    for line in typed {
        let parsed = EmailAddress::parse(&line);
        let is_known = |known: &Result<EmailAddress, LineOutcome>| match (known, &parsed) {
            (Ok(known), Ok(parsed)) => known.key() == parsed.key(),
            _ => false,
        };
        if lines.iter().any(|(_, known)| is_known(known)) {
            continue;
        }
        let line_text = line.chars().take(300).collect();
        let parsed = if lines.len() < rules::LINES {
            parsed.map_err(LineOutcome::Invalid)
        } else {
            Err(LineOutcome::Surplus)
        };
        lines.push((line_text, parsed));
    }
    lines
}

/// What the lines of one form share: the inviter, and what is left of the limits.
struct Inviting<'a, A> {
    context: &'a Context,
    access: &'a A,
    offered: Offered,
    by: By,
    inviter: Person,
    domains: String,
    limit: Option<i32>,
    members: i64,
    open: i64,
    sent_today: i64,
    now: Instant,
}

impl<'a, A: MayInvite> Inviting<'a, A> {
    fn begin(
        db: &mut Db,
        context: &'a Context,
        access: &'a A,
        (offered, ip): (Offered, ClientIp),
        now: Instant,
    ) -> Result<Self> {
        let (scope, person) = (access.scope(), access.actor().person()?);
        let organization = match scope.workspace {
            Some(_) => None,
            None => organization::one(db, scope.account)?,
        };
        Ok(Self {
            context,
            access,
            offered,
            by: By::actor(access.actor(), ip),
            inviter: person.clone(),
            domains: organization.map(|found| found.email_domains).unwrap_or_default(),
            limit: member_limit(db, context, scope)?,
            members: queries::members(db, scope)?,
            open: queries::open(db, scope, now)?,
            sent_today: queries::mails_by(db, person.user, now - DAY)?,
            now,
        })
    }

    fn line(
        &mut self,
        db: &mut Db,
        (typed, line): (String, Result<EmailAddress, LineOutcome>),
    ) -> Result<LineResult> {
        let outcome = match line {
            Err(outcome) => outcome,
            Ok(email) => match self.refusal(db, &email)? {
                Some(refusal) => refusal,
                None => self.send(db, &email)?,
            },
        };
        Ok(LineResult { typed, outcome })
    }

    /// Why this address cannot be invited. Nothing here depends on whether it has an account (IN-07).
    fn refusal(&self, db: &mut Db, email: &EmailAddress) -> Result<Option<LineOutcome>> {
        let (scope, now) = (self.access.scope(), self.now);
        if email.key() == self.inviter.email_key {
            return Ok(Some(LineOutcome::Yourself));
        }
        if !self.context.settings.allows_domain(email.domain()) {
            let problem = format!("Addresses at {} can’t have an account here.", email.domain());
            return Ok(Some(LineOutcome::Invalid(problem)));
        }
        if !takes_domain(&self.domains, email.domain()) {
            let allowed = self.domains.replace(' ', ", ");
            let problem = format!("The organization takes addresses at {allowed} only.");
            return Ok(Some(LineOutcome::Invalid(problem)));
        }
        if queries::has_member(db, scope, email.key())? {
            return Ok(Some(LineOutcome::Member));
        }
        let live = queries::live(db, scope, email.key())?;
        if let Some(live) = &live
            && !self.replaces(live)
        {
            return Ok(Some(LineOutcome::Invited(live.id)));
        }
        let rested = now - rules::REST_AFTER_DECLINE;
        if let Some(at) = queries::declined_since(db, scope, email.key(), rested)? {
            return Ok(Some(LineOutcome::Declined(at + rules::REST_AFTER_DECLINE)));
        }
        // What takes another's place needs none of its own, while that one holds it.
        let kept = live.is_some_and(|live| rules::standing(&live, now) == rules::Standing::Open);
        let open = self.open - i64::from(kept);
        let outcome = match self.limit {
            limit if !rules::has_place(self.members + open, limit) => {
                LineOutcome::Full(limit.unwrap_or_default())
            }
            _ if open >= rules::OPEN_PER_WORKSPACE => LineOutcome::TooManyOpen,
            _ if self.sent_today >= self.context.settings.flags.invitations_per_day => {
                LineOutcome::TooManyToday
            }
            _ => return Ok(None),
        };
        Ok(Some(outcome))
    }

    /// Whether the new invitation says something else than the one that waits for an answer.
    fn replaces(&self, live: &Invitation) -> bool {
        matches!(self.offered, Offered::Member(role) if live.organization_role != Some(role))
    }

    fn send(&mut self, db: &mut Db, email: &EmailAddress) -> Result<LineOutcome> {
        let scope = self.access.scope();
        let live = queries::live(db, scope, email.key())?;
        if let Some(live) = &live {
            supersede(db, live, self.now)?;
            if rules::standing(live, self.now) == rules::Standing::Open {
                self.open -= 1;
            }
        }
        let (kind, role, organization_role) = match self.offered {
            Offered::Collaborator => (Kind::Collaborator, Some(Role::Collaborator), None),
            Offered::Member(role) => (Kind::Organization, None, Some(role)),
        };
        let new = New {
            kind,
            scope,
            email: (email.typed(), email.key()),
            user: None,
            role: role.map(RoleRef::BuiltIn),
            organization_role,
            access_until: None,
            inviter: &self.inviter,
        };
        let sent = insert(db, self.context, &new, self.now)?;
        let more =
            [("expires", json!(sent.expires_at)), ("replaces", json!(live.map(|live| live.id)))];
        let event = sent.event(Happened::Created);
        let entry = self.access.entry(event, details(&sent, more));
        record(db, &self.by, entry, self.now)?;
        self.open += 1;
        self.sent_today += 1;
        Ok(if sent.is_mailed() {
            LineOutcome::Sent(sent.id, sent.expires_at)
        } else {
            LineOutcome::Unmailed(sent.id, sent.expires_at)
        })
    }
}

/// An invitation that is about to be sent.
pub struct New<'a> {
    /// What kind of place it leads to.
    pub kind: Kind,
    /// The place.
    pub scope: Scope,
    /// The address as typed, and for comparison.
    pub email: (&'a str, &'a str),
    /// The member whom it is for, where it is for one.
    pub user: Option<UserId>,
    /// As what in the workspace.
    pub role: Option<RoleRef>,
    /// As what in the organization.
    pub organization_role: Option<OrganizationRole>,
    /// When the access that it gives ends.
    pub access_until: Option<Instant>,
    /// Who sends it.
    pub inviter: &'a Person,
}

/// Keeps an invitation and queues its mail, unless the address got as many of them today as it should. The
/// caller has checked the inviter's right and the limits, and records it.
pub fn insert(db: &mut Db, context: &Context, new: &New<'_>, now: Instant) -> Result<Invitation> {
    let id = InvitationId::new(now);
    let expires_at = rules::end(now, context.settings.flags.invitation_days, new.access_until);
    let mail_id = if is_bothered(db, new.inviter.user, new.email.1, now)? {
        None
    } else {
        Some(mail::queue_invitation(db, (id, 0), new.email.0, new.inviter.user, now)?)
    };
    diesel::insert_into(invitations::table)
        .values((
            (
                invitations::id.eq(id),
                invitations::kind.eq(new.kind),
                invitations::account_id.eq(new.scope.account),
                invitations::workspace_id.eq(new.scope.workspace),
                invitations::email.eq(new.email.0),
                invitations::email_key.eq(new.email.1),
                invitations::user_id.eq(new.user),
                invitations::role.eq(new.role.and_then(RoleRef::built_in)),
                invitations::custom_role_id.eq(new.role.and_then(RoleRef::custom)),
                invitations::organization_role.eq(new.organization_role),
                invitations::access_until.eq(new.access_until),
            ),
            (
                invitations::state.eq(State::Pending),
                invitations::generation.eq(0),
                invitations::expires_at.eq(expires_at),
                invitations::invited_by.eq(Some(new.inviter.user)),
                invitations::invited_by_name.eq(&new.inviter.name),
                invitations::mail_id.eq(mail_id),
                invitations::created_at.eq(now),
                invitations::sent_at.eq(now),
            ),
        ))
        .execute(db)?;
    queries::by_id(db, id)?.ok_or(Error::NotFound)
}

/// Another invitation takes this one's place.
pub fn supersede(db: &mut Db, live: &Invitation, now: Instant) -> QueryResult<usize> {
    diesel::update(invitations::table.find(live.id).filter(invitations::state.eq(State::Pending)))
        .set((invitations::state.eq(State::Superseded), invitations::decided_at.eq(Some(now))))
        .execute(db)
}

/// How many people may be in a place: in one personal workspace, or in an organization. Whoever is
/// in an organization has a place in each of its workspaces.
pub(super) fn member_limit(
    db: &mut Db,
    context: &Context,
    scope: Scope,
) -> QueryResult<Option<i32>> {
    if scope.workspace.is_some() && queries::owner_of(db, scope.account)?.is_none() {
        return Ok(None);
    }
    Ok(queries::own_member_limit(db, scope.account)?.or(context.settings.flags.member_limit))
}

/// Whether an address got as many mails with invitations today as it should: from one person, or from all.
pub(super) fn is_bothered(
    db: &mut Db,
    inviter: UserId,
    email_key: &str,
    now: Instant,
) -> QueryResult<bool> {
    let since = now - DAY;
    Ok(queries::mails_to(db, email_key, since)? >= rules::MAILS_FROM_ALL
        || queries::mails_from_to(db, inviter, email_key, since)? >= rules::MAILS_FROM_ONE)
}

/// Whether a place has room for an invitation that keeps none yet.
pub(super) fn place_for_one_more(
    db: &mut Db,
    context: &Context,
    scope: Scope,
    now: Instant,
) -> QueryResult<bool> {
    let limit = member_limit(db, context, scope)?;
    let taken = queries::members(db, scope)? + queries::open(db, scope, now)?;
    Ok(rules::has_place(taken, limit))
}

/// Why somebody cannot send a further invitation today, as a sentence.
pub fn too_many_today(
    db: &mut Db,
    context: &Context,
    inviter: UserId,
    now: Instant,
) -> QueryResult<Option<String>> {
    let sent = queries::mails_by(db, inviter, now - DAY)?;
    Ok((sent >= context.settings.flags.invitations_per_day)
        .then(|| "You have sent as many invitations today as you can. Try tomorrow.".to_owned()))
}

/// The details of an entry about an invitation, and what else is worth keeping.
pub fn details<const N: usize>(
    invitation: &Invitation,
    more: [(&str, serde_json::Value); N],
) -> serde_json::Value {
    let role = match invitation.organization_role {
        Some(role) => Some(role.as_str().to_owned()),
        None => invitation.role_ref().map(|role| role.to_string()),
    };
    let known = [
        ("invitation", json!(invitation.id)),
        ("email", json!(invitation.email)),
        ("role", json!(role)),
    ];
    let more = more.into_iter().filter(|(_, value)| !value.is_null());
    known.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}
