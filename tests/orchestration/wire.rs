//! Where users would notice it, the API answers as the client's own server does (prefect/semantics.md).

use serde_json::{Value, json};
use uuid::Uuid;

use super::flow_runs::{data, flow, run, set};
use crate::support::{ApiClient, Socket, spawn};

fn path_of(place: &str, kind: &str, made: &Value) -> String {
    format!("{place}/{kind}/{}", made["id"].as_str().unwrap())
}

async fn wish(api: &ApiClient, path: &str, state: Value, force: bool) -> (u16, Value) {
    let body = json!({"state": state, "force": force});
    let answer = api.post(&format!("{path}/set_state"), body).await;
    (answer.status, answer.json())
}

async fn task(api: &ApiClient, place: &str, run: &Value, key: &str) -> Value {
    let body = json!({"flow_run_id": run, "task_key": key, "dynamic_key": "0"});
    api.post(&format!("{place}/task_runs/"), body).await.assert_status(201).json()
}

async fn names(api: &ApiClient, path: &str, body: Value) -> Vec<String> {
    let found = api.post(path, body).await.assert_status(200).json();
    let list = found.as_array().unwrap().clone();
    list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// api.md §5.1 (5, 11), SP-43: whoever waits in a pause is told to stop, also after its time, and the run
/// ends; one without a process ends at once.
#[actix_rt::test]
async fn a_paused_run_is_cancelled() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({})).await;
    let path = path_of(&place, "flow_runs", &made);
    set(&api, &path, "RUNNING").await;
    let pause = json!({"type": "PAUSED", "state_details": {"pause_key": "1"}});
    assert_eq!(wish(&api, &path, pause.clone(), false).await.1["status"], "ACCEPT");
    let (status, told) = set(&api, &path, "CANCELLING").await;
    assert_eq!((status, &told["status"]), (201, &json!("ACCEPT")));
    assert_eq!(told["state"]["type"], "CANCELLING");
    app.advance(301);
    app.run_jobs().await;
    assert_eq!(api.get(&path).await.json()["state_type"], "CANCELLED");

    let made = run(&api, &place, &flow, json!({})).await;
    let path = path_of(&place, "flow_runs", &made);
    let mut suspended = pause;
    suspended["state_details"]["pause_reschedule"] = json!(true);
    wish(&api, &path, suspended, true).await;
    let (status, told) = set(&api, &path, "CANCELLING").await;
    assert_eq!((status, &told["status"]), (201, &json!("REJECT")));
    assert_eq!(told["state"]["type"], "CANCELLED");
}

/// api.md §4.2: subflows and theirs end with the run that they are in, whatever they were told before; one that
/// is done meanwhile says so.
#[actix_rt::test]
async fn subflows_end_with_their_parent() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let mut chain = vec![run(&api, &place, &flow, json!({})).await];
    for key in ["a", "b", "c"] {
        let parent = chain.last().unwrap().clone();
        set(&api, &path_of(&place, "flow_runs", &parent), "RUNNING").await;
        let task = task(&api, &place, &parent["id"], key).await;
        chain.push(run(&api, &place, &flow, json!({"parent_task_run_id": task["id"]})).await);
    }
    let paths: Vec<String> = chain.iter().map(|one| path_of(&place, "flow_runs", one)).collect();
    set(&api, &paths[3], "RUNNING").await;
    set(&api, &paths[1], "CANCELLING").await;
    set(&api, &paths[0], "CANCELLING").await;
    let (_, told) = set(&api, &paths[0], "CANCELLED").await;
    assert_eq!(told["status"], "ACCEPT");
    for path in &paths[1..] {
        let ended = api.get(path).await.json();
        assert_eq!(ended["state_type"], "CANCELLED");
        assert_eq!(ended["state"]["message"], "The parent flow run was cancelled.");
    }
    assert_eq!(set(&api, &paths[2], "COMPLETED").await.1["status"], "ACCEPT");
    assert_eq!(api.get(&paths[2]).await.json()["state_type"], "COMPLETED");
    let task = api.post(&format!("{place}/task_runs/filter"), json!({"sort": "NAME_ASC"})).await;
    let ended = |at: usize| task.json()[at]["state_type"].clone();
    assert_eq!([ended(0), ended(1), ended(2)], ["CANCELLED", "COMPLETED", "CANCELLED"]);
}

