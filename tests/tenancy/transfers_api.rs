//! Transfers by a program: the review without a transfer, both consents, the list, and the way back.

use bulkhead::access::role::Role;
use serde_json::{Value, json};

use super::members::acme;
use super::service_accounts::{bot, key_of};
use super::sharing::{member, share};
use crate::support::{ApiClient, TestApp, invariants, spawn};

/// The address of `acme/data`, and the keys of Ada, its admin, and of Eve, admin of `elsewhere`.
async fn two_sides(app: &TestApp) -> (String, ApiClient, ApiClient) {
    let ada = acme(app).await;
    let eve = app.user("eve").await;
    eve.submit("/organizations/new", &[("name", "Elsewhere"), ("handle", "elsewhere")])
        .await
        .assert_status(303);
    bot(app, &ada, "ingest").await;
    share(&ada, "ingest", "worker", "").await.assert_status(303);
    let api = app.api(&key_of(&ada).await);
    let place = api.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| place[name].as_str().unwrap().to_owned();
    let place = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    (place, api, app.api(&key_of(&eve).await))
}

fn part<'a>(review: &'a Value, code: &str) -> &'a Value {
    let parts = review["impacts"].as_array().unwrap();
    parts.iter().find(|part| part["code"] == code).unwrap_or(&Value::Null)
}

/// What a page asks to be ticked and typed, as a program says it.
fn yes(review: &Value, acknowledge: &Value) -> Value {
    json!({"review_hash": review["hash"], "acknowledge": acknowledge, "confirm": "acme/data"})
}

fn with(body: &Value, more: &Value) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// product.md 1.14, SP-24, SP-26, AZ-13: from the review to both consents, and back.
#[actix_rt::test]
async fn a_program_transfers_a_workspace_and_undoes_it() {
    let app = spawn().await;
    let (place, ada, eve) = two_sides(&app).await;
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Owner).await;
    let vic_key = app.api(&key_of(&vic).await);
    let to = json!({"account_handle": "elsewhere", "handle": "tides"});
    let dry =
        async |api: &ApiClient| api.post(&format!("{place}/transfer/review"), to.clone()).await;
    let seen = dry(&ada).await.assert_status(200).json();
    let review = &seen["review"];
    assert_eq!(part(review, "people-lose")["count"], 2, "{review}");
    assert_eq!(part(review, "service-accounts-lose")["subjects"][0]["name"], "ingest");
    assert_eq!(seen["acknowledge"], json!(["access"]));
    assert_eq!(seen["awaits_others"], true);
    assert_eq!(seen["source"]["workspaces"], json!({"used": 1, "after": 0, "limit": null}));
    assert_eq!(seen["target"]["workspaces"], Value::Null);
    dry(&eve).await.assert_status(404);
    for (body, words) in [
        (json!({"account_handle": "nobody"}), "There is no account of that handle"),
        (json!({"account_handle": "vic"}), "There is no account of that handle"),
        (json!({"account_handle": "acme"}), "It belongs to this account already"),
        (json!({"account_handle": "elsewhere", "handle": "No!"}), "handle: "),
    ] {
        let told = ada.post(&format!("{place}/transfer/review"), body).await;
        assert!(told.assert_status(422).json()["detail"].as_str().unwrap().contains(words));
    }
    // Nothing moves without what is acknowledged, the path, and the review as it is.
    let whole = with(&yes(review, &seen["acknowledge"]), &to);
    let start = format!("{place}/transfer");
    for (change, status) in [
        (json!({"acknowledge": []}), 422),
        (json!({"confirm": "acme/other"}), 422),
        (json!({"review_hash": "0"}), 409),
        (json!({"not_before": "2020-01-01T00:00:00Z"}), 422),
        (json!({"not_before": "soon"}), 422),
    ] {
        ada.post(&start, with(&whole, &change)).await.assert_status(status);
    }
    let made = ada.post(&start, whole.clone()).await.assert_status(201).json();
    assert_eq!((&made["state"], &made["awaits"]), (&json!("pending"), &json!("target")));
    ada.post(&start, whole).await.assert_status(409);
    let id = made["id"].as_str().unwrap().to_owned();
    let of = |rest: &str| format!("/api/transfers/{id}{rest}");
    // Each side finds it in its list; whoever is on neither does not, an owner by its address only.
    for (api, count) in [(&ada, 1), (&eve, 1), (&vic_key, 0)] {
        let filter = json!({"transfers": {"state": {"any_": ["pending"]}}});
        let list = api.post("/api/transfers/filter", filter).await.assert_status(200).json();
        assert_eq!(list.as_array().unwrap().len(), count);
    }
    let wrong = json!({"transfers": {"state": {"any_": ["gone"]}}});
    ada.post("/api/transfers/filter", wrong).await.assert_status(422);
    let zoe = app.user("zoe").await;
    app.api(&key_of(&zoe).await).get(&of("")).await.assert_status(404);
    // The other side sees its own part of it.
    let told = eve.get(&of("")).await.assert_status(200).json();
    assert_eq!(part(&told["review"], "people-lose"), &Value::Null);
    assert_eq!(part(&told["review"], "slot-used")["count"], 1);
    let answer = yes(&told["review"], &told["acknowledge"]);
    vic_key.post(&of("/approve"), answer.clone()).await.assert_status(403);
    eve.post(&of("/approve"), with(&answer, &json!({"review_hash": "0"}))).await.assert_status(409);
    let moved = eve.post(&of("/approve"), answer.clone()).await.assert_status(200).json();
    assert_eq!(moved, json!({"moved": true}));
    eve.post(&of("/approve"), answer).await.assert_status(409);
    ada.get(&place).await.assert_status(404);
    invariants::assert_hold(&app.database.location);
    let over = ada.get(&of("")).await.assert_status(200).json();
    assert_eq!(over["state"], "completed");
    assert_eq!(part(&over["review"], "people-lose")["count"], 2);
    ada.post(&of("/undo"), json!({"confirm": "acme/data"})).await.assert_status(422);
    ada.post(&of("/undo"), json!({"confirm": "elsewhere/tides"})).await.assert_status(204);
    ada.get(&place).await.assert_status(200);
    assert_eq!(eve.get(&of("")).await.json()["state"], "undone");
    ada.post(&of("/undo"), json!({"confirm": "acme/data"})).await.assert_status(409);
    app.assert_audit_is_whole().await;
}

