//! What people do with invitations.

mod accept;
mod answer;
mod ground;
mod invite;
mod inviter;
mod join;
mod manage;
mod open;
mod void;

pub use accept::{Accepted, accept};
pub use answer::{ask_again, decline};
pub use ground::{Judged, void_groundless};
pub use invite::{
    LineOutcome, LineResult, New, details, insert, invite, invite_by_key, invite_members,
    supersede, too_many_today,
};
pub use inviter::{MayInvite, Recruiting};
pub use join::join;
pub use manage::{Managed, copy_link, resend, resend_some, revoke, revoke_some};
pub use open::{Seen, seen};
pub use void::{
    Sent, forget_of_account, forget_of_workspace, void_by_inviter_in, void_for_member,
    void_of_account, void_of_inviter, void_of_workspace,
};
