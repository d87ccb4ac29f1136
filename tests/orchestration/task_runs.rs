//! Runs of tasks over REST: those of the older client and of subflows; inputs and leases.

use serde_json::{Value, json};

use super::flow_runs::{data, flow, run, set};
use crate::support::{ApiClient, spawn};
use crate::tenancy::service_accounts::key_of;

async fn make(api: &ApiClient, place: &str, flow_run: &Value, more: Value) -> (u16, Value) {
    let mut body = json!({"flow_run_id": flow_run, "task_key": "add", "dynamic_key": "0"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = api.post(&format!("{place}/task_runs/"), body).await;
    (answer.status, answer.json())
}

fn path_of(place: &str, kind: &str, made: &Value) -> String {
    format!("{place}/{kind}/{}", made["id"].as_str().unwrap())
}

/// api.md §5.3, §5.4, §11: a task's way, its retries, and its end when the flow's run is cancelled.
#[actix_rt::test]
async fn a_task_goes_its_way() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let parent = run(&api, &place, &flow, json!({})).await;
    let parent_path = path_of(&place, "flow_runs", &parent);
    let policy = json!({"empirical_policy": {"retries": 1, "retry_delay": 5}, "tags": ["t"]});
    let (status, made) = make(&api, &place, &parent["id"], policy).await;
    assert_eq!((status, &made["name"]), (201, &json!("add-0")));
    assert_eq!(make(&api, &place, &parent["id"], json!({})).await.0, 200);
    let path = path_of(&place, "task_runs", &made);
    let (_, told) = set(&api, &path, "RUNNING").await;
    assert_eq!(told["status"], "ABORT", "no task begins before its flow");
    set(&api, &parent_path, "RUNNING").await;
    assert_eq!(set(&api, &path, "RUNNING").await.1["status"], "ACCEPT");
    let (_, told) = set(&api, &path, "FAILED").await;
    assert_eq!(told["state"]["name"], "AwaitingRetry");
    let (status, told) = set(&api, &path, "RUNNING").await;
    assert_eq!((status, &told["details"]["delay_seconds"]), (200, &json!(5)));
    app.advance(5);
    assert_eq!(set(&api, &path, "RUNNING").await.1["state"]["name"], "Retrying");
    let now = api.get(&path).await.json();
    assert_eq!((&now["run_count"], &now["flow_run_run_count"]), (&json!(2), &json!(1)));
    api.send("PATCH", &path, Some(json!({"name": "sum"}))).await.assert_status(204);

    let cancel = json!({"state": {"type": "CANCELLED"}, "force": true});
    api.post(&format!("{parent_path}/set_state"), cancel).await.assert_status(201);
    let ended = api.get(&path).await.json();
    assert_eq!((&ended["state_type"], &ended["name"]), (&json!("CANCELLED"), &json!("sum")));
    let count = api.post(&format!("{place}/task_runs/count"), json!({})).await.json();
    assert_eq!(count, 1);
    api.send("DELETE", &path, None).await.assert_status(204);
    api.get(&path).await.assert_status(404);
}

/// api.md §3, §5.2: a subflow's task has the state of its flow's run; filters find one by the other.
#[actix_rt::test]
async fn a_subflow_and_its_task_go_together() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let parent = run(&api, &place, &flow, json!({"name": "parent"})).await;
    set(&api, &path_of(&place, "flow_runs", &parent), "RUNNING").await;
    let (_, task) = make(&api, &place, &parent["id"], json!({})).await;
    let child = json!({"name": "child", "parent_task_run_id": task["id"]});
    let child = run(&api, &place, &flow, child).await;
    let child_path = path_of(&place, "flow_runs", &child);
    set(&api, &child_path, "RUNNING").await;
    let mirrored = api.get(&path_of(&place, "task_runs", &task)).await.json();
    assert_eq!(mirrored["state_name"], "Running");
    assert_eq!(mirrored["state"]["state_details"]["child_flow_run_id"], child["id"]);
    assert_eq!(mirrored["run_count"], 1);

    let names = async |kind: &str, body: Value| -> Vec<String> {
        let found =
            api.post(&format!("{place}/{kind}/filter"), body).await.assert_status(200).json();
        let found = found.as_array().unwrap().clone();
        found.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let of_parent = json!({"flow_runs": {"parent_flow_run_id": {"any_": [parent["id"]]}}});
    assert_eq!(names("flow_runs", of_parent).await, ["child"]);
    let with_task = json!({"task_runs": {"name": {"like_": "add"}}});
    assert_eq!(names("flow_runs", with_task.clone()).await, ["parent"]);
    assert_eq!(names("flows", with_task).await, ["etl"]);
    let in_parent = json!({"flow_runs": {"name": {"any_": ["parent"]}}});
    assert_eq!(names("task_runs", in_parent).await, ["add-0"]);
    let standing = |exists: bool| json!({"task_runs": {"subflow_runs": {"exists_": exists}}});
    assert_eq!(names("task_runs", standing(true)).await, ["add-0"]);
    assert!(names("task_runs", standing(false)).await.is_empty());
    assert!(names("flow_runs", json!({"deployments": {"id": {"any_": [flow]}}})).await.is_empty());

    // Pages, and history by the time that they were due.
    let page = json!({"limit": 1, "page": 2, "sort": "NAME_ASC"});
    let page =
        api.post(&format!("{place}/flow_runs/paginate"), page).await.assert_status(200).json();
    assert_eq!((&page["count"], &page["pages"]), (&json!(2), &json!(2)));
    assert_eq!(page["results"][0]["name"], "parent");
    let span = json!({"history_start": "2026-11-23T00:00:00Z", "history_end": "2026-11-24T00:00:00Z",
        "history_interval_seconds": 3600});
    for kind in ["flow_runs", "task_runs"] {
        let path = format!("{place}/{kind}/history");
        let steps = api.post(&path, span.clone()).await.assert_status(200).json();
        let steps = steps.as_array().unwrap();
        let runs: i64 = steps
            .iter()
            .flat_map(|step| step["states"].as_array().unwrap())
            .map(|state| state["count_runs"].as_i64().unwrap())
            .sum();
        assert_eq!((steps.len(), runs), (24, if kind == "flow_runs" { 2 } else { 1 }), "{kind}");
        let mut long = span.clone();
        long["history_interval_seconds"] = json!(1);
        api.post(&path, long).await.assert_status(422);
    }
    let late =
        api.post(&format!("{place}/flow_runs/lateness"), json!({})).await.assert_status(200).json();
    assert!(late.as_f64().unwrap() < 1.0, "{late}");
    app.advance(3600);
    set(&api, &child_path, "COMPLETED").await;
    let mirrored = api.get(&path_of(&place, "task_runs", &task)).await.json();
    let ran = mirrored["total_run_time"].as_f64().unwrap();
    assert!((3599.9..=3600.1).contains(&ran), "{ran}");
}

/// api.md §5.3: a result is taken from another run of its cache key while it counts.
#[actix_rt::test]
async fn a_result_is_taken_from_the_cache() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let parent = run(&api, &place, &flow, json!({})).await;
    set(&api, &path_of(&place, "flow_runs", &parent), "RUNNING").await;
    let keyed = |kind: &str| {
        json!({"state": {"type": kind, "data": {"type": "reference", "at": 1}, "state_details":
            {"cache_key": "k", "cache_expiration": "2026-11-23T10:04:00Z"}}})
    };
    let (_, first) = make(&api, &place, &parent["id"], json!({})).await;
    let path = format!("{}/set_state", path_of(&place, "task_runs", &first));
    assert_eq!(api.post(&path, keyed("RUNNING")).await.json()["status"], "ACCEPT");
    api.post(&path, keyed("COMPLETED")).await.assert_status(201);
    let (_, second) = make(&api, &place, &parent["id"], json!({"dynamic_key": "1"})).await;
    let path = format!("{}/set_state", path_of(&place, "task_runs", &second));
    let told = api.post(&path, keyed("RUNNING")).await.json();
    assert_eq!((&told["status"], &told["state"]["name"]), (&json!("REJECT"), &json!("Cached")));
    assert_eq!(told["state"]["data"]["at"], 1);
    app.advance(3600);
    let (_, third) = make(&api, &place, &parent["id"], json!({"dynamic_key": "2"})).await;
    let path = format!("{}/set_state", path_of(&place, "task_runs", &third));
    assert_eq!(api.post(&path, keyed("RUNNING")).await.json()["status"], "ACCEPT");
}

