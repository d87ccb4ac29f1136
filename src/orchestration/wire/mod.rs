//! What the API's endpoints share, and those that are about no single resource.

pub mod absent;
pub mod filter;
pub mod me;
pub mod outcome;
pub mod outgoing;
pub mod probes;
pub mod term;
pub mod words;
