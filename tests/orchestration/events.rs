//! Events: told, kept, found, and passed on live.

use bulkhead::access::role::Role;
use bulkhead::base::db::schema::memberships;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::flow_runs::{data, flow, run, set};
use crate::support::{ApiClient, Socket, TestApp, spawn};
use crate::tenancy::members::acme;
use crate::tenancy::service_accounts::key_of;
use crate::tenancy::sharing::member;

/// The key of a second person in `acme/data`, whose role is the role.
async fn key_with(app: &TestApp, handle: &str, role: Role) -> String {
    let person = member(app, handle).await;
    app.give_role(("acme", "data"), handle, role).await;
    key_of(&person).await
}

async fn opened(app: &TestApp, place: &str, key: &str) -> Result<Socket, u16> {
    let head = [("authorization", format!("bearer {key}"))];
    Socket::open(&app.base, &format!("{place}/events/in"), &head).await
}

/// A state of a task as the newer client tells it (api.md §3.3).
fn told(task: Uuid, flow_run: &Value, (second, name, kind): (u32, &str, &str)) -> Value {
    let at = format!("2026-11-23T08:13:{second:02}.5Z");
    json!({
        "id": Uuid::from_u128(task.as_u128() + u128::from(second)),
        "occurred": at,
        "event": format!("prefect.task-run.{name}"),
        "resource": {
            "prefect.resource.id": format!("prefect.task-run.{task}"),
            "prefect.orchestration": "client",
        },
        "related": [{
            "prefect.resource.id": format!("prefect.flow-run.{}", flow_run.as_str().unwrap()),
            "prefect.resource.role": "flow-run",
        }],
        "payload": {
            "validated_state": {"type": kind, "name": name, "message": "", "state_details": {}},
            "task_run": {"name": "add-1", "task_key": "add", "dynamic_key": "1", "run_count": 1,
                "tags": ["t"], "expected_start_time": "2026-11-23T08:13:00Z",
                "start_time": "2026-11-23T08:13:01Z", "total_run_time": 1.5},
        },
    })
}

fn task(number: u128) -> Uuid {
    Uuid::from_u128(0x01a2_0777_8625_78d9_9715_44cd_8485_0000 + number * 0x100)
}

async fn tasks(api: &ApiClient, place: &str) -> Vec<Value> {
    let body = json!({"sort": "NAME_ASC"});
    let found =
        api.post(&format!("{place}/task_runs/filter"), body).await.assert_status(200).json();
    found.as_array().unwrap().clone()
}

/// api.md §3.3: whatever the order and however often they are told, the same events make the same runs;
/// a pong comes when they are durable; AZ-04: a run of elsewhere is nobody's.
#[actix_rt::test]
async fn tasks_are_told_by_events() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({})).await;
    let key = key_with(&app, "dev", Role::Developer).await;
    let states =
        [(1, "Pending", "PENDING"), (2, "Running", "RUNNING"), (9, "Completed", "COMPLETED")];
    let mut socket = opened(&app, &place, &key).await.unwrap();
    for at in [2, 0, 1, 1] {
        socket.send(&told(task(1), &made["id"], states[at])).await;
    }
    socket.checkpoint().await;
    let found = tasks(&api, &place).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["state_name"], &found[0]["run_count"]), (&json!("Completed"), &json!(1)));
    assert_eq!(found[0]["total_run_time"], 1.5);
    let path = format!("{place}/task_run_states/?task_run_id={}", task(1));
    let kept = api.get(&path).await.json();
    let names: Vec<&str> =
        kept.as_array().unwrap().iter().map(|state| state["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Pending", "Running", "Completed"]);
    assert_eq!(kept[0]["state_details"]["flow_run_id"], made["id"]);

    // The same run under another id is the same run; one of an unknown flow's run is not kept.
    socket.send(&told(task(2), &made["id"], (11, "Running", "RUNNING"))).await;
    socket.send(&told(task(3), &json!(task(9)), states[1])).await;
    socket.checkpoint().await;
    let found = tasks(&api, &place).await;
    assert_eq!((found.len(), found[0]["id"].as_str()), (1, Some(task(1).to_string().as_str())));
    assert_eq!(found[0]["state_name"], "Running");
    api.get(&format!("{place}/task_runs/{}", task(2))).await.assert_status(404);

    // What is no event costs nothing of what is told before it and behind it (SP-42).
    socket.send(&json!({"event": "x"})).await;
    socket.send(&told(task(1), &made["id"], (20, "Completed", "COMPLETED"))).await;
    socket.checkpoint().await;
    assert_eq!(tasks(&api, &place).await[0]["state_name"], "Completed");

    // Gone with the flow's run.
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    api.send("DELETE", &path, None).await.assert_status(204);
    assert!(tasks(&api, &place).await.is_empty());
}

