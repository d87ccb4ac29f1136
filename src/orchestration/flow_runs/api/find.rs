//! Finding runs.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::{FlowRunBody, body_of};
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Id;
use crate::base::error::{Error, Result};
use crate::base::http::json::{JsonBody, Refusal, Window, ok, path_id};
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries::{self, Sort};
use crate::orchestration::states::model::State;
use crate::orchestration::which::history::{HistoryBody, Interval, Span};
use crate::orchestration::which::{Filters, Paginated};

/// One run.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = FlowRunBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn read(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let run = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    Ok(ok(&body_of(run.ok_or(Error::NotFound)?, app.now())))
}

/// Which runs, in which order.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct FlowRunsBody {
    /// Which.
    #[serde(flatten)]
    pub which: Filters,
    /// `ID_DESC`, `START_TIME_ASC`, `START_TIME_DESC`, `EXPECTED_START_TIME_ASC`,
    /// `EXPECTED_START_TIME_DESC`, `NAME_ASC`, `NAME_DESC`, `NEXT_SCHEDULED_START_TIME_ASC` or
    /// `END_TIME_DESC`.
    pub sort: Option<String>,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
    /// For pages: which one, from 1.
    #[schema(minimum = 1)]
    pub page: Option<u32>,
}

fn sort(word: Option<&str>) -> Result<Sort> {
    Ok(match word {
        None | Some("ID_DESC") => Sort::Id,
        Some("START_TIME_ASC") => Sort::Started,
        Some("START_TIME_DESC") => Sort::StartedDown,
        Some("EXPECTED_START_TIME_ASC") => Sort::Expected,
        Some("EXPECTED_START_TIME_DESC") => Sort::ExpectedDown,
        Some("NAME_ASC") => Sort::Name,
        Some("NAME_DESC") => Sort::NameDown,
        Some("NEXT_SCHEDULED_START_TIME_ASC") => Sort::NextScheduled,
        Some("END_TIME_DESC") => Sort::EndedDown,
        Some(_) => return Err(Error::Invalid("sort: there is no such order.".to_owned())),
    })
}

/// Runs.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/filter",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = Option<FlowRunsBody>,
    responses((status = 200, body = [FlowRunBody]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn filter(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (window, sort) = (Window::of(body.limit, body.offset)?, sort(body.sort.as_deref())?);
    let (workspace, now) = (access.workspace().id, app.now());
    let found = app
        .db
        .read(move |db| {
            let term = body.which.of_flow_runs(workspace)?;
            Ok(queries::some(db, workspace, term, sort, window)?)
        })
        .await?;
    let list: Vec<FlowRunBody> = found.into_iter().map(|run| body_of(run, now)).collect();
    Ok(ok(&list))
}

/// A page of runs, with how many there are.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/paginate",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = Option<FlowRunsBody>,
    responses((status = 200, body = Paginated<FlowRunBody>), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn paginate(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<FlowRunsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (window, page) = Window::of_page(body.limit, body.page)?;
    let sort = sort(body.sort.as_deref())?;
    let (workspace, now) = (access.workspace().id, app.now());
    let (found, count) = app
        .db
        .read(move |db| {
            let term = body.which.of_flow_runs(workspace)?;
            let count = queries::count(db, workspace, body.which.of_flow_runs(workspace)?)?;
            Ok((queries::some(db, workspace, term, sort, window)?, count))
        })
        .await?;
    let list: Vec<FlowRunBody> = found.into_iter().map(|run| body_of(run, now)).collect();
    Ok(ok(&Paginated::of(list, count, (page, window.limit))))
}

/// How many runs.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/count",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = Option<Filters>,
    responses((status = 200, body = i64, content_type = "application/json"), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn count(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<Filters>,
) -> Result<HttpResponse> {
    let which = body.parsed()?;
    let workspace = access.workspace().id;
    let number = app
        .db
        .read(move |db| Ok(queries::count(db, workspace, which.of_flow_runs(workspace)?)?))
        .await?;
    Ok(ok(&number))
}

/// How many seconds after they were due runs began, or have not begun: the mean.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/lateness",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = Option<Filters>,
    responses((status = 200, body = Option<f64>, content_type = "application/json"), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
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

/// How many runs were in which state, by the time that they were due.
#[utoipa::path(post,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/history",
    tag = "Flow runs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = HistoryBody,
    responses((status = 200, body = [Interval]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn history(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<HistoryBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let span = Span::of(&body)?;
    let (workspace, now) = (access.workspace().id, app.now());
    let rows = app
        .db
        .read(move |db| {
            let term = body.which.of_flow_runs(workspace)?;
            Ok(queries::history(db, workspace, term, span, now)?)
        })
        .await?;
    Ok(ok(&span.intervals(rows)))
}

/// Of which run.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfRun {
    /// The run.
    pub flow_run_id: Uuid,
}

/// The states that a run was in, the first one first.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_run_states/",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), OfRun),
    responses((status = 200, body = [State]), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn states(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    params: Option<web::Query<OfRun>>,
) -> Result<HttpResponse> {
    let params = params.ok_or_else(|| Error::Invalid("Say of which flow_run_id.".to_owned()))?;
    let (workspace, id) = (access.workspace().id, FlowRunId::from(params.flow_run_id));
    let found = app.db.read(move |db| queries::states(db, workspace, id)).await?;
    Ok(ok(&found))
}

/// One state of a run.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_run_states/{id}",
    tag = "Flow runs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = State), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn state(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, Id<()>) = (access.workspace().id, path_id(&req, "id")?);
    let found = app.db.read(move |db| Ok(queries::state(db, workspace, id)?)).await?;
    Ok(ok(&found.ok_or(Error::NotFound)?))
}