/// api.md §4, §5.1 (10, 11), §4.2: pause, input, resume; a pause that nobody ends fails the run.
#[actix_rt::test]
async fn a_run_pauses_and_goes_on() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({})).await;
    let path = path_of(&place, "flow_runs", &made);
    set(&api, &path, "RUNNING").await;
    let schema =
        json!({"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}});
    let input = json!({"key": "p1-schema", "value": schema.to_string()});
    api.post(&format!("{path}/input"), input.clone()).await.assert_status(201);
    api.post(&format!("{path}/input"), input).await.assert_status(409);
    api.post(&format!("{path}/input"), json!({"key": "a b", "value": "1"}))
        .await
        .assert_status(422);
    let pause = |key: &str| {
        json!({"state": {"type": "PAUSED", "state_details": {"pause_key": key,
            "pause_timeout": "2026-11-23T10:04:00Z",
            "run_input_keyset": {"schema": "p1-schema", "response": "p1-response"}}}})
    };
    api.post(&format!("{path}/set_state"), pause("1")).await.assert_status(201);
    let resume = format!("{path}/resume");
    let told = api.post(&resume, json!({"run_input": {"x": "five"}})).await;
    assert_eq!((told.status, &told.json()["status"]), (200, &json!("REJECT")));
    let told = api.post(&resume, json!({"run_input": {"x": 5}})).await;
    assert_eq!((told.status, &told.json()["state"]["type"]), (201, &json!("RUNNING")));
    assert_eq!(api.post(&resume, json!({})).await.json()["status"], "ABORT");
    let value = api.get(&format!("{path}/input/p1-response")).await;
    assert_eq!(value.assert_status(200).json(), json!({"x": 5}));
    let listed = json!({"prefix": "p1-", "limit": 10, "exclude_keys": ["p1-schema"]});
    let listed = api.post(&format!("{path}/input/filter"), listed).await.assert_status(200).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["key"]), (1, &json!("p1-response")));
    api.send("DELETE", &format!("{path}/input/p1-response"), None).await.assert_status(204);
    api.get(&format!("{path}/input/p1-response")).await.assert_status(404);

    api.post(&format!("{path}/set_state"), pause("2")).await.assert_status(201);
    app.advance(3600);
    app.run_jobs().await;
    let now = api.get(&path).await.json();
    assert_eq!(now["state_type"], "FAILED");
    assert_eq!(now["state"]["message"], "The flow was paused and never resumed.");

    // A cancellation that nothing answers is done after five minutes.
    let made = run(&api, &place, &flow, json!({})).await;
    let path = path_of(&place, "flow_runs", &made);
    set(&api, &path, "RUNNING").await;
    set(&api, &path, "CANCELLING").await;
    app.advance(200);
    app.run_jobs().await;
    assert_eq!(api.get(&path).await.json()["state_type"], "CANCELLING");
    app.advance(101);
    app.run_jobs().await;
    assert_eq!(api.get(&path).await.json()["state_type"], "CANCELLED");
}

