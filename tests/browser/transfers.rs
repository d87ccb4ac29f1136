//! A workspace on its way to an organization, with the other side's yes, and back.

use bulkhead::access::organization::OrganizationRole;
use bulkhead::base::db::Locks;
use bulkhead::base::db::schema::{accounts, flow_runs};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::{ApiClient, Client, Script, TestApp, spawn};
use crate::tenancy::service_accounts::key_of;
use crate::tenancy::transfers::lab;

/// T5 … T14: choose, review, request; the other side approves; the receipt; undo.
#[actix_rt::test]
async fn a_workspace_is_transferred_and_comes_back() {
    a_way(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_workspace_is_transferred_and_comes_back_without_scripts() {
    a_way(Script::Off).await;
}

async fn a_way(script: Script) {
    let app = spawn().await;
    let owner = app.user("ada").await;
    owner.workspace("lab").await;
    let bob = app.user("bob").await;
    let invite = "/workspaces/ada/lab/collaborators/invite";
    owner.submit(invite, &[("email", "bob@example.org")]).await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.submit_form(&link, "accept", &[]).await.assert_status(303);
    let eve = app.user("eve").await;
    eve.submit("/organizations/new", &[("name", "Northwind"), ("handle", "northwind")])
        .await
        .assert_status(303);
    app.user("max").await;
    app.make_member("northwind", "max", OrganizationRole::Admin).await;

    let ada = app.browser(script).await;
    ada.sign_in("ada").await.open("/workspaces/ada/lab/settings").await;
    ada.open_menu("Workspace options").await.click_link("Transfer").await;
    ada.is_at("/workspaces/ada/lab/settings/transfer").await.is_sound("transfer-choose").await;
    ada.fill("Another organization (by its handle; its admins must approve)", "nobody").await;
    ada.click_button("Review").await.shows("There is no account of that handle").await;
    ada.is_sound("transfer-wrong").await;
    ada.fill("Another organization (by its handle; its admins must approve)", "northwind").await;
    ada.click_button("Review").await.shows("2 people lose access").await.shows("Bob").await;
    ada.is_sound("transfer-review").await;
    ada.fill("A note to the others (optional)", "As we said").await;
    ada.check("I understand that at once 2 people lose access.").await;
    ada.fill("Type ada/lab to confirm", "ada/lab").await;
    ada.click_button("Request transfer").await.shows("Waits for Northwind").await;
    ada.is_sound("transfer-waits").await;
    ada.open("/workspaces/ada/lab").await.shows("This workspace is to move to Northwind.").await;

    let eve = app.browser(script).await;
    eve.sign_in("eve").await.shows("Transfers that wait for you").await;
    eve.is_sound("workspaces-with-transfer").await;
    eve.click_link("Review the transfer of ada/lab").await.shows("As we said").await;
    eve.lacks("Bob").await.is_sound("transfer-approve").await;
    eve.fill("Type ada/lab to confirm", "ada/lab").await;
    eve.click_button("Transfer").await.shows("Transferred").await;
    eve.is_sound("transfer-receipt").await;
    eve.click_link("Open the workspace").await.is_at("/workspaces/northwind/lab").await;

    ada.open("/workspaces/ada/lab").await.shows("404").await;
    ada.open("/workspaces").await;
    eve.open("/workspaces/ada/lab").await.is_at("/workspaces/northwind/lab").await;
}

/// Sets a run to a state, wherever its workspace is by now.
async fn set_state(api: &ApiClient, place: &str, run: &Value, state: &str) {
    let path = format!("{place}/flow_runs/{}/set_state", run["id"].as_str().unwrap());
    let told = api.post(&path, json!({"state": {"type": state}})).await;
    assert_eq!(told.assert_status(201).json()["status"], "ACCEPT");
}

/// Ada's own `lab` with Bob in it, six runs of months ago, which Acme does not keep, two young ones, and one that goes on.
async fn history(app: &TestApp) -> (Client, ApiClient, String, Value) {
    let (ada, _, place) = lab(app).await;
    let api = app.api(&key_of(&ada).await);
    let flows = api.post(&format!("{place}/flows/filter"), json!({})).await.json();
    let make = async |name: &str, state: &str| {
        let run = json!({"flow_id": flows[0]["id"], "name": name, "state": {"type": state}});
        api.post(&format!("{place}/flow_runs/"), run).await.assert_status(201).json()
    };
    for number in 0..8 {
        make(&format!("{}-{number}", if number < 6 { "old" } else { "young" }), "COMPLETED").await;
    }
    let now = app.app.now();
    let aged = app.app.db.write(Locks::Instance, move |db| {
        let mut days = 90;
        let runs: Vec<String> = flow_runs::table
            .filter(flow_runs::name.like("old-%"))
            .order(flow_runs::name)
            .select(flow_runs::name)
            .load(db)?;
        for name in runs {
            let old = flow_runs::table.filter(flow_runs::name.eq(name));
            diesel::update(old).set(flow_runs::ended_at.eq(now.plus_days(-days))).execute(db)?;
            days -= 10;
        }
        let acme = accounts::table.filter(accounts::handle.eq("acme"));
        Ok(diesel::update(acme).set(accounts::run_retention_days.eq(30)).execute(db)?)
    });
    assert_eq!(aged.await.unwrap(), 1);
    let running = make("drifting", "RUNNING").await;
    // That one was made for nothing that is to be seen here.
    let first = api.post(&format!("{place}/flow_runs/filter"), json!({})).await.json();
    let first = first.as_array().unwrap().iter().find(|run| run["name"] == "first").unwrap();
    set_state(&api, &place, first, "COMPLETED").await;
    (ada, api, place, running)
}

/// 1.14 (4), (6), SP-27, SP-28: what goes is seen as a chart and as a file; somebody who loses access is invited; it
/// moves once nothing runs.
#[actix_rt::test]
async fn a_transfer_waits_for_runs_and_invites() {
    waits_and_invites(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_transfer_waits_for_runs_and_invites_without_scripts() {
    waits_and_invites(Script::Off).await;
}

async fn waits_and_invites(script: Script) {
    let app = spawn().await;
    let (_, api, place, running) = history(&app).await;
    let ada = app.browser(script).await;
    ada.sign_in("ada").await.open("/workspaces/ada/lab/settings/transfer").await;
    ada.choose("To", "Acme").await;
    ada.click_button("Review").await.shows("6 flow runs are removed").await;
    assert!(ada.things("image").await.iter().any(|thing| {
        thing.name.starts_with("Flow runs by when they ended") && thing.name.contains("3 are kept")
    }));
    assert!(ada.has("link", "Download these runs (CSV)").await);
    ada.open_menu("Invite people who lose access to Acme").await;
    ada.is_sound("transfer-losing-runs").await;
    ada.on_paper().await.looks("transfer-losing-runs-printed").await.device_theme("light").await;
    ada.check("Bob bob@example.org").await;
    ada.check("Wait until no flow run is going on").await;
    ada.check("I understand that 6 flow runs are removed, with their task runs and logs.").await;
    ada.check("I understand that at once 1 person loses access.").await;
    ada.fill("Type ada/lab to confirm", "ada/lab").await;
    ada.click_button("Transfer").await.shows("Waits for flow runs to end").await;
    ada.shows("1 person is invited to Acme").await.is_sound("transfer-waits-for-runs").await;
    let page = ada.path().await;
    set_state(&api, &place, &running, "COMPLETED").await;
    app.run_jobs().await;
    ada.open(&page).await.shows("Transferred").await.shows("bob@example.org · as a member").await;
    ada.is_sound("transfer-receipt-of-runs").await;
    let bob = app.browser(script).await;
    bob.sign_in("bob").await.shows("Accept the invitation to acme").await;
}

/// SP-28: what was going on is on the receipt, and is ended there.
#[actix_rt::test]
async fn a_receipt_ends_what_was_going_on() {
    ends_what_runs(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_receipt_ends_what_was_going_on_without_scripts() {
    ends_what_runs(Script::Off).await;
}

async fn ends_what_runs(script: Script) {
    let app = spawn().await;
    history(&app).await;
    let ada = app.browser(script).await;
    ada.sign_in("ada").await.open("/workspaces/ada/lab/settings/transfer?target=acme").await;
    ada.check("I understand that 6 flow runs are removed, with their task runs and logs.").await;
    ada.check("I understand that at once 1 person loses access.").await;
    ada.fill("Type ada/lab to confirm", "ada/lab").await;
    ada.click_button("Transfer").await.shows("Flow runs that were going on").await;
    let page = ada.path().await;
    ada.shows("drifting").await.is_sound("transfer-receipt-going-on").await;
    ada.click_link("Mark crashed drifting").await.is_sound("run-crash").await;
    ada.click_button("Mark crashed").await.shows("Crashed").await;
    ada.open(&page).await.shows("Transferred").await.lacks("Flow runs that were going on").await;
    ada.fill("Type acme/lab to confirm", "acme/lab").await;
    ada.click_button("Undo the transfer").await.shows("Undone").await;
    ada.open("/workspaces/ada/lab/flow-runs").await.shows("old-0").await;
}

/// G5, 1.14, 1: what deleting does is said by name, and kept for those who may restore it.
#[actix_rt::test]
async fn a_deletion_says_what_goes() {
    let app = spawn().await;
    history(&app).await;
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open("/workspaces/ada/lab/settings/delete").await;
    ada.shows("2 people lose access").await.is_sound("delete-with-runs").await;
    ada.fill("Type ada/lab to confirm", "ada/lab").await;
    ada.click_button("Delete workspace").await.is_at("/workspaces").await;
    ada.click_link("Restore or delete now lab").await.shows("What deleting it did").await;
    ada.is_sound("deleted-with-runs").await;
}
