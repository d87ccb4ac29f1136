//! Concurrency limits: how many things may happen at once. Named ones that code asks for, rates, and those of tags of
//! tasks, which are all limits of one kind; and leases, which hold their slots for a time (contents.md §8, api.md §7).

pub mod actions;
pub mod api;
pub mod count;
mod expiry;
pub mod leases;
pub mod model;
mod pages;
pub mod queries;
pub mod slots;
pub mod tags;
mod told;
pub mod usage;

use crate::access::contents::{ContentKind, purge};
use crate::access::permission::Permission;
use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part {
    pages: pages::routes,
    api: api::routes,
    document: api::document,
    jobs: &[expiry::JOB],
    contents: &[
        ContentKind::hidden("concurrency lease", "concurrency leases", purge!(concurrency_leases)),
        ContentKind {
            shown_to: Some(Permission::SeeConcurrencyLimits),
            count: queries::count,
            ..ContentKind::hidden(
                "concurrency limit",
                "concurrency limits",
                purge!(concurrency_limits),
            )
        },
    ],
    ..Part::NOTHING
};
