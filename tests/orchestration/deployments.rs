//! Deployments and their schedules, through the API and on the pages.

use bulkhead::access::role::Role;
use serde_json::{Value, json};

use super::flow_runs::{data, flow, run, set};
use crate::support::{Answer, ApiClient, invariants, spawn};
use crate::tenancy::service_accounts::key_of;
use crate::tenancy::sharing::member;

/// What the client sends for a deployment.
fn body(flow: &Value, name: &str, more: Value) -> Value {
    let mut body = json!({"name": name, "flow_id": flow});
    let Value::Object(more) = more else { panic!("fields are an object") };
    body.as_object_mut().unwrap().extend(more);
    body
}

async fn send(api: &ApiClient, place: &str, body: Value) -> Answer {
    api.post(&format!("{place}/deployments/"), body).await
}

/// A deployment of a flow.
pub async fn deploy(
    api: &ApiClient,
    place: &str,
    flow: &Value,
    (name, more): (&str, Value),
) -> Value {
    send(api, place, body(flow, name, more)).await.assert_status(201).json()
}

fn path(place: &str, deployment: &Value) -> String {
    format!("{place}/deployments/{}", deployment["id"].as_str().unwrap())
}

fn names(answer: &Answer) -> Vec<String> {
    let rows = answer.assert_status(200).json();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

fn schema() -> Value {
    json!({
        "title": "Parameters",
        "type": "object",
        "required": ["x"],
        "properties": {
            "x": {"title": "x", "type": "integer", "position": 0},
            "note": {"title": "note", "type": "string", "position": 1, "default": "hi"},
            "key": {"title": "key", "type": "string", "format": "password", "writeOnly": true, "position": 2},
        },
    })
}

/// DEP-16, DEP-18, semantics.md 19: a deployment is made once for each flow and name, and made again by what is sent;
/// what does not change is not recorded.
#[actix_rt::test]
async fn a_deployment_is_made_once_and_made_again() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let full = json!({
        "version": "1", "version_info": {"type": "prefect:simple", "version": "1"}, "description": "Loads *all*",
        "paused": false, "tags": ["a", "b"], "labels": {"team": "x"}, "parameters": {"x": 1},
        "entrypoint": "flows.py:etl", "path": null, "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}],
        "job_variables": {"env": {"A": "1"}}, "enforce_parameter_schema": true, "parameter_openapi_schema": schema(),
        "work_pool_name": null, "work_queue_name": null, "concurrency_limit": null, "concurrency_options": null,
        "storage_document_id": null, "infrastructure_document_id": null,
        "schedules": [
            {"schedule": {"interval": 3600.0, "anchor_date": "2026-11-23T08:15:34.638560Z", "timezone": "UTC"},
             "active": true, "max_scheduled_runs": null, "parameters": {}, "slug": null, "replaces": null},
            {"schedule": {"cron": "0 9 * * 1", "timezone": "Europe/Berlin", "day_or": true}, "active": false, "slug": "monday"},
        ],
    });
    let made = deploy(&api, &place, &etl, ("nightly", full.clone())).await;
    for name in [
        "version",
        "description",
        "tags",
        "entrypoint",
        "pull_steps",
        "job_variables",
        "parameter_openapi_schema",
    ] {
        assert_eq!(made[name], full[name], "{name}");
    }
    assert_eq!(made["labels"], json!({"prefect.flow.id": etl, "team": "x"}));
    assert_eq!(
        (&made["paused"], &made["status"], &made["last_polled"]),
        (&json!(false), &json!("NOT_READY"), &Value::Null)
    );
    assert_eq!(made["created_by"]["type"], "USER");
    let schedules = made["schedules"].as_array().unwrap();
    assert_eq!(schedules[0]["schedule"], full["schedules"][1]["schedule"]);
    assert_eq!(schedules[1]["schedule"], full["schedules"][0]["schedule"]);
    assert_eq!((&schedules[0]["active"], &schedules[1]["active"]), (&json!(false), &json!(true)));

    app.advance(60);
    let again =
        send(&api, &place, body(&etl, "nightly", full.clone())).await.assert_status(200).json();
    assert_eq!((&again["id"], &again["created"]), (&made["id"], &made["created"]));
    assert_ne!(again["schedules"][0]["id"], made["schedules"][0]["id"]);
    assert_eq!(app.audited("deployment.updated").await, 0);
    // What is absent stays, but for parameters, labels and schedules.
    let less = send(&api, &place, body(&etl, "nightly", json!({"tags": []})))
        .await
        .assert_status(200)
        .json();
    assert_eq!((&less["version"], &less["tags"]), (&json!("1"), &json!([])));
    assert_eq!((&less["parameters"], &less["schedules"]), (&json!({}), &json!([])));
    assert_eq!(less["labels"], json!({"prefect.flow.id": etl}));
    assert_eq!(app.audited("deployment.updated").await, 1);

    for (at, status) in [
        (format!("{place}/deployments/name/etl/nightly"), 200),
        (path(&place, &made), 200),
        (format!("{place}/deployments/name/etl/other"), 404),
        (format!("{place}/deployments/name/other/nightly"), 404),
        (format!("{place}/deployments/{}", etl.as_str().unwrap()), 404),
    ] {
        api.get(&at).await.assert_status(status);
    }
    for (wrong, status) in [
        (json!({"more": 1}), 422),
        (json!({"schedules": [{"schedule": {"cron": "nonsense"}}]}), 422),
        (json!({"schedules": [{"schedule": {"interval": 60}, "max_scheduled_runs": 51}]}), 422),
        (json!({"schedules": vec![json!({"schedule": {"interval": 60}}); 101]}), 422),
        (
            json!({"schedules": [{"schedule": {"interval": 60}, "slug": "s"}, {"schedule": {"interval": 6}, "slug": "s"}]}),
            409,
        ),
        (json!({"parameter_openapi_schema": schema(), "parameters": {"x": "y"}}), 422),
        (json!({"parameter_openapi_schema": {"type": 5}}), 422),
        (json!({"parameters": {"x": "y".repeat(600_000)}}), 422),
        (json!({"concurrency_limit": 1}), 422),
        (json!({"work_pool_name": "pool"}), 404),
        (json!({"storage_document_id": etl}), 409),
        (json!({"flow_id": made["id"]}), 409),
        (json!({"name": "a/b"}), 422),
        (json!({"name": ""}), 422),
    ] {
        let answer = send(&api, &place, body(&etl, "other", wrong.clone())).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
    }
    let unchecked =
        json!({"parameter_openapi_schema": {"type": 5}, "enforce_parameter_schema": false});
    deploy(&api, &place, &etl, ("unchecked", unchecked)).await;
    app.assert_audit_is_whole().await;
}

