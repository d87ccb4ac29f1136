//! Transfers: the review, both consents, the move, and the way back.

use bulkhead::access::AccountId;
use bulkhead::access::organization::OrganizationRole;
use bulkhead::access::role::{Role, RoleId};
use bulkhead::base::db::schema::{
    accounts, audit_entries, flow_runs, invitations, memberships, organizations,
    service_account_grants, transfers, workspace_roles,
};
use bulkhead::base::db::{Id, Instant, Locks};
use diesel::prelude::*;
use serde_json::json;

use super::members::acme;
use super::roles::role;
use super::service_accounts::{bot, key_of};
use super::sharing::{add_member, member, share};
use crate::support::{Answer, ApiClient, Client, Socket, TestApp, invariants, spawn, spawn_with};

pub const LAB: &str = "/workspaces/ada/lab/settings/transfer";
pub const DATA: &str = "/workspaces/acme/data/settings/transfer";

/// Confirms a review that is open: everything ticked, the path typed.
pub async fn confirm(client: &Client, opened: &Answer, page: &str, path: &str) -> Answer {
    let mut form = opened.form_anyway(page, "confirm");
    let acks = opened.attributes("input[name=ack]", "value");
    form.fields.retain(|(name, _)| name != "ack" && name != "idle");
    form.fields.extend(acks.into_iter().map(|ack| ("ack".to_owned(), ack)));
    client.fill(form, &[("confirm", path)]).await
}

/// Asks for a transfer through the pages; the page of the transfer.
pub async fn transfer(client: &Client, page: &str, query: &str, path: &str) -> String {
    let opened = client.get(&format!("{page}?{query}")).await;
    let answer = confirm(client, &opened, page, path).await;
    answer.assert_status(303);
    let place = answer.location();
    assert!(place.starts_with("/transfers/"), "{place}");
    place
}

/// Says yes on a transfer's page.
pub async fn approve(client: &Client, page: &str, path: &str) -> Answer {
    let opened = client.get(page).await;
    confirm(client, &opened, page, path).await
}

/// An organization of somebody else.
pub async fn elsewhere(app: &TestApp) -> Client {
    let eve = app.user("eve").await;
    eve.submit("/organizations/new", &[("name", "Elsewhere"), ("handle", "elsewhere")])
        .await
        .assert_status(303);
    eve
}

/// Ada's own `lab`, with Bob in it, Pam invited, and a run; Ada is admin of `acme` too.
pub async fn lab(app: &TestApp) -> (Client, Client, String) {
    let ada = acme(app).await;
    ada.workspace("lab").await;
    let bob = app.user("bob").await;
    let invite = "/workspaces/ada/lab/collaborators/invite";
    ada.submit(invite, &[("email", "bob@example.org")]).await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.submit_form(&link, "accept", &[]).await.assert_status(303);
    ada.submit(invite, &[("email", "pam@example.org")]).await.assert_status(303);
    let api = app.api(&key_of(&ada).await);
    let places = api.get("/api/me/workspaces").await.json();
    let place = places
        .as_array()
        .unwrap()
        .iter()
        .find(|place| place["workspace_handle"] == "lab")
        .unwrap()
        .clone();
    let id = |name: &str| place[name].as_str().unwrap().to_owned();
    let place = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    let flow = api.post(&format!("{place}/flows/"), json!({"name": "etl"})).await.json();
    api.post(&format!("{place}/flow_runs/"), json!({"flow_id": flow["id"], "name": "first"}))
        .await
        .assert_status(201);
    (ada, bob, place)
}

/// All ids of rows that a transfer must not touch.
async fn contents(app: &TestApp) -> Vec<String> {
    app.read(|db| {
        let runs: Vec<Id<()>> =
            flow_runs::table.order(flow_runs::id).select(flow_runs::id).load(db)?;
        Ok(runs.iter().map(ToString::to_string).collect())
    })
    .await
}

