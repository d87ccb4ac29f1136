//! The pages of runs: tasks, times, lists and what leads from one to the other.

use serde_json::{Value, json};

use super::flow_runs::{data, flow, run, set};
use crate::support::{ApiClient, TestApp, spawn};

fn id_of(made: &Value) -> &str {
    made["id"].as_str().unwrap()
}

async fn make_task(api: &ApiClient, place: &str, flow_run: &Value, more: Value) -> Value {
    let mut body = json!({"flow_run_id": flow_run["id"], "dynamic_key": "0"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    api.post(&format!("{place}/task_runs/"), body).await.assert_status(201).json()
}

/// A line of a run at the present moment; `task` is null for one of the flow itself.
async fn say(
    app: &TestApp,
    (api, place): (&ApiClient, &str),
    run: &Value,
    task: &Value,
    text: &str,
) {
    let line = json!([{"name": "prefect", "level": 40, "message": text, "flow_run_id": run["id"],
        "task_run_id": task["id"], "timestamp": app.app.now().to_string()}]);
    api.post(&format!("{place}/logs/"), line).await.assert_status(201);
}

/// pages.md, ALL-13: a run of a task has a page with its states, inputs, tries and lines; the client's link leads there.
#[actix_rt::test]
async fn a_run_of_a_task_has_a_page() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    let made = run(&api, &place, &etl, json!({"name": "amber-heron"})).await;
    let run_path = format!("{place}/flow_runs/{}", id_of(&made));
    set(&api, &run_path, "RUNNING").await;
    let source = json!({"name": "extract-0", "task_key": "extract"});
    let source = make_task(&api, &place, &made, source).await;
    let inputs = json!({"rows": [{"input_type": "task_run", "id": source["id"]}],
        "day": [{"input_type": "parameter", "name": "when"}], "size": []});
    let sum = json!({"name": "sum-0", "task_key": "sum", "tags": ["heavy"], "task_inputs": inputs,
        "empirical_policy": {"retries": 1, "retry_delay": 5}});
    let task = make_task(&api, &place, &made, sum).await;
    let path = format!("{place}/task_runs/{}", id_of(&task));
    set(&api, &path, "RUNNING").await;
    set(&api, &path, "FAILED").await;

    let ada = app.sign_in("ada").await;
    let page = format!("/workspaces/acme/data/task-runs/{}", id_of(&task));
    let shown = ada.get(&page).await;
    shown
        .assert_status(200)
        .shows("Awaiting retry")
        .shows("The next try is due")
        .shows("1 of 2, 5 s apart");
    app.advance(5);
    set(&api, &path, "RUNNING").await;
    let trace = "Traceback (most recent call last):\n  File \"sum.py\", line 8, in sum\nValueError: no rows";
    say(&app, (&api, &place), &made, &task, trace).await;
    say(&app, (&api, &place), &made, &Value::Null, "Beginning flow run").await;
    app.advance(1);
    let failed = json!({"state": {"type": "FAILED", "message": format!("It broke.\n{trace}")}});
    api.post(&format!("{path}/set_state"), failed).await.assert_status(201);

    let shown = ada.get(&page).await;
    for text in [
        "sum-0",
        "It broke.",
        "Retrying",
        "Failed",
        "2 of 2, 5 s apart",
        "heavy",
        "etl",
        "parameter when",
        "a value, of no other task",
        "1 s",
    ] {
        shown.shows(text);
    }
    shown.lacks("Beginning flow run");
    let source_page = format!("/workspaces/acme/data/task-runs/{}", id_of(&source));
    assert_eq!(shown.link("extract-0"), source_page);
    let run_page = format!("/workspaces/acme/data/flow-runs/{}", id_of(&made));
    assert_eq!(shown.link("amber-heron"), run_page);
    assert_eq!(shown.select("#logs pre").len(), 1);
    assert!(shown.text.contains("(most recent call last):\n  File"), "its lines are kept");
    assert_eq!(shown.attributes("#logs pre", "tabindex"), ["0"]);
    ada.get(&format!("{page}?q=nothing")).await.shows("No line matches.");
    let file = ada.get(&format!("{page}/logs")).await;
    assert!(file.assert_status(200).text.contains("ValueError: no rows"));
    assert!(!file.text.contains("Beginning flow run"));

    // The lines of the flow's run name their task, and are narrowed to it.
    let shown = ada.get(&run_page).await;
    shown.shows("Beginning flow run");
    assert_eq!(shown.select("#logs li a"), ["sum-0"]);
    assert_eq!(shown.attributes("#logs li a", "href"), std::slice::from_ref(&page));
    assert_eq!(shown.attributes(".gantt a", "href"), [source_page.clone(), page.clone()]);
    ada.get(&format!("{run_page}?task=sum-0"))
        .await
        .shows("ValueError")
        .lacks("Beginning flow run");
    ada.get(&format!("{run_page}?task=other")).await.shows("No line matches.");

    let (account, workspace) =
        place.trim_start_matches("/api/accounts/").split_once("/workspaces/").unwrap();
    let link = format!("/account/{account}/workspace/{workspace}/runs/task-run/{}", id_of(&task));
    ada.get(&link).await.assert_redirect_to(&page);
    app.user("eve").await.get(&page).await.assert_status(404);
    ada.get(&source_page.replace(id_of(&source), "no-id")).await.assert_status(404);
}

/// ALL-19, SP-44: pages show times by the clock of whoever looks, with UTC in the title; days begin there.
#[actix_rt::test]
async fn times_go_by_the_clock_of_whoever_looks() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    // 09:24 UTC is 22:24 in Auckland, 13 hours ahead; two hours later it is the next day there.
    let early = run(&api, &place, &etl, json!({"name": "early-bird"})).await;
    say(&app, (&api, &place), &early, &Value::Null, "hello").await;
    app.advance(2 * 3600);
    run(&api, &place, &etl, json!({"name": "late-owl"})).await;

    let ada = app.sign_in("ada").await;
    let page = format!("/workspaces/acme/data/flow-runs/{}", id_of(&early));
    ada.get(&page).await.shows("2026-11-23 09:24:00 UTC").shows("09:24:00.000");
    ada.submit_form("/profile", "Save", &[("time_zone", "Mars/Olympus")])
        .await
        .assert_status(422)
        .shows("There is no time zone of that name. Use one like Europe/Berlin, or UTC.");
    ada.submit_form("/profile", "Save", &[("time_zone", "pacific/auckland")])
        .await
        .assert_redirect_to("/profile");
    let profile = ada.get("/profile").await;
    assert_eq!(profile.attributes("#time_zone", "value"), ["Pacific/Auckland"]);

    let shown = ada.get(&page).await;
    shown.shows("2026-11-23 22:24:00 NZDT").shows("22:24:00.000");
    let titles = shown.attributes("#live time", "title");
    assert!(titles.iter().all(|title| title.contains("2026-11-23 09:24:00 UTC")), "{titles:?}");
    let list = "/workspaces/acme/data/flow-runs";
    ada.get(&format!("{list}?from=2026-11-24")).await.shows("late-owl").lacks("early-bird");
    ada.get(&format!("{list}?to=2026-11-23")).await.shows("early-bird").lacks("late-owl");
    let log = ada.get("/organizations/acme/audit-log?from=2026-11-24").await;
    let days = log.select("tbody time");
    assert!(
        !days.is_empty() && days.iter().all(|day| day.starts_with("2026-11-24 00:24")),
        "{days:?}"
    );
    // Others keep their own clock.
    app.make_user("bob", bulkhead::access::identify::Verified::Mailed).await;
    let bob = app.sign_in("bob").await;
    assert_eq!(bob.get("/profile").await.attributes("#time_zone", "value"), ["UTC"]);
}