/// DEP-08, semantics.md 19: a change keeps what it does not name; schedules with slugs are changed by them.
#[actix_rt::test]
async fn a_change_keeps_what_it_does_not_name() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let more = json!({"version": "1", "labels": {"team": "x"}, "entrypoint": "a.py:f", "parameters": {"x": 1},
        "parameter_openapi_schema": schema(),
        "schedules": [{"schedule": {"interval": 60}, "slug": "often"}, {"schedule": {"cron": "@daily"}, "slug": "daily"}]});
    let made = deploy(&api, &place, &etl, ("d", more)).await;
    let path = path(&place, &made);
    let patch = async |body: Value| api.send("PATCH", &path, Some(body)).await;
    let read = async || api.get(&path).await.json();
    patch(json!({"tags": ["t"], "description": "x"})).await.assert_status(204);
    patch(json!({"description": null, "version": "2"})).await.assert_status(204);
    let now = read().await;
    assert_eq!(
        (&now["tags"], &now["description"], &now["version"]),
        (&json!(["t"]), &Value::Null, &json!("2"))
    );
    assert_eq!((&now["labels"]["team"], &now["entrypoint"]), (&json!("x"), &json!("a.py:f")));
    assert_eq!(now["schedules"].as_array().unwrap().len(), 2);
    patch(json!({"name": "e"})).await.assert_status(422);
    let told = patch(json!({"parameters": {"x": "y"}})).await;
    assert!(
        told.assert_status(409)
            .text
            .contains("Error updating deployment: Validation failed for field 'x'"),
        "{}",
        told.text
    );
    patch(json!({"parameters": {"note": "a"}})).await.assert_status(204);
    patch(json!({"parameters": {"x": {"__prefect_kind": "json", "value": "[1"}}}))
        .await
        .assert_status(400);
    patch(json!({"parameters": {"x": {"__prefect_kind": "json", "value": "7"}}}))
        .await
        .assert_status(204);
    assert_eq!(read().await["parameters"], json!({"x": 7}));

    let id_of = |all: &Value, slug: &str| {
        let all = all["schedules"].as_array().unwrap();
        all.iter().find(|one| one["slug"] == slug).map(|one| one["id"].clone())
    };
    let (often, daily) = (id_of(&now, "often"), id_of(&now, "daily"));
    patch(json!({"schedules": []})).await.assert_status(204);
    let renamed = json!({"schedules": [{"slug": "rarely", "replaces": "often", "active": false},
        {"slug": "new", "schedule": {"rrule": "FREQ=DAILY"}}]});
    patch(renamed).await.assert_status(204);
    let now = read().await;
    assert_eq!((id_of(&now, "rarely"), id_of(&now, "daily")), (often.clone(), daily));
    assert!(id_of(&now, "new").is_some() && id_of(&now, "often").is_none());
    for wrong in [
        json!([{"schedule": {"interval": 5}}]),
        json!([{"slug": "gone"}]),
        json!([{"slug": "daily", "replaces": "rarely"}]),
        json!([{"slug": "a", "replaces": "new"}, {"slug": "b", "replaces": "new"}]),
    ] {
        patch(json!({"schedules": wrong.clone()})).await.assert_status(422);
    }
    // Slugs change places.
    let swapped = json!({"schedules": [{"slug": "daily", "replaces": "rarely"}, {"slug": "rarely", "replaces": "daily"}]});
    patch(swapped).await.assert_status(204);
    assert_eq!(id_of(&read().await, "daily"), often);
    app.assert_audit_is_whole().await;
}

