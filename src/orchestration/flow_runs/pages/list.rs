//! `…/flow-runs`: the runs of a workspace, narrowed by the address.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::place;
use super::rows::{About, Row};
use crate::access::permission::needs::SeeFlows;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Db;
use crate::base::db::paging::{Slice, count_text};
use crate::base::error::Result;
use crate::base::http::page::{Page, Shell};
use crate::orchestration::flow_runs::forms::{RunsParams, key_text};
use crate::orchestration::flow_runs::listing::{self, Narrow};
use crate::orchestration::flow_runs::model::FlowRun;
use crate::orchestration::flows::queries as flows;
use crate::orchestration::states::model::StateType;
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/flow_runs/index.html")]
struct ListPage {
    shell: Shell,
    params: RunsParams,
    states: Vec<(String, &'static str)>,
    flows: Vec<String>,
    /// How many there are; empty where they would have to be looked at one by one.
    count: String,
    rows: Vec<Row>,
    here: String,
    home: String,
    live: String,
    previous_href: Option<String>,
    next_href: Option<String>,
}

/// Flows to choose from; others are found by typing their names.
const FLOWS: i64 = 100;

struct Found {
    slice: Slice<FlowRun>,
    count: Option<i64>,
    about: About,
    flows: Vec<String>,
}

/// What the parameters narrow to; `None` for a flow that is not there.
fn narrow(
    db: &mut Db,
    workspace: crate::access::WorkspaceId,
    params: &RunsParams,
) -> Result<Option<Narrow>> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut narrow = Narrow {
        since: params.since(),
        until: params.until(),
        kinds: params.kinds(),
        flow: None,
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
    let (id, asked) = (workspace.id, params.clone());
    let found = app
        .db
        .read(move |db| {
            let position = asked.position();
            let (slice, count) = match narrow(db, id, &asked)? {
                Some(narrow) => {
                    let count = if narrow.is_searched() {
                        None
                    } else {
                        Some(listing::count(db, id, &narrow)?)
                    };
                    (listing::page(db, id, &narrow, &position)?, count)
                }
                None => (Slice::from_query(Vec::new(), &position, 1), Some(0)),
            };
            let about = About::of(db, id, &slice.rows)?;
            Ok(Found { about, count, flows: flows::names(db, id, FLOWS)?, slice })
        })
        .await?;
    let (account, handle) = place(&workspace);
    let here = urls::flow_runs(account, handle);
    let turn = |name: &'static str, run: Option<&FlowRun>| {
        let run = run?;
        let key = key_text((run.expected_start_at?, run.id));
        let mut pairs = params.pairs().to_vec();
        pairs.push((name, &key));
        Some(urls::with_query(&here, &pairs))
    };
    let slice = &found.slice;
    Page(ListPage {
        states: StateType::ALL
            .iter()
            .map(|one| (one.as_str().to_lowercase(), one.title()))
            .collect(),
        flows: found.flows,
        count: found.count.map_or_else(String::new, |count| {
            format!("{} flow {}", count_text(count), if count == 1 { "run" } else { "runs" })
        }),
        rows: slice.rows.iter().map(|run| found.about.row(&workspace, run, now)).collect(),
        previous_href: turn("before", slice.rows.first().filter(|_| slice.has_previous)),
        next_href: turn("after", slice.rows.last().filter(|_| slice.has_next)),
        home: urls::workspace(account, handle),
        live: urls::live(account, handle),
        here,
        shell: access.shell(shell, "flow-runs"),
        params,
    })
    .ok()
}
