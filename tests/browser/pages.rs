//! What holds for pages as a whole: width, weight, paper.

use bulkhead::access::identify::Verified;
use serde_json::json;

use crate::support::{PASSWORD, Script, spawn, spawn_with};

/// The navigation of a narrow window folds out, also without scripts.
#[actix_rt::test]
async fn a_narrow_window_has_the_navigation_behind_a_button() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    for script in [Script::On, Script::Off] {
        let ada = app.browser(script).await;
        ada.sign_in("ada").await.width(390).await.open("/profile").await;
        assert!(!ada.has("link", "Security").await);
        ada.click_button("Open navigation").await.shows("Security").await;
        ada.has_no_accessibility_violations()
            .await
            .has_no_sideways_scroll()
            .await
            .looks("navigation-390")
            .await;
        ada.click_link("Security").await.is_at("/profile/security").await;
    }
}

/// The first visit loads at most 60 KB, whatever the page.
#[actix_rt::test]
async fn the_first_visit_is_light() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(Script::On).await;
    let loaded = ada.open("/sign-in").await.transferred().await;
    let bytes: u64 = loaded.iter().map(|(_, bytes)| bytes).sum();
    assert!((10_000..=60_000).contains(&bytes), "{bytes} bytes: {loaded:#?}");
}

/// Pages open at their top, also on a phone, and a page that fits has nothing to scroll to.
#[actix_rt::test]
async fn pages_open_at_their_top() {
    let app = spawn().await;
    let owner = app.user("ada").await;
    owner.workspace("lab").await;
    for script in [Script::On, Script::Off] {
        let ada = app.browser(script).await;
        ada.sign_in("ada").await;
        for width in [1280, 390] {
            ada.width(width).await;
            for page in [
                "/workspaces/ada/lab",
                "/workspaces/ada/lab/settings/delete",
                "/workspaces/ada/lab/settings/transfer",
                "/workspaces/ada/lab/collaborators/invite",
                "/workspaces/new",
                "/profile",
                "/profile/api-keys/new",
                "/organizations/new",
            ] {
                ada.open(page).await.is_at_its_top().await;
            }
            ada.open("/organizations").await.has_no_downward_scroll().await;
        }
    }
}