/// T1, T2, T5, T7 … T14, SP-24, SP-25, SP-30, AZ-11, AZ-13: from a personal account to an organization of the
/// same person: at once, with everything that was said, and back.
#[actix_rt::test]
async fn a_personal_workspace_moves_to_an_organization_and_back() {
    let app = spawn().await;
    let (ada, bob, place) = lab(&app).await;
    let bobs_key = key_of(&bob).await;
    let bobs = app.api(&bobs_key);
    let before = contents(&app).await;
    ada.get("/workspaces/ada/lab/settings").await.shows("Transfer");
    bob.get(LAB).await.assert_status(403);
    let choose = ada.get(LAB).await;
    let groups = choose.assert_status(200).attributes("optgroup", "label");
    assert_eq!(groups, ["Organizations you administer"]);

    let page = format!("{LAB}?target=acme&handle=lab");
    let review = ada.get(&page).await;
    review.assert_status(200);
    for told in [
        "1 person loses access",
        "Bob",
        "bob@example.org · Collaborator",
        "1 API key loses access",
        "1 invitation is revoked",
        "pam@example.org",
        "1 flow run is going on",
        "Saved links change",
        "prefect cloud workspace set --workspace \"acme/lab\"",
        "A workspace slot of Ada is free again",
        "A workspace slot of Acme is used",
        "Acme’s audit log begins to track it",
        "1 person keeps access",
        "No charges on this server",
        "1 flow run with their task runs and logs",
        "I understand that at once 1 person loses access, 1 API key loses access.",
    ] {
        review.shows(told);
    }
    // T10: a personal account has no service accounts and no such log.
    review.lacks("service account").lacks("stops tracking").lacks("flow runs are removed");

    let file = ada.get(&review.links_containing("format=csv")[0]).await;
    assert!(file.assert_status(200).text.contains("invitations-end,1"), "{}", file.text);

    // AZ-13: nothing moves without the path, what is understood, and the review.
    let form = review.form(LAB, "confirm");
    ada.fill(form.clone(), &[("confirm", "ada/lab")])
        .await
        .assert_status(422)
        .shows("Tick what is lost");
    let mut stale = form.clone();
    stale.set("hash", "0");
    stale.fields.push(("ack".to_owned(), "access".to_owned()));
    ada.fill(stale, &[("confirm", "ada/lab")]).await.assert_status(409).shows("Something changed");
    confirm(&ada, &review, LAB, "ada/wrong").await.assert_status(422);
    assert_eq!(app.audited("workspace.transferred-out").await, 0);

    let receipt = transfer(&ada, LAB, "target=acme&handle=lab", "ada/lab").await;
    invariants::assert_hold(&app.database.location);
    assert_eq!(contents(&app).await, before);
    ada.get(&receipt).await.shows("Transferred").shows("1 person loses access").shows("Undo");
    // SP-28: what was going on still is, and can be ended from the receipt.
    let going_on = ada.get(&receipt).await;
    going_on.shows("Flow runs that were going on").shows("pending");
    let crash = going_on.links_containing("/crash")[0].clone();
    ada.get(&crash).await.shows("For a run whose process is gone");
    bob.get(&crash).await.assert_status(404);
    ada.submit(&crash, &[]).await.assert_status(303);
    ada.get(crash.trim_end_matches("/crash")).await.shows("Crashed").lacks("Mark crashed");
    ada.get(&crash).await.shows("This run has ended already.");
    ada.get(&receipt).await.lacks("Flow runs that were going on");
    assert_eq!(app.audited("flow-run.crashed").await, 1);

    bob.get(&receipt).await.assert_status(404);
    // The same words in every form.
    for (format, words) in [
        ("md", "- **1 person loses access** (source)"),
        ("csv", "action,source,people-lose,1,1 person loses access"),
        ("json", "\"code\": \"people-lose\""),
    ] {
        let file = ada.get(&format!("{receipt}/review?format={format}")).await;
        assert!(file.assert_status(200).text.contains(words), "{}", file.text);
        assert!(file.text.contains("bob@example.org"), "{}", file.text);
        let name = file.header("content-disposition").unwrap();
        assert_eq!(name, format!("attachment; filename=\"transfer-ada-lab.{format}\""));
    }
    bob.get(&format!("{receipt}/review?format=md")).await.assert_status(404);
    ada.get(&format!("{receipt}/review?format=exe")).await.assert_status(422);
    ada.get("/workspaces/acme/lab").await.assert_status(200);
    ada.get("/workspaces/ada/lab/flow-runs?q=first")
        .await
        .assert_redirect_to("/workspaces/acme/lab/flow-runs?q=first");
    bob.get("/workspaces/ada/lab").await.assert_status(404);
    bob.get("/workspaces/acme/lab").await.assert_status(404);
    // SP-30: the client's old address leads on, for those with access.
    let adas_key = key_of(&ada).await;
    let api = app.api(&adas_key);
    let moved = api.post(&format!("{place}/flow_runs/filter"), json!({})).await;
    moved.assert_status(308);
    let there = moved.location();
    let found = api.post(&there, json!({})).await.assert_status(200).json();
    assert_eq!(found[0]["name"], "first");
    bobs.post(&format!("{place}/flow_runs/filter"), json!({})).await.assert_status(404);
    // A socket tells its key in a frame, so it is served where it was opened.
    let old = format!("{place}/events/out");
    let head = [("sec-websocket-protocol", "prefect".to_owned())];
    let mut socket = Socket::open(&app.base, &old, &head).await.unwrap();
    socket.send(&json!({"type": "auth", "token": adas_key})).await;
    assert_eq!(socket.receive().await, json!({"type": "auth_success"}));
    let mut socket = Socket::open(&app.base, &old, &head).await.unwrap();
    socket.send(&json!({"type": "auth", "token": bobs_key})).await;
    assert_eq!(socket.end().await, 1008);
    let link = place.trim_start_matches("/api/accounts/").replace("/workspaces/", "/workspace/");
    ada.get(&format!("/account/{link}/dashboard")).await.assert_redirect_to("/workspaces/acme/lab");
    // Everyone is told; the pair of entries has one id.
    let told = app.inbox("bob@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "You have no access to ada/lab any more");
    let told = app.inbox("ada@example.org").await;
    assert!(told.iter().any(|mail| mail.subject == "ada/lab is acme/lab now"));
    for event in ["workspace.transferred-out", "workspace.transferred-in"] {
        let id = receipt.trim_start_matches("/transfers/").to_owned();
        let text: String = app
            .read(move |db| {
                let one = audit_entries::table.filter(audit_entries::event.eq(event));
                Ok(one.select(audit_entries::entry).first(db)?)
            })
            .await;
        assert!(text.contains(&id), "{text}");
    }
    // The handle waits for the way back.
    let taken = ada.submit("/workspaces/new", &[("handle", "lab")]).await;
    taken.assert_status(422).shows("stays reserved");

    // But not from itself: it may also be transferred back under it.
    let back = ada.get("/workspaces/acme/lab/settings/transfer?target=ada&handle=lab").await;
    back.assert_status(200).lacks("can’t be had").lacks("stays reserved");

    // The way back: people, invitation, addresses.
    ada.submit_form(&receipt, "Undo", &[("confirm", "ada/lab")]).await.assert_status(422);
    ada.submit_form(&receipt, "Undo", &[("confirm", "acme/lab")])
        .await
        .assert_redirect_to(&receipt);
    ada.get(&receipt).await.shows("Undone");
    invariants::assert_hold(&app.database.location);
    assert_eq!(contents(&app).await, before);
    bob.get("/workspaces/ada/lab").await.assert_status(200);
    bob.get("/workspaces/acme/lab").await.assert_redirect_to("/workspaces/ada/lab");
    api.post(&there, json!({})).await.assert_status(308);
    api.post(&format!("{place}/flow_runs/filter"), json!({})).await.assert_status(200);
    let open = app
        .read(|db| {
            let pams = invitations::table.filter(invitations::email_key.eq("pam@example.org"));
            Ok(pams.select(invitations::state).first::<String>(db)?)
        })
        .await;
    assert_eq!(open, "pending");
    assert_eq!(app.inbox("bob@example.org").await.pop().unwrap().subject, "ada/lab is back");
    app.assert_audit_is_whole().await;
}

/// T3, T4, T6, SP-24, IN-06: between organizations, asked for by an owner of the workspace who is no
/// admin: both sides say yes, each sees its own, and nobody else sees anything.
#[actix_rt::test]
async fn two_organizations_say_yes() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let dev = member(&app, "dev").await;
    app.give_role(("acme", "data"), "dev", Role::Owner).await;
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Viewer).await;
    let (_, bot_key) = bot(&app, &ada, "ingest").await;
    share(&ada, "ingest", "worker", "").await.assert_status(303);
    member(&app, "asked").await;
    add_member(&ada, "Asked", "viewer").await.assert_status(303);
    vic.get(DATA).await.assert_status(403);
    let refuse = async |word| {
        eve.submit("/organizations/elsewhere/policy", &[("refuses_transfers", word)]).await
    };
    refuse("on").await.assert_status(303);
    let refused = dev.get(&format!("{DATA}?other=elsewhere")).await;
    refused.assert_status(422).shows("There is no account of that handle");
    eve.get("/organizations/elsewhere").await.shows("Refused");
    refuse("").await.assert_status(303);
    // AZ-13, T4: targets that are not there, refuse, or are the same, answer with the reason and nothing else.
    for (target, words) in [
        ("nobody", "There is no account of that handle"),
        ("eve", "There is no account of that handle"),
        ("acme", "It belongs to this account already"),
    ] {
        dev.get(&format!("{DATA}?other={target}")).await.assert_status(422).shows(words);
    }
    let opened = dev.get(&format!("{DATA}?other=elsewhere&handle=tides")).await;
    opened.assert_status(200).shows("3 people lose access").shows("1 service account loses access");
    opened.shows("ingest").shows("You lose access").shows("Request transfer");
    opened
        .shows("All admins of Elsewhere get owner access")
        .lacks("Eve")
        .lacks("A workspace slot of Elsewhere");
    opened.shows("The audit log stops tracking it");
    let page = transfer(&dev, DATA, "other=elsewhere&handle=tides", "acme/data").await;
    dev.get(DATA).await.assert_redirect_to(&page);
    // SP-23: who is on neither side learns nothing.
    vic.get(&page).await.assert_status(404);
    app.user("zoe").await.get(&page).await.assert_status(404);
    vic.get("/workspaces/acme/data").await.shows("This workspace is to move to Elsewhere.");
    assert_eq!(
        app.inbox("vic@example.org").await.pop().unwrap().subject,
        "acme/data may move to elsewhere"
    );
    eve.get("/workspaces").await.shows("Transfers that wait for you").shows("acme/data");
    // The requester decides over neither account.
    let seen = dev.get(&page).await;
    seen.shows("Waits for Acme").shows("Cancel transfer").lacks("Decline");
    let form = seen.form(&page, "Cancel");
    let mut forged = form.clone();
    forged.set("act", "approve");
    forged.set("confirm", "acme/data");
    dev.fill(forged, &[]).await;
    assert_eq!(app.audited("workspace-transfer.approved").await, 0);

    // The target's admins see what comes to them, and nobody of the source by name.
    let seen = eve.get(&page).await;
    seen.assert_status(200).shows("A workspace slot of Elsewhere is used").shows("Eve");
    // SP-24: the source's runs and flows are not named either.
    seen.lacks("Vic")
        .lacks("vic@example.org")
        .lacks("ingest")
        .lacks("loses access")
        .lacks("lose access");
    approve(&eve, &page, "acme/data").await.assert_status(303);
    eve.get(&page).await.shows("Waits for Acme");
    approve(&ada, &page, "acme/data").await.assert_status(303);
    ada.get(&page).await.shows("Transferred").shows("ingest");
    eve.get(&page).await.shows("Transferred").lacks("ingest");
    invariants::assert_hold(&app.database.location);
    eve.get("/workspaces/elsewhere/tides").await.assert_status(200);
    for lost in [&ada, &dev, &vic] {
        lost.get("/workspaces/elsewhere/tides").await.assert_status(404);
        lost.get("/workspaces/acme/data").await.assert_status(404);
    }
    assert_eq!(app.api(&bot_key).get("/api/me/workspaces").await.json(), json!([]));
    let open = invitations_of(&app, "asked@example.org").await;
    assert_eq!(open, "void");

    // SP-29: nothing changed since, so the source alone may undo it; then something did.
    eve.submit(
        "/workspaces/elsewhere/tides/settings/edit",
        &[("handle", "tides"), ("description", "x")],
    )
    .await
    .assert_status(303);
    ada.get(&page).await.shows("only Elsewhere can undo it");
    eve.submit_form(&page, "Undo", &[("confirm", "elsewhere/tides")]).await.assert_status(303);
    vic.get("/workspaces/acme/data").await.assert_status(200);
    eve.get("/workspaces/acme/data").await.assert_status(404);
    let grants: i64 =
        app.read(|db| Ok(service_account_grants::table.count().get_result(db)?)).await;
    assert_eq!(grants, 1);
    assert_eq!(invitations_of(&app, "asked@example.org").await, "pending");
    app.assert_audit_is_whole().await;
}

