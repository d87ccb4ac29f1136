//! Answers to a transfer that waits: yes, no, taken back, and none in time.

use serde_json::json;

use super::execute::execute;
use super::{Told, consent_of, may_move_now, pending, seen_by, sees, still_counts};
use crate::access::actor::{ChangingDecider, RecentDecider};
use crate::access::handle::Handle;
use crate::access::membership::Workspace;
use crate::app::App;
use crate::base::db::{Db, Instant, Json, Locks};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{Entry, Event, record};
use crate::tenancy::impacts::model::Side;
use crate::tenancy::transfers::model::{State, Transfer, TransferId};
use crate::tenancy::transfers::queries::{Asked, Counts};
use crate::tenancy::transfers::{mail, queries, rules};
use crate::tenancy::workspaces::queries::{slots, taken, with_deleted};

/// What became of a yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It is noted; the other side is awaited.
    Waits,
    /// It was the last one: the workspace moved.
    Moved,
    /// Something is otherwise than in the review that was seen.
    Changed,
    /// Something blocks it.
    Blocked,
}

/// The locks of a transfer: both its accounts.
async fn locks(app: &App, id: TransferId) -> Result<Locks> {
    let found = app.db.read(move |db| Ok(queries::one(db, id)?)).await?.ok_or(Error::NotFound)?;
    Ok(Locks::accounts([found.source_account_id, found.target_account_id]))
}

/// The workspace of a transfer, as long as it is where the transfer takes it from.
fn workspace_of(db: &mut Db, transfer: &Transfer) -> Result<Workspace> {
    let (workspace, purge_after) =
        with_deleted(db, transfer.workspace_id)?.ok_or(Error::NotFound)?;
    if purge_after.is_some() || workspace.account != transfer.source_account_id {
        return Err(Error::Conflict("The workspace is not there any more.".to_owned()));
    }
    Ok(workspace)
}

/// What the workspace of a transfer that waits holds: only told, so nothing waits for it.
async fn counts_of(app: &App, id: TransferId, now: Instant) -> Result<Counts> {
    let again = app.clone();
    app.db
        .read(move |db| {
            let transfer = pending(db, id, now)?;
            let workspace = workspace_of(db, &transfer)?;
            let target = queries::owning_account(db, transfer.target_account_id)?;
            let target = queries::party(db, target.ok_or(Error::NotFound)?, again.settings())?;
            Ok(queries::counts(db, &again.context, (&workspace, &target), now)?)
        })
        .await
}