/// The number that a list says it has.
fn count(text: &str) -> i64 {
    text.split_whitespace().next().unwrap().replace(',', "").parse().unwrap()
}

/// pages.md: runs that began and those that wait for their time are two lists, each with an order and an exact count.
#[actix_rt::test]
async fn past_and_upcoming_runs_are_two_lists() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    for (name, tag) in [("first", "a"), ("second", "b"), ("third", "a")] {
        run(&api, &place, &etl, json!({"name": name, "tags": [tag]})).await;
        app.advance(60);
    }
    for (name, hour) in [("sooner", 12), ("later", 18)] {
        let at = format!("2026-11-24T{hour}:00:00Z");
        let waits = json!({"name": name, "state": {"type": "SCHEDULED",
            "state_details": {"scheduled_time": at}}});
        run(&api, &place, &etl, waits).await;
    }
    let ada = app.sign_in("ada").await;
    let list = "/workspaces/acme/data/flow-runs";
    let said = async |query: &str| {
        let page = ada.get(&format!("{list}{query}")).await;
        page.assert_status(200);
        let status = page.select("[role=status]").join(" ");
        (count(&status), page.select("tbody td:first-child a"))
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(said("").await, (3, names(&["third", "second", "first"])));
    assert_eq!(said("?sort=oldest").await, (3, names(&["first", "second", "third"])));
    assert_eq!(said("?state=scheduled").await, (2, names(&["sooner", "later"])));
    assert_eq!(said("?state=scheduled&sort=newest").await, (2, names(&["later", "sooner"])));
    // Every filter has its exact count.
    assert_eq!(said("?tag=a").await, (2, names(&["third", "first"])));
    assert_eq!(said("?q=IR").await, (2, names(&["third", "first"])));
    assert_eq!(said("?tag=a&q=th&sort=oldest").await, (1, names(&["third"])));
    assert_eq!(said("?state=open&flow=etl").await.0, 3);
    assert_eq!(said("?state=ended").await, (0, Vec::new()));
    assert_eq!(said("?flow=none").await, (0, Vec::new()));
    let page = ada.get(&format!("{list}?tag=a")).await;
    assert_eq!(page.link("Upcoming"), format!("{list}?state=scheduled&tag=a"));
    let flow_page = format!("/workspaces/acme/data/flows/{}", etl.as_str().unwrap());
    ada.get(&flow_page).await.shows("2 upcoming").shows("third").lacks("sooner");
}

