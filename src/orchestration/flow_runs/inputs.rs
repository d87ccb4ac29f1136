//! What runs are told while they run: inputs, by key.

use diesel::prelude::*;

use super::model::FlowRunId;
use super::queries;
use crate::access::WorkspaceId;
use crate::base::db::schema::flow_run_inputs as inputs;
use crate::base::db::{Db, Id, Instant, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::json::RawObject;

/// An input.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = inputs, check_for_backend(MultiBackend))]
pub struct FlowRunInput {
    /// The run.
    pub flow_run_id: FlowRunId,
    /// Its key, unique in the run.
    pub key: String,
    /// Its id.
    pub id: Id<()>,
    /// Its value, JSON as text.
    pub value: String,
    /// Who sent it.
    pub sender: Option<String>,
    /// When.
    pub created_at: Instant,
}

/// Whether a key is one: letters, digits, dashes and underscores.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_key(key: &str) -> Result<()> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if key.is_empty() || key.len() > 500 || !key.chars().all(is_key) {
        let rule = "key: use 1 to 500 letters, digits, dashes and underscores.";
        return Err(Error::Invalid(rule.to_owned()));
    }
    Ok(())
}

/// Keeps an input.
///
/// # Errors
/// [`Error::NotFound`] for a run of elsewhere, [`Error::Conflict`] for a key that is there already; the
/// database's fault.
pub fn insert(db: &mut Db, workspace: WorkspaceId, input: &FlowRunInput) -> Result<()> {
    if !queries::exists(db, workspace, input.flow_run_id)? {
        return Err(Error::NotFound);
    }
    if one(db, (workspace, input.flow_run_id), &input.key)?.is_some() {
        return Err(Error::Conflict(format!("There is an input {} already.", input.key)));
    }
    diesel::insert_into(inputs::table)
        .values((
            inputs::workspace_id.eq(workspace),
            inputs::flow_run_id.eq(input.flow_run_id),
            inputs::key.eq(&input.key),
            inputs::id.eq(input.id),
            inputs::value.eq(&input.value),
            inputs::sender.eq(&input.sender),
            inputs::created_at.eq(input.created_at),
        ))
        .execute(db)?;
    Ok(())
}

/// An input of a run.
///
/// # Errors
/// The database's fault.
pub fn one(
    db: &mut Db,
    (workspace, run): (WorkspaceId, FlowRunId),
    key: &str,
) -> QueryResult<Option<FlowRunInput>> {
    inputs::table.find((workspace, run, key)).select(FlowRunInput::as_select()).first(db).optional()
}

/// Inputs of a run whose keys begin like `prefix`, without some, the first one first.
///
/// # Errors
/// The database's fault.
pub fn some(
    db: &mut Db,
    (workspace, run): (WorkspaceId, FlowRunId),
    (prefix, without): (&str, Vec<String>),
    limit: i64,
) -> QueryResult<Vec<FlowRunInput>> {
    let prefix = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    inputs::table
        .filter(inputs::workspace_id.eq(workspace))
        .filter(inputs::flow_run_id.eq(run))
        .filter(inputs::key.like(format!("{prefix}%")).escape('\\'))
        .filter(inputs::key.ne_all(without))
        .order((inputs::created_at, inputs::id))
        .limit(limit)
        .select(FlowRunInput::as_select())
        .load(db)
}

/// Removes an input; returns whether it was there.
///
/// # Errors
/// The database's fault.
pub fn delete(
    db: &mut Db,
    (workspace, run): (WorkspaceId, FlowRunId),
    key: &str,
) -> QueryResult<bool> {
    Ok(diesel::delete(inputs::table.find((workspace, run, key))).execute(db)? > 0)
}

/// What is wrong with an input by the JSON schema that a run waits with; `None` for nothing.
pub fn problem(schema: &str, input: Option<&RawObject>) -> Option<String> {
    let schema: serde_json::Value = serde_json::from_str(schema).ok()?;
    let input = match input.cloned().unwrap_or_default().tree() {
        Ok(input) => input,
        Err(error) => return Some(error.to_string()),
    };
    let patterns = jsonschema::PatternOptions::fancy_regex().backtrack_limit(10_000);
    let validator = jsonschema::options().with_pattern_options(patterns).build(&schema).ok()?;
    let first = validator.iter_errors(&input).next();
    first.map(|error| error.to_string())
}
