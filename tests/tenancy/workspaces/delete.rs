//! Deleting, restoring, and removing for good.

use bulkhead::access::WorkspaceId;
use bulkhead::base::db::schema::{audit_entries, invitations};
use bulkhead::tenancy::collaborators::contents::CONTENTS;
use bulkhead::tenancy::workspaces::queries;
use diesel::prelude::*;
use serde_json::json;

use super::{id_of, invite, let_in, rows_of};
use crate::support::{Client, TestApp, spawn, spawn_with};

const DAY: i64 = 24 * 60 * 60;
const PAGE: &str = "/workspaces/ada/lab/settings/delete";

/// Ada's workspace `lab` with a collaborator and an invitation.
async fn lab(app: &TestApp) -> (Client, Client, WorkspaceId) {
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    ada.workspace("lab").await;
    let id = id_of(app, "ada", "lab").await;
    let_in(app, id, "bob").await;
    invite(app, "ada", id, "eve@example.org").await;
    (ada, bob, id)
}

async fn delete(ada: &Client) {
    ada.submit(PAGE, &[("confirm", "ada/lab")]).await.assert_redirect_to("/workspaces");
}

async fn entry(app: &TestApp, event: &'static str) -> String {
    app.read(move |db| {
        Ok(audit_entries::table
            .filter(audit_entries::event.eq(event))
            .select(audit_entries::entry)
            .first(db)?)
    })
    .await
}

/// G5: the page counts what goes, names who is affected, and wants the whole path typed.
#[actix_rt::test]
async fn deleting_says_what_goes_and_wants_the_path_typed() {
    let app = spawn().await;
    let (ada, _, id) = lab(&app).await;
    let page = ada.get(PAGE).await;
    page.shows("Collaborators 1").shows("Pending invitations 1").shows("bob@example.org");
    page.shows("Type ada/lab to confirm").shows("7 December 2026");
    // Everybody by name, with where the access comes from, as a transfer's review says it.
    page.shows("2 people lose access").shows("ada@example.org · Owner of the account");
    page.shows("bob@example.org · Collaborator").shows("1 invitation is revoked");
    page.shows("A workspace slot of Ada is free again").shows("“lab” stays reserved");
    let foot = page.select("main .form-foot > *");
    assert_eq!(foot, ["Cancel", "Delete workspace"]);
    for typed in ["", "lab", "Ada/Lab", "ada/lab2"] {
        let answer = ada.submit(PAGE, &[("confirm", typed)]).await;
        answer.assert_status(422).shows("The workspace wasn’t deleted.");
    }
    assert_eq!(rows_of(&app, id).await, (1, 1, 1));
    ada.get("/workspaces/ada/lab").await.assert_status(200);
}

/// AU-17: deleting wants the password once more when it was given too long ago.
#[actix_rt::test]
async fn deleting_wants_a_recent_password() {
    let app = spawn().await;
    let (ada, _, id) = lab(&app).await;
    let form = ada.get(PAGE).await.form(PAGE, "");
    app.advance(11 * 60);
    for answer in [ada.get(PAGE).await, ada.fill(form, &[("confirm", "ada/lab")]).await] {
        answer.assert_status(303);
        assert!(answer.location().starts_with("/confirm-access?next="), "{}", answer.location());
    }
    assert_eq!(rows_of(&app, id).await, (1, 1, 1));
}