pub async fn invitations_of(app: &TestApp, email: &'static str) -> String {
    app.read(move |db| {
        let all = invitations::table.filter(invitations::email_key.eq(email));
        let states: Vec<String> = all.order(invitations::id).select(invitations::state).load(db)?;
        Ok(states.join(","))
    })
    .await
}

/// T10, lifecycles.md 2: from an organization to the own account of its admin; limits and handles of the target
/// are looked at when it moves.
#[actix_rt::test]
async fn an_organizations_workspace_becomes_personal() {
    let app = spawn_with(|flags| flags.run_retention_days = Some(30)).await;
    let ada = acme(&app).await;
    let api = app.api(&key_of(&ada).await);
    let place = api.get("/api/me/workspaces").await.json()[0].clone();
    let place = format!(
        "/api/accounts/{}/workspaces/{}",
        place["account_id"].as_str().unwrap(),
        place["workspace_id"].as_str().unwrap()
    );
    // Kept for a year by the organization, for thirty days by the person.
    let keep = |handle: &'static str, days: i32| {
        app.app.db.ingest(move |db| {
            let account = accounts::table.filter(accounts::handle.eq(handle));
            Ok(diesel::update(account).set(accounts::run_retention_days.eq(days)).execute(db)?)
        })
    };
    keep("acme", 365).await.unwrap();
    let flow = api.post(&format!("{place}/flows/"), json!({"name": "etl"})).await.json();
    // Begun before the others, and ended long after them.
    let young = json!({"flow_id": flow["id"], "name": "young", "state": {"type": "RUNNING"}});
    let young = api.post(&format!("{place}/flow_runs/"), young).await.json();
    let young = young["id"].as_str().unwrap().to_owned();
    for number in 0..3 {
        let ended = json!({"flow_id": flow["id"], "name": format!("old-{number}"),
            "state": {"type": "COMPLETED"}});
        api.post(&format!("{place}/flow_runs/"), ended).await.assert_status(201);
    }
    app.advance(40 * 86_400);
    let ada = app.sign_in("ada").await;
    let api = app.api(&key_of(&ada).await);
    assert_eq!(set_state(&api, &place, &young, "COMPLETED").await, "ACCEPT");
    let runs_before = contents(&app).await;
    app.run_jobs().await;
    ada.workspace("data").await;
    let taken = ada.get(&format!("{DATA}?target=ada&handle=data")).await;
    taken
        .shows("“data” is taken in Ada")
        .shows("“data-2” is free.")
        .lacks("Type acme/data to confirm");
    let opened = ada.get(&format!("{DATA}?target=ada&handle=data-2")).await;
    opened.shows("3 flow runs are removed").shows("for 365 days").shows("for 30 days").shows("etl");
    opened
        .shows("I understand that 3 flow runs are removed")
        .shows("1 flow run with their task runs");
    opened.lacks("admins of Ada").lacks("audit log begins");
    // 1.14, 4: when they ended, and each of them.
    let charts = opened.attributes("svg.chart", "aria-label");
    assert_eq!(charts.len(), 1);
    assert!(charts[0].contains("3 that ended before 2026-12-03"), "{}", charts[0]);
    assert!(charts[0].ends_with("are removed, 1 are kept."), "{}", charts[0]);
    let file = ada.get(&opened.link("Download these runs (CSV)")).await;
    let lines: Vec<&str> = file.assert_status(200).text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "id,name,flow,state,started,ended"));
    for (number, line) in lines[1..].iter().enumerate() {
        assert!(line.contains(&format!(",old-{number},etl,Completed,")), "{line}");
    }
    let page = transfer(&ada, DATA, "target=ada&handle=data-2", "acme/data").await;
    ada.get("/workspaces/ada/data-2").await.assert_status(200);
    // SP-27: hidden at once, in pages, lists and counts; nothing goes while it may go back.
    let old = place.replace("/api", "");
    let shown = async |place: &str, api: &ApiClient| {
        let found = api.post(&format!("{place}/flow_runs/filter"), json!({})).await;
        let count = api.post(&format!("{place}/flow_runs/count"), json!({})).await.json();
        let found = found.assert_status(200).json().as_array().unwrap().len();
        assert_eq!(json!(found), count);
        found
    };
    let moved = api.post(&format!("/api{old}/flow_runs/filter"), json!({})).await.location();
    let there = moved.trim_end_matches("/flow_runs/filter").to_owned();
    assert_eq!(shown(&there, &api).await, 1);
    ada.get("/workspaces/ada/data-2/flow-runs").await.shows("1 flow run");
    ada.get("/workspaces/ada/data-2/flows").await.shows("young").lacks("old-");
    // What the first one hid does not come back by another one.
    let back = "/workspaces/ada/data-2/settings/transfer?target=acme&handle=data";
    ada.get(back).await.shows("3 flow runs that an earlier transfer removed don’t come back");
    for id in &runs_before {
        let status = if *id == young { 200 } else { 404 };
        api.get(&format!("{there}/flow_runs/{id}")).await.assert_status(status);
        let rename = json!({"name": "again"});
        let status = if *id == young { 204 } else { 404 };
        api.send("PATCH", &format!("{there}/flow_runs/{id}"), Some(rename))
            .await
            .assert_status(status);
    }
    // Nothing that is hidden is read or removed either.
    let old = runs_before.iter().find(|id| **id != young).unwrap();
    let hidden = format!("{there}/flow_runs/{old}");
    api.send("DELETE", &hidden, None).await.assert_status(404);
    api.get(&format!("{hidden}/input/key")).await.assert_status(404);
    api.send("DELETE", &format!("{there}/flows/{}", flow["id"].as_str().unwrap()), None)
        .await
        .assert_status(409);
    assert_eq!(contents(&app).await, runs_before);
    let deny = ada.submit_form(&page, "Undo", &[("confirm", "ada/data-2")]).await;
    deny.assert_status(303);
    assert_eq!(shown(&place, &api).await, 4);
    let page = transfer(&ada, DATA, "target=ada&handle=data-2", "acme/data").await;
    assert_eq!(shown(&there, &api).await, 1);
    let runs = || {
        invariants::number(&mut app.database.connect(), "SELECT count(*) AS number FROM flow_runs")
    };
    app.run_jobs().await;
    assert_eq!(runs(), 4);
    app.advance(73 * 3600);
    app.run_jobs().await;
    assert_eq!(runs(), 1);
    let over = app.sign_in("ada").await;
    over.get(&page).await.shows("Transferred").lacks("Undo the transfer");
    let kept = "SELECT count(*) AS number FROM transfer_grants";
    assert_eq!(invariants::number(&mut app.database.connect(), kept), 0);
    over.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", "data")])
        .await
        .assert_status(303);
}