/// BR-01, pages.md: however long the words are that people and clients put in, no page becomes wider than its window.
#[actix_rt::test]
async fn long_words_never_widen_a_page() {
    let app = spawn().await;
    let owner = app.user("ada").await;
    let (word, url) =
        ("Donaudampfschifffahrt".repeat(2), format!("https://x.example/{}", "a1b2".repeat(40)));
    owner.submit_form("/profile", "Save", &[("name", &word)]).await.assert_status(303);
    owner.workspace("lab").await;
    let edit = "/workspaces/ada/lab/settings/edit";
    owner.submit(edit, &[("description", &url)]).await.assert_status(303);
    let invite = [("email", format!("{}@{}.example", "e".repeat(60), "d".repeat(60)))];
    let invite: Vec<(&str, &str)> =
        invite.iter().map(|(name, value)| (*name, value.as_str())).collect();
    owner.submit("/workspaces/ada/lab/collaborators/invite", &invite).await.assert_status(303);
    owner
        .submit("/organizations/new", &[("name", &word), ("handle", &"o".repeat(63))])
        .await
        .assert_status(303);
    let organization = format!("/organizations/{}", "o".repeat(63));
    let role = [
        ("name", word.as_str()),
        ("description", &url),
        ("inherits", "viewer"),
        ("scope", "see_flows"),
    ];
    owner.submit(&format!("{organization}/roles/new"), &role).await.assert_status(303);
    owner
        .submit(&format!("{organization}/service-accounts/new"), &[("name", &word)])
        .await
        .assert_status(200);
    let place = format!("{}/{}", "o".repeat(63), "w".repeat(63));
    let new = [("owner", "o".repeat(63)), ("handle", "w".repeat(63)), ("description", url.clone())];
    let new: Vec<(&str, &str)> = new.iter().map(|(name, value)| (*name, value.as_str())).collect();
    owner
        .submit(&format!("/workspaces/new?owner={}", "o".repeat(63)), &new)
        .await
        .assert_status(303);

    let api = app.api(&crate::tenancy::service_accounts::key_of(&owner).await);
    let places = api.get("/api/me/workspaces").await.json();
    let lab =
        places.as_array().unwrap().iter().find(|place| place["workspace_handle"] == "lab").unwrap();
    let id = |name: &str| lab[name].as_str().unwrap().to_owned();
    let api_place = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    let long = "nightly_".repeat(25);
    let flow = crate::orchestration::flow_runs::flow(&api, &api_place, &long).await;
    let made = json!({"name": long, "tags": [long, "prod"], "flow_version": url, "parameters": {(long.clone()): url}});
    let run = crate::orchestration::flow_runs::run(&api, &api_place, &flow, made).await;
    let path = format!("{api_place}/flow_runs/{}", run["id"].as_str().unwrap());
    crate::orchestration::flow_runs::set(&api, &path, "RUNNING").await;
    let search = json!({"name": "w".repeat(100), "filters": [{"object": "flow_run", "property": "tags", "type": "string",
        "operation": "contains", "value": long}]});
    let searches = format!("{api_place}/saved_searches/");
    api.send("PUT", &searches, Some(search)).await.assert_status(201);
    let minutes: Vec<String> = (0..60).map(|minute| minute.to_string()).collect();
    let rule = format!("FREQ=DAILY;BYHOUR=6;BYMINUTE={}", minutes.join(","));
    let deployment = json!({"description": url, "tags": [long], "version": url, "entrypoint": url, "path": url,
        "parameters": {(long.clone()): url}, "job_variables": {(long.clone()): url}, "labels": {(long.clone()): url},
        "pull_steps": [{(long.clone()): {(long.clone()): url}}],
        "schedules": [{"schedule": {"rrule": rule}, "slug": long}, {"schedule": {"cron": "0 6 * * 1-5"}, "active": false}]});
    let named = (long.as_str(), deployment);
    let deployment =
        crate::orchestration::deployments::deploy(&api, &api_place, &flow, named).await;
    let limits = format!("{api_place}/v2/concurrency_limits");
    let limit = json!({"name": "w".repeat(200), "limit": 20});
    let limit = api.post(&format!("{limits}/"), limit).await.assert_status(201).json();
    let tag = json!({"name": format!("tag:{long}x"), "limit": 60, "active_slots": 70});
    api.post(&format!("{limits}/"), tag).await.assert_status(201);
    let held = json!({"names": ["w".repeat(200)], "slots": 11, "holder": {"type": "flow_run", "id": run["id"]}});
    for status in [200, 423] {
        let take = format!("{limits}/increment-with-lease");
        api.post(&take, held.clone()).await.assert_status(status);
    }
    let limit = format!("/concurrency/{}", limit["id"].as_str().unwrap());
    let task = json!({"flow_run_id": run["id"], "name": long, "task_key": long, "dynamic_key": "0", "tags": [long],
        "task_inputs": {(long.clone()): [{"input_type": "parameter", "name": long}]}});
    let task = api.post(&format!("{api_place}/task_runs/"), task).await.assert_status(201).json();
    let state = json!({"state": {"type": "RUNNING"}});
    let task_path = format!("{api_place}/task_runs/{}", task["id"].as_str().unwrap());
    api.post(&format!("{task_path}/set_state"), state).await.assert_status(201);
    let message = format!("{url}\n{url} {url}");
    let failed = json!({"state": {"type": "FAILED", "name": "N".repeat(80), "message": message}});
    api.post(&format!("{task_path}/set_state"), failed.clone()).await.assert_status(201);
    api.post(&format!("{path}/set_state"), failed).await.assert_status(201);
    let at = app.app.now().to_string();
    let lines = json!([
        {"name": "n", "level": 40, "message": message, "flow_run_id": run["id"], "task_run_id": task["id"], "timestamp": at},
        {"name": "n", "level": 20, "message": url, "flow_run_id": run["id"], "timestamp": at},
    ]);
    api.post(&format!("{api_place}/logs/"), lines).await.assert_status(201);

    let (run, task) = (run["id"].as_str().unwrap(), task["id"].as_str().unwrap());
    let mut pages = vec![
        "/workspaces".to_owned(),
        "/organizations".to_owned(),
        "/profile".to_owned(),
        "/profile/api-keys".to_owned(),
        "/profile/activity".to_owned(),
        format!("/workspaces/new?owner={}", "o".repeat(63)),
        format!("/workspaces?q={}", "w".repeat(63)),
    ];
    for rest in [
        "",
        "/flow-runs",
        "/flow-runs?state=failures",
        &format!("/flow-runs/{run}"),
        &format!("/flow-runs/{run}/delete"),
        &format!("/task-runs/{task}"),
        "/flows",
        &format!("/flows/{}", flow.as_str().unwrap()),
        "/deployments",
        &format!("/deployments?tag={}", "w".repeat(63)),
        &format!("/deployments/{}", deployment["id"].as_str().unwrap()),
        &format!("/deployments/{}/delete", deployment["id"].as_str().unwrap()),
        "/saved-searches",
        &format!("/saved-searches/new?state=failed&q={}", "w".repeat(63)),
        "/concurrency",
        "/concurrency?kind=tag",
        "/concurrency?kind=deployment",
        "/concurrency/new?kind=tag",
        &limit,
        &format!("{limit}/edit"),
        &format!("{limit}/reset"),
        &format!("{limit}/delete"),
        "/settings",
        "/settings/edit",
        "/settings/delete",
        "/settings/transfer",
        &format!("/settings/transfer?target={}&handle=lab", "o".repeat(63)),
        "/collaborators",
        "/collaborators/invite",
    ] {
        pages.push(format!("/workspaces/ada/lab{rest}"));
    }
    for rest in [
        "",
        "/workspaces",
        "/members",
        "/members/invite",
        "/service-accounts",
        "/roles",
        "/roles/new",
        "/roles/compare",
        "/audit-log",
        "/audit-log/1",
        "/delete",
        "/leave",
    ] {
        pages.push(format!("{organization}{rest}"));
    }
    for rest in [
        "",
        "/settings",
        "/settings/edit",
        "/settings/delete",
        "/sharing",
        "/sharing/members/new",
        "/sharing/service-accounts/new",
        "/sharing/default",
    ] {
        pages.push(format!("/workspaces/{place}{rest}"));
    }
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await;
    for page in pages {
        ada.open(&page).await;
        for width in [320, 390, 600, 800, 1000, 1280, 1600] {
            ada.width(width).await.has_no_sideways_scroll().await;
        }
    }
}

