//! Flows and their runs as they lie in the database: what they are, and how they are found and kept. What may become
//! of them is decided above.

pub mod flow_runs;
pub mod flows;
pub mod task_runs;
