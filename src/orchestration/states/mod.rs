//! States of runs: what they are, and which may follow which. Pure: no database, no clock.

pub mod model;
pub mod rules;
pub mod task_rules;
