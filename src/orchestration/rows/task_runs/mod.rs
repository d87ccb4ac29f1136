//! Rows of task runs, and of their states.

pub mod model;
pub mod queries;
