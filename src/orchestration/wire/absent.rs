//! What clients ask for at addresses that have no route: each gets a sentence to print, and 404.

use actix_web::{HttpRequest, HttpResponse};

use crate::base::error::{Error, Result};

/// What the client's API has and this one does not, by the first parts of an address inside a workspace.
const ABSENT: &[(&str, &str)] = &[
    ("artifacts", "Artifacts"),
    ("assets", "Assets"),
    ("automations", "Automations"),
    ("block_capabilities", "Blocks"),
    ("block_documents", "Blocks"),
    ("block_schemas", "Blocks"),
    ("block_types", "Blocks"),
    ("collections", "Collections of blocks and workers"),
    ("flow_run_notification_policies", "Notifications"),
    ("task_workers", "Task workers"),
    ("variables", "Variables"),
    ("webhooks", "Webhooks"),
    ("work_pools", "Work pools"),
    ("work_queues", "Work queues"),
];

/// What is inside of workspaces.
const IN_WORKSPACES: &[&str] = &[
    "concurrency_limits",
    "deployments",
    "events",
    "flow_run_states",
    "flow_runs",
    "flows",
    "logs",
    "saved_searches",
    "task_run_states",
    "task_runs",
    "v2/concurrency_limits",
];

/// The rest of a path behind some of its parts.
fn rest(path: &str, parts: usize) -> String {
    let rest: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).skip(parts).collect();
    rest.join("/")
}

/// Whether an address begins with these parts.
fn begins_with(address: &str, parts: &str) -> bool {
    address.strip_prefix(parts).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn absent(address: &str) -> Option<&'static str> {
    ABSENT.iter().find(|(parts, _)| begins_with(address, parts)).map(|(_, words)| *words)
}

/// `/api/accounts/{account_id}/workspaces/{workspace_id}/…`, without a route: the same for every workspace, so it tells
/// nothing of one that is out of reach.
///
/// # Errors
/// Always: [`Error::Absent`] for what this version lacks, else [`Error::NotFound`].
pub async fn in_workspace(req: HttpRequest) -> Result<HttpResponse> {
    Err(absent(&rest(req.path(), 5)).map_or(Error::NotFound, |words| {
        Error::Absent(format!(
            "{words} are not part of this version of Bulkhead ({}) yet.",
            env!("CARGO_PKG_VERSION")
        ))
    }))
}

/// `/api/…`, without a route. A client whose API URL names no workspace gets here.
///
/// # Errors
/// Always: [`Error::Absent`] for what belongs into a workspace, else [`Error::NotFound`].
pub async fn at_root(req: HttpRequest) -> Result<HttpResponse> {
    let address = rest(req.path(), 1);
    let is_inside = absent(&address).is_some()
        || IN_WORKSPACES.iter().any(|parts| begins_with(&address, parts));
    Err(if is_inside {
        Error::Absent(
            "This address names no workspace. Choose one with “prefect cloud workspace set”, which sets \
             PREFECT_API_URL to …/api/accounts/{account id}/workspaces/{workspace id}."
                .to_owned(),
        )
    } else {
        Error::NotFound
    })
}
