//! Runs of tasks: told by events of the newer client, over REST by the older one and for subflows.

pub mod actions;
pub mod ageing;
pub mod api;
pub mod contents;
pub mod pages;
pub mod recorder;

use utoipa::OpenApi;

use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part {
    pages: pages::routes,
    api: api::routes,
    document: api::Document::openapi,
    contents: contents::CONTENTS,
    ageing: ageing::AGEING,
    ..Part::NOTHING
};