/// SCH-02, SCH-09, SCH-10, semantics.md 12: schedules are added, changed, paused and deleted each for itself.
#[actix_rt::test]
async fn schedules_are_kept_each_for_itself() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made = deploy(&api, &place, &etl, ("d", json!({}))).await;
    let list = format!("{}/schedules", path(&place, &made));
    let two = json!([
        {"schedule": {"rrule": "DTSTART:20260101T090000\nRRULE:FREQ=WEEKLY\nEXDATE:20260108T090000", "timezone": "Europe/Berlin"},
         "parameters": {"x": 2}, "slug": "weekly", "max_scheduled_runs": 5, "active": true},
        {"schedule": {"interval": "PT1H", "anchor_date": "2026-11-23T08:15:34Z", "timezone": "UTC"}},
    ]);
    let added = api.post(&list, two.clone()).await.assert_status(201).json();
    assert_eq!(added[0]["schedule"], two[0]["schedule"]);
    assert_eq!(added[1]["schedule"], two[1]["schedule"]);
    assert_eq!(
        (&added[0]["max_scheduled_runs"], &added[0]["deployment_id"]),
        (&json!(5), &made["id"])
    );
    let twice = api.post(&list, json!([{"schedule": {"interval": 5}, "slug": "weekly"}])).await;
    assert!(
        twice.assert_status(409).text.contains("Schedule slugs must be unique"),
        "{}",
        twice.text
    );
    api.post(&list, json!([{"active": true}])).await.assert_status(422);
    let one = format!("{list}/{}", added[0]["id"].as_str().unwrap());
    app.advance(5);
    api.send("PATCH", &one, Some(json!({"active": false}))).await.assert_status(204);
    let told = api.get(&list).await.assert_status(200).json();
    assert_eq!(
        (&told[0]["id"], &told[0]["active"]),
        (&added[0]["id"], &json!(false)),
        "the last changed first"
    );
    assert_eq!(
        (&told[0]["parameters"], &told[0]["schedule"]),
        (&json!({"x": 2}), &two[0]["schedule"])
    );
    assert_eq!(told[1], added[1]);
    let other = format!(
        "{place}/deployments/{}/schedules/{}",
        etl.as_str().unwrap(),
        added[0]["id"].as_str().unwrap()
    );
    api.send("PATCH", &other, Some(json!({"active": true}))).await.assert_status(404);
    api.send("DELETE", &one, None).await.assert_status(204);
    api.send("DELETE", &one, None).await.assert_status(404);
    assert_eq!(api.get(&list).await.json().as_array().unwrap().len(), 1);
    for (event, times) in [("created", 2), ("paused", 1), ("deleted", 1), ("updated", 0)] {
        let event: &str = Box::leak(format!("deployment-schedule.{event}").into_boxed_str());
        assert_eq!(app.audited(event).await, times, "{event}");
    }
    let asked = json!({"start_time": "2026-11-23T08:15:34Z", "max_runs": 3});
    assert_eq!(
        api.post(&format!("{}/schedule", path(&place, &made)), asked).await.assert_status(200).text,
        "null"
    );
}

