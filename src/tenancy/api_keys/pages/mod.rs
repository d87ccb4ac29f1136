//! The pages about keys.

pub mod client;
pub mod create;
pub mod delete;
pub mod list;

use crate::base::db::Instant;
use crate::base::text::{When, relative};

use super::rules::Life;

/// When a key stops, as pages show it.
struct Expiry {
    /// The moment; `None` for never.
    when: Option<When>,
    /// Words and tone of a chip, where there is something to notice.
    chip: Option<(&'static str, &'static str, String)>,
}

impl Expiry {
    fn new(end: Option<Instant>, now: Instant) -> Self {
        let chip = match Life::of(end, now) {
            Life::Unlimited | Life::Long(_) => None,
            Life::Short(end) => Some(("warn", "late", format!("Expires {}", relative(end, now)))),
            Life::Over(_) => Some(("danger", "alert", "Expired".to_owned())),
        };
        Self { when: end.map(|end| When::new(end, now)), chip }
    }
}
