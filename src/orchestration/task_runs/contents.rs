//! What a workspace contains of runs of tasks, with their states, which go along.

use crate::access::contents::{ContentKind, purge};

/// The kind of this slice.
pub const CONTENTS: &[ContentKind] =
    &[ContentKind::hidden("task run", "task runs", purge!(task_runs))];
