//! Inviting: each line for itself, places counted in order.

use diesel::prelude::*;
use serde_json::json;

use super::super::model::{Invitation, InvitationId, State};
use super::super::rules::{self, DAY};
use super::super::{mail, queries};
use crate::access::email::EmailAddress;
use crate::access::membership::Workspace;
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::role::Role;
use crate::access::workspace::WorkspaceAccess;
use crate::access::{AccountId, WorkspaceId};
use crate::app::{App, Context};
use crate::base::db::schema::invitations;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{FormToken, only_once};
use crate::tenancy::audit::{By, Entry, record};

/// What became of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineOutcome {
    /// The invitation is on its way; and when it ends.
    Sent(InvitationId, Instant),
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
    /// The address got as many invitations today as can be.
    Bothered,
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

/// Invites every address of a text.
///
/// # Errors
/// [`crate::base::error::Error::Conflict`] when the form was sent before; the caller's lost right;
/// the database's fault.
pub async fn invite(
    app: &App,
    access: WorkspaceAccess<ManageWorkspaceUsers>,
    ip: ClientIp,
    text: &str,
    once: Id<FormToken>,
) -> Result<Vec<LineResult>> {
    let lines = read(text);
    let (context, now) = (app.context.clone(), app.now());
    let results = app
        .db
        .write(access.locks(), move |db| {
            access.still_holds(db)?;
            only_once(db, once, now)?;
            let mut inviting = Inviting::begin(db, &context, &access, ip, now)?;
            lines.into_iter().map(|line| inviting.line(db, line)).collect::<Result<Vec<_>>>()
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(results)
}

/// The lines of a text as addresses, each address once.
fn read(text: &str) -> Vec<(String, Result<EmailAddress, LineOutcome>)> {
    let mut lines: Vec<(String, Result<EmailAddress, LineOutcome>)> = Vec::new();
    for line in rules::lines(text) {
        let parsed = EmailAddress::parse(line);
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
struct Inviting<'a> {
    context: &'a Context,
    workspace: &'a Workspace,
    by: By,
    inviter: crate::access::UserId,
    inviter_name: String,
    inviter_key: String,
    limit: Option<i32>,
    members: i64,
    open: i64,
    sent_today: i64,
    now: Instant,
}

impl<'a> Inviting<'a> {
    fn begin(
        db: &mut Db,
        context: &'a Context,
        access: &'a WorkspaceAccess<ManageWorkspaceUsers>,
        ip: ClientIp,
        now: Instant,
    ) -> Result<Self> {
        let (workspace, person) = (access.workspace(), access.actor().person());
        Ok(Self {
            context,
            workspace,
            by: By::actor(access.actor(), ip),
            inviter: person.user,
            inviter_name: person.name.clone(),
            inviter_key: person.email_key.clone(),
            limit: member_limit(db, context, workspace.account)?,
            members: queries::members(db, workspace.id)?,
            open: queries::open(db, workspace.id, now)?,
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
        let (workspace, now) = (self.workspace.id, self.now);
        if email.key() == self.inviter_key {
            return Ok(Some(LineOutcome::Yourself));
        }
        if !self.context.settings.allows_domain(email.domain()) {
            let problem = format!("Addresses at {} can’t have an account here.", email.domain());
            return Ok(Some(LineOutcome::Invalid(problem)));
        }
        if queries::has_member(db, workspace, email.key())? {
            return Ok(Some(LineOutcome::Member));
        }
        if let Some(live) = queries::live(db, workspace, email.key())? {
            return Ok(Some(LineOutcome::Invited(live.id)));
        }
        let rested = now - rules::REST_AFTER_DECLINE;
        if let Some(at) = queries::declined_since(db, workspace, email.key(), rested)? {
            return Ok(Some(LineOutcome::Declined(at + rules::REST_AFTER_DECLINE)));
        }
        let outcome = match self.limit {
            limit if !rules::has_place(self.members + self.open, limit) => {
                LineOutcome::Full(limit.unwrap_or_default())
            }
            _ if self.open >= rules::OPEN_PER_WORKSPACE => LineOutcome::TooManyOpen,
            _ if self.sent_today >= self.context.settings.flags.invitations_per_day => {
                LineOutcome::TooManyToday
            }
            _ if is_bothered(db, email.key(), now)? => LineOutcome::Bothered,
            _ => return Ok(None),
        };
        Ok(Some(outcome))
    }

    fn send(&mut self, db: &mut Db, email: &EmailAddress) -> Result<LineOutcome> {
        let (id, now) = (InvitationId::new(self.now), self.now);
        let expires_at = now.plus_days(self.context.settings.flags.invitation_days);
        let mail_id = mail::queue_invitation(db, id, email.typed(), 0, now)?;
        diesel::insert_into(invitations::table)
            .values((
                (
                    invitations::id.eq(id),
                    invitations::kind.eq("collaborator"),
                    invitations::account_id.eq(self.workspace.account),
                    invitations::workspace_id.eq(self.workspace.id),
                    invitations::email.eq(email.typed()),
                    invitations::email_key.eq(email.key()),
                    invitations::role.eq(Role::Collaborator),
                    invitations::state.eq(State::Pending),
                    invitations::generation.eq(0),
                ),
                (
                    invitations::expires_at.eq(expires_at),
                    invitations::invited_by.eq(Some(self.inviter)),
                    invitations::invited_by_name.eq(&self.inviter_name),
                    invitations::mail_id.eq(Some(mail_id)),
                    invitations::created_at.eq(now),
                    invitations::sent_at.eq(now),
                ),
            ))
            .execute(db)?;
        let details = json!({
            "invitation": id, "email": email.typed(), "role": Role::Collaborator.as_str(),
            "expires": expires_at,
        });
        let event = "workspace-invitation.created";
        record(db, &self.by, Entry::of_workspace(event, self.workspace, details), now)?;
        self.open += 1;
        self.sent_today += 1;
        Ok(LineOutcome::Sent(id, expires_at))
    }
}

/// How many people may be in one workspace of an account.
pub(super) fn member_limit(
    db: &mut Db,
    context: &Context,
    account: AccountId,
) -> QueryResult<Option<i32>> {
    Ok(queries::own_member_limit(db, account)?.or(context.settings.flags.member_limit))
}

/// Whether an address got as many invitations today as it should.
pub(super) fn is_bothered(db: &mut Db, email_key: &str, now: Instant) -> QueryResult<bool> {
    Ok(queries::mails_to(db, email_key, now - DAY)? >= rules::MAILS_PER_RECIPIENT)
}

/// Whether a workspace has a place for an invitation that keeps none yet.
pub(super) fn place_for_one_more(
    db: &mut Db,
    context: &Context,
    (account, workspace): (AccountId, WorkspaceId),
    now: Instant,
) -> QueryResult<bool> {
    let limit = member_limit(db, context, account)?;
    let taken = queries::members(db, workspace)? + queries::open(db, workspace, now)?;
    Ok(rules::has_place(taken, limit))
}

/// The details of an entry about an invitation, and what else is worth keeping.
pub(super) fn details<const N: usize>(
    invitation: &Invitation,
    more: [(&str, serde_json::Value); N],
) -> serde_json::Value {
    let known = [
        ("invitation", json!(invitation.id)),
        ("email", json!(invitation.email)),
        ("role", json!(invitation.role.as_str())),
    ];
    known.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}
