//! `…/flow-runs`: the runs of a workspace, narrowed by the address.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::rows::{About, Row};
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::ids::DeploymentId;
use crate::base::db::paging::{Slice, count_text};
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::zone::Zone;
use crate::frame::{Pager, Shell};
use crate::orchestration::flow_runs::forms::{ENDED, FAILURES, GOING_ON, RunsParams, key_text};
use crate::orchestration::period::Period;
use crate::orchestration::rows::flow_runs::listing::{self, Narrow, Order};
use crate::orchestration::rows::flow_runs::model::FlowRun;
use crate::orchestration::rows::flows::queries as flows;
use crate::orchestration::saved_searches::model::{IN_SIGHT, SavedSearch};
use crate::orchestration::saved_searches::pages::Bar;
use crate::orchestration::saved_searches::queries as saved_searches;
use crate::orchestration::states::model::StateType;
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/flow_runs/index.html")]
struct ListPage {
    shell: Shell,
    params: RunsParams,
    states: Vec<(String, &'static str)>,
    flows: Vec<String>,
    saved: Bar,
    count: String,
    /// The deployment whose runs these are: its name, and its page.
    deployment: Option<(String, String)>,
    is_upcoming: bool,
    is_oldest_first: bool,
    periods: [(&'static str, &'static str); 3],
    /// The list of those that began, and of those that wait for their time.
    began_href: String,
    upcoming_href: String,
    rows: Vec<Row>,
    here: String,
    home: String,
    /// The same list, narrowed by nothing.
    clear_href: String,
    caption: &'static str,
    live: String,
    pager: Pager,
}

/// Flows to choose from; others are found by typing their names.
const FLOWS: i64 = 100;

struct Found {
    slice: Slice<FlowRun>,
    count: i64,
    about: About,
    flows: Vec<String>,
    saved: Vec<SavedSearch>,
    deployment: Option<String>,
}

/// What the parameters narrow to; `None` for a flow that is not there.
fn narrow(
    db: &mut Db,
    workspace: crate::access::WorkspaceId,
    params: &RunsParams,
    (now, zone): (Instant, &Zone),
) -> Result<Option<Narrow>> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (since, until) = params.time(now, zone);
    let kinds = params.kinds();
    let mut narrow = Narrow {
        since,
        until,
        but_upcoming: kinds.is_empty(),
        kinds,
        flow: None,
        deployment: params.deployment.parse().ok(),
        tag: given(&params.tag),
        q: given(&params.q),
    };
    if !params.flow.is_empty() {
        let Some(flow) = flows::named(db, workspace, &params.flow)? else { return Ok(None) };
        narrow.flow = Some(flow.id);
    }
    Ok(Some(narrow))
}

pub(super) async fn show(
    access: WorkspaceAccess<SeeFlows>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let params = RunsParams::of(req.query_string());
    let (workspace, now) = (access.workspace().clone(), app.now());
    let (id, asked, zone) = (workspace.id, params.clone(), shell.zone.clone());
    let deployment: Option<DeploymentId> = params.deployment.parse().ok();
    let deployment = deployment.filter(|_| access.may(Permission::SeeDeployments));
    let found = app
        .db
        .read(move |db| {
            let position = asked.position();
            let (slice, count) = match narrow(db, id, &asked, (now, &zone))? {
                Some(narrow) => {
                    let slice = listing::page(db, id, (&narrow, asked.order()), &position)?;
                    (slice, listing::count(db, id, &narrow)?)
                }
                None => (Slice::from_query(Vec::new(), &position, 1), 0),
            };
            let about = About::of(db, id, &slice.rows)?;
            let saved = saved_searches::some(db, id, IN_SIGHT)?;
            let deployment = match deployment {
                Some(deployment) => listing::deployment_name(db, id, deployment)?,
                None => None,
            };
            Ok(Found {
                deployment,
                about,
                count,
                flows: flows::names(db, id, FLOWS)?,
                saved,
                slice,
            })
        })
        .await?;
    let here = urls::flow_runs(&workspace);
    let other_list = |state: &str| {
        let kept = params.pairs().map(|(name, value)| match name {
            "state" => (name, state),
            "sort" => (name, ""),
            _ => (name, value),
        });
        urls::with_query(&here, &kept)
    };
    let slice = &found.slice;
    let may_save = access.may(Permission::ManageSavedSearch);
    Page(ListPage {
        states: [(FAILURES, "Failed or crashed"), (ENDED, "Ended"), (GOING_ON, "Going on")]
            .into_iter()
            .map(|(word, words)| (word.to_owned(), words))
            .chain(
                StateType::ALL
                    .iter()
                    .filter(|kind| **kind != StateType::Scheduled)
                    .map(|one| (one.as_str().to_lowercase(), one.title())),
            )
            .collect(),
        deployment: found.deployment.zip(deployment.map(|id| urls::deployment(&workspace, id))),
        is_upcoming: params.is_upcoming(),
        is_oldest_first: params.order() == Order::Oldest,
        periods: Period::ALL.map(|one| (one.word(), one.words())),
        began_href: other_list(""),
        upcoming_href: other_list("scheduled"),
        saved: Bar::of(&workspace, &found.saved, (&params.pairs(), may_save && params.narrows())),
        flows: found.flows,
        count: format!(
            "{} {}flow {}",
            count_text(found.count),
            if params.is_upcoming() { "upcoming " } else { "" },
            if found.count == 1 { "run" } else { "runs" }
        ),
        rows: slice.rows.iter().map(|run| found.about.row(&workspace, run, now)).collect(),
        pager: Pager::of(slice, &here, &params.pairs(), |run| {
            run.expected_start_at.map(|at| key_text((at, run.id)))
        }),
        clear_href: urls::with_query(
            &here,
            &[("state", if params.is_upcoming() { "scheduled" } else { "" })],
        ),
        caption: match params.order() {
            Order::Newest => "Flow runs, the last to be due first",
            Order::Oldest => "Flow runs, the first to be due first",
        },
        home: urls::workspace(&workspace),
        live: urls::live(&workspace),
        here,
        shell: access.shell(shell, "flow-runs"),
        params,
    })
    .ok()
}
