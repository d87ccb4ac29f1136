//! What clients send comes back as it was sent, and nothing that tells of an end is lost for its form
//! (SP-34, SP-38, SP-42).

use serde_json::{Value, json};
use uuid::Uuid;

use super::flow_runs::{data, flow, run};
use crate::metrics::figures;
use crate::support::{ApiClient, Socket, TestApp, spawn};

/// An integer beyond 64 bits, keys in no order, a number beyond all doubles, and the six letters of an escape as
/// harmless text.
const ODD: &str = r#"{"z":202402144809161001040,"a":{"y":[1.10,1e5,6.934698245112694e276],"b":null},"path":"C:\\u0000"}"#;

async fn socket(app: &TestApp, api_key: &str, place: &str) -> Socket {
    let head = [("authorization", format!("bearer {api_key}"))];
    Socket::open(&app.base, &format!("{place}/events/in"), &head).await.unwrap()
}

fn event(number: u128, more: &str) -> String {
    let id = Uuid::from_u128(0x01a2_0777_8625_78d9_9715_44cd_8485_1000 + number);
    format!(
        r#"{{"id":"{id}","occurred":"2026-11-23T09:24:00Z","event":"odd.{number}","resource":{{"prefect.resource.id":"odd.thing"}}{more}}}"#
    )
}

async fn names(api: &ApiClient, place: &str) -> Vec<String> {
    let body = json!({"filter": {"occurred": {"since": "2026-11-01T00:00:00Z", "until": "9999-12-31T00:00:00Z"},
        "resource": {"id": ["odd.thing"]}, "order": "ASC"}, "limit": 200});
    let found = api.post(&format!("{place}/events/filter"), body).await;
    // Not as a tree, which has no room for 400 digits.
    let parts = found.assert_status(200).text.split("\"event\":\"").skip(1);
    let mut names: Vec<String> =
        parts.filter_map(|part| part.split('"').next()).map(str::to_owned).collect();
    names.sort();
    names
}

fn dropped(text: &str, kind: &str) -> u64 {
    let name = format!("bulkhead_dropped_total{{kind=\"{kind}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |count| count.parse().unwrap())
}

/// SP-38: parameters, job variables, labels, state data and payloads keep their digits and the order of
/// their keys; they are shown so too.
#[actix_rt::test]
async fn what_a_client_keeps_comes_back_as_it_was_sent() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let id = flow(&api, &place, "etl").await;
    let body = format!(
        r#"{{"flow_id":{id},"parameters":{ODD},"job_variables":{ODD},"context":{ODD},"labels":{ODD},"state":{{"type":"PENDING","data":{ODD}}}}}"#
    );
    let made = api.send_text("POST", &format!("{place}/flow_runs/"), body).await;
    let made = made.assert_status(201).json();
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    let read = api.get(&path).await.text;
    for part in ["parameters", "job_variables", "context"] {
        assert!(read.contains(&format!("\"{part}\":{ODD}")), "{part}: {read}");
    }
    let labels =
        format!("\"labels\":{{\"prefect.flow.id\":{id},{}", ODD.strip_prefix('{').unwrap());
    assert!(read.contains(&labels), "{read}");
    assert!(read.contains(&format!("\"data\":{ODD}")), "{read}");

    let change = format!(r#"{{"parameters":{ODD},"empirical_policy":{{"retries":1}}}}"#);
    api.send_text("PATCH", &path, change).await.assert_status(204);
    let wish = format!(r#"{{"state":{{"type":"COMPLETED","data":{ODD}}}}}"#);
    let told = api.send_text("POST", &format!("{path}/set_state"), wish).await;
    assert!(told.assert_status(201).text.contains(&format!("\"data\":{ODD}")), "{}", told.text);
    let states = format!("{place}/flow_run_states/?flow_run_id={}", made["id"].as_str().unwrap());
    let states = api.get(&states).await.text;
    assert_eq!(states.matches(ODD).count(), 2, "{states}");

    let page = app.sign_in("ada").await.get("/workspaces/acme/data/flow-runs").await;
    let page = page.links_containing(made["id"].as_str().unwrap()).swap_remove(0);
    let page = app.sign_in("ada").await.get(&page).await;
    page.shows("\"z\": 202402144809161001040, \"a\": { \"y\": [ 1.10, 1e5,");
    page.shows(r"C:\\u0000");
}

/// SP-38: a task's inputs and an event's payload too, by every way they come in and go out.
#[actix_rt::test]
async fn payloads_of_events_come_back_as_they_were_sent() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let key = api.key();
    let filter = json!({"type": "filter", "filter": {"resource": {"id": ["odd.thing"]},
        "occurred": {"since": "2026-11-23T09:00:00Z"}}});
    let mut listener = Socket::open(&app.base, &format!("{place}/events/out"), &[]).await.unwrap();
    listener.send(&json!({"type": "auth", "token": key})).await;
    assert_eq!(listener.receive().await["type"], "auth_success");
    listener.send(&filter).await;

    let mut socket = socket(&app, key, &place).await;
    socket.send_text(&event(1, &format!(",\"payload\":{ODD}"))).await;
    socket.checkpoint().await;
    let list = format!("[{}]", event(2, &format!(",\"payload\":{ODD}")));
    api.send_text("POST", &format!("{place}/events"), list).await.assert_status(204);
    let body = json!({"filter": {"resource": {"id": ["odd.thing"]}}});
    let found = api.post(&format!("{place}/events/filter"), body).await.text;
    assert_eq!(found.matches(&format!("\"payload\":{ODD}")).count(), 2, "{found}");
    assert!(listener.receive_text().await.contains(&format!("\"payload\":{ODD}")));

    let id = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &id, json!({})).await;
    let body = format!(
        r#"{{"flow_run_id":{},"task_key":"t","dynamic_key":"0","task_inputs":{ODD}}}"#,
        made["id"]
    );
    let task = api.send_text("POST", &format!("{place}/task_runs/"), body).await;
    assert!(task.assert_status(201).text.contains(&format!("\"task_inputs\":{ODD}")));
}

