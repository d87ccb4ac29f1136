//! Which events: in the database as far as an index helps, and exactly here (schema `EventFilter` of
//! Prefect 3.8.8).

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Event, Labels, RESOURCE_ID, RESOURCE_ROLE};
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::json::object;
use crate::base::http::object::Object;
use crate::orchestration::wire::words::Words;

/// Values in all lists of a filter together, at most.
const VALUES: usize = 500;

/// Which events; what is null or empty narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventFilter {
    /// When they happened.
    #[serde(deserialize_with = "object")]
    pub occurred: Option<Occurred>,
    /// What happened.
    #[serde(deserialize_with = "object")]
    pub event: Option<EventName>,
    /// To which things.
    #[serde(deserialize_with = "object")]
    pub resource: Option<OfResource>,
    /// Related to which things; of several conditions, all hold.
    #[serde(deserialize_with = "one_or_more")]
    #[schema(value_type = Option<Vec<Related>>)]
    pub related: Option<Vec<Related>>,
    /// To or related to which things; of several conditions, all hold.
    #[serde(deserialize_with = "one_or_more")]
    #[schema(value_type = Option<Vec<OfResource>>)]
    pub any_resource: Option<Vec<OfResource>>,
    /// With these ids.
    #[serde(deserialize_with = "object")]
    pub id: Option<WithId>,
    /// That contain a text.
    #[serde(deserialize_with = "object")]
    pub text: Option<Text>,
    /// `ASC` or `DESC`, by when they happened.
    pub order: Option<Order>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum Order {
    /// The first one first.
    #[serde(rename = "ASC")]
    Up,
    /// The last one first.
    #[default]
    #[serde(rename = "DESC")]
    Down,
}

/// When.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Occurred {
    /// From then on; a day ago unless it is said.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Instant>,
    /// Until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Instant>,
}

/// What.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventName {
    /// Beginning with one of these.
    pub prefix: Option<Vec<String>>,
    /// Beginning with none of these.
    pub exclude_prefix: Option<Vec<String>>,
    /// One of these.
    pub name: Option<Vec<String>>,
    /// None of these.
    pub exclude_name: Option<Vec<String>>,
}

/// Which thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OfResource {
    /// One of these.
    pub id: Option<Vec<String>>,
    /// Beginning with one of these.
    pub id_prefix: Option<Vec<String>>,
    /// With these labels, each of one value or one of several; `*` at an end stands for anything, `!` at
    /// the beginning for not.
    #[schema(value_type = Option<Object>)]
    pub labels: Option<LabelValues>,
    /// Of each thing the newest event only; this server gives all of them, and refuses `true`.
    pub distinct: bool,
}

/// Which related thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Related {
    /// One of these.
    pub id: Option<Vec<String>>,
    /// In one of these roles.
    pub role: Option<Vec<String>>,
    /// One of these, each in its role.
    pub resources_in_roles: Option<Vec<(String, String)>>,
    /// With these labels.
    #[schema(value_type = Option<Object>)]
    pub labels: Option<LabelValues>,
}

/// Which ids.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WithId {
    /// One of these; none for any.
    pub id: Option<Vec<Uuid>>,
}

/// Which text.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Words of which one occurs, in letters of any size; `"some words"` as one, `-word` for one that must not
    /// occur, `+word` for one that must.
    #[schema(max_length = 200)]
    pub query: String,
}

/// One value or a list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    /// One.
    One(T),
    /// A list.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn values(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::More(values) => values,
        }
    }
}

fn one_or_more<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value: Option<OneOrMore<Object<T>>> = Option::deserialize(deserializer)?;
    Ok(value.map(|value| match value {
        OneOrMore::One(Object(value)) => vec![value],
        OneOrMore::More(values) => values.into_iter().map(|Object(value)| value).collect(),
    }))
}

type LabelValues = std::collections::BTreeMap<String, OneOrMore<String>>;

fn count<T>(list: Option<&Vec<T>>) -> usize {
    list.map_or(0, Vec::len)
}

fn labels_count(labels: Option<&LabelValues>) -> usize {
    labels.into_iter().flatten().map(|(_, values)| 1 + values.values().len()).sum()
}

impl OfResource {
    fn count(&self) -> usize {
        1 + count(self.id.as_ref())
            + count(self.id_prefix.as_ref())
            + labels_count(self.labels.as_ref())
    }
}

impl Related {
    fn count(&self) -> usize {
        1 + count(self.id.as_ref())
            + count(self.role.as_ref())
            + count(self.resources_in_roles.as_ref())
            + labels_count(self.labels.as_ref())
    }
}

