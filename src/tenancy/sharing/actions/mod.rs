//! Giving, changing and ending access to an organization's workspace.

mod grants;
mod members;

pub use grants::{Given, change, clear_away, grant, remove, share};
pub use members::{Default, Invited, invite_member, set_default};

use serde_json::{Value, json};

use crate::access::membership::{AccountKind, Workspace};
use crate::access::role::{NamedRole, RoleRef};
use crate::access::workspace::{Asks, Grantable, WorkspaceAccess};
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::tenancy::roles;

/// A role for somebody, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The role.
    pub role: RoleRef,
    /// When the access ends.
    pub until: Option<Instant>,
}

/// A personal workspace has collaborators instead: as if this did not exist (B7).
///
/// # Errors
/// [`Error::NotFound`].
pub fn organization_only(workspace: &Workspace) -> Result<()> {
    match workspace.account_kind {
        AccountKind::Organization => Ok(()),
        AccountKind::Personal => Err(Error::NotFound),
    }
}

/// The role that was asked for, as one that the actor may give so long.
fn wanted<P: Asks>(
    db: &mut Db,
    access: &WorkspaceAccess<P>,
    (role, until): (RoleRef, Option<Instant>),
) -> Result<(NamedRole, Grantable)> {
    let named = roles::queries::named(db, access.workspace().account, role)?;
    let named = named.ok_or_else(|| {
        Error::Invalid("This role does not exist here. Choose one of the list.".to_owned())
    })?;
    let grantable = access.grantable(db, &named, until)?;
    Ok((named, grantable))
}

/// An end of access has to be in the future.
fn check_until(until: Option<Instant>, now: Instant) -> Result<()> {
    if until.is_some_and(|until| until <= now) {
        return Err(Error::Invalid("The access has to end in the future.".to_owned()));
    }
    Ok(())
}

fn role_told(role: &NamedRole, until: Option<Instant>) -> Value {
    json!({ "role": role.title, "until": until })
}