/// A7, lifecycles.md 2: no, and taken back; a key for one workspace, one that reads, and a service account decide
/// nothing.
#[actix_rt::test]
async fn a_program_declines_and_cancels() {
    let app = spawn().await;
    let (place, ada, eve) = two_sides(&app).await;
    let to = json!({"account_handle": "elsewhere"});
    let ask = async || {
        let seen = ada.post(&format!("{place}/transfer/review"), to.clone()).await.json();
        let body = with(&yes(&seen["review"], &seen["acknowledge"]), &to);
        let made = ada.post(&format!("{place}/transfer"), body).await.assert_status(201).json();
        format!("/api/transfers/{}", made["id"].as_str().unwrap())
    };
    let first = ask().await;
    eve.post(&format!("{first}/cancel"), json!({})).await.assert_status(404);
    let no = json!({"reason": "Not yet."});
    eve.post(&format!("{first}/decline"), no.clone()).await.assert_status(204);
    eve.post(&format!("{first}/decline"), no).await.assert_status(409);
    let told = ada.get(&first).await.json();
    assert_eq!((&told["state"], &told["reason"]), (&json!("declined"), &json!("Not yet.")));
    let second = ask().await;
    let person = app.sign_in("ada").await;
    let made =
        person.submit("/profile/api-keys/new", &[("name", "reads"), ("read_only", "on")]).await;
    let key = made.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
    let reads = app.api(&key);
    reads.get(&second).await.assert_status(200);
    for act in ["cancel", "decline"] {
        reads.post(&format!("{second}/{act}"), json!({})).await.assert_status(403);
    }
    ada.post(&format!("{second}/cancel"), json!({})).await.assert_status(204);
    assert_eq!(eve.get(&second).await.json()["state"], "cancelled");
}
