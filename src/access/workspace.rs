//! The proof that an actor may do something in a workspace.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::actor::{Actor, Reach};
use super::cache::{Cache, Known};
use super::handle::Handle;
use super::identify::KeyOfRequest;
use super::membership::{self, AccountKind, Held, Workspace};
use super::permission::needs::RunFlows;
use super::permission::{Needs, Permission};
use super::recent::Recent;
use super::role::{NamedRole, RoleRef, Scopes};
use super::transfers::{Arrival, TransferId};
use super::{AccountId, WorkspaceId, transfers};
use crate::app::App;
use crate::base::db::{Db, Instant, Locks};
use crate::base::error::{Error, Result};
use crate::base::text::When;
use crate::frame::{self, CurrentWorkspace, Moving, Shell, SwitchItem};
use crate::urls;

/// Proof that the caller may do `P` in this workspace. Only this module makes one, from the request;
/// what changes data takes it by value.
pub struct WorkspaceAccess<P> {
    actor: Actor,
    workspace: Workspace,
    reach: Reach,
    held: Held,
    scopes: Scopes,
    switcher: Vec<SwitchItem>,
    waiting: Option<(TransferId, String)>,
    arrival: Option<Arrival>,
    proof: PhantomData<fn() -> P>,
}

/// Everybody who is in the workspace at all, whatever the role.
#[derive(Debug)]
pub enum AnyRole {}

/// What a proof asks for.
pub trait Asks: 'static {
    /// The permission; `None` when any role will do.
    const ASKED: Option<Permission>;
}

impl Asks for AnyRole {
    const ASKED: Option<Permission> = None;
}

impl<P: Needs> Asks for P {
    const ASKED: Option<Permission> = Some(P::PERMISSION);
}

/// Workspaces in the switcher.
const SWITCHER: i64 = 8;

/// A workspace was looked at; for the audit log, once a day.
#[derive(Clone, Debug)]
pub struct Visit {
    /// By whom.
    pub actor: Actor,
    /// Which.
    pub workspace: Workspace,
}

/// How an address names a workspace.
#[derive(Clone)]
enum Named {
    /// On pages, by the handles of account and workspace.
    ByHandles(String, String),
    /// On the API, by their ids, which never change.
    ByIds(AccountId, WorkspaceId),
}

impl Named {
    fn of(req: &HttpRequest) -> Result<Self> {
        let info = req.match_info();
        if let (Some(account), Some(workspace)) = (info.get("account_id"), info.get("workspace_id"))
        {
            let account = account.parse().map_err(|_| Error::NotFound)?;
            let workspace = workspace.parse().map_err(|_| Error::NotFound)?;
            return Ok(Self::ByIds(account, workspace));
        }
        let part = |name: &str| {
            let text = info.get(name).filter(|text| Handle::is_stored_form(text));
            text.map(str::to_owned).ok_or(Error::NotFound)
        };
        Ok(Self::ByHandles(part("account")?, part("workspace")?))
    }
}

/// What the database says about a named workspace.
#[derive(Default)]
struct Found {
    here: Option<(Workspace, Held)>,
    moved: Option<Workspace>,
    others: Vec<(String, String)>,
    /// The transfer that it waits for.
    waiting: Option<(TransferId, String)>,
    /// The one that brought it here, as long as it can be undone.
    arrival: Option<Arrival>,
}

/// `recent` is there for a page alone, which has a switcher.
fn find(db: &mut Db, reach: &Reach, named: &Named, recent: Option<&Recent>) -> Result<Found> {
    let Named::ByHandles(account, workspace) = named else { return Ok(Found::default()) };
    let here = membership::by_path(db, reach, account, workspace)?;
    let moved = match here {
        None => membership::moved(db, reach, account, workspace)?,
        Some(_) => None,
    };
    let (Some((place, _)), Some(recent)) = (&here, recent) else {
        return Ok(Found { here, moved, ..Found::default() });
    };
    let others = membership::others(db, reach, (place.id, &recent.beside(place.id)), SWITCHER)?;
    let waiting = transfers::pending(db, place.id, reach.now)?;
    let arrival = transfers::arrival(db, (place.account, place.id), reach.now)?;
    Ok(Found { here, moved, others, waiting, arrival })
}

