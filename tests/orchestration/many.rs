//! What there may be any number of: news at once, tasks and subflows of a cancelled run, lines of removed
//! ones, keys of any length.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead::base::db::schema::instance;
use bulkhead::base::db::{Id, Locks};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::flow_runs::{data, flow, run, set};
use crate::support::{ApiClient, Socket, TestApp, invariants, spawn, spawn_with};
use crate::tenancy::service_accounts::key_of;

async fn listening(app: &TestApp, place: &str, of: &str, filter: &Value) -> Socket {
    let key = key_of(&app.sign_in("ada").await).await;
    let head = [("sec-websocket-protocol", "prefect".to_owned())];
    let mut socket = Socket::open(&app.base, &format!("{place}/{of}/out"), &head).await.unwrap();
    socket.send(&json!({"type": "auth", "token": key})).await;
    assert_eq!(socket.receive().await["type"], "auth_success");
    socket.send(filter).await;
    socket
}

fn number(app: &TestApp, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS number FROM {table}");
    invariants::number(&mut app.database.connect(), &sql)
}

async fn log(api: &ApiClient, app: &TestApp, place: &str, (run, lines): (&Value, usize)) {
    let at = app.app.now().to_string();
    let line = |n| {
        json!({"name": "n", "level": 20, "message": format!("line {n}"), "timestamp": at,
            "flow_run_id": run})
    };
    let lines: Vec<Value> = (0..lines).map(line).collect();
    api.post(&format!("{place}/logs/"), json!(lines)).await.assert_status(201);
}

async fn task(api: &ApiClient, place: &str, run: &Value, n: usize) -> Value {
    let body = json!({"flow_run_id": run, "task_key": "t", "dynamic_key": n.to_string()});
    api.post(&format!("{place}/task_runs/"), body).await.assert_status(201).json()
}

/// WS-06, api.md §6: thousands of news of one moment are passed on, each once, and what comes after them.
#[actix_rt::test]
async fn a_flood_of_lines_does_not_stop_the_news() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &etl, json!({})).await;
    // What was there before is not told.
    log(&api, &app, &place, (&made["id"], 3)).await;
    app.advance(1);
    let filter = json!({"type": "filter", "filter": {}});
    let mut socket = listening(&app, &place, "logs", &filter).await;
    socket.checkpoint().await;
    app.advance(1);
    log(&api, &app, &place, (&made["id"], 2500)).await;
    log(&api, &app, &place, (&made["id"], 1)).await;
    let mut seen = BTreeSet::new();
    for _ in 0..2501 {
        let told = socket.receive().await;
        assert!(seen.insert(told["log"]["id"].as_str().unwrap().to_owned()), "told twice");
    }
    app.advance(1);
    log(&api, &app, &place, (&made["id"], 1)).await;
    assert!(!seen.contains(socket.receive().await["log"]["id"].as_str().unwrap()));
}

/// api.md §6: what happened while a client was away is passed on, however much it is.
#[actix_rt::test]
async fn everything_that_was_missed_is_told() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let at = app.app.now().to_string();
    let event = |n: u128| {
        json!({"id": Uuid::from_u128(n), "event": "tick", "occurred": at,
            "resource": {"prefect.resource.id": "clock"}})
    };
    for batch in 0..3 {
        let events: Vec<Value> = (1..=500).map(|n| event(batch * 1000 + n)).collect();
        api.post(&format!("{place}/events"), json!(events)).await.assert_status(204);
    }
    app.advance(120);
    let since = json!({"since": at, "until": "2100-01-01T00:00:00Z"});
    let filter = json!({"occurred": since, "event": {"name": ["tick"]}});
    let asked = json!({"type": "filter", "backfill": true, "filter": filter});
    let mut socket = listening(&app, &place, "events", &asked).await;
    let mut seen = BTreeSet::new();
    for _ in 0..1500 {
        let told = socket.receive().await;
        assert!(seen.insert(told["event"]["id"].as_str().unwrap().to_owned()), "told twice");
    }

    // AZ-06: all pages of a list say the same total, also where only a look decides.
    let looked = json!({"occurred": since, "event": {"prefix": ["ti"]}});
    let first = api.post(&format!("{place}/events/filter"), json!({"filter": looked})).await.json();
    assert_eq!((&first["total"], first["events"].as_array().unwrap().len()), (&json!(1500), 50));
    let next = first["next_page"].as_str().unwrap().split_once("/api/").unwrap().1.to_owned();
    let second = api.get(&format!("/api/{next}")).await.assert_status(200).json();
    assert_eq!(second["total"], 1500);
    assert_ne!(second["events"][0]["id"], first["events"][0]["id"]);
    let distinct = json!({"filter": {"resource": {"distinct": true}}});
    api.post(&format!("{place}/events/filter"), distinct).await.assert_status(422);
}