/// lifecycles.md 2, AZ-12, SP-26: what changes while a transfer waits.
#[actix_rt::test]
async fn what_changes_meanwhile_is_asked_again() {
    let app = spawn().await;
    let (ada, bob, _) = lab(&app).await;
    let eve = elsewhere(&app).await;
    let page = transfer(&ada, LAB, "other=elsewhere&handle=lab", "ada/lab").await;
    let opened = eve.get(&page).await;
    // Somebody else would lose access by now: Ada saw a smaller loss, and is asked again.
    let cleo = app.user("cleo").await;
    let invite = "/workspaces/ada/lab/collaborators/invite";
    ada.submit(invite, &[("email", "cleo@example.org")]).await.assert_status(303);
    let link = app.inbox("cleo@example.org").await.pop().unwrap().link();
    cleo.submit_form(&link, "accept", &[]).await.assert_status(303);
    confirm(&eve, &opened, &page, "ada/lab").await.assert_status(409).shows("Something changed");
    approve(&eve, &page, "ada/lab").await.assert_status(303);
    eve.get(&page).await.shows("Waits for Ada");
    ada.get(&page).await.shows("3 people lose access");

    // A target without room: it stays pending, and can be approved once there is some.
    let limit = |limit: Option<i32>| {
        app.app.db.write(bulkhead::base::db::Locks::Instance, move |db| {
            let account = accounts::table.filter(accounts::handle.eq("elsewhere"));
            Ok(diesel::update(account).set(accounts::workspace_limit.eq(limit)).execute(db)?)
        })
    };
    limit(Some(0)).await.unwrap();
    let seen = ada.get(&page).await;
    seen.shows("Not possible now: Elsewhere can’t take a workspace");
    confirm(&ada, &seen, &page, "ada/lab").await.assert_status(409);
    ada.get("/workspaces/ada/lab").await.assert_status(200);
    limit(None).await.unwrap();

    // The one who said yes for the target decides over it no more.
    let max = app.user("max").await;
    app.make_member("elsewhere", "max", OrganizationRole::Admin).await;
    eve.submit("/organizations/elsewhere/leave", &[]).await.assert_status(303);
    approve(&ada, &page, "ada/lab").await.assert_status(303);
    ada.get(&page).await.shows("Waits for Elsewhere");
    eve.get(&page).await.assert_status(404);
    approve(&max, &page, "ada/lab").await.assert_status(303);
    max.get("/workspaces/elsewhere/lab").await.assert_status(200);
    bob.get("/workspaces/ada/lab").await.assert_status(404);
    invariants::assert_hold(&app.database.location);
}