/// DEP-07, semantics.md 20: a run of a deployment has its parameters, tags and labels, and those that were asked for.
#[actix_rt::test]
async fn a_run_is_made_of_its_deployment() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let more = json!({"version": "7", "tags": ["a", "b"], "labels": {"team": "x"}, "parameters": {"x": 1, "note": "n"},
        "parameter_openapi_schema": schema(), "job_variables": {"cpu": 1}});
    let made = deploy(&api, &place, &etl, ("d", more)).await;
    let create = format!("{}/create_flow_run", path(&place, &made));
    let first = api.post(&create, json!({})).await.assert_status(201).json();
    assert_eq!(
        (&first["state_type"], &first["state_name"]),
        (&json!("SCHEDULED"), &json!("Scheduled"))
    );
    assert_eq!((&first["deployment_id"], &first["deployment_version"]), (&made["id"], &json!("7")));
    assert_eq!(
        (&first["parameters"], &first["tags"]),
        (&json!({"x": 1, "note": "n"}), &json!(["a", "b"]))
    );
    assert_eq!(
        first["labels"],
        json!({"prefect.flow.id": etl, "team": "x", "prefect.deployment.id": made["id"]})
    );
    assert_eq!(
        (&first["created_by"]["type"], &first["auto_scheduled"]),
        (&json!("USER"), &json!(false))
    );
    assert_eq!(first["job_variables"], json!({}));
    assert!(first["next_scheduled_start_time"].is_string());
    let asked = json!({"name": "mine", "parameters": {"x": 2, "unknown": [1.50]}, "tags": ["b", "c"], "labels": {"l": true},
        "job_variables": {"cpu": 2}, "idempotency_key": "k", "context": {},
        "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-12-24 12:00:00+00:00"}}});
    let second = api.post(&create, asked.clone()).await.assert_status(201).json();
    assert_eq!((&second["name"], &second["tags"]), (&json!("mine"), &json!(["a", "b", "c"])));
    assert_eq!(second["parameters"], json!({"x": 2, "note": "n", "unknown": [1.50]}));
    assert_eq!(
        (&second["labels"]["l"], &second["job_variables"]),
        (&json!(true), &json!({"cpu": 2}))
    );
    assert_eq!(api.post(&create, asked).await.assert_status(200).json()["id"], second["id"]);
    assert_eq!(
        api.get(&path(&place, &made)).await.json()["parameters"],
        json!({"x": 1, "note": "n"})
    );
    for (wrong, status) in [
        (json!({"parameters": {"x": "q"}}), 409),
        (json!({"parameters": {"x": null}}), 409),
        (json!({"parameters": {"x": {"__prefect_kind": "json", "value": "{"}}}), 400),
        (json!({"work_queue_name": "q"}), 400),
        (json!({"more": 1}), 422),
        (json!({"parameters": {"x": "q"}, "enforce_parameter_schema": false}), 201),
        (json!({"parameters": {"key": "hidden"}, "state": {"type": "PENDING"}}), 201),
    ] {
        let answer = api.post(&create, wrong.clone()).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
    }
    let told = api.post(&create, json!({"parameters": {"x": "q"}})).await.text;
    assert!(
        told.contains("Error creating flow run: Validation failed for field 'x'. Failure reason:"),
        "{told}"
    );
    assert_eq!(app.audited("deployment.run").await, 4);
    let entries =
        app.read(|db| Ok(invariants::texts(db, "SELECT entry AS text FROM audit_entries"))).await;
    assert!(!entries.iter().any(|entry| entry.contains("hidden")));
    assert!(entries.iter().any(|entry| entry.contains("********")));

    // DEP-02, semantics.md: filters of deployments, flows and runs find each other.
    run(&api, &place, &etl, json!({"name": "by hand"})).await;
    let of = json!({"deployments": {"name": {"any_": ["d"]}}});
    let runs = format!("{place}/flow_runs");
    let count = async |at: String, body: Value| api.post(&at, body).await.json();
    assert_eq!(count(format!("{runs}/count"), of.clone()).await, 4);
    assert_eq!(count(format!("{runs}/count"), json!({"deployments": {}})).await, 4);
    let own = json!({"flow_runs": {"deployment_id": {"any_": [made["id"]]}}});
    assert_eq!(count(format!("{runs}/count"), own).await, 4);
    let alone = json!({"flow_runs": {"deployment_id": {"is_null_": true}}});
    assert_eq!(names(&api.post(&format!("{runs}/filter"), alone).await), ["by hand"]);
    let by = json!({"flow_runs": {"created_by": {"type_": ["USER"], "id_": [first["created_by"]["id"]]}}});
    assert_eq!(count(format!("{runs}/count"), by).await, 4);
    flow(&api, &place, "idle").await;
    let flows = format!("{place}/flows/filter");
    assert_eq!(names(&api.post(&flows, of).await), ["etl"]);
    let without = json!({"flows": {"deployment": {"is_null_": true}}});
    assert_eq!(names(&api.post(&flows, without).await), ["idle"]);
}

