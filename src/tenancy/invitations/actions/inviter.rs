//! The proofs that let somebody invite, and manage what was sent.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::super::model::{Invitation, Offer, Scope};
use super::super::queries;
use crate::access::actor::{Actor, StepUp};
use crate::access::organization::{Admin, OrganizationAccess, OrganizationRole};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::tenancy::audit::{Entry, Event};

/// What is done with an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is offered, once more.
    Offer,
    /// It is taken back.
    Withdraw,
}

/// Proof that somebody may invite into one place: a workspace, or an organization.
pub trait MayInvite: Sized + Send + 'static {
    /// The place whose invitations these are.
    fn scope(&self) -> Scope;

    /// Who acts.
    fn actor(&self) -> &Actor;

    /// Changes something with the lock of the place's account, once it is seen inside the transaction that the actor
    /// still may invite at all.
    ///
    /// # Errors
    /// The right went meanwhile; the database's fault.
    fn write<R: Send + 'static>(
        self,
        app: &App,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>>;

    /// Checks whether this invitation may be sent, or taken back, in the actor's name: nobody offers
    /// or takes away a role that allows more than the own one, or offers it for longer (R4).
    ///
    /// # Errors
    /// The right does not reach so far; the database's fault.
    fn reaches(&self, db: &mut Db, invitation: &Invitation, what: Handling) -> Result<()>;

    /// An entry of the audit log about the place.
    fn entry(&self, event: Event, details: serde_json::Value) -> Entry;
}

impl MayInvite for WorkspaceAccess<ManageWorkspaceUsers> {
    fn scope(&self) -> Scope {
        let workspace = self.workspace();
        Scope { account: workspace.account, workspace: Some(workspace.id) }
    }

    fn actor(&self) -> &Actor {
        self.actor()
    }

    fn write<R: Send + 'static>(
        self,
        app: &App,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        self.write(app, work)
    }

    fn reaches(&self, db: &mut Db, invitation: &Invitation, what: Handling) -> Result<()> {
        match (queries::offer(db, invitation)?, what) {
            (Some(Offer::Role(role)), Handling::Offer) => {
                self.grantable(db, &role, invitation.access_until).map(drop)
            }
            (Some(Offer::Role(role)), Handling::Withdraw) => self.covers(db, &role),
            _ => Ok(()),
        }
    }

    fn entry(&self, event: Event, details: serde_json::Value) -> Entry {
        Entry::of_workspace(event, self.workspace(), details)
    }
}

/// Proof that somebody may invite into an organization; as an admin only soon after the password was
/// given (AU-17).
#[derive(Debug)]
pub struct Recruiting {
    access: OrganizationAccess<Admin>,
    step_up: StepUp,
}

impl Recruiting {
    /// The organization, and who acts.
    pub fn access(&self) -> &OrganizationAccess<Admin> {
        &self.access
    }

    /// Whether the password was given lately.
    pub fn step_up(&self) -> StepUp {
        self.step_up
    }

    /// Both.
    pub fn into_parts(self) -> (OrganizationAccess<Admin>, StepUp) {
        (self.access, self.step_up)
    }

    /// The same after another look at that.
    #[must_use]
    pub fn with(self, step_up: StepUp) -> Self {
        Self { step_up, ..self }
    }
}

impl FromRequest for Recruiting {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let access = OrganizationAccess::extract(&req).await?;
            Ok(Self { access, step_up: StepUp::extract(&req).await? })
        })
    }
}

impl MayInvite for Recruiting {
    fn scope(&self) -> Scope {
        Scope { account: self.access.organization().account, workspace: None }
    }

    fn actor(&self) -> &Actor {
        self.access.actor()
    }

    fn write<R: Send + 'static>(
        self,
        app: &App,
        work: impl FnOnce(&mut Db, Self) -> Result<R> + Send + 'static,
    ) -> impl Future<Output = Result<R>> {
        let step_up = self.step_up;
        self.access.write(app, move |db, access| work(db, Self { access, step_up }))
    }

    fn reaches(&self, _: &mut Db, invitation: &Invitation, what: Handling) -> Result<()> {
        match (invitation.organization_role, what) {
            (Some(OrganizationRole::Admin), Handling::Offer) => self.step_up.demand(),
            _ => Ok(()),
        }
    }

    fn entry(&self, event: Event, details: serde_json::Value) -> Entry {
        Entry::of_account(event, self.access.organization().account, details)
    }
}
