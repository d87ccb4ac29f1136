//! Runs of flows: made, moved from state to state, found.

pub mod actions;
pub mod api;
pub mod contents;
pub mod expiry;
pub mod forms;
pub mod inputs;
pub mod leftovers;
pub mod names;
pub mod pages;
pub mod retention;
