//! `…/deployments/{id}`: one deployment with its schedules, its runs and its parameters.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::Value;

use super::{Words, status};
use crate::access::membership::Workspace;
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeDeployments;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::paging::{Position, count_text};
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::path_id;
use crate::base::http::page::Page;
use crate::base::json::{Raw, RawObject, cut, pretty};
use crate::base::text::When;
use crate::frame::Shell;
use crate::orchestration::deployments::model::{DeploymentId, Schedule, Whole};
use crate::orchestration::deployments::{queries, rule};
use crate::orchestration::flow_runs::pages::rows::{About, Row};
use crate::orchestration::rows::flow_runs::listing::{self, Narrow, Order};
use crate::orchestration::rows::flow_runs::model::FlowRun;
use crate::orchestration::rows::flows::queries as flows;
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::Chip;
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/deployments/show.html")]
struct DeploymentPage {
    shell: Shell,
    id: String,
    name: String,
    description: String,
    status: Chip,
    is_paused: bool,
    has_schedules: bool,
    schedules: Vec<ScheduleRow>,
    /// `None` for who sees no runs.
    runs: Option<Runs>,
    parameters: Vec<Parameter>,
    is_checked: bool,
    schema: Option<String>,
    flow: String,
    flow_href: Option<String>,
    facts: Vec<(&'static str, String)>,
    tags: Vec<(String, String)>,
    created: When,
    created_by: Option<String>,
    updated: When,
    updated_by: Option<String>,
    polled: Option<When>,
    job_variables: Option<String>,
    pull_steps: Vec<(String, String)>,
    labels: Vec<(String, String)>,
    command: String,
    list_href: String,
    live: String,
    pause_href: Option<String>,
    resume_href: Option<String>,
    delete_href: Option<String>,
}

struct Runs {
    upcoming: Vec<Row>,
    upcoming_text: String,
    upcoming_href: String,
    recent: Vec<Row>,
    all_href: String,
}

struct ScheduleRow {
    kind: &'static str,
    text: String,
    zone: String,
    slug: Option<String>,
    /// How many parameters it has of its own.
    differs: usize,
    is_paused: bool,
    pause_href: Option<String>,
    resume_href: Option<String>,
    delete_href: Option<String>,
}

struct Parameter {
    name: String,
    description: String,
    kind: String,
    /// The deployment's value, or else the flow's.
    value: Option<String>,
    /// The flow's, where the deployment has another.
    was: Option<String>,
    is_required: bool,
}

/// Characters of a value in a table, at most.
const LONGEST: usize = 200;

/// Rows of the short lists.
const UPCOMING: usize = 5;
const RECENT: usize = 10;

/// What is said of a type of JSON schema.
fn kind(schema: &Value) -> String {
    let word = |schema: &Value| match schema.get("type").and_then(Value::as_str) {
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "yes or no".to_owned(),
        Some("array") => "list".to_owned(),
        Some("object") => "object".to_owned(),
        Some("null") => "none".to_owned(),
        Some(other) => other.to_owned(),
        None if schema.get("$ref").is_some() || schema.get("allOf").is_some() => {
            "object".to_owned()
        }
        None => "any".to_owned(),
    };
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return format!("one of {}", values.len());
    }
    let several = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    match several {
        Some(all) => all.iter().map(word).collect::<Vec<_>>().join(" or "),
        None => word(schema),
    }
}

