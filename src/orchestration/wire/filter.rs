//! Pieces of the filters that the client sends (schemas `*Filter*` of Prefect 3.8.8's API): what is null
//! or absent narrows nothing; the pieces of one filter are joined by its operator. What no filter has is
//! refused, so that nobody gets more than was asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::term::{Column, Term, Value};
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::json::object;

/// Values in one list of a filter, at most.
const VALUES: usize = 200;

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
#[serde(deny_unknown_fields)]
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

fn bounded<T>(list: Option<&[T]>) -> Result<()> {
    match list {
        Some(list) if list.len() > VALUES => {
            Err(Error::Invalid(format!("A list in a filter takes {VALUES} values at most.")))
        }
        _ => Ok(()),
    }
}

/// The longest text that is looked for in another, in bytes: both databases take it as a pattern.
const LONGEST: usize = 1000;

fn short(text: &str) -> Result<()> {
    if text.len() > LONGEST {
        return Err(Error::Invalid(format!(
            "A name or tag in a filter takes {LONGEST} bytes at most."
        )));
    }
    Ok(())
}

/// Which names.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// One of these.
    pub any_: Option<Vec<String>>,
    /// Containing this, in letters of any size.
    pub like_: Option<String>,
}

/// Which moments.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub struct Linked {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// One of these.
    pub any_: Option<Vec<Uuid>>,
    /// Whether there is none.
    pub is_null_: Option<bool>,
}

/// Which states.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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

/// A piece of a filter that narrows by one column.
pub trait Piece {
    /// What it says of a column.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more or longer values than a query takes (IV-10).
    fn terms(&self, column: Column) -> Result<Vec<Term>>;
}

impl<P: Piece> Piece for Option<P> {
    fn terms(&self, column: Column) -> Result<Vec<Term>> {
        self.as_ref().map_or_else(|| Ok(Vec::new()), |piece| piece.terms(column))
    }
}

/// That a column has one of some values.
fn among<T: Clone + Into<Value>>(column: Column, list: Option<&Vec<T>>) -> Result<Option<Term>> {
    bounded(list.map(Vec::as_slice))?;
    let values = |list: &Vec<T>| list.iter().cloned().map(Into::into).collect();
    Ok(list.map(|list| Term::Among(column, values(list))))
}

impl<T: Clone + Into<Value>> Piece for Among<T> {
    fn terms(&self, column: Column) -> Result<Vec<Term>> {
        let none = among(column, self.not_any_.as_ref())?.map(|none| Term::Not(Box::new(none)));
        Ok(among(column, self.any_.as_ref())?.into_iter().chain(none).collect())
    }
}

impl Piece for Named {
    fn terms(&self, column: Column) -> Result<Vec<Term>> {
        self.like_.as_deref().map(short).transpose()?;
        let like = self.like_.as_deref().map(|text| Term::contains(column, text));
        Ok(like.into_iter().chain(among(column, self.any_.as_ref())?).collect())
    }
}

fn has_tag(column: Column, tag: &str) -> Term {
    Term::One(tag_patterns(tag).map(|pattern| Term::Like(column, pattern)).to_vec())
}

impl Piece for Tagged {
    fn terms(&self, column: Column) -> Result<Vec<Term>> {
        bounded(self.all_.as_deref())?;
        bounded(self.any_.as_deref())?;
        self.all_.iter().chain(&self.any_).flatten().try_for_each(|tag| short(tag))?;
        let each = |list: &Vec<String>| list.iter().map(|tag| has_tag(column, tag)).collect();
        let none = |is_null| {
            let none = Term::is(column, "[]");
            if is_null { none } else { Term::Not(Box::new(none)) }
        };
        let parts = [
            self.all_.as_ref().filter(|all| !all.is_empty()).map(|all| Term::All(each(all))),
            self.any_.as_ref().map(|any| Term::One(each(any))),
            self.is_null_.map(none),
        ];
        Ok(join(self.operator, parts.into_iter().flatten().collect()).into_iter().collect())
    }
}

impl Piece for Linked {
    fn terms(&self, column: Column) -> Result<Vec<Term>> {
        let is_null = self.is_null_.map(|is_null| Term::is_null(column, is_null));
        let parts = [among(column, self.any_.as_ref())?, is_null];
        Ok(join(self.operator, parts.into_iter().flatten().collect()).into_iter().collect())
    }
}

impl Piece for Between {
    fn terms(&self, column: Column) -> Result<Vec<Term>> {
        Ok(self.of(column, column).into_iter().collect())
    }
}

impl Between {
    /// What it says of a moment, which is absent where a column is NULL.
    pub fn of(&self, moment: Column, column: Column) -> Option<Term> {
        let parts = [
            self.before_.map(|before| Term::AtMost(moment, before.into())),
            self.after_.map(|after| Term::AtLeast(moment, after.into())),
            self.is_null_.map(|is_null| Term::is_null(column, is_null)),
        ];
        join(Operator::And, parts.into_iter().flatten().collect())
    }
}

impl InState {
    /// What it says of the columns of a state.
    ///
    /// # Errors
    /// As of [`Piece::terms`].
    pub fn terms(&self, kind: Column, name: Column) -> Result<Option<Term>> {
        Ok(join(self.operator, [self.kind.terms(kind)?, self.name.terms(name)?].concat()))
    }
}

/// Joins conditions; none of them is no condition.
pub fn join(operator: Operator, mut terms: Vec<Term>) -> Option<Term> {
    match (terms.len(), operator) {
        (0 | 1, _) => terms.pop(),
        (_, Operator::And) => Some(Term::All(terms)),
        (_, Operator::Or) => Some(Term::One(terms)),
    }
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