/// SP-42: an event that cannot be kept is dropped alone and counted; up to 1.5 MB, 400 digits, depth 200 and
/// the last day of the calendar are kept, and so is everything before and behind.
#[actix_rt::test]
async fn an_event_that_is_not_taken_costs_no_other() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let mut socket = socket(&app, api.key(), &place).await;
    let text = |length: usize| format!(",\"payload\":{{\"text\":\"{}\"}}", "x".repeat(length));
    let nested =
        |depth: usize| format!(",\"payload\":{{\"l\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let frames = [
        event(10, ""),
        event(11, &text(1_499_000)),
        event(12, &format!(",\"payload\":{{\"n\":{}}}", "9".repeat(400))),
        event(13, &nested(200)),
        event(14, "").replace("2026-11-23T09:24:00Z", "9999-12-31T23:59:59Z"),
        event(15, r#","payload":{"a":"\ud800 \u0000"}"#),
        // None of these can be kept.
        event(20, &text(1_500_000)),
        event(21, &nested(1000)),
        event(22, "").replace("prefect.resource.id", "id"),
        "[1]".to_owned(),
        "no JSON".to_owned(),
        event(19, ""),
    ];
    for frame in &frames {
        socket.send_text(frame).await;
    }
    socket.checkpoint().await;
    let kept = ["odd.10", "odd.11", "odd.12", "odd.13", "odd.14", "odd.15", "odd.19"];
    assert_eq!(names(&api, &place).await, kept);
    assert_eq!(dropped(&figures(&app).await, "event"), 5);
}

/// SP-42: the same for a list of events, which says which one was refused; Prefect 3.8: `id` and `occurred`
/// may be absent.
#[actix_rt::test]
async fn a_list_of_events_keeps_what_it_can() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let path = format!("{place}/events");
    let bare = r#"{"event":"odd.30","resource":{"prefect.resource.id":"odd.thing"}}"#;
    api.send_text("POST", &path, format!("[{bare},{bare}]")).await.assert_status(204);
    assert_eq!(names(&api, &place).await, ["odd.30", "odd.30"]);
    let list = format!("[{},{{\"event\":\"x\"}},{}]", event(31, ""), event(32, ""));
    let answer = api.send_text("POST", &path, list).await;
    let detail = answer.assert_status(422).json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("Event 1 of the list"), "{detail}");
    let large = event(33, &format!(",\"payload\":{{\"text\":\"{}\"}}", "x".repeat(1_500_000)));
    let deep = event(34, &format!(",\"payload\":{{\"a\":{}{}}}", "[".repeat(600), "]".repeat(600)));
    let list = format!("[{large},{deep},{}]", event(35, ""));
    let answer = api.send_text("POST", &path, list).await;
    let detail = answer.assert_status(422).json()["detail"].as_str().unwrap().to_owned();
    let expected =
        "Event 0 of the list (from 0): An event has 1500000 bytes at most. The others are kept.";
    assert_eq!(detail, expected);
    assert_eq!(names(&api, &place).await, ["odd.30", "odd.30", "odd.31", "odd.32", "odd.35"]);
    assert_eq!(dropped(&figures(&app).await, "event"), 3);
}

