//! Pieces of the filters that the client sends (schemas `*Filter*` of Prefect 3.8.8's API): what is null
//! or absent narrows nothing; the pieces of one filter are joined by its operator.

use diesel::expression::BoxableExpression;
use diesel::sql_types::{Bool, Nullable, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::db::paging::contains_pattern;
use crate::base::db::{Instant, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::http::json::object;

/// Values in one list of a filter, at most.
const VALUES: usize = 200;

/// A condition on rows of a table.
pub type Term<T> = Box<dyn BoxableExpression<T, MultiBackend, SqlType = Nullable<Bool>>>;

diesel::define_sql_function! {
    /// A text in lower case.
    fn lower(text: Text) -> Text;
}

/// How pieces are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum Operator {
    /// All of them hold.
    #[default]
    #[serde(rename = "and_")]
    And,
    /// One of them holds.
    #[serde(rename = "or_")]
    Or,
}

/// Which values, and which not.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Among<T> {
    /// One of these.
    pub any_: Option<Vec<T>>,
    /// None of these.
    pub not_any_: Option<Vec<T>>,
}

impl<T> Default for Among<T> {
    fn default() -> Self {
        Self { any_: None, not_any_: None }
    }
}

impl<T> Among<T> {
    /// The filter itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more values than a query takes (IV-10).
    pub fn checked(&self) -> Result<&Self> {
        bounded(self.any_.as_deref())?;
        bounded(self.not_any_.as_deref())?;
        Ok(self)
    }
}

fn bounded<T>(list: Option<&[T]>) -> Result<()> {
    match list {
        Some(list) if list.len() > VALUES => {
            Err(Error::Invalid(format!("A list in a filter takes {VALUES} values at most.")))
        }
        _ => Ok(()),
    }
}

/// Which names.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct Named {
    /// One of these.
    pub any_: Option<Vec<String>>,
    /// Containing this, in letters of any size.
    pub like_: Option<String>,
}

impl Named {
    /// The pattern of `like_`, in lower case.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more values than a query takes.
    pub fn pattern(&self) -> Result<Option<String>> {
        bounded(self.any_.as_deref())?;
        Ok(self.like_.as_ref().map(|like| contains_pattern(like)))
    }
}

/// Which moments.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct Between {
    /// Until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub before_: Option<Instant>,
    /// From then on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub after_: Option<Instant>,
    /// Whether there is none.
    pub is_null_: Option<bool>,
}

/// Which tags.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct Tagged {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// All of these.
    pub all_: Option<Vec<String>>,
    /// One of these.
    pub any_: Option<Vec<String>>,
    /// Whether there are none.
    pub is_null_: Option<bool>,
}

/// Patterns of which one is in the JSON text of a list of tags exactly if the tag is in the list: the
/// first behind the bracket, a later one behind a comma.
pub fn tag_patterns(tag: &str) -> [String; 2] {
    let word = serde_json::to_string(tag).unwrap_or_default();
    let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    [format!("[{escaped}%"), format!("%,{escaped}%")]
}

/// Which ids of something that may be absent.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct Linked {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// One of these.
    pub any_: Option<Vec<Uuid>>,
    /// Whether there is none.
    pub is_null_: Option<bool>,
}

impl Linked {
    /// The filter itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more values than a query takes (IV-10).
    pub fn checked(&self) -> Result<&Self> {
        bounded(self.any_.as_deref())?;
        Ok(self)
    }
}

impl Tagged {
    /// The filter itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more values than a query takes (IV-10).
    pub fn checked(&self) -> Result<&Self> {
        bounded(self.all_.as_deref())?;
        bounded(self.any_.as_deref())?;
        Ok(self)
    }
}

/// Which states.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct InState {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// Of which kinds.
    #[serde(default, deserialize_with = "object")]
    #[serde(rename = "type")]
    pub kind: Option<Among<String>>,
    /// Of which names.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Among<String>>,
}

/// Joins conditions; none of them is no condition.
pub fn join<T: 'static>(operator: Operator, terms: Vec<Term<T>>) -> Option<Term<T>>
where
    Term<T>: diesel::Expression<SqlType = Nullable<Bool>>,
{
    use diesel::BoolExpressionMethods;
    let mut terms = terms.into_iter();
    let first = terms.next()?;
    Some(terms.fold(first, |all, term| match operator {
        Operator::And => Box::new(all.and(term)) as Term<T>,
        Operator::Or => Box::new(all.or(term)) as Term<T>,
    }))
}

#[cfg(test)]
mod tests {
    use super::tag_patterns;

    #[test]
    fn a_tag_is_found_in_its_list_only() {
        assert_eq!(tag_patterns("a"), ["[\"a\"%", "%,\"a\"%"]);
        assert_eq!(tag_patterns("5%_x"), ["[\"5\\%\\_x\"%", "%,\"5\\%\\_x\"%"]);
        assert_eq!(tag_patterns("q\"")[0], "[\"q\\\\\"\"%");
    }
}