/// G6, EM-06: out of reach at once, invitations void, slot free, everybody told, all audited.
#[actix_rt::test]
async fn a_deleted_workspace_is_out_of_reach_at_once() {
    let app = spawn_with(|flags| flags.workspace_limit = Some(1)).await;
    let (ada, bob, id) = lab(&app).await;
    delete(&ada).await;
    let list = ada.get("/workspaces").await;
    list.shows("ada/lab was deleted. It can be restored until").shows("Deleted, restorable until");
    assert_eq!(list.link("Restore"), format!("/workspaces/deleted/{id}"));
    assert!(list.select("article").is_empty());
    bob.get("/workspaces").await.lacks("lab");
    for who in [&ada, &bob] {
        for rest in ["", "/settings", "/settings/edit", "/settings/delete", "/leave"] {
            who.get(&format!("/workspaces/ada/lab{rest}")).await.assert_status(404);
        }
    }
    bob.get(&format!("/workspaces/deleted/{id}")).await.assert_status(404);
    let voided: Vec<(String, Option<String>)> = app
        .read(|db| {
            Ok(invitations::table
                .select((invitations::state, invitations::void_reason))
                .load(db)?)
        })
        .await;
    assert_eq!(voided, [("void".to_owned(), Some("The workspace was deleted.".to_owned()))]);

    let told = app.inbox("bob@example.org").await;
    assert_eq!(told.last().unwrap().subject, "The workspace ada/lab was deleted");
    let told = app.inbox("ada@example.org").await;
    assert_eq!(told.last().unwrap().subject, "Your workspace ada/lab was deleted");
    assert_eq!(told.last().unwrap().link(), format!("/workspaces/deleted/{id}"));
    assert!(told.last().unwrap().html.contains("Restore the workspace"));
    let text = entry(&app, "workspace.deleted").await;
    assert!(
        text.contains(r#""path":"ada/lab""#) && text.contains(r#""collaborators":1"#),
        "{text}"
    );

    let refused = ada.submit("/workspaces/new", &[("handle", "lab")]).await;
    refused
        .assert_status(422)
        .shows("stays reserved for a deleted workspace")
        .shows("“lab-2” is free");
    ada.workspace("lab-2").await;
}

/// Restoring brings workspace and people back, and needs room; invitations stay void.
#[actix_rt::test]
async fn a_deleted_workspace_is_restored_when_there_is_room() {
    let app = spawn_with(|flags| flags.workspace_limit = Some(1)).await;
    let (ada, bob, id) = lab(&app).await;
    delete(&ada).await;
    let page = format!("/workspaces/deleted/{id}");
    let form = ada.get(&page).await.form(&page, "Restore");
    ada.workspace("other").await;
    ada.get(&page).await.shows("There is no room for it.").shows("ada uses 1 of 1 workspaces");
    let refused = ada.fill(form.clone(), &[]).await;
    refused.assert_status(409).shows("ada uses 1 of 1 workspaces");
    let other = "/workspaces/ada/other/settings/delete";
    ada.submit(other, &[("confirm", "ada/other")]).await.assert_status(303);

    ada.fill(form.clone(), &[]).await.assert_redirect_to("/workspaces/ada/lab");
    ada.get("/workspaces/ada/lab").await.assert_status(200).shows("ada/lab is restored");
    bob.get("/workspaces/ada/lab").await.assert_status(200).shows("Pending invitations 0");
    ada.fill(form, &[]).await.assert_redirect_to("/workspaces/ada/lab");
    ada.get(&page).await.assert_redirect_to("/workspaces/ada/lab");
    assert_eq!(app.audited("workspace.restored").await, 1);
    // What it tells is over, so the mail is not sent any more.
    let told = app.inbox("bob@example.org").await;
    assert!(told.iter().all(|mail| !mail.subject.contains("deleted")));
    app.assert_audit_is_whole().await;
}

/// After its days of grace a workspace cannot be restored, and everything of it is removed.
#[actix_rt::test]
async fn a_workspace_is_removed_after_its_days_of_grace() {
    let app = spawn().await;
    let (ada, _, id) = lab(&app).await;
    ada.submit("/workspaces/ada/lab/settings/edit", &[("handle", "bench")])
        .await
        .assert_status(303);
    ada.submit("/workspaces/ada/bench/settings/delete", &[("confirm", "ada/bench")])
        .await
        .assert_status(303);
    app.advance(14 * DAY - 60);
    app.run_jobs().await;
    assert_eq!(rows_of(&app, id).await, (1, 1, 1));
    app.advance(120);
    let ada = app.sign_in("ada").await;
    let page = format!("/workspaces/deleted/{id}");
    ada.get(&page).await.assert_status(200).shows("can’t be restored");
    ada.get("/workspaces").await.lacks("restorable");
    app.run_jobs().await;
    assert_eq!(rows_of(&app, id).await, (0, 0, 0));
    ada.get(&page).await.assert_status(404);
    ada.get("/workspaces/ada/lab").await.assert_status(404);
    let text = entry(&app, "workspace.purged").await;
    let counts = r#""counts":{"collaborators":1,"former handles":1,"pending invitations":1}"#;
    assert!(text.contains(counts) && text.contains(r#""kind":"system""#), "{text}");
    assert!(entry(&app, "workspace.deleted").await.contains("ada/bench"));
    ada.workspace("bench").await;
    app.run_jobs().await;
    assert_eq!(app.audited("workspace.purged").await, 1);
    app.assert_audit_is_whole().await;
}

/// A purge that stopped half-way goes on, and its entry still tells the whole.
#[actix_rt::test]
async fn a_purge_that_stopped_goes_on() {
    let app = spawn().await;
    let (ada, _, id) = lab(&app).await;
    for n in 0..5 {
        app.user(&format!("c{n}")).await;
        let_in(&app, id, &format!("c{n}")).await;
    }
    delete(&ada).await;
    app.advance(15 * DAY);
    app.app
        .db
        .ingest(move |db| {
            let removed = (CONTENTS[0].purge)(db, id, 2)?;
            assert_eq!(removed, 2);
            Ok(queries::add_purged(db, id, CONTENTS[0].many, removed)?)
        })
        .await
        .unwrap();
    assert_eq!(rows_of(&app, id).await, (4, 1, 1));
    app.run_jobs().await;
    assert_eq!(rows_of(&app, id).await, (0, 0, 0));
    assert!(entry(&app, "workspace.purged").await.contains(r#""collaborators":6"#));
}

/// Delete now: typed once more, then gone with the next round of the job.
#[actix_rt::test]
async fn the_days_of_grace_can_be_ended() {
    let app = spawn().await;
    let (ada, _, id) = lab(&app).await;
    delete(&ada).await;
    let page = format!("/workspaces/deleted/{id}");
    let wrong = ada.submit_form(&page, "Delete now", &[("confirm", "lab")]).await;
    wrong.assert_status(422).shows("Type it exactly like that");
    let form = ada.get(&page).await.form(&page, "Delete now");
    let restore = ada.get(&page).await.form(&page, "Restore");
    app.advance(11 * 60);
    let stale = ada.get(&page).await;
    assert!(stale.link("Delete now").starts_with("/confirm-access?next="));
    let late = ada.fill(form, &[("confirm", "ada/lab")]).await;
    assert!(late.location().starts_with("/confirm-access?next="), "{}", late.location());

    let again = app.sign_in("ada").await;
    let done = again.submit_form(&page, "Delete now", &[("confirm", "ada/lab")]).await;
    done.assert_redirect_to("/workspaces");
    ada.fill(restore, &[]).await.assert_status(410).shows("can’t be restored");
    app.run_jobs().await;
    assert_eq!(rows_of(&app, id).await, (0, 0, 0));
    assert_eq!(app.audited("workspace.grace-ended").await, 1);
}

/// Without days of grace a workspace is deleted at once.
#[actix_rt::test]
async fn without_days_of_grace_nothing_is_kept() {
    let app = spawn_with(|flags| flags.deletion_grace_days = 0).await;
    let (ada, _, id) = lab(&app).await;
    ada.get(PAGE).await.shows("It can’t be undone");
    delete(&ada).await;
    ada.get("/workspaces").await.shows("ada/lab was deleted.").lacks("restorable");
    let told = app.inbox("ada@example.org").await;
    assert!(told.last().unwrap().text.contains("It can’t be restored."));
    app.run_jobs().await;
    assert_eq!(rows_of(&app, id).await, (0, 0, 0));
    ada.workspace("lab").await;
}

/// F-19: deleting twice is deleting once.
#[actix_rt::test]
async fn two_deletions_at_once_are_one() {
    let app = spawn().await;
    let (ada, _, _) = lab(&app).await;
    let form = ada.get(PAGE).await.form(PAGE, "");
    let fields = [("confirm", "ada/lab")];
    let (one, other) =
        futures_util::join!(ada.fill(form.clone(), &fields), ada.fill(form, &fields));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
    assert_eq!(app.audited("workspace.deleted").await, 1);
    assert_eq!(app.inbox("bob@example.org").await.len(), 1);
}

/// G5, G6, 1.14, 1: what deleting did is kept as long as it can be restored, for those who decide over the account, and
/// told to all who lose access.
#[actix_rt::test]
async fn a_deletion_leaves_a_receipt() {
    let app = spawn().await;
    let (ada, bob, id) = lab(&app).await;
    let key = crate::tenancy::service_accounts::key_of(&bob).await;
    let api = app.api(&key);
    let place = api.get("/api/me/workspaces").await.json()[0].clone();
    let place = format!(
        "/api/accounts/{}/workspaces/{}",
        place["account_id"].as_str().unwrap(),
        place["workspace_id"].as_str().unwrap()
    );
    let flow = api.post(&format!("{place}/flows/"), json!({"name": "etl"})).await.json();
    let run = json!({"flow_id": flow["id"], "name": "first", "state": {"type": "RUNNING"}});
    api.post(&format!("{place}/flow_runs/"), run).await.assert_status(201);
    let page = ada.get(PAGE).await;
    page.shows("1 flow is removed").shows("1 flow run with their task runs and logs is removed");
    page.shows("1 API key loses access").shows("Bob · last used").shows("1 flow run is going on");
    delete(&ada).await;
    let deleted = format!("/workspaces/deleted/{id}");
    ada.get(&deleted).await.shows("What deleting it did").shows("bob@example.org · Collaborator");
    for (format, told) in [
        ("md", "# Deletion of ada/lab"),
        ("csv", "loses,source,contents-removed,1,1 flow is removed"),
        ("json", "\"code\": \"people-lose\""),
    ] {
        let file = ada.get(&format!("{deleted}/receipt?format={format}")).await;
        assert!(file.assert_status(200).text.contains(told), "{}", file.text);
    }
    bob.get(&format!("{deleted}/receipt?format=md")).await.assert_status(404);
    ada.submit_form(&deleted, "Restore", &[]).await.assert_status(303);
    ada.get(&format!("{deleted}/receipt?format=md")).await.assert_status(404);
}

/// T7, G6: who has access as everybody in an organization loses it too, and is told.
#[actix_rt::test]
async fn everybody_in_an_organization_is_told() {
    let app = spawn().await;
    let ada = crate::tenancy::members::acme(&app).await;
    crate::tenancy::sharing::member(&app, "vic").await;
    let page = "/workspaces/acme/data/settings/delete";
    ada.get(page).await.shows("1 person loses access").lacks("vic@example.org");
    crate::tenancy::sharing::set_default(&ada, "viewer").await;
    ada.get(page)
        .await
        .shows("2 people lose access")
        .shows("vic@example.org · Viewer as everybody");
    ada.submit(page, &[("confirm", "acme/data")]).await.assert_status(303);
    let told = app.inbox("vic@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "The workspace acme/data was deleted");
    assert_eq!(
        app.inbox("ada@example.org").await.pop().unwrap().subject,
        "Your workspace acme/data was deleted"
    );
}

/// lifecycles.md 3: a deletion that nobody stands behind any more is taken back by itself, and the owners are told; one by
/// somebody who may do it still is not.
#[actix_rt::test]
async fn a_deletion_needs_somebody_behind_it() {
    use bulkhead::access::role::Role;
    let app = spawn().await;
    let ada = crate::tenancy::members::acme(&app).await;
    let olga = crate::tenancy::sharing::member(&app, "olga").await;
    app.give_role(("acme", "data"), "olga", Role::Owner).await;
    let page = "/workspaces/acme/data/settings/delete";
    olga.submit(page, &[("confirm", "acme/data")]).await.assert_status(303);
    app.run_jobs().await;
    ada.get("/workspaces/acme/data").await.assert_status(404);
    app.take_role(("acme", "data"), "olga").await;
    app.advance(3600);
    app.run_jobs().await;
    let ada = app.sign_in("ada").await;
    ada.get("/workspaces/acme/data").await.assert_status(200);
    let told = app.inbox("ada@example.org").await;
    assert!(told.iter().any(|mail| mail.subject == "acme/data is back"));
    assert_eq!(app.audited("workspace.restored").await, 1);
    // The same at the end of its days, between two looks; and whoever says "now" stands behind it from then on.
    app.give_role(("acme", "data"), "olga", Role::Owner).await;
    let olga = app.sign_in("olga").await;
    olga.submit(page, &[("confirm", "acme/data")]).await.assert_status(303);
    let id = id_of(&app, "acme", "data").await;
    let deleted = format!("/workspaces/deleted/{id}");
    ada.submit_form(&deleted, "Delete now", &[("confirm", "acme/data")]).await.assert_status(303);
    app.take_role(("acme", "data"), "olga").await;
    app.advance(3600);
    app.run_jobs().await;
    assert_eq!(app.audited("workspace.purged").await, 1);
    app.assert_audit_is_whole().await;
}
