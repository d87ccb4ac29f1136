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

pub use crate::base::db::ids::{AccountId, ServiceAccountId, UserId, WorkspaceId};