/// lifecycles.md 2: no, taken back, no answer, and deleted meanwhile; each is told, and nothing moves.
#[actix_rt::test]
async fn a_transfer_ends_without_a_move() {
    let app = spawn().await;
    let (ada, ..) = lab(&app).await;
    let eve = elsewhere(&app).await;
    let ask =
        async |ada: &Client| transfer(ada, LAB, "other=elsewhere&handle=lab", "ada/lab").await;
    let first = ask(&ada).await;
    eve.submit_form(&first, "Decline", &[("reason", "Too many already")]).await.assert_status(303);
    ada.get(&first).await.shows("Declined").shows("Too many already");
    let told = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "ada/lab stays where it is");
    assert!(told.text.contains("Too many already"), "{}", told.text);

    let second = ask(&ada).await;
    ada.submit_form(&second, "Cancel transfer", &[]).await.assert_status(303);
    eve.get(&second).await.shows("Cancelled");

    let third = ask(&ada).await;
    let old = eve.get(&third).await;
    app.advance(8 * 86_400);
    app.run_jobs().await;
    let (ada, eve) = (app.sign_in("ada").await, app.sign_in("eve").await);
    ada.get(&third).await.shows("Ended without an answer").lacks("Cancel transfer");
    let mut form = old.form_anyway(&third, "Decline");
    for (name, value) in eve.get("/profile").await.form("/profile", "").fields {
        if ["csrf", "once"].contains(&name.as_str()) {
            form.set(&name, &value);
        }
    }
    eve.fill(form, &[]).await.assert_status(409);

    let fourth = ask(&ada).await;
    ada.submit("/workspaces/ada/lab/settings/delete", &[("confirm", "ada/lab")])
        .await
        .assert_status(303);
    eve.get(&fourth).await.shows("Void").shows("The workspace was deleted.");
    let told = app.inbox("eve@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "The transfer of ada/lab is void");
    assert!(told.text.contains("The workspace was deleted."), "{}", told.text);
    let states: Vec<String> = app
        .read(|db| Ok(transfers::table.order(transfers::id).select(transfers::state).load(db)?))
        .await;
    assert_eq!(states, ["declined", "cancelled", "expired", "void"]);
    let people: i64 = app.read(|db| Ok(memberships::table.count().get_result(db)?)).await;
    assert_eq!(people, 1);
    invariants::assert_hold(&app.database.location);
}

/// 1.14 (7), lifecycles.md 2: at a time that was chosen; who saw less is asked again, and then it moves.
#[actix_rt::test]
async fn a_transfer_waits_for_its_time() {
    let app = spawn().await;
    let (ada, bob, _) = lab(&app).await;
    let opened = ada.get(&format!("{LAB}?target=acme&handle=lab")).await;
    let mut form = opened.form(LAB, "confirm");
    form.fields.push(("ack".to_owned(), "access".to_owned()));
    let past = [("confirm", "ada/lab"), ("time", "2026-11-01T02:00")];
    ada.fill(form.clone(), &past).await.assert_status(422).shows("within the next 90 days");
    let ahead = [("confirm", "ada/lab"), ("time", "2026-11-25T02:00")];
    let page = ada.fill(form, &ahead).await.assert_status(303).location();
    ada.get(&page).await.shows("Scheduled for 2026-11-25 02:00 UTC").shows("Cancel transfer");
    bob.get("/workspaces/ada/lab").await.assert_status(200).shows("is to move to Acme");
    let told = app.inbox("bob@example.org").await;
    let told = told.iter().find(|mail| mail.subject == "ada/lab may move to acme").unwrap();
    assert!(told.text.contains("on 25 November 2026, 02:00 UTC"), "{}", told.text);
    app.run_jobs().await;
    bob.get("/workspaces/ada/lab").await.assert_status(200);

    // Somebody else joins: that is more loss than was seen, so it does not move by itself.
    let cleo = app.user("cleo").await;
    let invite = "/workspaces/ada/lab/collaborators/invite";
    ada.submit(invite, &[("email", "cleo@example.org")]).await.assert_status(303);
    let link = app.inbox("cleo@example.org").await.pop().unwrap().link();
    cleo.submit_form(&link, "accept", &[]).await.assert_status(303);
    app.advance(3 * 86_400);
    app.run_jobs().await;
    let ada = app.sign_in("ada").await;
    ada.get(&page).await.shows("Waits for Ada");
    approve(&ada, &page, "ada/lab").await.assert_status(303);
    ada.get("/workspaces/acme/lab").await.assert_status(200);
    invariants::assert_hold(&app.database.location);
}

