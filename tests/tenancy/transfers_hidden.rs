//! What a transfer hides is not there: no state of it is read, and nothing is added to it (SP-27).

use bulkhead::base::db::schema::{accounts, flow_runs, logs, task_run_states, task_runs};
use bulkhead::base::db::{Id, Instant};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::service_accounts::key_of;
use super::transfers::{DATA, transfer};
use crate::orchestration::flow_runs::{data, flow, run, set};
use crate::support::{ApiClient, Socket, TestApp, spawn_with};

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

async fn rows(app: &TestApp) -> (i64, i64, i64, Instant) {
    app.read(|db| {
        Ok((
            task_runs::table.count().get_result(db)?,
            task_run_states::table.count().get_result(db)?,
            logs::table.count().get_result(db)?,
            flow_runs::table
                .select(diesel::dsl::max(flow_runs::updated_at))
                .first::<Option<Instant>>(db)?
                .unwrap(),
        ))
    })
    .await
}

async fn states_of(api: &ApiClient, place: &str, kind: &str, run: &str) -> Vec<Value> {
    let found = api.get(&format!("{place}/{kind}_run_states/?{kind}_run_id={run}")).await;
    found.assert_status(200).json().as_array().unwrap().clone()
}

/// A hidden run's states are hidden like the run, in lists, by id and in the cache; logs, events, inputs and states
/// that come for it leave nothing behind; undone, all is as it was.
#[actix_rt::test]
async fn a_hidden_run_has_no_states_and_takes_nothing() {
    let app = spawn_with(|flags| flags.run_retention_days = Some(30)).await;
    let (api, place) = data(&app).await;
    app.app
        .db
        .ingest(|db| {
            let acme = accounts::table.filter(accounts::handle.eq("acme"));
            Ok(diesel::update(acme).set(accounts::run_retention_days.eq(365)).execute(db)?)
        })
        .await
        .unwrap();
    let flow = flow(&api, &place, "etl").await;
    let old = id(&run(&api, &place, &flow, json!({"name": "old"})).await);
    let running = set(&api, &format!("{place}/flow_runs/{old}"), "RUNNING").await.1;
    let task = json!({"flow_run_id": old, "task_key": "add", "dynamic_key": "0"});
    let task = id(&api.post(&format!("{place}/task_runs/"), task).await.assert_status(201).json());
    let result = json!({"state": {"type": "RUNNING"}});
    api.post(&format!("{place}/task_runs/{task}/set_state"), result).await.assert_status(201);
    let result = json!({"state": {"type": "COMPLETED", "state_details": {"cache_key": "k"}}});
    let cached = api.post(&format!("{place}/task_runs/{task}/set_state"), result).await;
    let cached = cached.assert_status(201).json()["state"].clone();
    set(&api, &format!("{place}/flow_runs/{old}"), "COMPLETED").await;
    app.advance(40 * 86_400);
    let ada = app.sign_in("ada").await;
    let key = key_of(&ada).await;
    let api = app.api(&key);
    let young = id(&run(&api, &place, &flow, json!({"name": "young"})).await);
    set(&api, &format!("{place}/flow_runs/{young}"), "RUNNING").await;
    assert_eq!(states_of(&api, &place, "flow", &old).await.len(), 3);
    assert_eq!(states_of(&api, &place, "task", &task).await.len(), 3);

    let page = transfer(&ada, DATA, "target=ada&handle=data", "acme/data").await;
    let moved = api.get(&format!("{place}/flow_runs/{young}")).await.location();
    let there = moved.split_once("/flow_runs/").unwrap().0.to_owned();
    assert_eq!(states_of(&api, &there, "flow", &old).await, [] as [Value; 0]);
    assert_eq!(states_of(&api, &there, "task", &task).await, [] as [Value; 0]);
    assert_eq!(states_of(&api, &there, "flow", &young).await.len(), 2);
    let one = async |kind: &str, state: &Value| {
        api.get(&format!("{there}/{kind}_run_states/{}", id(state))).await.status
    };
    assert_eq!(one("flow", &running["state"]).await, 404);
    assert_eq!(one("task", &cached).await, 404);

    // Nor are its state, time and name told by sums, or by the card of the list.
    let history = async |kind: &str, filter: Value| {
        let mut body = json!({"history_start": "2026-01-01T00:00:00Z", "history_end": "2027-12-31T00:00:00Z",
                              "history_interval_seconds": 86_400 * 800});
        body.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        let found =
            api.post(&format!("{there}/{kind}/history"), body).await.assert_status(200).json();
        let steps = found.as_array().unwrap().iter();
        let states = steps.flat_map(|step| step["states"].as_array().unwrap().clone());
        states.map(|state| state["count_runs"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!(history("flow_runs", json!({})).await, 1);
    assert_eq!(history("flow_runs", json!({"flow_runs": {"name": {"like_": "old"}}})).await, 0);
    assert_eq!(history("task_runs", json!({})).await, 0);
    ada.get("/workspaces").await.shows("is running, since").lacks("2 runs");
    let bars = ada.get("/workspaces").await.attributes("article svg", "aria-label");
    assert!(bars.iter().all(|label| !label.contains("completed")), "{bars:?}");

    let before = rows(&app).await;
    for (path, body) in [
        (
            format!("flow_runs/{old}/set_state"),
            json!({"state": {"type": "RUNNING"}, "force": true}),
        ),
        (
            format!("task_runs/{task}/set_state"),
            json!({"state": {"type": "RUNNING"}, "force": true}),
        ),
        (format!("flow_runs/{old}/input"), json!({"key": "k", "value": "1"})),
        (format!("flow_runs/{old}/resume"), json!({})),
        ("task_runs/".to_owned(), json!({"flow_run_id": old, "task_key": "b", "dynamic_key": "0"})),
    ] {
        api.post(&format!("{there}/{path}"), body).await.assert_status(404);
    }
    let line = |flow_run: Option<&str>, task_run: Option<&str>| {
        json!({"name": "prefect", "level": 20, "message": "late", "timestamp": app.app.now(),
               "flow_run_id": flow_run, "task_run_id": task_run})
    };
    let lines =
        json!([line(Some(&old), None), line(Some(&old), Some(&task)), line(None, Some(&task))]);
    api.post(&format!("{there}/logs/"), lines).await.assert_status(201);
    let event = |number: u128, task: &str, flow_run: Option<&str>| {
        let related = flow_run.map(|run| {
            json!({"prefect.resource.id": format!("prefect.flow-run.{run}"),
                   "prefect.resource.role": "flow-run"})
        });
        json!({"id": Uuid::from_u128(number), "occurred": app.app.now(),
            "event": "prefect.task-run.Running",
            "resource": {"prefect.resource.id": format!("prefect.task-run.{task}"),
                         "prefect.orchestration": "client"},
            "related": related.into_iter().collect::<Vec<_>>(),
            "payload": {"task_run": {"task_key": "add", "dynamic_key": "1"},
                        "validated_state": {"type": "RUNNING", "name": "Running"}}})
    };
    let head = [("authorization", format!("bearer {key}"))];
    let mut socket = Socket::open(&app.base, &format!("{there}/events/in"), &head).await.unwrap();
    socket.send(&event(1, &task, None)).await;
    socket.send(&event(2, &task, Some(&young))).await;
    socket.send(&event(3, "01a20777-8625-78d9-9715-44cd84850001", Some(&old))).await;
    socket.checkpoint().await;
    assert_eq!(rows(&app).await, before, "a hidden run took something");

    // What is to be seen takes everything, from the same socket and in the same call.
    let mixed = json!([line(Some(&old), None), line(Some(&young), None), line(None, None)]);
    api.post(&format!("{there}/logs/"), mixed).await.assert_status(201);
    let other = "01a20777-8625-78d9-9715-44cd84850002";
    socket.send(&event(4, other, Some(&young))).await;
    socket.checkpoint().await;
    let after = rows(&app).await;
    assert_eq!((after.0, after.1, after.2), (before.0 + 1, before.1 + 1, before.2 + 2));
    // Nor is its result taken by another run.
    let wish = json!({"state": {"type": "RUNNING", "state_details": {"cache_key": "k"}}});
    let told = api.post(&format!("{there}/task_runs/{other}/set_state"), wish).await.json();
    assert_ne!(told["state"]["name"], "Cached", "{told}");

    ada.submit_form(&page, "Undo", &[("confirm", "ada/data")]).await.assert_status(303);
    assert_eq!(states_of(&api, &place, "flow", &old).await.len(), 3);
    assert_eq!(states_of(&api, &place, "task", &task).await.len(), 3);
    let known: Vec<Id<()>> = app
        .read(move |db| {
            let old: Id<()> = old.parse().unwrap();
            let lines = logs::table.filter(logs::flow_run_id.eq(old));
            Ok(lines.select(logs::id).load(db)?)
        })
        .await;
    assert_eq!(known, []);
}
