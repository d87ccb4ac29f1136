//! An entry's text, read for people. Entries are never rewritten, so whatever an older version left
//! out or wrote otherwise is simply not shown.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::access::transfers::TransferId;
use crate::base::db::Instant;
use crate::base::text::thousands;
use crate::urls;

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

/// Details that say by their name what an entry is about.
const INNER: [&str; 9] = [
    "key",
    "invitation",
    "person",
    "user",
    "flow",
    "deployment",
    "flow_run",
    "saved_search",
    "concurrency_limit",
];

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

    /// The transfer that it is about.
    pub fn transfer(&self) -> Option<TransferId> {
        self.details.get("transfer")?.as_str()?.parse().ok()
    }

    /// What changed, or what it was about; empty when the event says it all.
    pub fn about(&self) -> String {
        let changes = self.changes();
        if !changes.is_empty() {
            return changes.join(", ");
        }
        let inner = INNER.iter().filter_map(|name| self.details.get(name));
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

/// One detail of an entry in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `Service account`
    pub label: String,
    /// Its value.
    pub value: String,
    /// Set where the value is a moment.
    pub at: Option<Instant>,
    /// The page of what it names.
    pub href: Option<String>,
}

/// Details in words, and values of a list, at most.
const FACTS: usize = 60;
const VALUES: usize = 20;

/// Names by which people know a thing, the first that it has.
const NAMES: [&str; 5] = ["name", "path", "handle", "email", "recipient"];

impl Story {
    /// The details in words, but for what was before and after; with links, as an organization's admin has them.
    pub fn facts(&self, organization: &str) -> Vec<Fact> {
        let mut facts = Vec::new();
        if let Some(details) = self.details.as_object() {
            for (name, value) in details {
                if matches!(name.as_str(), "before" | "after") {
                    continue;
                }
                self.tell(&mut facts, name, value, organization);
            }
        }
        facts.truncate(FACTS);
        facts
    }

    fn tell(&self, facts: &mut Vec<Fact>, name: &str, value: &Value, organization: &str) {
        let label = label(name);
        let Some(parts) = value.as_object() else {
            let text = told(value);
            let at = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            let href = self.href(name, value, organization);
            // An id says nothing to people; where it leads does.
            let text = if href.is_some() { format!("this {}", label.to_lowercase()) } else { text };
            if !text.is_empty() {
                facts.push(Fact { label, value: text, at: at.map(Instant::from), href });
            }
            return;
        };
        let known = NAMES.iter().find_map(|name| Some((*name, parts.get(*name)?.as_str()?)));
        if let Some((_, text)) = known {
            let id = parts.get("id").unwrap_or(&Value::Null);
            let href = self.href(name, id, organization);
            facts.push(Fact { label: label.clone(), value: text.to_owned(), at: None, href });
        }
        for (part, value) in parts {
            let is_told = known.is_some_and(|(name, _)| name == part || part == "id");
            if !is_told {
                self.tell(facts, &format!("{name}: {part}"), value, organization);
            }
        }
    }

    /// The page of what a detail's id names.
    fn href(&self, name: &str, id: &Value, organization: &str) -> Option<String> {
        let id: Uuid = id.as_str()?.parse().ok()?;
        match name {
            "transfer" => Some(urls::transfer(id)),
            "service_account" => Some(urls::service_account(organization, id)),
            "flow_run" | "flow" | "deployment" => {
                let place = self.workspace()?.split_once('/')?;
                Some(match name {
                    "flow" => urls::flow(place, id),
                    "deployment" => urls::deployment(place, id),
                    _ => urls::flow_run(place, id),
                })
            }
            _ => None,
        }
    }
}

/// `old_key_until` as `Old key until`.
fn label(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A value in words; empty for none.
fn told(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), thousands),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let name = |value: &Value| match value {
                Value::Object(parts) => NAMES
                    .iter()
                    .find_map(|name| parts.get(*name)?.as_str().map(str::to_owned))
                    .unwrap_or_else(|| value.to_string()),
                value => told(value),
            };
            let mut words: Vec<String> = values.iter().take(VALUES).map(name).collect();
            if values.len() > VALUES {
                words.push(format!("and {} more", values.len() - VALUES));
            }
            words.join(", ")
        }
        Value::Object(_) => value.to_string(),
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
    fn details_are_told_in_words() {
        let id = "01a20777-8625-78d9-9715-000000000001";
        let entry = serde_json::json!({
            "workspace": {"path": "acme/data"},
            "details": {
                "service_account": {"id": id, "name": "ingest"}, "flow_run": id,
                "old_key_until": "2026-11-23T09:24:11Z", "invitations_ended": 1200, "undo": true,
                "people": [{"name": "Bob"}, {"email": "eve@x.org"}], "note": null,
                "key": {"name": "laptop", "expires": "never"}, "before": {"a": 1}, "after": {"a": 2},
            },
        });
        let facts = Story::read(&entry.to_string()).facts("acme");
        let told = |label: &str| facts.iter().find(|fact| fact.label == label).unwrap().clone();
        assert_eq!(told("Service account").value, "ingest");
        assert_eq!(told("Service account").href, Some(urls::service_account("acme", id)));
        assert_eq!(told("Flow run").href, Some(urls::flow_run(("acme", "data"), id)));
        assert!(told("Old key until").at.is_some());
        assert_eq!(
            (told("Invitations ended").value, told("Undo").value),
            ("1,200".into(), "yes".into())
        );
        assert_eq!(told("People").value, "Bob, eve@x.org");
        assert_eq!(
            (told("Key").value, told("Key: expires").value),
            ("laptop".into(), "never".into())
        );
        assert_eq!(facts.len(), 8);
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
