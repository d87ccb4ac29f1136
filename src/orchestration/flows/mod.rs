//! Flows: what a workspace runs, by name.

pub mod actions;
pub mod api;
pub mod contents;
pub mod pages;
