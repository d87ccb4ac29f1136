//! Concurrency limits, through both generations of the API, by tasks, and on the pages.

use bulkhead::access::role::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::flow_runs::{data, flow, run, set};
use crate::support::{Answer, ApiClient, invariants, spawn};
use crate::tenancy::service_accounts::key_of;
use crate::tenancy::sharing::member;

/// The global limits of a workspace.
fn global(place: &str) -> String {
    format!("{place}/v2/concurrency_limits")
}

async fn make(api: &ApiClient, place: &str, body: Value) -> Value {
    api.post(&format!("{}/", global(place)), body).await.assert_status(201).json()
}

async fn in_use(api: &ApiClient, place: &str, name: &str) -> i64 {
    let limit = api.get(&format!("{}/{name}", global(place))).await;
    limit.assert_status(200).json()["active_slots"].as_i64().unwrap()
}

async fn lease(api: &ApiClient, place: &str, body: Value) -> Answer {
    api.post(&format!("{}/increment-with-lease", global(place)), body).await
}

fn wish(names: &[&str]) -> Value {
    json!({"names": names, "slots": 1, "lease_duration": 60})
}

async fn end(api: &ApiClient, place: &str, lease: &Value) {
    let body = json!({"lease_id": lease["lease_id"]});
    let path = format!("{}/decrement-with-lease", global(place));
    api.post(&path, body).await.assert_status(204);
}

/// LIM-01, LIM-08, ALL-11, semantics 40: a limit is made, read by id and name, changed and removed; what changes nothing
/// is not recorded.
#[actix_rt::test]
async fn a_limit_is_made_changed_and_removed() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let base = global(&place);
    let body = json!({"name": "data base", "limit": 2, "slot_decay_per_second": 0.0});
    let made = make(&api, &place, body.clone()).await;
    assert_eq!(
        (&made["limit"], &made["active"], &made["active_slots"], &made["denied_slots"]),
        (&json!(2), &json!(true), &json!(0), &json!(0))
    );
    assert_eq!(made["avg_slot_occupancy_seconds"], 2.0);
    let twice = api.post(&base, body).await;
    assert!(twice.assert_status(409).text.contains("data base"), "{}", twice.text);
    let by_id = format!("{base}/{}", made["id"].as_str().unwrap());
    let by_name = format!("{base}/data%20base");
    let read = api.get(&by_id).await.assert_status(200).json();
    assert_eq!(read, api.get(&by_name).await.json());
    app.advance(60);
    api.send("PATCH", &by_name, Some(json!({"limit": 2}))).await.assert_status(204);
    assert_eq!(api.get(&by_id).await.json(), read);
    let change = json!({"limit": 5, "active": false, "active_slots": 7});
    api.send("PATCH", &by_id, Some(change)).await.assert_status(204);
    let changed = api.get(&by_id).await.json();
    assert_eq!(
        (&changed["limit"], &changed["active"], &changed["active_slots"]),
        (&json!(5), &json!(false), &json!(7))
    );
    assert_ne!(changed["updated"], read["updated"]);
    // Any name is a name, also that of an address.
    for name in ["filter", "increment", "tag:a", "deployment:1"] {
        make(&api, &place, json!({"name": name, "limit": 1})).await;
        assert_eq!(
            api.get(&format!("{base}/{name}")).await.assert_status(200).json()["name"],
            name
        );
    }
    let renamed = json!({"name": "filter"});
    api.send("PATCH", &by_id, Some(renamed)).await.assert_status(409);
    let list = api.post(&format!("{base}/filter"), json!({"limit": 2, "offset": 1})).await.json();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["deployment:1", "filter"]);
    for wrong in [
        json!({"name": "a/b", "limit": 1}),
        json!({"name": "", "limit": 1}),
        json!({"name": "x", "limit": -1}),
        json!({"name": "x", "limit": 3_000_000_000_i64}),
        json!({"name": "x"}),
        json!({"name": "x", "limit": 1, "more": 1}),
        json!({"name": "x", "limit": 1, "slot_decay_per_second": -1}),
        json!({"name": "x", "limit": 1, "active_slots": -1}),
    ] {
        api.post(&format!("{base}/"), wrong).await.assert_status(422);
    }
    api.send("DELETE", &by_name, None).await.assert_status(204);
    for method in ["GET", "PATCH", "DELETE"] {
        let body = (method == "PATCH").then(|| json!({"limit": 1}));
        api.send(method, &by_id, body).await.assert_status(404);
    }
    for (event, times) in [("created", 5), ("updated", 1), ("deleted", 1)] {
        let audited: &'static str = match event {
            "created" => "concurrency-limit.created",
            "updated" => "concurrency-limit.updated",
            _ => "concurrency-limit.deleted",
        };
        assert_eq!(app.audited(audited).await, times, "{event}");
        let filter =
            json!({"filter": {"event": {"name": [format!("prefect.concurrency-limit.{event}")]}}});
        let told = api.post(&format!("{place}/events/filter"), filter).await;
        assert_eq!(told.assert_status(200).json()["total"], times, "{event}");
    }
    app.assert_audit_is_whole().await;
}

