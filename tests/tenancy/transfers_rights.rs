//! Who may do what with a transfer: asking is not deciding, and the same twice is once.

use bulkhead::access::role::Role;
use bulkhead::base::db::schema::{audit_entries, mails};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::members::acme;
use super::service_accounts::key_of;
use super::sharing::member;
use super::transfers::{DATA, approve, elsewhere, transfer};
use crate::support::{Answer, Client, TestApp, spawn};

/// Eve, who decides over `elsewhere` and is an owner of `acme/data`, asks to take it; and Ada, who decides over `acme`.
async fn asked(app: &TestApp) -> (Client, Client, String) {
    let ada = acme(app).await;
    let eve = elsewhere(app).await;
    app.make_member("acme", "eve", bulkhead::access::organization::OrganizationRole::Member).await;
    app.give_role(("acme", "data"), "eve", Role::Owner).await;
    let page = transfer(&eve, DATA, "target=elsewhere&handle=data", "acme/data").await;
    (ada, eve, page)
}

fn buttons(page: &Answer) -> Vec<String> {
    let mut words = page.select("main button");
    words.extend(page.select("main a.btn"));
    words.extend(page.select(".menu a"));
    words
}

fn offers(page: &Answer, words: &str) -> bool {
    buttons(page).iter().any(|button| button == words)
}

/// Entries of the audit log, and mails.
async fn traces(app: &TestApp) -> (i64, i64) {
    app.read(|db| {
        let entries = audit_entries::table.count().get_result(db)?;
        Ok((entries, mails::table.count().get_result(db)?))
    })
    .await
}

/// SP-23: who does not decide over the source asks; nothing on the way is called Transfer.
#[actix_rt::test]
async fn whoever_may_only_ask_is_offered_nothing_more() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    app.make_member("acme", "eve", bulkhead::access::organization::OrganizationRole::Member).await;
    app.give_role(("acme", "data"), "eve", Role::Owner).await;
    let review = format!("{DATA}?target=elsewhere&handle=data");
    for page in ["/workspaces", "/workspaces/acme/data/settings", &review] {
        let seen = eve.get(page).await;
        seen.assert_status(200);
        assert!(!offers(&seen, "Transfer"), "{page}: {:?}", buttons(&seen));
        assert!(offers(&seen, "Request transfer"), "{page}: {:?}", buttons(&seen));
    }
    for page in ["/workspaces", "/workspaces/acme/data/settings"] {
        assert!(offers(&ada.get(page).await, "Transfer"), "{page}");
    }
    let page = transfer(&eve, DATA, "target=elsewhere&handle=data", "acme/data").await;
    let seen = eve.get(&page).await;
    assert!(!offers(&seen, "Transfer") && !offers(&seen, "Approve"), "{:?}", buttons(&seen));
    assert!(offers(&seen, "Cancel transfer"));
    assert!(offers(&ada.get(&page).await, "Transfer"));
}

/// F-19: a yes that was given is no news when it is given again.
#[actix_rt::test]
async fn the_same_yes_twice_is_once() {
    let app = spawn().await;
    let (ada, eve, page) = asked(&app).await;
    let eves = app.api(&key_of(&eve).await);
    let path = format!("/api{page}");
    let seen = eves.get(&path).await.json();
    let yes = json!({"review_hash": seen["review"]["hash"], "acknowledge": seen["acknowledge"],
                     "confirm": "acme/data"});
    let before = traces(&app).await;
    for _ in 0..2 {
        let told = eves.post(&format!("{path}/approve"), yes.clone()).await;
        assert_eq!(told.assert_status(200).json(), json!({"moved": false}));
    }
    assert_eq!(traces(&app).await, before);
    approve(&ada, &page, "acme/data").await.assert_status(303);
    let before = traces(&app).await;
    for act in ["approve", "cancel", "decline"] {
        eves.post(&format!("{path}/{act}"), yes.clone()).await.assert_status(409);
    }
    assert_eq!(traces(&app).await, before);
    eve.get("/workspaces/elsewhere/data").await.assert_status(200);
    app.assert_audit_is_whole().await;
}

/// lifecycles.md 2: whoever asked takes it back as long as the workspace is theirs to ask for.
#[actix_rt::test]
async fn whoever_lost_the_workspace_cancels_nothing() {
    let app = spawn().await;
    let (ada, eve, page) = asked(&app).await;
    let eves = app.api(&key_of(&eve).await);
    let cancel = format!("/api{page}/cancel");
    app.take_role(("acme", "data"), "eve").await;
    let before = traces(&app).await;
    eves.send("POST", &cancel, None).await.assert_status(404);
    let seen = eve.get(&page).await;
    assert!(!offers(&seen, "Cancel transfer"), "{:?}", buttons(&seen));
    assert!(offers(&seen, "Decline"), "{:?}", buttons(&seen));
    assert_eq!(traces(&app).await, before);
    app.give_role(("acme", "data"), "eve", Role::Viewer).await;
    eves.send("POST", &cancel, None).await.assert_status(404);
    app.take_role(("acme", "data"), "eve").await;
    app.give_role(("acme", "data"), "eve", Role::Owner).await;
    eves.send("POST", &cancel, None).await.assert_status(204);
    eves.send("POST", &cancel, None).await.assert_status(409);
    ada.get(&page).await.shows("Cancelled");
}

/// BR-03, AZ-03: what is sent is looked at only for those who may.
#[actix_rt::test]
async fn the_right_is_judged_before_the_body() {
    let app = spawn().await;
    let (ada, eve, page) = asked(&app).await;
    let olaf = app.api(&key_of(&app.user("olaf").await).await);
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Owner).await;
    let vic = app.api(&key_of(&vic).await);
    let acts = ["approve", "decline", "undo"];
    let bad =
        [json!([]), json!({"confirm": 7, "reason": 7}), json!({"confirm": "x/y", "reason": ""})];
    let judged = async |api: &crate::support::ApiClient, status: u16| {
        for act in acts {
            for body in &bad {
                let told = api.post(&format!("/api{page}/{act}"), body.clone()).await;
                assert_eq!(told.status, status, "{act} {body}: {}", told.text);
            }
        }
    };
    judged(&olaf, 404).await;
    judged(&vic, 403).await;
    approve(&ada, &page, "acme/data").await.assert_status(303);
    judged(&olaf, 404).await;
    let eves = app.api(&key_of(&eve).await);
    let wrong = eves.post(&format!("/api{page}/undo"), json!({"confirm": "x/y"})).await;
    assert!(wrong.assert_status(422).json()["detail"].as_str().unwrap().contains("confirm"));
    let _: Value = eves.get(&format!("/api{page}")).await.assert_status(200).json();
}
