//! The proofs that let somebody invite, and manage what was sent.

use super::super::model::{Invitation, Offer, Scope};
use super::super::queries;
use crate::access::actor::Actor;
use crate::access::organization::{Admin, OrganizationAccess};
use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::base::db::{Db, Locks};
use crate::base::error::Result;
use crate::tenancy::audit::Entry;

/// What is done with an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is offered, once more.
    Offer,
    /// It is taken back.
    Withdraw,
}

/// Proof that somebody may invite into one place: a workspace, or an organization.
pub trait MayInvite: Send + 'static {
    /// The place whose invitations these are.
    fn scope(&self) -> Scope;

    /// Who acts.
    fn actor(&self) -> &Actor;

    /// The lock of a change.
    fn locks(&self) -> Locks;

    /// Checks once more, inside the transaction of a change, whether the actor may invite at all.
    ///
    /// # Errors
    /// The right went meanwhile; the database's fault.
    fn still_may(&self, db: &mut Db) -> Result<()>;

    /// Checks whether this invitation may be sent, or taken back, in the actor's name: nobody offers
    /// or takes away a role that allows more than the own one, or offers it for longer (R4).
    ///
    /// # Errors
    /// The right does not reach so far; the database's fault.
    fn reaches(&self, db: &mut Db, invitation: &Invitation, what: Handling) -> Result<()>;

    /// An entry of the audit log about the place.
    fn entry(&self, event: &'static str, details: serde_json::Value) -> Entry;
}

impl MayInvite for WorkspaceAccess<ManageWorkspaceUsers> {
    fn scope(&self) -> Scope {
        let workspace = self.workspace();
        Scope { account: workspace.account, workspace: Some(workspace.id) }
    }

    fn actor(&self) -> &Actor {
        self.actor()
    }

    fn locks(&self) -> Locks {
        self.locks()
    }

    fn still_may(&self, db: &mut Db) -> Result<()> {
        self.still_holds(db)
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

    fn entry(&self, event: &'static str, details: serde_json::Value) -> Entry {
        Entry::of_workspace(event, self.workspace(), details)
    }
}

impl MayInvite for OrganizationAccess<Admin> {
    fn scope(&self) -> Scope {
        Scope { account: self.organization().account, workspace: None }
    }

    fn actor(&self) -> &Actor {
        self.actor()
    }

    fn locks(&self) -> Locks {
        self.locks()
    }

    fn still_may(&self, db: &mut Db) -> Result<()> {
        self.still_holds(db).map(drop)
    }

    fn reaches(&self, _: &mut Db, _: &Invitation, _: Handling) -> Result<()> {
        Ok(())
    }

    fn entry(&self, event: &'static str, details: serde_json::Value) -> Entry {
        Entry::of_account(event, self.organization().account, details)
    }
}