/// The same without any change: nobody has to be there.
#[actix_rt::test]
async fn a_scheduled_transfer_moves_by_itself() {
    let app = spawn().await;
    let (ada, ..) = lab(&app).await;
    let opened = ada.get(&format!("{LAB}?target=acme&handle=lab")).await;
    let mut form = opened.form(LAB, "confirm");
    form.fields.push(("ack".to_owned(), "access".to_owned()));
    let ahead = [("confirm", "ada/lab"), ("time", "2026-11-25T02:00")];
    let page = ada.fill(form, &ahead).await.assert_status(303).location();
    app.advance(3 * 86_400);
    app.run_jobs().await;
    let ada = app.sign_in("ada").await;
    ada.get(&page).await.shows("Transferred").shows("Undo");
    ada.get("/workspaces/acme/lab").await.assert_status(200);
    assert_eq!(app.audited("workspace.transferred-in").await, 1);
    invariants::assert_hold(&app.database.location);
}

/// SP-24, SP-29: the source undoes it alone while nothing changed, whoever said yes last; a transfer that waits
/// for what goes back ends with that, and a role of somebody who left meanwhile does not come back.
#[actix_rt::test]
async fn what_goes_back_goes_back_whole() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Owner).await;
    let first = transfer(&ada, DATA, "other=elsewhere&handle=data", "acme/data").await;
    approve(&eve, &first, "acme/data").await.assert_status(303);
    ada.get(&first).await.shows("Undo the transfer").lacks("only Elsewhere can undo it");
    // Each side's log names the other side's person, and no more of it.
    let log: Vec<String> = app
        .read(|db| {
            let arrived =
                audit_entries::table.filter(audit_entries::event.like("workspace%transfer%"));
            Ok(arrived.select(audit_entries::entry).load(db)?)
        })
        .await;
    assert!(log.iter().any(|entry| entry.contains("eve@example.org")));
    for entry in &log {
        let both = ["ada@example.org", "eve@example.org"].iter().all(|one| entry.contains(one));
        assert!(!both, "{entry}");
    }

    // Elsewhere wants to pass it on, to an organization of Zoe's.
    let zoe = app.user("zoe").await;
    zoe.submit("/organizations/new", &[("name", "Third"), ("handle", "third")])
        .await
        .assert_status(303);
    let onwards = "/workspaces/elsewhere/data/settings/transfer";
    let second = transfer(&eve, onwards, "other=third&handle=data", "elsewhere/data").await;
    zoe.get(&second).await.shows("Waits for Third");
    // Vic leaves Acme, and comes back as nobody in particular.
    vic.submit("/organizations/acme/leave", &[]).await.assert_status(303);
    app.make_member("acme", "vic", OrganizationRole::Member).await;
    ada.submit_form(&first, "Undo", &[("confirm", "elsewhere/data")]).await.assert_status(303);
    ada.get("/workspaces/acme/data").await.assert_status(200).lacks("is to move to Third");
    zoe.get(&second).await.shows("Void").lacks("vic@example.org");
    eve.get(&second).await.lacks("vic@example.org").lacks("ada@example.org");
    vic.get("/workspaces/acme/data").await.assert_status(404);
    let again = ada.get(DATA).await;
    again.assert_status(200);
    invariants::assert_hold(&app.database.location);
}

/// Each request is mailed to others, so there are not any number of them in a day (AZ-12).
#[actix_rt::test]
async fn requests_have_a_limit() {
    let app = spawn().await;
    let (ada, ..) = lab(&app).await;
    elsewhere(&app).await;
    for _ in 0..20 {
        let page = transfer(&ada, LAB, "other=elsewhere&handle=lab", "ada/lab").await;
        ada.submit_form(&page, "Cancel transfer", &[]).await.assert_status(303);
    }
    let opened = ada.get(&format!("{LAB}?other=elsewhere&handle=lab")).await;
    confirm(&ada, &opened, LAB, "ada/lab").await.assert_status(429);
    // What needs nobody else's yes is not held up.
    transfer(&ada, LAB, "target=acme&handle=lab", "ada/lab").await;
}

/// Asks for `ada/lab` to move to Acme once nothing runs there; the page of the transfer.
pub async fn when_idle(ada: &Client) -> String {
    let opened = ada.get(&format!("{LAB}?target=acme&handle=lab")).await;
    let mut form = opened.form_anyway(LAB, "confirm");
    form.fields.retain(|(name, _)| name != "ack" && name != "idle");
    for ack in opened.attributes("input[name=ack]", "value") {
        form.fields.push(("ack".to_owned(), ack));
    }
    form.fields.push(("idle".to_owned(), "on".to_owned()));
    ada.fill(form, &[("confirm", "ada/lab")]).await.assert_status(303).location()
}

/// Asks for a state; what becomes of it.
async fn set_state(api: &ApiClient, place: &str, run: &str, kind: &str) -> String {
    let path = format!("{place}/flow_runs/{run}/set_state");
    let told = api.post(&path, json!({"state": {"type": kind}})).await.json();
    told["status"].as_str().unwrap_or_default().to_owned()
}

