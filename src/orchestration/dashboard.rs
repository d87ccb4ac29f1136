//! A workspace's first page: what ran, what went wrong, what is next; how to connect while nothing ran.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::SignedDuration;
use serde::Deserialize;

use crate::access::contents::Contents;
use crate::access::membership::Workspace;
use crate::access::permission::Permission;
use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::base::text::{When, counted, thousands};
use crate::base::zone::Zone;
use crate::frame::Shell;
use crate::orchestration::flow_runs::forms::FAILURES;
use crate::orchestration::flow_runs::pages::rows::{About, Row};
use crate::orchestration::period::Period;
use crate::orchestration::rows::flow_runs::listing;
use crate::orchestration::rows::flow_runs::model::FlowRun;
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::{Chart, STACK, Step, tone};
use crate::orchestration::which::history::Span;
use crate::tenancy::invitations::model::Place;
use crate::tenancy::workspaces::connect::Connect;
use crate::tenancy::workspaces::contents::{self, Counted};
use crate::urls;

#[derive(Template)]
#[template(path = "orchestration/dashboard.html")]
struct DashboardPage {
    shell: Shell,
    handle: String,
    description: String,
    connect: Connect,
    role: String,
    counts: Vec<Counted>,
    people_href: Option<String>,
    /// `None` for who does not see runs, and while there is none.
    runs: Option<Runs>,
    here: String,
    live: String,
    /// The viewer sees runs.
    is_live: bool,
}

/// What the page says of runs.
struct Runs {
    period: &'static str,
    periods: [(&'static str, &'static str); 3],
    total: String,
    as_of: When,
    chart: Chart,
    stats: Vec<Stat>,
    failures: Vec<Row>,
    failures_href: String,
    upcoming: Vec<Row>,
    upcoming_href: String,
    all_href: String,
}

struct Stat {
    number: String,
    tone: &'static str,
    name: &'static str,
    href: String,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    period: Period,
}

/// Rows of the short lists.
const FEW: i64 = 5;

struct Found {
    counts: Vec<Counted>,
    runs: Option<FoundRuns>,
}

struct FoundRuns {
    steps: Vec<Step>,
    failures: Vec<FlowRun>,
    upcoming: Vec<FlowRun>,
    about: About,
}

fn find(
    db: &mut Db,
    kinds: Contents,
    (workspace, seen): (&Workspace, &[Permission]),
    span: Span,
) -> Result<Found> {
    let counts = contents::counts(db, kinds, workspace, |one| seen.contains(&one))?;
    let id = workspace.id;
    if !seen.contains(&Permission::SeeFlows) || !listing::any(db, id)? {
        return Ok(Found { counts, runs: None });
    }
    let mut failures = listing::last_in(db, id, StateType::Failed, FEW)?;
    failures.extend(listing::last_in(db, id, StateType::Crashed, FEW)?);
    failures.sort_by_key(|run| std::cmp::Reverse((run.expected_start_at, run.id)));
    failures.truncate(usize::try_from(FEW).unwrap_or(0));
    let upcoming = listing::upcoming(db, id, FEW)?;
    let both: Vec<FlowRun> = failures.iter().chain(&upcoming).cloned().collect();
    let about = About::of(db, id, &both)?;
    let steps = listing::steps(db, id, span)?;
    Ok(Found { counts, runs: Some(FoundRuns { steps, failures, upcoming, about }) })
}

pub(super) async fn show(
    access: WorkspaceAccess<AnyRole>,
    shell: Shell,
    app: web::Data<App>,
    asked: Option<web::Query<Asked>>,
) -> Result<HttpResponse> {
    let period = asked.map(web::Query::into_inner).unwrap_or_default().period;
    let (workspace, now) = (access.workspace().clone(), app.now());
    let seen: Vec<Permission> = Permission::all().filter(|one| access.may(*one)).collect();
    let (place, span) = (workspace.clone(), period.span(now, &shell.zone));
    let kinds = Contents::of(&app.context);
    let found = app.db.read(move |db| find(db, kinds, (&place, &seen), span)).await?;
    let people_href = access
        .may(Permission::SeeWorkspaceUsers)
        .then(|| Place::Workspace(workspace.clone()).people());
    let is_live = access.may(Permission::SeeFlows);
    let zone = shell.zone.clone();
    Page(DashboardPage {
        is_live,
        shell: access.shell(shell, "dashboard"),
        connect: Connect::of(&app, &workspace),
        role: access.role(),
        counts: found.counts,
        people_href,
        runs: found.runs.map(|found| {
            let row = |run: &FlowRun| found.about.row(&workspace, run, now);
            let upcoming = found.upcoming.iter().map(row).collect();
            let lists = (found.failures.iter().map(row).collect(), upcoming);
            runs((&workspace, period), (&found.steps, span), lists, (now, &zone))
        }),
        here: urls::workspace(&workspace),
        live: urls::live(&workspace),
        handle: workspace.handle.clone(),
        description: workspace.description.clone(),
    })
    .ok()
}

fn runs(
    (workspace, period): (&Workspace, Period),
    (steps, span): (&[Step], Span),
    (failures, upcoming): (Vec<Row>, Vec<Row>),
    (now, zone): (Instant, &Zone),
) -> Runs {
    let all = urls::flow_runs(workspace);
    let mut counts: HashMap<StateType, i64> = HashMap::new();
    for step in steps {
        *counts.entry(step.kind).or_default() += step.runs;
    }
    let of = |kind: StateType| counts.get(&kind).copied().unwrap_or(0);
    let total: i64 = counts.values().sum();
    let always = [
        StateType::Completed,
        StateType::Failed,
        StateType::Crashed,
        StateType::Running,
        StateType::Scheduled,
    ];
    let stats = STACK
        .into_iter()
        .filter(|kind| always.contains(kind) || of(*kind) > 0)
        .map(|kind| Stat {
            number: thousands(of(kind)),
            tone: tone(kind).0,
            name: kind.title(),
            href: urls::with_query(
                &all,
                &[("state", &kind.as_str().to_lowercase()), ("period", period.word())],
            ),
        })
        .collect();
    let (count, hours, every) = period.steps();
    let name = |step: i64| {
        let at = span.start + SignedDuration::from_hours(step * hours);
        if period == Period::Day { zone.clock_text(at) } else { zone.short_day_text(at) }
    };
    let told: Vec<String> = STACK
        .into_iter()
        .filter(|kind| of(*kind) > 0)
        .map(|kind| format!("{} {}", thousands(of(kind)), kind.title().to_lowercase()))
        .collect();
    let label = format!(
        "Flow runs, {}: {}.",
        period.words().to_lowercase(),
        if told.is_empty() { "none".to_owned() } else { told.join(", ") }
    );
    Runs {
        period: period.word(),
        periods: Period::ALL.map(|one| (one.word(), one.words())),
        total: counted(total, "run", "runs"),
        as_of: When::minute(now),
        chart: Chart::of(steps, (count, every), name, label),
        stats,
        failures,
        failures_href: urls::with_query(&all, &[("state", FAILURES)]),
        upcoming,
        upcoming_href: urls::with_query(&all, &[("state", "scheduled")]),
        all_href: all,
    }
}
