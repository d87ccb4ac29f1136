//! Values checked by JSON schemas that clients sent: in a bounded time, and as their own server reads them.

use std::collections::{HashMap, HashSet};

use jsonschema::paths::LocationSegment;
use serde_json::{Map, Value, json};

use crate::base::json::RawObject;

/// Why a value is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The schema is none.
    Schema(String),
    /// The value does not fit.
    Value {
        /// Which part of it, as `orders[0].sku`; empty for all of it.
        field: String,
        /// Why.
        problem: String,
    },
}

/// Checks a value by a schema. What cannot be checked in a bounded time is taken: whoever reads the value checks it by
/// the same schema.
///
/// # Errors
/// What is wrong, of several things the first.
pub fn check(schema: &Value, value: &RawObject) -> Result<(), Fault> {
    if !can_be_checked(schema, value.text()) {
        return Ok(());
    }
    let patterns = jsonschema::PatternOptions::fancy_regex().backtrack_limit(10_000);
    let validator = jsonschema::options()
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| Fault::Schema(error.to_string()))?;
    let tree = value.tree().map_err(|_| {
        let problem =
            "it holds a number beyond all numbers, or is nested deeper than 128 levels.".to_owned();
        Fault::Value { field: String::new(), problem }
    })?;
    let Some(error) = validator.iter_errors(&tree).next() else { return Ok(()) };
    let mut field = String::new();
    for segment in error.instance_path().segments() {
        match segment {
            LocationSegment::Index(index) => field.extend(["[", &index.to_string(), "]"]),
            LocationSegment::Property(name) => {
                field.push_str(if field.is_empty() { "" } else { "." });
                field.push_str(&name);
            }
        }
    }
    Err(Fault::Value { field, problem: error.to_string() })
}

/// Checks parameters by the schema of a flow, as the client's own server reads that (semantics.md 20, 23): what is not
/// required may be null, and blocks may be named by their ids. A default may lack what is required.
///
/// # Errors
/// As of [`check`].
pub fn check_parameters(
    schema: &RawObject,
    parameters: &RawObject,
    requires: bool,
) -> Result<(), Fault> {
    let tree = schema.tree().map_err(|error| Fault::Schema(error.to_string()))?;
    let mut tree = lenient(tree);
    if !requires {
        drop_required(&mut tree);
    }
    check(&tree, parameters)
}

/// A schema as older Pydantic means it.
fn lenient(mut schema: Value) -> Value {
    let Value::Object(root) = &mut schema else { return schema };
    lenient_properties(root);
    if let Some(Value::Object(definitions)) = root.get_mut("definitions") {
        let mut blocks = Vec::new();
        for definition in definitions.values_mut() {
            let Value::Object(fields) = definition else { continue };
            lenient_properties(fields);
            if let (Some(_), Some(title)) =
                (fields.get("block_type_slug"), fields.get("title").and_then(Value::as_str))
            {
                let by_id = json!({ "type": "object", "required": ["$ref"] });
                blocks.push((title.to_owned(), json!({ "oneOf": [fields, by_id] })));
            }
        }
        definitions.extend(blocks);
    }
    schema
}

fn lenient_properties(schema: &mut Map<String, Value>) {
    let required: Vec<String> = match schema.get("required") {
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (name, property) in properties {
        let Value::Object(property) = property else { continue };
        let is_open = !required.contains(name) && !property.contains_key("default");
        if is_open && property.get("type").is_some_and(|kind| kind != "null") {
            let kind = property.remove("type").unwrap_or_default();
            property.insert("anyOf".to_owned(), json!([{ "type": kind }, { "type": "null" }]));
        }
        let is_tuple = property.get("items").is_some_and(Value::is_array);
        if is_tuple
            && !property.contains_key("prefixItems")
            && let Some(items) = property.remove("items")
        {
            property.insert("prefixItems".to_owned(), items);
        }
        lenient_properties(property);
    }
}

fn drop_required(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("required").is_some_and(Value::is_array) {
                fields.remove("required");
            }
            fields.values_mut().for_each(drop_required);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_required),
        _ => {}
    }
}

