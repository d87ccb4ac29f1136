//! Giving a role at once, changing it and ending it, be it a member's or a service account's.

use serde_json::{Value, json};

use super::members::{replace, withdraw};
use super::{Request, check_until, organization_only, role_told, wanted};
use crate::access::membership::Workspace;
use crate::access::role::RoleRef;
use crate::access::workspace::{Asks, WorkspaceAccess};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::tenancy::audit::{By, Entry, Event, record};
use crate::tenancy::invitations::model::{Invitation, Scope};
use crate::tenancy::invitations::queries as invitations;
use crate::tenancy::sharing::grantee::{Grantee, Known, Shared};
use crate::tenancy::sharing::mail;
use crate::tenancy::sharing::model::End;

/// What became of a wish to give a role.
#[derive(Clone, Debug)]
pub enum Given<T> {
    /// It counts from now on.
    Done(Box<T>),
    /// Nobody of that id is in the organization.
    Nobody,
    /// There is a role already; whose it is, by name.
    Already(String),
}

/// Gives a role at once, or changes the one that is there: how a program shares (the pages ask a member first). An
/// invitation that waits for an answer is superseded.
///
/// # Errors
/// [`Error::NotFound`] for nobody of the organization; [`Error::Forbidden`] for a role above the own one; the
/// database's fault.
pub async fn grant<G: Grantee>(
    app: &App,
    access: WorkspaceAccess<G::Needs>,
    ip: ClientIp,
    asked: (G, Request),
) -> Result<G::Grant> {
    match give(app, access, ip, asked, When::Always).await? {
        Given::Done(row) => Ok(*row),
        Given::Nobody | Given::Already(_) => Err(Error::NotFound),
    }
}

/// Gives a role at once, where there is none yet (H4, H10).
///
/// # Errors
/// [`Error::Forbidden`] for a role above the own one; the database's fault.
pub async fn share<G: Grantee>(
    app: &App,
    access: WorkspaceAccess<G::Needs>,
    ip: ClientIp,
    asked: (G, Request),
) -> Result<Given<G::Grant>> {
    give(app, access, ip, asked, When::ThereIsNone).await
}

/// When a role is given.
#[derive(Clone, Copy, PartialEq)]
enum When {
    Always,
    ThereIsNone,
}

async fn give<G: Grantee>(
    app: &App,
    access: WorkspaceAccess<G::Needs>,
    ip: ClientIp,
    asked: (G, Request),
    when: When,
) -> Result<Given<G::Grant>> {
    organization_only(access.workspace())?;
    let now = app.now();
    let given = access
        .write(app, move |db, access| Giving::of(&access, ip, now).give(db, asked, when))
        .await?;
    app.mail_queued.notify_one();
    Ok(given)
}

/// Changes a role; it counts from the next request on, for keys too (H5). The end stays as it is where that is wanted.
///
/// # Errors
/// [`Error::NotFound`] for a row of elsewhere, or one that has ended; [`Error::Forbidden`] when the old or the new role
/// allows more than the own one; the database's fault.
pub async fn change<G: Grantee>(
    app: &App,
    access: WorkspaceAccess<G::Needs>,
    ip: ClientIp,
    asked: (G::GrantId, RoleRef),
    end: End,
) -> Result<G::Grant> {
    organization_only(access.workspace())?;
    let now = app.now();
    access
        .write(app, move |db, access| Giving::of(&access, ip, now).change::<G>(db, asked, end))
        .await
}

/// Ends a role in the workspace, at once (H9). What everybody in the organization may do stays.
///
/// # Errors
/// As [`change`].
pub async fn remove<G: Grantee>(
    app: &App,
    access: WorkspaceAccess<G::Needs>,
    ip: ClientIp,
    id: G::GrantId,
) -> Result<G::Grant> {
    organization_only(access.workspace())?;
    let now = app.now();
    let row = access
        .write(app, move |db, access| Giving::of(&access, ip, now).remove::<G>(db, id))
        .await?;
    app.mail_queued.notify_one();
    Ok(row)
}

/// Who gives and takes, inside the transaction.
struct Giving<'a, P> {
    access: &'a WorkspaceAccess<P>,
    by: By,
    now: Instant,
}

impl<'a, P: Asks> Giving<'a, P> {
    fn of(access: &'a WorkspaceAccess<P>, ip: ClientIp, now: Instant) -> Self {
        Self { access, by: By::actor(access.actor(), ip), now }
    }

    fn give<G: Grantee>(
        &self,
        db: &mut Db,
        (who, request): (G, Request),
        when: When,
    ) -> Result<Given<G::Grant>> {
        check_until(request.until, self.now)?;
        let place = self.access.workspace();
        let at = (place.account, place.id);
        let (named, grantable) = wanted(db, self.access, (request.role, request.until))?;
        let Some(known) = who.find(db, place.account)? else { return Ok(Given::Nobody) };
        let before = who.grant(db, at)?.filter(|row| !row.has_ended(self.now));
        if before.is_some() && when == When::ThereIsNone {
            return Ok(Given::Already(known.name));
        }
        if let Some(before) = &before {
            self.access.covers(db, before.role().0)?;
        }
        let live = live_of(db, place, who)?;
        if let (Some(same), None) = (&before, &live)
            && same.role().0.role == request.role
            && same.role().1 == request.until
        {
            return Ok(Given::Done(Box::new(same.clone())));
        }
        if let Some(live) = &live {
            replace(db, self.access, live, self.now)?;
        }
        let replaces = who.person().map(|_| json!(live.map(|live| live.id)));
        let term = (request.until, self.access.actor().name());
        let after = role_told(&named, request.until);
        if let Some(before) = before {
            G::set_role(db, before.id(), grantable, term)?;
            let (role, until) = before.role();
            let details = [
                ("before", Some(role_told(role, until))),
                ("after", Some(after)),
                ("replaces", replaces),
                ("invitations_ended", withdrawn(db, place, who, self.now)?),
            ];
            self.note(db, Event::WorkspaceAccessUpdated, told(who, &known, details))?;
        } else {
            who.insert(db, place.id, grantable, term, self.now)?;
            if let Some(email) = &known.email {
                mail::queue_given(db, place, (term.1, email), &named.title, self.now)?;
            }
            let details = [
                ("role", Some(json!(named.title))),
                ("until", Some(json!(request.until))),
                ("replaces", replaces),
            ];
            self.note(db, Event::WorkspaceAccessCreated, told(who, &known, details))?;
        }
        let row = who.grant(db, at)?.ok_or(Error::NotFound)?;
        Ok(Given::Done(Box::new(row)))
    }

