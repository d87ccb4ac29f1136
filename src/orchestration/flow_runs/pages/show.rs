//! `…/flow-runs/{id}`: one run with its states, its tasks and its lines.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::rows::first_line;
use crate::access::WorkspaceId;
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::{Window, path_id};
use crate::base::http::page::Page;
use crate::base::json::pretty;
use crate::base::text::{When, counted, thousands};
use crate::frame::Shell;
use crate::orchestration::logs::forms::LinesParams;
use crate::orchestration::logs::pages::{self as lines, Lines, LinesView};
use crate::orchestration::rows::flow_runs::listing;
use crate::orchestration::rows::flow_runs::model::{FlowRun, FlowRunId};
use crate::orchestration::rows::flow_runs::queries;
use crate::orchestration::rows::flows::queries as flows;
use crate::orchestration::rows::task_runs::model::TaskRun;
use crate::orchestration::rows::task_runs::queries as task_runs;
use crate::orchestration::states::model::{State, StateType, between};
use crate::orchestration::view::{Bar, Chip, Mark, Moment, duration, is_failure, tone};
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/flow_runs/show.html")]
struct RunPage {
    shell: Shell,
    id: String,
    name: String,
    chip: Chip,
    problem: Option<Problem>,
    states: Vec<Moment>,
    gantt: Option<Gantt>,
    logs: LinesView,
    /// Names of tasks to choose from.
    tasks: Vec<String>,
    flow: String,
    flow_href: String,
    /// The name of the deployment that it is a run of, and its page while it is there.
    deployment: Option<(String, Option<String>)>,
    created_by: Option<String>,
    parent: Option<(String, String)>,
    children: Vec<(String, String, Chip)>,
    version: Option<String>,
    created: When,
    started: Option<When>,
    ended: Option<When>,
    duration: String,
    tries: i64,
    tags: Vec<String>,
    parameters: Option<String>,
    list_href: String,
    live: String,
    cancel_href: Option<String>,
    crash_href: Option<String>,
    delete_href: Option<String>,
}

/// What went wrong: in a bold part and the rest.
struct Problem {
    bold: String,
    /// The first task that failed, and its page.
    task: Option<(String, String)>,
    rest: String,
}

/// Runs of tasks over time.
struct Gantt {
    tasks: Vec<Task>,
    bars: Vec<(Bar, Mark)>,
    marks: Vec<Mark>,
    height: usize,
    label: String,
    /// Set where there are more than are shown.
    note: String,
    /// The tasks before these, and after them.
    before_href: Option<String>,
    after_href: Option<String>,
}

struct Task {
    id: String,
    chip: Chip,
    name: String,
    /// `2 tries`
    note: String,
    /// Its page; of one that stands for a subflow, that of the subflow's run.
    href: String,
    message: String,
}

/// Tasks and subflows on the page, at most.
const TASKS: i64 = 100;
const CHILDREN: i64 = 20;

struct Found {
    run: FlowRun,
    flow: String,
    states: Vec<State>,
    tasks: Vec<TaskRun>,
    task_count: i64,
    /// Tasks before these.
    task_offset: i64,
    /// How many tasks failed, and the first of them.
    failed: (i64, Option<TaskRun>),
    parent: Option<FlowRun>,
    children: Vec<FlowRun>,
    /// The name of its deployment, while that is there.
    deployment: Option<String>,
}

fn find(
    db: &mut Db,
    (workspace, id): (WorkspaceId, FlowRunId),
    params: &LinesParams,
) -> Result<Found> {
    let run = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
    let in_run = || task_runs::in_run(id);
    let task_count = task_runs::count(db, workspace, in_run())?;
    let task_offset = params.tasks.parse().unwrap_or(0).clamp(0, (task_count - 1).max(0));
    let task_offset = task_offset - task_offset % TASKS;
    let window = Window { limit: TASKS, offset: task_offset };
    let is_bad = run.state().is_some_and(|state| is_failure(state.kind));
    let failed = if is_bad { task_runs::failed(db, workspace, id)? } else { (0, None) };
    let parent = match run.parent_task_run_id {
        Some(task) => match task_runs::one(db, workspace, task.cast())? {
            Some(task) => match task.flow_run_id {
                Some(parent) => queries::one(db, workspace, parent)?,
                None => None,
            },
            None => None,
        },
        None => None,
    };
    let deployment = match run.deployment_id {
        Some(id) => listing::deployment_name(db, workspace, id)?,
        None => None,
    };
    Ok(Found {
        deployment,
        flow: flows::name_of(db, workspace, run.flow_id)?.unwrap_or_default(),
        states: queries::states(db, workspace, id)?,
        tasks: task_runs::some(db, workspace, in_run(), task_runs::Sort::Expected, window)?,
        task_count,
        task_offset,
        failed,
        children: queries::children(db, workspace, id, CHILDREN)?,
        parent,
        run,
    })
}

