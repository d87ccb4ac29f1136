//! Lines that runs logged.

pub mod ageing;
pub mod api;
pub mod contents;
pub mod download;
pub mod filter;
pub mod forms;
pub mod pages;
pub mod queries;
pub mod sockets;

use utoipa::OpenApi;

use crate::orchestration::part::Part;

/// What this part brings along.
pub const PART: Part = Part {
    api: api::routes,
    document: api::Document::openapi,
    open_sockets: sockets::open_routes,
    contents: contents::CONTENTS,
    ageing: ageing::AGEING,
    ..Part::NOTHING
};
