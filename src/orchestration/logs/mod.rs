//! Lines that runs logged.

pub mod api;
pub mod download;
pub mod queries;
pub mod sockets;
