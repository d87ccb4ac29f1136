//! Organizations: making one, its profile, its workspaces and members, leaving and deleting it.
//!
//! Invariant: an organization that is not deleted has an admin (O7).

pub mod actions;
pub mod api;
mod forms;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;
mod rules;

pub use pages::routes as pages;
