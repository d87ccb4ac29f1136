//! Flows, their runs and logs through the API.

use bulkhead::access::role::Role;
use serde_json::{Value, json};

use crate::support::{ApiClient, TestApp, invariants, spawn, spawn_with};
use crate::tenancy::members::acme;
use crate::tenancy::service_accounts::key_of;
use crate::tenancy::sharing::member;

/// The admin's key, and the address of `acme/data`.
pub async fn data(app: &TestApp) -> (ApiClient, String) {
    let ada = acme(app).await;
    let api = app.api(&key_of(&ada).await);
    let place = api.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| place[name].as_str().unwrap().to_owned();
    (api, format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id")))
}

pub async fn flow(api: &ApiClient, place: &str, name: &str) -> Value {
    let answer = api.post(&format!("{place}/flows/"), json!({ "name": name })).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
    answer.json()["id"].clone()
}

pub async fn run(api: &ApiClient, place: &str, flow: &Value, more: Value) -> Value {
    let mut body = json!({ "flow_id": flow });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    api.post(&format!("{place}/flow_runs/"), body).await.assert_status(201).json()
}

pub async fn set(api: &ApiClient, path: &str, kind: &str) -> (u16, Value) {
    let wish = json!({ "state": { "type": kind } });
    let answer = api.post(&format!("{path}/set_state"), wish).await;
    (answer.status, answer.json())
}

/// api.md T1, §5.2, §5.4: a flow is found by its name; a run goes its way, and is counted.
#[actix_rt::test]
async fn a_run_goes_its_way() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let first = api.post(&format!("{place}/flows/"), json!({"name": "etl", "tags": ["a"]})).await;
    let flow = first.assert_status(201).json();
    let again = api.post(&format!("{place}/flows"), json!({"name": "etl"})).await;
    assert_eq!(again.assert_status(200).json()["id"], flow["id"]);
    assert_eq!(api.get(&format!("{place}/flows/name/etl")).await.json()["tags"], json!(["a"]));

    let made = json!({"parameters": {"x": 1}, "tags": ["t1"], "idempotency_key": "k",
        "empirical_policy": {"retries": 1, "retry_delay": 0}});
    let made = run(&api, &place, &flow["id"], made).await;
    assert_eq!((&made["state_type"], &made["run_count"]), (&json!("PENDING"), &json!(0)));
    assert!(made["name"].as_str().unwrap().contains('-'));
    assert_eq!(made["labels"]["prefect.flow.id"], flow["id"]);
    let twice = json!({"flow_id": flow["id"], "idempotency_key": "k"});
    let twice = api.post(&format!("{place}/flow_runs/"), twice).await;
    assert_eq!(twice.assert_status(200).json()["id"], made["id"]);
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());

    let (status, told) = set(&api, &path, "RUNNING").await;
    assert_eq!((status, &told["status"]), (201, &json!("ACCEPT")));
    assert_eq!(told["details"], json!({"type": "accept_details"}));
    app.advance(3);
    let (status, told) = set(&api, &path, "FAILED").await;
    assert_eq!((status, &told["status"]), (201, &json!("REJECT")));
    assert_eq!(told["details"], json!({"type": "reject_details", "reason": "Retrying"}));
    assert_eq!(told["state"]["name"], "AwaitingRetry");
    let (status, told) = set(&api, &path, "PENDING").await;
    assert_eq!((status, &told["state"]["type"]), (201, &json!("PENDING")));
    set(&api, &path, "RUNNING").await;
    app.advance(2);
    set(&api, &path, "COMPLETED").await;
    let (status, told) = set(&api, &path, "CANCELLING").await;
    assert_eq!((status, &told["status"]), (200, &json!("ABORT")));
    assert_eq!(told["state"]["type"], "COMPLETED");

    let done = api.get(&path).await.json();
    assert_eq!(done["run_count"], 2);
    // Each state of a run has a moment of its own.
    let ran = done["total_run_time"].as_f64().unwrap();
    assert!((4.999..=5.0).contains(&ran), "{ran}");
    assert_eq!(done["parameters"], json!({"x": 1}));
    let of_run = format!("{place}/flow_run_states/?flow_run_id={}", made["id"].as_str().unwrap());
    let states = api.get(&of_run).await.json();
    let kinds: Vec<&str> =
        states.as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["PENDING", "RUNNING", "SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]);
    assert_eq!(states[0]["state_details"]["flow_run_id"], made["id"]);
    invariants::assert_hold(&app.database.location);
}