/// ALL-02, W2: who may only look changes nothing but may take slots as its role allows; another workspace has its own.
#[actix_rt::test]
async fn limits_belong_to_their_workspace() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let made = make(&api, &place, json!({"name": "db", "limit": 1})).await;
    let held = lease(&api, &place, wish(&["db"])).await.assert_status(200).json();
    let vera = member(&app, "vera").await;
    app.give_role(("acme", "data"), "vera", Role::Viewer).await;
    let key = app.api(&key_of(&vera).await);
    let base = global(&place);
    key.get(&format!("{base}/db")).await.assert_status(200);
    key.post(&format!("{base}/"), json!({"name": "x", "limit": 1})).await.assert_status(403);
    key.send("PATCH", &format!("{base}/db"), Some(json!({"limit": 2}))).await.assert_status(403);
    lease(&key, &place, wish(&["db"])).await.assert_status(403);
    vera.get("/workspaces/acme/data/concurrency/new").await.assert_status(403);
    let list = vera.get("/workspaces/acme/data/concurrency").await;
    list.assert_status(200).shows("1 of 1").lacks("Create limit").lacks("Turn off");

    let eve = app.user("eve").await;
    eve.workspace("lair").await;
    let other = app.api(&key_of(&eve).await);
    other.get(&format!("{base}/db")).await.assert_status(404);
    let own = other.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| own[name].as_str().unwrap().to_owned();
    let lair = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    other.get(&format!("{}/db", global(&lair))).await.assert_status(404);
    let by_id = format!("{}/{}", global(&lair), made["id"].as_str().unwrap());
    other.send("DELETE", &by_id, None).await.assert_status(404);
    // The same name is another limit there, and a lease of elsewhere is none.
    let free = lease(&other, &lair, wish(&["db"])).await.assert_status(200).json();
    assert_eq!(free["limits"], json!([]));
    end(&other, &lair, &held).await;
    let renew = format!("{}/leases/{}/renew", global(&lair), held["lease_id"].as_str().unwrap());
    other.post(&renew, json!({})).await.assert_status(410);
    assert_eq!(in_use(&api, &place, "db").await, 1);
}

