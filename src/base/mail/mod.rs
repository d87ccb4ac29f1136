//! Mails: queued in the transaction of what they tell about, rendered and sent later.

mod counts;
pub mod delivery;
mod notice;
mod outbox;
mod transport;

pub use counts::{StateCount, counts};
pub use notice::Notice;
pub use outbox::{
    MailState, Outgoing, QueuedMail, Rendered, dead, forget_old, kept, kept_one, queue, queue_all,
    release_leases, retry_dead, sent_about, sent_to, was_told,
};
pub use transport::{Mailer, SendError};