impl EventFilter {
    /// The filter itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more values than a query takes.
    pub fn checked(self) -> Result<Self> {
        if self.resource.as_ref().is_some_and(|resource| resource.distinct) {
            let text = "resource.distinct: this server has no such list. Leave it out, or false.";
            return Err(Error::Invalid(text.to_owned()));
        }
        self.text.as_ref().map(|text| Words::of(&text.query)).transpose()?;
        if self.count() > VALUES {
            return Err(Error::Invalid(format!(
                "A filter takes {VALUES} values at most, all its lists together."
            )));
        }
        Ok(self)
    }

    /// Values in all its lists together: each event may be compared with each of them.
    fn count(&self) -> usize {
        let names = self.event.as_ref().map_or(0, |event| {
            let lists = [&event.prefix, &event.exclude_prefix, &event.name, &event.exclude_name];
            lists.into_iter().map(|list| count(list.as_ref())).sum()
        });
        let things = self.resource.iter().chain(self.any_resource.iter().flatten());
        let related = self.related.iter().flatten().map(Related::count).sum::<usize>();
        names
            + things.map(OfResource::count).sum::<usize>()
            + related
            + self.id.as_ref().map_or(0, |id| count(id.id.as_ref()))
    }

    /// The time that it spans: the last day unless it says another one.
    pub fn span(&self, now: Instant) -> (Instant, Instant) {
        let occurred = self.occurred.unwrap_or_default();
        let since = occurred.since.unwrap_or(now - SignedDuration::from_hours(24));
        (since, occurred.until.unwrap_or(now + SignedDuration::from_mins(1)))
    }

    /// The order: the last one first unless it says so.
    pub fn order(&self) -> Order {
        self.order.unwrap_or_default()
    }

    /// The ids asked for; an empty list asks for none in particular (api.md §6).
    pub fn ids(&self) -> Option<&[Uuid]> {
        self.id.as_ref()?.id.as_deref().filter(|ids| !ids.is_empty())
    }

    /// Whether an event is one of them, whenever it happened.
    pub fn holds(&self, event: &Event) -> bool {
        self.ids().is_none_or(|ids| ids.contains(&event.id.uuid()))
            && self.event.as_ref().is_none_or(|name| name.holds(&event.event))
            && self.resource.as_ref().is_none_or(|one| one.holds(&event.resource.0))
            && self.related.iter().flatten().all(|one| one.holds(&event.related.0))
            && self.any_resource.iter().flatten().all(|one| {
                one.holds(&event.resource.0) || event.related.0.iter().any(|known| one.holds(known))
            })
            && self.text.as_ref().is_none_or(|text| text.holds(event))
    }

    /// Whether conditions are left that only [`EventFilter::holds`] decides, beyond names and ids.
    pub fn needs_looking(&self) -> bool {
        let has_prefixes = |name: &EventName| {
            name.prefix.is_some() || name.exclude_prefix.is_some() || name.exclude_name.is_some()
        };
        self.event.as_ref().is_some_and(has_prefixes)
            || self.resource.as_ref().is_some_and(|one| {
                one.id_prefix.is_some()
                    || one.labels.as_ref().is_some_and(|labels| !labels.is_empty())
            })
            || self.related.as_ref().is_some_and(|list| !list.is_empty())
            || self.any_resource.as_ref().is_some_and(|list| !list.is_empty())
            || self.text.is_some()
    }
}

fn begins(text: &str, list: Option<&[String]>) -> Option<bool> {
    Some(list?.iter().any(|start| text.starts_with(start.as_str())))
}

impl EventName {
    fn holds(&self, event: &str) -> bool {
        let is_one = |list: Option<&[String]>| Some(list?.iter().any(|name| name == event));
        let by_prefix = begins(event, self.prefix.as_deref());
        let by_name = is_one(self.name.as_deref());
        // A name or a beginning is enough.
        let is_wanted = match (by_prefix, by_name) {
            (None, None) => true,
            (prefix, name) => prefix == Some(true) || name == Some(true),
        };
        is_wanted
            && begins(event, self.exclude_prefix.as_deref()) != Some(true)
            && is_one(self.exclude_name.as_deref()) != Some(true)
    }
}

/// Whether a value is meant: `*` at an end stands for anything.
fn means(pattern: &str, value: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => pattern == value,
    }
}

fn has_labels(
    known: &Labels,
    wanted: Option<&std::collections::BTreeMap<String, OneOrMore<String>>>,
) -> bool {
    wanted.into_iter().flatten().all(|(name, values)| {
        let Some(value) = known.get(name) else { return false };
        let (not, only): (Vec<_>, Vec<_>) =
            values.values().iter().partition(|pattern| pattern.starts_with('!'));
        let excluded = not.iter().any(|pattern| means(pattern.trim_start_matches('!'), value));
        !excluded && (only.is_empty() || only.iter().any(|pattern| means(pattern, value)))
    })
}

fn is_among(list: Option<&[String]>, known: &Labels, label: &str) -> bool {
    let value = known.get(label);
    list.is_none_or(|list| value.is_some_and(|value| list.contains(value)))
}

