//! Which flows.

use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::Id;
use crate::base::db::schema::flows;
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{
    Among, Named, Operator, Tagged, Term, join, lower, tag_patterns,
};

/// Which flows; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
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
}

impl FlowFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self) -> Result<Option<Term<flows::table>>> {
        let mut terms: Vec<Term<flows::table>> = Vec::new();
        if let Some(id) = &self.id {
            let ids = |list: &[Uuid]| list.iter().map(|id| Id::from(*id)).collect::<Vec<Id<()>>>();
            let id = id.checked()?;
            if let Some(any) = &id.any_ {
                terms.push(Box::new(flows::id.eq_any(ids(any)).nullable()));
            }
            if let Some(none) = &id.not_any_ {
                terms.push(Box::new(flows::id.ne_all(ids(none)).nullable()));
            }
        }
        if let Some(name) = &self.name {
            if let Some(pattern) = name.pattern()? {
                let found = lower(flows::name).like(pattern).escape('\\');
                terms.push(Box::new(found.nullable()));
            }
            if let Some(any) = &name.any_ {
                terms.push(Box::new(flows::name.eq_any(any.clone()).nullable()));
            }
        }
        if let Some(tags) = &self.tags {
            terms.extend(tagged(tags.checked()?));
        }
        Ok(join(self.operator, terms))
    }
}

fn has_tag(tag: &str) -> Term<flows::table> {
    let [first, later] = tag_patterns(tag);
    let found = flows::tags.like(first).escape('\\').or(flows::tags.like(later).escape('\\'));
    Box::new(found.nullable())
}

fn tagged(tags: &Tagged) -> Option<Term<flows::table>> {
    let mut terms: Vec<Term<flows::table>> = Vec::new();
    if let Some(all) = &tags.all_ {
        terms.extend(join(Operator::And, all.iter().map(|tag| has_tag(tag)).collect()));
    }
    if let Some(any) = &tags.any_ {
        terms.extend(join(Operator::Or, any.iter().map(|tag| has_tag(tag)).collect()));
    }
    match tags.is_null_ {
        Some(true) => terms.push(Box::new(flows::tags.eq("[]").nullable())),
        Some(false) => terms.push(Box::new(flows::tags.ne("[]").nullable())),
        None => {}
    }
    join(tags.operator, terms)
}