/// A state of a task whose clock says `second`; its place in the run, the one it follows, how often it began.
fn step(
    (task, flow_run): (Uuid, &Value),
    (place, name, kind): (u128, &str, &str),
    (second, follows, count): (u32, Option<u128>, u32),
) -> Value {
    let id = |place: u128| json!(Uuid::from_u128(task.as_u128() + place));
    let mut event = told(task, flow_run, (second, name, kind));
    event["id"] = id(place);
    event["follows"] = follows.map_or(Value::Null, id);
    event["payload"]["task_run"]["run_count"] = json!(count);
    event
}

/// api.md §3.3: what follows what decides, and not what the clock said, which may have been set back; in
/// whatever order it is told.
#[actix_rt::test]
async fn a_task_whose_clock_was_set_back_ends() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let key = key_with(&app, "dev", Role::Developer).await;
    let mut socket = opened(&app, &place, &key).await.unwrap();
    let (pending, running) = ((1, "Pending", "PENDING"), (2, "Running", "RUNNING"));
    let (retry, again) = ((3, "AwaitingRetry", "SCHEDULED"), (4, "Retrying", "RUNNING"));
    let done = (5, "Completed", "COMPLETED");
    // The clock goes back by seconds; two moments are the same one; it goes back by so much that the client
    // does not say what follows what.
    let clocks = [
        [(10, None, 0), (11, Some(1), 1), (8, Some(2), 1), (9, Some(3), 2), (7, Some(4), 2)],
        [(10, None, 0), (10, Some(1), 1), (10, Some(2), 1), (10, Some(3), 2), (10, Some(4), 2)],
        [(50, None, 0), (51, Some(1), 1), (52, Some(2), 1), (9, None, 2), (8, Some(4), 2)],
        [(50, None, 0), (51, None, 1), (52, None, 1), (53, None, 2), (8, None, 2)],
    ];
    let mut rounds = 10..;
    for clock in clocks {
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 3, 0, 4, 2], [4, 0, 2, 1, 3]] {
            let made = run(&api, &place, &flow, json!({})).await;
            let one = task(rounds.next().unwrap());
            let states = [pending, running, retry, again, done];
            for at in order.into_iter().chain(order) {
                socket.send(&step((one, &made["id"]), states[at], clock[at])).await;
            }
            socket.checkpoint().await;
            let path = format!("{place}/task_runs/{one}");
            let found = api.get(&path).await.assert_status(200).json();
            let seen = (&found["state_name"], &found["run_count"]);
            assert_eq!(seen, (&json!("Completed"), &json!(2)), "{clock:?} {order:?}");
        }
    }
}

/// api.md §3.3: several tasks told of in one body, each backwards, and then all of it once more.
#[actix_rt::test]
async fn tasks_told_backwards_in_one_body_end() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({})).await;
    let states = [
        ((1, "Pending", "PENDING"), (10, None, 0)),
        ((2, "Running", "RUNNING"), (11, Some(1), 1)),
        ((3, "Completed", "COMPLETED"), (9, Some(2), 1)),
    ];
    let ids = [60, 61, 62].map(task);
    let events: Vec<Value> = states
        .iter()
        .rev()
        .flat_map(|(state, clock)| {
            ids.map(|id| {
                let mut event = step((id, &made["id"]), *state, *clock);
                event["payload"]["task_run"]["dynamic_key"] = json!(id);
                event
            })
        })
        .collect();
    for _ in 0..2 {
        let path = format!("{place}/events");
        api.post(&path, json!(events)).await.assert_status(204);
        let states: Vec<Value> =
            tasks(&api, &place).await.iter().map(|task| task["state_name"].clone()).collect();
        assert_eq!(states, ["Completed"; 3]);
    }
}