impl OfResource {
    fn holds(&self, known: &Labels) -> bool {
        let id = known.get(RESOURCE_ID).map_or("", String::as_str);
        is_among(self.id.as_deref(), known, RESOURCE_ID)
            && begins(id, self.id_prefix.as_deref()).unwrap_or(true)
            && has_labels(known, self.labels.as_ref())
    }
}

impl Related {
    fn holds(&self, related: &[Labels]) -> bool {
        let is_it = |known: &Labels| {
            is_among(self.id.as_deref(), known, RESOURCE_ID)
                && is_among(self.role.as_deref(), known, RESOURCE_ROLE)
                && self.resources_in_roles.as_ref().is_none_or(|list| {
                    list.iter().any(|(id, role)| {
                        known.get(RESOURCE_ID) == Some(id) && known.get(RESOURCE_ROLE) == Some(role)
                    })
                })
                && has_labels(known, self.labels.as_ref())
        };
        let asks_nothing = self.id.is_none()
            && self.role.is_none()
            && self.resources_in_roles.is_none()
            && self.labels.is_none();
        asks_nothing || related.iter().any(is_it)
    }
}

impl Text {
    fn holds(&self, event: &Event) -> bool {
        let labels = std::iter::once(&event.resource.0).chain(&event.related.0);
        let mut all = vec![event.event.as_str()];
        all.extend(labels.flat_map(Labels::values).map(String::as_str));
        all.push(event.payload.0.text());
        Words::of(&self.query).is_ok_and(|words| words.find(&all.join(" ").to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::db::Json;

    fn event() -> Event {
        let labels = |value: serde_json::Value| serde_json::from_value::<Labels>(value).unwrap();
        Event {
            id: Uuid::nil().into(),
            occurred_at: Instant::from_microseconds(0),
            received_at: Instant::from_microseconds(0),
            event: "prefect.flow-run.Running".to_owned(),
            resource_id: "prefect.flow-run.1".to_owned(),
            follows: None,
            resource: Json(labels(json!({RESOURCE_ID: "prefect.flow-run.1", "x": "abc"}))),
            related: Json(vec![
                labels(json!({RESOURCE_ID: "prefect.flow.2", RESOURCE_ROLE: "flow"})),
                labels(json!({RESOURCE_ID: "prefect.tag.t", RESOURCE_ROLE: "tag"})),
            ]),
            payload: Json(serde_json::from_str(r#"{"note":"Hello World"}"#).unwrap()),
        }
    }

    /// api.md §6, schema EventFilter: what each condition lets through.
    #[test]
    fn a_filter_lets_through_what_it_says() {
        for (filter, holds) in [
            (json!({}), true),
            (json!({"id": {"id": []}}), true),
            (json!({"id": {"id": ["00000000-0000-4000-8000-000000000001"]}}), false),
            (json!({"event": {"prefix": ["prefect.flow-run."]}}), true),
            (json!({"event": {"prefix": ["other"], "name": ["prefect.flow-run.Running"]}}), true),
            (json!({"event": {"name": ["prefect.flow-run.Failed"]}}), false),
            (json!({"event": {"exclude_prefix": ["prefect."]}}), false),
            (json!({"event": {"exclude_name": ["prefect.flow-run.Running"]}}), false),
            (json!({"resource": {"id": ["prefect.flow-run.1"]}}), true),
            (json!({"resource": {"id_prefix": ["prefect.task-run"]}}), false),
            (json!({"resource": {"labels": {"x": "a*"}}}), true),
            (json!({"resource": {"labels": {"x": ["b", "!abc"]}}}), false),
            (json!({"resource": {"labels": {"y": "a"}}}), false),
            (json!({"related": {"id": ["prefect.flow.2"], "role": ["flow"]}}), true),
            (json!({"related": {"id": ["prefect.flow.2"], "role": ["tag"]}}), false),
            (json!({"related": [{"role": ["flow"]}, {"role": ["tag"]}]}), true),
            (json!({"related": {"resources_in_roles": [["prefect.tag.t", "tag"]]}}), true),
            (json!({"related": {"resources_in_roles": [["prefect.tag.t", "flow"]]}}), false),
            (json!({"any_resource": {"id": ["prefect.tag.t"]}}), true),
            (json!({"any_resource": [{"id": ["prefect.tag.t"]}, {"id": ["z"]}]}), false),
            (json!({"text": {"query": "hello -moon"}}), true),
            (json!({"text": {"query": "hello -world"}}), false),
            (json!({"text": {"query": "moon \"hello world\""}}), true),
            (json!({"text": {"query": "\"world hello\""}}), false),
        ] {
            let filter: EventFilter = serde_json::from_value(filter.clone()).unwrap();
            assert_eq!(filter.holds(&event()), holds, "{filter:?}");
        }
    }
}
