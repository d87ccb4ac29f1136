//! Lines that runs logged.

pub mod api;
pub mod queries;
pub mod sockets;