/// F-13, F-28: whoever changes an account gets a turn, however much runs and lines come in.
#[actix_rt::test]
async fn a_flood_of_runs_leaves_room_for_other_changes() {
    let app = spawn().await;
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flood: Vec<_> = (0..20)
        .map(|_| {
            let (db, over) = (app.app.db.clone(), std::sync::Arc::clone(&over));
            actix_rt::spawn(async move {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    let touch = diesel::update(instance::table)
                        .set(instance::version.eq(instance::version));
                    db.ingest(move |db| Ok(touch.execute(db)?)).await.unwrap();
                }
            })
        })
        .collect();
    actix_rt::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..5 {
        app.app.db.write(Locks::Instance, |_| Ok(())).await.expect("a turn");
    }
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    for one in flood {
        one.await.unwrap();
    }
}

/// api.md §4.2: all that has not ended in a cancelled run ends with it, however wide and deep it is.
#[actix_rt::test]
async fn a_cancelled_run_takes_all_along() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let root = run(&api, &place, &etl, json!({})).await;
    for n in 0..250 {
        task(&api, &place, &root["id"], n).await;
    }
    // A chain of subflows, each waiting for the one below it; one of them is paused.
    let mut above = root["id"].clone();
    for n in 0..40 {
        let stands_for_it = task(&api, &place, &above, 1000 + n).await;
        let state = if n == 20 { "RUNNING" } else { "SCHEDULED" };
        let more = json!({"parent_task_run_id": stands_for_it["id"], "state": {"type": state}});
        let made = run(&api, &place, &etl, more).await;
        if n == 20 {
            let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
            assert_eq!(set(&api, &path, "PAUSED").await.1["status"], "ACCEPT");
        }
        above = made["id"].clone();
    }
    let path = format!("{place}/flow_runs/{}/set_state", root["id"].as_str().unwrap());
    let cancelled = json!({"state": {"type": "CANCELLED"}, "force": true});
    api.post(&path, cancelled).await.assert_status(201);
    app.advance(10);
    app.run_jobs().await;
    for table in ["flow_runs", "task_runs"] {
        let open = format!("{table} WHERE state_type <> 'CANCELLED'");
        assert_eq!(number(&app, &open), 0, "{table}");
    }
    assert_eq!(number(&app, "flow_run_leftovers"), 0);
}

/// N2, api.md §3: a removed run's lines go with it, and lines of runs that are not there after their days; a
/// pause without an end is left alone, and one with an end ends once.
#[actix_rt::test]
async fn nothing_of_a_removed_run_stays() {
    let app = spawn_with(|flags| flags.run_retention_days = Some(30)).await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &etl, json!({})).await;
    log(&api, &app, &place, (&made["id"], 1200)).await;
    task(&api, &place, &made["id"], 1).await;
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    api.send("DELETE", &path, None).await.assert_status(204);
    assert_eq!((number(&app, "logs"), number(&app, "task_runs")), (0, 0));

    // Told after the run went.
    log(&api, &app, &place, (&made["id"], 2)).await;
    let open = run(&api, &place, &etl, json!({})).await;
    log(&api, &app, &place, (&open["id"], 1)).await;
    app.advance(29 * 86_400);
    app.run_jobs().await;
    assert_eq!(number(&app, "logs"), 3);
    app.advance(2 * 86_400);
    app.run_jobs().await;
    assert_eq!(number(&app, "logs"), 1, "the run that has not ended keeps its line");

    let open = format!("{place}/flow_runs/{}", open["id"].as_str().unwrap());
    let ada = app.sign_in("ada").await;
    // The first key came to its end meanwhile.
    let api = app.api(&key_of(&ada).await);
    assert_eq!(set(&api, &open, "RUNNING").await.1["status"], "ACCEPT");
    assert_eq!(set(&api, &open, "PAUSED").await.1["status"], "ACCEPT");
    assert_eq!(number(&app, "flow_runs WHERE expires_at IS NOT NULL"), 0);
    let page = format!("/workspaces/acme/data/flow-runs/{}", open.rsplit('/').next().unwrap());
    ada.get(&format!("{page}/cancel")).await.shows("cancelled at once");
    ada.submit(&format!("{page}/cancel"), &[]).await.assert_status(303);
    ada.get(&page).await.shows("Cancelled");
    app.advance(1000);
    app.run_jobs().await;
    assert_eq!(api.get(&open).await.json()["state_type"], "CANCELLED");
}

