//! The API of limits and their slots (schema of Prefect 3.8.8).

mod limits;
mod slots;
mod tags;

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::openapi::OpenApi;
use utoipa::{OpenApi as _, ToSchema};
use uuid::Uuid;

use super::model::{Limit, MOST};
use crate::base::error::{Error, Result};
use crate::base::http::json::Window;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    slots::routes(config);
    limits::routes(config);
    tags::routes(config);
}

/// The operations of this slice, for the API's document.
pub fn document() -> OpenApi {
    let mut all = limits::Document::openapi();
    all.merge(slots::Document::openapi());
    all.merge(tags::Document::openapi());
    all
}

/// A limit, as little as whoever takes slots needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct BriefLimitBody {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// How many slots there are.
    pub limit: i64,
}

impl BriefLimitBody {
    fn of(limit: Limit) -> Self {
        Self { id: limit.id.uuid(), name: limit.name, limit: limit.slots }
    }

    fn all(limits: Vec<Limit>) -> Vec<Self> {
        limits.into_iter().map(Self::of).collect()
    }
}

/// Some of all limits.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct LimitsBody {
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

impl LimitsBody {
    fn window(self) -> Result<Window> {
        Window::of(self.limit, self.offset)
    }
}

/// Names in one body, at most.
const NAMES: usize = 200;

/// Checks the names of a body.
fn check_names(names: &[String]) -> Result<()> {
    if names.is_empty() || names.len() > NAMES {
        return Err(Error::Invalid(format!("names: use 1 to {NAMES}.")));
    }
    Ok(())
}

/// A number of slots, from `least` on.
fn slots_in(value: i64, name: &str, least: i64) -> Result<i64> {
    if (least..=MOST).contains(&value) {
        return Ok(value);
    }
    Err(Error::Invalid(format!("{name}: use {least} to {MOST}.")))
}
