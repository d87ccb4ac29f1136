//! Who may do what: permissions, roles, the actor of a request, and the proofs that handlers need.
//!
//! Invariant: a [`workspace::WorkspaceAccess`] can be made here only, from the request's actor and
//! path, by the one query in [`membership`].

pub mod account;
pub mod actor;
pub mod cache;
pub mod contents;
pub mod email;
pub mod handle;
pub mod history;
pub mod identify;
pub mod listing;
pub mod membership;
pub mod organization;
pub mod permission;
pub mod recent;
pub mod role;
pub mod standing;
pub mod transfers;
pub mod workspace;

use crate::base::db::Id;
use crate::base::db::schema::AccountMarker;
use crate::base::http::session::UserMarker;

/// The id of an account.
pub type AccountId = Id<AccountMarker>;
/// The id of a person.
pub type UserId = Id<UserMarker>;
/// The id of a service account.
pub type ServiceAccountId = Id<actor::ServiceAccount>;
/// The id of a workspace.
pub type WorkspaceId = Id<membership::Workspace>;