/// semantics 29: all or none, once for a name said twice; what is full says when to ask again.
#[actix_rt::test]
async fn slots_are_taken_all_or_none() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    make(&api, &place, json!({"name": "a", "limit": 2})).await;
    make(&api, &place, json!({"name": "b", "limit": 1})).await;
    make(&api, &place, json!({"name": "off", "limit": 0, "active": false})).await;
    let first = lease(&api, &place, wish(&["a", "b", "a", "off", "unknown"])).await;
    let first = first.assert_status(200).json();
    let mut names: Vec<String> = first["limits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|limit| limit["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["a", "b", "off"]);
    let numbers = [in_use(&api, &place, "a").await, in_use(&api, &place, "b").await];
    assert_eq!(numbers, [1, 1]);
    assert_eq!(in_use(&api, &place, "off").await, 0);
    let full = lease(&api, &place, wish(&["a", "b"])).await;
    assert_eq!(full.assert_status(423).json(), json!({"detail": "Locked"}));
    let wait: f64 = full.header("retry-after").unwrap().parse().unwrap();
    assert!((0.5..=30.0).contains(&wait), "{wait}");
    assert_eq!(in_use(&api, &place, "a").await, 1, "none is taken where one is full");
    let much = json!({"names": ["a"], "slots": 3});
    let refused = lease(&api, &place, much).await;
    assert!(refused.assert_status(422).text.contains("Slots requested is greater than the limit"));
    let held = json!({"names": ["a", "b"], "slots": 1, "mode": "rate_limit"});
    let refused = api.post(&format!("{}/increment", global(&place)), held).await;
    let words = "Only concurrency limits with slot decay can be used for rate limiting.";
    assert!(refused.assert_status(422).text.contains(words), "{}", refused.text);
    end(&api, &place, &first).await;
    end(&api, &place, &first).await;
    assert_eq!(in_use(&api, &place, "b").await, 0);

    let path = format!("{}/increment", global(&place));
    let taken =
        api.post(&path, json!({"names": ["a"], "slots": 2})).await.assert_status(200).json();
    assert_eq!(taken[0]["limit"], 2);
    let path = format!("{}/decrement", global(&place));
    let given = json!({"names": ["a", "unknown"], "slots": 5, "occupancy_seconds": 4.5});
    assert_eq!(api.post(&path, given).await.assert_status(200).json()[0]["name"], "a");
    assert_eq!(in_use(&api, &place, "a").await, 0);
    for wrong in [
        json!({"names": [], "slots": 1}),
        json!({"names": ["a"], "slots": 0}),
        json!({"names": ["a"], "slots": 1, "mode": "other"}),
        json!({"names": ["a"], "slots": 1, "lease_duration": 5}),
        json!({"names": ["a"], "slots": 1, "holder": {"type": "robot", "id": Uuid::nil()}}),
        json!({"names": vec!["a"; 201], "slots": 1}),
    ] {
        lease(&api, &place, wrong).await.assert_status(422);
    }
}

/// LIM-02: what a rate has in use becomes fewer by itself, on the wire as on the page, however often it refuses.
#[actix_rt::test]
async fn a_rate_gives_back_by_itself() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    make(&api, &place, json!({"name": "rate", "limit": 2, "slot_decay_per_second": 0.5})).await;
    let path = format!("{}/increment", global(&place));
    let ask = json!({"names": ["rate"], "slots": 1, "mode": "rate_limit"});
    for _ in 0..2 {
        api.post(&path, ask.clone()).await.assert_status(200);
    }
    let full = api.post(&path, ask.clone()).await;
    assert!(full.assert_status(423).header("retry-after").is_some());
    app.advance(1);
    api.post(&path, ask.clone()).await.assert_status(423);
    app.advance(1);
    assert_eq!(in_use(&api, &place, "rate").await, 1);
    let ada = app.sign_in("ada").await;
    ada.get("/workspaces/acme/data/concurrency").await.shows("1 of 2").shows("Rate: 0.5 a second");
    api.post(&path, ask.clone()).await.assert_status(200);
    api.post(&path, ask).await.assert_status(423);
    app.advance(10);
    assert_eq!(in_use(&api, &place, "rate").await, 0);
    ada.get("/workspaces/acme/data/concurrency").await.shows("0 of 2");
}

/// LIM-05: a lease that ran out holds nothing for whoever asks next, and nothing once the job ran; what is given back
/// twice counts once.
#[actix_rt::test]
async fn leases_that_ran_out_give_back() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    make(&api, &place, json!({"name": "db", "limit": 1})).await;
    make(&api, &place, json!({"name": "disk", "limit": 2})).await;
    let first = lease(&api, &place, wish(&["db", "disk"])).await.assert_status(200).json();
    app.advance(50);
    let renew = format!("{}/leases/{}/renew", global(&place), first["lease_id"].as_str().unwrap());
    api.post(&renew, json!({"lease_duration": 60})).await.assert_status(204);
    app.advance(50);
    app.run_jobs().await;
    lease(&api, &place, wish(&["db"])).await.assert_status(423);
    app.advance(11);
    // Nobody waits for the job.
    let second = lease(&api, &place, wish(&["db"])).await.assert_status(200).json();
    assert_eq!(in_use(&api, &place, "disk").await, 1);
    app.run_jobs().await;
    assert_eq!(in_use(&api, &place, "disk").await, 0);
    assert_eq!(in_use(&api, &place, "db").await, 1, "the slot of the first is given back once");
    api.post(&renew, json!({})).await.assert_status(410);
    end(&api, &place, &first).await;
    assert_eq!(in_use(&api, &place, "db").await, 1);
    end(&api, &place, &second).await;
    assert_eq!(in_use(&api, &place, "db").await, 0);
}

