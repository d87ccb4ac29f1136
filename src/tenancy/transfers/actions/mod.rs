//! What happens to transfers: each use case is one transaction, with the rows of both accounts locked, its audit
//! entries on both sides, and its mails.

mod answer;
mod execute;
mod look;
mod operator;
mod start;
mod undo;

pub use self::answer::{Answered, approve, cancel, decline, execute_due, expire};
pub use self::look::{Found, dry_run, look};
pub use self::operator::{Order, Ordered, by_operator};
pub use self::start::{Started, Wanted, start};
pub use self::undo::{Undone, obstacle, undo};

use super::model::{Consent, Facts, Sees, Transfer};
use super::{queries, rules};
use crate::access::actor::{Actor, Person};
use crate::access::membership::{self, Workspace};
use crate::access::{AccountId, identify, organization};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::By;
use crate::tenancy::impacts::model::Side;
use crate::tenancy::workspaces::queries::with_deleted;

/// What somebody who decides over accounts may see and do about a transfer between them.
pub fn sees(
    db: &mut Db,
    person: &Person,
    (source, target): (AccountId, AccountId),
) -> Result<Sees> {
    Ok(Sees {
        source: organization::has_authority(db, person, source)?,
        target: organization::has_authority(db, person, target)?,
        person: Some(person.user),
    })
}

/// Who a person is to a transfer, and the workspace; nobody else learns that there is one.
///
/// # Errors
/// [`Error::NotFound`]; the database's fault.
pub fn seen_by(
    db: &mut Db,
    actor: &Actor,
    transfer: &Transfer,
    now: Instant,
) -> Result<(Sees, Workspace)> {
    let person = actor.person()?;
    let place = (transfer.source_account_id, transfer.target_account_id);
    let mut sees = sees(db, person, place)?;
    let (workspace, _) = with_deleted(db, transfer.workspace_id)?.ok_or(Error::NotFound)?;
    if !sees.source && workspace.account == transfer.source_account_id {
        // An owner of the workspace who does not decide over its account asked, or may ask.
        let held = membership::held(db, &actor.reach(now), &workspace)?;
        let owns = crate::access::permission::Permission::ManageWorkspaceSettings;
        sees.source =
            held.is_some_and(|held| !held.lacks_second_factor && held.scopes.contains(owns));
    }
    if sees.source || sees.target { Ok((sees, workspace)) } else { Err(Error::NotFound) }
}

/// Who did it, as each side's audit log tells it: the other side learns a name, and no address.
struct Told {
    source: By,
    target: By,
}

impl Told {
    /// Somebody who decides over some of the sides, or over none.
    fn of(actor: &Actor, ip: ClientIp, sees: Sees) -> Self {
        let near = By::actor(actor, ip);
        let far =
            By::Person { id: None, name: actor.name().to_owned(), email: String::new(), ip: None };
        // Whoever decides over neither asked from within the source.
        Self {
            source: if sees.source || !sees.target { near.clone() } else { far.clone() },
            target: if sees.target { near } else { far },
        }
    }

    /// Whoever has the shell.
    fn operator() -> Self {
        Self { source: By::Operator, target: By::Operator }
    }

    /// The program itself.
    fn system() -> Self {
        Self { source: By::System, target: By::System }
    }
}

/// A yes of somebody, to things as they are.
fn consent_of(person: &Person, facts: &Facts) -> Consent {
    Consent {
        user: person.user,
        name: person.name.clone(),
        at: facts.at,
        hash: rules::hash(facts),
        losses: rules::losses(facts),
    }
}

/// Whether a side's yes still counts: whoever gave it decides over that side, and it takes no more away than
/// was seen.
fn still_counts(
    db: &mut Db,
    app: &App,
    (transfer, side): (&Transfer, Side),
    facts: &Facts,
) -> Result<bool> {
    let Some(consent) = transfer.consent(side) else { return Ok(false) };
    let account = match side {
        Side::Source => transfer.source_account_id,
        Side::Target => transfer.target_account_id,
    };
    let Some(person) = identify::person(db, consent.user, app.settings().keeps_mails())? else {
        return Ok(false);
    };
    Ok(organization::has_authority(db, &person, account)?
        && !rules::takes_more(&consent.losses, &rules::losses(facts)))
}

/// Whether a transfer, both of whose sides said yes, may move its workspace now. One that waits for the end of
/// flow runs lets none start from then on.
fn may_move_now(db: &mut Db, transfer: &Transfer, now: Instant) -> Result<bool> {
    if rules::awaits(transfer).is_some() || rules::is_scheduled(transfer, now) {
        return Ok(false);
    }
    if transfer.when_idle && queries::is_busy(db, transfer.workspace_id)? {
        let until = now + jiff::SignedDuration::from_hours(rules::IDLE_HOURS);
        queries::hold_starts(db, transfer, until)?;
        return Ok(false);
    }
    Ok(true)
}

/// Reads a transfer that waits.
fn pending(db: &mut Db, id: super::model::TransferId, now: Instant) -> Result<Transfer> {
    let transfer = queries::one(db, id)?.ok_or(Error::NotFound)?;
    if transfer.state != super::model::State::Pending || transfer.expires_at <= now {
        return Err(Error::Conflict(
            "This transfer is over. Open it again to see how it ended.".to_owned(),
        ));
    }
    Ok(transfer)
}