/// WS-02, WS-03, WS-04, AZ-08: who opens a socket, and how long it lasts.
#[actix_rt::test]
async fn a_socket_lasts_as_long_as_the_right_to_it() {
    let app = spawn().await;
    let (_, place) = data(&app).await;
    let key = key_with(&app, "dev", Role::Developer).await;
    let viewer = key_with(&app, "vic", Role::Viewer).await;
    let eve = app.user("eve").await;
    let stranger = key_of(&eve).await;
    let refused = async |key: &str| opened(&app, &place, key).await.err();
    assert_eq!(refused("").await, Some(401));
    assert_eq!(refused(&viewer).await, Some(403));
    assert_eq!(refused(&stranger).await, Some(404));
    let head = [
        ("authorization", format!("bearer {key}")),
        ("origin", "https://elsewhere.example".to_owned()),
    ];
    let path = format!("{place}/events/in");
    assert_eq!(Socket::open(&app.base, &path, &head).await.err(), Some(403));

    // Out: the first frame says who it is.
    let out = format!("{place}/events/out");
    let protocol = || [("sec-websocket-protocol", "prefect".to_owned())];
    for (first, code) in [
        (json!({"type": "filter"}), 1008),
        (json!({"type": "auth", "token": null}), 1008),
        (json!({"type": "auth", "token": stranger}), 1008),
    ] {
        let mut socket = Socket::open(&app.base, &out, &protocol()).await.unwrap();
        socket.send(&first).await;
        assert_eq!(socket.end().await, code, "{first}");
    }
    let mut reader = Socket::open(&app.base, &out, &protocol()).await.unwrap();
    reader.send(&json!({"type": "auth", "token": viewer})).await;
    assert_eq!(reader.receive().await, json!({"type": "auth_success"}));
    let mut late = Socket::open(&app.base, &out, &protocol()).await.unwrap();
    late.send(&json!({"type": "auth", "token": viewer})).await;
    late.receive().await;
    late.send(&json!({"type": "what"})).await;
    assert_eq!(late.end().await, 1002);

    // Both end within seconds of the role's end.
    reader.send(&json!({"type": "filter", "filter": {}})).await;
    let mut writer = opened(&app, &place, &key).await.unwrap();
    writer.checkpoint().await;
    app.take_role(("acme", "data"), "vic").await;
    app.take_role(("acme", "data"), "dev").await;
    assert_eq!(reader.end().await, 1008);
    assert_eq!(writer.end().await, 1008);
}

/// api.md §6: what is there, then what comes, each once, and only of the filter; W1: nothing of elsewhere.
#[actix_rt::test]
async fn events_are_passed_on_live() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &etl, json!({"tags": ["t"]})).await;
    let viewer = key_with(&app, "vic", Role::Viewer).await;
    let out = format!("{place}/events/out");
    let open = async |path: &str, filter: Value| {
        let head = [("sec-websocket-protocol", "prefect".to_owned())];
        let mut socket = Socket::open(&app.base, path, &head).await.unwrap();
        socket.send(&json!({"type": "auth", "token": viewer})).await;
        socket.receive().await;
        socket.send(&json!({"type": "filter", "filter": filter})).await;
        socket
    };
    let mut all = open(&out, json!({"id": {"id": []}})).await;
    let mut running = open(&out, json!({"event": {"name": ["prefect.flow-run.Running"]}})).await;
    let first = all.receive().await;
    assert_eq!(first["type"], "event");
    assert_eq!(first["event"]["event"], "prefect.flow-run.Pending");
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    set(&api, &path, "RUNNING").await;
    set(&api, &path, "COMPLETED").await;
    let event = running.receive().await["event"].clone();
    assert_eq!(event["event"], "prefect.flow-run.Running");
    assert_eq!(event["follows"], first["event"]["id"]);
    assert_eq!(event["resource"]["prefect.resource.name"], made["name"]);
    let related = event["related"].to_string();
    assert!(related.contains("prefect.tag.t") && related.contains("etl"), "{related}");
    let states = [all.receive().await, all.receive().await];
    assert_eq!(states[1]["event"]["event"], "prefect.flow-run.Completed");

    let mut lines = open(
        &format!("{place}/logs/out"),
        json!({"level": {"ge_": 30}, "flow_run_id": {"any_": [made["id"]]}}),
    )
    .await;
    let line = |level: i32, message: &str| {
        json!({"name": "x", "level": level, "message": message, "flow_run_id": made["id"],
            "timestamp": "2026-11-23T08:13:03Z"})
    };
    // The socket listens once its filter was taken: a checkpoint comes behind it.
    lines.checkpoint().await;
    let both = json!([line(20, "so far"), line(40, "bad")]);
    api.post(&format!("{place}/logs/"), both).await.assert_status(201);
    assert_eq!(lines.receive().await["log"]["message"], "bad");
}

