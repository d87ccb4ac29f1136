//! Workspaces: the list, making one, its dashboard and settings, leaving, deleting and restoring it.
//!
//! Invariant: a deleted workspace is out of every list and address at once; its rows stay until its
//! days of grace are over, and its handle stays reserved as long.

pub mod actions;
pub mod activity;
pub mod api;
pub mod connect;
pub mod contents;
pub mod deletion;
pub mod forms;
pub mod jobs;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;
pub mod rules;

pub use pages::routes as pages;
