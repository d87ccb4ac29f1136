//! Runs on the pages: dashboard, list, one run, flows, links of the client, cancel, delete, live.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::orchestration::flow_runs::{flow, run, set};
use crate::support::{ApiClient, Script, TestApp, spawn};
use crate::tenancy::service_accounts::key_of;

/// Ada's key, and the address of `ada/lab` on the API.
pub async fn lab(app: &TestApp) -> (ApiClient, String) {
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    let api = app.api(&key_of(&ada).await);
    let place = api.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| place[name].as_str().unwrap().to_owned();
    (api, format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id")))
}

/// The id of a task, with its number for N.
const TASK: &str = "01a20777-8625-78d9-9715-00000000000N";

/// A task of a run as the newer client tells it.
fn task(
    run: &Value,
    (number, name): (u128, &str),
    (kind, state): (&str, &str),
    from: i64,
) -> Value {
    let at = |second: i64| format!("2026-11-23T09:{:02}:{:02}.5Z", 4 + second / 60, second % 60);
    let id: Uuid = TASK.replace('N', &number.to_string()).parse().unwrap();
    json!({
        "id": Uuid::from_u128(id.as_u128() + 0x1000), "occurred": at(from + 20),
        "event": format!("prefect.task-run.{state}"),
        "resource": {"prefect.resource.id": format!("prefect.task-run.{id}"),
            "prefect.orchestration": "client"},
        "related": [{"prefect.resource.id": format!("prefect.flow-run.{}", run.as_str().unwrap()),
            "prefect.resource.role": "flow-run"}],
        "payload": {
            "validated_state": {"type": kind, "name": state,
                "message": if kind == "FAILED" { "ConnectTimeout: sftp.example:22" } else { "" }},
            "task_run": {"name": name, "task_key": name, "dynamic_key": "0",
                "run_count": if kind == "FAILED" { 3 } else { 1 }, "expected_start_time": at(from),
                "start_time": at(from), "end_time": at(from + 20), "total_run_time": 20.0},
        },
    })
}

/// Runs in several states; the id of one that failed, with tasks and lines.
async fn furnish(app: &TestApp, api: &ApiClient, place: &str) -> Value {
    let (feeds, orders) =
        (flow(api, place, "load-partner-feeds").await, flow(api, place, "normalize-orders").await);
    for hour in 0..6 {
        for flow in [&feeds, &orders] {
            let made = run(api, place, flow, json!({"tags": ["prod"]})).await;
            let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
            set(api, &path, "RUNNING").await;
            app.advance(40 + hour);
            set(api, &path, if hour == 4 { "CRASHED" } else { "COMPLETED" }).await;
        }
        app.advance(3500);
    }
    let made = json!({"name": "amber-heron", "tags": ["prod", "sftp"], "flow_version": "v12",
        "parameters": {"partners": "due", "timeout_s": 30}});
    let made = run(api, place, &feeds, made).await;
    let path = format!("{place}/flow_runs/{}", made["id"].as_str().unwrap());
    set(api, &path, "RUNNING").await;
    let tasks = json!([
        task(&made["id"], (1, "list-partners"), ("COMPLETED", "Completed"), 0),
        task(&made["id"], (2, "fetch-acme"), ("COMPLETED", "Completed"), 20),
        task(&made["id"], (3, "fetch-corvid"), ("FAILED", "Failed"), 25),
        task(
            &made["id"],
            (4, "load-warehouse-with-a-rather-long-name"),
            ("PENDING", "Pending"),
            50
        ),
    ]);
    api.post(&format!("{place}/events"), tasks).await.assert_status(204);
    let line = |level: i64, second: i64, message: &str| {
        let task = (level == 40).then(|| TASK.replace('N', "3"));
        json!({"name": "prefect.flow_runs", "level": level, "message": message, "task_run_id": task,
            "flow_run_id": made["id"], "timestamp": format!("2026-11-23T09:19:{second:02}.114Z")})
    };
    let lines = json!([
        line(20, 3, "Beginning flow run 'amber-heron' for flow 'load-partner-feeds'"),
        line(30, 36, "fetch-corvid: attempt 1 of 3 timed out after 30 s, retrying"),
        line(40, 37, "ConnectTimeout: sftp.example:22\n  File \"feeds/sftp.py\", line 88, in open"),
        line(10, 38, "Skipping load-warehouse"),
    ]);
    api.post(&format!("{place}/logs/"), lines).await.assert_status(201);
    app.advance(127);
    set(api, &path, "FAILED").await;
    let waits = json!({"state": {"type": "SCHEDULED", "state_details":
        {"scheduled_time": "2026-11-24T10:00:00Z"}}, "name": "pewter-crake"});
    run(api, place, &orders, waits).await;
    made["id"].clone()
}

/// W1, W4, api.md §1: what ran is on the pages, with and without scripts; the client's links lead there.
#[actix_rt::test]
async fn what_ran_is_on_the_pages() {
    let app = spawn().await;
    let (api, place) = lab(&app).await;
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open("/workspaces/ada/lab/flow-runs").await;
    ada.shows("No flow runs yet").await.is_sound("flow-runs-empty").await;
    ada.open("/workspaces/ada/lab/flows").await.shows("No flows yet").await;
    ada.open("/workspaces/ada/lab").await.shows("Connect a Prefect client").await;
    let failed = furnish(&app, &api, &place).await;
    let failed = failed.as_str().unwrap();
    for script in [Script::On, Script::Off] {
        let ada = app.browser(script).await;
        ada.sign_in("ada").await.open("/workspaces").await.is_sound("workspaces-runs").await;
        ada.open("/workspaces/ada/lab").await;
        ada.shows("Recent failures").await.shows("amber-heron").await.shows("pewter-crake").await;
        ada.shows("13 runs").await.is_sound("dashboard-runs").await;
        ada.click_link("Flow runs").await.is_at("/workspaces/ada/lab/flow-runs").await;
        ada.shows("13 flow runs").await.is_sound("flow-runs").await;
        ada.open("/workspaces/ada/lab/flow-runs?state=failed&tag=sftp").await;
        ada.shows("amber-heron").await.click_link("amber-heron").await;
        ada.shows("1 of 4 task runs failed.").await.shows("Beginning flow run").await;
        ada.shows("fetch-corvid").await.shows("3 tries").await.is_sound("flow-run").await;
        ada.open(&format!("/workspaces/ada/lab/flow-runs/{failed}?level=40&q=connect")).await;
        ada.shows("feeds/sftp.py").await;
        ada.open("/workspaces/ada/lab/flow-runs?state=scheduled").await;
        ada.shows("1 upcoming flow run").await.is_sound("flow-runs-upcoming").await;
        ada.open("/workspaces/ada/lab/flow-runs?q=nothing")
            .await
            .shows("No flow run matches.")
            .await;
        ada.click_link("Flows").await.shows("normalize-orders").await.is_sound("flows").await;
        ada.click_link("normalize-orders").await.shows("1 upcoming").await.is_sound("flow").await;
    }
    // The links of the client, with the ids of account and workspace.
    let (account, workspace) =
        place.trim_start_matches("/api/accounts/").split_once("/workspaces/").unwrap();
    let printed = format!("/account/{account}/workspace/{workspace}");
    for (link, to) in [
        (
            format!("{printed}/runs/flow-run/{failed}"),
            format!("/workspaces/ada/lab/flow-runs/{failed}"),
        ),
        (
            format!("{printed}/flow-runs/flow-run/{failed}"),
            format!("/workspaces/ada/lab/flow-runs/{failed}"),
        ),
        (format!("{printed}/dashboard"), "/workspaces/ada/lab".to_owned()),
        (printed.clone(), "/workspaces/ada/lab".to_owned()),
    ] {
        ada.open(&link).await.is_at(&to).await;
    }
}

/// ALL-10: an open page loses no change, neither before it listens nor while somebody has a menu of it open.
#[actix_rt::test]
async fn an_open_page_loses_no_change() {
    let app = spawn().await;
    let (api, place) = lab(&app).await;
    let flow = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &flow, json!({"name": "coral-skua"})).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("{place}/flow_runs/{id}");
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.is_deaf().await;
    ada.open(&format!("/workspaces/ada/lab/flow-runs/{id}")).await.shows("Pending").await;
    set(&api, &path, "RUNNING").await;
    ada.hears().await.shows("Running").await;
    ada.open_menu("Options for coral-skua").await.shows("Copy ID").await;
    set(&api, &path, "COMPLETED").await;
    actix_rt::time::sleep(std::time::Duration::from_secs(2)).await;
    ada.lacks("Completed").await.press(thirtyfour::Key::Escape).await;
    ada.shows("Completed").await;
    // The focus is where it was.
    assert_eq!(ada.focused().await.name, "Options for coral-skua");
}