/// LIM-03, LIM-07: a limit that is off limits nothing; one that is lowered below its use lets nothing start.
#[actix_rt::test]
async fn limits_are_turned_off_and_lowered() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let path = format!("{}/db", global(&place));
    make(&api, &place, json!({"name": "db", "limit": 3})).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(lease(&api, &place, wish(&["db"])).await.assert_status(200).json());
    }
    api.send("PATCH", &path, Some(json!({"limit": 1}))).await.assert_status(204);
    let ada = app.sign_in("ada").await;
    let pages = "/workspaces/acme/data/concurrency";
    ada.get(pages).await.shows("3 of 1 in use until 2 end");
    for lease_held in &held[..2] {
        lease(&api, &place, wish(&["db"])).await.assert_status(423);
        end(&api, &place, lease_held).await;
    }
    assert_eq!(in_use(&api, &place, "db").await, 1);
    lease(&api, &place, wish(&["db"])).await.assert_status(423);
    api.send("PATCH", &path, Some(json!({"active": false}))).await.assert_status(204);
    ada.get(pages).await.shows("Off");
    let free = lease(&api, &place, wish(&["db"])).await.assert_status(200).json();
    assert_eq!((in_use(&api, &place, "db").await, &free["limits"][0]["name"]), (1, &json!("db")));
    api.send("PATCH", &path, Some(json!({"active": true}))).await.assert_status(204);
    // What was taken while it was off holds nothing, what was taken before does.
    end(&api, &place, &free).await;
    assert_eq!(in_use(&api, &place, "db").await, 1);
    end(&api, &place, &held[2]).await;
    assert_eq!(in_use(&api, &place, "db").await, 0);
    lease(&api, &place, wish(&["db"])).await.assert_status(200);
    api.send("PATCH", &path, Some(json!({"limit": 0}))).await.assert_status(204);
    lease(&api, &place, wish(&["db"])).await.assert_status(422);
    api.send("DELETE", &path, None).await.assert_status(204);
    lease(&api, &place, wish(&["db"])).await.assert_status(200);
}

/// semantics 29, F-: however many ask at once, on either database, no more slots are in use than there are, and all of
/// them come back.
#[actix_rt::test]
async fn nobody_takes_more_than_there_is() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    for (name, limit) in [("a", 5), ("b", 7), ("tag:c", 3)] {
        make(&api, &place, json!({"name": name, "limit": limit})).await;
    }
    let names = [["a", "b"], ["b", "a"], ["tag:c", "b"], ["b", "tag:c"]];
    for round in 0..6 {
        let asks = (0..32).map(|n| lease(&api, &place, wish(&names[n % 4])));
        let answers = join_all(asks).await;
        let mut held = Vec::new();
        for answer in &answers {
            assert!([200, 423].contains(&answer.status), "{}", answer.text);
            if answer.status == 200 {
                held.push(answer.json());
            }
        }
        // Seven of `b`, which all want.
        assert_eq!(held.len(), 7, "round {round}");
        let used = |name: &str| {
            let has = |lease: &&Value| {
                lease["limits"].as_array().unwrap().iter().any(|limit| limit["name"] == name)
            };
            i64::try_from(held.iter().filter(has).count()).unwrap()
        };
        for (name, limit) in [("a", 5), ("b", 7), ("tag:c", 3)] {
            let counted = in_use(&api, &place, name).await;
            assert!(counted <= limit && counted == used(name), "{name}: {counted}, round {round}");
        }
        // Half of them are given back twice at once, the others run out while new ones are asked for.
        let (ended, left) = held.split_at(4);
        join_all(ended.iter().chain(ended).map(|lease| end(&api, &place, lease))).await;
        assert_eq!(in_use(&api, &place, "b").await, 3, "round {round}");
        app.advance(61);
        let again = (0..8).map(|n| lease(&api, &place, wish(&names[n % 4])));
        let (again, ()) = futures_util::join!(join_all(again), app.run_jobs());
        let again: Vec<_> =
            again.into_iter().filter(|answer| answer.status == 200).map(|a| a.json()).collect();
        assert!(again.len() <= 7 && !left.is_empty(), "round {round}");
        join_all(again.iter().chain(left).map(|lease| end(&api, &place, lease))).await;
        app.run_jobs().await;
        for name in ["a", "b", "tag:c"] {
            assert_eq!(in_use(&api, &place, name).await, 0, "{name}, round {round}");
        }
    }
    let held = "SELECT count(*) AS number FROM concurrency_holds";
    assert_eq!(invariants::number(&mut app.database.connect(), held), 0);
}

