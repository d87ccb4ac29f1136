//! The mails about transfers. They name accounts and workspaces by their handles (EM-03), and what they say of
//! losses is in the review that they lead to.

use serde_json::json;

use super::model::{Facts, State, Transfer, TransferId};
use super::{queries, rules};
use crate::access::AccountId;
use crate::access::membership::Workspace;
use crate::access::transfers::{MailData, OVER, concerned};
use crate::app::Context;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::mail::{Notice, QueuedMail, Rendered, queue_all, was_told};
use crate::tenancy::impacts::model::Side;
use crate::tenancy::invitations::rules::plain_name;
use crate::urls;

const REQUESTED: &str = "transfer.requested";
const LEAVING: &str = "transfer.leaving";
const MOVED: &str = "transfer.moved";
const ENDED: &str = "transfer.access-ended";
const UNDONE: &str = "transfer.undone";
const BLOCKED: &str = "transfer.blocked";

/// The mails of this slice.
pub const TEMPLATES: &[&str] = &[REQUESTED, LEAVING, MOVED, ENDED, OVER, UNDONE, BLOCKED];

fn data_of(transfer: &Transfer, workspace: &Workspace, target: &str) -> MailData {
    MailData {
        from: format!("{}/{}", workspace.account_handle, workspace.handle),
        to: format!("{target}/{}", transfer.target_handle),
        target: target.to_owned(),
        by: transfer.requested_by_name.clone(),
        note: transfer.note.clone(),
        state: String::new(),
        until: Some(transfer.expires_at),
        at: transfer.execute_at,
    }
}

fn send(
    db: &mut Db,
    template: &'static str,
    recipients: &[String],
    (data, id): (&MailData, TransferId),
    now: Instant,
) -> Result<()> {
    queue_all(db, template, recipients, (&json!(data), Some(id.uuid())), now)
}

/// Whom it concerns on both sides.
fn both(db: &mut Db, transfer: &Transfer) -> Result<Vec<String>> {
    let sides = [transfer.source_account_id, transfer.target_account_id];
    Ok(concerned(db, sides, transfer.requested_by)?)
}

/// Tells those who would lose access that somebody asked.
pub(super) fn queue_leaving(
    db: &mut Db,
    transfer: &Transfer,
    facts: &Facts,
    now: Instant,
) -> Result<()> {
    let data = data_of(transfer, &facts.workspace, &facts.target.account.handle);
    let asked = both(db, transfer)?;
    let losers = losers(facts, &asked);
    send(db, LEAVING, &losers, (&data, transfer.id), now)
}

/// Asks the sides whose yes is missing.
pub(super) fn queue_requested(
    db: &mut Db,
    transfer: &Transfer,
    facts: &Facts,
    now: Instant,
) -> Result<()> {
    let data = data_of(transfer, &facts.workspace, &facts.target.account.handle);
    let missing =
        [(Side::Source, transfer.source_account_id), (Side::Target, transfer.target_account_id)];
    let missing: Vec<AccountId> = missing
        .into_iter()
        .filter(|(side, _)| transfer.consent(*side).is_none())
        .map(|(_, account)| account)
        .collect();
    let asked = concerned(db, missing, None)?;
    send(db, REQUESTED, &asked, (&data, transfer.id), now)
}

/// Those who lose access, but for those who are told anyway.
fn losers(facts: &Facts, told: &[String]) -> Vec<String> {
    let losing = facts.people.iter().filter(|person| person.loses());
    losing
        .filter(|person| !told.contains(&person.email))
        .map(|person| person.email.clone())
        .collect()
}

/// Tells both sides that the workspace moved, and everybody who lost access.
pub(super) fn queue_moved(
    db: &mut Db,
    transfer: &Transfer,
    facts: &Facts,
    now: Instant,
) -> Result<()> {
    let mut data = data_of(transfer, &facts.workspace, &facts.target.account.handle);
    data.until = transfer.undo_until;
    let sides = [transfer.source_account_id, transfer.target_account_id];
    let losers = losers(facts, &concerned(db, sides, None)?);
    let mut told = both(db, transfer)?;
    // Whoever asked and decides over neither side may be one of them.
    told.retain(|email| !losers.contains(email));
    send(db, MOVED, &told, (&data, transfer.id), now)?;
    send(db, ENDED, &losers, (&data, transfer.id), now)
}

/// Whether those whom it concerns were told this week that something is in the way of a transfer.
pub(super) fn knows_of_block(db: &mut Db, transfer: &Transfer, now: Instant) -> Result<bool> {
    Ok(was_told(db, (BLOCKED, transfer.id.uuid()), now.plus_days(-7))?)
}

/// Tells whom it concerns, once a week at most, that the time of a transfer has come and something is in its way.
pub(super) fn queue_blocked(
    db: &mut Db,
    transfer: &Transfer,
    facts: &Facts,
    now: Instant,
) -> Result<()> {
    if knows_of_block(db, transfer, now)? {
        return Ok(());
    }
    let data = data_of(transfer, &facts.workspace, &facts.target.account.handle);
    let told = both(db, transfer)?;
    send(db, BLOCKED, &told, (&data, transfer.id), now)
}

