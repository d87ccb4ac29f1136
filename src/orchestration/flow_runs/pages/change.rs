//! Cancelling a run, marking it as crashed, and deleting it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::permission::Needs;
use crate::access::permission::needs::{ManageFlows, RunFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::json::path_id;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::orchestration::flow_runs::actions;
use crate::orchestration::flow_runs::actions::Ending;
use crate::orchestration::rows::flow_runs::model::{FlowRun, FlowRunId};
use crate::orchestration::rows::flow_runs::queries;
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::Chip;
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/flow_runs/change.html")]
struct ChangePage {
    shell: Shell,
    name: String,
    chip: Chip,
    /// `Cancel`, `Mark crashed` or `Delete`.
    verb: &'static str,
    /// The same of the button.
    button: &'static str,
    /// What happens.
    texts: Vec<String>,
    back: String,
    /// Why it cannot be done.
    refused: Option<&'static str>,
}

const WITH_IT: &str = "Its task runs and subflows that have not ended are cancelled with it.";

/// What a page asks before it does something to a run.
struct Question {
    verb: &'static str,
    button: &'static str,
    texts: Vec<String>,
    refused: Option<&'static str>,
}

impl Question {
    fn page<P: Needs>(
        self,
        access: &WorkspaceAccess<P>,
        shell: Shell,
        run: &FlowRun,
    ) -> Result<HttpResponse> {
        Page(ChangePage {
            name: run.name.clone(),
            chip: Chip::of_state(run.state()),
            verb: self.verb,
            button: self.button,
            texts: self.texts,
            back: urls::flow_run(access.workspace(), run.id),
            refused: self.refused,
            shell: access.shell(shell, "flow-runs"),
        })
        .ok()
    }
}

async fn found<P: Needs>(access: &WorkspaceAccess<P>, app: &App, id: FlowRunId) -> Result<FlowRun> {
    let workspace = access.workspace().id;
    let run = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    run.ok_or(Error::NotFound)
}

pub(super) async fn ask_cancel(
    access: WorkspaceAccess<RunFlows>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id = path_id(&req, "id")?;
    let run = found(&access, &app, id).await?;
    let is_over = run.state().is_some_and(|state| state.kind.is_final());
    let by_whom = if run.infrastructure_pid.is_some() {
        "Whatever runs it is told to stop it."
    } else {
        "No process is known that could stop it: if it runs on somebody’s machine, it goes on there, \
         and is taken as cancelled after five minutes."
    };
    let kind = run.state().map(|state| state.kind);
    let is_at_once = kind == Some(StateType::Paused)
        || (kind == Some(StateType::Scheduled) && run.infrastructure_pid.is_none());
    let texts = if is_at_once {
        let waits = "Nothing runs that has to be stopped, so it is cancelled at once.";
        let mut texts = vec![waits.to_owned()];
        if run.started_at.is_some() {
            texts.push(WITH_IT.to_owned());
        }
        texts
    } else {
        vec![by_whom.to_owned(), WITH_IT.to_owned()]
    };
    let (verb, button) = ("Cancel", "Cancel flow run");
    Question { verb, button, texts, refused: is_over.then_some("This run has ended already.") }
        .page(&access, shell, &run)
}

pub(super) async fn cancel(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id: FlowRunId = path_id(&req, "id")?;
    end(access, app, ip, (id, Ending::Cancel), &req).await
}

/// Ends a run, says what became of that, and shows it.
async fn end(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    ip: ClientIp,
    run: (FlowRunId, Ending),
    req: &HttpRequest,
) -> Result<HttpResponse> {
    let to = urls::flow_run(access.workspace(), run.0);
    let (name, told) = actions::end(&app, access, ip, run).await?;
    let state = told.state.as_ref().filter(|_| told.is_new).map(|state| state.kind.title());
    let notice = match state {
        Some("Cancelled") => Notice::ok(format!("{name} is cancelled.")),
        Some("Cancelling") => Notice::ok(format!("{name} is being cancelled.")),
        Some("Crashed") => Notice::ok(format!("{name} counts as crashed.")),
        _ => Notice::warn(told.reason.unwrap_or_else(|| "Nothing changed.".to_owned())),
    };
    notice.leave(req)?;
    Ok(see_other(to))
}

pub(super) async fn ask_crash(
    access: WorkspaceAccess<RunFlows>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id = path_id(&req, "id")?;
    let run = found(&access, &app, id).await?;
    let refused = match run.state().map(|state| state.kind) {
        Some(kind) if can_crash(kind) => None,
        Some(kind) if kind.is_final() => Some("This run has ended already."),
        _ => Some("This run is not going on."),
    };
    let texts = [
        "For a run whose process is gone: nothing is told to stop, and the run counts as crashed from now on.",
        "Its task runs stay as they are. If something does run it still, what that tells of its end counts.",
    ];
    let (verb, button) = ("Mark crashed", "Mark crashed");
    Question { verb, button, texts: texts.map(str::to_owned).to_vec(), refused }
        .page(&access, shell, &run)
}

/// Whether a run in such a state can be marked as crashed: something runs it, or was about to.
pub(super) fn can_crash(kind: StateType) -> bool {
    matches!(kind, StateType::Running | StateType::Pending)
}

pub(super) async fn crash(
    access: WorkspaceAccess<RunFlows>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id: FlowRunId = path_id(&req, "id")?;
    let run = found(&access, &app, id).await?;
    if !run.state().is_some_and(|state| can_crash(state.kind)) {
        let text = "This run is not going on, so it can’t have crashed.";
        return Err(Error::Conflict(text.to_owned()));
    }
    end(access, app, ip, (id, Ending::Crash), &req).await
}

pub(super) async fn ask_delete(
    access: WorkspaceAccess<ManageFlows>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id = path_id(&req, "id")?;
    let run = found(&access, &app, id).await?;
    let is_open = run.state().is_some_and(|state| !state.kind.is_final());
    let mut texts = vec!["Its states, task runs, logs and inputs go with it, for good.".to_owned()];
    if is_open {
        texts.push("It has not ended: what runs it fails when it next tells of it.".to_owned());
    }
    let (verb, button) = ("Delete", "Delete flow run");
    Question { verb, button, texts, refused: None }.page(&access, shell, &run)
}

pub(super) async fn delete(
    access: WorkspaceAccess<ManageFlows>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id: FlowRunId = path_id(&req, "id")?;
    let to = urls::flow_runs(access.workspace());
    let name = found(&access, &app, id).await?.name;
    actions::delete(&app, access, ip, id).await?;
    Notice::ok(format!("{name} is deleted.")).leave(&req)?;
    Ok(see_other(to))
}
