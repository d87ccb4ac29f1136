//! An entry's text, read for people. Entries are never rewritten, so whatever an older version left
//! out or wrote otherwise is simply not shown.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// What an entry tells, as far as pages show it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Story {
    actor: Teller,
    workspace: Option<Place>,
    details: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Teller {
    kind: String,
    id: Option<Uuid>,
    name: String,
    email: String,
    key: Option<Named>,
    ip: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    path: String,
}

/// Details that say by themselves what an entry is about, the most telling first.
const TELLING: [&str; 7] = ["name", "email", "recipient", "person", "handle", "path", "reason"];

impl Story {
    /// Reads an entry's text.
    pub fn read(entry: &str) -> Self {
        serde_json::from_str(entry).unwrap_or_default()
    }

    /// Who did it, seen by `viewer`.
    pub fn who(&self, viewer: Uuid) -> String {
        match self.actor.kind.as_str() {
            "operator" => "The operator".to_owned(),
            "user" if self.actor.id == Some(viewer) => "You".to_owned(),
            "user" | "service-account" if !self.actor.name.is_empty() => self.actor.name.clone(),
            "user" => "Somebody".to_owned(),
            _ => "Bulkhead".to_owned(),
        }
    }

    /// The key that it was done with.
    pub fn key(&self) -> Option<&str> {
        self.actor.key.as_ref().map(|key| key.name.as_str()).filter(|name| !name.is_empty())
    }

    /// From which address.
    pub fn ip(&self) -> Option<&str> {
        self.actor.ip.as_deref()
    }

    /// The path that the workspace had then.
    pub fn workspace(&self) -> Option<&str> {
        self.workspace.as_ref().map(|place| place.path.as_str())
    }

    /// What changed, or what it was about; empty when the event says it all.
    pub fn about(&self) -> String {
        let changes = self.changes();
        if !changes.is_empty() {
            return changes.join(", ");
        }
        let inner = ["key", "invitation", "person", "user"]
            .iter()
            .filter_map(|name| self.details.get(name));
        let all = std::iter::once(&self.details).chain(inner);
        all.flat_map(|value| TELLING.iter().filter_map(|name| value.get(name)?.as_str()))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
            .to_owned()
    }

    /// Each value that differs before and after: its name, the old and the new one.
    pub fn differences(&self) -> Vec<(String, String, String)> {
        let part = |name| self.details.get(name).and_then(Value::as_object);
        let (Some(before), Some(after)) = (part("before"), part("after")) else {
            return Vec::new();
        };
        after
            .iter()
            .filter_map(|(name, new)| {
                let old = before.get(name).unwrap_or(&Value::Null);
                (old != new).then(|| (name.clone(), plain(old), plain(new)))
            })
            .collect()
    }

    /// `handle: lab → lab-2`, for each difference.
    fn changes(&self) -> Vec<String> {
        let told = |(name, old, new)| format!("{name}: {old} → {new}");
        self.differences().into_iter().map(told).collect()
    }

    /// The address of the person who did it, as it was then.
    pub fn email(&self) -> &str {
        &self.actor.email
    }

    /// The details as JSON, indented; empty when there are none.
    pub fn details(&self) -> String {
        match &self.details {
            Value::Null => String::new(),
            Value::Object(empty) if empty.is_empty() => String::new(),
            details => serde_json::to_string_pretty(details).unwrap_or_default(),
        }
    }
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.chars().take(100).collect(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_with_both_values() {
        let story = Story::read(
            r#"{"actor":{"kind":"user","name":"Bob"},"details":{"before":{"handle":"lab","name":"x"},"after":{"handle":"field","name":"x"}}}"#,
        );
        assert_eq!(story.about(), "handle: lab → field");
        assert_eq!(story.who(Uuid::nil()), "Bob");
    }

    #[test]
    fn a_key_is_told_by_its_name() {
        let story = Story::read(r#"{"details":{"key":{"id":"1","name":"laptop"}}}"#);
        assert_eq!(story.about(), "laptop");
        assert_eq!(story.who(Uuid::nil()), "Bulkhead");
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        assert_eq!(Story::read("[").about(), "");
        assert_eq!(Story::read("{}").workspace(), None);
    }
}
