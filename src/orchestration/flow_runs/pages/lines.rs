//! Lines that a run logged: on its page, and as a file.

use std::collections::VecDeque;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;

use crate::access::WorkspaceId;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::path_id;
use crate::base::text::When;
use crate::orchestration::flow_runs::forms::LinesParams;
use crate::orchestration::flow_runs::model::FlowRunId;
use crate::orchestration::flow_runs::queries as flow_runs;
use crate::orchestration::logs::queries::{self, Log, LogId, Of};

/// A line on the page.
pub struct Line {
    /// When it was logged.
    pub at: When,
    /// A tone of the design.
    pub tone: &'static str,
    /// `WARNING`
    pub level: &'static str,
    /// What it says.
    pub text: String,
}

/// Some lines, the first one first.
pub struct Lines {
    /// The lines.
    pub lines: Vec<Line>,
    /// Where older ones end; `None` where there are none.
    pub older: Option<String>,
}

/// Lines on the page.
const LINES: i64 = 200;

/// The last lines of a run before a place, as the parameters narrow them.
pub fn lines_of(
    db: &mut Db,
    (workspace, run): (WorkspaceId, FlowRunId),
    params: &LinesParams,
) -> Result<Lines> {
    let before = params.until.split_once('.').and_then(|(micros, id)| {
        let at = Instant::from_microseconds(micros.parse().ok()?);
        Some((at, id.parse::<LogId>().ok()?))
    });
    let of = Of {
        run: run.cast(),
        level: params.level.parse().ok().filter(|level| *level > 0),
        words: Some(params.q.clone()).filter(|words| !words.trim().is_empty()),
    };
    let mut found = queries::before(db, workspace, &of, before, LINES + 1)?;
    let has_older = i64::try_from(found.len()).unwrap_or(0) > LINES;
    found.truncate(usize::try_from(LINES).unwrap_or(0));
    found.reverse();
    let older = found.first().filter(|_| has_older);
    Ok(Lines {
        older: older.map(|first| format!("{}.{}", first.at.as_microseconds(), first.id)),
        lines: found.into_iter().map(line).collect(),
    })
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

/// `09:19:03.114`
fn clock(at: Instant) -> String {
    let millis = at.as_microseconds().rem_euclid(1_000_000) / 1000;
    let text = at.second_text();
    format!("{}.{millis:03}", text.split(' ').nth(1).unwrap_or_default())
}

fn line(log: Log) -> Line {
    let (tone, level) = level(log.level);
    let at = When { iso: log.at.to_string(), title: log.at.second_text(), text: clock(log.at) };
    Line { at, tone, level, text: log.message }
}

/// Lines read at a time: all that a file holds in memory.
const BATCH: i64 = 1000;

struct Reading {
    app: App,
    workspace: WorkspaceId,
    of: Of,
    after: Option<(Instant, LogId)>,
    ready: VecDeque<Log>,
    is_over: bool,
}

/// `GET …/flow-runs/{id}/logs`: all lines as a text file, streamed.
pub(super) async fn download(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, run): (_, FlowRunId) = (access.workspace().id, path_id(&req, "id")?);
    let found = app.db.read(move |db| Ok(flow_runs::one(db, workspace, run)?)).await?;
    let name = found.ok_or(Error::NotFound)?.name;
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(80).collect();
    let reading = Reading {
        app: app.get_ref().clone(),
        workspace,
        of: Of { run: run.cast(), level: None, words: None },
        after: None,
        ready: VecDeque::new(),
        is_over: false,
    };
    let body = stream::unfold(reading, |mut reading| async move {
        match reading.next().await {
            Ok(Some(text)) => Some((Ok(web::Bytes::from(text)), reading)),
            Ok(None) => None,
            Err(error) => {
                reading.is_over = true;
                Some((Err(actix_web::Error::from(error)), reading))
            }
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{safe}.log\"")))
        .streaming(body))
}

impl Reading {
    async fn next(&mut self) -> Result<Option<String>> {
        if self.ready.is_empty() && !self.is_over {
            let (workspace, of, after) = (self.workspace, self.of.clone(), self.after);
            let some = self
                .app
                .db
                .read(move |db| Ok(queries::after(db, workspace, &of, after, BATCH)?))
                .await?;
            self.is_over = i64::try_from(some.len()).unwrap_or(0) < BATCH;
            self.after = some.last().map(|last| (last.at, last.id)).or(self.after);
            self.ready = some.into();
        }
        if self.ready.is_empty() {
            return Ok(None);
        }
        let mut text = String::new();
        for log in self.ready.drain(..) {
            let (_, level) = level(log.level);
            let line = format!("{} {level:<8} {} - {}\n", log.at, log.name, log.message);
            text.push_str(&line);
        }
        Ok(Some(text))
    }
}