/// semantics.md (minimal policy): what is forced loses no result, and asks nobody to stop who is not there.
#[actix_rt::test]
async fn a_forced_state_passes_two_guards() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({})).await;
    let path = path_of(&place, "flow_runs", &made);
    set(&api, &path, "RUNNING").await;
    let kept = json!({"storage_key": "s3://results/1", "expiration": null});
    let done = json!({"type": "COMPLETED", "data": kept});
    assert_eq!(wish(&api, &path, done.clone(), false).await.0, 201);
    for data in [Value::Null, json!({"type": "unpersisted"})] {
        let other = json!({"type": "COMPLETED", "name": "Done by hand", "data": data});
        let (status, told) = wish(&api, &path, other, true).await;
        assert_eq!((status, &told["status"]), (200, &json!("REJECT")));
        assert_eq!(told["state"]["data"], kept);
    }
    assert_eq!(api.get(&path).await.json()["state"]["data"], kept);
    assert_eq!(wish(&api, &path, done, true).await.1["status"], "ACCEPT");
    assert_eq!(wish(&api, &path, json!({"type": "FAILED"}), true).await.1["status"], "ACCEPT");

    let scheduled = json!({"state": {"type": "SCHEDULED"}});
    let made = run(&api, &place, &flow, scheduled).await;
    let path = path_of(&place, "flow_runs", &made);
    let (status, told) = wish(&api, &path, json!({"type": "CANCELLING"}), true).await;
    assert_eq!((status, &told["state"]["type"]), (201, &json!("CANCELLED")));
}

/// A scheduled run without a time is due at once; a policy says whether a run goes on.
#[actix_rt::test]
async fn what_is_left_out_has_a_value() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let scheduled = json!({"state": {"type": "SCHEDULED"}, "empirical_policy": {"resuming": null}});
    let made = run(&api, &place, &flow, scheduled).await;
    let due = &made["state"]["state_details"]["scheduled_time"];
    assert_eq!((due, &made["next_scheduled_start_time"]), (&made["created"], &made["created"]));
    assert_eq!(made["empirical_policy"]["resuming"], false);
    let path = path_of(&place, "flow_runs", &made);
    app.advance(60);
    let (_, told) = wish(&api, &path, json!({"type": "SCHEDULED", "name": "Again"}), true).await;
    assert_eq!(told["state"]["state_details"]["scheduled_time"], told["state"]["timestamp"]);
    let (_, told) = set(&api, &path, "RUNNING").await;
    assert_eq!(told["status"], "ACCEPT");
}