/// api.md §7, §12.4: every lease is given, lasts its time, and is nobody else's.
#[actix_rt::test]
async fn a_lease_is_given_for_its_time() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let base = format!("{place}/v2/concurrency_limits");
    let wanted = json!({"names": ["tag:t1"], "slots": 1, "mode": "concurrency", "lease_duration": 60,
        "holder": {"type": "task_run", "id": uuid::Uuid::nil()}});
    let lease = api.post(&format!("{base}/increment-with-lease"), wanted.clone()).await;
    let lease = lease.assert_status(200).json();
    assert_eq!(lease["limits"], json!([]));
    let renew = format!("{base}/leases/{}/renew", lease["lease_id"].as_str().unwrap());
    app.advance(50);
    api.post(&renew, json!({"lease_duration": 60})).await.assert_status(204);
    app.advance(50);
    api.post(&renew, json!({"lease_duration": 60})).await.assert_status(204);
    app.advance(61);
    api.post(&renew, json!({"lease_duration": 60})).await.assert_status(410);
    app.run_jobs().await;
    let end = json!({"lease_id": lease["lease_id"]});
    api.post(&format!("{base}/decrement-with-lease"), end).await.assert_status(204);
    let mut short = wanted;
    short["lease_duration"] = json!(5);
    api.post(&format!("{base}/increment-with-lease"), short).await.assert_status(422);
    let eve = app.user("eve").await;
    eve.workspace("lair").await;
    let other = app.api(&key_of(&eve).await);
    other.post(&renew, json!({})).await.assert_status(404);
}
