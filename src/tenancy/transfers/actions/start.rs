//! Asking for a transfer; where whoever asks decides over both accounts, the workspace moves at once.

use serde_json::json;

use super::answer::{expire_one, is_overdue};
use super::execute::execute;
use super::{Told, consent_of, may_move_now, sees};
use crate::access::UserId;
use crate::access::actor::RecentDecider;
use crate::access::handle::Handle;
use crate::access::membership::{AccountKind, OwningAccount};
use crate::access::permission::needs;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::ids::FormTokenId;
use crate::base::db::{Db, Instant, Json};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Use, unuse, use_once};
use crate::tenancy::audit::{Entry, Event, record};
use crate::tenancy::transfers::model::{Facts, Transfer, TransferId};
use crate::tenancy::transfers::queries::Asked;
use crate::tenancy::transfers::{mail, queries, rules};
use crate::urls;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The account that it is to move to.
    pub target: OwningAccount,
    /// Its handle there.
    pub handle: Handle,
    /// A word to the others; may be empty.
    pub note: String,
    /// No sooner than this.
    pub execute_at: Option<Instant>,
    /// Not as long as a flow run is going on.
    pub when_idle: bool,
    /// Who of those who lose access is to be invited to the target; others do not count.
    pub carry: Vec<UserId>,
    /// The review that was seen.
    pub hash: String,
}

/// What became of a wish for a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// It waits for the other side, or for an admin.
    Waits(TransferId),
    /// It moved.
    Moved(TransferId),
    /// There was one already, or the form was sent twice.
    Before(String),
    /// Something is otherwise than in the review that was seen.
    Changed,
    /// Something blocks it that whoever asks can mend.
    Blocked,
}

/// Requests of an account that move nothing, in a day, at most: each is mailed to others.
const ASKED: i64 = 20;

/// Seconds until the next one makes sense.
const ASK_AGAIN: u64 = 3600;

/// Asks for a transfer; a program has no form, and finds the one that waits.
///
/// # Errors
/// [`Error::Invalid`] for accounts between which nothing moves; the right went meanwhile; the database's fault.
pub async fn start(
    app: &App,
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    confirmed: RecentDecider,
    (ip, once): (ClientIp, Option<FormTokenId>),
    wanted: Wanted,
) -> Result<Started> {
    let (now, again) = (app.now(), app.clone());
    let id = access.workspace().id;
    let known = app.db.read(move |db| Ok(queries::pending_of(db, id)?)).await?;
    if let Some(overdue) = known.filter(|known| is_overdue(known, now)) {
        expire_one(app, &overdue, now).await?;
    }
    let (workspace, target) = (access.workspace().clone(), wanted.target.clone());
    let counts = app
        .db
        .read(move |db| {
            let target = queries::party(db, target, again.settings())?;
            Ok(queries::counts(db, &again.context, (&workspace, &target), now)?)
        })
        .await?;
    let inner = app.clone();
    let started = access
        .write_with(app, wanted.target.id, move |db, access| {
            let workspace = access.workspace();
            let id = TransferId::new(now);
            let place = urls::transfer(id);
            if let Some(once) = once
                && let Use::Again(first) = use_once(db, once, Some(&place), now)?
            {
                return Ok(Started::Before(first.unwrap_or(place)));
            }
            if let Some(known) = queries::pending_of(db, workspace.id)? {
                if !is_overdue(&known, now) {
                    return Ok(Started::Before(urls::transfer(known.id)));
                }
                let text = "A transfer of it just ended without an answer. Ask again.";
                return Err(Error::Conflict(text.to_owned()));
            }
            let person = confirmed.person();
            let target = queries::owning_account(db, wanted.target.id)?.ok_or(Error::NotFound)?;
            let is_theirs = match target.kind {
                AccountKind::Personal => target.id == person.account,
                AccountKind::Organization => queries::takes(db, person, target.id)?,
            };
            if !is_theirs
                || target.id == workspace.account
                || !rules::may_move(workspace.account_kind, target.kind)
            {
                return Err(Error::Invalid("Choose another account.".to_owned()));
            }
            let target_id = target.id;
            let asked = Asked {
                workspace: workspace.clone(),
                target,
                handle: wanted.handle,
                carry: wanted.carry.clone(),
            };
            let facts = queries::facts(db, asked, counts, inner.settings(), now)?;
            let facts = facts.ok_or(Error::NotFound)?;
            if rules::hash(&facts) != wanted.hash {
                once.map(|once| unuse(db, once)).transpose()?;
                return Ok(Started::Changed);
            }
            let sees = sees(db, person, (workspace.account, target_id))?;
            if facts.taken.is_some() || (sees.target && facts.target.slots.is_full()) {
                once.map(|once| unuse(db, once)).transpose()?;
                return Ok(Started::Blocked);
            }
            let needs_others = !sees.source || !sees.target;
            if needs_others
                && queries::asked_since(db, workspace.account, now.plus_days(-1))? >= ASKED
            {
                return Err(Error::TooMany(ASK_AGAIN));
            }
            let consent = Json(consent_of(person, &facts));
            let days = inner.settings().flags.transfer_days;
            let by = (person.name.clone(), wanted.note);
            let mut transfer = Transfer {
                requested_by: Some(person.user),
                source_consent: sees.source.then(|| consent.clone()),
                target_consent: sees.target.then_some(consent),
                expires_at: wanted.execute_at.unwrap_or(now).plus_days(days),
                execute_at: wanted.execute_at.or_else(|| wanted.when_idle.then_some(now)),
                when_idle: wanted.when_idle,
                ..Transfer::new(id, &facts, by, now)
            };
            queries::insert(db, &transfer)?;
            let by = Told::of(confirmed.actor(), ip, sees);
            if may_move_now(db, &transfer, now)? {
                execute(db, &inner, &mut transfer, &facts, &by, now)?;
                return Ok(Started::Moved(id));
            }
            tell(db, &transfer, &facts, &by, now)?;
            Ok(Started::Waits(id))
        })
        .await?;
    app.mail_queued.notify_one();
    Ok(started)
}

/// Notes on both sides that somebody asked, and tells those whom it concerns.
fn tell(db: &mut Db, transfer: &Transfer, facts: &Facts, by: &Told, now: Instant) -> Result<()> {
    let target = &facts.target.account.handle;
    let details = json!({ "transfer": transfer.id, "target": target, "note": transfer.note });
    for (account, by) in
        [(transfer.source_account_id, &by.source), (transfer.target_account_id, &by.target)]
    {
        let event = Event::WorkspaceTransferCreated;
        let mut entry = Entry::of_workspace(event, &facts.workspace, details.clone());
        entry.account = account;
        record(db, by, entry, now)?;
    }
    mail::queue_requested(db, transfer, facts, now)?;
    mail::queue_leaving(db, transfer, facts, now)
}