/// Filters and orders by the beginning take what has not begun by when it is due; what has no time stands in one
/// place on both databases.
#[actix_rt::test]
async fn what_has_not_begun_counts_by_when_it_is_due() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let start = app.app.now();
    let at = |seconds: i64| (start + jiff::SignedDuration::from_secs(seconds)).to_string();
    let due = |seconds: i64| json!({"type": "SCHEDULED", "state_details": {"scheduled_time": at(seconds)}});
    for (name, seconds) in [("late", 500), ("begun", 10), ("soon", 200)] {
        run(&api, &place, &flow, json!({"name": name, "state": due(seconds)})).await;
    }
    let pending = run(&api, &place, &flow, json!({"name": "pending"})).await;
    let found = json!({"flow_runs": {"name": {"any_": ["begun"]}}});
    let begun = api.post(&format!("{place}/flow_runs/filter"), found).await.json()[0].clone();
    app.advance(300);
    let path = path_of(&place, "flow_runs", &begun);
    set(&api, &path, "RUNNING").await;
    set(&api, &path_of(&place, "flow_runs", &pending), "PENDING").await;
    let list = format!("{place}/flow_runs/filter");
    let sorted = async |sort: &str| names(&api, &list, json!({ "sort": sort })).await;
    assert_eq!(sorted("START_TIME_ASC").await, ["pending", "soon", "begun", "late"]);
    assert_eq!(sorted("START_TIME_DESC").await, ["late", "begun", "soon", "pending"]);
    let within = async |filter: Value| {
        let body = json!({"flow_runs": {"start_time": filter}, "sort": "NAME_ASC"});
        names(&api, &list, body).await
    };
    assert_eq!(within(json!({"after_": at(150), "before_": at(350)})).await, ["begun", "soon"]);
    assert_eq!(within(json!({"after_": at(400)})).await, ["late"]);
    let not_begun = json!({"is_null_": true, "before_": at(250)});
    assert_eq!(within(not_begun).await, ["pending", "soon"]);
    assert_eq!(within(json!({"is_null_": false})).await, ["begun"]);

    set(&api, &path, "COMPLETED").await;
    assert_eq!(sorted("END_TIME_DESC").await, ["begun", "pending", "soon", "late"]);
    assert_eq!(sorted("NEXT_SCHEDULED_START_TIME_ASC").await, ["begun", "pending", "soon", "late"]);
    // The same of tasks.
    for key in ["x", "y"] {
        task(&api, &place, &begun["id"], key).await;
    }
    let tasks = format!("{place}/task_runs/filter");
    let first = json!({"sort": "NAME_ASC", "limit": 1});
    let first = api.post(&tasks, first).await.json()[0].clone();
    wish(&api, &path_of(&place, "task_runs", &first), json!({"type": "FAILED"}), true).await;
    assert_eq!(names(&api, &tasks, json!({"sort": "END_TIME_DESC"})).await, ["x-0", "y-0"]);
}

/// What no filter has is refused; what names things that are not there finds nothing.
#[actix_rt::test]
async fn a_filter_is_taken_at_its_word() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({"name": "one", "tags": ["a"]})).await;
    task(&api, &place, &made["id"], "t").await;
    for (kind, filter) in [
        ("flows", json!({"flows": {"named": {"any_": ["x"]}}})),
        ("flows", json!({"flows": {"name": {"any": ["x"]}}})),
        ("flow_runs", json!({"flow_runs": {"x": null}})),
        ("flow_runs", json!({"flow_runs": {"id": {"any_": [], "all_": []}}})),
        ("flow_runs", json!({"flow_runs": {"tags": {"any": ["a"]}}})),
        ("flow_runs", json!({"flow_runs": {"state": {"kind": {"any_": ["RUNNING"]}}}})),
        ("flow_runs", json!({"flow_runs": {"start_time": {"since_": null}}})),
        ("flow_runs", json!({"flow_runs": {"created_by": {"ids": []}}})),
        ("flow_runs", json!({"flow_runs": {"work_queue_name": {"like_": "x"}}})),
        ("flow_runs", json!({"deployments": {"flow_id": {"any_": []}}})),
        ("flow_runs", json!({"work_pools": {"paused": {"eq_": true}}})),
        ("flow_runs", json!({"work_pool_queues": {"name": {"like_": "x"}}})),
        ("task_runs", json!({"task_runs": {"flow_run": {"any_": []}}})),
        ("task_runs", json!({"task_runs": {"subflow_runs": {"exists": true}}})),
        ("logs", json!({"logs": {"name": {"any_": ["x"]}}})),
        ("logs", json!({"logs": {"level": {"eq_": 20}}})),
        ("events", json!({"filter": {"name": {"any_": ["x"]}}})),
        ("events", json!({"filter": {"resource": {"ids": ["x"]}}})),
    ] {
        let answer = api.post(&format!("{place}/{kind}/filter"), filter.clone()).await;
        assert_eq!(answer.status, 422, "{filter}");
    }
    let list = format!("{place}/flow_runs/filter");
    for (body, expected) in [
        // What a body has beside its filters is nobody's business.
        (json!({"unknown": 1, "deployments": null, "work_pools": null}), vec!["one"]),
        (json!({"flow_runs": {"tags": {"any_": []}}}), vec![]),
        (json!({"flow_runs": {"tags": {"all_": []}}}), vec!["one"]),
        (
            json!({"flow_runs": {"tags": {"operator": "or_", "any_": [], "all_": ["a"]}}}),
            vec!["one"],
        ),
        (json!({"flow_runs": {"id": {"any_": []}}}), vec![]),
        (json!({"flow_runs": {"deployment_id": {"any_": [made["id"]]}}}), vec![]),
        (json!({"flow_runs": {"work_queue_name": {"is_null_": true}}}), vec!["one"]),
        (json!({"deployments": {}}), vec![]),
        (json!({"deployments": {"id": {"any_": [made["id"]]}}}), vec![]),
        (json!({"deployments": {"is_schedule_active": {"eq_": true}}}), vec![]),
        (json!({"work_pools": {"name": {"any_": ["p"]}, "operator": "or_"}}), vec![]),
        (json!({"work_pool_queues": {"name": {"startswith_": ["d"]}}}), vec![]),
    ] {
        assert_eq!(names(&api, &list, body.clone()).await, expected, "{body}");
    }
    let of_none = json!({"flows": {"tags": {"any_": []}}});
    assert!(names(&api, &format!("{place}/flows/filter"), of_none).await.is_empty());
    let of_none = json!({"task_runs": {"tags": {"any_": []}}});
    assert!(names(&api, &format!("{place}/task_runs/filter"), of_none).await.is_empty());
}

