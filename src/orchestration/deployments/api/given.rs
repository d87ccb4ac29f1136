//! Deployments and schedules as clients send them. What a body has beside what is known is refused, as the client's own
//! server does; what this version lacks (pools, queues, limits, blocks) is refused where it is not null.

use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::json::given;
use crate::base::http::object::Object;
use crate::base::json::{Raw, RawObject};
use crate::orchestration::deployments::actions::{Change, Deploy};
use crate::orchestration::deployments::model::WantedSchedule;
use crate::orchestration::deployments::rule;

/// A schedule that is about to be made or changed; what is absent or null stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleGiven {
    /// The rule: an interval, a cron expression, or a recurrence rule.
    #[schema(value_type = Option<Object>)]
    pub schedule: Option<RawObject>,
    /// Whether it makes runs.
    pub active: Option<bool>,
    /// Runs that it makes ahead, at most.
    #[schema(minimum = 1, maximum = 50)]
    pub max_scheduled_runs: Option<i32>,
    /// The parameters that its runs have of their own.
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<RawObject>,
    /// Its name, unique in the deployment.
    pub slug: Option<String>,
    /// The name of the one that it takes the place of.
    pub replaces: Option<String>,
}

impl ScheduleGiven {
    /// What is wanted.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no rule.
    pub fn wanted(self, now: Instant) -> Result<WantedSchedule> {
        let rule = self.schedule.map(|rule| rule::parsed(rule, now)).transpose();
        Ok(WantedSchedule {
            rule: rule.map_err(Error::Invalid)?,
            active: self.active,
            max_scheduled_runs: self.max_scheduled_runs,
            parameters: self.parameters,
            slug: self.slug,
            replaces: self.replaces,
        })
    }
}

/// The schedules of a body.
///
/// # Errors
/// As of [`ScheduleGiven::wanted`].
pub fn wanted(list: Vec<Object<ScheduleGiven>>, now: Instant) -> Result<Vec<WantedSchedule>> {
    list.into_iter().map(|Object(one)| one.wanted(now)).collect()
}

