//! Who may use an organization's workspace: members, service accounts, and what everybody in the
//! organization may do (H1 … H10).
//!
//! Invariants: what somebody may do is the union of every source, asked for with each request; only
//! a [`crate::access::workspace::Grantable`] is written, so nobody gives or takes away more than they
//! have; a member's role waits for the member's yes, a service account's counts at once.

pub mod actions;
pub mod api;
pub mod contents;
mod forms;
pub mod grantee;
pub mod jobs;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;

pub use pages::routes as pages;
