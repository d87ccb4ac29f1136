//! A run as a graph of its tasks and of the subflows that some of them stand for.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::model::FlowRunId;
use crate::access::WorkspaceId;
use crate::access::history::{all, shown};
use crate::base::db::schema::{flow_runs, flows, task_runs};
use crate::base::db::{Db, Instant, Json};
use crate::orchestration::rows::task_runs::model::{Body, TaskRunId};
use crate::orchestration::states::model::StateType;

/// Tasks and subflows in one graph, at most.
pub const NODES: usize = 10_000;

/// Tasks whose inputs are read together.
const CHUNK: usize = 200;

/// A task, or the subflow that it stands for.
#[derive(Clone, Debug)]
pub struct Node {
    /// Whether it is a subflow.
    pub is_subflow: bool,
    /// The id of its run.
    pub id: Uuid,
    /// Its name; of a subflow, behind the flow's.
    pub label: String,
    /// What kind of state it is in.
    pub state_type: StateType,
    /// When it began, or is due.
    pub started_at: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// The runs that it got inputs from, or that called it (`true`).
    inputs: Vec<(Uuid, bool)>,
}

/// Runs, by when they began.
pub type InOrder = BTreeSet<(Instant, Uuid)>;

/// How a node is tied to others.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    /// What it got inputs from.
    pub parents: InOrder,
    /// What got inputs from it.
    pub children: InOrder,
    /// What called it.
    pub encapsulating: InOrder,
}

type TaskRow =
    (TaskRunId, String, Option<StateType>, (Option<Instant>, Option<Instant>, Option<Instant>));

type SubflowRow = (
    Option<TaskRunId>,
    FlowRunId,
    (Option<String>, String),
    Option<StateType>,
    (Option<Instant>, Option<Instant>, Option<Instant>),
);

/// The nodes of a run, in no order: one more than [`NODES`] where there are more.
pub fn nodes(db: &mut Db, workspace: WorkspaceId, run: FlowRunId) -> QueryResult<Vec<Node>> {
    let limit = i64::try_from(NODES).unwrap_or(0) + 1;
    let tasks: Vec<TaskRow> = shown::task_runs(workspace)
        .filter(task_runs::flow_run_id.eq(run))
        .limit(limit)
        .select((
            task_runs::id,
            task_runs::name,
            task_runs::state_type,
            (task_runs::started_at, task_runs::expected_start_at, task_runs::ended_at),
        ))
        .load(db)?;
    let ids: Vec<TaskRunId> = tasks.iter().map(|task| task.0).collect();
    let mut inputs = HashMap::new();
    // What tasks were given can be long: only the ids in it are kept.
    for some in ids.chunks(CHUNK) {
        let bodies: Vec<(TaskRunId, Json<Body>)> = shown::task_runs(workspace)
            .filter(task_runs::id.eq_any(some.to_vec()))
            .select((task_runs::id, task_runs::body))
            .load(db)?;
        inputs.extend(bodies.into_iter().map(|(id, body)| (id, inputs_of(&body.0))));
    }
    let own = all::task_runs(workspace)
        .filter(task_runs::flow_run_id.eq(run))
        .select(task_runs::id.nullable());
    let flow = flows::table
        .filter(flows::workspace_id.eq(flow_runs::workspace_id))
        .filter(flows::id.eq(flow_runs::flow_id))
        .select(flows::name)
        .single_value();
    let subflows: Vec<SubflowRow> = shown::flow_runs(workspace)
        .filter(flow_runs::parent_task_run_id.eq_any(own))
        .order(flow_runs::id)
        .limit(limit)
        .select((
            flow_runs::parent_task_run_id,
            flow_runs::id,
            (flow, flow_runs::name),
            flow_runs::state_type,
            (flow_runs::started_at, flow_runs::expected_start_at, flow_runs::ended_at),
        ))
        .load(db)?;
    let mut of_task: HashMap<Uuid, SubflowRow> = HashMap::new();
    for subflow in subflows {
        if let Some(task) = subflow.0 {
            of_task.insert(task.uuid(), subflow);
        }
    }
    let node = |task: TaskRow| {
        let id = task.0;
        node(of_task.remove(&id.uuid()), task, inputs.remove(&id).unwrap_or_default())
    };
    Ok(tasks.into_iter().filter_map(node).collect())
}

/// What has no state, or no time, is no node yet.
fn node(subflow: Option<SubflowRow>, task: TaskRow, inputs: Vec<(Uuid, bool)>) -> Option<Node> {
    let (id, name, state, (started, expected, ended)) = task;
    // A task that never ran, since its result was there, ended when it was due.
    let completed = expected.filter(|_| state == Some(StateType::Completed));
    let (started_at, ended_at) = (started.or(expected), ended.or(completed));
    let Some((_, run, (flow, run_name), run_state, (began, due, over))) = subflow else {
        return Some(Node {
            is_subflow: false,
            id: id.uuid(),
            label: name,
            state_type: state?,
            started_at: started_at?,
            ended_at,
            inputs,
        });
    };
    Some(Node {
        is_subflow: true,
        id: run.uuid(),
        label: format!("{} / {run_name}", flow.unwrap_or_default()),
        state_type: run_state.or(state)?,
        started_at: began.or(due).or(started_at)?,
        ended_at: over.or(ended_at),
        inputs,
    })
}

/// The runs that a task's inputs name.
fn inputs_of(body: &Body) -> Vec<(Uuid, bool)> {
    let named = |value: &Value| value.get("id").and_then(Value::as_str)?.parse().ok();
    let of_input = |(input, list): (String, Value)| -> Vec<(Uuid, bool)> {
        let ids = list.as_array().into_iter().flatten().filter_map(named);
        ids.map(|id| (id, input == "__parents__")).collect()
    };
    body.task_inputs.trees().flat_map(of_input).collect()
}

/// How nodes are tied to each other.
pub fn edges(nodes: &[Node]) -> HashMap<Uuid, Edges> {
    let starts: HashMap<Uuid, Instant> =
        nodes.iter().map(|node| (node.id, node.started_at)).collect();
    let mut edges: HashMap<Uuid, Edges> = HashMap::new();
    for node in nodes {
        for (other, calls) in &node.inputs {
            let Some(start) = starts.get(other) else { continue };
            let own = edges.entry(node.id).or_default();
            if *calls {
                own.encapsulating.insert((*start, *other));
            } else {
                own.parents.insert((*start, *other));
                let other = edges.entry(*other).or_default();
                other.children.insert((node.started_at, node.id));
            }
        }
    }
    edges
}
