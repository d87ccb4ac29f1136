//! Runs of flows: made, moved from state to state, found.

pub mod actions;
pub mod ageing;
pub mod api;
pub mod contents;
pub mod expiry;
pub mod forms;
pub mod inputs;
pub mod leftovers;
pub mod names;
pub mod pages;

use utoipa::OpenApi;

use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part {
    pages: pages::routes,
    api: api::routes,
    document: api::Document::openapi,
    jobs: &[expiry::JOB, leftovers::JOB],
    contents: contents::CONTENTS,
    ageing: ageing::AGEING,
    ..Part::NOTHING
};
