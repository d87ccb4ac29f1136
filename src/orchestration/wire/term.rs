//! Conditions on rows, as data: what filters of the client's API come down to. They can be looked at, be asked of a
//! row that is at hand, and stand in any query of the table that their columns belong to (decision 0034).

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Nullable, Text};
use uuid::Uuid;

use crate::access::WorkspaceId;
use crate::access::history::{History, walk_shown};
use crate::base::db::{Id, Instant, SqlId, SqlInstant};

/// A column with its table, as SQL; `column!` writes one.
pub type Column = &'static str;

/// The column of what no row has yet.
pub const NOWHERE: Column = "NULL";

/// A column of a table of the schema.
macro_rules! column {
    ($table:ident.$name:ident) => {{
        let _ = $crate::base::db::schema::$table::$name;
        concat!(stringify!($table), ".", stringify!($name))
    }};
}
pub(crate) use column;

/// What a column is compared with.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// An id of anything.
    Id(Id<Value>),
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A moment.
    Moment(Instant),
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Id(id.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Instant> for Value {
    fn from(moment: Instant) -> Self {
        Self::Moment(moment)
    }
}

impl<T: 'static> From<Id<T>> for Value {
    fn from(id: Id<T>) -> Self {
        Self::Id(id.cast())
    }
}

/// A condition. What compares with a column that is NULL is not met, as in SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// All of these are met; none of them is no condition.
    All(Vec<Self>),
    /// One of these is met; of none of them none is.
    One(Vec<Self>),
    /// It is not met.
    Not(Box<Self>),
    /// The column is NULL.
    IsNull(Column),
    /// The column has one of these values.
    Among(Column, Vec<Value>),
    /// The column has this value or a lesser one.
    AtMost(Column, Value),
    /// The column has this value or a greater one.
    AtLeast(Column, Value),
    /// The column fits a pattern of LIKE.
    Like(Column, String),
    /// The column, in lower case, contains a text: that text, and the pattern of LIKE.
    Contains(Column, (String, String)),
    /// The column is among those that other rows of the workspace have.
    Within(Column, Box<Rows>),
}

/// A column of the rows of a workspace that meet a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    column: Column,
    workspace: WorkspaceId,
    shown: Option<&'static str>,
    term: Term,
}

impl Rows {
    /// Those that are to be seen.
    pub fn shown<T: History>(column: Column, workspace: WorkspaceId, term: Term) -> Self {
        Self { column, workspace, shown: Some(T::SHOWN), term }
    }

    /// All of them.
    pub fn all(column: Column, workspace: WorkspaceId, term: Term) -> Self {
        Self { column, workspace, shown: None, term }
    }
}

impl Term {
    /// No condition.
    pub fn any() -> Self {
        Self::All(Vec::new())
    }

    /// The column has a value.
    pub fn is(column: Column, value: impl Into<Value>) -> Self {
        Self::Among(column, vec![value.into()])
    }

    /// The column is NULL, or is not.
    pub fn is_null(column: Column, is_null: bool) -> Self {
        let term = Self::IsNull(column);
        if is_null { term } else { Self::Not(Box::new(term)) }
    }

    /// The column contains a text, in letters of any size, without the spaces around it; 100 characters of it count.
    pub fn contains(column: Column, text: &str) -> Self {
        let part = text.trim().to_lowercase().chars().take(100).collect();
        Self::Contains(column, (part, crate::base::db::paging::contains_pattern(text)))
    }

    /// The column has a value that other rows have.
    pub fn within(column: Column, rows: Rows) -> Self {
        Self::Within(column, Box::new(rows))
    }

    /// Whether a row that is at hand meets it, by the values of its columns. What only the database can tell
    /// ([`Term::Like`], [`Term::Within`]) is not known, and so not met.
    pub fn holds(&self, value: &impl Fn(Column) -> Option<Value>) -> bool {
        self.judge(value) == Some(true)
    }

