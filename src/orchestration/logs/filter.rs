//! Which lines.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::queries::Log;
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{Among, Between, Linked, Operator, Piece, join};
use crate::orchestration::wire::term::{Column, Term, Value, column};
use crate::orchestration::wire::words::Words;

/// Which grades.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevels {
    /// At least so grave.
    pub ge_: Option<i32>,
    /// At most so grave.
    pub le_: Option<i32>,
}

/// Which lines; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFilter {
    /// How the parts are joined.
    #[serde(default)]
    pub operator: Operator,
    /// Of these grades.
    #[serde(default, deserialize_with = "object")]
    pub level: Option<LogLevels>,
    /// Logged in this time.
    #[serde(default, deserialize_with = "object")]
    pub timestamp: Option<Between>,
    /// By these flow runs.
    #[serde(default, deserialize_with = "object")]
    pub flow_run_id: Option<Among<Uuid>>,
    /// By these task runs.
    #[serde(default, deserialize_with = "object")]
    pub task_run_id: Option<Linked>,
    /// Containing words.
    #[serde(default, deserialize_with = "object")]
    pub text: Option<LogText>,
}

/// Which words.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogText {
    /// Words of which one occurs in the message or the logger's name, in letters of any size; `"some words"` as
    /// one, `-word` for one that must not occur, `+word` for one that must.
    #[schema(max_length = 200)]
    pub query: String,
}

const FLOW_RUN: Column = column!(logs.flow_run_id);
const TASK_RUN: Column = column!(logs.task_run_id);
const LEVEL: Column = column!(logs.level);
const AT: Column = column!(logs.at);
const NAME: Column = column!(logs.name);
const MESSAGE: Column = column!(logs.message);

/// That a word is in the message or the logger's name.
pub fn has(word: &str) -> Term {
    Term::One(vec![Term::contains(MESSAGE, word), Term::contains(NAME, word)])
}

/// That a line is found by words.
fn found_by(words: &Words) -> Term {
    let each = |list: &[String]| list.iter().map(|word| has(word)).collect::<Vec<_>>();
    let mut terms = each(&words.all);
    if !words.any.is_empty() {
        terms.push(Term::One(each(&words.any)));
    }
    terms.push(Term::Not(Box::new(Term::One(each(&words.none)))));
    Term::All(terms)
}

/// Parts that count as one.
fn together(parts: impl IntoIterator<Item = Term>) -> Option<Term> {
    join(Operator::And, parts.into_iter().collect())
}

impl LogFilter {
    /// The condition: one for each part of the filter; what is said of tasks, grades and times is one each.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more or longer values than a query takes.
    pub fn term(&self) -> Result<Term> {
        let level = self.level.clone().unwrap_or_default();
        let least = level.ge_.map(|least| Term::AtLeast(LEVEL, i64::from(least).into()));
        let most = level.le_.map(|most| Term::AtMost(LEVEL, i64::from(most).into()));
        let words = self.text.as_ref().map(|text| Words::of(&text.query)).transpose()?;
        // Which flow runs are not meant, and whether there is a time, is no part of this filter.
        let runs = self.flow_run_id.clone().map(|runs| Among { not_any_: None, ..runs });
        let tasks =
            self.task_run_id.clone().map(|tasks| Linked { operator: Operator::And, ..tasks });
        let times = self.timestamp.clone().map(|times| Between { is_null_: None, ..times });
        let parts = [
            together(runs.terms(FLOW_RUN)?),
            together(tasks.terms(TASK_RUN)?),
            together(least.into_iter().chain(most)),
            together(times.terms(AT)?),
            words.map(|words| found_by(&words)),
        ];
        Ok(join(self.operator, parts.into_iter().flatten().collect()).unwrap_or_else(Term::any))
    }
}

/// Whether a line that is at hand is one of those of a condition.
pub fn holds(term: &Term, line: &Log) -> bool {
    term.holds(&|column| match column {
        FLOW_RUN => line.flow_run_id.map(Value::from),
        TASK_RUN => line.task_run_id.map(Value::from),
        LEVEL => Some(line.level.into()),
        AT => Some(line.at.into()),
        NAME => Some(line.name.as_str().into()),
        MESSAGE => Some(line.message.as_str().into()),
        _ => None,
    })
}
