//! The API of logs.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::download::lines;
use super::queries::{self, Log, LogId, Of, Which};
use crate::access::permission::needs::{RunFlows, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::csv;
use crate::base::db::{Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::{
    JsonBody, JsonElements, Refusal, Window, created, moment, object, ok, path_id,
};
use crate::base::http::routes::{resource, resources};
use crate::base::json::cut;
use crate::base::live::Topic;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries as flow_runs;
use crate::orchestration::wire::filter::{Among, Between, Linked, Operator};
use crate::orchestration::wire::words::Words;

/// The addresses of this slice, relative to the workspace's.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(resources(["/logs/", "/logs"]).post(create))
        .service(resource("/logs/filter").post(filter))
        .service(resource("/flow_runs/{id}/logs/download").get(download));
}

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
    tag = "Logs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body(content = Vec<serde_json::Value>, description = "Lines, each a `LogCreate`."),
    responses((status = 201, body = Option<Object>), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
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
                if app.dropped.is_first(workspace.uuid(), Uuid::nil(), "log", now) {
                    tracing::warn!(error.cause = %error, workspace.id = %workspace, "a line is not kept");
                }
            }
        }
    }
    app.metrics.dropped("log", count - lines.len());
    app.db.ingest(move |db| Ok(queries::insert(db, workspace, &lines)?)).await?;
    app.live.wake(workspace.uuid(), Topic::Logs);
    Ok(created(&()))
}

/// Which grades.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevels {
    /// At least so grave.
    pub ge_: Option<i32>,
    /// At most so grave.
    pub le_: Option<i32>,
}

/// Which lines; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFilter {
    /// How the parts are joined.
    #[serde(default)]
    pub operator: Operator,
    /// Of these grades.
    #[serde(default, deserialize_with = "object")]
    pub level: Option<LogLevels>,
    /// Logged in this time.
    #[serde(default, deserialize_with = "object")]
    pub timestamp: Option<Between>,
    /// By these flow runs.
    #[serde(default, deserialize_with = "object")]
    pub flow_run_id: Option<Among<Uuid>>,
    /// By these task runs.
    #[serde(default, deserialize_with = "object")]
    pub task_run_id: Option<Linked>,
    /// Containing words.
    #[serde(default, deserialize_with = "object")]
    pub text: Option<LogText>,
}

/// Which words.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogText {
    /// Words of which one occurs in the message or the logger's name, in letters of any size; `"some words"` as
    /// one, `-word` for one that must not occur, `+word` for one that must.
    #[schema(max_length = 200)]
    pub query: String,
}

impl LogFilter {
    /// Whether a line is one of them.
    pub fn holds(&self, log: &Log) -> bool {
        let is_among = |list: Option<&Vec<Uuid>>, id: Option<Id<()>>| {
            list.is_none_or(|list| id.is_some_and(|id| list.contains(&id.uuid())))
        };
        let level = self.level.clone().unwrap_or_default();
        let times = self.timestamp.clone().unwrap_or_default();
        let runs = self.flow_run_id.as_ref().and_then(|runs| runs.any_.as_ref());
        let tasks = self.task_run_id.clone().unwrap_or_default();
        let has_words = self.text.as_ref().is_none_or(|text| {
            let line = format!("{} {}", log.message, log.name).to_lowercase();
            Words::of(&text.query).is_ok_and(|words| words.find(&line))
        });
        let parts = [
            (level.ge_.is_some() || level.le_.is_some()).then(|| {
                level.ge_.is_none_or(|least| log.level >= least.into())
                    && level.le_.is_none_or(|most| log.level <= most.into())
            }),
            (times.before_.is_some() || times.after_.is_some()).then(|| {
                times.before_.is_none_or(|before| log.at <= before)
                    && times.after_.is_none_or(|after| log.at >= after)
            }),
            runs.map(|_| is_among(runs, log.flow_run_id)),
            (tasks.any_.is_some() || tasks.is_null_.is_some()).then(|| {
                is_among(tasks.any_.as_ref(), log.task_run_id)
                    && tasks.is_null_.is_none_or(|is_null| log.task_run_id.is_none() == is_null)
            }),
            self.text.as_ref().map(|_| has_words),
        ];
        let mut parts = parts.into_iter().flatten().peekable();
        match self.operator {
            Operator::And => parts.all(|holds| holds),
            Operator::Or => parts.peek().is_none() || parts.any(|holds| holds),
        }
    }
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
    tag = "Logs", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = Option<LogsBody>,
    responses((status = 200, body = [LogBody]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
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
    let filter = body.logs.unwrap_or_default();
    let flow_runs = filter.flow_run_id.unwrap_or_default();
    let ids = |list: &Vec<Uuid>| list.iter().map(|id| Id::from(*id)).collect::<Vec<Id<()>>>();
    let (levels, tasks) =
        (filter.level.unwrap_or_default(), filter.task_run_id.unwrap_or_default());
    let times = filter.timestamp.unwrap_or_default();
    let which = Which {
        flow_runs: flow_runs.checked()?.any_.as_ref().map(ids),
        task_runs: tasks.checked()?.any_.as_ref().map(ids),
        without_task: tasks.is_null_,
        level_from: levels.ge_.map(Into::into),
        level_to: levels.le_.map(Into::into),
        before: times.before_,
        after: times.after_,
        operator: filter.operator,
        is_down,
        words: filter.text.map(|text| Words::of(&text.query)).transpose()?,
    };
    let workspace = access.workspace().id;
    let found = app.db.read(move |db| queries::some(db, workspace, &which, window)).await?;
    let list: Vec<LogBody> = found.into_iter().map(Into::into).collect();
    Ok(ok(&list))
}

/// The lines of a run as a file: CSV for spreadsheets.
#[utoipa::path(get,
    path = "/api/accounts/{account_id}/workspaces/{workspace_id}/flow_runs/{id}/logs/download",
    tag = "Logs",
    params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path), ("id" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/csv"),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal)))]
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
    let id = |id: Option<Id<()>>| id.map(|id| id.to_string()).unwrap_or_default();
    let (at, level) = (moment(log.at), log.level.to_string());
    let (run, task) = (id(log.flow_run_id), id(log.task_run_id));
    csv::line([&*at, &*level, &*run, &*task, &*log.message])
}