    /// The same as SQL has it: `None` for what is not known, as of a column that is NULL.
    fn judge(&self, value: &impl Fn(Column) -> Option<Value>) -> Option<bool> {
        // What decides outweighs what is not known.
        let joined = |terms: &[Self], decides: bool| {
            let all: Vec<_> = terms.iter().map(|term| term.judge(value)).collect();
            if all.contains(&Some(decides)) {
                return Some(decides);
            }
            (!all.contains(&None)).then_some(!decides)
        };
        match self {
            Self::All(terms) => joined(terms, false),
            Self::One(terms) => joined(terms, true),
            Self::Not(term) => term.judge(value).map(|met| !met),
            Self::IsNull(column) => Some(value(column).is_none()),
            Self::Among(_, values) if values.is_empty() => Some(false),
            Self::Among(column, values) => value(column).map(|own| values.contains(&own)),
            Self::AtMost(column, most) => value(column).map(|own| own <= *most),
            Self::AtLeast(column, least) => value(column).map(|own| own >= *least),
            Self::Contains(column, (text, _)) => match value(column)? {
                Value::Text(own) => Some(own.to_lowercase().contains(text)),
                _ => None,
            },
            Self::Like(..) | Self::Within(..) => None,
        }
    }
}

impl Expression for Term {
    type SqlType = Nullable<Bool>;
}

impl<Tables> AppearsOnTable<Tables> for Term {}

impl<Tables> SelectableExpression<Tables> for Term {}

impl ValidGrouping<()> for Term {
    type IsAggregate = is_aggregate::Never;
}

impl QueryId for Term {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

fn bind<'b, DB>(value: &'b Value, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>
where
    DB: Backend + HasSqlType<SqlId> + HasSqlType<SqlInstant>,
    Id<Value>: ToSql<SqlId, DB>,
    WorkspaceId: ToSql<SqlId, DB>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    Instant: ToSql<SqlInstant, DB>,
{
    match value {
        Value::Id(id) => out.push_bind_param::<SqlId, _>(id),
        Value::Text(text) => out.push_bind_param::<Text, _>(text),
        Value::Number(number) => out.push_bind_param::<BigInt, _>(number),
        Value::Moment(moment) => out.push_bind_param::<SqlInstant, _>(moment),
    }
}

fn joined<'b, DB>(
    terms: &'b [Term],
    (between, of_none): (&str, &str),
    out: &mut AstPass<'_, 'b, DB>,
) -> QueryResult<()>
where
    DB: Backend + HasSqlType<SqlId> + HasSqlType<SqlInstant>,
    Id<Value>: ToSql<SqlId, DB>,
    WorkspaceId: ToSql<SqlId, DB>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    Instant: ToSql<SqlInstant, DB>,
{
    if terms.is_empty() {
        out.push_sql(of_none);
        return Ok(());
    }
    for (at, term) in terms.iter().enumerate() {
        out.push_sql(if at == 0 { "(" } else { between });
        term.walk_ast(out.reborrow())?;
    }
    out.push_sql(")");
    Ok(())
}

fn compared<'b, DB>(
    (column, sign): (Column, &str),
    value: &'b Value,
    out: &mut AstPass<'_, 'b, DB>,
) -> QueryResult<()>
where
    DB: Backend + HasSqlType<SqlId> + HasSqlType<SqlInstant>,
    Id<Value>: ToSql<SqlId, DB>,
    WorkspaceId: ToSql<SqlId, DB>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    Instant: ToSql<SqlInstant, DB>,
{
    out.push_sql(column);
    out.push_sql(sign);
    bind(value, out)
}

impl<DB> QueryFragment<DB> for Term
where
    DB: Backend + HasSqlType<SqlId> + HasSqlType<SqlInstant>,
    Id<Value>: ToSql<SqlId, DB>,
    WorkspaceId: ToSql<SqlId, DB>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    Instant: ToSql<SqlInstant, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Clients make up any number of conditions; only the plainest ones are worth a statement that stays prepared.
        match self {
            Self::All(terms) if terms.is_empty() => {}
            Self::Among(_, values) if values.len() == 1 => {}
            _ => out.unsafe_to_cache_prepared(),
        }
        match self {
            Self::All(terms) => joined(terms, (" AND ", "1 = 1"), &mut out)?,
            Self::One(terms) => joined(terms, (" OR ", "1 = 0"), &mut out)?,
            Self::Not(term) => {
                out.push_sql("NOT (");
                term.walk_ast(out.reborrow())?;
                out.push_sql(")");
            }
            Self::IsNull(column) => {
                out.push_sql(column);
                out.push_sql(" IS NULL");
            }
            Self::Among(_, values) if values.is_empty() => out.push_sql("1 = 0"),
            Self::Among(column, values) => {
                out.push_sql(column);
                for (at, value) in values.iter().enumerate() {
                    out.push_sql(if at == 0 { " IN (" } else { ", " });
                    bind(value, &mut out)?;
                }
                out.push_sql(")");
            }
            Self::AtMost(column, value) => compared((column, " <= "), value, &mut out)?,
            Self::AtLeast(column, value) => compared((column, " >= "), value, &mut out)?,
            Self::Like(column, pattern) => {
                out.push_sql(column);
                out.push_sql(" LIKE ");
                out.push_bind_param::<Text, _>(pattern)?;
                out.push_sql(" ESCAPE '\\'");
            }
            Self::Contains(column, (_, pattern)) => {
                out.push_sql("folded(");
                out.push_sql(column);
                out.push_sql(") LIKE ");
                out.push_bind_param::<Text, _>(pattern)?;
                out.push_sql(" ESCAPE '\\'");
            }
            Self::Within(column, rows) => {
                out.push_sql(column);
                out.push_sql(" IN (");
                rows.walk_ast(out.reborrow())?;
                out.push_sql(")");
            }
        }
        Ok(())
    }
}

