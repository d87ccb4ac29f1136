//! Saved searches: which flow runs somebody looks at again and again, under a name that everybody in the workspace
//! sees.

pub mod actions;
pub mod api;
pub mod model;
pub mod pages;
pub mod queries;

use utoipa::OpenApi;

use crate::access::contents::{ContentKind, purge};
use crate::access::permission::Permission;
use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part {
    pages: pages::routes,
    api: api::routes,
    document: api::Document::openapi,
    contents: &[ContentKind {
        shown_to: Some(Permission::SeeFlows),
        count: queries::count,
        ..ContentKind::hidden("saved search", "saved searches", purge!(saved_searches))
    }],
    ..Part::NOTHING
};