async fn task(api: &ApiClient, place: &str, run: &Value, (key, tags): (&str, &[&str])) -> String {
    let body = json!({"flow_run_id": run, "task_key": "t", "dynamic_key": key, "tags": tags});
    let made = api.post(&format!("{place}/task_runs/"), body).await.assert_status(201).json();
    made["id"].as_str().unwrap().to_owned()
}

/// LIM-01, LIM-09, semantics 30: the limit of a tag is one limit, whichever way it is seen; tasks of older clients take
/// its slots, wait for them, and give them back.
#[actix_rt::test]
async fn tasks_hold_slots_of_their_tags() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let tags = format!("{place}/concurrency_limits");
    let body = |slots: i64| json!({"tag": "db", "concurrency_limit": slots});
    let made = api.post(&format!("{tags}/"), body(2)).await.assert_status(201).json();
    assert_eq!((&made["tag"], &made["active_slots"]), (&json!("db"), &json!([])));
    let again = api.post(&format!("{tags}/"), body(1)).await.assert_status(200).json();
    assert_eq!((&again["id"], &again["concurrency_limit"]), (&made["id"], &json!(1)));
    let same = api.get(&format!("{}/tag:db", global(&place))).await.assert_status(200).json();
    assert_eq!((&same["id"], &same["limit"]), (&made["id"], &json!(1)));
    make(&api, &place, json!({"name": "db", "limit": 9})).await;
    let list = api.post(&format!("{tags}/filter"), json!({})).await.assert_status(200).json();
    assert_eq!(list.as_array().unwrap().len(), 1);

    let etl = flow(&api, &place, "etl").await;
    let parent = run(&api, &place, &etl, json!({})).await;
    set(&api, &format!("{place}/flow_runs/{}", parent["id"].as_str().unwrap()), "RUNNING").await;
    let one = task(&api, &place, &parent["id"], ("1", &["db", "x"])).await;
    let two = task(&api, &place, &parent["id"], ("2", &["db"])).await;
    let path = |id: &str| format!("{place}/task_runs/{id}");
    assert_eq!(set(&api, &path(&one), "RUNNING").await.1["status"], "ACCEPT");
    let (status, told) = set(&api, &path(&two), "RUNNING").await;
    assert_eq!((status, &told["status"]), (200, &json!("WAIT")));
    assert_eq!(told["details"]["reason"], "Concurrency limit reached for tags: db");
    let delay = told["details"]["delay_seconds"].as_i64().unwrap();
    assert!((1..=13).contains(&delay), "{delay}");
    let seen = api.get(&format!("{tags}/tag/db")).await.assert_status(200).json();
    assert_eq!(seen["active_slots"], json!([one]));
    assert_eq!(api.get(&format!("{tags}/{}", made["id"].as_str().unwrap())).await.json(), seen);
    // The newer client asks for the same slots.
    lease(&api, &place, wish(&["tag:db"])).await.assert_status(423);
    let ada = app.sign_in("ada").await;
    let page = format!("/workspaces/acme/data/concurrency/{}", made["id"].as_str().unwrap());
    let page = ada.get(&page).await;
    page.assert_status(200).shows("1 of 1").shows("t-1").shows("t-2");
    ada.get("/workspaces/acme/data/concurrency?kind=tag").await.shows("1 run");
    assert_eq!(set(&api, &path(&one), "COMPLETED").await.1["status"], "ACCEPT");
    assert_eq!(in_use(&api, &place, "tag:db").await, 0);
    assert_eq!(set(&api, &path(&two), "RUNNING").await.1["status"], "ACCEPT");
    // A retry gives the slot back while it waits.
    assert_eq!(set(&api, &path(&two), "FAILED").await.1["state"]["type"], "FAILED");
    assert_eq!(in_use(&api, &place, "tag:db").await, 0);

    api.post(&format!("{tags}/"), body(0)).await.assert_status(200);
    let three = task(&api, &place, &parent["id"], ("3", &["db"])).await;
    let (status, told) = set(&api, &path(&three), "RUNNING").await;
    assert_eq!((status, &told["status"]), (200, &json!("ABORT")));
    let reason = "The concurrency limit on tag \"db\" is 0 and will deadlock if the task tries to run again.";
    assert_eq!(told["details"]["reason"], reason);
    lease(&api, &place, wish(&["tag:db"])).await.assert_status(422);
    let forced = json!({"state": {"type": "RUNNING"}, "force": true});
    api.post(&format!("{}/set_state", path(&three)), forced).await.assert_status(201);
    api.post(&format!("{tags}/"), body(-1)).await.assert_status(200);
    api.post(&format!("{tags}/"), json!({"tag": "a/b", "concurrency_limit": 1}))
        .await
        .assert_status(422);
    assert_eq!(
        api.send("DELETE", &format!("{tags}/tag/db"), None).await.assert_status(200).text,
        "null"
    );
    api.send("DELETE", &format!("{tags}/tag/db"), None).await.assert_status(404);
    api.get(&format!("{tags}/tag/db")).await.assert_status(404);
    assert_eq!(in_use(&api, &place, "db").await, 0);
}

