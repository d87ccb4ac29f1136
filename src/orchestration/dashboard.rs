//! A workspace's first page: what ran, what went wrong, what is next; how to connect while nothing ran.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::SignedDuration;
use serde::Deserialize;

use crate::access::membership::Workspace;
use crate::access::permission::Permission;
use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::http::page::{Page, Shell};
use crate::base::text::{When, counted, thousands};
use crate::orchestration::flow_runs::listing;
use crate::orchestration::flow_runs::model::FlowRun;
use crate::orchestration::flow_runs::pages::rows::{About, Row};
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::{Chart, STACK, Step, tone};
use crate::orchestration::wire::history::Span;
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

/// Over which time the chart goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Period {
    #[default]
    Day,
    Week,
    Month,
}

impl Period {
    fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
        }
    }

    /// How many steps, of how many hours, and every how many-th is named.
    fn steps(self) -> (i64, i64, i64) {
        match self {
            Self::Day => (24, 1, 4),
            Self::Week => (28, 6, 4),
            Self::Month => (30, 24, 5),
        }
    }

    /// The time up to the end of the present step, which begin at whole hours or days.
    fn span(self, now: Instant) -> Span {
        let (steps, hours, _) = self.steps();
        let step = hours * 3_600_000_000;
        let end = (now.as_microseconds().div_euclid(step) + 1) * step;
        Span {
            start: Instant::from_microseconds(end - steps * step),
            end: Instant::from_microseconds(end),
            step,
        }
    }
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

fn find(db: &mut Db, workspace: &Workspace, seen: &[Permission], span: Span) -> Result<Found> {
    let counts = contents::counts(db, workspace, |one| seen.contains(&one))?;
    let id = workspace.id;
    if !seen.contains(&Permission::SeeFlows) || !listing::any(db, id)? {
        return Ok(Found { counts, runs: None });
    }
    let mut failures = listing::last_in(db, id, StateType::Failed, FEW)?;
    failures.extend(listing::last_in(db, id, StateType::Crashed, FEW)?);
    failures.sort_by_key(|run| std::cmp::Reverse(run.expected_start_at));
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
    let (place, span) = (workspace.clone(), period.span(now));
    let found = app.db.read(move |db| find(db, &place, &seen, span)).await?;
    let people_href = access
        .may(Permission::SeeWorkspaceUsers)
        .then(|| Place::Workspace(workspace.clone()).people());
    let (account, handle) = (&workspace.account_handle, &workspace.handle);
    let is_live = access.may(Permission::SeeFlows);
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
            runs((&workspace, period), (&found.steps, span), lists, now)
        }),
        here: urls::workspace(account, handle),
        live: urls::live(account, handle),
        handle: handle.clone(),
        description: workspace.description.clone(),
    })
    .ok()
}

fn runs(
    (workspace, period): (&Workspace, Period),
    (steps, span): (&[Step], Span),
    (failures, upcoming): (Vec<Row>, Vec<Row>),
    now: Instant,
) -> Runs {
    let (account, handle) = (&workspace.account_handle, &workspace.handle);
    let all = urls::flow_runs(account, handle);
    let mut counts: HashMap<StateType, i64> = HashMap::new();
    for step in steps {
        *counts.entry(step.kind).or_default() += step.runs;
    }
    let of = |kind: StateType| counts.get(&kind).copied().unwrap_or(0);
    let total: i64 = counts.values().sum();
    let since = span.start.to_string();
    let day = since.get(..10).unwrap_or_default();
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
                &[("state", &kind.as_str().to_lowercase()), ("from", day)],
            ),
        })
        .collect();
    let (count, hours, every) = period.steps();
    let name = |step: i64| {
        let at = span.start + SignedDuration::from_hours(step * hours);
        let text = at.minute_text();
        if period == Period::Day {
            text.get(11..16).unwrap_or_default().to_owned()
        } else {
            at.day_text().rsplit_once(' ').map_or_else(String::new, |(day, _)| day.to_owned())
        }
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
    let as_of = now.minute_text();
    Runs {
        period: period.word(),
        periods: [Period::Day, Period::Week, Period::Month].map(|one| (one.word(), one.words())),
        total: counted(total, "run", "runs"),
        as_of: When {
            iso: now.to_string(),
            text: as_of.get(11..).unwrap_or_default().to_owned(),
            title: as_of,
        },
        chart: Chart::of(steps, (count, every), name, label),
        stats,
        failures,
        failures_href: urls::with_query(&all, &[("state", "failed")]),
        upcoming,
        upcoming_href: urls::with_query(&all, &[("state", "scheduled")]),
        all_href: all,
    }
}