    /// The role with an id, as one that the actor may change or take away.
    fn row<G: Grantee>(&self, db: &mut Db, id: G::GrantId) -> Result<G::Grant> {
        let place = self.access.workspace();
        let row = G::grant_of_id(db, (place.account, place.id), id)?;
        let row = row.filter(|row| !row.has_ended(self.now)).ok_or(Error::NotFound)?;
        self.access.covers(db, row.role().0)?;
        Ok(row)
    }

    fn change<G: Grantee>(
        &self,
        db: &mut Db,
        (id, role): (G::GrantId, RoleRef),
        end: End,
    ) -> Result<G::Grant> {
        let row = self.row::<G>(db, id)?;
        let (old, ended) = row.role();
        let until = end.or(ended);
        let (named, grantable) = wanted(db, self.access, (role, until))?;
        check_until(until.filter(|_| until != ended), self.now)?;
        if named.role != old.role || until != ended {
            G::set_role(db, id, grantable, (until, self.access.actor().name()))?;
            let place = self.access.workspace();
            let details = [
                ("before", Some(role_told(old, ended))),
                ("after", Some(role_told(&named, until))),
                ("invitations_ended", withdrawn(db, place, row.to(), self.now)?),
            ];
            let details = told(row.to(), &row.known(), details);
            self.note(db, Event::WorkspaceAccessUpdated, details)?;
        }
        Ok(row.with(named, until))
    }

    fn remove<G: Grantee>(&self, db: &mut Db, id: G::GrantId) -> Result<G::Grant> {
        let row = self.row::<G>(db, id)?;
        G::remove(db, id)?;
        let (place, known) = (self.access.workspace(), row.known());
        let details = [
            ("role", Some(json!(row.role().0.title))),
            ("invitations_ended", withdrawn(db, place, row.to(), self.now)?),
        ];
        self.note(db, Event::WorkspaceAccessDeleted, told(row.to(), &known, details))?;
        let actor = self.access.actor();
        let is_self = row.to().person().is_some_and(|user| user.uuid() == actor.id());
        if let Some(email) = known.email.filter(|_| !is_self) {
            mail::queue_removed(db, place, (actor.name(), &email), self.now)?;
        }
        Ok(row)
    }

    fn note(&self, db: &mut Db, event: Event, details: Value) -> Result<()> {
        let entry = Entry::of_workspace(event, self.access.workspace(), details);
        record(db, &self.by, entry, self.now)
    }
}

/// The invitation of a member that waits for an answer.
fn live_of<G: Grantee>(db: &mut Db, place: &Workspace, who: G) -> Result<Option<Invitation>> {
    let scope = Scope { account: place.account, workspace: Some(place.id) };
    match who.person() {
        Some(user) => Ok(invitations::live_of_member(db, scope, user)?),
        None => Ok(None),
    }
}

/// Ends what a person sent and may not offer any more; how many, for the audit log.
fn withdrawn<G: Grantee>(
    db: &mut Db,
    place: &Workspace,
    who: G,
    now: Instant,
) -> Result<Option<Value>> {
    let ended = who.person().map(|user| withdraw(db, place, Some(user), now)).transpose()?;
    Ok(ended.map(|ended| json!(ended)))
}

/// The details of an entry: who, and what else there is to tell.
fn told<G: Grantee, const N: usize>(
    who: G,
    known: &Known,
    more: [(&str, Option<Value>); N],
) -> Value {
    let mut details = who.told(known);
    if let Some(fields) = details.as_object_mut() {
        let more = more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        fields.extend(more);
    }
    details
}

/// Removes the row of a role that came to its end, unless it was made longer meanwhile; inside a transaction that has
/// the lock of the workspace's account.
pub fn clear_away<G: Grantee>(
    db: &mut Db,
    place: &Workspace,
    id: G::GrantId,
    now: Instant,
) -> Result<()> {
    let row = G::grant_of_id(db, (place.account, place.id), id)?;
    let Some(row) = row.filter(|row| row.has_ended(now)) else { return Ok(()) };
    G::remove(db, id)?;
    let known = row.known();
    let details = [
        ("role", Some(json!(row.role().0.title))),
        ("reason", Some(json!("The access came to its end."))),
        ("invitations_ended", withdrawn(db, place, row.to(), now)?),
    ];
    let details = told(row.to(), &known, details);
    let entry = Entry::of_workspace(Event::WorkspaceAccessDeleted, place, details);
    record(db, &By::System, entry, now)?;
    match &known.email {
        Some(email) => mail::queue_ended(db, place, email, now),
        None => Ok(()),
    }
}
