//! Finding and keeping deployments and their schedules.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{Deployment, DeploymentId, Schedule, ScheduleId, Whole};
use crate::access::WorkspaceId;
use crate::access::history::shown;
use crate::base::db::schema::{deployment_schedules as schedules, deployments, flow_runs, flows};
use crate::base::db::{AnyConnection, Db, Instant, MultiBackend, on_each_backend, text_enum};
use crate::base::http::json::Window;
use crate::orchestration::rows::flow_runs::model::FlowRunId;
use crate::orchestration::rows::flows::model::FlowId;
use crate::orchestration::states::model::StateType;
use crate::orchestration::wire::term::Term;

text_enum! {
    /// In which order, as clients say it; the first one where none is said.
    Sort {
        /// By name.
        Name = "NAME_ASC",
        /// By name, from the end.
        NameDown = "NAME_DESC",
        /// The newest first.
        Created = "CREATED_DESC",
        /// The last changed first.
        Updated = "UPDATED_DESC",
    }
}

type Query = diesel::dsl::IntoBoxed<'static, deployments::table, MultiBackend>;

/// Those of a workspace that meet a condition.
pub fn of(workspace: WorkspaceId, term: Term) -> Query {
    deployments::table
        .filter(deployments::workspace_id.eq(workspace))
        .filter(term)
        .into_boxed::<MultiBackend>()
}

/// Puts their schedules to some deployments.
pub fn whole(
    db: &mut Db,
    workspace: WorkspaceId,
    found: Vec<Deployment>,
) -> QueryResult<Vec<Whole>> {
    let ids: Vec<DeploymentId> = found.iter().map(|one| one.id).collect();
    let mut of_each: HashMap<uuid::Uuid, Vec<Schedule>> = HashMap::new();
    if !ids.is_empty() {
        let all: Vec<Schedule> = schedules::table
            .filter(schedules::workspace_id.eq(workspace))
            .filter(schedules::deployment_id.eq_any(ids))
            .order((schedules::updated_at.desc(), schedules::id.desc()))
            .select(Schedule::as_select())
            .load(db)?;
        for schedule in all {
            of_each.entry(schedule.deployment_id.uuid()).or_default().push(schedule);
        }
    }
    let each = found.into_iter().map(|deployment| Whole {
        schedules: of_each.remove(&deployment.id.uuid()).into_iter().flatten().collect(),
        deployment,
    });
    Ok(each.collect())
}

/// A deployment of a workspace, by id.
pub fn one(db: &mut Db, workspace: WorkspaceId, id: DeploymentId) -> QueryResult<Option<Whole>> {
    let found = deployments::table.find((workspace, id)).select(Deployment::as_select());
    let found = found.first(db).optional()?;
    Ok(whole(db, workspace, found.into_iter().collect())?.pop())
}

/// The same, which nobody else changes before this transaction ends.
pub fn locked(db: &mut Db, workspace: WorkspaceId, id: DeploymentId) -> QueryResult<Option<Whole>> {
    if let AnyConnection::Postgres(conn) = &mut db.connection {
        let row = deployments::table.find((workspace, id)).select(deployments::id);
        row.for_update().first::<DeploymentId>(conn).optional()?;
    }
    one(db, workspace, id)
}

/// The deployment of a flow and a name.
pub fn of_flow(
    db: &mut Db,
    workspace: WorkspaceId,
    (flow, name): (FlowId, &str),
) -> QueryResult<Option<Whole>> {
    let found = of(workspace, Term::any())
        .filter(deployments::flow_id.eq(flow))
        .filter(deployments::name.eq(name.to_owned()))
        .select(Deployment::as_select())
        .first(db)
        .optional()?;
    Ok(whole(db, workspace, found.into_iter().collect())?.pop())
}

/// The deployment of the names of a flow and of its own.
pub fn named(
    db: &mut Db,
    workspace: WorkspaceId,
    (flow, name): (&str, &str),
) -> QueryResult<Option<Whole>> {
    let flow: Option<FlowId> = flows::table
        .filter(flows::workspace_id.eq(workspace))
        .filter(flows::name.eq(flow))
        .select(flows::id)
        .first(db)
        .optional()?;
    match flow {
        Some(flow) => of_flow(db, workspace, (flow, name)),
        None => Ok(None),
    }
}

/// Deployments of a workspace.
pub fn some(
    db: &mut Db,
    workspace: WorkspaceId,
    term: Term,
    sort: Sort,
    window: Window,
) -> QueryResult<Vec<Whole>> {
    let query = of(workspace, term);
    let query = match sort {
        Sort::Name => query.order((deployments::name, deployments::id)),
        Sort::NameDown => query.order((deployments::name.desc(), deployments::id.desc())),
        Sort::Created => query.order((deployments::created_at.desc(), deployments::id.desc())),
        Sort::Updated => query.order((deployments::updated_at.desc(), deployments::id.desc())),
    };
    let query = query.limit(window.limit).offset(window.offset);
    let found = query.select(Deployment::as_select()).load(db)?;
    whole(db, workspace, found)
}

/// How many deployments of a workspace there are.
pub fn count(db: &mut Db, workspace: WorkspaceId, term: Term) -> QueryResult<i64> {
    of(workspace, term).count().get_result(db)
}

/// How many there are in all.
pub fn count_all(db: &mut Db, workspace: WorkspaceId) -> QueryResult<i64> {
    count(db, workspace, Term::any())
}

/// How many schedules there are in a workspace.
pub fn count_schedules(db: &mut Db, workspace: WorkspaceId) -> QueryResult<i64> {
    schedules::table.filter(schedules::workspace_id.eq(workspace)).count().get_result(db)
}

