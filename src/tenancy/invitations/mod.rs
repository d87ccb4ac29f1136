//! Invitations into a workspace or an organization: sent by whoever manages its people, answered by
//! whoever has the invited address.
//!
//! Invariants (spec/lifecycles.md §1): only a pending invitation changes; opening its link changes
//! nothing; accepting, membership, audit and mail are one transaction under the lock of the
//! workspace's account; the link's token is derived from id and generation and stored nowhere.

pub mod actions;
pub mod api;
pub mod contents;
mod forms;
pub mod jobs;
pub mod mail;
pub mod managing;
pub mod model;
mod pages;
pub mod queries;
pub mod roster;
pub mod rules;

pub use pages::routes as pages;