impl<DB> QueryFragment<DB> for Rows
where
    DB: Backend + HasSqlType<SqlId> + HasSqlType<SqlInstant>,
    Id<Value>: ToSql<SqlId, DB>,
    WorkspaceId: ToSql<SqlId, DB>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    Instant: ToSql<SqlInstant, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let table = self.column.split('.').next().unwrap_or_default();
        for part in ["SELECT ", self.column, " FROM ", table, " WHERE ", table, ".workspace_id = "]
        {
            out.push_sql(part);
        }
        out.push_bind_param::<SqlId, _>(&self.workspace)?;
        if let Some(shown) = self.shown {
            out.push_sql(" AND ");
            walk_shown(shown, &self.workspace, out.reborrow())?;
        }
        out.push_sql(" AND ");
        self.term.walk_ast(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(term: &Term) -> String {
        diesel::debug_query::<diesel::sqlite::Sqlite, _>(term).to_string()
    }

    const NAME: Column = "flows.name";

    #[test]
    fn a_condition_is_written_for_both_databases() {
        let word = Term::contains(NAME, " 50%_A ");
        let of = |term: Term| sql(&term).split(" -- ").next().unwrap_or_default().to_owned();
        assert_eq!(of(word.clone()), "folded(flows.name) LIKE ? ESCAPE '\\'");
        assert_eq!(of(Term::any()), "1 = 1");
        assert_eq!(of(Term::One(Vec::new())), "1 = 0");
        assert_eq!(of(Term::Among(NAME, Vec::new())), "1 = 0");
        let two = Term::Among(NAME, vec!["a".into(), "b".into()]);
        let either = Term::One(vec![two, Term::is_null(NAME, false)]);
        assert_eq!(of(either), "(flows.name IN (?, ?) OR NOT (flows.name IS NULL))");
        let rows = Rows::all("flows.id", Uuid::nil().into(), word);
        assert_eq!(
            of(Term::within("flow_runs.flow_id", rows)),
            "flow_runs.flow_id IN (SELECT flows.id FROM flows WHERE flows.workspace_id = ? \
             AND folded(flows.name) LIKE ? ESCAPE '\\')"
        );
    }

    #[test]
    fn a_row_at_hand_is_judged_as_the_database_would() {
        let named = |name: Option<&'static str>| {
            move |column: Column| name.filter(|_| column == NAME).map(Value::from)
        };
        let holds = |term: &Term, name| term.holds(&named(name));
        let word = Term::contains(NAME, "Über");
        assert!(holds(&word, Some("die ÜBERGABE")) && !holds(&word, Some("uber")));
        assert!(!holds(&word, None) && !holds(&Term::is(NAME, "a"), None));
        assert!(holds(&Term::any(), None) && !holds(&Term::One(Vec::new()), None));
        let between = [Term::AtLeast(NAME, "b".into()), Term::AtMost(NAME, "d".into())];
        let between = Term::All(between.to_vec());
        let found = ["a", "b", "c", "d", "e"].map(|name| holds(&between, Some(name)));
        assert_eq!(found, [false, true, true, true, false]);
        let outside = Term::Not(Box::new(between));
        assert!(holds(&outside, Some("e")) && !holds(&outside, None), "of NULL nothing is known");
        assert!(holds(&Term::One(vec![outside.clone(), Term::IsNull(NAME)]), None));
        assert!(holds(&Term::Not(Box::new(Term::Among(NAME, Vec::new()))), None));
    }
}