/// semantics.md 40: runs have their flow's labels, tasks their run's; events name the flow's tags and the task
/// that stands for a subflow.
#[actix_rt::test]
async fn runs_carry_on_what_is_above_them() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let made =
        json!({"name": "etl", "tags": ["nightly", "both"], "labels": {"team": "data", "x": 1}});
    let flow = api.post(&format!("{place}/flows/"), made).await.assert_status(201).json();
    let more = json!({"labels": {"x": 2}, "tags": ["both", "own"]});
    let parent = run(&api, &place, &flow["id"], more).await;
    let labels = json!({"team": "data", "x": 2, "prefect.flow.id": flow["id"]});
    assert_eq!(parent["labels"], labels);
    let body = json!({"flow_run_id": parent["id"], "task_key": "sub", "dynamic_key": "0",
        "tags": ["task"], "labels": {"own": true}});
    let task = api.post(&format!("{place}/task_runs/"), body).await.assert_status(201).json();
    let labels = json!({"team": "data", "x": 2, "prefect.flow.id": flow["id"],
        "prefect.flow-run.id": parent["id"], "own": true});
    assert_eq!(task["labels"], labels);
    let child = run(&api, &place, &flow["id"], json!({"parent_task_run_id": task["id"]})).await;
    set(&api, &path_of(&place, "flow_runs", &child), "RUNNING").await;
    for (of, event, expected) in [
        (&parent, "Pending", json!([["flow", "etl"], "both", "nightly", "own"])),
        (
            &child,
            "Running",
            json!([["flow", "etl"], ["task-run", "sub-0"], "both", "nightly", "task"]),
        ),
    ] {
        let resource = format!("prefect.flow-run.{}", of["id"].as_str().unwrap());
        let filter = json!({"filter": {"resource": {"id": [resource]},
            "event": {"name": [format!("prefect.flow-run.{event}")]}}});
        let told = api.post(&format!("{place}/events/filter"), filter).await.json();
        let related = told["events"][0]["related"].as_array().unwrap().clone();
        let seen: Vec<Value> = related
            .iter()
            .map(|one| {
                let part = |name: &str| one[format!("prefect.resource.{name}")].as_str();
                let (id, role) = (part("id").unwrap(), part("role").unwrap());
                match id.strip_prefix("prefect.tag.") {
                    Some(tag) => json!(tag),
                    None => json!([role, part("name").unwrap()]),
                }
            })
            .collect();
        assert_eq!(json!(seen), expected);
    }
}

