//! The audit log: every change that somebody would ask about, in the chain of its account.
//!
//! Invariant: an entry is written in the transaction of its change, with the account locked; it is
//! never changed, and its hash covers its exact text and the entry before it (SP-6).

pub mod api;
mod events;
mod forms;
mod pages;
mod queries;
mod record;
pub mod retention;
mod story;
pub mod verify;
pub mod visits;

pub use events::Event;
pub use pages::routes as pages;
pub use record::{By, Entry, deny, record, record_visit};