/// §5.1, 2 and 6: many who want the same transition at once get it once.
#[actix_rt::test]
async fn a_run_is_taken_by_one() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    for round in 0..10 {
        let state = json!({"state": {"type": "SCHEDULED"}});
        let made = run(&api, &place, &flow, state).await;
        let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
        let wishes = (0..8).map(|_| set(&api, &path, "PENDING"));
        let told = futures_util::future::join_all(wishes).await;
        let taken = told.iter().filter(|(_, told)| told["status"] == "ACCEPT").count();
        assert_eq!(taken, 1, "round {round}: {told:?}");
    }
}

/// §5.4: many who make the run of one key at once get the same one, and none is refused.
#[actix_rt::test]
async fn one_key_makes_one_run() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    for round in 0..5 {
        let body = json!({"flow_id": flow, "idempotency_key": format!("key {round}")});
        let path = format!("{place}/flow_runs/");
        let told = (0..8).map(|_| api.post(&path, body.clone()));
        let told = futures_util::future::join_all(told).await;
        let made = told.iter().filter(|answer| answer.status == 201).count();
        let found = told.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((made, found), (1, 7), "round {round}");
        let first = told[0].json()["id"].clone();
        assert!(told.iter().all(|answer| answer.json()["id"] == first));
    }
}

/// api.md §2, §3: filters, sorts and windows find what they say.
#[actix_rt::test]
async fn runs_are_found() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let (etl, report) = (flow(&api, &place, "etl").await, flow(&api, &place, "report").await);
    let mut ids = Vec::new();
    for (flow, name, tags) in [
        (&etl, "first", json!(["a", "b"])),
        (&etl, "second", json!(["b"])),
        (&report, "third 100%", json!(["x\"a"])),
    ] {
        let made = run(&api, &place, flow, json!({"name": name, "tags": tags})).await;
        ids.push(made["id"].clone());
        app.advance(60);
    }
    set(&api, &format!("{place}/flow_runs/{}", ids[1].as_str().unwrap()), "RUNNING").await;
    let found = async |body: Value| -> Vec<String> {
        let list =
            api.post(&format!("{place}/flow_runs/filter"), body).await.assert_status(200).json();
        let list = list.as_array().unwrap().clone();
        list.iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
    };
    let runs = async |filter: Value| found(json!({"flow_runs": filter, "sort": "NAME_ASC"})).await;
    assert_eq!(found(json!({})).await, ["third 100%", "second", "first"]);
    assert_eq!(
        found(json!({"sort": "EXPECTED_START_TIME_ASC", "limit": 1, "offset": 1})).await,
        ["second"]
    );
    assert_eq!(runs(json!({"tags": {"all_": ["a"]}})).await, ["first"]);
    assert_eq!(runs(json!({"tags": {"any_": ["a", "b"]}})).await, ["first", "second"]);
    assert_eq!(runs(json!({"tags": {"all_": ["x\"a"]}})).await, ["third 100%"]);
    assert_eq!(runs(json!({"name": {"like_": "FIR"}})).await, ["first"]);
    assert_eq!(runs(json!({"name": {"like_": "0%"}})).await, ["third 100%"]);
    assert_eq!(runs(json!({"state": {"type": {"any_": ["RUNNING"]}}})).await, ["second"]);
    assert_eq!(runs(json!({"state": {"name": {"not_any_": ["Running"]}}})).await.len(), 2);
    assert_eq!(runs(json!({"start_time": {"is_null_": true}})).await.len(), 2);
    assert_eq!(runs(json!({"id": {"any_": [ids[0]]}})).await, ["first"]);
    let either = json!({"operator": "or_", "id": {"any_": [ids[0]]}, "name": {"any_": ["second"]}});
    assert_eq!(runs(either).await, ["first", "second"]);
    assert_eq!(runs(json!({"deployment_id": {"is_null_": true}})).await.len(), 3);
    assert!(runs(json!({"deployment_id": {"any_": [ids[0]]}})).await.is_empty());
    assert_eq!(runs(json!({"created_by": {"is_null_": true}})).await.len(), 3);
    assert!(runs(json!({"created_by": {"type_": ["DEPLOYMENT"]}})).await.is_empty());
    let either = json!({"created_by": {"operator": "or_", "id_": [ids[0]], "is_null_": true}});
    assert_eq!(runs(either).await.len(), 3);
    let of_report = json!({"flows": {"name": {"any_": ["report"]}}});
    assert_eq!(found(of_report.clone()).await, ["third 100%"]);
    assert_eq!(api.post(&format!("{place}/flow_runs/count"), of_report).await.json(), 1);
    let parent = json!({"parent_task_run_id": {"any_": [ids[0]]}});
    assert!(runs(parent).await.is_empty());
    api.post(&format!("{place}/flow_runs/filter"), json!({"sort": "x"})).await.assert_status(422);
    api.post(&format!("{place}/flow_runs/filter"), json!({"limit": 201})).await.assert_status(422);
    for filter in
        [json!({"name": [null, null]}), json!([]), json!({"state": {"type": [["RUNNING"], null]}})]
    {
        let body = json!({ "flow_runs": filter });
        api.post(&format!("{place}/flow_runs/filter"), body).await.assert_status(422);
    }
    let many = vec![ids[0].clone(); 201];
    let many = json!({"flow_runs": {"id": {"any_": many}}});
    api.post(&format!("{place}/flow_runs/filter"), many).await.assert_status(422);
}

