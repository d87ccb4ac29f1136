//! `…/deployments`: the deployments of a workspace, narrowed by the address.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Words, status};
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeDeployments;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, Position, count_text};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::text::When;
use crate::frame::{Pager, Shell};
use crate::orchestration::deployments::listing::{self, Key, Narrow, Scheduled};
use crate::orchestration::deployments::model::Whole;
use crate::orchestration::deployments::queries;
use crate::orchestration::rows::flow_runs::listing::flow_names;
use crate::orchestration::rows::flow_runs::model::FlowRun;
use crate::orchestration::view::Chip;
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/deployments/index.html")]
struct ListPage {
    shell: Shell,
    asked: Asked,
    words: [(&'static str, &'static str); 3],
    count: String,
    rows: Vec<Row>,
    here: String,
    home: String,
    live: String,
    pager: Pager,
    /// The viewer may pause them, and delete them.
    may_write: bool,
    may_delete: bool,
}

struct Row {
    id: String,
    href: String,
    name: String,
    flow: String,
    flow_href: Option<String>,
    status: Chip,
    polled: Option<When>,
    /// The last run: its page, its name, its state, and when it began.
    last: Option<(String, String, Chip, Option<When>)>,
    schedule: Words,
    tags: Vec<String>,
    is_paused: bool,
    pause_href: String,
    resume_href: String,
    delete_href: String,
}

/// What the address of the list says.
#[derive(Clone, Debug, Default)]
struct Asked {
    q: String,
    tag: String,
    schedule: String,
    page: PageParams,
}

impl Asked {
    /// Reads the query string; the first of doubled parameters counts.
    fn of(query: &str) -> Self {
        let value = |wanted: &str| -> String {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted);
            let text = found.map(|(_, value)| value.into_owned()).unwrap_or_default();
            let text: String = text.chars().filter(|c| !c.is_control()).take(500).collect();
            text.trim().to_owned()
        };
        Self {
            q: value("q").chars().take(200).collect(),
            tag: value("tag").chars().take(200).collect(),
            schedule: value("schedule"),
            page: PageParams { after: value("after"), before: value("before") },
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 3] {
        [("q", &self.q), ("tag", &self.tag), ("schedule", &self.schedule)]
    }

    fn narrows(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    /// Several tags are parted by commas.
    fn narrow(&self) -> Narrow {
        let tags = self.tag.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        Narrow {
            q: self.q.clone(),
            tags: tags.map(str::to_owned).collect(),
            scheduled: Scheduled::parse(&self.schedule),
        }
    }

    fn position(&self) -> Position<Key> {
        self.page.position(|text| {
            let (id, name) = text.split_once('.')?;
            Some((name.to_owned(), id.parse().ok()?))
        })
    }
}

pub(super) async fn show(
    access: WorkspaceAccess<SeeDeployments>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let asked = Asked::of(req.query_string());
    let (workspace, now) = (access.workspace().clone(), app.now());
    let (id, narrow, position) = (workspace.id, asked.narrow(), asked.position());
    let sees_flows = access.may(Permission::SeeFlows);
    let (slice, list, count, flows, last) = app
        .db
        .read(move |db| {
            let slice = listing::page(db, id, &narrow, &position)?;
            let count = listing::count(db, id, &narrow)?;
            let flows: Vec<_> = slice.rows.iter().map(|one| one.flow_id).collect();
            let flows = flow_names(db, id, &flows)?;
            let ids: Vec<_> = slice.rows.iter().map(|one| one.id).collect();
            let last = if sees_flows { listing::last_runs(db, id, &ids)? } else { HashMap::new() };
            let list = queries::whole(db, id, slice.rows.clone())?;
            Ok((slice, list, count, flows, last))
        })
        .await?;
    let flows: HashMap<uuid::Uuid, String> =
        flows.into_iter().map(|(id, name)| (id.uuid(), name)).collect();
    let here = urls::deployments(&workspace);
    let row = |whole: Whole| {
        let deployment = &whole.deployment;
        let step = |step: &str| urls::deployment_step(&workspace, deployment.id, step);
        let run = |run: &FlowRun| {
            let at = run.started_at.or(run.expected_start_at).map(|at| When::new(at, now));
            let chip = Chip::of_state(run.state());
            (urls::flow_run(&workspace, run.id), run.name.clone(), chip, at)
        };
        Row {
            id: deployment.id.to_string(),
            href: urls::deployment(&workspace, deployment.id),
            name: deployment.name.clone(),
            flow: flows.get(&deployment.flow_id.uuid()).cloned().unwrap_or_default(),
            flow_href: sees_flows.then(|| urls::flow(&workspace, deployment.flow_id)),
            status: status(deployment, now),
            polled: polled(deployment.last_polled_at, now),
            last: last.get(&deployment.id.uuid()).map(run),
            schedule: Words::of(&whole),
            tags: deployment.tags.0.iter().take(6).cloned().collect(),
            is_paused: deployment.paused_at.is_some(),
            pause_href: step("pause"),
            resume_href: step("resume"),
            delete_href: step("delete"),
        }
    };
    let noun = if count == 1 { "deployment" } else { "deployments" };
    Page(ListPage {
        words: [("active", "Active"), ("paused", "Paused"), ("none", "None")],
        count: format!("{} {noun}", count_text(count)),
        rows: list.into_iter().map(row).collect(),
        pager: Pager::of(&slice, &here, &asked.pairs(), |one| format!("{}.{}", one.id, one.name)),
        home: urls::workspace(&workspace),
        live: urls::live(&workspace),
        may_write: access.may(Permission::WriteDeployments),
        may_delete: access.may(Permission::ManageDeployments),
        shell: access.shell(shell, "deployments"),
        here,
        asked,
    })
    .ok()
}

fn polled(at: Option<Instant>, now: Instant) -> Option<When> {
    at.map(|at| When::new(at, now))
}
