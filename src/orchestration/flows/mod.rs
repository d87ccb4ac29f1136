//! Flows: what a workspace runs, by name.

pub mod actions;
pub mod api;
pub mod contents;
pub mod pages;

use utoipa::OpenApi;

use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part {
    pages: pages::routes,
    api: api::routes,
    document: api::Document::openapi,
    contents: contents::CONTENTS,
    ..Part::NOTHING
};
