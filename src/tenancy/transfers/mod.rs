//! Workspaces move from one account to another, with both sides knowing before what will happen, and a way back
//! (product.md 1.12, 1.14; lifecycles.md 2).
//!
//! Invariant: what a page, a mail or a receipt says about a transfer comes from [`review::review`], and nothing
//! moves that takes more away than both sides saw.

pub mod actions;
pub mod api;
pub mod forms;
pub mod jobs;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;
pub mod review;
pub mod rules;

pub use pages::routes as pages;
