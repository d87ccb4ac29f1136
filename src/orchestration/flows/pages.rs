//! The pages of flows.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::access::permission::Permission;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::paging::{PageParams, Position, count_text};
use crate::base::error::{Error, Result};
use crate::base::http::json::path_id;
use crate::base::http::page::Page;
use crate::base::http::routes::resource;
use crate::base::text::When;
use crate::frame::{Pager, Shell};
use crate::orchestration::deployments::pages::{Words, status};
use crate::orchestration::deployments::queries::some_of_flow;
use crate::orchestration::flow_runs::pages::rows::{About, Row};
use crate::orchestration::rows::flow_runs::listing::{self, Narrow, Order};
use crate::orchestration::rows::flow_runs::model::FlowRun;
use crate::orchestration::rows::flows::model::{Flow, FlowId};
use crate::orchestration::rows::flows::queries;
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::Chip;
use crate::urls;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |rest: &str| resource(format!("/workspaces/{{account}}/{{workspace}}/flows{rest}"));
    config.service(at("").get(list)).service(at("/{id}").get(show));
}

#[derive(Template)]
#[template(path = "orchestration/flows/index.html")]
struct ListPage {
    shell: Shell,
    q: String,
    rows: Vec<FlowRow>,
    here: String,
    home: String,
    live: String,
    pager: Pager,
}

struct FlowRow {
    href: String,
    name: String,
    tags: Vec<String>,
    /// The newest run: its page, its name, its state, and when it began or is due.
    last: Option<(String, String, Chip, Option<When>)>,
    created: When,
}

/// What the address of the list says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    after: String,
    before: String,
}

async fn list(
    access: WorkspaceAccess<SeeFlows>,
    shell: Shell,
    app: web::Data<App>,
    asked: Option<web::Query<Asked>>,
) -> Result<HttpResponse> {
    let asked = asked.map(web::Query::into_inner).unwrap_or_default();
    let q: String = asked.q.chars().filter(|c| !c.is_control()).take(200).collect();
    let (workspace, now) = (access.workspace().clone(), app.now());
    let (id, words) = (workspace.id, q.trim().to_owned());
    let (slice, newest) = app
        .db
        .read(move |db| {
            let page = PageParams { after: asked.after, before: asked.before };
            let position = page.position(|name| Some(name.to_owned()));
            let slice = queries::page(db, id, &words, &position)?;
            let ids: Vec<FlowId> = slice.rows.iter().map(|flow| flow.id).collect();
            let newest = queries::newest_runs(db, id, &ids)?;
            Ok((slice, newest))
        })
        .await?;
    let newest: HashMap<uuid::Uuid, FlowRun> =
        newest.into_iter().map(|run| (run.flow_id.uuid(), run)).collect();
    let row = |flow: &Flow| FlowRow {
        href: urls::flow(&workspace, flow.id),
        name: flow.name.clone(),
        tags: flow.tags.0.clone(),
        last: newest.get(&flow.id.uuid()).map(|run| {
            let at = run.started_at.or(run.expected_start_at);
            let href = urls::flow_run(&workspace, run.id);
            let chip = Chip::of_state(run.state());
            (href, run.name.clone(), chip, at.map(|at| When::new(at, now)))
        }),
        created: When::new(flow.created_at, now),
    };
    let here = urls::flows(&workspace);
    Page(ListPage {
        rows: slice.rows.iter().map(row).collect(),
        pager: Pager::of(&slice, &here, &[("q", q.trim())], |flow| flow.name.clone()),
        home: urls::workspace(&workspace),
        live: urls::live(&workspace),
        shell: access.shell(shell, "flows"),
        here,
        q,
    })
    .ok()
}

/// Deployments on a flow's page, at most.
const DEPLOYMENTS: i64 = 50;

#[derive(Template)]
#[template(path = "orchestration/flows/show.html")]
struct FlowPage {
    shell: Shell,
    id: String,
    name: String,
    tags: Vec<String>,
    created: When,
    /// Its deployments, for who sees them: name, page, status, and what schedules them.
    deployments: Vec<(String, String, Chip, String)>,
    rows: Vec<Row>,
    list_href: String,
    runs_href: String,
    /// How many wait for their time, and the list of them.
    upcoming: String,
    upcoming_href: String,
    live: String,
}

async fn show(
    access: WorkspaceAccess<SeeFlows>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id: FlowId = path_id(&req, "id")?;
    let (workspace, now) = (access.workspace().clone(), app.now());
    let at = workspace.id;
    let sees_deployments = access.may(Permission::SeeDeployments);
    let (flow, deployments, (runs, upcoming), about) = app
        .db
        .read(move |db| {
            let flow = queries::one(db, at, id)?.ok_or(Error::NotFound)?;
            let narrow = Narrow { flow: Some(id), but_upcoming: true, ..Narrow::default() };
            let began = (&narrow, Order::Newest);
            let runs = listing::page(db, at, began, &Position::Start)?;
            let waiting =
                Narrow { kinds: vec![StateType::Scheduled], but_upcoming: false, ..narrow };
            let upcoming = listing::count(db, at, &waiting)?;
            let about = About::of(db, at, &runs.rows)?;
            let deployments =
                if sees_deployments { some_of_flow(db, at, id, DEPLOYMENTS)? } else { Vec::new() };
            Ok((flow, deployments, (runs.rows, upcoming), about))
        })
        .await?;
    let all = urls::flow_runs(&workspace);
    Page(FlowPage {
        id: id.to_string(),
        tags: flow.tags.0.clone(),
        created: When::exact(flow.created_at, now),
        deployments: deployments
            .iter()
            .map(|one| {
                let href = urls::deployment(&workspace, one.deployment.id);
                let words = Words::of(one).text.unwrap_or_default();
                (one.deployment.name.clone(), href, status(&one.deployment, now), words)
            })
            .collect(),
        rows: runs.iter().map(|run| about.row(&workspace, run, now)).collect(),
        list_href: urls::flows(&workspace),
        runs_href: urls::with_query(&all, &[("flow", &flow.name)]),
        upcoming: format!("{} upcoming", count_text(upcoming)),
        upcoming_href: urls::with_query(&all, &[("state", "scheduled"), ("flow", &flow.name)]),
        live: urls::live(&workspace),
        shell: access.shell(shell, "flows"),
        name: flow.name,
    })
    .ok()
}