/// SP-42: one line of a batch costs no other, and what is no text of a database is replaced.
#[actix_rt::test]
async fn a_line_that_is_not_taken_costs_no_other() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let line = |message: &str, level: &str, at: &str| {
        format!(r#"{{"name":"n","level":{level},"message":"{message}","timestamp":"{at}"}}"#)
    };
    let at = "2026-11-23T09:24:00Z";
    let lines = [
        line("plain", "20", at),
        line("float", "20.0", at),
        line("never", "40", "9999-12-31T23:59:59.999999Z"),
        line(r"half \ud83d of a pair \u0000", "20", at),
        line("naive", "20", "2026-11-23 09:24:00.000001"),
        line("bad level", "\"high\"", at),
        line("bad time", "20", "soon"),
        r#"["n",20,"a list is no line","2026-11-23T09:24:00Z"]"#.to_owned(),
    ];
    let body = format!("[{}]", lines.join(","));
    api.send_text("POST", &format!("{place}/logs/"), body).await.assert_status(201);
    let found = api.post(&format!("{place}/logs/filter"), json!({})).await.json();
    let mut kept: Vec<&str> =
        found.as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap()).collect();
    kept.sort_unstable();
    assert_eq!(dropped(&figures(&app).await, "log"), 3);
    assert_eq!(kept, ["float", "half \u{fffd} of a pair \u{fffd}", "naive", "never", "plain"]);
}

/// IV-10: what could take the memory or the time of all is bounded, and says so; what is a fact is cut.
#[actix_rt::test]
async fn what_costs_too_much_is_bounded() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let id = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &id, json!({})).await;
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    let detail = |answer: &crate::support::Answer| {
        answer.assert_status(422).json()["detail"].as_str().unwrap().to_owned()
    };
    let large = "x".repeat(1_100_000);
    for data in [json!({"data": large}), json!({"state_details": {"cache_key": large}})] {
        let mut state = json!({"type": "COMPLETED"});
        state.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        let told = api.post(&format!("{path}/set_state"), json!({"state": state})).await;
        assert!(detail(&told).contains("at most 1024 KiB"));
    }
    let labels = json!({"k": "y".repeat(40_000)});
    api.send("PATCH", &format!("{path}/labels"), Some(labels)).await.assert_status(204);
    let labels = json!({"l": "y".repeat(40_000)});
    let told = api.send("PATCH", &format!("{path}/labels"), Some(labels)).await;
    assert_eq!(detail(&told), "labels: at most 64 KiB can be kept.");
    for filter in [
        json!({"tags": {"any_": ["x".repeat(2000)]}}),
        json!({"name": {"like_": "x".repeat(2000)}}),
    ] {
        let told =
            api.post(&format!("{place}/flow_runs/filter"), json!({"flow_runs": filter})).await;
        assert!(detail(&told).contains("1000 bytes"));
    }
    let many = json!({"filter": {"any_resource": vec![json!({"id": vec!["b"; 50]}); 10]}});
    let told = api.post(&format!("{place}/events/filter"), many).await;
    assert!(detail(&told).contains("500 values at most"));

    let line = |message: &str| json!({"name": "n", "level": 20, "message": message, "timestamp": app.app.now(), "flow_run_id": made["id"]});
    let lines = format!("{place}/logs/");
    let told = api.send_text("POST", &lines, format!("[{}1]", "1,".repeat(50_000))).await;
    assert_eq!(detail(&told), "50000 lines at most.");
    api.post(&lines, json!([line(&"z".repeat(1_200_000))])).await.assert_status(201);
    let found = api.post(&format!("{lines}filter"), json!({})).await.assert_status(200).json();
    let message = found[0]["message"].as_str().unwrap();
    assert!(message.contains("200,000 characters left out") && message.len() < 1_000_100);
    for _ in 0..12 {
        let some = vec![line(&"z".repeat(1_000_000)); 6];
        api.post(&lines, json!(some)).await.assert_status(201);
    }
    let told = api.post(&format!("{lines}filter"), json!({})).await;
    assert!(detail(&told).contains("Ask for fewer rows"));
    api.post(&format!("{lines}filter"), json!({"limit": 2})).await.assert_status(200);
}

/// A time before the calendar of one database is its first moment on both.
#[actix_rt::test]
async fn times_long_ago_are_taken() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let line =
        json!([{"name": "n", "level": 20, "message": "m", "timestamp": "-005000-01-01T00:00:00Z"}]);
    api.post(&format!("{place}/logs/"), line).await.assert_status(201);
    let found =
        api.post(&format!("{place}/logs/filter"), json!({})).await.assert_status(200).json();
    assert_eq!(found[0]["timestamp"], "0001-01-01T00:00:00Z");
}