/// What cannot be found again by its name, or stands for nothing, is not made.
#[actix_rt::test]
async fn names_and_parents_are_there() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    for name in ["a/b", "a\\b", "100%", "a&b", "<a", "a>", ""] {
        let answer = api.post(&format!("{place}/flows/"), json!({ "name": name })).await;
        assert_eq!(answer.status, 422, "{name}");
    }
    let made = flow(&api, &place, "a b+c?#ü").await;
    let found = api.get(&format!("{place}/flows/name/a%20b+c%3F%23%C3%BC")).await;
    assert_eq!(found.assert_status(200).json()["id"], made);
    let flow = flow(&api, &place, "etl").await;
    let orphan = json!({"flow_id": flow, "parent_task_run_id": Uuid::nil()});
    let told = api.post(&format!("{place}/flow_runs/"), orphan).await;
    assert!(told.assert_status(409).text.contains("parent_task_run_id"), "{}", told.text);
    assert_eq!(api.post(&format!("{place}/flow_runs/count"), json!({})).await.json(), 0);
}

/// api.md §5.4: a task outside of any flow is made once too.
#[actix_rt::test]
async fn a_task_without_a_flow_is_made_once() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let path = format!("{place}/task_runs/");
    for round in 0..5 {
        let key = format!("key {round}");
        let body = json!({"task_key": "background", "dynamic_key": key});
        let told = (0..8).map(|_| api.post(&path, body.clone()));
        let told = futures_util::future::join_all(told).await;
        let made = told.iter().filter(|answer| answer.status == 201).count();
        let found = told.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((made, found), (1, 7), "round {round}");
        let first = told[0].json()["id"].clone();
        assert!(told.iter().all(|answer| answer.json()["id"] == first));
    }
    assert_eq!(api.post(&format!("{place}/task_runs/count"), json!({})).await.json(), 5);
}

/// api.md §4: an input is taken as the schema of the run says, with what it describes put in its place.
#[actix_rt::test]
async fn an_answer_fits_its_question() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({})).await;
    let path = path_of(&place, "flow_runs", &made);
    set(&api, &path, "RUNNING").await;
    let pause = json!({"type": "PAUSED", "state_details": {"pause_key": "1",
        "run_input_keyset": {"schema": "s", "response": "r"}}});
    wish(&api, &path, pause, false).await;
    let resume = async |input: Value| {
        let told = api.post(&format!("{path}/resume"), json!({ "run_input": input })).await;
        let told = told.json();
        (told["status"].clone(), told["details"]["reason"].as_str().unwrap_or_default().to_owned())
    };
    let (status, why) = resume(json!({"x": 5})).await;
    assert_eq!((status, why.as_str()), (json!("REJECT"), "Run input schema not found."));
    api.get(&format!("{path}/input/r")).await.assert_status(404);
    let schema = json!({"type": "object", "required": ["x"],
        "properties": {"x": {"type": "array", "items": {"type": "integer"}}}});
    let schema = json!({"key": "s", "value": schema.to_string()});
    api.post(&format!("{path}/input"), schema).await.assert_status(201);
    let described = |text: &str| json!({"x": {"__prefect_kind": "json", "value": text}});
    for (input, reason) in [
        (json!({"x": 5}), "Run input validation failed"),
        (Value::Null, "Run input validation failed"),
        (described("[1, \"2\"]"), "Run input validation failed"),
        (described("[1"), "Error hydrating run input: Invalid JSON"),
        (
            json!({"x": {"__prefect_kind": "workspace_variable", "variable_name": "v"}}),
            "Error hydrating run input: Variable 'v' not found",
        ),
    ] {
        let (status, why) = resume(input.clone()).await;
        assert_eq!(status, "REJECT", "{input}");
        assert!(why.starts_with(reason), "{why}");
    }
    assert_eq!(resume(described("[1, 2]")).await.0, "ACCEPT");
    let kept = api.get(&format!("{path}/input/r")).await.assert_status(200).json();
    assert_eq!(kept, json!({"x": [1, 2]}));
}

