//! The people of a personal workspace: who is in, who is invited, and who goes.
//!
//! Invariant: everything named in an address is bound to the workspace of that address (IN-10); an
//! organization's workspace has no such page (B7).

pub mod actions;
pub mod contents;
mod forms;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;

pub use pages::routes as pages;
