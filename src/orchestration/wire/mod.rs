//! What the API's endpoints share, and those that are about no single resource.

pub mod absent;
pub mod filter;
pub mod history;
pub mod me;
pub mod outgoing;
pub mod probes;
pub mod which;
pub mod words;