/// How deep a schema is looked into for what is secret.
const SECRETS: usize = 100;

/// Whether a parameter is kept from logs: its schema says that it is written and not read (ALL-11).
pub fn is_secret(root: &Value, name: &str) -> bool {
    let property = root.get("properties").and_then(|all| all.get(name));
    property.is_some_and(|property| says_secret(root, property, &mut HashSet::new(), SECRETS))
}

fn says_secret<'a>(
    root: &'a Value,
    schema: &'a Value,
    seen: &mut HashSet<*const Value>,
    depth: usize,
) -> bool {
    // What goes too deep to be looked at is not shown.
    let Some(depth) = depth.checked_sub(1) else { return true };
    if !seen.insert(std::ptr::from_ref(schema)) {
        return false;
    }
    match schema {
        Value::Object(fields) => {
            let is_said = fields.get("format").is_some_and(|format| format == "password")
                || fields.get("writeOnly").is_some_and(|only| only == true);
            let to = fields.get("$ref").and_then(Value::as_str);
            let to = to.and_then(|to| root.pointer(to.strip_prefix('#')?));
            is_said
                || to.is_some_and(|to| says_secret(root, to, seen, depth))
                || fields.values().any(|part| says_secret(root, part, seen, depth))
        }
        Value::Array(list) => list.iter().any(|part| says_secret(root, part, seen, depth)),
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> RawObject {
        serde_json::from_str(&value.to_string()).unwrap()
    }

    #[test]
    fn a_check_takes_a_bounded_time() {
        let take = |schema: &Value| check(schema, &object(&json!({"x": 5})));
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
        assert!(take(&doubled(8)).is_err());
        assert!(take(&doubled(40)).is_ok());
        assert!(!can_be_checked(&json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}), "{}"));
        assert!(!can_be_checked(&json!({"$ref": "https://schemas.example/a"}), "{}"));
    }

    /// semantics.md 20: a parameter that is not required may be null, a default may lack one that is.
    #[test]
    fn parameters_are_checked_as_the_clients_server_does() {
        let schema = object(&json!({
            "properties": {"x": {"type": "integer"}, "y": {"type": "string"}, "o": {"$ref": "#/definitions/O"}},
            "required": ["x"],
            "definitions": {"O": {"properties": {"n": {"type": "array", "items": [{"type": "integer"}]}}}},
        }));
        let told = |value: Value, requires| check_parameters(&schema, &object(&value), requires);
        assert_eq!(told(json!({"x": 1, "y": null, "more": 1}), true), Ok(()));
        assert_eq!(told(json!({"y": "a"}), false), Ok(()));
        let field = |fault| match fault {
            Err(Fault::Value { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(told(json!({"y": "a"}), true)), "");
        assert_eq!(field(told(json!({"x": null}), true)), "x");
        assert_eq!(field(told(json!({"x": 1, "o": {"n": ["a"]}}), true)), "o.n[0]");
        assert_eq!(told(json!({"x": 1, "o": {"n": [1, "a"]}}), true), Ok(()));
        let broken = check_parameters(&object(&json!({"type": 5})), &object(&json!({})), true);
        assert!(matches!(broken, Err(Fault::Schema(_))));
    }

    #[test]
    fn what_is_written_only_is_secret() {
        let schema = json!({
            "properties": {"a": {"type": "string"}, "b": {"format": "password"}, "c": {"$ref": "#/definitions/C"},
                           "d": {"anyOf": [{"writeOnly": true}, {"type": "null"}]}, "e": {"$ref": "#/definitions/E"}},
            "definitions": {"C": {"properties": {"p": {"format": "password"}}},
                            "E": {"properties": {"e": {"$ref": "#/definitions/E"}}}},
        });
        let secret = ["a", "b", "c", "d", "e", "f"].map(|name| is_secret(&schema, name));
        assert_eq!(secret, [false, true, true, true, false, false]);
    }
}
