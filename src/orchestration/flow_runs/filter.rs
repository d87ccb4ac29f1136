//! Which runs.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::schema::flow_runs;
use crate::base::db::{Id, SqlInstant};
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Between, InState, Linked, Named, Operator, Tagged, Term, join, lower, tag_patterns,
};

type Runs = Term<flow_runs::table>;

/// Which runs; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct FlowRunFilter {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With these ids.
    #[serde(default, deserialize_with = "object")]
    pub id: Option<Among<Uuid>>,
    /// With these names.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Named>,
    /// With these tags.
    #[serde(default, deserialize_with = "object")]
    pub tags: Option<Tagged>,
    /// Of these deployments.
    #[serde(default, deserialize_with = "object")]
    pub deployment_id: Option<Linked>,
    /// In these states.
    #[serde(default, deserialize_with = "object")]
    pub state: Option<InState>,
    /// With these versions of the flow.
    #[serde(default, deserialize_with = "object")]
    pub flow_version: Option<Among<String>>,
    /// That first began in this time.
    #[serde(default, deserialize_with = "object")]
    pub start_time: Option<Between>,
    /// That ended in this time.
    #[serde(default, deserialize_with = "object")]
    pub end_time: Option<Between>,
    /// That are or were due in this time.
    #[serde(default, deserialize_with = "object")]
    pub expected_start_time: Option<Between>,
    /// That wait for a moment in this time.
    #[serde(default, deserialize_with = "object")]
    pub next_scheduled_start_time: Option<Between>,
    /// That these tasks stand for.
    #[serde(default, deserialize_with = "object")]
    pub parent_task_run_id: Option<Linked>,
    /// With these keys.
    #[serde(default, deserialize_with = "object")]
    pub idempotency_key: Option<Among<String>>,
}

fn ids(list: &[Uuid]) -> Vec<Id<()>> {
    list.iter().map(|id| Id::from(*id)).collect()
}

/// The conditions of a list of values on a text column that may be null.
macro_rules! among {
    ($terms:ident, $column:expr, $filter:expr) => {
        if let Some(filter) = $filter {
            let filter = filter.checked()?;
            if let Some(any) = &filter.any_ {
                $terms.push(Box::new($column.eq_any(any.clone()).nullable()) as Runs);
            }
            if let Some(none) = &filter.not_any_ {
                $terms.push(Box::new($column.ne_all(none.clone()).nullable()) as Runs);
            }
        }
    };
}

impl FlowRunFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self) -> Result<Option<Runs>> {
        let mut terms: Vec<Runs> = Vec::new();
        if let Some(id) = &self.id {
            let id = id.checked()?;
            if let Some(any) = &id.any_ {
                terms.push(Box::new(flow_runs::id.eq_any(ids(any)).nullable()));
            }
            if let Some(none) = &id.not_any_ {
                terms.push(Box::new(flow_runs::id.ne_all(ids(none)).nullable()));
            }
        }
        if let Some(name) = &self.name {
            if let Some(pattern) = name.pattern()? {
                let found = lower(flow_runs::name).like(pattern).escape('\\');
                terms.push(Box::new(found.nullable()));
            }
            if let Some(any) = &name.any_ {
                terms.push(Box::new(flow_runs::name.eq_any(any.clone()).nullable()));
            }
        }
        if let Some(tags) = &self.tags {
            terms.extend(tagged(tags.checked()?));
        }
        if let Some(deployment) = &self.deployment_id {
            // No run stands for a deployment.
            let holds = deployment.is_null_.unwrap_or(deployment.any_.is_none());
            terms.push(Box::new(holds.into_sql::<Bool>().nullable()));
        }
        if let Some(state) = &self.state {
            terms.extend(in_state(state)?);
        }
        among!(terms, flow_runs::flow_version, &self.flow_version);
        among!(terms, flow_runs::idempotency_key, &self.idempotency_key);
        let times = [
            between(flow_runs::started_at, self.start_time.as_ref()),
            between(flow_runs::ended_at, self.end_time.as_ref()),
            between(flow_runs::expected_start_at, self.expected_start_time.as_ref()),
            between(flow_runs::next_scheduled_at, self.next_scheduled_start_time.as_ref()),
        ];
        terms.extend(times.into_iter().flatten());
        if let Some(parent) = &self.parent_task_run_id {
            terms.extend(linked(parent.checked()?));
        }
        Ok(join(self.operator, terms))
    }
}

fn in_state(state: &InState) -> Result<Option<Runs>> {
    let mut terms: Vec<Runs> = Vec::new();
    among!(terms, flow_runs::state_type, &state.kind);
    among!(terms, flow_runs::state_name, &state.name);
    Ok(join(state.operator, terms))
}

fn between<C>(column: C, time: Option<&Between>) -> Option<Runs>
where
    C: diesel::Column<Table = flow_runs::table>
        + diesel::Expression<SqlType = diesel::sql_types::Nullable<SqlInstant>>
        + Copy
        + 'static,
    diesel::dsl::Nullable<diesel::dsl::IsNull<C>>: diesel::Expression,
    Runs: FromTime<C>,
{
    Runs::from_time(column, time?)
}

/// How a condition on a time comes to be; a trait, so that the bounds of diesel stand in one place.
trait FromTime<C> {
    fn from_time(column: C, time: &Between) -> Option<Runs>;
}

macro_rules! times {
    ($($column:ident),+) => {
        $(impl FromTime<flow_runs::$column> for Runs {
            fn from_time(column: flow_runs::$column, time: &Between) -> Option<Runs> {
                let mut terms: Vec<Runs> = Vec::new();
                if let Some(before) = time.before_ {
                    terms.push(Box::new(column.le(before)));
                }
                if let Some(after) = time.after_ {
                    terms.push(Box::new(column.ge(after)));
                }
                match time.is_null_ {
                    Some(true) => terms.push(Box::new(column.is_null().nullable())),
                    Some(false) => terms.push(Box::new(column.is_not_null().nullable())),
                    None => {}
                }
                join(Operator::And, terms)
            }
        })+
    };
}
times!(started_at, ended_at, expected_start_at, next_scheduled_at);

fn linked(parent: &Linked) -> Option<Runs> {
    let mut terms: Vec<Runs> = Vec::new();
    if let Some(any) = &parent.any_ {
        terms.push(Box::new(flow_runs::parent_task_run_id.eq_any(ids(any))));
    }
    match parent.is_null_ {
        Some(true) => terms.push(Box::new(flow_runs::parent_task_run_id.is_null().nullable())),
        Some(false) => {
            terms.push(Box::new(flow_runs::parent_task_run_id.is_not_null().nullable()));
        }
        None => {}
    }
    join(parent.operator, terms)
}

fn has_tag(tag: &str) -> Runs {
    let [first, later] = tag_patterns(tag);
    let tags = flow_runs::tags;
    Box::new(tags.like(first).escape('\\').or(tags.like(later).escape('\\')).nullable())
}

fn tagged(tags: &Tagged) -> Option<Runs> {
    let mut terms: Vec<Runs> = Vec::new();
    if let Some(all) = &tags.all_ {
        terms.extend(join(Operator::And, all.iter().map(|tag| has_tag(tag)).collect()));
    }
    if let Some(any) = &tags.any_ {
        terms.extend(join(Operator::Or, any.iter().map(|tag| has_tag(tag)).collect()));
    }
    match tags.is_null_ {
        Some(true) => terms.push(Box::new(flow_runs::tags.eq("[]").nullable())),
        Some(false) => terms.push(Box::new(flow_runs::tags.ne("[]").nullable())),
        None => {}
    }
    join(tags.operator, terms)
}
