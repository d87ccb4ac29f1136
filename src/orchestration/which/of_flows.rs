//! Which flows.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::schema::flows;
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Linked, Named, Operator, Tagged, Term, conditions, join,
};

/// Which flows; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowFilter {
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
    /// With deployments, or without.
    #[serde(default, deserialize_with = "object")]
    pub deployment: Option<Linked>,
}

impl FlowFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self) -> Result<Option<Term<flows::table>>> {
        let mut terms: Vec<Term<flows::table>> = Vec::new();
        if let Some(id) = &self.id {
            terms.extend(with_id(id)?);
        }
        if let Some(name) = &self.name {
            terms.extend(named(name)?);
        }
        if let Some(tags) = &self.tags {
            terms.extend(tagged(tags)?);
        }
        if let Some(deployment) = &self.deployment
            && let Some(is_null) = deployment.is_null_
        {
            // No flow has a deployment.
            terms.push(Box::new(is_null.into_sql::<Bool>().nullable()));
        }
        Ok(join(self.operator, terms))
    }
}

conditions!(flows);