/// What is known of a request's key in a workspace, or is found out now and remembered.
async fn by_ids(
    req: &HttpRequest,
    app: &App,
    actor: &Actor,
    place: (AccountId, WorkspaceId),
) -> Result<Found> {
    let known = req.extensions().get::<Arc<Known>>().cloned();
    let known = known.filter(|known| (known.workspace.account, known.workspace.id) == place);
    let key = req.extensions().get::<KeyOfRequest>().map(|key| Arc::clone(&key.0));
    let known = match (known, key) {
        (Some(known), _) => Some(known),
        (None, Some(key)) => {
            let times = (app.now(), app.settings().keeps_mails());
            let (asked, was) = (Arc::clone(&key), actor.clone());
            let found =
                app.db.read(move |db| Known::find(db, (&asked, &was), place, times)).await?;
            let found = found.map(Arc::new);
            if let Some(found) = &found {
                app.memory.of::<Cache>().put(&key, found);
            }
            found
        }
        (None, None) => None,
    };
    let here = known.map(|known| (known.workspace.clone(), known.held.clone()));
    Ok(Found { here, ..Found::default() })
}

impl<P: Asks> WorkspaceAccess<P> {
    async fn of(req: HttpRequest) -> Result<Self> {
        let actor = Actor::of(&req)?;
        let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?;
        let named = Named::of(&req)?;
        let reach = actor.reach(app.now());
        let found = match &named {
            Named::ByIds(account, workspace) => {
                by_ids(&req, app, &actor, (*account, *workspace)).await?
            }
            Named::ByHandles(..) => {
                let asked = named.clone();
                let is_page = *req.method() == Method::GET;
                let recent = is_page.then(|| Recent::of(&req, app));
                app.db.read(move |db| find(db, &reach, &asked, recent.as_ref())).await?
            }
        };
        let Some((workspace, held)) = found.here else {
            let moved = match named {
                Named::ByHandles(..) => found.moved,
                Named::ByIds(account, workspace) => {
                    let was_here = move |db: &mut Db| transferred(db, &reach, account, workspace);
                    app.db.read(was_here).await?
                }
            };
            let to = moved.and_then(|to| new_path(&req, &named, &to));
            return Err(to.map_or(Error::NotFound, Error::Moved));
        };
        let switch = |(account, handle)| SwitchItem { account, handle };
        let switcher = found.others.into_iter().map(switch).collect();
        let scopes = reach.narrow(held.scopes);
        let (waiting, arrival) = (found.waiting, found.arrival);
        let proof = PhantomData;
        let access =
            Self { actor, workspace, reach, held, scopes, switcher, waiting, arrival, proof };
        let visit = Visit { actor: access.actor.clone(), workspace: access.workspace.clone() };
        req.extensions_mut().insert(visit);
        if access.held.lacks_second_factor {
            return Err(Error::SecondFactorRequired(access.workspace.account_name));
        }
        access.check()?;
        Ok(access)
    }

    fn check(&self) -> Result<()> {
        match P::ASKED {
            Some(permission) if !self.scopes.contains(permission) => {
                Err(Error::Forbidden(format!(
                    "Your role here is {}. This needs the permission “{}”: ask the owner of {}.",
                    self.held.title(),
                    permission.words().trim_end_matches('.'),
                    self.workspace.account_name,
                )))
            }
            _ => Ok(()),
        }
    }

    /// Changes something, as the only writer of the workspace's account: `work` runs only when the right is still there
    /// inside the transaction, and is handed the proof with the workspace and the role as they are there.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Forbidden`] when the right went meanwhile; as
    /// [`Database::write`](crate::base::db::Database::write).
    pub fn write<R: Send + 'static>(
        self,
        app: &App,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        let locks = Locks::from(self.workspace.account);
        self.write_locking(app, locks, work)
    }

    /// The same as the only writer of another account too.
    ///
    /// # Errors
    /// As [`WorkspaceAccess::write`].
    pub fn write_with<R: Send + 'static>(
        self,
        app: &App,
        other: AccountId,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        let locks = Locks::accounts([self.workspace.account, other]);
        self.write_locking(app, locks, work)
    }

    fn write_locking<R: Send + 'static>(
        mut self,
        app: &App,
        locks: Locks,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        let claim = self.claim();
        app.db.write(locks, move |db| {
            (self.workspace, self.held, self.scopes) = claim.judge(db)?;
            work(db, self)
        })
    }

    /// Changes something that guards itself by its own row, without the lock of the account: `work` runs only when the
    /// right is still there inside the transaction. What is done some at a time asks again each time.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Forbidden`] when the right went meanwhile; as
    /// [`Database::ingest`](crate::base::db::Database::ingest).
    pub fn ingest<R: Send + 'static>(
        &self,
        app: &App,
        work: impl FnOnce(&mut Db, WorkspaceId) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        let claim = self.claim();
        app.db.ingest(move |db| {
            claim.judge(db)?;
            work(db, claim.place.1)
        })
    }

    /// Reads when the right is still there at this moment: for what lives longer than its request.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Forbidden`] when the right went meanwhile; as
    /// [`Database::read`](crate::base::db::Database::read).
    pub fn read_again<R: Send + 'static>(
        &self,
        app: &App,
        work: impl FnOnce(&mut Db) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        let mut claim = self.claim();
        claim.reach = claim.reach.at(app.now());
        app.db.read(move |db| {
            claim.judge(db)?;
            work(db)
        })
    }

    fn claim(&self) -> Claim {
        let place = (self.workspace.account, self.workspace.id);
        Claim { reach: self.reach, place, asked: P::ASKED }
    }
}

