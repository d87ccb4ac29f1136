//! What the audit log says of deployments: the fields that changed, without what is secret (ALL-11).

use serde_json::{Map, Value, json};

use crate::access::workspace::WorkspaceAccess;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::json::{Raw, RawObject, cut};
use crate::orchestration::deployments::model::{Schedule, Whole};
use crate::orchestration::deployments::rule;
use crate::orchestration::wire::schema::is_secret;
use crate::tenancy::audit::{By, Entry, Event, record};

/// Characters of a value, at most.
const LONGEST: usize = 500;

/// What stands for a secret value.
const SECRET: &str = "********";

/// A field: its name, its value as it is kept, and as it is told.
type Field = (&'static str, Option<String>, Option<String>);

/// Parameters with secrets covered. What cannot be looked at is covered as a whole.
pub(super) fn covered(parameters: &RawObject, schema: Option<&RawObject>) -> String {
    let Some(schema) = schema else { return parameters.text().to_owned() };
    let Ok(schema) = schema.tree() else { return SECRET.to_owned() };
    let cover = |(name, value): (String, Raw)| {
        let value = if is_secret(&schema, &name) { Raw::of(&SECRET) } else { value };
        (name, value)
    };
    let covered: RawObject = parameters.clone().into_iter().map(cover).collect();
    covered.text().to_owned()
}

fn schedule_fields(schedule: &Schedule, schema: Option<&RawObject>) -> Vec<Field> {
    let plain = |name, text: String| (name, Some(text.clone()), Some(text));
    let (parameters, most) = (&schedule.parameters.0, schedule.max_scheduled_runs);
    vec![
        plain("schedule", schedule.schedule.0.text().to_owned()),
        plain("active", schedule.paused_at.is_none().to_string()),
        ("slug", schedule.slug.clone(), schedule.slug.clone()),
        plain(
            "max scheduled runs",
            most.map_or_else(|| "none".to_owned(), |most| most.to_string()),
        ),
        ("parameters", Some(parameters.text().to_owned()), Some(covered(parameters, schema))),
    ]
}

fn fields(whole: &Whole) -> Vec<Field> {
    let (deployment, body) = (&whole.deployment, &whole.deployment.body.0);
    let schema = body.parameter_schema.as_ref();
    let same = |name, text: Option<String>| (name, text.clone(), text);
    let of = |value: &RawObject| Some(value.text().to_owned());
    let mut schedules: Vec<_> = whole.schedules.iter().collect();
    schedules.sort_by_key(|schedule| (schedule.created_at, schedule.id));
    let list = |told: fn(&Field) -> &Option<String>| {
        let one = |schedule: &&Schedule| {
            let fields = schedule_fields(schedule, schema);
            let texts: Vec<&str> =
                fields.iter().filter_map(|field| told(field).as_deref()).collect();
            texts.join(" ")
        };
        Some(schedules.iter().map(one).collect::<Vec<_>>().join("; "))
    };
    vec![
        same("version", body.version.clone()),
        same("description", body.description.clone()),
        same("tags", Some(deployment.tags.0.join(", "))),
        same("paused", Some(deployment.paused_at.is_some().to_string())),
        same("entrypoint", body.entrypoint.clone()),
        same("path", body.path.clone()),
        same("pull steps", body.pull_steps.as_ref().map(|steps| Raw::of(steps).text().to_owned())),
        ("parameters", of(&body.parameters), Some(covered(&body.parameters, schema))),
        same("parameter schema", schema.and_then(of)),
        same("parameters are checked", Some(body.is_checked.to_string())),
        same("job variables", of(&body.job_variables)),
        same("labels", of(&body.labels)),
        ("schedules", list(|field| &field.1), list(|field| &field.2)),
    ]
}

/// The fields that differ, before and after; `None` where none does.
fn difference(before: Vec<Field>, after: Vec<Field>) -> Option<(Value, Value)> {
    let (mut old, mut new) = (Map::new(), Map::new());
    for ((name, was, told_before), (_, is, told_after)) in before.into_iter().zip(after) {
        if was == is {
            continue;
        }
        let short = |text: Option<String>| text.map(|text| cut(text, LONGEST));
        let (told_before, mut told_after) = (short(told_before), short(told_after));
        if told_before == told_after {
            told_after = Some(format!("{} (changed)", told_after.unwrap_or_default()));
        }
        old.insert(name.to_owned(), json!(told_before));
        new.insert(name.to_owned(), json!(told_after));
    }
    (!new.is_empty()).then(|| (Value::Object(old), Value::Object(new)))
}

fn named(whole: &Whole) -> Value {
    json!({ "id": whole.deployment.id, "name": whole.deployment.name })
}

fn keep<P>(
    db: &mut Db,
    (access, ip): (&WorkspaceAccess<P>, ClientIp),
    (event, details): (Event, Value),
    now: Instant,
) -> Result<()> {
    let entry = Entry::of_workspace(event, access.workspace(), details);
    record(db, &By::actor(access.actor(), ip), entry, now)
}

/// Records what a deployment became; nothing where it is as before.
pub(super) fn changed<P>(
    db: &mut Db,
    by: (&WorkspaceAccess<P>, ClientIp),
    (before, after): (Option<&Whole>, &Whole),
    now: Instant,
) -> Result<()> {
    let Some(before) = before else {
        return simply(db, by, (Event::DeploymentCreated, after), now);
    };
    let Some((old, new)) = difference(fields(before), fields(after)) else { return Ok(()) };
    let is_about_pause =
        new.as_object().is_some_and(|new| new.len() == 1 && new.contains_key("paused"));
    if is_about_pause {
        let is_paused = after.deployment.paused_at.is_some();
        let event = if is_paused { Event::DeploymentPaused } else { Event::DeploymentResumed };
        return simply(db, by, (event, after), now);
    }
    let details = json!({ "deployment": named(after), "before": old, "after": new });
    keep(db, by, (Event::DeploymentUpdated, details), now)
}

/// Records what happened to a deployment as a whole.
pub(super) fn simply<P>(
    db: &mut Db,
    by: (&WorkspaceAccess<P>, ClientIp),
    (event, whole): (Event, &Whole),
    now: Instant,
) -> Result<()> {
    keep(db, by, (event, json!({ "deployment": named(whole) })), now)
}

/// The same with more to say.
pub(super) fn with<P>(
    db: &mut Db,
    by: (&WorkspaceAccess<P>, ClientIp),
    (event, whole): (Event, &Whole),
    more: Value,
    now: Instant,
) -> Result<()> {
    let mut details = Map::from_iter([("deployment".to_owned(), named(whole))]);
    if let Value::Object(more) = more {
        details.extend(more);
    }
    keep(db, by, (event, Value::Object(details)), now)
}

/// Records what a schedule of a deployment became; nothing where it is as before.
pub(super) fn schedule<P>(
    db: &mut Db,
    by: (&WorkspaceAccess<P>, ClientIp),
    whole: &Whole,
    (before, after): (Option<&Schedule>, Option<&Schedule>),
    now: Instant,
) -> Result<()> {
    let Some(one) = after.or(before) else { return Ok(()) };
    let (_, words, _) = rule::told(&one.schedule.0);
    let own =
        json!({ "id": one.id, "name": one.slug.clone().unwrap_or_else(|| cut(words, LONGEST)) });
    let schema = whole.deployment.body.0.parameter_schema.as_ref();
    let (event, more) = match (before, after) {
        (None, _) => (Event::ScheduleCreated, json!({ "schedule": own })),
        (_, None) => (Event::ScheduleDeleted, json!({ "schedule": own })),
        (Some(before), Some(after)) => {
            let fields = |one| schedule_fields(one, schema);
            let Some((old, new)) = difference(fields(before), fields(after)) else { return Ok(()) };
            let only =
                new.as_object().is_some_and(|new| new.len() == 1 && new.contains_key("active"));
            let more = json!({ "schedule": own, "before": old, "after": new });
            match (only, after.paused_at) {
                (true, Some(_)) => (Event::SchedulePaused, more),
                (true, None) => (Event::ScheduleResumed, more),
                _ => (Event::ScheduleUpdated, more),
            }
        }
    };
    with(db, by, (event, whole), more, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> RawObject {
        serde_json::from_str(text).unwrap()
    }

    /// ALL-11: a secret parameter is covered, and that it changed is told.
    #[test]
    fn secrets_are_covered() {
        let schema = object(r#"{"properties":{"p":{"format":"password","type":"string"}}}"#);
        let told = covered(&object(r#"{"p":"x","q":1.50}"#), Some(&schema));
        assert_eq!(told, r#"{"p":"********","q":1.50}"#);
        let field = |raw: &str| ("p", Some(raw.to_owned()), Some(SECRET.to_owned()));
        let (old, new) = difference(vec![field("a")], vec![field("b")]).unwrap();
        assert_eq!((&old["p"], &new["p"]), (&json!(SECRET), &json!("******** (changed)")));
        assert_eq!(difference(vec![field("a")], vec![field("a")]), None);
    }
}
