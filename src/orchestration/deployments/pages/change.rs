//! Pausing, resuming and deleting deployments and schedules.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::access::permission::needs::{ManageDeployments, WriteDeployments};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::paging::COUNT_LIMIT;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::json::path_id;
use crate::base::http::page::Notice;
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::orchestration::deletion::Deletion;
use crate::orchestration::deployments::model::{DeploymentId, Schedule, ScheduleId};
use crate::orchestration::deployments::{actions, queries, rule};
use crate::orchestration::rows::flow_runs::listing::{self, Narrow};
use crate::orchestration::states::model::StateType;
use crate::urls;

type Writes = WorkspaceAccess<WriteDeployments>;

async fn set_paused(
    access: Writes,
    app: web::Data<App>,
    ip: ClientIp,
    req: HttpRequest,
    paused: bool,
) -> Result<HttpResponse> {
    let id: DeploymentId = path_id(&req, "id")?;
    let to = urls::deployment(access.workspace(), id);
    let (name, _) = actions::set_paused(&app, access, ip, (id, paused)).await?;
    let text = if paused {
        format!("{name} is paused: schedules make no runs. You can still run it.")
    } else {
        format!("{name} is resumed.")
    };
    Notice::ok(text).leave(&req)?;
    Ok(see_other(to))
}

pub(super) async fn pause(
    access: Writes,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    set_paused(access, app, ip, req, true).await
}

pub(super) async fn resume(
    access: Writes,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    set_paused(access, app, ip, req, false).await
}

pub(super) async fn ask_delete(
    access: WorkspaceAccess<ManageDeployments>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, id): (_, DeploymentId) = (access.workspace().id, path_id(&req, "id")?);
    let count = |kinds: Vec<StateType>| Narrow { deployment: Some(id), kinds, ..Narrow::default() };
    let going_on =
        [StateType::Running, StateType::Pending, StateType::Paused, StateType::Cancelling];
    let ended = StateType::ALL.iter().copied().filter(|kind| kind.is_final()).collect();
    let (going_on, ended) = (count(going_on.to_vec()), count(ended));
    let (whole, waiting, going_on, ended) = app
        .db
        .read(move |db| {
            let whole = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
            let waiting = queries::waiting_runs(db, workspace, id, COUNT_LIMIT)?.len();
            let going_on = listing::count(db, workspace, &going_on)?;
            Ok((whole, waiting, going_on, listing::count(db, workspace, &ended)?))
        })
        .await?;
    let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
    let removed = counted(waiting, "scheduled run is", "scheduled runs are");
    let going_on = counted(going_on, "run in progress goes", "runs in progress go");
    let ended = counted(ended, "finished run stays", "finished runs stay");
    let mut texts =
        vec![format!("{removed} removed. {going_on} on; {ended}, without their deployment.")];
    let schedule = |one: &Schedule| {
        let (_, words, zone) = rule::told(&one.schedule.0);
        format!("{words} ({zone})")
    };
    if !whole.schedules.is_empty() {
        let all: Vec<_> = whole.schedules.iter().map(schedule).collect();
        texts.push(format!("Its schedules go too: {}.", all.join("; ")));
    }
    let list = ("Deployments", urls::deployments(access.workspace()));
    Deletion { kind: "deployment", name: whole.deployment.name, texts, list }
        .page(access.shell(shell, "deployments"))
}

pub(super) async fn delete(
    access: WorkspaceAccess<ManageDeployments>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let to = urls::deployments(access.workspace());
    let name = actions::delete(&app, access, ip, path_id(&req, "id")?).await?;
    Notice::ok(format!("Deleted {name}.")).leave(&req)?;
    Ok(see_other(to))
}

fn ids(req: &HttpRequest) -> Result<(DeploymentId, ScheduleId)> {
    Ok((path_id(req, "id")?, path_id(req, "schedule")?))
}

async fn set_schedule(
    access: Writes,
    app: web::Data<App>,
    ip: ClientIp,
    req: HttpRequest,
    paused: bool,
) -> Result<HttpResponse> {
    let ids = ids(&req)?;
    let to = urls::deployment(access.workspace(), ids.0);
    let schedule = actions::pause_schedule(&app, access, ip, (ids, paused)).await?;
    let (_, words, _) = rule::told(&schedule.schedule.0);
    let done = if paused { "is paused" } else { "is resumed" };
    Notice::ok(format!("The schedule “{words}” {done}.")).leave(&req)?;
    Ok(see_other(to))
}

pub(super) async fn pause_schedule(
    access: Writes,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    set_schedule(access, app, ip, req, true).await
}

pub(super) async fn resume_schedule(
    access: Writes,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    set_schedule(access, app, ip, req, false).await
}

pub(super) async fn ask_delete_schedule(
    access: Writes,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, (of, id)) = (access.workspace().id, ids(&req)?);
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, of)?)).await?;
    let whole = found.ok_or(Error::NotFound)?;
    let schedule = whole.schedules.iter().find(|one| one.id == id).ok_or(Error::NotFound)?;
    let (_, name, zone) = rule::told(&schedule.schedule.0);
    let own = whole.deployment.name.as_str();
    let texts = vec![
        format!("The schedule of {own}, in the time zone {zone}, goes for good."),
        "The next deploy from code puts its own schedules in place of all that is here.".to_owned(),
    ];
    let list = ("Deployment", urls::deployment(access.workspace(), of));
    Deletion { kind: "schedule", name, texts, list }.page(access.shell(shell, "deployments"))
}

pub(super) async fn delete_schedule(
    access: Writes,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let ids = ids(&req)?;
    let to = urls::deployment(access.workspace(), ids.0);
    actions::delete_schedule(&app, access, ip, ids).await?;
    Notice::ok("The schedule is deleted.").leave(&req)?;
    Ok(see_other(to))
}