/// SP-34, SP-42: a state is never refused for its message or its size; text that cannot be kept is replaced,
/// too long a message is cut with a mark.
#[actix_rt::test]
async fn a_state_is_never_refused_for_its_message() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let id = flow(&api, &place, "etl").await;
    let long = format!("began {} ended", "x".repeat(1_200_000));
    let messages = [r"a\u0000b", r"the letters \\u0000", r"half \udfff", &long];
    let expected = ["a\u{fffd}b", r"the letters \u0000", "half \u{fffd}"];
    for (at, message) in messages.iter().enumerate() {
        let made = run(&api, &place, &id, json!({})).await;
        let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
        let task = json!({"flow_run_id": made["id"], "task_key": "t", "dynamic_key": "0"});
        let task = api.post(&format!("{place}/task_runs/"), task).await.json();
        let task = format!("{place}/task_runs/{}", task["id"].as_str().unwrap());
        for path in [task, path] {
            let wish =
                format!(r#"{{"state":{{"type":"FAILED","message":"{message}"}},"force":true}}"#);
            let told = api.send_text("POST", &format!("{path}/set_state"), wish).await;
            told.assert_status(201);
            let kept = api.get(&path).await.json()["state"]["message"].as_str().unwrap().to_owned();
            if let Some(expected) = expected.get(at) {
                assert_eq!(kept, *expected);
            } else {
                assert!(kept.starts_with("began ") && kept.ends_with(" ended"));
                assert!(kept.contains("characters left out") && kept.len() < 101_000);
            }
        }
    }
}

/// SP-34: the six letters of an escape are harmless text in names, tags, parameters and filters.
#[actix_rt::test]
async fn letters_that_look_like_an_escape_are_text() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let letters = r"C:\u0000";
    let id = flow(&api, &place, "etl").await;
    let more = json!({"name": letters, "tags": [letters], "parameters": {letters: letters}});
    let made = run(&api, &place, &id, more).await;
    assert_eq!((&made["name"], &made["tags"][0]), (&json!(letters), &json!(letters)));
    assert_eq!(made["parameters"], json!({letters: letters}));
    let body = json!({"flow_runs": {"tags": {"all_": [letters]}, "name": {"any_": [letters]}}});
    let found =
        api.post(&format!("{place}/flow_runs/filter"), body).await.assert_status(200).json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    // A real NUL is replaced there too, in what is asked as in what is kept.
    let nul = run(&api, &place, &id, json!({"name": "a\0b"})).await;
    assert_eq!(nul["name"], "a\u{fffd}b");
    let body = json!({"flow_runs": {"name": {"any_": ["a\0b"]}}});
    let found =
        api.post(&format!("{place}/flow_runs/filter"), body).await.assert_status(200).json();
    assert_eq!(found[0]["id"], nul["id"]);
}

/// contents.md 0.3 and the client's own server: what is refused says why, in the form that the client reads.
#[actix_rt::test]
async fn a_refusal_says_what_is_wrong() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let id = flow(&api, &place, "etl").await;
    let body = json!({"flow_id": id, "parameters": {"x": "y".repeat(612 * 1024)}});
    let refusal = api.post(&format!("{place}/flow_runs/"), body).await.assert_status(422).json();
    let detail = "The parameters are 613 KiB; at most 512 KiB can be kept. Put large data in storage and pass its \
                  address.";
    assert_eq!(refusal["detail"], detail);
    assert_eq!(refusal["exception_message"], "Invalid request received.");
    assert_eq!(refusal["exception_detail"][0]["msg"], detail);
    let made = run(&api, &place, &id, json!({})).await;
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    let change = json!({"job_variables": {"x": "y".repeat(512 * 1024)}});
    api.send("PATCH", &path, Some(change)).await.assert_status(422);
    // IV-11: a list is no object, whatever it holds in their order.
    let list = json!({"state": ["COMPLETED", "Done", null, null, null]});
    api.post(&format!("{path}/set_state"), list.clone()).await.assert_status(422);
    let body = json!({"flow_id": id, "state": list["state"]});
    api.post(&format!("{place}/flow_runs/"), body).await.assert_status(422);
    for (body, part) in [("{\"flow_id\":", "no JSON"), (&"[".repeat(600), "nested too deep")] {
        let refusal = api.send_text("POST", &format!("{place}/flow_runs/"), body.to_owned()).await;
        let refusal: Value = refusal.assert_status(422).json();
        assert!(refusal["detail"].as_str().unwrap().contains(part), "{refusal}");
    }
}