/// Says yes for every side over which the person decides. With the last yes the workspace moves, unless the
/// other one was given to less than is taken away by now: then that side is asked again.
///
/// # Errors
/// [`Error::NotFound`] for whoever decides over neither side, [`Error::Conflict`] for a transfer that is over;
/// the database's fault.
pub async fn approve(
    app: &App,
    confirmed: RecentDecider,
    ip: ClientIp,
    id: TransferId,
    (hash, handle): (String, Option<Handle>),
) -> Result<Answered> {
    let now = app.now();
    let counts = counts_of(app, id, now).await?;
    let (locks, inner) = (locks(app, id).await?, app.clone());
    let answered = app
        .db
        .write(locks, move |db| {
            let mut transfer = pending(db, id, now)?;
            let person = confirmed.person();
            let place = (transfer.source_account_id, transfer.target_account_id);
            let sees = sees(db, person, place)?;
            if !sees.source && !sees.target {
                return Err(Error::NotFound);
            }
            let workspace = workspace_of(db, &transfer)?;
            if let Some(handle) = handle.filter(|_| sees.target) {
                handle.as_str().clone_into(&mut transfer.target_handle);
            }
            let target = queries::owning_account(db, place.1)?.ok_or(Error::NotFound)?;
            let handle = Handle::parse(&transfer.target_handle).map_err(Error::internal)?;
            let asked =
                Asked { workspace: workspace.clone(), target, handle, carry: transfer.carried() };
            let facts = queries::facts(db, asked, counts, inner.settings(), now)?;
            let facts = facts.ok_or(Error::NotFound)?;
            if rules::hash(&facts) != hash {
                return Ok(Answered::Changed);
            }
            if facts.taken.is_some() || facts.target.slots.is_full() {
                return Ok(Answered::Blocked);
            }
            queries::set_handle(db, id, &transfer.target_handle)?;
            let by = Told::of(confirmed.actor(), ip, sees);
            // The same yes again is no news, unless the one before counts no more.
            let mut is_new = false;
            for (side, decides) in [(Side::Source, sees.source), (Side::Target, sees.target)] {
                is_new |= decides
                    && (transfer.consent(side).is_none_or(|known| known.hash != hash)
                        || !still_counts(db, &inner, (&transfer, side), &facts)?);
            }
            let mut is_taken_back = false;
            for (side, decides) in [(Side::Source, sees.source), (Side::Target, sees.target)] {
                if decides && is_new {
                    give(db, &mut transfer, side, Some(consent_of(person, &facts)))?;
                } else if !decides
                    && transfer.consent(side).is_some()
                    && !still_counts(db, &inner, (&transfer, side), &facts)?
                {
                    give(db, &mut transfer, side, None)?;
                    is_taken_back = true;
                }
            }
            if is_new {
                let details = json!({ "transfer": id, "path": facts.target.account.handle });
                let (account, near) =
                    if sees.target { (place.1, &by.target) } else { (place.0, &by.source) };
                let event = Event::WorkspaceTransferApproved;
                let mut entry = Entry::of_workspace(event, &workspace, details);
                entry.account = account;
                record(db, near, entry, now)?;
            }
            if may_move_now(db, &transfer, now)? {
                execute(db, &inner, &mut transfer, &facts, &by, now)?;
                return Ok(Answered::Moved);
            }
            if rules::awaits(&transfer).is_some() && (is_new || is_taken_back) {
                mail::queue_requested(db, &transfer, &facts, now)?;
            }
            Ok(Answered::Waits)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(answered)
}

fn give(
    db: &mut Db,
    transfer: &mut Transfer,
    side: Side,
    consent: Option<crate::tenancy::transfers::model::Consent>,
) -> Result<()> {
    queries::set_consent(db, transfer.id, side, consent.as_ref())?;
    let consent = consent.map(Json);
    match side {
        Side::Source => transfer.source_consent = consent,
        Side::Target => transfer.target_consent = consent,
    }
    Ok(())
}

/// Says no for a side over which the person decides; why is told to whoever asked.
///
/// # Errors
/// As of [`approve`].
pub async fn decline(
    app: &App,
    person: ChangingDecider,
    ip: ClientIp,
    (id, reason): (TransferId, String),
) -> Result<()> {
    let now = app.now();
    let locks = locks(app, id).await?;
    app.db
        .write(locks, move |db| {
            let transfer = pending(db, id, now)?;
            let place = (transfer.source_account_id, transfer.target_account_id);
            let sees = sees(db, person.person(), place)?;
            if !sees.source && !sees.target {
                return Err(Error::NotFound);
            }
            let by = Told::of(person.actor(), ip, sees);
            let ended = (State::Declined, Event::WorkspaceTransferDeclined);
            over(db, &transfer, ended, (Some(&reason), &by), now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}

/// Takes a transfer back: by whoever decides over the source, or asked and still owns the workspace.
///
/// # Errors
/// As of [`approve`].
pub async fn cancel(
    app: &App,
    person: ChangingDecider,
    ip: ClientIp,
    id: TransferId,
) -> Result<()> {
    let now = app.now();
    let locks = locks(app, id).await?;
    app.db
        .write(locks, move |db| {
            let transfer = pending(db, id, now)?;
            let place = (transfer.source_account_id, transfer.target_account_id);
            let sees = sees(db, person.person(), place)?;
            let is_asker = transfer.requested_by == Some(person.person().user);
            let may =
                sees.source || (is_asker && seen_by(db, person.actor(), &transfer, now)?.0.source);
            if !may {
                return Err(Error::NotFound);
            }
            let by = Told::of(person.actor(), ip, sees);
            let ended = (State::Cancelled, Event::WorkspaceTransferCancelled);
            over(db, &transfer, ended, (None, &by), now)
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(())
}

/// Ends a transfer that did not move anything, and tells everybody concerned.
fn over(
    db: &mut Db,
    transfer: &Transfer,
    (state, event): (State, Event),
    (reason, by): (Option<&str>, &Told),
    now: Instant,
) -> Result<()> {
    queries::end(db, transfer, (state, reason), now)?;
    let (workspace, _) = with_deleted(db, transfer.workspace_id)?.ok_or(Error::NotFound)?;
    let details = json!({ "transfer": transfer.id, "reason": reason.unwrap_or_default() });
    for (account, by) in
        [(transfer.source_account_id, &by.source), (transfer.target_account_id, &by.target)]
    {
        let mut entry = Entry::of_workspace(event, &workspace, details.clone());
        entry.account = account;
        record(db, by, entry, now)?;
    }
    mail::queue_over(db, transfer, &workspace, (state, reason), now)
}

/// Ends a transfer that nobody answered in time, or whose runs did not end.
pub(super) fn expired(db: &mut Db, transfer: &Transfer, now: Instant) -> Result<()> {
    let reason = rules::is_waiting_for_runs(transfer, now)
        .then(|| format!("Flow runs were going on for {} hours.", rules::IDLE_HOURS));
    let ended = (State::Expired, Event::WorkspaceTransferExpired);
    over(db, transfer, ended, (reason.as_deref(), &Told::system()), now)
}

/// Carries out the transfers whose time has come. A yes that does not count any more is asked for again, and
/// what is blocked stays until it is not, or nobody waits for it any more.
///
/// # Errors
/// The first fault; the transfer that it is about stays due and does not keep the others.
pub async fn execute_due(app: App) -> Result<()> {
    let now = app.now();
    let (mut outcome, mut after) = (Ok(()), None);
    loop {
        let due = app.db.read(move |db| Ok(queries::due(db, after, now)?)).await?;
        let Some(last) = due.last() else { break };
        after = last.execute_at.map(|at| (at, last.id));
        for found in due {
            let id = found.id;
            if let Err(error) = execute_one(&app, &found, now).await {
                tracing::warn!(transfer.id = %id, error.cause = %error, "could not carry out a transfer");
                outcome = outcome.and(Err(error));
            }
        }
    }
    app.mail_queued.notify_one();
    outcome
}

/// What is in the way of a transfer whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InTheWay {
    /// Nothing.
    Nothing,
    /// A flow run goes on.
    Run,
    /// What its target holds; nobody was told so yet.
    Target,
    /// The same, and everybody concerned knows.
    KnownTarget,
}

fn in_the_way(db: &mut Db, app: &App, transfer: &Transfer, now: Instant) -> Result<InTheWay> {
    let target = transfer.target_account_id;
    let handle = Handle::parse(&transfer.target_handle).map_err(Error::internal)?;
    let except = Some(transfer.workspace_id);
    let is_blocked = slots(db, target, app.settings().flags.workspace_limit)?.is_full()
        || taken(db, target, &handle, except, now)?.is_some();
    Ok(if is_blocked && mail::knows_of_block(db, transfer, now)? {
        InTheWay::KnownTarget
    } else if is_blocked {
        InTheWay::Target
    } else if transfer.when_idle && queries::is_busy(db, transfer.workspace_id)? {
        InTheWay::Run
    } else {
        InTheWay::Nothing
    })
}

async fn execute_one(app: &App, found: &Transfer, now: Instant) -> Result<()> {
    let (id, again, looked) = (found.id, app.clone(), found.clone());
    let in_the_way = app.db.read(move |db| in_the_way(db, &again, &looked, now)).await?;
    // Nothing is told of the contents of one that goes on waiting.
    let counts = match in_the_way {
        InTheWay::KnownTarget => return Ok(()),
        InTheWay::Run | InTheWay::Target => None,
        InTheWay::Nothing => Some(counts_of(app, id, now).await?),
    };
    let (locks, inner) = (locks(app, id).await?, app.clone());
    app.db
        .write(locks, move |db| {
            let mut transfer = pending(db, id, now)?;
            let workspace = workspace_of(db, &transfer)?;
            let target = queries::owning_account(db, transfer.target_account_id)?;
            let target = target.ok_or(Error::NotFound)?;
            let handle = Handle::parse(&transfer.target_handle).map_err(Error::internal)?;
            let asked = Asked { workspace, target, handle, carry: transfer.carried() };
            let is_counted = counts.is_some();
            let counts = counts.unwrap_or_default();
            let facts = queries::facts(db, asked, counts, inner.settings(), now)?;
            let facts = facts.ok_or(Error::NotFound)?;
            for side in [Side::Source, Side::Target] {
                if !still_counts(db, &inner, (&transfer, side), &facts)? {
                    give(db, &mut transfer, side, None)?;
                }
            }
            let later = now.plus_days(inner.settings().flags.transfer_days);
            if rules::awaits(&transfer).is_some() {
                queries::let_runs_start(db, &transfer, later)?;
                return mail::queue_requested(db, &transfer, &facts, now);
            }
            if facts.taken.is_some() || facts.target.slots.is_full() {
                queries::let_runs_start(db, &transfer, later)?;
                return mail::queue_blocked(db, &transfer, &facts, now);
            }
            if may_move_now(db, &transfer, now)? && is_counted {
                execute(db, &inner, &mut transfer, &facts, &Told::system(), now)?;
            }
            Ok(())
        })
        .await
}

/// Ends the transfers that nobody answered in time.
///
/// # Errors
/// The first fault; the transfer that it is about stays due and does not keep the others.
pub async fn expire(app: App) -> Result<()> {
    let now = app.now();
    let due = app.db.read(move |db| Ok(queries::overdue(db, now)?)).await?;
    let mut outcome = Ok(());
    for found in due {
        let id = found.id;
        if let Err(error) = expire_one(&app, &found, now).await {
            tracing::warn!(transfer.id = %id, error.cause = %error, "could not end a transfer");
            outcome = outcome.and(Err(error));
        }
    }
    app.mail_queued.notify_one();
    outcome
}

/// Ends a transfer if its time is over.
pub(super) async fn expire_one(app: &App, found: &Transfer, now: Instant) -> Result<()> {
    let id = found.id;
    let locks = Locks::accounts([found.source_account_id, found.target_account_id]);
    app.db
        .write(locks, move |db| {
            let transfer = queries::one(db, id)?;
            match transfer.filter(|known| is_overdue(known, now)) {
                Some(transfer) => expired(db, &transfer, now),
                None => Ok(()),
            }
        })
        .await
}

/// Whether a transfer waits longer than it may.
pub(super) fn is_overdue(transfer: &Transfer, now: Instant) -> bool {
    transfer.state == State::Pending && transfer.expires_at <= now
}
