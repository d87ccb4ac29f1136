//! Work that comes round by itself.

use jiff::SignedDuration;

use super::actions::{purge_due, restore_unwanted};
use crate::base::jobs::Job;

/// Removes workspaces whose days of grace are over, and brings back those whose deletion nobody stands behind any more.
pub const JOBS: &[Job] = &[
    Job {
        name: "workspaces.restore",
        every: SignedDuration::from_hours(1),
        work: |app| Box::pin(restore_unwanted(app)),
    },
    Job {
        name: "workspaces.purge",
        every: SignedDuration::from_mins(1),
        work: |app| Box::pin(purge_due(app)),
    },
];
