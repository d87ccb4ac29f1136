//! Looking: what a transfer would do, and how one stands, to whoever may see it.

use super::{obstacle, seen_by, sees as sees_of};
use crate::access::actor::{Actor, Person};
use crate::access::handle::Handle;
use crate::access::membership::{self, OwningAccount, Workspace};
use crate::access::permission::{Permission, needs};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::tenancy::transfers::model::{Facts, GoingOn, Review, Sees, State, Transfer, TransferId};
use crate::tenancy::transfers::queries::{self, Asked, Counts};
use crate::tenancy::transfers::review::review;

/// What a transfer would do now, and what whoever looks may see of it.
///
/// # Errors
/// The database's fault.
pub async fn dry_run(
    app: &App,
    access: &WorkspaceAccess<needs::ManageWorkspaceSettings>,
    (person, target, handle): (&Person, OwningAccount, Handle),
) -> Result<(Facts, Review, Sees)> {
    let (now, again, person) = (app.now(), app.clone(), person.clone());
    let workspace = access.workspace().clone();
    let (of, to, settings) = (workspace.clone(), target.clone(), app.clone());
    // Each takes a while in a large workspace, so both are read at once.
    let counts = app.db.read(move |db| {
        let party = queries::party(db, to, settings.settings())?;
        Ok(queries::counts(db, &of, &party, now)?)
    });
    let facts = app.db.read(move |db| {
        let place = (workspace.account, target.id);
        let asked = Asked { workspace, target, handle, carry: Vec::new() };
        let facts = queries::facts(db, asked, Counts::default(), again.settings(), now)?;
        Ok((facts.ok_or(Error::NotFound)?, sees_of(db, &person, place)?))
    });
    let (counts, (facts, sees)) = tokio::try_join!(counts, facts)?;
    // An owner of the workspace sees it as those do who decide over its account.
    let sees = Sees { source: true, ..sees };
    let facts = counts.put_into(facts);
    let review = review(&facts, sees);
    Ok((facts, review, sees))
}

/// A transfer as somebody finds it.
#[derive(Clone, Debug)]
pub struct Found {
    /// It.
    pub transfer: Transfer,
    /// Its workspace, wherever it is by now.
    pub workspace: Workspace,
    /// What whoever looks may see.
    pub sees: Sees,
    /// What it would do now, or did; none for one that ended without a move.
    pub review: Option<Review>,
    /// Name and handle of the target.
    pub target: (String, String),
    /// The same of the source.
    pub source: (String, String),
    /// Why it can't be undone now.
    pub obstacle: Option<String>,
    /// Whether whoever looks decides over a side.
    pub may_ask: bool,
    /// Whether the workspace can be opened.
    pub reaches: bool,
    /// Flow runs that were going on when it moved and still are, for whoever may end them.
    pub going_on: Vec<GoingOn>,
}

/// Looks at a transfer; `handle` is one in the target that somebody thinks of.
///
/// # Errors
/// [`Error::NotFound`] for whoever is on neither side; the database's fault.
pub fn look(
    db: &mut Db,
    app: &App,
    (actor, id): (&Actor, TransferId),
    handle: Option<&Handle>,
    now: Instant,
) -> Result<Found> {
    let transfer = queries::one(db, id)?.ok_or(Error::NotFound)?;
    let (sees, workspace) = seen_by(db, actor, &transfer, now)?;
    let is_pending = transfer.state == State::Pending
        && transfer.expires_at > now
        && workspace.account == transfer.source_account_id;
    let source = queries::owning_account(db, transfer.source_account_id)?.ok_or(Error::NotFound)?;
    let target = queries::owning_account(db, transfer.target_account_id)?.ok_or(Error::NotFound)?;
    let names = |account: &crate::access::membership::OwningAccount| {
        (account.name.clone(), account.handle.clone())
    };
    let (source, names_of_target) = (names(&source), names(&target));
    let mut found = Found {
        review: transfer.receipt.as_ref().map(|receipt| receipt.0.of(sees).clone()),
        source,
        target: names_of_target,
        obstacle: None,
        may_ask: false,
        reaches: false,
        going_on: Vec::new(),
        sees,
        workspace,
        transfer,
    };
    if is_pending {
        let wanted = handle.cloned();
        let stored = Handle::parse(&found.transfer.target_handle).map_err(Error::internal)?;
        let party = queries::party(db, target.clone(), app.settings())?;
        let counts = queries::counts(db, &found.workspace, &party, now)?;
        let asked = Asked {
            workspace: found.workspace.clone(),
            target,
            handle: wanted.unwrap_or(stored),
            carry: found.transfer.carried(),
        };
        let facts =
            queries::facts(db, asked, counts, app.settings(), now)?.ok_or(Error::NotFound)?;
        found.review = Some(review(&facts, sees));
    }
    let decides = sees_of(
        db,
        actor.person()?,
        (found.transfer.source_account_id, found.transfer.target_account_id),
    )?;
    found.may_ask = decides.source || decides.target;
    if found.transfer.state == State::Completed && found.may_ask {
        found.obstacle = obstacle(db, app, &found.transfer, decides.target, now)?;
    }
    let reach = actor.reach(now);
    let held = membership::by_id(db, &reach, found.workspace.id)?;
    let held = held.filter(|(_, held)| !held.lacks_second_factor);
    found.reaches = held.is_some();
    let may_end = held.is_some_and(|(_, held)| held.scopes.contains(Permission::RunFlows));
    if let (State::Completed, true, Some(at)) =
        (found.transfer.state, may_end, found.transfer.decided_at)
    {
        found.going_on = queries::going_on(db, found.workspace.id, at)?;
    }
    Ok(found)
}
