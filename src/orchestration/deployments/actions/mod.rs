//! What happens to deployments.

mod deploy;
mod note;
mod remove;
mod run;
mod schedules;

use actix_web::web;

use super::model::{Body, Deployment};
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::json::RawObject;
use crate::orchestration::rows::flow_runs::model::CreatedBy;
use crate::orchestration::wire::schema::{self, Fault};

pub use deploy::{Deploy, change, deploy, set_paused};
pub use remove::{delete, delete_all};
pub use run::{WantedRun, due, run};
pub use schedules::{add_schedules, change_schedule, delete_schedule, pause_schedule};

/// What a client changes in a deployment; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Its version.
    pub version: Option<Option<String>>,
    /// What is known of that version.
    pub version_info: Option<Option<RawObject>>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Where the code begins.
    pub entrypoint: Option<Option<String>>,
    /// Where the code lies.
    pub path: Option<Option<String>>,
    /// How the code gets there.
    pub pull_steps: Option<Option<Vec<RawObject>>>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Whether its schedules make no runs.
    pub paused: Option<bool>,
    /// What its runs are called with, unless told.
    pub parameters: Option<RawObject>,
    /// What its runs can be called with.
    pub parameter_schema: Option<Option<RawObject>>,
    /// Whether parameters are checked by that.
    pub is_checked: Option<bool>,
    /// Settings of what runs it.
    pub job_variables: Option<RawObject>,
    /// Its labels.
    pub labels: Option<RawObject>,
}

impl Change {
    /// Puts what it says into a deployment.
    fn apply(self, deployment: &mut Deployment, maker: CreatedBy, now: Instant) {
        let body = &mut deployment.body.0;
        let put = |place: &mut Option<String>, said: Option<Option<String>>| {
            if let Some(said) = said {
                *place = said;
            }
        };
        put(&mut body.version, self.version);
        put(&mut body.description, self.description);
        put(&mut body.entrypoint, self.entrypoint);
        put(&mut body.path, self.path);
        if let Some(said) = self.version_info {
            body.version_info = said;
        }
        if let Some(said) = self.pull_steps {
            body.pull_steps = said;
        }
        if let Some(said) = self.parameters {
            body.parameters = said;
        }
        if let Some(said) = self.parameter_schema {
            body.parameter_schema = said;
        }
        if let Some(said) = self.job_variables {
            body.job_variables = said;
        }
        if let Some(said) = self.labels {
            body.labels = said;
        }
        body.is_checked = self.is_checked.unwrap_or(body.is_checked);
        body.updated_by = Some(maker);
        if let Some(said) = self.tags {
            deployment.tags.0 = said;
        }
        match self.paused {
            Some(true) => {
                deployment.paused_at.get_or_insert(now);
            }
            Some(false) => deployment.paused_at = None,
            None => {}
        }
        deployment.updated_at = now;
    }

    /// Whether it touches what parameters are checked by, or them.
    fn touches_parameters(&self) -> bool {
        self.parameters.is_some()
            || self.parameter_schema.is_some()
            || self.is_checked == Some(true)
    }

    /// What parameters are checked by once it is made.
    fn checked(&self, body: &Body) -> (RawObject, Option<RawObject>) {
        let parameters = self.parameters.clone().unwrap_or_else(|| body.parameters.clone());
        let schema = self.parameter_schema.clone();
        (parameters, schema.unwrap_or_else(|| body.parameter_schema.clone()))
    }
}

/// Checks parameters by a schema that came from a client, and may take its time, so nothing waits for it.
async fn check_parameters(
    schema: RawObject,
    parameters: RawObject,
    requires: bool,
) -> Result<(), Fault> {
    let look = move || schema::check_parameters(&schema, &parameters, requires);
    web::block(look).await.unwrap_or_else(|_| Err(Fault::Schema("it was not looked at".to_owned())))
}

/// What is wrong with parameters, as the client's own server says it.
fn told(fault: Fault) -> String {
    match fault {
        Fault::Schema(problem) => {
            format!("The provided schema is not a valid json schema. Schema error: {problem}")
        }
        Fault::Value { field, problem } if field.is_empty() => {
            format!("Validation failed. Failure reason: {problem}")
        }
        Fault::Value { field, problem } => {
            format!("Validation failed for field '{field}'. Failure reason: {problem}")
        }
    }
}

/// What is said where parameters should be checked by nothing.
fn no_schema() -> Error {
    Error::Conflict(
        "Error updating deployment: Cannot update parameters because parameter schema enforcement is enabled and the \
         deployment does not have a valid parameter schema."
            .to_owned(),
    )
}