/// api.md T1: lines of a run, by grade and order; SP-34: NUL.
#[actix_rt::test]
async fn lines_are_kept() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({})).await;
    let line = |level: i32, message: &str, second: i32| {
        json!({"name": "prefect.flow_runs", "level": level, "message": message,
            "timestamp": format!("2026-11-23T08:13:{second:02}.5Z"), "flow_run_id": made["id"]})
    };
    let lines = json!([line(40, "bad", 3), line(20, "so\u{0}far", 1), line(10, "detail", 2)]);
    assert_eq!(api.post(&format!("{place}/logs/"), lines).await.assert_status(201).text, "null");
    let many: Vec<Value> = (0..2500).map(|n| line(5, &format!("{n}"), 9)).collect();
    api.post(&format!("{place}/logs/"), json!(many)).await.assert_status(201);
    let found = async |filter: Value, sort: &str| -> Vec<String> {
        let body = json!({"logs": filter, "sort": sort});
        let list = api.post(&format!("{place}/logs/filter"), body).await.assert_status(200).json();
        let list = list.as_array().unwrap().clone();
        list.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
    };
    let of_run = json!({"flow_run_id": {"any_": [made["id"]]}, "level": {"ge_": 10}});
    assert_eq!(found(of_run.clone(), "TIMESTAMP_ASC").await, ["so\u{fffd}far", "detail", "bad"]);
    let grave = json!({"level": {"ge_": 40}, "timestamp": {"after_": "2026-11-23 08:13:02+00:00"}});
    assert_eq!(found(grave, "TIMESTAMP_DESC").await, ["bad"]);
    assert_eq!(found(json!({}), "TIMESTAMP_DESC").await.len(), 200);
    // Gone with their run.
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    api.send("DELETE", &path, None).await.assert_status(204);
    assert!(found(of_run, "TIMESTAMP_ASC").await.is_empty());
    api.get(&path).await.assert_status(404);
    assert_eq!(app.audited("flow-run.deleted").await, 1);
}

/// AZ-02, AZ-03, 1.8: ids of elsewhere name nothing, and each role does what it may.
#[actix_rt::test]
async fn runs_of_elsewhere_do_not_exist_here() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let own = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &own, json!({})).await;
    let eve = app.user("eve").await;
    eve.workspace("lair").await;
    let other = app.api(&key_of(&eve).await);
    let theirs = other.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| theirs[name].as_str().unwrap().to_owned();
    let theirs = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    let run_id = made["id"].as_str().unwrap();
    for path in [format!("{theirs}/flow_runs/{run_id}"), format!("{place}/flow_runs/{run_id}")] {
        other.get(&path).await.assert_status(404);
        other.send("PATCH", &path, Some(json!({"name": "stolen"}))).await.assert_status(404);
        other.send("DELETE", &path, None).await.assert_status(404);
        assert_eq!(set(&other, &path, "CANCELLED").await.0, 404);
    }
    other.post(&format!("{theirs}/flow_runs/"), json!({"flow_id": own})).await.assert_status(404);
    let list = other.post(&format!("{theirs}/flow_runs/filter"), json!({})).await.json();
    assert_eq!(list, json!([]));
    let states = format!("{theirs}/flow_run_states/?flow_run_id={run_id}");
    assert_eq!(other.get(&states).await.json(), json!([]));
    assert_eq!(api.get(&format!("{place}/flow_runs/{run_id}")).await.json()["name"], made["name"]);

    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Viewer).await;
    let viewer = app.api(&key_of(&vic).await);
    viewer.get(&format!("{place}/flow_runs/{run_id}")).await.assert_status(200);
    viewer.post(&format!("{place}/flows/"), json!({"name": "x"})).await.assert_status(403);
    viewer.post(&format!("{place}/logs/"), json!([])).await.assert_status(403);
    assert_eq!(set(&viewer, &format!("{place}/flow_runs/{run_id}"), "RUNNING").await.0, 403);
}

