//! Bulkhead: workspaces for teams that run Prefect themselves.
//!
//! In reading order:
//! - [`base`]: database, HTTP, mail, jobs, settings; knows nothing of the product. Of it
//!   [`app`]: what every request needs.
//! - [`urls`]: every link of the site.
//! - [`frame`]: what surrounds every page.
//! - [`access`]: who may do what.
//! - [`tenancy`]: accounts, workspaces, collaborators, invitations, keys, the audit log.
//! - [`orchestration`]: what the Prefect client talks to.
//! - [`slices`]: what these bring along, in lists.
//! - [`server`]: routes and layers.
pub mod access;
pub mod base;
pub mod cli;
pub mod frame;
pub mod openapi;
pub mod orchestration;
pub mod server;
pub mod slices;
pub mod start;
pub mod tenancy;
pub mod urls;
pub mod worker;

pub use base::app;