/// A list turns its pages in either order.
#[actix_rt::test]
async fn a_list_turns_its_pages_in_either_order() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    for n in 0..30 {
        run(&api, &place, &etl, json!({"name": format!("run-{n:02}")})).await;
        app.advance(1);
    }
    let ada = app.sign_in("ada").await;
    for (sort, first, last) in [("newest", 29, 0), ("oldest", 0, 29)] {
        let page = ada.get(&format!("/workspaces/acme/data/flow-runs?sort={sort}")).await;
        page.shows(&format!("run-{first:02}")).lacks(&format!("run-{last:02}"));
        let next = ada.get(&page.link("Next")).await;
        assert_eq!(next.select("tbody td:first-child a").len(), 5);
        next.shows(&format!("run-{last:02}"));
        let back = ada.get(&next.link("Previous")).await;
        assert_eq!(back.select("tbody td:first-child a"), page.select("tbody td:first-child a"));
    }
}

/// pages.md: each counter and each short list of the dashboard leads to the list of just those.
#[actix_rt::test]
async fn the_dashboard_agrees_with_the_lists_that_it_leads_to() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    for (n, state) in
        ["COMPLETED", "FAILED", "CRASHED", "COMPLETED", "FAILED", "RUNNING"].iter().enumerate()
    {
        let made = run(&api, &place, &etl, json!({"name": format!("run-{n}")})).await;
        let path = format!("{place}/flow_runs/{}", id_of(&made));
        set(&api, &path, "RUNNING").await;
        if *state != "RUNNING" {
            set(&api, &path, state).await;
        }
        // Over more than a day, and past midnight.
        app.advance(6 * 3600);
    }
    run(&api, &place, &etl, json!({"state": {"type": "SCHEDULED"}})).await;
    let ada = app.sign_in("ada").await;
    ada.submit_form("/profile", "Save", &[("time_zone", "Asia/Kathmandu")])
        .await
        .assert_status(303);
    for period in ["day", "week", "month"] {
        let dashboard = ada.get(&format!("/workspaces/acme/data?period={period}")).await;
        let (numbers, links) =
            (dashboard.select(".stats b"), dashboard.attributes(".stats a", "href"));
        assert!(numbers.len() >= 5);
        for (number, link) in numbers.iter().zip(&links) {
            let list = ada.get(link).await;
            let status = list.select("[role=status]").join(" ");
            assert_eq!(count(&status), number.parse::<i64>().unwrap(), "{link}");
        }
    }
    let dashboard = ada.get("/workspaces/acme/data").await;
    let failures = dashboard.select(".split section:first-child li a");
    let all = ada.get("/workspaces/acme/data/flow-runs?state=failures").await;
    assert_eq!(failures, all.select("tbody td:first-child a"));
    assert!(dashboard.links_containing("state=failures").len() == 1);
}
