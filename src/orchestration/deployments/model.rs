//! A deployment, and its schedules.

use diesel::prelude::*;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::base::db::schema::{deployment_schedules, deployments};
use crate::base::db::{Instant, Json, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::json::RawObject;
use crate::orchestration::rows::flow_runs::model::CreatedBy;
use crate::orchestration::rows::flows::model::FlowId;

pub use crate::base::db::ids::{DeploymentId, ScheduleId};

/// What clients keep with a deployment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Body {
    /// Its version.
    pub version: Option<String>,
    /// What is known of that version.
    pub version_info: Option<RawObject>,
    /// What it is for.
    pub description: Option<String>,
    /// Where the code begins.
    pub entrypoint: Option<String>,
    /// Where the code lies.
    pub path: Option<String>,
    /// How the code gets there.
    pub pull_steps: Option<Vec<RawObject>>,
    /// What its runs are called with, unless told.
    pub parameters: RawObject,
    /// What its runs can be called with, as JSON schema.
    pub parameter_schema: Option<RawObject>,
    /// Whether parameters are checked by it.
    pub is_checked: bool,
    /// Settings of what runs it.
    pub job_variables: RawObject,
    /// Its labels.
    pub labels: RawObject,
    /// Who made it.
    pub created_by: Option<CreatedBy>,
    /// Who changed it last.
    pub updated_by: Option<CreatedBy>,
}

/// A deployment.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = deployments, check_for_backend(MultiBackend))]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Of which flow.
    pub flow_id: FlowId,
    /// Its name, unique for the flow.
    pub name: String,
    /// Its tags.
    pub tags: Json<Vec<String>>,
    /// What clients keep with it.
    pub body: Json<Body>,
    /// Since when its schedules make no runs.
    pub paused_at: Option<Instant>,
    /// When something last asked for its runs.
    pub last_polled_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// Something asks for the runs of a deployment as long as it did so in this time (semantics.md 15).
const POLLED: SignedDuration = SignedDuration::from_secs(60);

impl Deployment {
    /// Whether something asks for its runs (DEP-04).
    pub fn is_ready(&self, now: Instant) -> bool {
        self.last_polled_at.is_some_and(|at| at + POLLED >= now)
    }
}

/// A rule that makes runs of a deployment by itself.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = deployment_schedules, check_for_backend(MultiBackend))]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Of which deployment.
    pub deployment_id: DeploymentId,
    /// Its name, unique in the deployment.
    pub slug: Option<String>,
    /// The rule.
    pub schedule: Json<RawObject>,
    /// The parameters that its runs have of their own.
    pub parameters: Json<RawObject>,
    /// Runs that it makes ahead, at most.
    pub max_scheduled_runs: Option<i32>,
    /// Since when it makes no runs.
    pub paused_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// A deployment with its schedules, the last changed first.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The deployment.
    pub deployment: Deployment,
    /// Its schedules.
    pub schedules: Vec<Schedule>,
}

/// A schedule as a client wants it; what is absent stays, or is the usual.
#[derive(Clone, Debug, Default)]
pub struct WantedSchedule {
    /// The rule.
    pub rule: Option<RawObject>,
    /// Whether it makes runs.
    pub active: Option<bool>,
    /// Runs that it makes ahead, at most.
    pub max_scheduled_runs: Option<i32>,
    /// The parameters that its runs have of their own.
    pub parameters: Option<RawObject>,
    /// Its name.
    pub slug: Option<String>,
    /// The name of the one that it takes the place of.
    pub replaces: Option<String>,
}

/// Schedules of a deployment, at most (contents.md 0.3).
pub const SCHEDULES: usize = 100;

/// The longest slug, in bytes: what an index of both databases takes.
const LONGEST_SLUG: usize = 1000;

impl WantedSchedule {
    /// Whether what it says can be kept.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check(&self) -> Result<()> {
        let most = self.max_scheduled_runs;
        if most.is_some_and(|most| !(1..=50).contains(&most)) {
            return Err(Error::Invalid("max_scheduled_runs: use 1 to 50.".to_owned()));
        }
        if self.slug.as_ref().is_some_and(|slug| slug.len() > LONGEST_SLUG) {
            return Err(Error::Invalid(format!("slug: use {LONGEST_SLUG} bytes at most.")));
        }
        Ok(())
    }

    /// The schedule, made anew. `order` tells those apart that are made at once.
    ///
    /// # Errors
    /// [`Error::Invalid`] without a rule.
    pub fn made(self, of: DeploymentId, (now, order): (Instant, usize)) -> Result<Schedule> {
        let rule = self.rule.ok_or_else(|| {
            let text =
                "Unable to create new deployment schedules without a schedule configuration.";
            Error::Invalid(text.to_owned())
        })?;
        let order = SignedDuration::from_micros(i64::try_from(order).unwrap_or(0));
        Ok(Schedule {
            id: ScheduleId::new(now),
            deployment_id: of,
            slug: self.slug,
            schedule: Json(rule),
            parameters: Json(self.parameters.unwrap_or_default()),
            max_scheduled_runs: self.max_scheduled_runs,
            paused_at: (self.active == Some(false)).then_some(now),
            created_at: now + order,
            updated_at: now + order,
        })
    }

    /// Puts what it says into a schedule.
    pub fn change(self, schedule: &mut Schedule, now: Instant) {
        if let Some(rule) = self.rule {
            schedule.schedule.0 = rule;
        }
        match self.active {
            Some(true) => schedule.paused_at = None,
            Some(false) => {
                schedule.paused_at.get_or_insert(now);
            }
            None => {}
        }
        if let Some(parameters) = self.parameters {
            schedule.parameters.0 = parameters;
        }
        schedule.max_scheduled_runs = self.max_scheduled_runs.or(schedule.max_scheduled_runs);
        schedule.slug = self.slug.or(schedule.slug.take());
        schedule.updated_at = now;
    }
}

/// Whether schedules of a deployment go together: not too many, each with a slug of its own or none (semantics.md 12).
///
/// # Errors
/// [`Error::Invalid`], [`Error::Conflict`].
pub fn check_schedules(schedules: &[Schedule]) -> Result<()> {
    if schedules.len() > SCHEDULES {
        let text = format!("A deployment has at most {SCHEDULES} schedules.");
        return Err(Error::Invalid(text));
    }
    let mut slugs = std::collections::HashSet::new();
    let mut named = schedules.iter().filter_map(|schedule| schedule.slug.as_deref());
    if named.all(|slug| slugs.insert(slug)) {
        return Ok(());
    }
    Err(Error::Conflict("Schedule slugs must be unique within a deployment.".to_owned()))
}
