//! People: first user, sign-up, sign-in, password, address, devices, profile, the end of an account.
//!
//! Invariant: nothing here tells a stranger whether an address has an account (AU-10).

pub mod actions;
mod context_words;
mod forms;
pub mod jobs;
pub mod mail;
pub mod model;
mod pages;
pub mod queries;

pub use forms::SignUp;
pub use pages::routes as pages;