/// DEP-02, DEP-20: deployments are found by what they are, in their workspace alone.
#[actix_rt::test]
async fn deployments_are_found() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let (etl, sync) = (flow(&api, &place, "etl").await, flow(&api, &place, "sync").await);
    let one =
        deploy(&api, &place, &etl, ("nightly", json!({"tags": ["prod"], "paused": true}))).await;
    deploy(&api, &place, &etl, ("hourly", json!({"tags": ["prod", "x"]}))).await;
    deploy(&api, &place, &sync, ("nightly", json!({}))).await;
    let made =
        api.post(&format!("{}/create_flow_run", path(&place, &one)), json!({"name": "r1"})).await;
    made.assert_status(201);
    let list = format!("{place}/deployments");
    for (asked, expected) in [
        (json!({}), vec!["hourly", "nightly", "nightly"]),
        (json!({"sort": "NAME_DESC", "limit": 2}), vec!["nightly", "nightly"]),
        (json!({"offset": 2}), vec!["nightly"]),
        (
            json!({"deployments": {"tags": {"all_": ["prod"]}, "paused": {"eq_": false}}}),
            vec!["hourly"],
        ),
        (json!({"deployments": {"flow_or_deployment_name": {"like_": "SYN"}}}), vec!["nightly"]),
        (json!({"deployments": {"flow_or_deployment_name": {"like_": "hour"}}}), vec!["hourly"]),
        (json!({"deployments": {"id": {"any_": [one["id"]]}}}), vec!["nightly"]),
        (json!({"deployments": {"is_schedule_active": {"eq_": false}}}), vec!["nightly"]),
        (
            json!({"deployments": {"concurrency_limit": {"ge_": 1}}}),
            vec!["hourly", "nightly", "nightly"],
        ),
        (json!({"flows": {"name": {"any_": ["etl"]}}}), vec!["hourly", "nightly"]),
        (json!({"flow_runs": {"name": {"any_": ["r1"]}}}), vec!["nightly"]),
        (json!({"work_pools": {}}), vec![]),
    ] {
        let found = api.post(&format!("{list}/filter"), asked.clone()).await;
        assert_eq!(names(&found), expected, "{asked}");
    }
    let page = api.post(&format!("{list}/paginate"), json!({"limit": 2, "page": 2})).await.json();
    assert_eq!(
        (&page["count"], &page["pages"], &page["results"][0]["name"]),
        (&json!(3), &json!(2), &json!("nightly"))
    );
    assert_eq!(api.post(&format!("{list}/count"), json!({})).await.text, "3");
    api.post(&format!("{list}/filter"), json!({"sort": "SIZE"})).await.assert_status(422);

    let eve = app.user("eve").await;
    eve.workspace("own").await;
    let other = app.api(&key_of(&eve).await);
    let foreign = other.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| foreign[name].as_str().unwrap().to_owned();
    let foreign = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    let (known, unknown) = (path(&foreign, &one), path(&foreign, &json!({"id": etl})));
    assert_eq!(other.get(&known).await.assert_status(404).text, other.get(&unknown).await.text);
    other.post(&format!("{known}/create_flow_run"), json!({})).await.assert_status(404);
    assert!(
        names(&other.post(&format!("{foreign}/deployments/filter"), json!({})).await).is_empty()
    );

    let some = json!({"deployments": {"tags": {"any_": ["prod"]}}, "limit": 1});
    let gone = api.post(&format!("{list}/bulk_delete"), some).await.assert_status(200).json();
    assert_eq!(gone["deleted"].as_array().unwrap().len(), 1);
    api.post(&format!("{list}/bulk_delete"), json!({"limit": 51})).await.assert_status(422);
    assert_eq!(
        names(&api.post(&format!("{list}/filter"), json!({})).await),
        ["nightly", "nightly"]
    );
}