/// The parameters in the order of the flow, and those that only the deployment knows.
fn parameters(values: &RawObject, schema: Option<&RawObject>) -> Vec<Parameter> {
    let tree = schema.and_then(|schema| schema.tree().ok()).unwrap_or_default();
    let short = |text: &str| cut(text.to_owned(), LONGEST);
    let required: Vec<&str> = tree
        .get("required")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut own: Vec<(String, Raw)> = values.clone().into_iter().collect();
    let known = schema.and_then(|schema| schema.raw().field("properties"));
    let known: RawObject =
        known.and_then(|all| serde_json::from_str(all.text()).ok()).unwrap_or_default();
    let mut properties: Vec<(i64, Parameter)> = Vec::new();
    for (place, (name, property)) in known.into_iter().enumerate() {
        let shape: Value = serde_json::from_str(property.text()).unwrap_or_default();
        let usual = property.field("default").map(|value| short(value.text()));
        let at = own.iter().position(|(own, _)| *own == name);
        let set = at.map(|at| short(own.remove(at).1.text()));
        let text = |part: &str| shape.get(part).and_then(Value::as_str).unwrap_or_default();
        let is_other = set.is_some() && usual.is_some() && set != usual;
        let place = i64::try_from(place).unwrap_or(0);
        properties.push((
            shape.get("position").and_then(Value::as_i64).unwrap_or(place),
            Parameter {
                description: text("description").to_owned(),
                kind: kind(&shape),
                was: if is_other { usual.clone() } else { None },
                value: set.or(usual),
                is_required: required.contains(&name.as_str()),
                name,
            },
        ));
    }
    properties.sort_by_key(|(position, _)| *position);
    let others = own.into_iter().map(|(name, value)| Parameter {
        name,
        description: String::new(),
        kind: "unknown to the flow".to_owned(),
        value: Some(short(value.text())),
        was: None,
        is_required: false,
    });
    properties.into_iter().map(|(_, one)| one).chain(others).collect()
}

/// A step of fetching the code: its name, and what it is given.
fn step(step: RawObject) -> (String, String) {
    let mut fields = step.into_iter();
    let (name, inputs) = fields.next().unwrap_or_else(|| (String::new(), Raw::of(&())));
    let inputs: RawObject = serde_json::from_str(inputs.text()).unwrap_or_default();
    let told = inputs.into_iter().map(|(name, value)| format!("{name} {}", value.text()));
    let short = name.rsplit('.').next().unwrap_or_default().to_owned();
    (short, cut(told.collect::<Vec<_>>().join(", "), 500))
}

fn schedule_row(
    workspace: &Workspace,
    (whole, one): (&Whole, &Schedule),
    may_write: bool,
) -> ScheduleRow {
    let (kind, text, zone) = rule::told(&one.schedule.0);
    let step = |step: &str| {
        may_write.then(|| urls::schedule_step(workspace, (whole.deployment.id, one.id), step))
    };
    let is_paused = one.paused_at.is_some();
    ScheduleRow {
        kind,
        text,
        zone,
        slug: one.slug.clone(),
        differs: one.parameters.0.clone().into_iter().count(),
        is_paused,
        pause_href: step("pause").filter(|_| !is_paused),
        resume_href: step("resume").filter(|_| is_paused),
        delete_href: step("delete"),
    }
}

struct Found {
    whole: Whole,
    flow: String,
    upcoming: Vec<FlowRun>,
    upcoming_count: i64,
    recent: Vec<FlowRun>,
    about: About,
}

fn find(db: &mut Db, workspace: &Workspace, id: DeploymentId, sees_runs: bool) -> Result<Found> {
    let at = workspace.id;
    let whole = queries::one(db, at, id)?.ok_or(Error::NotFound)?;
    let flow = flows::name_of(db, at, whole.deployment.flow_id)?.unwrap_or_default();
    let (mut upcoming, mut upcoming_count, mut recent) = (Vec::new(), 0, Vec::new());
    if sees_runs {
        let own = Narrow { deployment: Some(id), ..Narrow::default() };
        let waiting = Narrow { kinds: vec![StateType::Scheduled], ..own.clone() };
        upcoming = listing::page(db, at, (&waiting, Order::Oldest), &Position::Start)?.rows;
        upcoming.truncate(UPCOMING);
        upcoming_count = listing::count(db, at, &waiting)?;
        let began = Narrow { but_upcoming: true, ..own };
        recent = listing::page(db, at, (&began, Order::Newest), &Position::Start)?.rows;
        recent.truncate(RECENT);
    }
    let both: Vec<FlowRun> = upcoming.iter().chain(&recent).cloned().collect();
    let about = About::of(db, at, &both)?;
    Ok(Found { whole, flow, upcoming, upcoming_count, recent, about })
}