/// Tells both sides that nothing moves after all.
pub(super) fn queue_over(
    db: &mut Db,
    transfer: &Transfer,
    workspace: &Workspace,
    (state, reason): (State, Option<&str>),
    now: Instant,
) -> Result<()> {
    let target = queries::account_names(db, transfer.target_account_id)?;
    let target = target.map_or_else(String::new, |(_, handle)| handle);
    let mut data = data_of(transfer, workspace, &target);
    state.as_str().clone_into(&mut data.state);
    reason.unwrap_or_default().clone_into(&mut data.note);
    let sides = both(db, transfer)?;
    send(db, OVER, &sides, (&data, transfer.id), now)
}

/// Tells both sides that the workspace is back, and those who lost what they were given meanwhile, and those who
/// have their role again.
pub(super) fn queue_undone(
    db: &mut Db,
    transfer: &Transfer,
    (there, back): (&Workspace, &Workspace),
    losing: Vec<String>,
    now: Instant,
) -> Result<()> {
    let mut data = data_of(transfer, there, &back.account_handle);
    data.to = format!("{}/{}", back.account_handle, back.handle);
    let mut told = both(db, transfer)?;
    told.extend(queries::emails_of_grants(db, back.id)?);
    told.sort_unstable();
    told.dedup();
    let losing: Vec<String> = losing.into_iter().filter(|email| !told.contains(email)).collect();
    send(db, UNDONE, &told, (&data, transfer.id), now)?;
    send(db, ENDED, &losing, (&data, transfer.id), now)
}

/// Writes a mail of this slice; `None` when what it asks is answered.
///
/// # Errors
/// The database's fault; a row that cannot be read.
pub fn render(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let data: MailData = serde_json::from_value(mail.data.0.clone()).map_err(Error::internal)?;
    let id: TransferId =
        mail.subject_id.ok_or_else(|| Error::internal("a mail about no transfer"))?.cast();
    // It goes with an account that ends; that it is over is told still.
    let transfer = queries::one(db, id)?;
    let pending = transfer
        .as_ref()
        .filter(|transfer| transfer.state == State::Pending && transfer.expires_at > context.now());
    let MailData { from, to, target, by, note, .. } = &data;
    let by = plain_name(by);
    let said = |what: &str| {
        if note.is_empty() { String::new() } else { format!(" {what}: “{}”", plain_name(note)) }
    };
    let until = data.until.map(Instant::long_text).unwrap_or_default();
    let workspaces = urls::workspaces().to_owned();
    let page = transfer.as_ref().map_or_else(|| workspaces.clone(), |_| urls::transfer(id));
    let (subject, body, action, path) = match mail.template.as_str() {
        REQUESTED if pending.is_none_or(|transfer| rules::awaits(transfer).is_none()) => {
            return Ok(None);
        }
        LEAVING | BLOCKED if pending.is_none() => return Ok(None),
        BLOCKED => (
            format!("{from} can’t move to {target} yet"),
            format!(
                "The time has come for the workspace {from} to move to {target}, as {to}, and something is in the \
                 way. The review says what, to those who can mend it. Then it moves by itself; it ends without a \
                 move on {until}."
            ),
            "See the transfer",
            page,
        ),
        REQUESTED => (
            format!("{from} is to move to {target}"),
            format!(
                "“{by}” asks to transfer the workspace {from} to {target}, as {to}. Nothing moves before you \
                 approve it; the review says what would change for whom. The request ends on {until}.{}",
                said("They say")
            ),
            "Review the transfer",
            page,
        ),
        LEAVING => (
            format!("{from} may move to {target}"),
            format!(
                "“{by}” asks to transfer the workspace {from} to {target}. If it is approved, you and your API \
                 keys lose access to it{}.",
                data.at.map_or_else(String::new, |at| format!(" on {}", at.long_text()))
            ),
            "See your workspaces",
            workspaces,
        ),
        MOVED => (
            format!("{from} is {to} now"),
            format!(
                "The workspace {from} was transferred to {target}, as {to}. The receipt says what changed for \
                 whom, and which commands point a client to the new place. It can be undone until {until}.{}",
                said("A note by whoever asked")
            ),
            "See the receipt",
            page,
        ),
        ENDED => (
            format!("You have no access to {from} any more"),
            format!(
                "The workspace {from} moved to another account, so you and your API keys have no access to it \
                 any more. Ask the people you work with in it if you still need it."
            ),
            "See your workspaces",
            workspaces,
        ),
        OVER if data.state == State::Void.as_str() => (
            format!("The transfer of {from} is void"),
            format!("The workspace {from} does not move to {target}. {note}"),
            "See your workspaces",
            workspaces,
        ),
        OVER => over(&data, page),
        UNDONE => (
            format!("{to} is back"),
            format!(
                "The transfer of the workspace was undone: {from} is {to} again, with the people, service \
                 accounts and invitations it had, as far as they still count."
            ),
            "See the transfer",
            page,
        ),
        _ => return Ok(None),
    };
    Notice { subject, body, action, path }.render(&context.settings).map(Some)
}

/// Subject, text, and the link's words and path, of the mail about a transfer that moved nothing.
fn over(data: &MailData, page: String) -> (String, String, &'static str, String) {
    let MailData { from, target, note, .. } = data;
    let how = match State::parse(&data.state) {
        Some(State::Declined) => "was declined",
        Some(State::Cancelled) => "was cancelled",
        _ => "ended without an answer",
    };
    let why =
        if note.is_empty() { String::new() } else { format!(" Why: “{}”", plain_name(note)) };
    (
        format!("{from} stays where it is"),
        format!("The transfer of {from} to {target} {how}. Nothing changed.{why}"),
        "See the transfer",
        page,
    )
}