/// On paper there is the page and not what leads around it.
#[actix_rt::test]
async fn paper_has_no_navigation() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open("/profile/security").await;
    assert_eq!(ada.things("complementary").await.len(), 1);
    ada.on_paper().await.shows("Security").await.looks("paper").await;
    assert!(ada.things("complementary").await.is_empty());
    assert!(ada.things("button").await.is_empty());
    ada.shows(", as Ada (ada@example.org) saw it on 2026-11-23").await;
}

/// The pages that no journey passes by.
#[actix_rt::test]
async fn the_other_pages_are_sound() {
    let app = spawn_with(|flags| flags.sign_up = bulkhead::base::settings::SignUp::Closed).await;
    app.user("ada").await.workspace("lab").await;
    let ada = app.browser(Script::On).await;
    ada.open("/sign-up").await.shows("By invitation").await.is_sound("sign-up-closed").await;
    ada.open("/reset-password/nothing").await.is_sound("reset-password-over").await;
    ada.sign_in("ada").await.open("/profile/email").await.is_sound("change-email").await;
    ada.open("/profile/delete")
        .await
        .shows("Your workspaces have to go first")
        .await
        .is_sound("delete-account-not-yet")
        .await;
    ada.open("/workspaces/ada/lab").await.is_sound("dashboard-owner").await;
    ada.open_menu("Switch workspace from Ada lab")
        .await
        .shows("All workspaces")
        .await
        .looks("switcher")
        .await;
    ada.open("/account/x").await.shows("404").await;
    app.advance(11 * 60);
    ada.open("/profile/api-keys/new")
        .await
        .is_at("/confirm-access?next=%2Fprofile%2Fapi-keys%2Fnew")
        .await;
    ada.is_sound("confirm-access").await.fill("Password", PASSWORD).await;
    ada.click_button("Continue").await.is_at("/profile/api-keys/new").await;

    app.make_user("eve", Verified::Mailed).await;
    let eve = app.browser(Script::On).await;
    eve.sign_in("eve").await.open("/profile/delete").await.is_sound("delete-account").await;
    eve.fill("Type eve to confirm", "eve")
        .await
        .click_button("Delete account")
        .await
        .shows("Sign in")
        .await;
}