/// SP-28: it moves once nothing runs; nothing starts meanwhile, and what was to start goes on afterwards.
#[actix_rt::test]
async fn a_transfer_waits_until_nothing_runs() {
    let app = spawn().await;
    let (ada, _, place) = lab(&app).await;
    let api = app.api(&key_of(&ada).await);
    let first = contents(&app).await.remove(0);
    let set = async |place: &str, run: &str, kind: &str| set_state(&api, place, run, kind).await;
    assert_eq!(set(&place, &first, "RUNNING").await, "ACCEPT");
    let flows = api.post(&format!("{place}/flows/filter"), json!({})).await.json();
    let body = json!({"flow_id": flows[0]["id"], "state": {"type": "PENDING"}});
    let second = api.post(&format!("{place}/flow_runs/"), body).await.json();
    let second = second["id"].as_str().unwrap().to_owned();
    let task = json!({"flow_run_id": first, "task_key": "t", "dynamic_key": "1"});
    let task = api.post(&format!("{place}/task_runs/"), task).await.json();
    let body = json!({"flow_id": flows[0]["id"], "state": {"type": "PENDING"},
        "parent_task_run_id": task["id"]});
    let child = api.post(&format!("{place}/flow_runs/"), body).await.json();
    let child = child["id"].as_str().unwrap().to_owned();
    // Taken back, it lets runs start.
    let page = when_idle(&ada).await;
    ada.get(&page).await.shows("Waits for flow runs to end").lacks("Not before");
    assert_eq!(set(&place, &second, "RUNNING").await, "WAIT");
    ada.submit_form(&page, "Cancel transfer", &[]).await.assert_status(303);
    assert_eq!(set(&place, &second, "RUNNING").await, "ACCEPT");
    assert_eq!(set(&place, &second, "COMPLETED").await, "ACCEPT");
    // After a day it ends without a move.
    let page = when_idle(&ada).await;
    app.advance(24 * 3600 + 60);
    app.run_jobs().await;
    let ada = app.sign_in("ada").await;
    ada.get(&page).await.shows("Flow runs were going on for 24 hours.");
    let body = json!({"flow_id": flows[0]["id"], "state": {"type": "PENDING"}});
    let third = api.post(&format!("{place}/flow_runs/"), body).await.json();
    let third = third["id"].as_str().unwrap().to_owned();
    let page = when_idle(&ada).await;
    assert_eq!(set(&place, &third, "RUNNING").await, "WAIT");
    // Nor does one begin that ended, or that is made as it begins.
    assert_eq!(set(&place, &second, "RUNNING").await, "WAIT");
    let body = json!({"flow_id": flows[0]["id"], "state": {"type": "RUNNING"}});
    api.post(&format!("{place}/flow_runs/"), body).await.assert_status(409);
    // What a run that goes on starts belongs to it.
    assert_eq!(set(&place, &child, "RUNNING").await, "ACCEPT");
    for run in [&child, &first] {
        app.run_jobs().await;
        ada.get("/workspaces/ada/lab").await.assert_status(200);
        assert_eq!(set(&place, run, "COMPLETED").await, "ACCEPT");
    }
    app.advance(60);
    app.run_jobs().await;
    ada.get(&page).await.shows("Transferred");
    let there = api.post(&format!("{place}/flow_runs/filter"), json!({})).await.location();
    let there = there.trim_end_matches("/flow_runs/filter").to_owned();
    assert_eq!(set(&there, &third, "RUNNING").await, "ACCEPT");
    invariants::assert_hold(&app.database.location);
}

/// Asks for a transfer with invitations for some of those who lose access; the page of the transfer.
pub async fn carrying(
    client: &Client,
    page: &str,
    query: &str,
    (path, names): (&str, &[&str]),
) -> String {
    let opened = client.get(&format!("{page}?{query}")).await;
    let mut form = opened.form_anyway(page, "confirm");
    let acks = opened.attributes("input[name=ack]", "value");
    form.fields.retain(|(name, _)| !["ack", "idle", "carry"].contains(&&**name));
    form.fields.extend(acks.into_iter().map(|ack| ("ack".to_owned(), ack)));
    let ids = opened.attributes("input[name=carry]", "value");
    let labels = opened.select("label:has(input[name=carry])");
    for (id, label) in ids.into_iter().zip(labels) {
        if names.iter().any(|name| label.starts_with(name)) {
            form.fields.push(("carry".to_owned(), id));
        }
    }
    client.fill(form, &[("confirm", path)]).await.assert_status(303).location()
}

