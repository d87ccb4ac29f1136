//! What a workspace contains of deployments.

use crate::access::contents::{ContentKind, purge};
use crate::access::permission::Permission;

use super::queries;

/// The kinds of this slice.
pub const CONTENTS: &[ContentKind] = &[
    ContentKind {
        shown_to: Some(Permission::SeeDeployments),
        count: queries::count_schedules,
        ..ContentKind::hidden("schedule", "schedules", purge!(deployment_schedules))
    },
    ContentKind {
        shown_to: Some(Permission::SeeDeployments),
        count: queries::count_all,
        ..ContentKind::hidden("deployment", "deployments", purge!(deployments))
    },
];