pub(super) async fn show(
    access: WorkspaceAccess<SeeFlows>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
    params: Option<web::Query<LinesParams>>,
) -> Result<HttpResponse> {
    let id: FlowRunId = path_id(&req, "id")?;
    let (workspace, now) = (access.workspace().clone(), app.now());
    let params = params.map(web::Query::into_inner).unwrap_or_default();
    let (at, asked) = (workspace.id, params.clone());
    let (found, lines) = app
        .db
        .read(move |db| {
            let of = lines::of_run(id, &asked);
            Ok((find(db, (at, id), &asked)?, Lines::of(db, at, of, &asked)?))
        })
        .await?;
    let here = urls::flow_run(&workspace, id);
    let run = &found.run;
    let state = run.state();
    let is_over = state.is_some_and(|state| state.kind.is_final());
    let step = |step: &str| urls::flow_run_step(&workspace, id, step);
    let tasks_at = |offset: i64| urls::task_runs_from(&here, offset);
    let link = |run: &FlowRun| urls::flow_run(&workspace, run.id);
    let task_link = |task: &TaskRun| urls::task_run(&workspace, task.id);
    let is_stopping = state.is_some_and(|state| state.kind == StateType::Cancelling);
    let may_cancel = !is_over && !is_stopping && access.may(Permission::RunFlows);
    let may_crash =
        may_cancel && run.state().is_some_and(|state| super::change::can_crash(state.kind));
    let parameters = &run.body.0.parameters;
    Page(RunPage {
        id: id.to_string(),
        name: run.name.clone(),
        chip: Chip::of_state(state),
        problem: problem(&found, &task_link),
        states: Moment::of(&found.states),
        gantt: gantt(
            &found,
            now,
            &|task| subflow(&found, task).map_or_else(|| task_link(task), link),
            &tasks_at,
        ),
        logs: lines.view(&workspace, &here, params, step("logs")),
        tasks: found.tasks.iter().map(|task| task.name.clone()).collect(),
        flow: found.flow.clone(),
        flow_href: urls::flow(&workspace, run.flow_id),
        deployment: run.deployment_id.filter(|_| access.may(Permission::SeeDeployments)).map(
            |id| {
                let gone = ("deleted deployment".to_owned(), None);
                let known = found.deployment.clone();
                known.map_or(gone, |name| (name, Some(urls::deployment(&workspace, id))))
            },
        ),
        created_by: run.body.0.created_by.as_ref().map(|maker| maker.display_value.clone()),
        parent: found.parent.as_ref().map(|run| (link(run), run.name.clone())),
        children: found
            .children
            .iter()
            .map(|run| (link(run), run.name.clone(), Chip::of_state(run.state())))
            .collect(),
        version: run.flow_version.clone(),
        created: When::exact(run.created_at, now),
        started: run.started_at.map(|at| When::exact(at, now)),
        ended: run.ended_at.map(|at| When::exact(at, now)),
        duration: duration(run.course().ran(state, now)),
        tries: run.run_count,
        tags: run.tags.0.clone(),
        parameters: (!parameters.is_empty()).then(|| pretty(parameters.text())),
        list_href: urls::flow_runs(&workspace),
        live: urls::live(&workspace),
        cancel_href: may_cancel.then(|| step("cancel")),
        crash_href: may_crash.then(|| step("crash")),
        delete_href: access.may(Permission::ManageFlows).then(|| step("delete")),
        shell: access.shell(shell, "flow-runs"),
    })
    .ok()
}

/// What went wrong, if something did.
fn problem(found: &Found, link: &dyn Fn(&TaskRun) -> String) -> Option<Problem> {
    let state = found.run.state()?;
    if !is_failure(state.kind) {
        return None;
    }
    let message = state.message.clone().unwrap_or_default();
    let (failed, Some(first)) = &found.failed else {
        let kind =
            if state.kind == StateType::Failed { "The run failed." } else { "The run crashed." };
        return Some(Problem { bold: kind.to_owned(), task: None, rest: message });
    };
    let tasks = counted(found.task_count, "task run", "task runs");
    let why = first.state().and_then(|state| state.message.clone()).unwrap_or_default();
    let bold = format!("{} of {tasks} failed.", thousands(*failed));
    Some(Problem { bold, task: Some((first.name.clone(), link(first))), rest: first_line(&why) })
}