/// DEP-04, semantics.md 15: a deployment is ready while something asks for its runs; those that are due come in order.
#[actix_rt::test]
async fn a_deployment_is_ready_while_somebody_asks() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made = deploy(&api, &place, &etl, ("d", json!({"paused": true}))).await;
    let path = path(&place, &made);
    let at = |seconds: i64| (app.app.now() + jiff::SignedDuration::from_secs(seconds)).to_string();
    for (name, seconds) in [("later", 30), ("sooner", 10), ("far", 5000)] {
        let state = json!({"type": "SCHEDULED", "state_details": {"scheduled_time": at(seconds)}});
        let asked = json!({"name": name, "state": state});
        api.post(&format!("{path}/create_flow_run"), asked).await.assert_status(201);
    }
    let poll = format!("{place}/deployments/get_scheduled_flow_runs");
    let asked = json!({"deployment_ids": [made["id"]], "scheduled_before": at(60)});
    assert_eq!(names(&api.post(&poll, asked).await), ["sooner", "later"]);
    let all = json!({"deployment_ids": [made["id"], etl], "limit": 2});
    assert_eq!(names(&api.post(&poll, all).await), ["sooner", "later"]);
    api.post(&poll, json!({})).await.assert_status(422);
    api.post(&poll, json!({"deployment_ids": [], "limit": 201})).await.assert_status(422);
    let status = async || api.get(&path).await.json()["status"].clone();
    assert_eq!(status().await, "READY");
    app.advance(59);
    assert_eq!(status().await, "READY");
    app.advance(2);
    assert_eq!(status().await, "NOT_READY");
    assert!(api.get(&path).await.json()["last_polled"].is_string());
}

/// DEP-12, DEP-14, semantics.md 9, 24: pausing stops schedules only; with a deployment go its schedules and the runs that
/// wait; with a flow go its deployments.
#[actix_rt::test]
async fn a_deployment_is_paused_and_deleted() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let more = json!({"schedules": [{"schedule": {"interval": 60}}]});
    let made = deploy(&api, &place, &etl, ("d", more)).await;
    let path = path(&place, &made);
    for (step, paused) in [("pause", true), ("pause", true), ("resume", false)] {
        let told = api.post(&format!("{path}/{step}_deployment"), json!({})).await;
        assert_eq!(told.assert_status(200).text, "null");
        let now = api.get(&path).await.json();
        assert_eq!(
            (&now["paused"], &now["schedules"][0]["active"]),
            (&json!(paused), &json!(true))
        );
    }
    api.send("PATCH", &path, Some(json!({"paused": true}))).await.assert_status(204);
    let create = format!("{path}/create_flow_run");
    api.post(&create, json!({"name": "waits"})).await.assert_status(201);
    let began = api.post(&create, json!({"name": "began"})).await.assert_status(201).json();
    let began = format!("{place}/flow_runs/{}", began["id"].as_str().unwrap());
    set(&api, &began, "RUNNING").await;
    // api.md §5.1: a run of a deployment is scheduled again.
    set(&api, &began, "FAILED").await;
    let (_, told) = set(&api, &began, "SCHEDULED").await;
    assert_eq!(told["status"], "ACCEPT");
    set(&api, &began, "RUNNING").await;
    api.send("DELETE", &path, None).await.assert_status(204);
    api.send("DELETE", &path, None).await.assert_status(404);
    let left = api.post(&format!("{place}/flow_runs/filter"), json!({})).await;
    assert_eq!(names(&left), ["began"]);
    assert_eq!(left.json()[0]["deployment_id"], made["id"]);
    for (event, times) in [
        ("deployment.created", 1),
        ("deployment.paused", 2),
        ("deployment.resumed", 1),
        ("deployment.deleted", 1),
    ] {
        assert_eq!(app.audited(event).await, times, "{event}");
    }
    let ada = app.sign_in("ada").await;
    let page = format!("/workspaces/acme/data/flow-runs/{}", began.rsplit('/').next().unwrap());
    ada.get(&page).await.assert_status(200).shows("deleted deployment");
    deploy(&api, &place, &etl, ("d", json!({}))).await;
    api.send("DELETE", &format!("{place}/flows/{}", etl.as_str().unwrap()), None)
        .await
        .assert_status(204);
    assert_eq!(api.post(&format!("{place}/deployments/count"), json!({})).await.text, "0");
    app.assert_audit_is_whole().await;
}

