//! Runs as rows of lists.

use std::collections::HashMap;

use crate::access::WorkspaceId;
use crate::access::membership::Workspace;
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::text::{When, thousands};
use crate::orchestration::rows::flow_runs::listing;
use crate::orchestration::rows::flow_runs::model::FlowRun;
use crate::orchestration::rows::flows::model::FlowId;
use crate::orchestration::states::model::StateType;
use crate::orchestration::view::{Chip, duration};
use crate::urls;

/// A run in a list.
pub struct Row {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// The name of its flow.
    pub flow: String,
    /// The page of its flow.
    pub flow_href: String,
    /// Its state.
    pub chip: Chip,
    /// Why it is in that state, in one line.
    pub message: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// `3/8`, ended and all; empty for none.
    pub tasks: String,
    /// How long it ran; empty for one that did not begin.
    pub duration: String,
    /// When it began, or is due.
    pub when: Option<When>,
}

/// What is known of some runs' flows and tasks.
pub struct About {
    flows: HashMap<FlowId, String>,
    tasks: HashMap<uuid::Uuid, (i64, i64)>,
}

impl About {
    /// Asks for what a list of runs shows, in two queries.
    pub fn of(db: &mut Db, workspace: WorkspaceId, runs: &[FlowRun]) -> Result<Self> {
        let flows: Vec<FlowId> = runs.iter().map(|run| run.flow_id).collect();
        let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
        let tasks = listing::tasks_of(db, workspace, &ids)?;
        Ok(Self {
            flows: listing::flow_names(db, workspace, &flows)?.into_iter().collect(),
            tasks: tasks.into_iter().map(|(id, all, ended)| (id.uuid(), (all, ended))).collect(),
        })
    }

    /// A run as a row.
    pub fn row(&self, workspace: &Workspace, run: &FlowRun, now: Instant) -> Row {
        let state = run.state();
        let message = state.and_then(|state| state.message.as_deref()).unwrap_or_default();
        let tasks = self.tasks.get(&run.id.uuid());
        let is_waiting = state.is_some_and(|state| state.kind == StateType::Scheduled);
        let at = if is_waiting { run.next_scheduled_at } else { None };
        let at = at.or(run.started_at).or(run.expected_start_at);
        Row {
            href: urls::flow_run(workspace, run.id),
            name: run.name.clone(),
            flow: self.flows.get(&run.flow_id).cloned().unwrap_or_default(),
            flow_href: urls::flow(workspace, run.flow_id),
            chip: Chip::of_state(state),
            message: first_line(message),
            tags: run.tags.0.iter().take(6).cloned().collect(),
            tasks: tasks.map_or_else(String::new, |(all, ended)| {
                format!("{}/{}", thousands(*ended), thousands(*all))
            }),
            duration: run
                .started_at
                .map_or_else(String::new, |_| duration(run.course().ran(state, now))),
            when: at.map(|at| When::new(at, now)),
        }
    }
}

/// The first line of a message, cut to what a list bears.
pub fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
