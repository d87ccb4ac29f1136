//! Lines that a run logged: on its page, and as a file.

use std::collections::{HashMap, HashSet};

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse, web};

use super::download;
use super::forms::LinesParams;
use super::queries::{self, Log, LogId, Of};
use crate::access::WorkspaceId;
use crate::access::membership::Workspace;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::path_id;
use crate::base::text::When;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flow_runs::queries as flow_runs;
use crate::orchestration::rows::task_runs::model::TaskRunId;
use crate::orchestration::rows::task_runs::queries as task_runs;
use crate::urls;

/// A line on the page.
pub struct Line {
    /// When it was logged.
    pub at: When,
    /// A tone of the design.
    pub tone: &'static str,
    /// `WARNING`
    pub level: &'static str,
    /// The name of the task that logged it, and its page.
    pub task: Option<(String, String)>,
    /// What it says.
    pub text: String,
    /// Whether that has lines of its own, as a traceback has.
    pub is_block: bool,
}

/// Some lines, the first one first.
pub struct Lines {
    found: Vec<Log>,
    /// Names of the tasks that logged them.
    names: HashMap<TaskRunId, String>,
    has_older: bool,
}

/// Lines as a page shows them.
pub struct LinesView {
    /// The lines.
    pub lines: Vec<Line>,
    /// What narrows them.
    pub params: LinesParams,
    /// The page that they stand on.
    pub here: String,
    /// The page with older ones.
    pub older_href: Option<String>,
    /// The page with the newest ones, where this is another.
    pub newest_href: Option<String>,
    /// All lines as a file.
    pub download_href: String,
}

/// Lines on the page.
const LINES: i64 = 200;

/// Which lines of a flow run the parameters mean.
pub fn of_run(run: FlowRunId, params: &LinesParams) -> Of {
    let name = params.task.trim();
    let task_name = (!name.is_empty()).then(|| name.to_owned());
    Of { flow_run: Some(run.cast()), task_name, ..Of::default() }
}

impl Lines {
    /// The last lines before a place, as the parameters narrow them.
    pub fn of(db: &mut Db, workspace: WorkspaceId, of: Of, params: &LinesParams) -> Result<Self> {
        let before = params.until.split_once('.').and_then(|(micros, id)| {
            let at = Instant::from_microseconds(micros.parse().ok()?);
            Some((at, id.parse::<LogId>().ok()?))
        });
        let of = Of {
            level: params.level.parse().ok().filter(|level| *level > 0),
            words: Some(params.q.clone()).filter(|words| !words.trim().is_empty()),
            ..of
        };
        let mut found = queries::before(db, workspace, &of, before, LINES + 1)?;
        let has_older = i64::try_from(found.len()).unwrap_or(0) > LINES;
        found.truncate(usize::try_from(LINES).unwrap_or(0));
        found.reverse();
        let tasks: HashSet<TaskRunId> =
            found.iter().filter_map(|line| line.task_run_id).map(Id::cast).collect();
        let tasks: Vec<TaskRunId> = tasks.into_iter().collect();
        let names = task_runs::names(db, workspace, &tasks)?.into_iter().collect();
        Ok(Self { found, names, has_older })
    }

    /// The lines as the page at `here` shows them.
    pub fn view(
        self,
        workspace: &Workspace,
        here: &str,
        params: LinesParams,
        download_href: String,
    ) -> LinesView {
        let first = self.found.first().filter(|_| self.has_older);
        let older = first.map(|first| format!("{}.{}", first.at.as_microseconds(), first.id));
        let task = |log: &Log| {
            let id: TaskRunId = log.task_run_id?.cast();
            Some((self.names.get(&id)?.clone(), urls::task_run(workspace, id)))
        };
        LinesView {
            older_href: older.map(|until| params.at(here, &until)),
            newest_href: (!params.until.is_empty()).then(|| params.at(here, "")),
            lines: self.found.iter().map(|log| line(log, task(log))).collect(),
            here: here.to_owned(),
            params,
            download_href,
        }
    }
}

fn level(number: i64) -> (&'static str, &'static str) {
    match number {
        50.. => ("danger", "CRITICAL"),
        40.. => ("danger", "ERROR"),
        30.. => ("warn", "WARNING"),
        20.. => ("info", "INFO"),
        _ => ("neutral", "DEBUG"),
    }
}

fn line(log: &Log, task: Option<(String, String)>) -> Line {
    let (tone, level) = level(log.level);
    let text = log.message.trim_end().to_owned();
    let is_block = text.contains('\n');
    Line { at: When::millisecond(log.at), tone, level, task, text, is_block }
}

/// `GET …/flow-runs/{id}/logs`: all lines as a text file, streamed.
pub async fn download(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, run): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let found = app.db.read(move |db| Ok(flow_runs::one(db, workspace, run)?)).await?;
    let name = found.ok_or(Error::NotFound)?.name;
    let of = Of { flow_run: Some(run.cast()), ..Of::default() };
    Ok(file(&app, workspace, of, &name))
}

/// Lines as a text file that is named after their run.
pub fn file(app: &App, workspace: WorkspaceId, of: Of, name: &str) -> HttpResponse {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(80).collect();
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{safe}.log\"")))
        .streaming(download::lines(app, (workspace, of), Vec::new(), |log| Ok(text_line(log))))
}

fn text_line(log: &Log) -> Vec<u8> {
    let (_, level) = level(log.level);
    format!("{} {level:<8} {} - {}\n", log.at, log.name, log.message).into_bytes()
}
