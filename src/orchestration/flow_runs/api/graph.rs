//! A run as a graph (schema `Graph` of Prefect 3.8.8).

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::json::{Refusal, moment, ok, parse_moment, path_id};
use crate::orchestration::rows::flow_runs::graph::{self, Edges, NODES, Node};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries;
use crate::orchestration::states::model::{State, StateType};

/// A run as a graph.
#[derive(Debug, Serialize, ToSchema)]
pub struct GraphBody {
    /// When it began, or is due.
    #[schema(format = DateTime)]
    pub start_time: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub end_time: Option<String>,
    /// What got no inputs from others.
    pub root_node_ids: Vec<Uuid>,
    /// Its tasks and subflows by when they began, each behind its id.
    #[schema(value_type = Vec<Vec<Value>>)]
    pub nodes: Vec<(Uuid, NodeBody)>,
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    pub artifacts: Vec<Value>,
    /// The states that it was in.
    pub states: Vec<GraphState>,
}

/// A task or a subflow.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeBody {
    /// `task-run` or `flow-run`.
    pub kind: &'static str,
    /// The id of its run.
    pub id: Uuid,
    /// Its name; of a subflow, behind the flow's.
    pub label: String,
    /// What kind of state it is in.
    #[schema(value_type = String)]
    pub state_type: StateType,
    /// When it began, or is due.
    #[schema(format = DateTime)]
    pub start_time: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub end_time: Option<String>,
    /// What it got inputs from.
    pub parents: Vec<Edge>,
    /// What got inputs from it.
    pub children: Vec<Edge>,
    /// What called it.
    pub encapsulating: Vec<Edge>,
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    pub artifacts: Vec<Value>,
}

/// One end of a line between nodes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Edge {
    /// The node.
    pub id: Uuid,
}

/// A state that the run was in.
#[derive(Debug, Serialize, ToSchema)]
pub struct GraphState {
    /// Its id.
    pub id: Uuid,
    /// Since when.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// What kind.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: StateType,
    /// Its name.
    pub name: String,
}

impl From<State> for GraphState {
    fn from(state: State) -> Self {
        Self {
            id: state.id.uuid(),
            timestamp: moment(state.timestamp),
            kind: state.kind,
            name: state.name,
        }
    }
}

fn body_of(node: Node, edges: Edges) -> (Uuid, NodeBody) {
    let ends = |list: graph::InOrder| list.into_iter().map(|(_, id)| Edge { id }).collect();
    let body = NodeBody {
        kind: if node.is_subflow { "flow-run" } else { "task-run" },
        id: node.id,
        label: node.label,
        state_type: node.state_type,
        start_time: moment(node.started_at),
        end_time: node.ended_at.map(moment),
        parents: ends(edges.parents),
        children: ends(edges.children),
        encapsulating: ends(edges.encapsulating),
        artifacts: Vec::new(),
    };
    (node.id, body)
}

/// Since when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// Only what has not ended, or ended from then on.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<String>,
}

/// A run as a graph of its tasks and subflows.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/graph-v2",
    tag = "Flow runs", params(Since),
    responses((status = 200, body = GraphBody), (status = 400, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn show(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    params: web::Query<Since>,
) -> Result<HttpResponse> {
    let since = params.into_inner().since.map(|since| parse_moment(&since)).transpose()?;
    let (workspace, id): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let (run, nodes, states) = app
        .db
        .read(move |db| {
            let run = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
            let nodes = graph::nodes(db, workspace, id)?;
            Ok((run, nodes, queries::states(db, workspace, id)?))
        })
        .await?;
    if nodes.len() > NODES {
        let text = format!("The graph of this run has more than {NODES} nodes.");
        return Err(Error::BadRequest(text));
    }
    let mut edges = graph::edges(&nodes);
    let mut shown: Vec<Node> = nodes
        .into_iter()
        .filter(|node| node.ended_at.is_none_or(|end| since.is_none_or(|since| end >= since)))
        .collect();
    shown.sort_by_key(|node| (node.started_at, node.ended_at, node.id));
    let nodes: Vec<_> = shown
        .into_iter()
        .map(|node| {
            let edges = edges.remove(&node.id).unwrap_or_default();
            body_of(node, edges)
        })
        .collect();
    let roots = nodes.iter().filter(|(_, node)| node.parents.is_empty());
    Ok(ok(&GraphBody {
        start_time: run.started_at.or(run.expected_start_at).map(moment),
        end_time: run.ended_at.map(moment),
        root_node_ids: roots.map(|(id, _)| *id).collect(),
        nodes,
        artifacts: Vec::new(),
        states: states.into_iter().map(Into::into).collect(),
    }))
}
