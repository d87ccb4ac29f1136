//! What the tests stand on: a server, callers, the mails that were written, the database.

mod app;
mod browser;
mod client;
mod database;
mod inbox;
pub mod invariants;
mod process;
pub mod smtp;
mod socket;

pub use app::{PASSWORD, TestApp, spawn, spawn_with};
pub use browser::{Browser, Script};
pub use client::{Answer, ApiClient, Client, PageForm};
pub use database::{TestDatabase, is_postgres, variable};
pub use process::{Home, SECRET_KEY, Server};
pub use socket::Socket;
