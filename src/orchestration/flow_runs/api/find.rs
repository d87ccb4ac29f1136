//! Finding runs.

use actix_web::{HttpRequest, HttpResponse, web};
use uuid::Uuid;

use super::body::{FlowRunBody, body_of};
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonBody, Refusal, Window, ok, path_id};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries::{self, Sort};
use crate::orchestration::states::model::State;
use crate::orchestration::which::history::{HistoryBody, Interval, Span};
use crate::orchestration::which::list::{list_endpoints, run_endpoints};
use crate::orchestration::which::{Filters, Paginated};

/// One run.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}",
    tag = "Flow runs", responses((status = 200, body = FlowRunBody)))]
pub async fn read(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let run = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    Ok(ok(&body_of(run.ok_or(Error::NotFound)?, app.now())))
}

list_endpoints! {
    /// Which runs, in which order.
    FlowRunsBody of Filters, "`ID_DESC`, `START_TIME_ASC`, `START_TIME_DESC`, `EXPECTED_START_TIME_ASC`,\n`EXPECTED_START_TIME_DESC`, `NAME_ASC`, `NAME_DESC`, `NEXT_SCHEDULED_START_TIME_ASC` or\n`END_TIME_DESC`."
    by Sort, see SeeFlows, tag "Flow runs";
    Filters::of_flow_runs => (queries::some, queries::count), body_of => FlowRunBody;
    /// Runs.
    filter "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/filter"
    /// A page of runs, with how many there are.
    paginate "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/paginate"
    /// How many runs.
    count "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/count"
}

/// How many seconds after they were due runs began, or have not begun: the mean.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/lateness",
    tag = "Flow runs", request_body = Option<Filters>,
    responses((status = 200, body = Option<f64>, content_type = "application/json")))]
pub async fn lateness(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<Filters>,
) -> Result<HttpResponse> {
    let which = body.parsed()?;
    let (workspace, now) = (access.workspace().id, app.now());
    let mean = app
        .db
        .read(move |db| Ok(queries::lateness(db, workspace, which.of_flow_runs(workspace)?, now)?))
        .await?;
    Ok(ok(&mean))
}

run_endpoints! {
    tag "Flow runs", see SeeFlows, of Filters::of_flow_runs, queries queries;
    /// How many runs were in which state, by the time that they were due.
    history "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/history"
    /// Of which run.
    OfRun flow_run_id of FlowRunId, "Say of which flow_run_id."
    /// The states that a run was in, the first one first.
    states "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_run_states/"
    /// One state of a run.
    state "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_run_states/{id}"
}