/// DEP-15, ALL-02, permissions.md: who may look sees, who may run runs, and nobody else changes anything.
#[actix_rt::test]
async fn roles_do_what_they_may() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made =
        deploy(&api, &place, &etl, ("d", json!({"schedules": [{"schedule": {"interval": 60}}]})))
            .await;
    let path = path(&place, &made);
    let schedule = format!("{path}/schedules/{}", made["schedules"][0]["id"].as_str().unwrap());
    let poll = format!("{place}/deployments/get_scheduled_flow_runs");
    for (role, run, polls, write) in [
        (Role::Viewer, 403, 403, 403),
        (Role::Runner, 201, 403, 403),
        (Role::Worker, 201, 200, 403),
        (Role::Developer, 201, 200, 204),
    ] {
        let name = role.as_str();
        let person = member(&app, name).await;
        app.give_role(("acme", "data"), name, role).await;
        let key = app.api(&key_of(&person).await);
        key.get(&path).await.assert_status(200);
        key.post(&format!("{path}/create_flow_run"), json!({})).await.assert_status(run);
        key.post(&poll, json!({"deployment_ids": [made["id"]]})).await.assert_status(polls);
        key.send("PATCH", &path, Some(json!({"tags": [name]}))).await.assert_status(write);
        key.send("PATCH", &schedule, Some(json!({"active": true}))).await.assert_status(write);
        let page = format!("/workspaces/acme/data/deployments/{}", made["id"].as_str().unwrap());
        let shown = person.get(&page).await;
        shown.assert_status(200).shows("every minute");
        let acts = shown.attributes("main form", "action");
        assert_eq!(acts.is_empty(), write == 403, "{name}: {acts:?}");
        if write == 403 {
            person.get(&format!("{page}/delete")).await.assert_status(403);
            key.send("DELETE", &path, None).await.assert_status(403);
        }
    }
}

