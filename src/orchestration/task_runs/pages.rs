//! `…/task-runs/{id}`: one run of a task with its states, its inputs, its tries and its lines.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::Value;

use crate::access::WorkspaceId;
use crate::access::membership::Workspace;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::http::json::path_id;
use crate::base::http::page::Page;
use crate::base::http::routes::resource;
use crate::base::text::{When, thousands};
use crate::frame::Shell;
use crate::orchestration::logs::forms::LinesParams;
use crate::orchestration::logs::pages::{self as lines, Lines, LinesView};
use crate::orchestration::logs::queries::Of;
use crate::orchestration::rows::flow_runs::model::FlowRun;
use crate::orchestration::rows::flow_runs::queries as flow_runs;
use crate::orchestration::rows::flows::queries as flows;
use crate::orchestration::rows::task_runs::model::{TaskRun, TaskRunId};
use crate::orchestration::rows::task_runs::queries;
use crate::orchestration::states::model::State;
use crate::orchestration::view::{Chip, Moment, duration, is_failure};
use crate::urls;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let at =
        |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}/task-runs{rest}"));
    config.service(at("/{id}").get(show)).service(at("/{id}/logs").get(download));
}

#[derive(Template)]
#[template(path = "orchestration/task_runs/show.html")]
struct TaskRunPage {
    shell: Shell,
    id: String,
    name: String,
    chip: Chip,
    /// What went wrong: the first line, and all that stands below it.
    problem: Option<(String, String)>,
    /// When the next try is due.
    next_try: Option<When>,
    states: Vec<Moment>,
    inputs: Vec<(String, Vec<Input>)>,
    logs: LinesView,
    /// The lines are of one task, so there are none to choose from.
    tasks: Vec<String>,
    /// The run of the flow: its name, its page, and those of the flow.
    parent: Option<Parent>,
    /// The run of the subflow that the task stands for.
    subflow: Option<(String, String)>,
    task: String,
    started: Option<When>,
    due: Option<When>,
    ended: Option<When>,
    duration: String,
    tries: String,
    version: Option<String>,
    cache_key: Option<String>,
    tags: Vec<String>,
    list_href: String,
    live: String,
}

struct Parent {
    name: String,
    href: String,
    flow: String,
    flow_href: String,
}

/// Where an input comes from.
struct Input {
    text: String,
    href: Option<String>,
}

/// Runs whose names are looked up for the inputs, at most.
const SOURCES: usize = 100;

struct Found {
    run: TaskRun,
    states: Vec<State>,
    parent: Option<(FlowRun, String)>,
    subflow: Option<FlowRun>,
    /// Names of the tasks that inputs come from.
    sources: HashMap<TaskRunId, String>,
}

fn find(db: &mut Db, workspace: WorkspaceId, id: TaskRunId) -> Result<Found> {
    let run = queries::one(db, workspace, id)?.ok_or(Error::NotFound)?;
    let parent = match run.flow_run_id {
        Some(parent) => flow_runs::one(db, workspace, parent)?,
        None => None,
    };
    let parent = match parent {
        Some(parent) => {
            let flow = flows::name_of(db, workspace, parent.flow_id)?;
            Some((parent, flow.unwrap_or_default()))
        }
        None => None,
    };
    let sources: Vec<TaskRunId> = run
        .body
        .0
        .task_inputs
        .trees()
        .filter_map(|(_, inputs)| inputs.as_array().cloned())
        .flatten()
        .filter_map(|input| source_of(&input, "task_run"))
        .take(SOURCES)
        .collect();
    Ok(Found {
        states: queries::states(db, workspace, id)?,
        subflow: flow_runs::of_task(db, workspace, id)?,
        sources: queries::names(db, workspace, &sources)?.into_iter().collect(),
        parent,
        run,
    })
}

/// The run that an input says it comes from.
fn source_of(input: &Value, kind: &str) -> Option<TaskRunId> {
    let is_kind = input.get("input_type").and_then(Value::as_str) == Some(kind);
    input.get("id").filter(|_| is_kind)?.as_str()?.parse().ok()
}

