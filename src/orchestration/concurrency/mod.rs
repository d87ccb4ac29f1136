//! Places that runs hold for a time. Limits of how many there are do not exist yet, so that every lease
//! is given (api.md §7, §12.4).

pub mod api;
pub mod contents;
pub mod queries;

use utoipa::OpenApi;

use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part {
    api: api::routes,
    document: api::Document::openapi,
    jobs: &[queries::JOB],
    contents: contents::CONTENTS,
    ..Part::NOTHING
};
