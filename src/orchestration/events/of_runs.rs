//! The events by which this server tells that a run is in another state (api.md §5.1, 15).

use std::collections::BTreeSet;

use serde_json::json;

use crate::base::db::{Id, Json};
use crate::base::http::json::moment;
use crate::base::json::{Raw, RawObject};
use crate::orchestration::events::model::{Event, Labels, RESOURCE_ID, RESOURCE_ROLE};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flows::model::{FlowId, FlowNote};
use crate::orchestration::rows::task_runs::model::{TaskRun, TaskRunId};
use crate::orchestration::states::model::State;

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

/// The event of a flow's run; of a subflow's, with the task that stands for it.
pub fn of_flow(
    changed: &Changed<'_>,
    (id, name): (FlowRunId, &str),
    (flow_id, flow): (FlowId, &FlowNote),
    parent: Option<&TaskRun>,
) -> Event {
    let mut related =
        vec![thing(format!("prefect.flow.{flow_id}"), "flow", Some(flow.name.as_str()))];
    related.extend(parent.map(|task| {
        thing(format!("prefect.task-run.{}", task.id), "task-run", Some(task.name.as_str()))
    }));
    let own = changed.tags.iter().chain(&flow.tags);
    let tags = own.chain(parent.into_iter().flat_map(|task| &task.tags.0));
    related.extend(tags.collect::<BTreeSet<_>>().into_iter().map(|tag| tag_of(tag)));
    event("prefect.flow-run", changed, (id.to_string(), name), related)
}

/// The event of a task's run.
pub fn of_task(
    changed: &Changed<'_>,
    (id, name): (TaskRunId, &str),
    flow_run: Option<(FlowRunId, &str)>,
) -> Event {
    let about =
        flow_run.map(|(id, name)| thing(format!("prefect.flow-run.{id}"), "flow-run", Some(name)));
    let related = about.into_iter().chain(changed.tags.iter().map(|tag| tag_of(tag))).collect();
    let mut event = event("prefect.task-run", changed, (id.to_string(), name), related);
    event.resource.0.insert("prefect.orchestration".to_owned(), "server".to_owned());
    event
}

fn tag_of(tag: &str) -> Labels {
    thing(format!("prefect.tag.{tag}"), "tag", None)
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
    related: Vec<Labels>,
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
