//! Service accounts: made, rotated, disabled, removed; and what their keys reach.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole::Member;
use bulkhead::base::db::schema::service_account_keys;
use diesel::prelude::*;

use crate::support::{Answer, Client, TestApp, invariants, spawn, spawn_with};
use crate::tenancy::members::acme;
use crate::tenancy::sharing::share;

const BOTS: &str = "/organizations/acme/service-accounts";

/// The key on a page that shows one.
fn shown_key(page: &Answer) -> String {
    page.assert_status(200);
    let key = page.select("code").into_iter().find(|text| text.starts_with("pnb_"));
    key.unwrap_or_else(|| panic!("no key in {}", page.visible()))
}

/// Makes a service account; returns its address and its key.
pub async fn bot(app: &TestApp, admin: &Client, name: &str) -> (String, String) {
    let _ = app;
    let made = admin.submit(&format!("{BOTS}/new"), &[("name", name)]).await;
    (made.link("I stored it"), shown_key(&made))
}

/// A key of a person.
pub async fn key_of(client: &Client) -> String {
    for name in ["laptop", "second laptop"] {
        let made = client.submit("/profile/api-keys/new", &[("name", name)]).await;
        let shown = made.select("code").into_iter().find(|text| text.starts_with("pnu_"));
        if let Some(key) = shown {
            return key;
        }
    }
    panic!("two keys already")
}

/// A1, A3, A6, AK-01: shown once, with the commands; kept as a hash; never an admin.
#[actix_rt::test]
async fn a_key_is_shown_once() {
    let app = spawn().await;
    let ada = acme(&app).await;
    ada.get(BOTS).await.shows("No service accounts yet");
    let form = ada.get(&format!("{BOTS}/new")).await;
    assert_eq!(form.select("#organization-role option"), ["Member"]);
    assert_eq!(form.attributes("#organization-role", "disabled"), [""]);
    let made = ada.submit(&format!("{BOTS}/new"), &[("name", "ingest")]).await;
    let key = shown_key(&made);
    assert!(made.header("cache-control").unwrap().contains("no-store"));
    made.shows("prefect cloud login --key").shows("Copy the key now.");
    // It leads to sharing; what points a program there without a terminal comes with the first workspace.
    made.shows("It reaches nothing until somebody does").lacks("PREFECT_API_URL");
    assert!(!made.links_containing("/organizations/acme/workspaces").is_empty());
    let home = made.link("I stored it");
    let page = ada.get(&home).await;
    page.shows("ingest").shows("Member").lacks(&key);
    page.shows(&format!("····{}", &key[key.len() - 4..]));
    assert_eq!(app.api(&key).get("/api/me/workspaces").await.assert_status(200).text, "[]");
    let stored: Vec<u8> = app
        .read(|db| Ok(service_account_keys::table.select(service_account_keys::hash).first(db)?))
        .await;
    assert_eq!(stored, bulkhead::base::secret::sha256(key.as_bytes()));
    for (name, problem) in
        [("", "Enter a name"), ("INGEST", "There is a service account of this name.")]
    {
        let answer = ada.submit(&format!("{BOTS}/new"), &[("name", name)]).await;
        answer.assert_status(422).shows(problem);
    }
    // A role that the form does not have is not taken from it (A2, AZ-06).
    let forged = ada
        .submit(&format!("{BOTS}/new"), &[("name", "boss"), ("organization_role", "admin")])
        .await;
    forged.assert_status(422);
    assert_eq!(app.audited("service-account.created").await, 1);
    assert!(app.inbox("ada@example.org").await[0].text.contains("created the API key"));
}

/// A4: the old key lives on as long as was chosen, at most 48 hours, by default not at all.
#[actix_rt::test]
async fn a_rotated_key_lives_for_two_days_at_most() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let (home, first) = bot(&app, &ada, "ingest").await;
    let works = async |key: &str| app.api(key).get("/api/me/workspaces").await.status == 200;
    let second = shown_key(&ada.submit(&format!("{home}/rotate"), &[]).await);
    assert!(!works(&first).await && works(&second).await);
    let third = shown_key(&ada.submit(&format!("{home}/rotate"), &[("overlap", "48")]).await);
    assert!(works(&second).await && works(&third).await);
    ada.get(&home).await.shows("Replaced");
    let too_long = ada.submit(&format!("{home}/rotate"), &[("overlap", "49")]).await;
    too_long.assert_status(422).shows("48 hours at most");
    app.advance(48 * 3600 - 1);
    assert!(works(&second).await);
    app.advance(1);
    assert!(!works(&second).await && works(&third).await);
    app.advance(30 * 86_400);
    assert!(!works(&third).await, "30 days are the usual life");
    assert_eq!(app.audited("service-account.rotated").await, 2);
    invariants::assert_hold(&app.database.location);
}

