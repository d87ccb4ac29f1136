//! The queries behind lists and pages of runs read from an index, on both databases.

use std::sync::{Arc, Mutex};

use bulkhead::access::WorkspaceId;
use bulkhead::base::db::paging::Position;
use bulkhead::base::db::{AnyConnection, Db, Id, Instant};
use bulkhead::base::http::json::Window;
use bulkhead::orchestration::concurrency::model::{LeaseId, LimitKind};
use bulkhead::orchestration::concurrency::{leases, queries as limits};
use bulkhead::orchestration::deployments::{listing as deployments, queries as of_deployments};
use bulkhead::orchestration::events;
use bulkhead::orchestration::events::filter::EventFilter;
use bulkhead::orchestration::logs::queries::{self as logs, Of};
use bulkhead::orchestration::rows::flow_runs::listing::{self, Narrow, Order};
use bulkhead::orchestration::rows::flow_runs::queries::{self as runs, Sort};
use bulkhead::orchestration::rows::{flows, task_runs};
use bulkhead::orchestration::states::model::StateType;
use bulkhead::orchestration::which::history::Span;
use bulkhead::orchestration::wire::term::Term;
use bulkhead::tenancy::workspaces::activity;
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::spawn;

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    plan: String,
}

/// The plan of a statement, whatever its values are.
fn plan(db: &mut Db, text: &str) -> String {
    match &mut db.connection {
        AnyConnection::Sqlite(conn) => {
            let steps: Vec<SqliteStep> =
                diesel::sql_query(format!("EXPLAIN QUERY PLAN {text}")).load(conn).unwrap();
            steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n")
        }
        AnyConnection::Postgres(conn) => {
            let count = (1..99).take_while(|n| text.contains(&format!("${n}"))).count();
            let values = vec!["NULL"; count].join(", ");
            let run = |conn: &mut PgConnection, text: &str| {
                diesel::sql_query(text).execute(conn).unwrap();
            };
            // Tables are small here: say what is done when they are not.
            run(conn, "SET plan_cache_mode = force_generic_plan");
            run(conn, "SET enable_seqscan = off");
            run(conn, &format!("PREPARE looked_at AS {text}"));
            let steps: Vec<PostgresStep> =
                diesel::sql_query(format!("EXPLAIN EXECUTE looked_at({values})"))
                    .load(conn)
                    .unwrap();
            run(conn, "DEALLOCATE looked_at");
            steps.into_iter().map(|step| step.plan).collect::<Vec<_>>().join("\n")
        }
    }
}

