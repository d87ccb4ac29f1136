//! What people do with invitations.

mod accept;
mod answer;
mod invite;
mod join;
mod manage;
mod open;
mod void;

pub use accept::{Accepted, accept};
pub use answer::{ask_again, decline};
pub use invite::{LineOutcome, LineResult, invite};
pub use join::join;
pub use manage::{Managed, copy_link, resend, revoke};
pub use open::{Seen, seen};
pub use void::{forget_of_workspace, void_of_inviter, void_of_workspace};