async fn show(
    access: WorkspaceAccess<SeeFlows>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
    params: Option<web::Query<LinesParams>>,
) -> Result<HttpResponse> {
    let id: TaskRunId = path_id(&req, "id")?;
    let (workspace, now) = (access.workspace().clone(), app.now());
    let params = params.map(web::Query::into_inner).unwrap_or_default();
    let params = LinesParams { task: String::new(), tasks: String::new(), ..params };
    let (at, asked) = (workspace.id, params.clone());
    let (found, lines) = app
        .db
        .read(move |db| Ok((find(db, at, id)?, Lines::of(db, at, lines_of(id), &asked)?)))
        .await?;
    let here = urls::task_run(&workspace, id);
    let mut logs = lines.view(&workspace, &here, params, urls::task_run_logs(&workspace, id));
    // All of them are this task's.
    logs.lines.iter_mut().for_each(|line| line.task = None);
    let run = &found.run;
    let state = run.state();
    let is_over = state.is_some_and(|state| state.kind.is_final());
    let exact = |at| When::exact(at, now);
    let waits = run.run_count > 0 && !is_over;
    Page(TaskRunPage {
        id: id.to_string(),
        name: run.name.clone(),
        chip: Chip::of_state(state),
        problem: state.filter(|state| is_failure(state.kind)).map(problem),
        next_try: run.next_scheduled_at.filter(|_| waits).map(exact),
        states: Moment::of(&found.states),
        inputs: inputs(&found, &workspace),
        logs,
        tasks: Vec::new(),
        parent: found.parent.as_ref().map(|(parent, flow)| Parent {
            name: parent.name.clone(),
            href: urls::flow_run(&workspace, parent.id),
            flow: flow.clone(),
            flow_href: urls::flow(&workspace, parent.flow_id),
        }),
        subflow: found
            .subflow
            .as_ref()
            .map(|run| (run.name.clone(), urls::flow_run(&workspace, run.id))),
        task: run.task_key.clone(),
        started: run.started_at.map(exact),
        due: run.expected_start_at.filter(|_| run.started_at.is_none()).map(exact),
        ended: run.ended_at.map(exact),
        duration: match run.started_at {
            Some(_) => duration(run.course().ran(state, now)),
            None => "not run".to_owned(),
        },
        tries: tries(run),
        version: run.body.0.task_version.clone(),
        cache_key: run.body.0.cache_key.clone(),
        tags: run.tags.0.clone(),
        list_href: urls::flow_runs(&workspace),
        live: urls::live(&workspace),
        shell: access.shell(shell, "flow-runs"),
    })
    .ok()
}

fn lines_of(id: TaskRunId) -> Of {
    Of { task_run: Some(id.cast()), ..Of::default() }
}

/// What a state says went wrong.
fn problem(state: &State) -> (String, String) {
    let message = state.message.as_deref().unwrap_or_default().trim();
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let first = if first.is_empty() {
        format!("The run {}.", state.name.to_lowercase())
    } else {
        first.to_owned()
    };
    (first, rest.trim_end().to_owned())
}

/// `1`, `2 of 4, 5 s apart`
fn tries(run: &TaskRun) -> String {
    let policy = &run.policy.0;
    let begun = thousands(run.run_count);
    if policy.tries() <= 0 {
        return begun;
    }
    let all = thousands(policy.tries().saturating_add(1));
    let apart = i64::try_from(policy.delay(1).as_micros()).unwrap_or(i64::MAX);
    match apart {
        ..=0 => format!("{begun} of {all}"),
        _ => format!("{begun} of {all}, {} apart", duration(apart)),
    }
}

/// Each input by name, and where its value comes from.
fn inputs(found: &Found, workspace: &Workspace) -> Vec<(String, Vec<Input>)> {
    let told = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Some(id) = source_of(value, "task_run") {
            let name = found.sources.get(&id).cloned();
            let href = name.is_some().then(|| urls::task_run(workspace, id));
            return Input { text: name.unwrap_or_else(|| id.to_string()), href };
        }
        if let Some(id) = source_of(value, "flow_run") {
            return Input {
                text: "a flow run".to_owned(),
                href: Some(urls::flow_run(workspace, id)),
            };
        }
        let text = match text("input_type") {
            "parameter" => format!("parameter {}", text("name")),
            "constant" => format!("constant {}", text("type")),
            _ => "another value".to_owned(),
        };
        Input { text, href: None }
    };
    found
        .run
        .body
        .0
        .task_inputs
        .trees()
        .map(|(name, value)| {
            let sources = value.as_array().map(Vec::as_slice).unwrap_or_default();
            (name, sources.iter().take(SOURCES).map(told).collect())
        })
        .collect()
}

/// `GET …/task-runs/{id}/logs`: all lines as a text file.
async fn download(
    access: WorkspaceAccess<SeeFlows>,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, id): (_, TaskRunId) = (access.workspace().id, path_id(&req, "id")?);
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    Ok(lines::file(&app, workspace, lines_of(id), &found.ok_or(Error::NotFound)?.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_names_its_source() {
        let id = "01a20777-8625-78d9-9715-000000000001";
        let input = serde_json::json!({"input_type": "task_run", "id": id});
        assert_eq!(source_of(&input, "task_run").unwrap().to_string(), id);
        assert!(source_of(&input, "flow_run").is_none());
        for other in [serde_json::json!({"input_type": "task_run", "id": 5}), Value::Null] {
            assert!(source_of(&other, "task_run").is_none());
        }
    }
}
