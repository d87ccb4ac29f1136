//! What clients tell by events: it is kept, and the runs of tasks that it is about with it.

pub mod api;
pub mod keep;
pub mod socket;