impl WorkspaceAccess<RunFlows> {
    /// Keeps what runs report, by the right that was there when the request came in; the only verb of a proof that does
    /// not ask again inside its transaction.
    ///
    /// It is for what runs and whatever runs them report all the time: that they were made and changed, states, inputs,
    /// logs, events and leases, and that somebody asks for runs. Asking again would add queries to each of so many short transactions, and spare little: the request was
    /// judged by what the process remembers of the key as long as the versions of the accounts stay the same (decision
    /// 0015), and a socket asks every three seconds ([`super::standing`]). So such a report may be kept that began
    /// while the right was there. Whatever can be undone by nobody (people, roles, names, deletions, transfers, flows)
    /// asks again: [`WorkspaceAccess::write`], [`WorkspaceAccess::ingest`].
    ///
    /// # Errors
    /// As [`Database::ingest`](crate::base::db::Database::ingest).
    pub fn report<R: Send + 'static>(
        &self,
        app: &App,
        work: impl FnOnce(&mut Db, WorkspaceId) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        let workspace = self.workspace.id;
        app.db.ingest(move |db| work(db, workspace))
    }
}

/// What a proof says, to be judged again: the same whatever the proof asks for, so that it is compiled once.
#[derive(Clone, Copy)]
struct Claim {
    reach: Reach,
    place: (AccountId, WorkspaceId),
    asked: Option<Permission>,
}

impl Claim {
    /// What the workspace is by now, and what the actor holds in it.
    fn judge(&self, db: &mut Db) -> Result<(Workspace, Held, Scopes)> {
        let found = membership::by_id(db, &self.reach, self.place.1)?;
        let (workspace, held) = found.ok_or(Error::NotFound)?;
        // What was let in holds the lock of the account that it saw.
        if workspace.account != self.place.0 {
            return Err(Error::NotFound);
        }
        if held.lacks_second_factor {
            return Err(Error::SecondFactorRequired(workspace.account_name));
        }
        let scopes = self.reach.narrow(held.scopes);
        match self.asked {
            Some(permission) if !scopes.contains(permission) => {
                Err(Error::Forbidden("Your role changed meanwhile.".to_owned()))
            }
            _ => Ok((workspace, held, scopes)),
        }
    }
}

/// A role that its giver may give: nobody gives, changes or takes away what they do not have
/// themselves (R4, D-05). Only [`WorkspaceAccess::grantable`] makes one, and whatever writes a grant
/// takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grantable(RoleRef);

impl Grantable {
    /// The role.
    pub fn role(self) -> RoleRef {
        self.0
    }
}

impl<P> WorkspaceAccess<P> {
    /// The role as one that the actor may give until a moment, `None` for good, judged by what the
    /// actor holds inside this transaction: whose own access ends gives none that lasts longer.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when it allows more than the actor may do, or for longer; the database's
    /// fault.
    pub fn grantable(
        &self,
        db: &mut Db,
        role: &NamedRole,
        until: Option<Instant>,
    ) -> Result<Grantable> {
        let held = self.covering(db, role)?;
        if self.reach.narrow(held.scopes_until(until)).covers(role.scopes) {
            return Ok(Grantable(role.role));
        }
        let end = held.grant().and_then(|grant| grant.until).map(Instant::minute_text);
        Err(Error::Forbidden(format!(
            "Your own access ends {}. Choose an end that is not later.",
            end.unwrap_or_default(),
        )))
    }

    /// Checks that the actor may take a role away, which nobody may who does not have all of it, for
    /// however short a time.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when it allows more than the actor may do; the database's fault.
    pub fn covers(&self, db: &mut Db, role: &NamedRole) -> Result<()> {
        self.covering(db, role).map(drop)
    }

