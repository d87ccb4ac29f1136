//! What happened in a workspace: told by clients and by this server, kept, found, and passed on live.

pub mod api;
pub mod contents;
pub mod filter;
pub mod model;
pub mod of_runs;
pub mod queries;
pub mod sockets;
