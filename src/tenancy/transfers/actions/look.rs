//! Looking: what a transfer would do, and how one stands, to whoever may see it.

use super::{obstacle, seen_by, sees as sees_of};
use crate::access::actor::{Actor, Person};
use crate::access::handle::Handle;
use crate::access::membership::{self, OwningAccount, Workspace};
use crate::access::permission::{Permission, needs};
use crate::access::role::Scopes;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::tenancy::impacts::model::{PersonAccess, Review};
use crate::tenancy::transfers::model::{Facts, GoingOn, Sees, State, Transfer, TransferId};
use crate::tenancy::transfers::queries::{self, Asked, Counts};
use crate::tenancy::transfers::review::review;

/// What a transfer would do now, and over which sides whoever looks decides.
pub async fn dry_run(
    app: &App,
    access: &WorkspaceAccess<needs::ManageWorkspaceSettings>,
    (person, target, handle): (&Person, OwningAccount, Handle),
) -> Result<(Facts, Review, Sees)> {
    let (now, person) = (app.now(), person.clone());
    let workspace = access.workspace().clone();
    let place = (workspace.account, target.id);
    let asked = Asked { workspace, target, handle, carry: Vec::new() };
    let sees = app.db.read(move |db| sees_of(db, &person, place)).await?;
    let facts = facts_of(app, asked, now).await?;
    // An owner of the workspace sees it as those do who decide over its account.
    let review =
        review(&facts, Sees { source: true, ..sees }).for_eyes(|needed| access.may(needed));
    Ok((facts, review, sees))
}

/// All that a review is computed from. Each half takes a while in a large workspace, so both are read at once.
async fn facts_of(app: &App, asked: Asked, now: Instant) -> Result<Facts> {
    let (again, settings) = (app.clone(), app.clone());
    let (workspace, target) = (asked.workspace.clone(), asked.target.clone());
    let counts = app.db.read(move |db| {
        let party = queries::party(db, target, settings.settings())?;
        Ok(queries::counts(db, &settings.context, (&workspace, &party), now)?)
    });
    let facts = app.db.read(move |db| {
        let facts = queries::facts(db, asked, Counts::default(), again.settings(), now)?;
        facts.ok_or(Error::NotFound)
    });
    let (counts, facts) = tokio::try_join!(counts, facts)?;
    Ok(counts.put_into(facts))
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
    /// Those who would lose access if it were undone, for whoever decides over the target.
    pub undo_losers: Vec<PersonAccess>,
    /// Over which sides whoever looks decides: that is more than to see them.
    pub decides: Sees,
    /// Whether the workspace can be opened.
    pub reaches: bool,
    /// Whether it can be, and its flow runs and settings with it.
    pub sees_runs: bool,
    /// What whoever looks may do in it, where that is why it is seen, and decides whose names are to be read.
    scopes: Option<Scopes>,
    /// Flow runs that were going on when it moved and still are, for whoever may end them.
    pub going_on: Vec<GoingOn>,
    /// How many of these are not among them.
    pub more_going_on: i64,
}

impl Found {
    /// Whether whoever looks decides over a side.
    pub fn may_ask(&self) -> bool {
        self.decides.source || self.decides.target
    }
}

/// Looks at a transfer; `handle` is one in the target that somebody thinks of.
///
/// # Errors
/// [`Error::NotFound`] for whoever is on neither side; the database's fault.
pub async fn look(
    app: &App,
    (actor, id): (Actor, TransferId),
    handle: Option<Handle>,
) -> Result<Found> {
    let (now, again) = (app.now(), app.clone());
    let found = app.db.read(move |db| find(db, &again, (&actor, id), handle, now)).await?;
    let (mut found, asked) = found;
    if let Some(asked) = asked {
        let review = review(&facts_of(app, asked, now).await?, found.sees);
        found.review = Some(match found.scopes {
            Some(scopes) => review.for_eyes(|needed| scopes.contains(needed)),
            None => review,
        });
    }
    Ok(found)
}

/// The same without a review of one that waits: that is still to be asked for.
fn find(
    db: &mut Db,
    app: &App,
    (actor, id): (&Actor, TransferId),
    handle: Option<Handle>,
    now: Instant,
) -> Result<(Found, Option<Asked>)> {
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
    let left = source;
    let (source, names_of_target) = (names(&left), names(&target));
    let place = (transfer.source_account_id, transfer.target_account_id);
    let mut found = Found {
        review: queries::receipt(db, id)?.map(|receipt| receipt.of(sees).clone()),
        source,
        target: names_of_target,
        obstacle: None,
        undo_losers: Vec::new(),
        decides: sees_of(db, actor.person()?, place)?,
        reaches: false,
        sees_runs: false,
        scopes: None,
        going_on: Vec::new(),
        more_going_on: 0,
        sees,
        workspace,
        transfer,
    };
    let asked = if is_pending {
        let stored = Handle::parse(&found.transfer.target_handle).map_err(Error::internal)?;
        Some(Asked {
            workspace: found.workspace.clone(),
            target,
            handle: handle.unwrap_or(stored),
            carry: found.transfer.carried(),
        })
    } else {
        None
    };
    let decides = found.decides;
    if found.transfer.state == State::Completed && found.may_ask() {
        found.obstacle = obstacle(db, app, &found.transfer, decides, now)?;
        if decides.target && found.obstacle.is_none() {
            let place = (&found.workspace, &left);
            found.undo_losers = queries::undo_losers(db, &found.transfer, place, now)?;
        }
    }
    let reach = actor.reach(now);
    let held = membership::by_id(db, &reach, found.workspace.id)?;
    let held = held.filter(|(_, held)| !held.lacks_second_factor);
    found.reaches = held.is_some();
    let by_role = found.sees.source && !decides.source;
    found.scopes = held.as_ref().filter(|_| by_role).map(|(_, held)| held.scopes);
    found.sees_runs = held.as_ref().is_some_and(|(_, held)| {
        [Permission::SeeFlows, Permission::ManageWorkspaceSettings]
            .into_iter()
            .all(|needed| held.scopes.contains(needed))
    });
    let may_end = held.is_some_and(|(_, held)| held.scopes.contains(Permission::RunFlows));
    if let (State::Completed, true, Some(at)) =
        (found.transfer.state, may_end, found.transfer.decided_at)
    {
        let (some, all) = queries::going_on(db, found.workspace.id, at)?;
        found.more_going_on = all - i64::try_from(some.len()).unwrap_or(all);
        found.going_on = some;
    }
    Ok((found, asked))
}