    fn covering(&self, db: &mut Db, role: &NamedRole) -> Result<Held> {
        let held = membership::held(db, &self.reach, &self.workspace)?.ok_or(Error::NotFound)?;
        let missing = role.scopes.without(self.reach.narrow(held.scopes));
        match missing.iter().next() {
            None => Ok(held),
            Some(first) => Err(Error::Forbidden(format!(
                "The role {} allows more than yours: “{}”. Nobody gives or takes away what they don’t have.",
                role.title,
                first.words().trim_end_matches('.'),
            ))),
        }
    }

    /// What the actor reaches.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What the actor holds here, and from where.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The actor's role in it, in words.
    pub fn role(&self) -> String {
        self.held.title()
    }

    /// Whether the actor may do something else too; for what a page offers.
    pub fn may(&self, permission: Permission) -> bool {
        self.scopes.contains(permission)
    }

    /// Whether the actor was let in by a membership that can be given up: neither the owning account
    /// nor an organization's admins leave a workspace.
    pub fn can_leave(&self) -> bool {
        self.held.grant().is_some() && self.actor.as_person().is_some()
    }

    /// The shell of a page in this workspace.
    pub fn shell(&self, mut shell: Shell, at: &'static str) -> Shell {
        shell.workspace = Some(CurrentWorkspace {
            account: self.workspace.account_handle.clone(),
            account_name: self.workspace.account_name.clone(),
            handle: self.workspace.handle.clone(),
            sees_flows: self.may(Permission::SeeFlows),
            sees_deployments: self.may(Permission::SeeDeployments),
            sees_limits: self.may(Permission::SeeConcurrencyLimits),
            sees_collaborators: self.workspace.account_kind == AccountKind::Personal
                && self.may(Permission::SeeWorkspaceUsers),
            sees_sharing: self.workspace.account_kind == AccountKind::Organization
                && self.may(Permission::SeeWorkspaceUsers),
            moving: self.waiting.as_ref().map(|(id, target)| Moving {
                target: target.clone(),
                href: self.may(Permission::ManageWorkspaceSettings).then(|| urls::transfer(id)),
            }),
            arrival: self.arrival.as_ref().map(|arrival| self.told(arrival)),
        });
        shell.switcher.clone_from(&self.switcher);
        shell.at(at)
    }

    /// How the workspace came here, as whoever looks may know: whoever decides over its account undoes it.
    fn told(&self, arrival: &Arrival) -> frame::Arrival {
        let decides = self.held.has_authority();
        let owner = &self.workspace.account_name;
        let who = match self.workspace.account_kind {
            _ if decides => "You".to_owned(),
            AccountKind::Organization => format!("An admin of {owner}"),
            AccountKind::Personal => owner.clone(),
        };
        frame::Arrival {
            from: arrival.from.clone(),
            by: arrival.by.clone(),
            at: When::new(arrival.at, self.reach.now),
            until: When::new(arrival.until, self.reach.now),
            who,
            href: decides.then(|| urls::transfer(arrival.id)),
        }
    }

    /// The address of the workspace.
    pub fn home(&self) -> String {
        urls::workspace(&self.workspace)
    }
}

/// Where a workspace is that was transferred away from an account, for an actor who reaches the new place
/// (SP-30).
fn transferred(
    db: &mut Db,
    reach: &Reach,
    account: AccountId,
    workspace: WorkspaceId,
) -> Result<Option<Workspace>> {
    if !transfers::came_from(db, workspace, account)? {
        return Ok(None);
    }
    Ok(membership::by_id(db, reach, workspace)?.map(|(workspace, _)| workspace))
}

/// The asked path with the new handles in place of the old ones, or the new account's id in place of the old
/// one's.
fn new_path(req: &HttpRequest, asked: &Named, to: &Workspace) -> Option<String> {
    let (old, new) = match asked {
        Named::ByHandles(account, workspace) => {
            (urls::workspace((account, workspace)), urls::workspace(to))
        }
        Named::ByIds(account, workspace) => {
            (urls::api_workspace(account, workspace), urls::api_workspace(to.account, to.id))
        }
    };
    let rest = req.path().strip_prefix(&old)?;
    let query = req.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{new}{rest}{query}"))
}

impl<P: Asks> FromRequest for WorkspaceAccess<P> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::of(req.clone()))
    }
}

impl<P> fmt::Debug for WorkspaceAccess<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkspaceAccess")
            .field("workspace", &self.workspace.id)
            .field("role", &self.held.title())
            .finish_non_exhaustive()
    }
}
