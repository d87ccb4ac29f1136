//! Rows of flow runs, and of their states.

pub mod graph;
pub mod listing;
pub mod model;
pub mod queries;