/// W4, pages.md: a task's page tells its states, inputs and lines; its traceback scrolls by itself.
#[actix_rt::test]
async fn a_task_has_a_page_of_its_own() {
    let app = spawn().await;
    let (api, place) = lab(&app).await;
    let failed = furnish(&app, &api, &place).await;
    let failed = failed.as_str().unwrap();
    for script in [Script::On, Script::Off] {
        let ada = app.browser(script).await;
        ada.sign_in("ada").await.open(&format!("/workspaces/ada/lab/flow-runs/{failed}")).await;
        ada.click_link("fetch-corvid").await.shows("ConnectTimeout: sftp.example:22").await;
        ada.shows("Tries 3").await.shows("It takes none.").await.is_sound("task-run").await;
        ada.click_link("amber-heron").await.fill("Task", "fetch-corvid").await;
        ada.click_button("Apply").await.shows("feeds/sftp.py").await.lacks("Skipping").await;
        ada.looks("flow-run-of-one-task").await.click_link("Clear").await.shows("Skipping").await;
    }
}

/// 1.8, pages.md: who may cancels and deletes a run; an open page says what changed by itself.
#[actix_rt::test]
async fn a_run_is_cancelled_and_deleted_on_the_pages() {
    let app = spawn().await;
    let (api, place) = lab(&app).await;
    let flow = flow(&api, &place, "etl").await;
    for script in [Script::On, Script::Off] {
        let made = run(&api, &place, &flow, json!({"name": "coral-skua"})).await;
        let id = made["id"].as_str().unwrap();
        let (page, path) =
            (format!("/workspaces/ada/lab/flow-runs/{id}"), format!("{place}/flow_runs/{id}"));
        let ada = app.browser(script).await;
        ada.sign_in("ada").await.open(&page).await.shows("Pending").await;
        set(&api, &path, "RUNNING").await;
        if script == Script::Off {
            ada.open(&page).await;
        }
        ada.shows("Running").await;
        ada.click_link("Cancel").await.shows("No process is known").await;
        ada.is_sound("flow-run-cancel").await;
        ada.click_button("Cancel flow run").await.is_at(&page).await;
        ada.shows("coral-skua is being cancelled.").await;
        ada.open(&format!("{page}/delete")).await.is_sound("flow-run-delete").await;
        ada.click_button("Delete flow run").await.shows("coral-skua is deleted.").await;
        api.get(&path).await.assert_status(404);
    }
    assert_eq!(app.audited("flow-run.cancelled").await, 2);
}