/// SCH-01, DEP-01, DEP-12, DEP-19, ALL-06, ALL-13: the pages show deployments and their schedules, and change them.
#[actix_rt::test]
async fn pages_show_and_change_them() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let ada = app.sign_in("ada").await;
    let list = "/workspaces/acme/data/deployments";
    ada.get(list).await.assert_status(200).shows("No deployments yet");
    ada.get("/workspaces/acme/data").await.link("Deployments");
    let etl = flow(&api, &place, "etl").await;
    let more = json!({"description": "Loads <b>all</b>", "tags": ["prod"], "version": "7", "entrypoint": "a.py:f",
        "version_info": {"type": "vcs:git", "version": "7", "branch": "main", "commit_sha": "9f2c41d"},
        "parameters": {"note": "ho", "old": 1}, "parameter_openapi_schema": schema(), "job_variables": {"cpu": 1},
        "pull_steps": [{"prefect.deployments.steps.git_clone": {"repository": "git@example:feeds.git"}}],
        "schedules": [{"schedule": {"cron": "0 6 * * 1-5", "timezone": "Europe/Berlin"}, "parameters": {"x": 1}},
            {"schedule": {"interval": 5400.0, "anchor_date": "2026-11-23T08:15:34Z", "timezone": "UTC"}, "active": false}]});
    let made = deploy(&api, &place, &etl, ("nightly", more)).await;
    deploy(&api, &place, &etl, ("by-hand", json!({}))).await;
    let path = path(&place, &made);
    let due = api
        .post(
            &format!("{path}/create_flow_run"),
            json!({"name": "quiet-otter", "parameters": {"x": 1}}),
        )
        .await;
    let due = due.assert_status(201).json();
    let began = api
        .post(
            &format!("{path}/create_flow_run"),
            json!({"name": "calm-heron", "parameters": {"x": 1}}),
        )
        .await;
    set(&api, &format!("{place}/flow_runs/{}", began.json()["id"].as_str().unwrap()), "RUNNING")
        .await;

    let shown = ada.get(list).await;
    shown
        .shows("2 deployments")
        .shows("0 6 * * 1-5")
        .shows("Europe/Berlin, and 1 more")
        .shows("calm-heron")
        .shows("Not deployed to a pool");
    for (asked, here, gone) in [
        ("q=NIGHT", "nightly", "by-hand"),
        ("q=by", "by-hand", "nightly"),
        ("tag=prod", "nightly", "by-hand"),
        ("schedule=active", "nightly", "by-hand"),
        ("schedule=none", "by-hand", "nightly"),
    ] {
        ada.get(&format!("{list}?{asked}"))
            .await
            .shows(here)
            .lacks(gone)
            .shows("1 deployment")
            .link("Clear");
    }
    ada.get(&format!("{list}?schedule=paused")).await.shows("No deployment matches.");
    let page = shown.link("nightly");
    let shown = ada.get(&page).await;
    for words in [
        "Not deployed to a pool",
        "0 6 * * 1-5",
        "1 parameter differs",
        "every 90 minutes",
        "Active",
        "Paused",
        "quiet-otter",
        "calm-heron",
        "Loads <b>all</b>",
        "a.py:f",
        "9f2c41d",
        "main",
        "git_clone",
        "whole number",
        "\"ho\"",
        "instead of",
        "unknown to the flow",
        "Parameters are checked before a run is made.",
    ] {
        shown.shows(words);
    }
    ada.get(&shown.link("View all"))
        .await
        .shows("calm-heron")
        .lacks("quiet-otter")
        .shows("of nightly");
    let gone = ada.submit_form(&page, &format!("{page}/pause"), &[]).await;
    ada.get(&gone.location()).await.shows("nightly is paused").shows("Paused with the deployment");
    ada.get(&format!("{list}?schedule=paused")).await.shows("nightly");
    let back = ada.submit_form(&page, &format!("{page}/resume"), &[]).await;
    ada.get(&back.location())
        .await
        .shows("nightly is resumed.")
        .lacks("Paused with the deployment");
    let resumed = ada.get(&page).await.attributes("main form", "action");
    let resume =
        resumed.iter().find(|at| at.contains("/schedules/") && at.ends_with("/resume")).unwrap();
    let done = ada.submit_form(&page, resume, &[]).await;
    ada.get(&done.location()).await.shows("The schedule “every 90 minutes” is resumed.");
    let delete = ada.get(&page).await.links_containing("/schedules/");
    ada.get(&delete[0]).await.shows("Delete schedule").shows("The next deploy from code");
    ada.submit(&delete[0], &[]).await.assert_redirect_to(&page);
    assert_eq!(api.get(&path).await.json()["schedules"].as_array().unwrap().len(), 1);

    ada.get(&format!("/workspaces/acme/data/flows/{}", etl.as_str().unwrap()))
        .await
        .shows("by-hand")
        .shows("nightly");
    let of_run = format!("/workspaces/acme/data/flow-runs/{}", due["id"].as_str().unwrap());
    assert_eq!(ada.get(&of_run).await.link("nightly"), page);
    let accounts = place.split('/').collect::<Vec<_>>();
    let client = format!(
        "/account/{}/workspace/{}/deployments/deployment/{}",
        accounts[3],
        accounts[5],
        made["id"].as_str().unwrap()
    );
    ada.get(&client).await.assert_redirect_to(&page);
    let delete = format!("{page}/delete");
    ada.get(&delete)
        .await
        .shows("Its schedules go too: 0 6 * * 1-5 (Europe/Berlin)")
        .shows("1 scheduled run is removed. 1 run in progress goes on; 0 finished runs stay")
        .shows("Delete deployment");
    let gone = ada.submit(&delete, &[]).await;
    ada.get(&gone.location()).await.shows("Deleted nightly.").lacks("0 6 * * 1-5");
    ada.get(&page).await.assert_status(404);
    ada.get("/workspaces/acme/data").await.shows("Deployments 1");
}
