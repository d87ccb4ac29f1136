//! What runs are told while they run: inputs, by key.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Map, Value};

use crate::access::WorkspaceId;
use crate::base::db::ids::InputId;
use crate::base::db::schema::flow_run_inputs as inputs;
use crate::base::db::{Db, Instant, MultiBackend};
use crate::base::error::{Error, Result};
use crate::base::json::{Raw, RawObject, clean};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries;

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
    if !can_be_checked(&schema, input.text()) {
        return Ok(is_given.then_some(input));
    }
    let patterns = jsonschema::PatternOptions::fancy_regex().backtrack_limit(10_000);
    let validator = jsonschema::options()
        .with_pattern_options(patterns)
        .build(&schema)
        .map_err(|error| format!("Run input schema is no JSON schema: {error}"))?;
    let tree = input.tree().map_err(|_| {
        "Run input validation failed: it holds a number beyond all numbers, or is nested deeper than 128 levels."
            .to_owned()
    })?;
    if let Some(problem) = validator.iter_errors(&tree).next() {
        return Err(format!("Run input validation failed: {problem}"));
    }
    Ok(is_given.then_some(input))
}

/// Steps of a check at most: places in the schema times values in the input, about a second.
const STEPS: u64 = 20_000_000;

/// How deep a schema may go, its references followed.
const DEEPEST: usize = 200;

/// Whether an input can be checked here in a bounded time. A schema that refers to itself, or by other words than
/// paths, or that takes too many steps, is left to the client, which reads its inputs by the same schema.
fn can_be_checked(schema: &Value, input: &str) -> bool {
    // Each value stands behind one of these.
    let values = input.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b':')).count();
    let places = Places { root: schema, known: HashMap::new() }.count(schema, 0);
    places.is_some_and(|places| places.saturating_mul(values as u64 + 1) <= STEPS)
}

/// The places of a schema, each as often as it is reached.
struct Places<'a> {
    root: &'a Value,
    known: HashMap<*const Value, u64>,
}

impl<'a> Places<'a> {
    fn count(&mut self, part: &'a Value, depth: usize) -> Option<u64> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(known) = self.known.get(&std::ptr::from_ref(part)) {
            return Some(*known);
        }
        let mut places = 1_u64;
        match part {
            Value::Array(list) => {
                for one in list {
                    places = places.saturating_add(self.count(one, depth + 1)?);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    let below = match (name.as_str(), value) {
                        ("$ref", Value::String(to)) => {
                            self.count(self.root.pointer(to.strip_prefix('#')?)?, depth + 1)?
                        }
                        ("$id" | "$anchor" | "$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                            return None;
                        }
                        _ => self.count(value, depth + 1)?,
                    };
                    places = places.saturating_add(below);
                }
            }
            _ => {}
        }
        self.known.insert(std::ptr::from_ref(part), places);
        Some(places)
    }
}

/// What an object with this key says is another value, by the kind that it names.
const KIND: &str = "__prefect_kind";

/// An input with what its fields describe put in their places; every other field stays as it was sent.
fn in_place(input: RawObject) -> Result<RawObject, String> {
    if !input.text().contains(KIND) {
        return Ok(input);
    }
    if input.raw().field(KIND).is_some() {
        return match hydrated(input.tree().map_err(|error| error.to_string())?)? {
            Some(tree @ Value::Object(_)) => {
                serde_json::from_str(&tree.to_string()).map_err(|error| error.to_string())
            }
            None | Some(Value::Null) => Ok(RawObject::default()),
            Some(_) => Err("it is no object.".to_owned()),
        };
    }
    let mut fields = Vec::new();
    for (name, field) in input {
        let value = if field.text().contains(KIND) { replaced(&field)? } else { Some(field) };
        fields.extend(value.map(|value| (name, value)));
    }
    Ok(fields.into_iter().collect())
}

fn replaced(field: &Raw) -> Result<Option<Raw>, String> {
    if field.string(KIND).as_deref() == Some("json")
        && let Some(text) = field.string("value")
    {
        let value = serde_json::from_str(&clean(&text)?);
        return value.map(Some).map_err(|error| format!("Invalid JSON: {error}"));
    }
    let tree = serde_json::from_str(field.text()).map_err(|error| error.to_string())?;
    Ok(hydrated(tree)?.map(|value| Raw::of(&value)))
}

