//! Pieces of the filters that the client sends (schemas `*Filter*` of Prefect 3.8.8's API): what is null
//! or absent narrows nothing; the pieces of one filter are joined by its operator. What no filter has is
//! refused, so that nobody gets more than was asked for.

use diesel::expression::{
    AppearsOnTable, BoxableExpression, Expression, SelectableExpression, ValidGrouping,
    is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Nullable};
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

impl Named {
    /// The pattern of `like_`, in lower case.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more values than a query takes.
    pub fn pattern(&self) -> Result<Option<String>> {
        bounded(self.any_.as_deref())?;
        self.like_.as_deref().map(short).transpose()?;
        Ok(self.like_.as_deref().map(contains_pattern))
    }
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
        let mut tags = self.all_.iter().chain(&self.any_).flatten();
        tags.try_for_each(|tag| short(tag))?;
        Ok(self)
    }
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

/// Whether a column's value is among those that a query selects. diesel's own `eq_any` takes no boxed query
/// of both databases.
#[derive(Clone, Copy, Debug)]
pub struct Within<Q> {
    column: &'static str,
    query: Q,
}

impl<Q> Within<Q> {
    /// The column with its table: `flow_runs.flow_id`.
    pub fn new(column: &'static str, query: Q) -> Self {
        Self { column, query }
    }
}

impl<Q> Expression for Within<Q> {
    type SqlType = Nullable<Bool>;
}

impl<Q, Tables> AppearsOnTable<Tables> for Within<Q> {}

impl<Q, Tables> SelectableExpression<Tables> for Within<Q> {}

impl<Q> ValidGrouping<()> for Within<Q> {
    type IsAggregate = is_aggregate::Never;
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Within<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql(self.column);
        out.push_sql(" IN (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl<Q> QueryId for Within<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The condition that nothing meets.
pub fn nothing<T: diesel::Table>() -> Term<T> {
    use diesel::{IntoSql, NullableExpressionMethods};
    Box::new(false.into_sql::<Bool>().nullable())
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

/// Writes, for a table with an id, a name and tags, the functions that make conditions of filters; diesel
/// has no columns of any table, so that one text serves all (docs/decisions/0014).
macro_rules! conditions {
    ($table:ident) => {
        type Rows = $crate::orchestration::wire::filter::Term<$table::table>;

        fn with_id(id: &Among<uuid::Uuid>) -> Result<Vec<Rows>> {
            let ids = |list: &[uuid::Uuid]| -> Vec<$crate::base::db::Id<()>> {
                list.iter().map(|id| $crate::base::db::Id::from(*id)).collect()
            };
            let id = id.checked()?;
            let mut terms: Vec<Rows> = Vec::new();
            if let Some(any) = &id.any_ {
                terms.push(Box::new($table::id.eq_any(ids(any)).nullable()));
            }
            if let Some(none) = &id.not_any_ {
                terms.push(Box::new($table::id.ne_all(ids(none)).nullable()));
            }
            Ok(terms)
        }

        fn named(name: &Named) -> Result<Vec<Rows>> {
            let mut terms: Vec<Rows> = Vec::new();
            if let Some(pattern) = name.pattern()? {
                let found = $crate::base::db::lower($table::name).like(pattern).escape('\\');
                terms.push(Box::new(found.nullable()));
            }
            if let Some(any) = &name.any_ {
                terms.push(Box::new($table::name.eq_any(any.clone()).nullable()));
            }
            Ok(terms)
        }

        fn has_tag(tag: &str) -> Rows {
            let [first, later] = $crate::orchestration::wire::filter::tag_patterns(tag);
            let tags = $table::tags;
            let found = tags.like(first).escape('\\').or(tags.like(later).escape('\\'));
            Box::new(found.nullable())
        }

        fn tagged(tags: &Tagged) -> Result<Option<Rows>> {
            use $crate::orchestration::wire::filter::{Operator, join};
            let tags = tags.checked()?;
            let mut terms: Vec<Rows> = Vec::new();
            if let Some(all) = &tags.all_ {
                terms.extend(join(Operator::And, all.iter().map(|tag| has_tag(tag)).collect()));
            }
            if let Some(any) = &tags.any_ {
                let one = join(Operator::Or, any.iter().map(|tag| has_tag(tag)).collect());
                terms.push(one.unwrap_or_else($crate::orchestration::wire::filter::nothing));
            }
            match tags.is_null_ {
                Some(true) => terms.push(Box::new($table::tags.eq("[]").nullable())),
                Some(false) => terms.push(Box::new($table::tags.ne("[]").nullable())),
                None => {}
            }
            Ok(join(tags.operator, terms))
        }
    };
}
pub(crate) use conditions;

/// The same for a table of runs: its states, and its times: a name, the column that may be null, and the moment that
/// is compared.
macro_rules! run_conditions {
    ($table:ident: $($time:ident = $field:ident: $moment:expr),+ $(,)?) => {
        /// The conditions of a list of values on a text column that may be null.
        macro_rules! among {
            ($terms:ident, $column:expr, $filter:expr) => {
                if let Some(filter) = $filter {
                    let filter = filter.checked()?;
                    if let Some(any) = &filter.any_ {
                        $terms.push(Box::new($column.eq_any(any.clone()).nullable()) as Rows);
                    }
                    if let Some(none) = &filter.not_any_ {
                        $terms.push(Box::new($column.ne_all(none.clone()).nullable()) as Rows);
                    }
                }
            };
        }

        fn in_state(state: &InState) -> Result<Option<Rows>> {
            let mut terms: Vec<Rows> = Vec::new();
            among!(terms, $table::state_type, &state.kind);
            among!(terms, $table::state_name, &state.name);
            Ok($crate::orchestration::wire::filter::join(state.operator, terms))
        }

        $(fn $time(time: Option<&Between>) -> Option<Rows> {
            let time = time?;
            let mut terms: Vec<Rows> = Vec::new();
            if let Some(before) = time.before_ {
                terms.push(Box::new($moment.le(before)));
            }
            if let Some(after) = time.after_ {
                terms.push(Box::new($moment.ge(after)));
            }
            match time.is_null_ {
                Some(true) => terms.push(Box::new($table::$field.is_null().nullable())),
                Some(false) => terms.push(Box::new($table::$field.is_not_null().nullable())),
                None => {}
            }
            let and = $crate::orchestration::wire::filter::Operator::And;
            $crate::orchestration::wire::filter::join(and, terms)
        })+
    };
}
pub(crate) use run_conditions;

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
