//! The integration tests: one binary, each test with a server and a database of its own.
//!
//! `TEST_DB=postgres` with `TEST_DATABASE_URL` runs them on PostgreSQL, otherwise on SQLite.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

/// The program's own allocator, which is quicker than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod access_matrix;
mod architecture;
mod browser;
mod metrics;
mod migrations;
mod operations;
mod orchestration;
mod support;
mod tenancy;