/// Lines are searched like events, read as a file, and go with the run of the task that logged them.
#[actix_rt::test]
async fn lines_are_searched_read_and_removed() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({"name": "läuft 1"})).await;
    let task = task(&api, &place, &made["id"], "t").await;
    let line = |second: u32, message: &str, task: &Value| {
        json!({"name": "prefect.flow_runs", "level": 20, "message": message, "task_run_id": task,
            "timestamp": format!("2026-11-23T08:13:{second:02}.5Z"), "flow_run_id": made["id"]})
    };
    let lines = json!([
        line(1, "connection Timeout", &Value::Null),
        line(2, "timeout of the connection, \"quoted\"\nand more", &task["id"]),
        line(3, "100% done", &task["id"]),
    ]);
    api.post(&format!("{place}/logs/"), lines).await.assert_status(201);
    let found = async |query: &str| -> Vec<u64> {
        let body = json!({"logs": {"text": {"query": query}}});
        let list = api.post(&format!("{place}/logs/filter"), body).await.assert_status(200).json();
        let second = |log: &Value| log["timestamp"].as_str().unwrap()[18..19].parse().unwrap();
        list.as_array().unwrap().iter().map(second).collect()
    };
    for (query, seconds) in [
        ("done quoted", vec![2, 3]),
        ("\"connection timeout\"", vec![1]),
        ("timeout -quoted", vec![1]),
        ("-timeout", vec![3]),
        ("timeout +\\\"quoted +connection", vec![]),
        ("timeout +quoted +connection", vec![2]),
        ("0% !nothing", vec![3]),
        ("flow_runs", vec![1, 2, 3]),
        ("  ", vec![1, 2, 3]),
    ] {
        assert_eq!(found(query).await, seconds, "{query}");
    }
    let long = json!({"logs": {"text": {"query": "x".repeat(201)}}});
    api.post(&format!("{place}/logs/filter"), long).await.assert_status(422);

    let path = format!("{}/logs/download", path_of(&place, "flow_runs", &made));
    let file = api.get(&path).await;
    assert_eq!(file.header("content-type").unwrap(), "text/csv; charset=utf-8");
    let disposition = file.header("content-disposition").unwrap();
    assert!(disposition.contains("UTF-8''l%C3%A4uft%201%2Dlogs%2Ecsv"), "{disposition}");
    let mut rows = csv::Reader::from_reader(file.text.as_bytes());
    assert_eq!(
        rows.headers().unwrap(),
        &["timestamp", "level", "flow_run_id", "task_run_id", "message"][..]
    );
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!((rows.len(), &rows[0][4], &rows[0][3]), (3, "connection Timeout", ""));
    assert_eq!(&rows[1][4], "timeout of the connection, \"quoted\"\nand more");
    assert_eq!((&rows[1][1], &rows[1][2]), ("20", made["id"].as_str().unwrap()));
    let many: Vec<Value> = (0..1200).map(|n| line(9, &format!("{n}"), &task["id"])).collect();
    api.post(&format!("{place}/logs/"), json!(many)).await.assert_status(201);
    let whole = api.get(&path).await;
    assert_eq!(csv::Reader::from_reader(whole.text.as_bytes()).records().count(), 1203);
    let elsewhere = format!("{place}/flow_runs/{}/logs/download", Uuid::nil());
    api.get(&elsewhere).await.assert_status(404);

    let of_task = path_of(&place, "task_runs", &task);
    api.send("DELETE", &of_task, None).await.assert_status(204);
    assert_eq!(found("").await, [1]);
}

