//! The flow runs that a transfer would remove, as a file.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, web};
use futures_util::stream;

use super::start::around;
use crate::access::WorkspaceId;
use crate::access::actor::SignedInPerson;
use crate::access::permission::needs;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::csv::line;
use crate::base::db::Instant;
use crate::base::db::ids::FlowRunId;
use crate::base::error::{Error, Result};
use crate::tenancy::transfers::forms::ReviewParams;
use crate::tenancy::transfers::model::RemovedRun;
use crate::tenancy::transfers::{queries, rules};

/// Runs read at a time: all that a file holds in memory.
const BATCH: i64 = 1000;

/// Where the file is.
struct Progress {
    app: web::Data<App>,
    /// The workspace, and before when the runs ended.
    of: (WorkspaceId, Instant),
    after: Option<(Instant, FlowRunId)>,
    /// The head of the file, until it is out.
    head: Option<Vec<u8>>,
    is_over: bool,
}

impl Progress {
    /// The next piece of the file; `None` at its end.
    async fn next(mut self) -> Result<Option<(web::Bytes, Self)>> {
        if let Some(head) = self.head.take() {
            return Ok(Some((head.into(), self)));
        }
        if self.is_over {
            return Ok(None);
        }
        let (of, after) = (self.of, self.after);
        let runs =
            self.app.db.read(move |db| Ok(queries::removed_runs(db, of, after, BATCH)?)).await?;
        self.is_over = i64::try_from(runs.len()).unwrap_or(0) < BATCH;
        self.after = runs.last().map(|run| (run.ended_at, run.id));
        let mut piece = Vec::new();
        for run in &runs {
            piece.extend(cells(run)?);
        }
        Ok(Some((piece.into(), self)))
    }
}

fn cells(run: &RemovedRun) -> Result<Vec<u8>> {
    line([
        &*run.id.to_string(),
        &*run.name,
        &*run.flow,
        run.state.as_deref().unwrap_or_default(),
        &*run.started_at.map(|at| at.to_string()).unwrap_or_default(),
        &*run.ended_at.to_string(),
    ])
}

/// `GET …/settings/transfer/runs`: the runs that the account of the address would not keep.
pub(super) async fn download(
    (access, _): (
        WorkspaceAccess<needs::ManageWorkspaceSettings>,
        WorkspaceAccess<needs::SeeFlows>,
    ),
    person: SignedInPerson,
    app: web::Data<App>,
    params: Option<web::Query<ReviewParams>>,
) -> Result<HttpResponse> {
    let params = params.map(web::Query::into_inner).unwrap_or_default();
    let around = around(&app, person.person(), params.account()).await?;
    let target = around.target.filter(|target| target.id != access.workspace().account);
    let target = target.ok_or_else(|| Error::Invalid("Choose an account first.".to_owned()))?;
    let (now, again) = (app.now(), app.clone());
    let party = app.db.read(move |db| Ok(queries::party(db, target, again.settings())?)).await?;
    // Where all runs are kept none is removed: the file has its head alone.
    let before = rules::visible_from(&party, now).unwrap_or(Instant::from_microseconds(0));
    let name = format!("runs-removed-{}.csv", access.workspace().handle);
    let progress = Progress {
        app,
        of: (access.workspace().id, before),
        after: None,
        head: Some(line(["id", "name", "flow", "state", "started", "ended"])?),
        is_over: false,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(stream::try_unfold(progress, Progress::next)))
}
