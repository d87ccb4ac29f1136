//! Places that runs hold for a time. Limits of how many there are do not exist yet, so that every lease
//! is given (api.md §7, §12.4).

pub mod api;
pub mod contents;
pub mod queries;