/// semantics 30: what a task holds until it ends is given back when it is cancelled with its flow, when it is removed, and
/// by a reset; the runs that a reset names hold slots from then on.
#[actix_rt::test]
async fn slots_of_tags_come_back() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let tags = format!("{place}/concurrency_limits");
    let body = json!({"tag": "db", "concurrency_limit": 3});
    api.post(&format!("{tags}/"), body).await.assert_status(201);
    let etl = flow(&api, &place, "etl").await;
    let parent = run(&api, &place, &etl, json!({})).await;
    let run_path = format!("{place}/flow_runs/{}", parent["id"].as_str().unwrap());
    set(&api, &run_path, "RUNNING").await;
    for key in ["1", "2", "3"] {
        let id = task(&api, &place, &parent["id"], (key, &["db"])).await;
        let told = set(&api, &format!("{place}/task_runs/{id}"), "RUNNING").await;
        assert_eq!(told.1["status"], "ACCEPT");
        if key == "3" {
            api.send("DELETE", &format!("{place}/task_runs/{id}"), None).await.assert_status(204);
        }
    }
    assert_eq!(in_use(&api, &place, "tag:db").await, 3);
    set(&api, &run_path, "CANCELLED").await;
    app.run_jobs().await;
    assert_eq!(in_use(&api, &place, "tag:db").await, 1, "of a task that nobody knows any more");
    app.advance(24 * 3600 + 1);
    app.run_jobs().await;
    assert_eq!(in_use(&api, &place, "tag:db").await, 0);

    let holders = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let reset = format!("{tags}/tag/db/reset");
    api.post(&reset, json!({"slot_override": holders})).await.assert_status(200);
    let seen = api.get(&format!("{tags}/tag/db")).await.json();
    assert_eq!(seen["active_slots"], json!(holders));
    assert_eq!(in_use(&api, &place, "tag:db").await, 2);
    api.post(&reset, json!({})).await.assert_status(200);
    assert_eq!(api.get(&format!("{tags}/tag/db")).await.json()["active_slots"], json!([]));
    api.post(&format!("{tags}/tag/unknown/reset"), json!({})).await.assert_status(404);

    let ask = |n: u128| json!({"names": ["db", "x"], "task_run_id": Uuid::from_u128(n)});
    let path = format!("{tags}/increment");
    for n in [1, 2, 3, 3] {
        let taken = api.post(&path, ask(n)).await.assert_status(200).json();
        assert_eq!((taken.as_array().unwrap().len(), &taken[0]["name"]), (1, &json!("db")));
    }
    let full = api.post(&path, ask(4)).await;
    full.assert_status(423).shows("Concurrency limit for the db tag has been reached");
    assert!(full.header("retry-after").is_some());
    api.post(&format!("{tags}/decrement"), ask(3)).await.assert_status(200);
    api.post(&path, ask(4)).await.assert_status(200);
    assert_eq!(in_use(&api, &place, "tag:db").await, 3);
}

