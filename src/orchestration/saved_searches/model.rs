//! A saved search.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::db::schema::saved_searches;
use crate::base::db::{Instant, Json, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::http::json::Window;
use crate::base::json::{Raw, cut};
use crate::base::text::single_line;

pub use crate::base::db::ids::SavedSearchId;

/// One condition of a saved search, in words that only whoever saved it needs to know (Prefect 3.8.8).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub struct SavedSearchFilter {
    /// What is looked for: `flow_run`, `flow` …
    pub object: String,
    /// By which of its properties.
    pub property: String,
    /// Of which type that is.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it is compared.
    pub operation: String,
    /// With what.
    #[schema(value_type = Value)]
    pub value: Raw,
}

/// A saved search.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = saved_searches, check_for_backend(MultiBackend))]
pub struct SavedSearch {
    /// Its id.
    pub id: SavedSearchId,
    /// Its name, unique in the workspace.
    pub name: String,
    /// What it looks for.
    pub filters: Json<Vec<SavedSearchFilter>>,
    /// When it was first saved.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// Saved searches of a workspace, at most.
pub const MOST: i64 = 200;

/// All of them.
pub const ALL: Window = Window { limit: MOST, offset: 0 };

/// Those in sight on the list of flow runs, which is asked for again and again; the others are on their own list.
pub const IN_SIGHT: Window = Window { limit: 8, offset: 0 };

/// Conditions of one, at most, and their length as JSON, in bytes.
const FILTERS: usize = 100;
const LONGEST: usize = 16 * 1024;

/// A name, as one line of text (IV-09).
///
/// # Errors
/// What to do, for one that is empty or too long, or has invisible characters.
pub fn name(text: &str) -> Result<String, String> {
    let name = single_line(text, "The name", 100)?;
    if name.is_empty() {
        return Err("Give the search a name.".to_owned());
    }
    Ok(name)
}

/// Checks that conditions can be kept.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check(filters: &[SavedSearchFilter]) -> Result<()> {
    let length = Raw::of(&filters).text().len();
    if filters.len() > FILTERS || length > LONGEST {
        let kib = LONGEST / 1024;
        let rule = format!("filters: {FILTERS} at most, and {kib} KiB of them.");
        return Err(Error::Invalid(rule));
    }
    Ok(())
}

/// What the page of flow runs is narrowed by, each parameter of its address as a condition: its name there, then the
/// object, property, type and operation.
const PARAMETERS: &[(&str, [&str; 4])] = &[
    ("period", ["flow_run", "period", "string", "equals"]),
    ("sort", ["flow_run", "sort", "string", "equals"]),
    ("from", ["flow_run", "expected_start_time", "date", "after"]),
    ("to", ["flow_run", "expected_start_time", "date", "before"]),
    ("state", ["flow_run", "state", "string", "equals"]),
    ("deployment", ["deployment", "id", "string", "equals"]),
    ("flow", ["flow", "name", "string", "equals"]),
    ("tag", ["flow_run", "tags", "string", "contains"]),
    ("q", ["flow_run", "name", "string", "contains"]),
];

/// Those parameters that the page has, in its order, and that say something.
pub fn known(typed: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    let value = |(name, _): &(&'static str, _)| {
        let value = typed.get(*name).filter(|value| !value.is_empty())?;
        Some((*name, value.chars().take(500).collect()))
    };
    PARAMETERS.iter().filter_map(value).collect()
}

/// The parameters of the page as conditions.
pub fn of_parameters(pairs: &[(&'static str, String)]) -> Vec<SavedSearchFilter> {
    let filter = |(name, value): &(&str, String)| {
        let (_, words) = PARAMETERS.iter().find(|(known, _)| known == name)?;
        let [object, property, kind, operation] = words.map(str::to_owned);
        Some(SavedSearchFilter { object, property, kind, operation, value: Raw::of(value) })
    };
    pairs.iter().filter_map(filter).collect()
}

/// What conditions say, in words, as long as a row of a list bears.
pub fn words(filters: &[SavedSearchFilter]) -> String {
    let one = |filter: &SavedSearchFilter| {
        let is_text = serde_json::from_str(filter.value.text()).ok();
        let value: String = is_text.unwrap_or_else(|| filter.value.text().to_owned());
        let of = if filter.object == "flow_run" { "" } else { filter.object.as_str() };
        let how = if filter.operation == "equals" { "" } else { filter.operation.as_str() };
        let property = filter.property.replace('_', " ");
        let parts = [of, &property, how, &value];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    cut(filters.iter().map(one).collect::<Vec<_>>().join(" · "), 300)
}

impl SavedSearch {
    /// The parameters of the page that shows what it looks for; `None` for conditions of other programs, which the page
    /// does not have.
    pub fn parameters(&self) -> Option<Vec<(&'static str, String)>> {
        let parameter = |filter: &SavedSearchFilter| {
            let words = [&filter.object, &filter.property, &filter.kind, &filter.operation];
            let (name, _) = PARAMETERS.iter().find(|(_, known)| words == *known)?;
            Some((*name, serde_json::from_str(filter.value.text()).ok()?))
        };
        let mut known = HashSet::new();
        let shown: Option<Vec<_>> = self.filters.0.iter().map(parameter).collect();
        shown.filter(|all| all.iter().all(|(name, _)| known.insert(*name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(filters: Vec<SavedSearchFilter>) -> SavedSearch {
        let at = Instant::from_microseconds(0);
        let id = uuid::Uuid::nil().into();
        let (filters, name) = (Json(filters), "x".to_owned());
        SavedSearch { id, name, filters, created_at: at, updated_at: at }
    }

    #[test]
    fn what_the_page_saves_it_shows_again() {
        let value = |name: &str| (name.to_owned(), "a \"b\"".to_owned());
        let mut typed: BTreeMap<_, _> = PARAMETERS.iter().map(|(name, _)| value(name)).collect();
        typed.extend([value("after"), ("sort".to_owned(), String::new())]);
        let pairs = known(&typed);
        assert_eq!(pairs.len(), PARAMETERS.len() - 1);
        let mut filters = of_parameters(&pairs);
        assert_eq!(saved(filters.clone()).parameters(), Some(pairs));
        assert!(
            words(&filters)
                .ends_with("flow name a \"b\" · tags contains a \"b\" · name contains a \"b\"")
        );
        filters.push(filters[0].clone());
        assert_eq!(saved(filters.clone()).parameters(), None, "one of the two would not count");
        filters.truncate(1);
        filters[0].operation = "differs".to_owned();
        assert_eq!(saved(filters).parameters(), None);
    }

    #[test]
    fn a_name_is_short_and_not_empty() {
        assert_eq!(name("  Nightly failures ").as_deref(), Ok("Nightly failures"));
        assert!(name("  ").is_err() && name(&"ä".repeat(101)).is_err());
        assert!(name("Night\u{202e}ly").is_err() && name("a\nb").is_err());
        let of_length = |length| check(&of_parameters(&[("q", "x".repeat(length))]));
        assert!(of_length(LONGEST).is_err() && of_length(1).is_ok());
    }
}
