//! Runs of tasks: told by events of the newer client, over REST by the older one and for subflows.

pub mod actions;
pub mod api;
pub mod contents;
pub mod pages;
pub mod recorder;
