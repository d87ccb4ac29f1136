//! The roles in an organization's workspaces: the built-in ones, and those that its admins make.
//!
//! Invariants: what a role allows is closed over what its permissions imply (R1); what it inherits
//! cannot be taken away (R2); a role that is used does not vanish (R3).

pub mod actions;
pub mod api;
mod forms;
pub mod impact;
pub mod model;
mod pages;
pub mod queries;

pub use pages::routes as pages;
