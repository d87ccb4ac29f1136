//! Searches that are saved under a name, through the API and on the pages.

use bulkhead::access::role::Role;
use serde_json::{Value, json};

use super::flow_runs::{data, flow, run, set};
use crate::support::{Answer, ApiClient, spawn};
use crate::tenancy::service_accounts::key_of;
use crate::tenancy::sharing::member;

async fn put(api: &ApiClient, place: &str, body: Value) -> Answer {
    api.send("PUT", &format!("{place}/saved_searches/"), Some(body)).await
}

fn condition(property: &str, value: impl Into<Value>) -> Value {
    json!({"object": "flow_run", "property": property, "type": "string", "operation": "equals", "value": value.into()})
}

/// api.md §5.4, IV-10, ALL-11: a search is kept under its name, replaced, found, and deleted; what does not change is
/// not recorded.
#[actix_rt::test]
async fn a_search_is_kept_under_its_name() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let filters = json!([condition("state", json!("failed")), condition("number", json!(1.50))]);
    let body = json!({"name": " Nightly ", "filters": filters});
    let made = put(&api, &place, body.clone()).await.assert_status(201).json();
    assert_eq!((&made["name"], &made["filters"]), (&json!("Nightly"), &filters));
    let path = format!("{place}/saved_searches/{}", made["id"].as_str().unwrap());
    app.advance(60);
    assert_eq!(put(&api, &place, body).await.assert_status(200).json(), made);
    let other = json!({"name": "Nightly", "filters": []});
    let changed = put(&api, &place, other).await.assert_status(200).json();
    assert_eq!((&changed["id"], &changed["created"]), (&made["id"], &made["created"]));
    assert_ne!(changed["updated"], made["updated"]);
    let exact = r#"{"name":"All","filters":[{"object":"a","property":"b","type":"c","operation":"d","value":1.50}]}"#;
    let kept = api.send_text("PUT", &format!("{place}/saved_searches/"), exact.to_owned()).await;
    assert!(kept.assert_status(201).text.contains("\"value\":1.50"), "digits stay");
    let list = format!("{place}/saved_searches/filter");
    let names = |answer: Answer| -> Vec<String> {
        let rows = answer.assert_status(200).json();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(api.post(&list, json!({})).await), ["All", "Nightly"]);
    assert_eq!(names(api.post(&list, json!({"limit": 1, "offset": 1})).await), ["Nightly"]);
    for wrong in [
        json!({"name": "  "}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "x", "more": 1}),
        json!({"name": "x", "filters": [{"object": "flow_run"}]}),
        json!({"name": "x", "filters": vec![condition("state", json!("failed")); 101]}),
        json!({"name": "x", "filters": [condition("state", json!("x".repeat(70_000)))]}),
    ] {
        put(&api, &place, wrong).await.assert_status(422);
    }
    api.post(&list, json!({"limit": 201})).await.assert_status(422);
    api.send("DELETE", &path, None).await.assert_status(204);
    api.send("DELETE", &path, None).await.assert_status(404);
    api.get(&path).await.assert_status(404);
    for (event, times) in
        [("saved-search.created", 2), ("saved-search.updated", 1), ("saved-search.deleted", 1)]
    {
        assert_eq!(app.audited(event).await, times, "{event}");
    }
    app.assert_audit_is_whole().await;
}

/// ALL-02, IV-10: a workspace has so many at most; who may only look saves none; another workspace has its own.
#[actix_rt::test]
async fn searches_have_a_bound_and_a_place() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    for number in 0..200 {
        put(&api, &place, json!({"name": format!("s{number}")})).await.assert_status(201);
    }
    let full = put(&api, &place, json!({"name": "one more"})).await;
    assert!(full.assert_status(409).text.contains("at most 200 saved searches"), "{}", full.text);
    put(&api, &place, json!({"name": "s7", "filters": [condition("state", json!("x"))]}))
        .await
        .assert_status(200);
    let vera = member(&app, "vera").await;
    app.give_role(("acme", "data"), "vera", Role::Viewer).await;
    let key = app.api(&key_of(&vera).await);
    let rows = key.post(&format!("{place}/saved_searches/filter"), json!({})).await.json();
    assert_eq!(rows.as_array().unwrap().len(), 200);
    put(&key, &place, json!({"name": "mine"})).await.assert_status(403);
    vera.get("/workspaces/acme/data/saved-searches/new").await.assert_status(403);
    let list = vera.get("/workspaces/acme/data/saved-searches").await;
    list.assert_status(200).shows("s199").lacks("Delete");
    vera.get("/workspaces/acme/data/flow-runs?state=failed").await.lacks("Save this search");
}

/// pages.md, ALL-06: what the list of flow runs is narrowed by is saved from there, and is one click away then.
#[actix_rt::test]
async fn a_list_is_saved_where_it_is_narrowed() {
    let app = spawn().await;
    let (api, place) = data(&app).await;
    let etl = flow(&api, &place, "etl").await;
    for (name, end) in [("good-heron", "COMPLETED"), ("bad-heron", "FAILED")] {
        let made = run(&api, &place, &etl, json!({"name": name})).await;
        set(&api, &format!("{place}/flow_runs/{}", made["id"].as_str().unwrap()), end).await;
    }
    let ada = app.sign_in("ada").await;
    let runs = "/workspaces/acme/data/flow-runs";
    ada.get(runs).await.assert_status(200).lacks("Save this search").lacks("All saved searches");
    let narrowed = format!("{runs}?state=failed&flow=etl&q=heron");
    let save = ada.get(&narrowed).await.link("Save this search");
    ada.get(&save).await.shows("state failed · flow name etl · name contains heron");
    let wrong = ada.submit(&save, &[("name", " ")]).await;
    wrong.assert_status(422).shows("Give the search a name.").shows("state failed");
    let saved = ada.submit(&save, &[("name", "Broken herons")]).await;
    let saved = ada.get(&saved.location()).await;
    saved.shows("“Broken herons” is saved.").shows("bad-heron").lacks("good-heron");
    assert_eq!(saved.select("[aria-label='Saved searches'] [aria-current]"), ["Broken herons"]);
    saved.lacks("Save this search");
    let link = ada.get(runs).await.link("Broken herons");
    ada.get(&link).await.shows("bad-heron").lacks("good-heron");
    put(&api, &place, json!({"name": "Other", "filters": [condition("weight", json!(3))]}))
        .await
        .assert_status(201);
    ada.get(runs).await.lacks("Other");
    let list = ada.get("/workspaces/acme/data/saved-searches").await;
    list.shows("weight 3").shows("saved by a program");
    let delete = list.links_containing("/delete");
    assert_eq!(delete.len(), 2);
    ada.get(&delete[0]).await.shows("Delete Broken herons").shows("Delete saved search");
    let gone = ada.submit(&delete[0], &[]).await;
    ada.get(&gone.location()).await.shows("“Broken herons” is deleted.").shows("Other");
    // What the list cannot show is still found.
    ada.get(runs).await.lacks("Other").link("All saved searches");
    ada.get("/workspaces/acme/data").await.shows("Saved searches");
}
