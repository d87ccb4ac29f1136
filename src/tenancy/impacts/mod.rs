//! What a change of a workspace does, and to whom: the parts of a review that a transfer and a deletion have in common, and how
//! pages and files show them (product.md 1.14).
//!
//! Invariant: whoever says how many people, keys, service accounts, invitations or runs something concerns reads it here.

pub mod export;
pub mod model;
pub mod parts;
pub mod queries;
pub mod view;
