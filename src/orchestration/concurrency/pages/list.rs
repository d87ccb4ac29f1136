//! The list of limits.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::super::model::{Limit, LimitKind};
use super::super::queries;
use super::{InUse, active, kind_words, title, waiting_words};
use crate::access::membership::Workspace;
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeConcurrencyLimits;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::db::paging::{PageParams, count_text};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::text::When;
use crate::frame::{Pager, Shell};
use crate::orchestration::view::Chip;
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/concurrency/index.html")]
struct ListPage {
    shell: Shell,
    tabs: Vec<Tab>,
    kind: LimitKind,
    q: String,
    here: String,
    clear_href: String,
    count: String,
    rows: Vec<Row>,
    pager: Pager,
    new_href: Option<String>,
    live: Option<String>,
}

/// One kind of limits, with how many there are.
struct Tab {
    words: &'static str,
    count: String,
    href: String,
    is_here: bool,
}

struct Row {
    title: String,
    href: String,
    is_tag: bool,
    in_use: InUse,
    kind: String,
    active: Chip,
    waiting: String,
    updated: When,
    /// Where somebody may change it: editing, turning it the other way, resetting and deleting it.
    steps: Option<Steps>,
}

struct Steps {
    label: String,
    /// A limit of a deployment is changed there.
    edit_href: Option<String>,
    turn: (String, &'static str),
    reset_href: String,
    delete_href: Option<String>,
}

impl Row {
    fn of(
        workspace: &Workspace,
        limit: &Limit,
        (may_manage, q): (bool, &str),
        now: Instant,
    ) -> Self {
        let title = title(limit);
        let step = |step: &str| urls::limit_step(workspace, limit.id, step);
        let is_own = limit.kind != LimitKind::Deployment;
        let (turn, words) =
            if limit.is_active { ("turn-off", "Turn off") } else { ("turn-on", "Turn on") };
        let back = [("from", "list"), ("q", q)];
        let steps = may_manage.then(|| Steps {
            label: format!("Options for {title}"),
            edit_href: is_own.then(|| step("edit")),
            turn: (urls::with_query(&step(turn), &back), words),
            reset_href: step("reset"),
            delete_href: is_own.then(|| step("delete")),
        });
        Self {
            href: urls::limit(workspace, limit.id),
            is_tag: limit.kind == LimitKind::Tag,
            in_use: InUse::of(limit, now),
            kind: kind_words(limit),
            active: active(limit),
            waiting: waiting_words(limit, now),
            updated: When::new(limit.updated_at, now),
            title,
            steps,
        }
    }
}

/// What the address of the list says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    kind: String,
    q: String,
    after: String,
    before: String,
}

/// The kinds as tabs.
const TABS: [(LimitKind, &str); 3] = [
    (LimitKind::Global, "Global"),
    (LimitKind::Tag, "Task tags"),
    (LimitKind::Deployment, "Deployments"),
];

pub(super) async fn list(
    access: WorkspaceAccess<SeeConcurrencyLimits>,
    shell: Shell,
    app: web::Data<App>,
    asked: Option<web::Query<Asked>>,
) -> Result<HttpResponse> {
    let asked = asked.map(web::Query::into_inner).unwrap_or_default();
    let q: String = asked.q.chars().filter(|c| !c.is_control()).take(200).collect();
    let kind = LimitKind::parse(&asked.kind).unwrap_or(LimitKind::Global);
    let (workspace, now) = (access.workspace().clone(), app.now());
    let (id, words) = (workspace.id, q.trim().to_owned());
    let (slice, counts, matching) = app
        .db
        .read(move |db| {
            let page = PageParams { after: asked.after, before: asked.before };
            let position = page.position(|name| Some(name.to_owned()));
            let slice = queries::page(db, id, (kind, &words), &position)?;
            let counts = queries::counts(db, id)?;
            let matching = match words.as_str() {
                "" => None,
                words => Some(queries::count_of(db, id, (kind, words))?),
            };
            Ok((slice, counts, matching))
        })
        .await?;
    let number = |kind| counts.iter().find(|(known, _)| *known == kind).map_or(0, |(_, all)| *all);
    let tab = |(known, words): (LimitKind, &'static str)| Tab {
        words,
        count: count_text(number(known)),
        href: urls::limits_of(&workspace, known.as_str()),
        is_here: known == kind,
    };
    let may_manage = access.may(Permission::ManageConcurrencyLimits);
    let all = number(kind);
    let count = match matching {
        Some(some) => format!("{} of {} match", count_text(some), count_text(all)),
        None if all == 1 => "1 limit".to_owned(),
        None => format!("{} limits", count_text(all)),
    };
    let here = urls::limits(&workspace);
    let pairs = [("kind", kind.as_str()), ("q", q.trim())];
    let by_page = kind != LimitKind::Deployment;
    Page(ListPage {
        tabs: TABS.map(tab).into_iter().collect(),
        rows: slice
            .rows
            .iter()
            .map(|limit| Row::of(&workspace, limit, (may_manage, q.trim()), now))
            .collect(),
        pager: Pager::of(&slice, &here, &pairs, |limit| limit.name.clone()),
        clear_href: urls::limits_of(&workspace, kind.as_str()),
        new_href: (may_manage && by_page).then(|| urls::limit_new(&workspace, kind.as_str())),
        live: access.may(Permission::SeeFlows).then(|| urls::live(&workspace)),
        shell: access.shell(shell, "concurrency"),
        count,
        kind,
        here,
        q,
    })
    .ok()
}