/// A value with what it describes put in its place; `None` for what stands for nothing.
fn hydrated(value: Value) -> Result<Option<Value>, String> {
    match value {
        Value::Object(map) if map.contains_key(KIND) => described(map),
        Value::Object(map) => {
            let each = map.into_iter().map(|(key, value)| Ok((key, hydrated(value)?)));
            let all: Vec<(String, Option<Value>)> = each.collect::<Result<_, String>>()?;
            let kept = all.into_iter().filter_map(|(key, value)| Some((key, value?)));
            Ok(Some(Value::Object(kept.collect())))
        }
        Value::Array(list) => {
            let all: Vec<_> = list.into_iter().map(hydrated).collect::<Result<_, String>>()?;
            Ok(Some(Value::Array(all.into_iter().flatten().collect())))
        }
        value => Ok(Some(value)),
    }
}

fn described(mut map: Map<String, Value>) -> Result<Option<Value>, String> {
    // Itself described, or as it is.
    let mut part = |name: &str| match map.remove(name) {
        Some(value @ Value::Object(_)) => hydrated(value),
        value => Ok(value),
    };
    let missing = |name: &str| format!("Missing '{name}' key in __prefect object");
    let kind = part(KIND)?;
    match kind.as_ref().and_then(Value::as_str) {
        Some("none") => hydrated(part("value")?.ok_or_else(|| missing("value"))?),
        Some("json") => match part("value")? {
            Some(Value::String(text)) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| format!("Invalid JSON: {error}")),
            value => Ok(value),
        },
        Some("jinja") => match part("template")? {
            Some(Value::String(text))
                if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) =>
            {
                Err("Invalid jinja: templates are not rendered here. Send the value itself."
                    .to_owned())
            }
            Some(text) => Ok(Some(text)),
            None => Err(missing("template")),
        },
        Some("workspace_variable") => match part("variable_name")? {
            Some(name) => {
                let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
                Err(format!("Variable '{name}' not found in workspace."))
            }
            None => Ok(None),
        },
        _ => Ok(Some(map.remove("value").unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// semantics.md 35: what an input describes is put in its place.
    #[test]
    fn described_values_are_put_in_their_place() {
        let jinja = |template: &str| json!({KIND: "jinja", "template": template});
        for (value, expected) in [
            (json!({"a": {KIND: "json", "value": "[1, 2.50]"}}), Ok(json!({"a": [1, 2.50]}))),
            (
                json!({"a": [{KIND: "none", "value": {"b": {KIND: "json", "value": 5}}}]}),
                Ok(json!({"a": [{"b": 5}]})),
            ),
            (
                json!({"a": {KIND: "json"}, "b": [{KIND: "workspace_variable"}]}),
                Ok(json!({"b": []})),
            ),
            (json!({"a": {KIND: "json", "value": jinja("7")}}), Ok(json!({"a": 7}))),
            (json!({"a": {KIND: "strange", "value": 1}}), Ok(json!({"a": 1}))),
            (json!({"a": {KIND: null}}), Ok(json!({"a": null}))),
            (json!({"a": {KIND: "json", "value": "[1"}}), Err("Invalid JSON")),
            (json!({"a": {KIND: "none"}}), Err("Missing 'value' key")),
            (json!({"a": jinja("{{ x }}")}), Err("Invalid jinja")),
            (
                json!({"a": {KIND: "workspace_variable", "variable_name": "v"}}),
                Err("Variable 'v' not found"),
            ),
        ] {
            match (hydrated(value.clone()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, Some(expected), "{value}"),
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{told}"),
                (found, expected) => panic!("{value}: {found:?}, not {expected:?}"),
            }
        }
    }

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
        // What could take for ever, or cannot be told, is left to the client.
        let doubled = |levels: usize| {
            let below = |n: usize| json!({"$ref": format!("#/$defs/d{n}")});
            let mut defs =
                serde_json::Map::from_iter([("d0".to_owned(), json!({"type": "object"}))]);
            for n in 1..=levels {
                defs.insert(format!("d{n}"), json!({"allOf": [below(n - 1), below(n - 1)]}));
            }
            json!({"$defs": defs, "allOf": [below(levels)], "required": ["y"]})
        };
        assert!(can_be_checked(&doubled(8), "{\"x\":5}") && !can_be_checked(&doubled(40), "{}"));
        assert!(take(Some(&doubled(8).to_string()), json!({"x": 5})).is_err());
        assert!(take(Some(&doubled(40).to_string()), json!({"x": 5})).is_ok());
        assert!(!can_be_checked(&json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}), "{}"));
        assert!(!can_be_checked(&json!({"$ref": "https://schemas.example/a"}), "{}"));
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