/// Microseconds between two marks of a chart that is so long: about six of them, round ones.
fn spacing(length: i64) -> i64 {
    let second = 1_000_000;
    let steps = [
        second / 10,
        second / 5,
        second / 2,
        second,
        2 * second,
        5 * second,
        10 * second,
        20 * second,
        60 * second,
        120 * second,
        300 * second,
        600 * second,
        1800 * second,
        3600 * second,
        10_800 * second,
        43_200 * second,
        86_400 * second,
    ];
    steps.into_iter().find(|step| length / step <= 6).unwrap_or((length / 6).max(1))
}

/// The run of the subflow that a task stands for.
fn subflow<'a>(found: &'a Found, task: &TaskRun) -> Option<&'a FlowRun> {
    found.children.iter().find(|child| {
        child.parent_task_run_id.is_some_and(|parent| parent.uuid() == task.id.uuid())
    })
}

const ROW: usize = 28;

fn gantt(
    found: &Found,
    now: Instant,
    link: &dyn Fn(&TaskRun) -> String,
    tasks_at: &dyn Fn(i64) -> String,
) -> Option<Gantt> {
    let begins = |task: &TaskRun| task.started_at.or(task.expected_start_at);
    let ends = |task: &TaskRun| {
        let is_running = task.state().is_some_and(|state| state.kind == StateType::Running);
        task.ended_at.or_else(|| if is_running { Some(now) } else { begins(task) })
    };
    let start = found.tasks.iter().filter_map(begins).min()?;
    let end = found.tasks.iter().filter_map(ends).max().unwrap_or(start);
    let length = between(start, end).max(1000);
    let percent = |micros: i64| {
        let share = u32::try_from(micros.saturating_mul(1_000_000) / length).unwrap_or(u32::MAX);
        f64::from(share) / 10_000.0
    };
    let step = spacing(length);
    let marks = (0..=length / step)
        .map(|n| Mark { at: format!("{:.2}%", percent(n * step)), text: duration(n * step) });
    let mut bars = Vec::new();
    let mut tasks = Vec::new();
    for (row, task) in found.tasks.iter().enumerate() {
        let state = task.state();
        let chip = Chip::of_state(state);
        let (from, to) = (begins(task).unwrap_or(start), ends(task).unwrap_or(start));
        let (x, width) = (percent(between(start, from)), percent(between(from, to)));
        let y = 24 + row * ROW + 8;
        let bar = Bar {
            tone: state.map_or("pending", |state| tone(state.kind).0),
            x: format!("{x:.2}%"),
            y: y.to_string(),
            width: format!("{:.2}%", width.max(0.6)),
            height: "12".to_owned(),
        };
        let text = match task.started_at {
            Some(_) => duration(task.course().ran(state, now)),
            None => "not run".to_owned(),
        };
        bars.push((bar, Mark { at: format!("{:.2}%", x + width.max(0.6) + 0.8), text }));
        let tries = task.run_count;
        let message = state.and_then(|state| state.message.as_deref()).unwrap_or_default();
        tasks.push(Task {
            id: task.id.to_string(),
            chip,
            name: task.name.clone(),
            note: if tries > 1 { format!("{tries} tries") } else { String::new() },
            href: link(task),
            message: first_line(message),
        });
    }
    let shown = i64::try_from(tasks.len()).unwrap_or(0);
    let first = found.task_offset;
    let note = if found.task_count > shown {
        let all = counted(found.task_count, "task run", "task runs");
        format!("{} to {} of {all}.", thousands(first + 1), thousands(first + shown))
    } else {
        String::new()
    };
    let before_href = (first > 0).then(|| tasks_at((first - TASKS).max(0)));
    let after_href = (first + shown < found.task_count).then(|| tasks_at(first + TASKS));
    Some(Gantt {
        height: 24 + tasks.len() * ROW,
        label: format!(
            "{} over {}.",
            counted(found.task_count, "task run", "task runs"),
            duration(length)
        ),
        marks: marks.collect(),
        tasks,
        bars,
        note,
        before_href,
        after_href,
    })
}
