//! What happens while a transfer waits (lifecycles.md 2).

use bulkhead::access::organization::OrganizationRole;
use bulkhead::access::role::Role;

use super::members::acme;
use super::sharing::member;
use super::transfers::{DATA, LAB, approve, confirm, elsewhere, lab, transfer};
use crate::support::{Client, invariants, spawn};

/// Asks for a transfer on the morning of 25 November; the page of the transfer.
async fn scheduled(client: &Client, page: &str, query: &str, path: &str) -> String {
    let opened = client.get(&format!("{page}?{query}")).await;
    let mut form = opened.form(page, "confirm");
    for ack in opened.attributes("input[name=ack]", "value") {
        form.fields.push(("ack".to_owned(), ack));
    }
    let ahead = [("confirm", path), ("time", "2026-11-25T02:00")];
    client.fill(form, &ahead).await.assert_status(303).location()
}

/// Whoever asked closes the account: the others decide still.
#[actix_rt::test]
async fn it_stays_when_whoever_asked_is_gone() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let olga = member(&app, "olga").await;
    app.give_role(("acme", "data"), "olga", Role::Owner).await;
    let page = transfer(&olga, DATA, "other=elsewhere&handle=data", "acme/data").await;
    olga.submit("/profile/delete", &[("confirm", "olga")]).await.assert_status(303);
    ada.get(&page).await.shows("Waits for Acme").shows("Olga");
    approve(&ada, &page, "acme/data").await.assert_status(303);
    approve(&eve, &page, "acme/data").await.assert_status(303);
    eve.get("/workspaces/elsewhere/data").await.assert_status(200);
    invariants::assert_hold(&app.database.location);
}

/// Whoever said yes for the target decides over it no more when the time has come: it asks the target again.
#[actix_rt::test]
async fn a_yes_ends_with_the_right_to_give_it() {
    let app = spawn().await;
    let (ada, ..) = lab(&app).await;
    let eve = elsewhere(&app).await;
    let max = app.user("max").await;
    app.make_member("elsewhere", "max", OrganizationRole::Admin).await;
    let page = scheduled(&ada, LAB, "other=elsewhere&handle=lab", "ada/lab").await;
    approve(&max, &page, "ada/lab").await.assert_status(303);
    ada.get(&page).await.shows("Scheduled for 2026-11-25 02:00 UTC");
    max.submit("/organizations/elsewhere/leave", &[]).await.assert_status(303);
    app.advance(3 * 86_400);
    app.run_jobs().await;
    let (ada, eve_again) = (app.sign_in("ada").await, app.sign_in("eve").await);
    ada.get(&page).await.shows("Waits for Elsewhere");
    ada.get("/workspaces/ada/lab").await.assert_status(200);
    drop(eve);
    approve(&eve_again, &page, "ada/lab").await.assert_status(303);
    eve_again.get("/workspaces/elsewhere/lab").await.assert_status(200);
}

/// The target keeps runs for fewer days by then: both sides are asked again.
#[actix_rt::test]
async fn fewer_days_are_asked_for_again() {
    let app = spawn().await;
    let (ada, ..) = lab(&app).await;
    let page = scheduled(&ada, LAB, "target=acme&handle=lab", "ada/lab").await;
    ada.submit("/organizations/acme/policy", &[("run_retention_days", "10")])
        .await
        .assert_status(303);
    app.advance(3 * 86_400);
    app.run_jobs().await;
    let ada = app.sign_in("ada").await;
    ada.get(&page).await.shows("Waits for Ada").shows("kept for 10 days");
    approve(&ada, &page, "ada/lab").await.assert_status(303);
    ada.get("/workspaces/acme/lab").await.assert_status(200);
}

/// Renamed, it goes on under its new path; deleted, it ends, also when the workspace is restored.
#[actix_rt::test]
async fn it_follows_a_rename_and_ends_with_a_deletion() {
    let app = spawn().await;
    let (ada, ..) = lab(&app).await;
    let eve = elsewhere(&app).await;
    let page = transfer(&ada, LAB, "other=elsewhere&handle=lab", "ada/lab").await;
    let edit = [("handle", "studio"), ("description", "")];
    ada.submit("/workspaces/ada/lab/settings/edit", &edit).await.assert_status(303);
    eve.get(&page).await.shows("ada/studio").shows("Type ada/studio to confirm");
    ada.submit("/workspaces/ada/studio/settings/delete", &[("confirm", "ada/studio")])
        .await
        .assert_status(303);
    let told = app.inbox("eve@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "The transfer of ada/studio is void");
    let deleted = ada.get("/workspaces").await.link("Restore");
    ada.submit_form(&deleted, "Restore", &[]).await.assert_status(303);
    eve.get(&page).await.shows("Void");
    ada.get("/workspaces/ada/studio").await.assert_status(200).lacks("is to move to");
    invariants::assert_hold(&app.database.location);
}

/// An old address in the target gives way to what comes there; a form that is sent twice asks once.
#[actix_rt::test]
async fn an_old_address_gives_way_and_twice_is_once() {
    let app = spawn().await;
    let (ada, ..) = lab(&app).await;
    let edit = [("handle", "archive"), ("description", "")];
    ada.submit("/workspaces/acme/data/settings/edit", &edit).await.assert_status(303);
    ada.get("/workspaces/acme/data").await.assert_redirect_to("/workspaces/acme/archive");
    let opened = ada.get(&format!("{LAB}?target=acme&handle=data")).await;
    let (first, second) = tokio::join!(
        confirm(&ada, &opened, LAB, "ada/lab"),
        confirm(&ada, &opened, LAB, "ada/lab")
    );
    // Whichever came second finds the transfer, or the workspace gone.
    let (one, other) = if first.status == 303 { (first, second) } else { (second, first) };
    let place = one.assert_status(303).location();
    assert!(other.status == 404 || other.location() == place, "{}", other.text);
    ada.get("/workspaces/acme/data").await.assert_status(200).shows("data");
    ada.get("/workspaces/acme/archive").await.assert_status(200);
    ada.get("/workspaces/ada/lab").await.assert_redirect_to("/workspaces/acme/data");
    invariants::assert_hold(&app.database.location);
}