/// Schema `Graph`: tasks by when they began, tied by their inputs; a subflow in the place of its task.
#[actix_rt::test]
async fn a_run_is_a_graph() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let parent = run(&api, &place, &flow, json!({"name": "all"})).await;
    let path = path_of(&place, "flow_runs", &parent);
    set(&api, &path, "RUNNING").await;
    let make = async |key: &str, inputs: Value| {
        app.advance(10);
        let body = json!({"flow_run_id": parent["id"], "task_key": key, "dynamic_key": "0",
            "task_inputs": inputs});
        api.post(&format!("{place}/task_runs/"), body).await.assert_status(201).json()
    };
    let input = |task: &Value| json!([{"input_type": "task_run", "id": task["id"]}]);
    let first = make("first", json!({})).await;
    let second = make("second", json!({"x": input(&first), "y": input(&first), "z": []})).await;
    let inner = make("inner", json!({"__parents__": input(&second), "x": input(&first)})).await;
    let standing = make("sub", json!({"n": [{"input_type": "constant", "type": "int"}]})).await;
    let child = json!({"name": "kid", "parent_task_run_id": standing["id"]});
    let child = run(&api, &place, &flow, child).await;
    set(&api, &path_of(&place, "task_runs", &first), "RUNNING").await;
    set(&api, &path_of(&place, "task_runs", &first), "COMPLETED").await;
    let shown = api.get(&format!("{path}/graph-v2")).await.assert_status(200).json();
    let now = api.get(&path).await.json();
    assert_eq!((&shown["start_time"], &shown["end_time"]), (&now["start_time"], &Value::Null));
    let names: Vec<&Value> =
        shown["states"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Pending", "Running"]);
    assert_eq!(shown["artifacts"], json!([]));
    let nodes: Vec<Value> =
        shown["nodes"].as_array().unwrap().iter().map(|node| node[1].clone()).collect();
    assert!(shown["nodes"].as_array().unwrap().iter().all(|node| node[0] == node[1]["id"]));
    let labels: Vec<&Value> = nodes.iter().map(|node| &node["label"]).collect();
    assert_eq!(labels, ["second-0", "inner-0", "etl / kid", "first-0"]);
    let node = |made: &Value| nodes.iter().find(|node| node["id"] == made["id"]).unwrap();
    let edge = |made: &Value| json!({"id": made["id"]});
    let ties = |made: &Value| {
        let node = node(made);
        [&node["parents"], &node["children"], &node["encapsulating"]].map(Clone::clone)
    };
    let none = json!([]);
    assert_eq!(ties(&first), [none.clone(), json!([edge(&second), edge(&inner)]), none.clone()]);
    assert_eq!(ties(&second), [json!([edge(&first)]), none.clone(), none.clone()]);
    assert_eq!(ties(&inner), [json!([edge(&first)]), none.clone(), json!([edge(&second)])]);
    assert_eq!(node(&child)["kind"], "flow-run");
    assert_eq!(
        (&node(&first)["kind"], &node(&first)["state_type"]),
        (&json!("task-run"), &json!("COMPLETED"))
    );
    assert_eq!(shown["root_node_ids"], json!([child["id"], first["id"]]));
    app.advance(60);
    let since = (app.app.now() - jiff::SignedDuration::from_secs(30)).to_string();
    let later = api.get(&format!("{path}/graph-v2?since={since}")).await.assert_status(200).json();
    assert_eq!(later["nodes"].as_array().unwrap().len(), 3);
    api.get(&format!("{path}/graph-v2?since=soon")).await.assert_status(422);
    api.get(&format!("{place}/flow_runs/{}/graph-v2", Uuid::nil())).await.assert_status(404);
}

/// api.md §4.1: a client that says its key only in a frame learns from a 404 alone that a socket is not there.
#[actix_rt::test]
async fn a_socket_that_is_not_there_is_not_found() {
    let app = spawn().await;
    let (_, place) = data(&app).await;
    let protocol = [("sec-websocket-protocol", "prefect".to_owned())];
    for (path, status) in [
        (format!("{place}/work_pools/p/workers/connect"), 404),
        (format!("{place}/task_runs/subscriptions/scheduled"), 404),
        ("/api/nothing".to_owned(), 404),
        (format!("{place}/events/in"), 401),
        (format!("{place}/flow_runs/filter"), 401),
    ] {
        let refused = Socket::open(&app.base, &path, &protocol).await.err();
        assert_eq!(refused, Some(status), "{path}");
    }
    let nobody = app.api("");
    nobody.get(&format!("{place}/work_pools/p/workers/connect")).await.assert_status(401);
}