/// N1: what ended longer ago than it is kept goes with its states and logs; the operator's days, fewer
/// ones of an organization, and never what still runs.
#[actix_rt::test]
async fn runs_are_kept_for_their_days() {
    let app = spawn_with(|flags| flags.run_retention_days = Some(30)).await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let path = |run: &Value| format!("{place}/flow_runs/{}", run["id"].as_str().unwrap());
    let (done, going) =
        (run(&api, &place, &flow, json!({})).await, run(&api, &place, &flow, json!({})).await);
    let line = json!([{"name": "x", "level": 20, "message": "m", "flow_run_id": done["id"],
        "timestamp": "2026-11-23T08:13:03Z"}]);
    api.post(&format!("{place}/logs/"), line).await.assert_status(201);
    for state in ["RUNNING", "COMPLETED"] {
        set(&api, &path(&done), state).await;
    }
    set(&api, &path(&going), "RUNNING").await;
    let count = async |table: &str| {
        let sql = format!("SELECT count(*) AS number FROM {table}");
        invariants::number(&mut app.database.connect(), &sql)
    };
    app.advance(29 * 86_400);
    app.run_jobs().await;
    assert_eq!((count("flow_runs").await, count("logs").await), (2, 1));
    app.advance(2 * 86_400);
    app.run_jobs().await;
    assert_eq!((count("flow_runs").await, count("logs").await), (1, 0));
    assert_eq!(count("flow_run_states").await, 2);

    // Fewer days of the organization's own.
    let ada = app.sign_in("ada").await;
    let policy = [("run_retention_days", "7")];
    ada.submit("/organizations/acme/policy", &policy).await.assert_status(303);
    let made = ada.submit("/profile/api-keys/new", &[("name", "later")]).await;
    let key = made.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
    let api = app.api(&key);
    set(&api, &path(&going), "COMPLETED").await;
    app.advance(8 * 86_400);
    app.run_jobs().await;
    assert_eq!(count("flow_runs").await, 0);
}

/// N2: events go, and tasks and lines of no run, also where no run of a flow is due.
#[actix_rt::test]
async fn what_belongs_to_no_run_is_kept_for_the_same_days() {
    let app = spawn_with(|flags| flags.run_retention_days = Some(30)).await;
    let (api, place) = data(&app).await;
    let line = json!([{"name": "worker", "level": 20, "message": "m",
        "timestamp": app.app.now().to_string()}]);
    api.post(&format!("{place}/logs/"), line).await.assert_status(201);
    let event = json!([{"id": uuid::Uuid::from_u128(1), "event": "here",
        "occurred": app.app.now().to_string(), "resource": {"prefect.resource.id": "thing"}}]);
    api.post(&format!("{place}/events"), event).await.assert_status(204);
    let task = json!({"task_key": "t", "dynamic_key": "1", "flow_run_id": null,
        "state": {"type": "COMPLETED"}});
    api.post(&format!("{place}/task_runs/"), task).await.assert_status(201);
    let counts = || {
        ["logs", "events", "task_runs"].map(|table| {
            let sql = format!("SELECT count(*) AS number FROM {table}");
            invariants::number(&mut app.database.connect(), &sql)
        })
    };
    app.advance(29 * 86_400);
    app.run_jobs().await;
    assert_eq!((counts()[0], counts()[2]), (1, 1));
    assert!(counts()[1] >= 1);
    app.advance(2 * 86_400);
    app.run_jobs().await;
    assert_eq!(counts(), [0, 0, 0]);
}
