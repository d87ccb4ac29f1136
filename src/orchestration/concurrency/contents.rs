//! What a workspace contains of leases.

use crate::access::contents::{ContentKind, purge};

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] =
    &[ContentKind::hidden("concurrency lease", "concurrency leases", purge!(concurrency_leases))];