/// product.md 1.14, 6: who loses access is invited to the target where both sides want it: into an organization, to a
/// person's workspace, or, as a member already, into the workspace; and not where that cannot be.
#[actix_rt::test]
async fn who_loses_access_is_invited_to_the_target() {
    let app = spawn().await;
    let (ada, bob, _) = lab(&app).await;
    // Into an organization; undone, that ends.
    let query = "target=acme&handle=lab";
    let page = carrying(&ada, LAB, query, ("ada/lab", &["Bob"])).await;
    ada.get(&page)
        .await
        .shows("1 person is invited to Acme")
        .shows("bob@example.org · as a member");
    assert_eq!(invitations_of(&app, "bob@example.org").await, "accepted,pending");
    ada.submit_form(&page, "Undo", &[("confirm", "acme/lab")]).await.assert_status(303);
    assert_eq!(invitations_of(&app, "bob@example.org").await, "accepted,void");
    bob.get("/workspaces/ada/lab").await.assert_status(200);
    carrying(&ada, LAB, query, ("ada/lab", &["Bob"])).await;
    let link = app.inbox("bob@example.org").await;
    let link = link.iter().rev().find(|mail| mail.subject.contains("invite")).unwrap().link();
    bob.submit_form(&link, "accept", &[]).await.assert_status(303);
    bob.get("/organizations/acme").await.assert_status(200);

    // An invitation that nobody answered in time is in nobody's way, and the source still undoes it alone.
    let eve = elsewhere(&app).await;
    let may = [("email", "cleo@example.org"), ("role", "member")];
    eve.submit("/organizations/elsewhere/members/invite", &may).await.assert_status(303);
    let over = app.app.now().plus_days(-1);
    let end = app.app.db.write(Locks::Instance, move |db| {
        let all = invitations::table.filter(invitations::email_key.eq("cleo@example.org"));
        Ok(diesel::update(all).set(invitations::expires_at.eq(over)).execute(db)?)
    });
    assert_eq!(end.await.unwrap(), 1);

    // To a person: who was a member is invited as a collaborator.
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Viewer).await;
    let page = carrying(&ada, DATA, "target=ada&handle=data", ("acme/data", &["Vic"])).await;
    ada.get(&page).await.shows("vic@example.org · as a collaborator of the workspace");
    let link = app.inbox("vic@example.org").await.pop().unwrap().link();
    vic.submit_form(&link, "accept", &[]).await.assert_status(303);
    vic.get("/workspaces/ada/data").await.assert_status(200);

    // The other side reads whom it lets in. A member of it already is invited into the workspace.
    app.make_member("elsewhere", "vic", OrganizationRole::Member).await;
    let cleo = app.user("cleo").await;
    let invite = "/workspaces/ada/data/collaborators/invite";
    ada.submit(invite, &[("email", "cleo@example.org")]).await.assert_status(303);
    let link = app.inbox("cleo@example.org").await.pop().unwrap().link();
    cleo.submit_form(&link, "accept", &[]).await.assert_status(303);
    let from = "/workspaces/ada/data/settings/transfer";
    let people: &[&str] = &["Vic", "Cleo"];
    let page = carrying(&ada, from, "other=elsewhere&handle=data", ("ada/data", people)).await;
    let seen = eve.get(&page).await;
    seen.shows("2 people are invited to Elsewhere").shows("cleo@example.org · as a member");
    seen.shows("vic@example.org · as a viewer of the workspace");
    // Who is in Elsewhere, or why somebody cannot be, is not Ada's to know (SP-24).
    ada.get(&page).await.shows("vic@example.org").lacks("as a viewer").lacks("as a member");
    approve(&eve, &page, "ada/data").await.assert_status(303);
    assert_eq!(invitations_of(&app, "cleo@example.org").await, "superseded,accepted,pending");
    ada.get(&page).await.shows("Undo the transfer").lacks("only Elsewhere can undo it");
    ada.submit_form(&page, "Undo", &[("confirm", "elsewhere/data")]).await.assert_status(303);
    assert_eq!(invitations_of(&app, "cleo@example.org").await, "superseded,accepted,void");
    let page = carrying(&ada, from, "other=elsewhere&handle=data", ("ada/data", people)).await;
    // What cannot be by then is said, and does not hold it up.
    eve.submit("/organizations/elsewhere/policy", &[("email_domains", "elsewhere.example")])
        .await
        .assert_status(303);
    eve.get(&page)
        .await
        .shows("1 person can’t be invited to Elsewhere")
        .shows("of a domain that it");
    approve(&eve, &page, "ada/data").await.assert_status(303);
    let link = app.inbox("vic@example.org").await;
    let link = link.iter().rev().find(|mail| mail.subject.contains("invite")).unwrap().link();
    vic.submit_form(&link, "accept", &[]).await.assert_status(303);
    vic.get("/workspaces/elsewhere/data").await.assert_status(200);
    cleo.get("/workspaces/elsewhere/data").await.assert_status(404);
    assert_eq!(invitations_of(&app, "cleo@example.org").await, "superseded,accepted,void");
    ada.get(&page).await.shows("not possible now").lacks("of a domain");
    app.assert_audit_is_whole().await;
}

/// AU-14, lifecycles.md 2: an admin who lacks the second factor that the target asks for decides nothing over it; what
/// is typed beside a wrong confirmation is kept on the page and nowhere else; a role of the source's own that is given
/// after the yes asks for another one.
#[actix_rt::test]
async fn a_yes_counts_for_what_was_seen_by_who_may_give_it() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Viewer).await;
    let page = transfer(&ada, DATA, "other=elsewhere&handle=data", "acme/data").await;
    let ask_for_a_second_factor = |since: Option<Instant>| {
        app.app.db.write(Locks::Instance, move |db| {
            let account = accounts::table.filter(accounts::handle.eq("elsewhere"));
            let account: AccountId = account.select(accounts::id).first(db)?;
            let rule = organizations::two_factor_since.eq(since);
            Ok(diesel::update(organizations::table.find(account)).set(rule).execute(db)?)
        })
    };
    ask_for_a_second_factor(Some(app.app.now())).await.unwrap();
    eve.get(&page).await.assert_status(404);
    eve.get("/workspaces").await.lacks("Transfers that wait for you");
    ask_for_a_second_factor(None).await.unwrap();

    let opened = eve.get(&page).await;
    let form = opened.form(&page, "confirm");
    let wrong = eve.fill(form, &[("handle", "tides"), ("confirm", "acme/wrong")]).await;
    assert_eq!(wrong.status, 409, "another handle is another review");
    assert_eq!(wrong.attributes("input[name=handle]", "value"), ["tides"]);
    ada.get(&page).await.shows("elsewhere/data").lacks("elsewhere/tides");

    role(&ada, "Release", "viewer", &["manage_blocks"]).await.assert_status(303);
    let given = app.app.db.write(Locks::Instance, |db| {
        let role: RoleId = workspace_roles::table.select(workspace_roles::id).first(db)?;
        let none = None::<Role>;
        let given = (memberships::custom_role_id.eq(Some(role)), memberships::role.eq(none));
        Ok(diesel::update(memberships::table).set(given).execute(db)?)
    });
    assert_eq!(given.await.unwrap(), 1);
    approve(&eve, &page, "acme/data").await.assert_status(303);
    eve.get(&page).await.shows("Waits for Acme");
    ada.get(&page).await.shows("1 role does not exist in Elsewhere").shows("Release");
    approve(&ada, &page, "acme/data").await.assert_status(303);
    vic.get("/workspaces/acme/data").await.assert_status(404);
}