/// Writes the body of making a deployment and that of changing one: what both have stands here.
macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($own:tt)* })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, ToSchema, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $($own)*
                /// Its version.
                #[serde(default, deserialize_with = "given")]
                #[schema(value_type = Option<String>)]
                pub version: Option<Option<String>>,
                /// What is known of that version.
                #[serde(default, deserialize_with = "given")]
                #[schema(value_type = Option<Object>)]
                pub version_info: Option<Option<RawObject>>,
                /// What it is for.
                #[serde(default, deserialize_with = "given")]
                #[schema(value_type = Option<String>)]
                pub description: Option<Option<String>>,
                /// Whether its schedules make no runs.
                pub paused: Option<bool>,
                /// Its schedules.
                #[schema(value_type = Option<Vec<ScheduleGiven>>, max_items = 100)]
                pub schedules: Option<Vec<Object<ScheduleGiven>>>,
                /// What its runs are called with, unless told.
                #[schema(value_type = Option<Object>)]
                pub parameters: Option<RawObject>,
                /// What its runs can be called with, as JSON schema.
                #[serde(default, deserialize_with = "given")]
                #[schema(value_type = Option<Object>)]
                pub parameter_openapi_schema: Option<Option<RawObject>>,
                /// Whether parameters are checked before a run is made.
                pub enforce_parameter_schema: Option<bool>,
                /// Its tags.
                pub tags: Option<Vec<String>>,
                /// How the code gets to where it runs.
                #[serde(default, deserialize_with = "given")]
                #[schema(value_type = Option<Vec<Object>>)]
                pub pull_steps: Option<Option<Vec<RawObject>>>,
                /// Where the code lies.
                #[serde(default, deserialize_with = "given")]
                #[schema(value_type = Option<String>)]
                pub path: Option<Option<String>>,
                /// Where the code begins.
                #[serde(default, deserialize_with = "given")]
                #[schema(value_type = Option<String>)]
                pub entrypoint: Option<Option<String>>,
                /// Settings of what runs it.
                #[schema(value_type = Option<Object>)]
                pub job_variables: Option<RawObject>,
                /// The same in words of older clients.
                #[schema(value_type = Option<Object>)]
                pub infra_overrides: Option<RawObject>,
                /// Null: there are no work pools.
                pub work_pool_name: Option<String>,
                /// Null: there are no work queues.
                pub work_queue_name: Option<String>,
                /// Null: deployments have no limits.
                #[schema(value_type = Option<i64>)]
                pub concurrency_limit: Option<Raw>,
                /// Null: the same.
                #[schema(value_type = Option<Object>)]
                pub concurrency_options: Option<Raw>,
                /// Null: the same.
                pub global_concurrency_limit_id: Option<Uuid>,
                /// Null: there are no blocks.
                pub storage_document_id: Option<Uuid>,
                /// Null: the same.
                pub infrastructure_document_id: Option<Uuid>,
                /// Whether its schedules make runs, in words of older clients.
                pub is_schedule_active: Option<bool>,
                /// A schedule, in words of older clients.
                #[schema(value_type = Option<Object>)]
                pub schedule: Option<RawObject>,
                /// What older clients say, and nobody reads.
                #[schema(value_type = Option<String>)]
                #[serde(alias = "worker_pool_queue_id", alias = "worker_pool_name")]
                #[serde(alias = "worker_pool_queue_name", alias = "work_pool_queue_name")]
                pub manifest_path: Option<IgnoredAny>,
            }

            impl $name {
                /// Whether it asks for nothing that this version lacks.
                fn check(&self) -> Result<()> {
                    if let Some(name) = &self.work_pool_name {
                        return Err(Error::Absent(format!("Work pool \"{name}\" not found.")));
                    }
                    if let Some(name) = &self.work_queue_name {
                        return Err(Error::Absent(format!("Work queue \"{name}\" not found.")));
                    }
                    if self.global_concurrency_limit_id.is_some() {
                        return Err(Error::Absent("Concurrency limit not found".to_owned()));
                    }
                    let is_said = |value: &Option<Raw>| {
                        value.as_ref().is_some_and(|value| value.text() != "null")
                    };
                    if is_said(&self.concurrency_limit) || is_said(&self.concurrency_options) {
                        let text = "concurrency_limit: deployments have no limits in this version of Bulkhead yet.";
                        return Err(Error::Invalid(text.to_owned()));
                    }
                    let blocks = [
                        ("storage", self.storage_document_id),
                        ("infrastructure", self.infrastructure_document_id),
                    ];
                    match blocks.into_iter().find_map(|(kind, id)| Some((kind, id?))) {
                        Some((kind, id)) => Err(Error::Conflict(format!(
                            "Could not find {kind} block with id: {id}."
                        ))),
                        None => Ok(()),
                    }
                }

                /// The schedules that it names; `None` where it names none.
                fn schedules(&mut self, now: Instant) -> Result<Option<Vec<WantedSchedule>>> {
                    let list = self.schedules.take();
                    let single = self.schedule.take().filter(|_| list.as_ref().is_none_or(Vec::is_empty));
                    let list = match single {
                        Some(rule) => Some(vec![Object(ScheduleGiven {
                            schedule: Some(rule),
                            ..ScheduleGiven::default()
                        })]),
                        None => list,
                    };
                    list.map(|list| wanted(list, now)).transpose()
                }

                fn change(self, labels: Option<RawObject>) -> Change {
                    Change {
                        version: self.version,
                        version_info: self.version_info,
                        description: self.description,
                        entrypoint: self.entrypoint,
                        path: self.path,
                        pull_steps: self.pull_steps,
                        tags: self.tags,
                        paused: self.paused.or(self.is_schedule_active.map(|is_active| !is_active)),
                        parameters: self.parameters,
                        parameter_schema: self.parameter_openapi_schema,
                        is_checked: self.enforce_parameter_schema,
                        job_variables: self.job_variables.or(self.infra_overrides),
                        labels,
                    }
                }
            }
        )+
    };
}

bodies! {
    /// A deployment that is about to be made, or to be made again.
    DeploymentCreate {
        /// Its name, unique for the flow.
        #[schema(min_length = 1, max_length = 500, pattern = r"^[^/\\%&><]+$")]
        pub name: String,
        /// Of which flow.
        pub flow_id: Uuid,
        /// Its labels.
        #[schema(value_type = Option<Object>)]
        pub labels: Option<RawObject>,
    }
    /// A change of a deployment; what is absent stays.
    DeploymentChange {}
}

impl DeploymentCreate {
    /// What is wanted.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::Conflict`] and [`Error::Invalid`] for what is not there, or cannot be kept.
    pub fn wanted(mut self, now: Instant) -> Result<Deploy> {
        self.check()?;
        let schedules = self.schedules(now)?.unwrap_or_default();
        let (name, flow, labels) = (self.name.clone(), self.flow_id.into(), self.labels.take());
        Ok(Deploy { flow, name, change: self.change(labels), schedules })
    }
}

impl DeploymentChange {
    /// What is wanted, and the schedules, where they change.
    ///
    /// # Errors
    /// As of [`DeploymentCreate::wanted`].
    pub fn wanted(mut self, now: Instant) -> Result<(Change, Option<Vec<WantedSchedule>>)> {
        self.check()?;
        let schedules = self.schedules(now)?;
        Ok((self.change(None), schedules))
    }
}
