//! Values that say what they stand for: clients send them in parameters and inputs (semantics.md 20, 35).

use serde_json::{Map, Value};

use crate::base::json::{Raw, RawObject, clean};

/// What an object with this key says is another value, by the kind that it names.
const KIND: &str = "__prefect_kind";

/// Fields with what they describe put in their places; every other field stays as it was sent.
///
/// # Errors
/// What is wrong with a description.
pub fn in_place(input: RawObject) -> Result<RawObject, String> {
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
}
