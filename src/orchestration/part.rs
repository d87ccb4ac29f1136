//! What a part of orchestration brings along. A part that is new is declared in its own folder and takes one line
//! in the list of all (`mod.rs`).

use actix_web::web::ServiceConfig;
use utoipa::openapi::OpenApi;

use super::ageing::Ageing;
use crate::access::contents::ContentKind;
use crate::base::jobs::Job;

/// What one part has of each; most have not all of it.
#[derive(Clone, Copy)]
pub struct Part {
    /// The pages.
    pub pages: fn(&mut ServiceConfig),
    /// The API's addresses inside a workspace, relative to its own.
    pub api: fn(&mut ServiceConfig),
    /// What the API's document says of them.
    pub document: fn() -> OpenApi,
    /// Addresses below `/api` that take their key in a frame and not in the head.
    pub open_sockets: fn(&mut ServiceConfig),
    /// The periodic jobs.
    pub jobs: &'static [Job],
    /// The kinds of content that it keeps in workspaces.
    pub contents: &'static [ContentKind],
    /// How that ages.
    pub ageing: &'static [Ageing],
}

impl Part {
    /// A part without anything.
    pub const NOTHING: Self = Self {
        pages: |_| (),
        api: |_| (),
        document: OpenApi::default,
        open_sockets: |_| (),
        jobs: &[],
        contents: &[],
        ageing: &[],
    };
}
