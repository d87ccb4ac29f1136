//! The addresses that the Prefect client prints (api.md §1): they lead to the pages, for those with access,
//! whichever account the workspace belongs to by now.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::access::actor::SignedInPerson;
use crate::access::membership::Workspace;
use crate::access::{AccountId, WorkspaceId, membership};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::routes::resources;
use crate::base::http::see_other;
use crate::urls;

/// The addresses.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        resources([
            "/account/{account_id}/workspace/{workspace_id}",
            "/account/{account_id}/workspace/{workspace_id}/{tail:.*}",
        ])
        .get(follow),
    );
}

#[derive(Deserialize)]
struct Asked {
    account_id: String,
    workspace_id: String,
    #[serde(default)]
    tail: String,
}

async fn follow(
    person: SignedInPerson,
    app: web::Data<App>,
    asked: web::Path<Asked>,
) -> Result<HttpResponse> {
    let asked = asked.into_inner();
    let _: AccountId = asked.account_id.parse().map_err(|_| Error::NotFound)?;
    let id: WorkspaceId = asked.workspace_id.parse().map_err(|_| Error::NotFound)?;
    let reach = person.actor().reach(app.now());
    let to = app
        .db
        .read(move |db| {
            let found = membership::by_id(db, &reach, id)?;
            let (workspace, _) = found.ok_or(Error::NotFound)?;
            page(&workspace, &asked.tail)
        })
        .await?;
    Ok(see_other(to))
}

/// The page that an address means; the workspace's own for what has no page.
fn page(workspace: &Workspace, tail: &str) -> Result<String> {
    let parts: Vec<&str> = tail.split('/').filter(|part| !part.is_empty()).collect();
    Ok(match parts.as_slice() {
        ["runs" | "flow-runs"] => urls::flow_runs(workspace),
        ["runs" | "flow-runs", "flow-run", id] | ["flow-runs", id] => {
            let id: uuid::Uuid = id.parse().map_err(|_| Error::NotFound)?;
            urls::flow_run(workspace, id)
        }
        ["runs" | "task-runs", "task-run", id] => {
            let id: uuid::Uuid = id.parse().map_err(|_| Error::NotFound)?;
            urls::task_run(workspace, id)
        }
        ["deployments"] => urls::deployments(workspace),
        ["deployments", "deployment", id] => {
            let id: uuid::Uuid = id.parse().map_err(|_| Error::NotFound)?;
            urls::deployment(workspace, id)
        }
        ["concurrency-limits"] => urls::limits(workspace),
        ["concurrency-limits", "concurrency-limit", id] => {
            let id: uuid::Uuid = id.parse().map_err(|_| Error::NotFound)?;
            urls::limit(workspace, id)
        }
        ["flows"] => urls::flows(workspace),
        ["flows", "flow", id] => {
            let id: uuid::Uuid = id.parse().map_err(|_| Error::NotFound)?;
            urls::flow(workspace, id)
        }
        _ => urls::workspace(workspace),
    })
}