/// No list of runs, tasks, events or lines reads a table from one end to the other.
#[actix_rt::test]
async fn lists_read_from_indexes() {
    let app = spawn().await;
    let mut db = app.database.connect();
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&said);
    db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            heard.lock().unwrap().push(query.to_string());
        }
    });
    let workspace: WorkspaceId = uuid::Uuid::nil().into();
    let now = Instant::from_microseconds(1_795_425_840_000_000);
    let window = Window { limit: 50, offset: 0 };
    let span = Span { start: now.plus_days(-1), end: now, step: 3_600_000_000 };
    for sort in [Sort::Id, Sort::Expected, Sort::ExpectedDown] {
        runs::some(&mut db, workspace, Term::any(), sort, window).unwrap();
    }
    let failed = Narrow { kinds: vec![StateType::Failed], ..Narrow::default() };
    let of_flow = Narrow { flow: Some(uuid::Uuid::nil().into()), ..Narrow::default() };
    let begun = Narrow { but_upcoming: true, ..Narrow::default() };
    let of_deployment = Narrow { deployment: Some(uuid::Uuid::nil().into()), ..Narrow::default() };
    for narrow in [&Narrow::default(), &failed, &of_flow, &of_deployment, &begun] {
        for order in [Order::Newest, Order::Oldest] {
            listing::page(&mut db, workspace, (narrow, order), &Position::Start).unwrap();
        }
        listing::count(&mut db, workspace, narrow).unwrap();
    }
    listing::steps(&mut db, workspace, span).unwrap();
    listing::last_in(&mut db, workspace, StateType::Crashed, 5).unwrap();
    listing::upcoming(&mut db, workspace, 5).unwrap();
    listing::tasks_of(&mut db, workspace, &[uuid::Uuid::nil().into()]).unwrap();
    runs::states(&mut db, workspace, uuid::Uuid::nil().into()).unwrap();
    runs::history(&mut db, workspace, Term::any(), span, now).unwrap();
    task_runs::queries::some(
        &mut db,
        workspace,
        Term::any(),
        task_runs::queries::Sort::Expected,
        window,
    )
    .unwrap();
    let span = (now.plus_days(-1), now);
    events::queries::page(&mut db, workspace, &EventFilter::default(), (span, None), 50).unwrap();
    events::queries::received_since(&mut db, workspace, (now, Id::new(now)), 200).unwrap();
    let of = Of { task_run: Some(uuid::Uuid::nil().into()), ..Of::default() };
    logs::before(&mut db, workspace, &of, None, 200).unwrap();
    let of = Of { flow_run: Some(uuid::Uuid::nil().into()), level: Some(20), ..Of::default() };
    logs::before(&mut db, workspace, &of, None, 200).unwrap();
    logs::received_since(&mut db, workspace, (now, Id::new(now)), 200).unwrap();
    activity::of(&mut db, &[workspace, workspace], now).unwrap();
    let none = deployments::Narrow::default();
    deployments::page(&mut db, workspace, &none, &Position::Start).unwrap();
    deployments::count(&mut db, workspace, &none).unwrap();
    deployments::last_runs(&mut db, workspace, &[uuid::Uuid::nil().into()]).unwrap();
    of_deployments::some(&mut db, workspace, Term::any(), of_deployments::Sort::Name, window)
        .unwrap();
    of_deployments::one(&mut db, workspace, uuid::Uuid::nil().into()).unwrap();
    of_deployments::waiting_runs(&mut db, workspace, uuid::Uuid::nil().into(), 100).unwrap();
    flows::queries::newest_runs(&mut db, workspace, &[uuid::Uuid::nil().into()]).unwrap();
    let tag = LimitKind::Tag;
    limits::page(&mut db, workspace, (tag, ""), &Position::Start).unwrap();
    limits::some(&mut db, workspace, window).unwrap();
    limits::some_of(&mut db, workspace, tag, window).unwrap();
    limits::counts(&mut db, workspace).unwrap();
    limits::locked_named(&mut db, workspace, &["a".to_owned()]).unwrap();
    let (limit, lease): (_, LeaseId) = (uuid::Uuid::nil().into(), uuid::Uuid::nil().into());
    leases::holding(&mut db, workspace, &[limit]).unwrap();
    leases::of_lease(&mut db, workspace, lease).unwrap();
    leases::bound_to(&mut db, workspace, &[uuid::Uuid::nil().into()]).unwrap();
    leases::of_task(&mut db, workspace, uuid::Uuid::nil().into(), &[limit]).unwrap();
    leases::end(&mut db, workspace, &[lease], (true, now)).unwrap();

    let said = std::mem::take(&mut *said.lock().unwrap());
    assert!(said.len() > 20, "{}", said.len());
    let mut db = app.database.connect();
    for text in said {
        let text = text.split(" -- binds").next().unwrap().replace('`', "\"");
        let plan = plan(&mut db, &text);
        for table in [
            "flow_runs",
            "task_runs",
            "flow_run_states",
            "events",
            "logs",
            "deployments",
            "deployment_schedules",
            "concurrency_limits",
            "concurrency_leases",
            "concurrency_holds",
        ] {
            let is_read = plan.contains(&format!("SCAN {table}"))
                || plan.contains(&format!("Seq Scan on {table}"));
            assert!(!is_read, "{text}\n{plan}");
        }
        // The end of a history is looked up: no history is sorted for it.
        assert!(!text.contains("newest") || !plan.contains("Sort"), "{text}\n{plan}");
    }
}
