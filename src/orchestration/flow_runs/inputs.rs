//! What runs are told while they run: inputs, by key.

use diesel::prelude::*;
use serde_json::Value;

use crate::access::WorkspaceId;
use crate::base::db::ids::InputId;
use crate::base::db::schema::flow_run_inputs as inputs;
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::json::RawObject;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries;
use crate::orchestration::wire::hydration::in_place;
use crate::orchestration::wire::schema::{self, Fault};

/// An input.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = inputs, check_for_backend(MultiBackend))]
pub struct FlowRunInput {
    /// The run.
    pub flow_run_id: FlowRunId,
    /// Its key, unique in the run.
    pub key: String,
    /// Its id.
    pub id: InputId,
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
pub fn one(
    db: &mut Db,
    (workspace, run): (WorkspaceId, FlowRunId),
    key: &str,
) -> QueryResult<Option<FlowRunInput>> {
    inputs::table.find((workspace, run, key)).select(FlowRunInput::as_select()).first(db).optional()
}

/// Inputs of a run whose keys begin like `prefix`, without some, the first one first.
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
pub fn delete(
    db: &mut Db,
    (workspace, run): (WorkspaceId, FlowRunId),
    key: &str,
) -> QueryResult<bool> {
    Ok(diesel::delete(inputs::table.find((workspace, run, key))).execute(db)? > 0)
}

/// An input as a run takes it, by the JSON schema that it waits with; else what is wrong with it.
///
/// # Errors
/// What is wrong.
pub fn accepted(
    schema: Option<&str>,
    input: Option<RawObject>,
) -> Result<Option<RawObject>, String> {
    let is_given = input.is_some();
    let input = in_place(input.unwrap_or_default())
        .map_err(|problem| format!("Error hydrating run input: {problem}"))?;
    let schema = schema.ok_or_else(|| "Run input schema not found.".to_owned())?;
    let schema: Value = serde_json::from_str(schema)
        .map_err(|error| format!("Run input schema is not valid JSON: {error}"))?;
    schema::check(&schema, &input).map_err(|fault| match fault {
        Fault::Schema(problem) => format!("Run input schema is no JSON schema: {problem}"),
        Fault::Value { problem, .. } => format!("Run input validation failed: {problem}"),
    })?;
    Ok(is_given.then_some(input))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KIND: &str = "__prefect_kind";

    /// api.md §4: an input is taken as the run's schema says, and none at all without a schema.
    #[test]
    fn an_input_is_checked_by_its_schema() {
        let schema =
            r#"{"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}"#;
        let input = |value: Value| serde_json::from_str::<RawObject>(&value.to_string()).ok();
        let take = |schema: Option<&str>, value: Value| accepted(schema, input(value));
        let five = json!({"x": {KIND: "json", "value": "5"}});
        assert_eq!(take(Some(schema), five), Ok(input(json!({"x": 5}))));
        // What is not described stays digit for digit, and so does a described number.
        let text =
            r#"{"n":202402144809161001040,"x":{"__prefect_kind":"json","value":"5"},"f":1.10}"#;
        let long = r#"{"x":{"__prefect_kind":"json","value":"202402144809161001040"}}"#;
        for (text, expected) in [
            (text, r#"{"n":202402144809161001040,"x":5,"f":1.10}"#),
            (long, r#"{"x":202402144809161001040}"#),
        ] {
            let sent = serde_json::from_str(text).unwrap();
            let taken = accepted(Some(r#"{"type": "object"}"#), Some(sent)).unwrap();
            assert_eq!(taken.unwrap().text(), expected);
        }
        for (schema, value, problem) in [
            (
                Some(schema),
                json!({"x": {KIND: "json", "value": "[1"}}),
                "Error hydrating run input: Invalid",
            ),
            (Some(schema), json!({"x": "5"}), "Run input validation failed"),
            (Some(schema), json!(null), "Run input validation failed"),
            (None, json!({"x": 5}), "Run input schema not found."),
            (Some("{"), json!({"x": 5}), "Run input schema is not valid JSON"),
            (Some(r#"{"type": "what"}"#), json!({"x": 5}), "Run input schema is no JSON schema"),
        ] {
            let told = take(schema, value).unwrap_err();
            assert!(told.starts_with(problem), "{told}");
        }
    }
}
