//! Lines that runs logged.

pub mod api;
pub mod contents;
pub mod download;
pub mod filter;
pub mod forms;
pub mod pages;
pub mod queries;
pub mod sockets;
