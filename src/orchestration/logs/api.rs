//! The API of logs.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::download::lines;
use super::filter::LogFilter;
use super::queries::{self, Log, LogId, Of};
use crate::access::permission::needs::{RunFlows, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::csv;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::{
    JsonBody, JsonElements, Window, created, moment, object, ok, path_id,
};
use crate::base::http::routes::{resource, resources};
use crate::base::json::cut;
use crate::base::live::Topic;
use crate::base::seen::SeenLately;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries as flow_runs;

/// Of which workspace this process dropped a line within the last minute.
#[derive(Debug, Default)]
struct Dropped(SeenLately);

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resources(["/logs/", "/logs"]).post(create))
        .service(resource("/logs/filter").post(filter))
        .service(resource("/flow_runs/{id}/logs/download").get(download));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(
    // Of a list whose elements are read one by one.
    components(schemas(LogCreate)),
    paths(create, filter, download)
)]
pub struct Document;

/// A line that is to be kept.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LogCreate {
    /// The logger.
    pub name: String,
    /// How grave it is; 20 is information, 40 an error.
    #[serde(deserialize_with = "level")]
    pub level: i32,
    /// What it says.
    pub message: String,
    /// When it was logged.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Instant,
    /// The flow run that logged it.
    #[serde(default)]
    pub flow_run_id: Option<Uuid>,
    /// The task run that logged it.
    #[serde(default)]
    pub task_run_id: Option<Uuid>,
}

/// A whole number, however it is written: `20.0` too.
fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let level = f64::deserialize(deserializer)?.clamp(i32::MIN.into(), i32::MAX.into());
    #[expect(clippy::cast_possible_truncation, reason = "it is in the range")]
    let whole = level.round() as i32;
    Ok(whole)
}

/// A line.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogBody {
    /// Its id.
    pub id: Uuid,
    /// When it was logged.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it was logged.
    #[schema(format = DateTime)]
    pub updated: String,
    /// The logger.
    pub name: String,
    /// How grave it is.
    pub level: i64,
    /// What it says.
    pub message: String,
    /// When it was logged.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// The flow run that logged it.
    pub flow_run_id: Option<Uuid>,
    /// The task run that logged it.
    pub task_run_id: Option<Uuid>,
}

impl From<Log> for LogBody {
    fn from(log: Log) -> Self {
        Self {
            id: log.id.uuid(),
            created: moment(log.at),
            updated: moment(log.at),
            name: log.name,
            level: log.level,
            message: log.message,
            timestamp: moment(log.at),
            flow_run_id: log.flow_run_id.map(Id::uuid),
            task_run_id: log.task_run_id.map(Id::uuid),
        }
    }
}

/// Lines in one request, at most: many times what clients send.
const AT_ONCE: usize = 50_000;

/// The longest message of a line, in characters: where the client cuts it (Prefect 3.8, `max_log_size`).
const LONGEST_MESSAGE: usize = 1_000_000;

/// The longest name of a logger, in characters.
const LONGEST_NAME: usize = 1000;

/// Keeps lines; they are durable when this answers. One that cannot be kept costs no other: it is left out, logged
/// and counted (SP-42).
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/logs/",
    tag = "Logs",
    request_body(content = Vec<serde_json::Value>, description = "Lines, each a `LogCreate`."),
    responses((status = 201, body = Option<Object>)))]
pub async fn create(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    body: JsonElements,
) -> Result<HttpResponse> {
    let (workspace, now) = (access.workspace().id, app.now());
    let told = body.parsed::<LogCreate>()?;
    if told.len() > AT_ONCE {
        return Err(Error::Invalid(format!("{AT_ONCE} lines at most.")));
    }
    let count = told.len();
    let mut lines = Vec::with_capacity(count);
    for line in told {
        match line {
            Ok(line) => lines.push(Log {
                id: LogId::new(now),
                flow_run_id: line.flow_run_id.map(Into::into),
                task_run_id: line.task_run_id.map(Into::into),
                name: cut(line.name, LONGEST_NAME),
                level: line.level.into(),
                message: cut(line.message, LONGEST_MESSAGE),
                at: line.timestamp,
            }),
            Err(error) => {
                if app.memory.of::<Dropped>().0.is_first(workspace.uuid(), Uuid::nil(), "log", now)
                {
                    tracing::warn!(error.cause = %error, workspace.id = %workspace, "a line is not kept");
                }
            }
        }
    }
    app.metrics.dropped("log", count - lines.len());
    access.report(&app, move |db, workspace| Ok(queries::insert(db, workspace, &lines)?)).await?;
    app.live.wake(workspace.uuid(), Topic::Logs);
    Ok(created(&()))
}

/// Which lines, in which order.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct LogsBody {
    /// Which.
    #[serde(default, deserialize_with = "object")]
    pub logs: Option<LogFilter>,
    /// `TIMESTAMP_ASC` or `TIMESTAMP_DESC`.
    pub sort: Option<String>,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

/// Lines.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/logs/filter",
    tag = "Logs", request_body = Option<LogsBody>, responses((status = 200, body = [LogBody])))]
pub async fn filter(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    body: JsonBody<LogsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let window = Window::of(body.limit, body.offset)?;
    let is_down = match body.sort.as_deref() {
        None | Some("TIMESTAMP_ASC") => false,
        Some("TIMESTAMP_DESC") => true,
        Some(_) => return Err(Error::Invalid("sort: there is no such order.".to_owned())),
    };
    let term = body.logs.unwrap_or_default().term()?;
    let workspace = access.workspace().id;
    let some = move |db: &mut Db| queries::some(db, workspace, (&term, is_down), window);
    let found = app.db.read(some).await?;
    let list: Vec<LogBody> = found.into_iter().map(Into::into).collect();
    Ok(ok(&list))
}

/// The lines of a run as a file: CSV for spreadsheets.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/logs/download",
    tag = "Logs", responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn download(
    req: HttpRequest,
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, id): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let run = app.db.read(move |db| Ok(flow_runs::one(db, workspace, id)?)).await?;
    let name = format!("{}-logs.csv", run.ok_or(Error::NotFound)?.name);
    let name = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    let head = csv::line(["timestamp", "level", "flow_run_id", "task_run_id", "message"])?;
    let of = Of { flow_run: Some(id.cast()), ..Of::default() };
    let lines = lines(&app, (workspace, of), head, csv_line);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"flow-run-logs.csv\"; filename*=UTF-8''{name}"),
        ))
        .streaming(lines))
}

fn csv_line(log: &Log) -> Result<Vec<u8>> {
    let (at, level) = (moment(log.at), log.level.to_string());
    let run = log.flow_run_id.map(|id| id.to_string()).unwrap_or_default();
    let task = log.task_run_id.map(|id| id.to_string()).unwrap_or_default();
    csv::line([&*at, &*level, &*run, &*task, &*log.message])
}