/// §5.4: keys of any length are refused or kept, and what a client tells beside them is kept.
#[actix_rt::test]
async fn long_keys_stop_nothing() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    // Nothing that could be packed.
    let long: String = (0..400).map(|_| Id::<Value>::new(app.app.now()).to_string()).collect();
    let body = json!({"flow_id": etl, "idempotency_key": long});
    api.post(&format!("{place}/flow_runs/"), body).await.assert_status(422);
    let made = run(&api, &place, &etl, json!({})).await;
    let body = json!({"flow_run_id": made["id"], "task_key": long, "dynamic_key": "1"});
    api.post(&format!("{place}/task_runs/"), body).await.assert_status(422);
    let told = |n: u128, key: &str| {
        json!({"id": Uuid::from_u128(n), "event": "prefect.task-run.Completed",
            "occurred": app.app.now().to_string(),
            "resource": {"prefect.resource.id": format!("prefect.task-run.{}", Uuid::from_u128(n + 100)),
                "prefect.orchestration": "client"},
            "related": [{"prefect.resource.id": format!("prefect.flow-run.{}", made["id"].as_str().unwrap()),
                "prefect.resource.role": "flow-run"}],
            "payload": {"validated_state": {"type": "COMPLETED", "name": "Completed",
                    "state_details": {"cache_key": long}},
                "task_run": {"name": "a", "task_key": key, "dynamic_key": n.to_string()}}})
    };
    let events = json!([told(1, "add"), told(2, &long), told(3, "sum")]);
    api.post(&format!("{place}/events"), events).await.assert_status(204);
    assert_eq!(number(&app, "task_runs"), 2);

    // The result is found by its key.
    let parent = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    set(&api, &parent, "RUNNING").await;
    let made = task(&api, &place, &made["id"], 1).await;
    let wish = json!({"state": {"type": "RUNNING", "state_details": {"cache_key": long}}});
    let path = format!("{place}/task_runs/{}/set_state", made["id"].as_str().unwrap());
    assert_eq!(api.post(&path, wish).await.json()["state"]["name"], "Cached");
}

/// api.md §2: both databases read letters alike; parts of a filter are joined as it says.
#[actix_rt::test]
async fn words_are_read_alike() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "Übersicht").await;
    let first = run(&api, &place, &etl, json!({"name": "Über", "tags": ["prod"]})).await;
    run(&api, &place, &etl, json!({"name": "other", "tags": ["PROD"]})).await;
    let found = async |path: &str, body: Value| {
        api.post(&format!("{place}/{path}"), body).await.assert_status(200).json()
    };
    let like = json!({"flow_runs": {"name": {"like_": "ÜBER"}}});
    assert_eq!(found("flow_runs/count", like).await, 1);
    let tagged = json!({"flow_runs": {"tags": {"all_": ["prod"]}}});
    assert_eq!(found("flow_runs/count", tagged).await, 1);
    let ada = app.sign_in("ada").await;
    ada.get("/workspaces/acme/data/flow-runs?q=%C3%BCber").await.shows("Über").lacks("other");
    ada.get("/workspaces/acme/data/flows?q=%C3%BCBER").await.shows("Übersicht");

    log(&api, &app, &place, (&first["id"], 3)).await;
    let worse = json!([{"name": "n", "level": 40, "message": "Ärger",
        "timestamp": app.app.now().to_string()}]);
    api.post(&format!("{place}/logs/"), worse).await.assert_status(201);
    for (operator, lines) in [("and_", 0), ("or_", 4)] {
        let parts = json!({"operator": operator, "level": {"ge_": 40},
            "flow_run_id": {"any_": [first["id"]]}});
        let list = found("logs/filter", json!({"logs": parts})).await;
        assert_eq!(list.as_array().unwrap().len(), lines, "{operator}");
    }
    let angry = json!({"logs": {"text": {"query": "ärger"}}});
    assert_eq!(found("logs/filter", angry).await.as_array().unwrap().len(), 1);
}

/// N2, pages.md: all tasks of a run are shown, some at a time; the client's link to one leads to its page.
#[actix_rt::test]
async fn every_task_has_its_page() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &etl, json!({})).await;
    let mut last = Value::Null;
    for n in 0..130 {
        last = task(&api, &place, &made["id"], n).await;
        app.advance(1);
    }
    let last = last["id"].as_str().unwrap().to_owned();
    let ada = app.sign_in("ada").await;
    let page = format!("/workspaces/acme/data/flow-runs/{}", made["id"].as_str().unwrap());
    let first = ada.get(&page).await;
    first.shows("1 to 100 of 130 task runs").lacks(&last);
    let next = first.link("Next");
    assert_eq!(next, format!("{page}?tasks=100#tasks"));
    ada.get(&next).await.shows("101 to 130 of 130 task runs");
    let (account, workspace) =
        place.trim_start_matches("/api/accounts/").split_once("/workspaces/").unwrap();
    let link = format!("/account/{account}/workspace/{workspace}/runs/task-run/{last}");
    ada.get(&link).await.assert_redirect_to(&format!("/workspaces/acme/data/task-runs/{last}"));

    // One that failed late is told on top of each page.
    set(&api, &format!("{place}/flow_runs/{}", made["id"].as_str().unwrap()), "RUNNING").await;
    set(&api, &format!("{place}/task_runs/{last}"), "RUNNING").await;
    set(&api, &format!("{place}/task_runs/{last}"), "FAILED").await;
    set(&api, &format!("{place}/flow_runs/{}", made["id"].as_str().unwrap()), "FAILED").await;
    ada.get(&page).await.shows("1 of 130 task runs failed.");
}
