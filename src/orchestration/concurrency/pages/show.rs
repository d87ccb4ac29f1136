//! One limit: who holds its slots, who waits, and how it was used lately.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::leases;
use super::super::model::{Holder, HolderKind, Lease, Limit, LimitId, LimitKind};
use super::super::queries;
use super::super::usage::Hour;
use super::{InUse, active, kind_words, title};
use crate::access::WorkspaceId;
use crate::access::membership::Workspace;
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeConcurrencyLimits;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::{Db, Id, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::json::path_id;
use crate::base::http::page::Page;
use crate::base::text::{When, counted, thousands};
use crate::frame::Shell;
use crate::orchestration::rows::flow_runs::queries as flow_runs;
use crate::orchestration::rows::task_runs::queries as task_runs;
use crate::orchestration::view::{Bar, Chip};
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/concurrency/show.html")]
struct LimitPage {
    shell: Shell,
    title: String,
    is_tag: bool,
    id: String,
    list_href: String,
    lede: &'static str,
    in_use: InUse,
    kind: String,
    active: Chip,
    updated: When,
    by: String,
    holders: Vec<HolderRow>,
    /// Slots of others: whose holder has no lease, or of more leases than a page shows.
    others: i64,
    others_words: &'static str,
    waiting: Vec<(Name, When)>,
    refused: String,
    history: History,
    code: String,
    steps: Option<Steps>,
    live: Option<String>,
}

/// What somebody may do to it.
struct Steps {
    edit_href: Option<String>,
    turn: (String, &'static str),
    reset_href: String,
    release_href: String,
    delete_href: Option<String>,
}

/// Who holds slots or waits for them, as far as whoever looks may see it.
#[derive(Clone)]
struct Name {
    text: String,
    href: Option<String>,
    /// What kind of thing it is, in words.
    kind: &'static str,
}

struct HolderRow {
    lease: String,
    name: Name,
    slots: i64,
    since: When,
    renewed: Option<When>,
    /// Seconds until the lease ends, where that is soon.
    ends: Option<i64>,
}

/// The last hours as bars.
struct History {
    bars: Vec<Bar>,
    label: String,
    refused: String,
}

/// Seconds before the end of a lease at which a page warns of it.
const SOON: i64 = 60;

impl HolderRow {
    fn of(lease: &Lease, name: Name, now: Instant) -> Self {
        let left = lease.expires_at.map(|end| end.since(now).as_secs());
        Self {
            lease: lease.id.to_string(),
            name,
            slots: lease.slots,
            since: When::new(lease.taken_at, now),
            renewed: lease.renewed_at.map(|at| When::new(at, now)),
            ends: left.filter(|left| *left < SOON),
        }
    }
}

/// The names of what holds and waits.
struct Names {
    flow_runs: HashMap<uuid::Uuid, String>,
    task_runs: HashMap<uuid::Uuid, String>,
}

impl Names {
    fn of(db: &mut Db, workspace: WorkspaceId, holders: &[Holder]) -> Result<Self> {
        let ids = |kind| holders.iter().filter(move |one| one.kind == kind).map(|one| one.id);
        let flows: Vec<_> = ids(HolderKind::FlowRun).map(Id::cast).collect();
        let tasks: Vec<_> = ids(HolderKind::TaskRun).map(Id::cast).collect();
        let flows = flow_runs::names(db, workspace, &flows)?;
        let tasks = task_runs::names(db, workspace, &tasks)?;
        Ok(Self {
            flow_runs: flows.into_iter().map(|(id, name)| (id.uuid(), name)).collect(),
            task_runs: tasks.into_iter().map(|(id, name)| (id.uuid(), name)).collect(),
        })
    }

    fn one(&self, workspace: &Workspace, holder: Holder, may_see: bool) -> Name {
        let id = holder.id.uuid();
        let (kind, known, href) = match holder.kind {
            HolderKind::FlowRun => {
                ("flow run", self.flow_runs.get(&id), urls::flow_run(workspace, id))
            }
            HolderKind::TaskRun => {
                ("task run", self.task_runs.get(&id), urls::task_run(workspace, id))
            }
            HolderKind::Deployment => ("deployment", None, String::new()),
        };
        let known = known.filter(|_| may_see);
        Name {
            href: known.is_some().then_some(href),
            text: known.cloned().unwrap_or_else(|| id.to_string()),
            kind,
        }
    }
}

impl History {
    fn of(hours: &[Hour], slots: i64) -> Self {
        let most = hours.iter().map(|hour| hour.most).max().unwrap_or(0);
        let top = most.max(slots).max(1);
        let float = |number: i64| f64::from(i32::try_from(number).unwrap_or(i32::MAX));
        let width = 100.0 / float(i64::try_from(hours.len()).unwrap_or(1).max(1));
        let bar = |(at, hour): (usize, &Hour)| {
            let height = (44.0 * float(hour.most) / float(top)).max(2.0);
            Bar {
                tone: if hour.refused > 0 { "late" } else { "running" },
                x: format!("{:.2}", width * float(i64::try_from(at).unwrap_or(0))),
                y: format!("{:.1}", 48.0 - height),
                width: format!("{:.2}", width * 0.75),
                height: format!("{height:.1}"),
            }
        };
        let used = |(_, hour): &(usize, &Hour)| hour.most > 0 || hour.refused > 0;
        let refused: i64 = hours.iter().map(|hour| hour.refused).sum();
        let refused = counted(refused, "ask was refused", "asks were refused");
        let (most, slots) = (thousands(most), thousands(slots.max(0)));
        Self {
            bars: hours.iter().enumerate().filter(used).map(bar).collect(),
            label: format!("In use in the last 24 hours: at most {most} of {slots}, {refused}"),
            refused,
        }
    }
}

/// What a limit does, in a sentence.
fn lede(limit: &Limit) -> &'static str {
    match (limit.is_active, limit.kind) {
        (false, _) => "It is off: it is kept, and nothing is limited.",
        _ if limit.slots <= 0 && limit.kind == LimitKind::Tag => "Tasks with this tag are aborted.",
        _ if limit.slots <= 0 => "Whoever asks gets an error.",
        _ if limit.decay > 0.0 => "A rate: slots are given back by themselves, as time goes on.",
        (_, LimitKind::Tag) => "Each task with this tag takes a slot while it runs.",
        _ => "Slots are held until they are given back or their lease ends.",
    }
}

/// How code asks for it.
fn code(limit: &Limit) -> String {
    let name = serde_json::Value::from(title(limit)).to_string();
    match limit.kind {
        LimitKind::Tag => format!("@task(tags=[{name}])\ndef fetch(): ..."),
        _ if limit.decay > 0.0 => format!("rate_limit({name})\nfetch()"),
        _ => format!("with concurrency({name}):\n    fetch()"),
    }
}

fn steps(workspace: &Workspace, limit: &Limit) -> Steps {
    let step = |step: &str| urls::limit_step(workspace, limit.id, step);
    let is_own = limit.kind != LimitKind::Deployment;
    let turn = if limit.is_active { ("turn-off", "Turn off") } else { ("turn-on", "Turn on") };
    Steps {
        edit_href: is_own.then(|| step("edit")),
        turn: (step(turn.0), turn.1),
        reset_href: step("reset"),
        release_href: step("release"),
        delete_href: is_own.then(|| step("delete")),
    }
}

pub(super) async fn show(
    access: WorkspaceAccess<SeeConcurrencyLimits>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, now) = (access.workspace().clone(), app.now());
    let (place, id): (_, LimitId) = (workspace.id, path_id(&req, "id")?);
    let (limit, held, waits, names) = app
        .db
        .read(move |db| {
            let mut limit = queries::one(db, place, id)?.ok_or(Error::NotFound)?;
            let held = leases::holding(db, place, &[id])?;
            let (held, over): (Vec<_>, Vec<_>) =
                held.into_iter().partition(|(_, lease)| lease.lasts(now));
            // What ran out is no holder, whether it was counted already or not (LIM-05).
            let over: i64 = over.iter().map(|(_, lease)| lease.slots).sum();
            limit.set_taken((limit.in_use(now) - over).max(0), now);
            let waits = limit.usage.0.who_waits(now);
            let holders = held.iter().filter_map(|(_, lease)| lease.holder());
            let all: Vec<_> = holders.chain(waits.iter().map(|one| one.holder)).collect();
            let names = Names::of(db, place, &all)?;
            Ok((limit, held, waits, names))
        })
        .await?;
    let sees_runs = access.may(Permission::SeeFlows);
    let nameless = Name { text: "unknown holder".to_owned(), href: None, kind: "older client" };
    let row = |(_, lease): &(LimitId, Lease)| {
        let name = lease.holder().map(|one| names.one(&workspace, one, sees_runs));
        HolderRow::of(lease, name.unwrap_or_else(|| nameless.clone()), now)
    };
    let with_lease: i64 = held.iter().map(|(_, lease)| lease.slots).sum();
    let refused = limit.usage.0.lately_refused(now);
    Page(LimitPage {
        holders: held.iter().map(row).collect(),
        others: if limit.decay > 0.0 { 0 } else { (limit.in_use(now) - with_lease).max(0) },
        others_words: if i64::try_from(held.len()).unwrap_or(0) < leases::SHOWN {
            "unknown holder (older client)"
        } else {
            "others"
        },
        waiting: waits
            .iter()
            .map(|one| (names.one(&workspace, one.holder, sees_runs), When::new(one.since, now)))
            .collect(),
        refused: counted(refused, "ask was refused", "asks were refused"),
        history: History::of(&limit.usage.0.last_hours(now), limit.slots),
        title: title(&limit),
        is_tag: limit.kind == LimitKind::Tag,
        id: limit.id.to_string(),
        list_href: urls::limits_of(&workspace, limit.kind.as_str()),
        lede: lede(&limit),
        in_use: InUse::of(&limit, now),
        kind: kind_words(&limit),
        active: active(&limit),
        updated: When::new(limit.updated_at, now),
        code: code(&limit),
        steps: access.may(Permission::ManageConcurrencyLimits).then(|| steps(&workspace, &limit)),
        live: sees_runs.then(|| urls::live(&workspace)),
        by: limit.changed_by,
        shell: access.shell(shell, "concurrency"),
    })
    .ok()
}