/// A4, AK-05, AK-07: disabled keys are refused and taken again; a removed one is gone.
#[actix_rt::test]
async fn a_disabled_or_removed_service_account_is_refused() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let (home, key) = bot(&app, &ada, "ingest").await;
    let api = app.api(&key);
    ada.submit(&format!("{home}/disable"), &[]).await.assert_redirect_to(&home);
    api.get("/api/me/workspaces").await.assert_status(401);
    ada.get(&home).await.shows("All its keys are refused.");
    ada.get(BOTS).await.shows("Disabled");
    ada.submit_form(&home, "enable", &[]).await.assert_redirect_to(&home);
    api.get("/api/me/workspaces").await.assert_status(200);
    ada.submit(&format!("{home}/rename"), &[("name", "intake")]).await.assert_redirect_to(&home);
    ada.get(BOTS).await.shows("intake").lacks("ingest");
    ada.submit(&format!("{home}/remove"), &[]).await.assert_redirect_to(BOTS);
    api.get("/api/me/workspaces").await.assert_status(401);
    ada.get(&home).await.assert_status(404);
    assert_eq!(app.audited("service-account.updated").await, 3);
    assert_eq!(app.audited("service-account.deleted").await, 1);
}

/// O6, N1, AZ-12: members look, admins make, and a limit is kept.
#[actix_rt::test]
async fn members_look_and_admins_make() {
    let app = spawn_with(|flags| flags.service_account_limit = Some(1)).await;
    let ada = acme(&app).await;
    let (home, _) = bot(&app, &ada, "ingest").await;
    let full = ada.submit(&format!("{BOTS}/new"), &[("name", "second")]).await;
    full.assert_status(422).shows("more aren’t possible");
    ada.get(BOTS).await.shows("1 of 1 slots used");
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    let (bob, eve) = (app.sign_in("bob").await, app.user("eve").await);
    for path in [BOTS, &home] {
        bob.get(path).await.assert_status(200);
        eve.get(path).await.assert_status(404);
    }
    for step in ["rotate", "rename", "disable", "remove"] {
        bob.get(&format!("{home}/{step}")).await.assert_status(403);
    }
    // Another organization's service account is not there.
    eve.submit("/organizations/new", &[("name", "Evil"), ("handle", "evil")]).await;
    let stolen = home.replace("/acme/", "/evil/");
    eve.get(&stolen).await.assert_status(404);
    eve.get(&format!("{stolen}/rotate")).await.assert_status(404);
}

/// SP-15: admins are told a week before a key stops, once.
#[actix_rt::test]
async fn admins_are_told_before_a_key_stops() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let (home, _) = bot(&app, &ada, "ingest").await;
    let warned = async || {
        let mails = app.inbox("ada@example.org").await;
        mails.iter().filter(|mail| mail.text.contains("stops on")).count()
    };
    app.advance(22 * 86_400);
    app.run_jobs().await;
    assert_eq!(warned().await, 0);
    app.advance(2 * 86_400);
    app.run_jobs().await;
    app.advance(3600);
    app.run_jobs().await;
    assert_eq!(warned().await, 1);
    // Rotated meanwhile: the warning is not sent any more.
    let ada = app.sign_in("ada").await;
    ada.submit(&format!("{home}/rotate"), &[("overlap", "48")]).await.assert_status(200);
    assert_eq!(warned().await, 0);
}

/// A3, A4: the page of a new key has what a program without a terminal needs, for each workspace that is shared.
#[actix_rt::test]
async fn a_key_comes_with_what_a_program_needs() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let (home, _) = bot(&app, &ada, "ingest").await;
    share(&ada, "ingest", "worker", "").await.assert_status(303);
    let made = ada.submit(&format!("{home}/rotate"), &[]).await;
    let key = shown_key(&made);
    let told = made.select("code").into_iter().find(|text| text.contains("PREFECT_API_URL"));
    let url = told.unwrap().split('"').nth(1).unwrap().to_owned();
    made.shows(&format!("export PREFECT_API_KEY=\"{key}\"")).shows("Without a terminal, in data");
    let path = &url[url.find("/api/").unwrap()..];
    app.api(&key).get(&format!("{path}/health")).await.assert_status(200);
}
