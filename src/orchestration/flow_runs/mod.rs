//! Runs of flows: made, moved from state to state, found.

pub mod actions;
pub mod api;
pub mod event;
pub mod expiry;
pub mod forms;
pub mod graph;
pub mod inputs;
pub mod leftovers;
pub mod listing;
pub mod model;
pub mod names;
pub mod pages;
pub mod queries;
pub mod retention;
