//! Runs of flows: made, moved from state to state, found.

pub mod actions;
pub mod api;
pub mod expiry;
pub mod filter;
pub mod inputs;
pub mod model;
pub mod names;
pub mod queries;
pub mod retention;