/// LIM-04, LIM-06: a limit's page names who holds its slots, and ends one lease, which cannot be renewed then.
#[actix_rt::test]
async fn a_page_shows_who_holds_and_releases() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let made = make(&api, &place, json!({"name": "db", "limit": 3})).await;
    let page = format!("/workspaces/acme/data/concurrency/{}", made["id"].as_str().unwrap());
    let etl = flow(&api, &place, "etl").await;
    let heron = run(&api, &place, &etl, json!({"name": "amber-heron"})).await;
    let mut ask = wish(&["db"]);
    ask["holder"] = json!({"type": "flow_run", "id": heron["id"]});
    let held = lease(&api, &place, ask.clone()).await.assert_status(200).json();
    lease(&api, &place, wish(&["db"])).await.assert_status(200);
    let path = format!("{}/increment", global(&place));
    api.post(&path, json!({"names": ["db"], "slots": 1})).await.assert_status(200);
    ask["holder"] = json!({"type": "flow_run", "id": Uuid::from_u128(9)});
    lease(&api, &place, ask).await.assert_status(423);
    let ada = app.sign_in("ada").await;
    let shown = ada.get(&page).await;
    shown.assert_status(200).shows("amber-heron").shows("unknown holder").shows("3 of 3");
    shown.shows("unknown holder (older client)").shows("1 ask was refused in the last minute");
    shown.shows(&Uuid::from_u128(9).to_string());
    app.advance(30);
    ada.get(&page).await.shows("ends in 30 s");
    let own = [("lease", held["lease_id"].as_str().unwrap()), ("holder", "amber-heron")];
    let released = ada.submit_form(&page, "Release", &own).await;
    let after = ada.get(&released.location()).await;
    after.shows("amber-heron goes on, without its slot. Another may start.").shows("2 of 3");
    let renew = format!("{}/leases/{}/renew", global(&place), held["lease_id"].as_str().unwrap());
    api.post(&renew, json!({})).await.assert_status(410);
    assert_eq!(app.audited("concurrency-limit.released").await, 1);
    app.advance(31);
    // The one that ran out is no holder, whether the job ran or not.
    let over = ada.get(&page).await;
    over.shows("1 of 3").lacks("ends in").lacks("Release");
    app.run_jobs().await;
    let ask = ada.get(&format!("{page}/reset")).await;
    ask.shows("1 slot is freed. What holds it goes on.");
    let done = ada.submit(&format!("{page}/reset"), &[]).await;
    ada.get(&done.location()).await.shows("1 slot is freed.").shows("0 of 3");
    assert_eq!(app.audited("concurrency-limit.reset").await, 1);
}

