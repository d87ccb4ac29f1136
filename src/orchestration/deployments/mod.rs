//! Deployments: flows that are ready to be run without whoever wrote them, and the schedules that run them.

pub mod actions;
pub mod api;
pub mod contents;
pub mod listing;
pub mod model;
pub mod pages;
pub mod queries;
pub mod rule;

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
