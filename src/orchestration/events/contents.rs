//! What a workspace contains of events.

use crate::access::contents::{ContentKind, purge};

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind::hidden("event", "events", purge!(events))];
