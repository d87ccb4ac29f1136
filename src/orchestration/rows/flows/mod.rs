//! Rows of flows.

pub mod model;
pub mod queries;