/// api.md §8: a filter finds what it says, page by page; POST /events is the twin of the socket.
#[actix_rt::test]
async fn events_are_found() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let event = |n: u32| {
        json!({"id": Uuid::from_u128(u128::from(n) + 1), "event": if n.is_multiple_of(2) { "even" } else { "odd" },
            "occurred": format!("2026-11-23T08:{:02}:{:02}Z", n / 60, n % 60),
            "resource": {"prefect.resource.id": format!("thing.{}", n % 3)},
            "related": [{"prefect.resource.id": format!("owner.{}", n % 5),
                "prefect.resource.role": "owner"}],
            "payload": {"note": format!("nul \u{0} {n}")}})
    };
    let many: Vec<Value> = (0..120).map(event).collect();
    api.post(&format!("{place}/events"), json!(many)).await.assert_status(204);
    api.post(&format!("{place}/events"), json!(many)).await.assert_status(204);
    let path = format!("{place}/events/filter");
    let day = json!({"since": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"});
    let find = async |more: Value, limit: u32| {
        let mut filter = json!({"occurred": day});
        filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({"filter": filter, "limit": limit});
        api.post(&path, body).await.assert_status(200).json()
    };
    assert_eq!(find(json!({}), 100).await["total"], 120);
    let first = find(json!({}), 1).await["events"][0].clone();
    assert_eq!(first["payload"]["note"], "nul \u{fffd} 119");
    assert_eq!(find(json!({"event": {"name": ["odd"]}}), 1).await["total"], 60);
    assert_eq!(find(json!({"resource": {"id": ["thing.1"]}}), 1).await["total"], 40);
    assert_eq!(find(json!({"event": {"prefix": ["ev"]}}), 1).await["total"], 60);
    let owned = json!({"related": {"id": ["owner.2"], "role": ["owner"]}, "order": "ASC"});
    let mut page = find(owned, 10).await;
    assert_eq!(page["total"], 24);
    let mut seen = Vec::new();
    loop {
        seen.extend(page["events"].as_array().unwrap().iter().map(|event| event["id"].clone()));
        let Some(next) = page["next_page"].as_str() else { break };
        assert!(next.starts_with(app.app.settings().site()), "{next}");
        let path = &next[app.app.settings().site().len()..];
        page = api.get(path).await.assert_status(200).json();
    }
    assert_eq!(seen.len(), 24);
    assert_eq!(seen[0], json!(Uuid::from_u128(3)));
    api.post(&path, json!({"limit": 201})).await.assert_status(422);
    api.get(&format!("{path}/next?page-token=x")).await.assert_status(422);
    let bare = json!([{"id": Uuid::nil(), "event": "x", "occurred": "2026-11-23T08:00:00Z", "resource": {}}]);
    api.post(&format!("{place}/events"), bare).await.assert_status(422);

    // Nothing of it is anybody else's.
    let eve = app.user("eve").await;
    eve.workspace("lair").await;
    let other = app.api(&key_of(&eve).await);
    other.post(&path, json!({})).await.assert_status(404);
    assert_eq!(find(json!({"text": {"query": "119"}}), 5).await["total"], 1);
    let _ = acme;
}

/// WS, D-19: the pages' stream of news ends within seconds after a sign-out, however much happens meanwhile.
#[actix_rt::test]
async fn news_of_pages_end_with_the_session() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let ada = app.sign_in("ada").await;
    let busy = async {
        for round in 0.. {
            actix_rt::time::sleep(std::time::Duration::from_millis(300)).await;
            run(&api, &place, &etl, json!({})).await;
            if round == 4 {
                let page = ada.get("/profile").await;
                let token = |name: &str| {
                    let field = format!("form[action='/sign-out'] input[name={name}]");
                    (name.to_owned(), page.attributes(&field, "value").remove(0))
                };
                ada.post("/sign-out", &[token("csrf"), token("once")]).await.assert_status(303);
            }
        }
    };
    let began = std::time::Instant::now();
    let cookie = format!("bulkhead={}", ada.cookie("bulkhead").unwrap());
    let stream = async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let live = http.get(format!("{}/workspaces/acme/data/live", app.base));
        live.header("cookie", cookie).send().await.unwrap().text().await.unwrap()
    };
    let stream = tokio::time::timeout(std::time::Duration::from_secs(30), stream);
    let told = tokio::select! {
        told = stream => told.expect("an end of the stream"),
        () = busy => unreachable!(),
    };
    assert!(told.contains("data: changed"), "{told}");
    assert!(began.elapsed() < std::time::Duration::from_secs(15), "{:?}", began.elapsed());
}

/// WS-04, AZ-08: a page that is open hears nothing more once the role has come to its end.
#[actix_rt::test]
async fn news_of_pages_end_with_the_role() {
    let app = spawn().await;
    data(&app).await;
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Viewer).await;
    let until = Some(app.app.now() + jiff::SignedDuration::from_secs(60));
    let ends = app.app.db.ingest(move |db| {
        Ok(diesel::update(memberships::table).set(memberships::expires_at.eq(until)).execute(db)?)
    });
    assert_eq!(ends.await.unwrap(), 1);
    let cookie = format!("bulkhead={}", vic.cookie("bulkhead").unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let live = http.get(format!("{}/workspaces/acme/data/live", app.base));
    let stream = live.header("cookie", cookie).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    app.advance(61);
    let rest = tokio::time::timeout(std::time::Duration::from_secs(15), stream.text()).await;
    rest.expect("an end of the stream").unwrap();
}
