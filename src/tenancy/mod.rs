//! Accounts and the places they share.

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod closing;
pub mod collaborators;
pub mod impacts;
pub mod invitations;
pub mod organizations;
pub mod outbox;
pub mod roles;
pub mod service_accounts;
pub mod sharing;
pub mod transfers;
pub mod workspaces;
