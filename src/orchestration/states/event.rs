//! The events by which this server tells that a run is in another state (api.md §5.1, 15).

use serde_json::json;

use super::model::State;
use crate::base::db::{Id, Json};
use crate::base::http::json::moment;
use crate::base::json::{Raw, RawObject};
use crate::orchestration::events::model::{Event, Labels, RESOURCE_ID, RESOURCE_ROLE};
use crate::orchestration::flow_runs::model::FlowRunId;
use crate::orchestration::flows::model::FlowId;
use crate::orchestration::task_runs::model::TaskRunId;

/// What changed in a run.
#[derive(Clone, Copy, Debug)]
pub struct Changed<'a> {
    /// The state before.
    pub before: Option<&'a State>,
    /// The state now.
    pub state: &'a State,
    /// How often the run began.
    pub run_count: i64,
    /// The run's tags.
    pub tags: &'a [String],
}

/// The event of a flow's run.
pub fn of_flow(
    changed: &Changed<'_>,
    (id, name): (FlowRunId, &str),
    flow: (FlowId, &str),
) -> Event {
    let flow = thing(format!("prefect.flow.{}", flow.0), "flow", Some(flow.1));
    event("prefect.flow-run", changed, (id.to_string(), name), vec![flow])
}

/// The event of a task's run.
pub fn of_task(
    changed: &Changed<'_>,
    (id, name): (TaskRunId, &str),
    flow_run: Option<(FlowRunId, &str)>,
) -> Event {
    let about =
        flow_run.map(|(id, name)| thing(format!("prefect.flow-run.{id}"), "flow-run", Some(name)));
    let mut event =
        event("prefect.task-run", changed, (id.to_string(), name), about.into_iter().collect());
    event.resource.0.insert("prefect.orchestration".to_owned(), "server".to_owned());
    event
}

fn thing(id: String, role: &str, name: Option<&str>) -> Labels {
    let mut labels =
        Labels::from([(RESOURCE_ID.to_owned(), id), (RESOURCE_ROLE.to_owned(), role.to_owned())]);
    labels.extend(name.map(|name| ("prefect.resource.name".to_owned(), name.to_owned())));
    labels
}

fn event(
    kind: &str,
    changed: &Changed<'_>,
    (id, name): (String, &str),
    mut related: Vec<Labels>,
) -> Event {
    let state = changed.state;
    let resource_id = format!("{kind}.{id}");
    let text = |word: &str| word.to_owned();
    let resource = Labels::from([
        (text(RESOURCE_ID), resource_id.clone()),
        (text("prefect.resource.name"), text(name)),
        (text("prefect.run-count"), changed.run_count.to_string()),
        (text("prefect.state-message"), state.message.clone().unwrap_or_default()),
        (text("prefect.state-name"), state.name.clone()),
        (text("prefect.state-timestamp"), moment(state.timestamp)),
        (text("prefect.state-type"), text(state.kind.as_str())),
    ]);
    related.extend(changed.tags.iter().map(|tag| thing(format!("prefect.tag.{tag}"), "tag", None)));
    let brief = |state: &State| json!({ "type": state.kind, "name": state.name, "message": state.message.as_deref().unwrap_or("") });
    let intended = json!({ "from": changed.before.map(|before| before.kind), "to": state.kind });
    let payload = RawObject::from_iter([
        (text("intended"), Raw::of(&intended)),
        (text("initial_state"), Raw::of(&changed.before.map(brief))),
        (text("validated_state"), Raw::of(&brief(state))),
    ]);
    Event {
        id: state.id.cast(),
        occurred_at: state.timestamp,
        received_at: state.timestamp,
        event: format!("{kind}.{}", state.name),
        resource_id,
        follows: changed.before.map(|before| Id::cast(before.id)),
        resource: Json(resource),
        related: Json(related),
        payload: Json(payload),
    }
}
