//! Service accounts: principals of an organization that are no person, and their keys.
//!
//! Invariants: a service account is never an admin (A2: its type, a constraint, form and API know no
//! such role); it reaches what is shared with it, and nothing by default (H7); a key is shown once,
//! by the answer that made it; a rotated key lives for 48 hours at most.

pub mod actions;
pub mod api;
pub mod contents;
mod forms;
pub mod jobs;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;

pub use pages::routes as pages;
