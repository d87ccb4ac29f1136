//! Secrets: the instance key, links derived from it, hashes, passwords, API keys.
//!
//! Invariant: nothing here can be printed. Links are derived, not stored (SP-9); keys and
//! sessions are stored as SHA-256 only.

mod api_key;
mod hash;
mod keys;
mod mask;
mod password;

pub use api_key::{ApiKey, KeyKind};
pub use hash::sha256;
pub use keys::{InstanceKeys, LinkToken, Purpose};
pub use mask::{mask, unmask};
pub use password::{Password, RecoveryCode, password_stamp};