/// The deployments of a flow, by name.
pub fn some_of_flow(
    db: &mut Db,
    workspace: WorkspaceId,
    flow: FlowId,
    limit: i64,
) -> QueryResult<Vec<Whole>> {
    let found = of(workspace, Term::any())
        .filter(deployments::flow_id.eq(flow))
        .order(deployments::name)
        .limit(limit)
        .select(Deployment::as_select())
        .load(db)?;
    whole(db, workspace, found)
}

/// Keeps a deployment, a new one or one that changed.
pub fn save(db: &mut Db, workspace: WorkspaceId, one: &Deployment) -> QueryResult<()> {
    let changed = (
        deployments::tags.eq(&one.tags),
        deployments::body.eq(&one.body),
        deployments::paused_at.eq(one.paused_at),
        deployments::updated_at.eq(one.updated_at),
    );
    on_each_backend!(db, |conn| diesel::insert_into(deployments::table)
        .values((
            deployments::id.eq(one.id),
            deployments::workspace_id.eq(workspace),
            deployments::flow_id.eq(one.flow_id),
            deployments::name.eq(&one.name),
            deployments::last_polled_at.eq(one.last_polled_at),
            deployments::created_at.eq(one.created_at),
            changed,
        ))
        .on_conflict((deployments::workspace_id, deployments::id))
        .do_update()
        .set(changed)
        .execute(conn))?;
    Ok(())
}

/// Notes that something asks for the runs of some deployments.
pub fn note_poll(
    db: &mut Db,
    workspace: WorkspaceId,
    ids: Vec<DeploymentId>,
    now: Instant,
) -> QueryResult<usize> {
    let some = deployments::table
        .filter(deployments::workspace_id.eq(workspace))
        .filter(deployments::id.eq_any(ids));
    diesel::update(some).set(deployments::last_polled_at.eq(now)).execute(db)
}

/// Removes a deployment with its schedules; returns whether it was there.
pub fn delete(db: &mut Db, workspace: WorkspaceId, id: DeploymentId) -> QueryResult<bool> {
    Ok(diesel::delete(deployments::table.find((workspace, id))).execute(db)? > 0)
}

/// Removes the deployments of a flow with their schedules; returns how many there were.
pub fn remove_of_flow(db: &mut Db, workspace: WorkspaceId, flow: FlowId) -> QueryResult<usize> {
    let all = deployments::table
        .filter(deployments::workspace_id.eq(workspace))
        .filter(deployments::flow_id.eq(flow));
    diesel::delete(all).execute(db)
}

/// Some runs of a deployment that wait for their time and never began (semantics.md 9).
pub fn waiting_runs(
    db: &mut Db,
    workspace: WorkspaceId,
    id: DeploymentId,
    limit: i64,
) -> QueryResult<Vec<FlowRunId>> {
    shown::flow_runs(workspace)
        .filter(flow_runs::deployment_id.eq(id))
        .filter(flow_runs::state_type.eq(StateType::Scheduled.as_str()))
        .filter(flow_runs::state_name.ne("AwaitingConcurrencySlot"))
        .filter(flow_runs::run_count.eq(0))
        .limit(limit)
        .select(flow_runs::id)
        .load(db)
}

/// Keeps new schedules.
pub fn insert_schedules(db: &mut Db, workspace: WorkspaceId, list: &[Schedule]) -> QueryResult<()> {
    if list.is_empty() {
        return Ok(());
    }
    let row = |one: &Schedule| {
        (
            schedules::id.eq(one.id),
            schedules::workspace_id.eq(workspace),
            schedules::deployment_id.eq(one.deployment_id),
            schedules::slug.eq(one.slug.clone()),
            schedules::schedule.eq(one.schedule.clone()),
            schedules::parameters.eq(one.parameters.clone()),
            schedules::max_scheduled_runs.eq(one.max_scheduled_runs),
            schedules::paused_at.eq(one.paused_at),
            schedules::created_at.eq(one.created_at),
            schedules::updated_at.eq(one.updated_at),
        )
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    on_each_backend!(db, |conn| diesel::insert_into(schedules::table).values(&rows).execute(conn))?;
    Ok(())
}

/// Keeps what changed in a schedule.
pub fn update_schedule(db: &mut Db, workspace: WorkspaceId, one: &Schedule) -> QueryResult<()> {
    diesel::update(schedules::table.find((workspace, one.id)))
        .set((
            schedules::slug.eq(&one.slug),
            schedules::schedule.eq(&one.schedule),
            schedules::parameters.eq(&one.parameters),
            schedules::max_scheduled_runs.eq(one.max_scheduled_runs),
            schedules::paused_at.eq(one.paused_at),
            schedules::updated_at.eq(one.updated_at),
        ))
        .execute(db)?;
    Ok(())
}

/// Takes the slugs of some schedules away, so that they can change places.
pub fn clear_slugs(db: &mut Db, workspace: WorkspaceId, ids: Vec<ScheduleId>) -> QueryResult<()> {
    let some = schedules::table
        .filter(schedules::workspace_id.eq(workspace))
        .filter(schedules::id.eq_any(ids));
    diesel::update(some).set(schedules::slug.eq(None::<String>)).execute(db)?;
    Ok(())
}

/// Removes a schedule.
pub fn delete_schedule(db: &mut Db, workspace: WorkspaceId, id: ScheduleId) -> QueryResult<()> {
    diesel::delete(schedules::table.find((workspace, id))).execute(db)?;
    Ok(())
}

/// Removes all schedules of a deployment.
pub fn delete_schedules(db: &mut Db, workspace: WorkspaceId, of: DeploymentId) -> QueryResult<()> {
    let all = schedules::table
        .filter(schedules::workspace_id.eq(workspace))
        .filter(schedules::deployment_id.eq(of));
    diesel::delete(all).execute(db)?;
    Ok(())
}
