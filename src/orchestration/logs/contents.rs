//! What a workspace contains of lines.

use crate::access::contents::{ContentKind, purge};

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] = &[ContentKind::hidden("log line", "log lines", purge!(logs))];