/// contents.md 8, ALL-05, ALL-06, ALL-08: the pages that make, change, turn off and delete a limit.
#[actix_rt::test]
async fn limits_are_made_and_changed_on_pages() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let ada = app.sign_in("ada").await;
    let list = "/workspaces/acme/data/concurrency";
    ada.get("/workspaces/acme/data").await.link("Concurrency");
    ada.get(list).await.shows("No limits yet").shows("prefect gcl create db --limit 5");
    let new = format!("{list}/new?kind=global");
    let wrong = ada.submit(&new, &[("name", "a/b"), ("slots", "-1"), ("decay", "fast")]).await;
    wrong.assert_status(422).shows("Use none of /").shows("whole number").shows("such as 2 or 0.5");
    ada.submit(&new, &[("name", "tag:x"), ("slots", "1")]).await.assert_status(422);
    let shown = ada.submit(&new, &[("name", "reports"), ("slots", "0"), ("show", "tag")]).await;
    shown.assert_status(200).shows("Tag").shows("tasks with this tag are aborted");
    assert_eq!(shown.attributes("input[name=name]", "value"), ["reports"]);
    let made = ada.submit(&new, &[("name", "reports"), ("slots", "3")]).await;
    ada.get(&made.location()).await.shows("“reports” is created.").shows("0 of 3").shows("by Ada");
    let twice = ada.submit(&new, &[("name", "reports"), ("slots", "3")]).await;
    twice.assert_status(422).shows("exists already");
    let tag = format!("{list}/new?kind=tag");
    let made_tag = ada.submit(&tag, &[("name", "prod"), ("slots", "25")]).await;
    ada.get(&made_tag.location()).await.shows("0 of 25").shows("Each task with this tag");
    assert_eq!(in_use(&api, &place, "tag:prod").await, 0);
    ada.get(list).await.shows("reports").lacks("prod").shows("1 limit");
    ada.get(&format!("{list}?kind=tag")).await.shows("prod").lacks("reports");
    ada.get(&format!("{list}?kind=tag&q=zzz"))
        .await
        .shows("No limit matches")
        .shows("0 of 1 match");
    ada.get(&format!("{list}?kind=deployment")).await.shows("No deployment has a limit");

    // Somebody else changes it while the form is open.
    let edit = format!("{}/edit", made.location());
    let form = ada.get(&edit).await.form(&edit, "Save");
    app.advance(5);
    let path = format!("{}/reports", global(&place));
    api.send("PATCH", &path, Some(json!({"limit": 8}))).await.assert_status(204);
    let stale = ada.fill(form, &[("slots", "4")]).await;
    stale.assert_status(422).shows("This concurrency limit was changed").shows("Slots: now 8");
    let form = stale.form_anyway(&edit, "Save");
    let saved = ada.fill(form, &[]).await;
    ada.get(&saved.location()).await.shows("“reports” is saved.").shows("0 of 4");

    let off = ada.submit_form(&format!("{list}?kind=global"), "Turn off", &[]).await;
    ada.get(&off.location()).await.shows("“reports” is off.").shows("Off").shows("Turn on");
    ada.get(&made.location()).await.shows("It is off: it is kept, and nothing is limited.");
    let on = ada.submit_form(&made.location(), "Turn on", &[]).await;
    ada.get(&on.location()).await.shows("“reports” is on.");
    lease(&api, &place, wish(&["reports"])).await.assert_status(200);
    let delete = format!("{}/delete", made.location());
    let asked = ada.get(&delete).await;
    asked.shows("Code that asks for “reports” is no longer limited.").shows("1 lease holds");
    let gone = ada.submit(&delete, &[]).await;
    ada.get(&gone.location()).await.shows("“reports” is deleted.").shows("No limits yet");
    ada.get(&made.location()).await.assert_status(404);
    ada.get("/workspaces/acme/data").await.shows("Concurrency limits");
    make(&api, &place, json!({"name": "deployment:1", "limit": 1})).await;
    let list = ada.get(&format!("{list}?kind=deployment")).await;
    list.shows("deployment:1").lacks("Create limit").lacks("Delete");
}

/// ALL-13: the links that the client prints lead to the pages.
#[actix_rt::test]
async fn links_of_the_client_lead_to_limits() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let made = make(&api, &place, json!({"name": "db", "limit": 1})).await;
    let ada = app.sign_in("ada").await;
    let printed =
        place.replace("/api/accounts/", "/account/").replace("/workspaces/", "/workspace/");
    let id = made["id"].as_str().unwrap();
    let page = "/workspaces/acme/data/concurrency";
    let list = ada.get(&format!("{printed}/concurrency-limits")).await;
    list.assert_redirect_to(page);
    let one = ada.get(&format!("{printed}/concurrency-limits/concurrency-limit/{id}")).await;
    one.assert_redirect_to(&format!("{page}/{id}"));
}