fn runs(workspace: &Workspace, found: &Found, now: Instant) -> Runs {
    let id = found.whole.deployment.id.to_string();
    let all = urls::flow_runs(workspace);
    let row = |run: &FlowRun| found.about.row(workspace, run, now);
    Runs {
        upcoming: found.upcoming.iter().map(row).collect(),
        upcoming_text: format!("{} upcoming", count_text(found.upcoming_count)),
        upcoming_href: urls::with_query(&all, &[("state", "scheduled"), ("deployment", &id)]),
        recent: found.recent.iter().map(row).collect(),
        all_href: urls::with_query(&all, &[("deployment", &id)]),
    }
}

/// What the page says of where the code is.
fn facts(whole: &Whole) -> Vec<(&'static str, String)> {
    let body = &whole.deployment.body.0;
    let of_version = |name: &str| body.version_info.as_ref()?.raw().string(name);
    let all = [
        ("Entrypoint", body.entrypoint.clone()),
        ("Path", body.path.clone()),
        ("Version", body.version.clone()),
        ("Branch", of_version("branch")),
        ("Commit", of_version("commit_sha")),
    ];
    let said = |(name, text): (&'static str, Option<String>)| Some((name, text?));
    all.into_iter().filter_map(said).filter(|(_, text)| !text.is_empty()).collect()
}

pub(super) async fn show(
    access: WorkspaceAccess<SeeDeployments>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id: DeploymentId = path_id(&req, "id")?;
    let (workspace, now) = (access.workspace().clone(), app.now());
    let (place, sees_runs) = (workspace.clone(), access.may(Permission::SeeFlows));
    let found = app.db.read(move |db| find(db, &place, id, sees_runs)).await?;
    let (whole, flow) = (&found.whole, found.flow.clone());
    let (deployment, body) = (&whole.deployment, &whole.deployment.body.0);
    let may_write = access.may(Permission::WriteDeployments);
    let step_to = |step: &str| urls::deployment_step(&workspace, id, step);
    let is_paused = deployment.paused_at.is_some();
    let here = urls::deployments(&workspace);
    let words = |(name, value): (String, Raw)| {
        let text: String =
            serde_json::from_str(value.text()).unwrap_or_else(|_| value.text().to_owned());
        (name, text)
    };
    Page(DeploymentPage {
        id: id.to_string(),
        description: body.description.clone().unwrap_or_default(),
        status: status(deployment, now),
        has_schedules: Words::of(whole).text.is_some(),
        schedules: whole
            .schedules
            .iter()
            .map(|one| schedule_row(&workspace, (whole, one), may_write))
            .collect(),
        runs: sees_runs.then(|| runs(&workspace, &found, now)),
        parameters: parameters(&body.parameters, body.parameter_schema.as_ref()),
        is_checked: body.is_checked,
        schema: body
            .parameter_schema
            .as_ref()
            .filter(|schema| !schema.is_empty() && schema.text().len() <= 100_000)
            .map(|schema| pretty(schema.text())),
        flow_href: sees_runs.then(|| urls::flow(&workspace, deployment.flow_id)),
        facts: facts(whole),
        tags: deployment
            .tags
            .0
            .iter()
            .map(|tag| (tag.clone(), urls::with_query(&here, &[("tag", tag)])))
            .collect(),
        created: When::new(deployment.created_at, now),
        created_by: body.created_by.as_ref().map(|maker| maker.display_value.clone()),
        updated: When::new(deployment.updated_at, now),
        updated_by: body.updated_by.as_ref().map(|maker| maker.display_value.clone()),
        polled: deployment.last_polled_at.map(|at| When::new(at, now)),
        job_variables: (!body.job_variables.is_empty()).then(|| pretty(body.job_variables.text())),
        pull_steps: body.pull_steps.clone().into_iter().flatten().map(step).collect(),
        labels: body.labels.clone().into_iter().map(words).collect(),
        command: format!("prefect deployment run '{flow}/{}'", deployment.name),
        live: urls::live(&workspace),
        pause_href: (may_write && !is_paused).then(|| step_to("pause")),
        resume_href: (may_write && is_paused).then(|| step_to("resume")),
        delete_href: access.may(Permission::ManageDeployments).then(|| step_to("delete")),
        name: deployment.name.clone(),
        list_href: here,
        shell: access.shell(shell, "deployments"),
        is_paused,
        flow,
    })
    .ok()
}
