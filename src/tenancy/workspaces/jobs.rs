//! Work that comes round by itself.

use jiff::SignedDuration;

use super::actions::purge_due;
use crate::base::jobs::Job;

/// Removes workspaces whose days of grace are over.
pub const JOBS: &[Job] = &[Job {
    name: "workspaces.purge",
    every: SignedDuration::from_mins(1),
    work: |app| Box::pin(purge_due(app)),
}];
