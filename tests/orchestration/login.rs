//! How the Prefect client signs in: by key, and through the browser.

use bulkhead::access::role::Role;

use super::flow_runs::data;
use crate::support::{Answer, Client, spawn, spawn_with};
use crate::tenancy::api_keys::{key_in, make_key};
use crate::tenancy::service_accounts::key_of;
use crate::tenancy::sharing::member;

const NOWHERE: &str = "01a207b8-2b80-7000-8017-d0bb318e5353";

fn client_page(callback: &str) -> String {
    let callback: String = url::form_urlencoded::byte_serialize(callback.as_bytes()).collect();
    format!("/auth/client?callback={callback}")
}

/// Presses **Authorize**, which posts to the page's own address.
async fn authorize(person: &Client, page: &str) -> Answer {
    let mut form = person.get(page).await.form(page, "Authorize");
    form.action = page.to_owned();
    person.fill(form, &[]).await
}

fn workspaces(answer: &Answer) -> Vec<serde_json::Value> {
    answer.assert_status(200);
    serde_json::from_str(&answer.text).unwrap()
}

/// The API's address of a workspace in an answer.
fn place(workspace: &serde_json::Value) -> String {
    let part = |name: &str| workspace[name].as_str().unwrap().to_owned();
    format!("/api/accounts/{}/workspaces/{}", part("account_id"), part("workspace_id"))
}

/// api.md §3.1, product 1.13: all seven fields, none null, the key's own workspaces only.
#[actix_rt::test]
async fn a_key_lists_the_workspaces_of_its_person() {
    let app = spawn().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    for handle in ["lab", "attic"] {
        ada.workspace(handle).await;
    }
    eve.workspace("cellar").await;
    let answer = app.api(&make_key(&ada, "laptop").await).get("/api/me/workspaces").await;
    assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
    let found = workspaces(&answer);
    let handles: Vec<_> =
        found.iter().map(|one| one["workspace_handle"].as_str().unwrap()).collect();
    assert_eq!(handles, ["attic", "lab"]);
    for one in &found {
        let mut names: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "account_handle",
                "account_id",
                "account_name",
                "workspace_description",
                "workspace_handle",
                "workspace_id",
                "workspace_name"
            ]
        );
        assert!(one.as_object().unwrap().values().all(serde_json::Value::is_string));
        assert_eq!(one["account_handle"], "ada");
    }
}

/// A7, AK-02, AZ-04: a key that was limited reaches that one workspace.
#[actix_rt::test]
async fn a_limited_key_reaches_one_workspace() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    for handle in ["lab", "attic"] {
        ada.workspace(handle).await;
    }
    let all = workspaces(&app.api(&make_key(&ada, "all").await).get("/api/me/workspaces").await);
    let (attic, lab) = (&all[0], &all[1]);
    let typed = [("name", "lab only"), ("limit", lab["workspace_id"].as_str().unwrap())];
    let made = ada.submit("/profile/api-keys/new", &typed).await;
    let key = key_in(&made);
    made.shows(&format!("prefect cloud login --key {key} --workspace ada/lab"));
    let api = app.api(&key);
    assert_eq!(workspaces(&api.get("/api/me/workspaces").await), std::slice::from_ref(lab));
    api.get(&format!("{}/health", place(lab))).await.assert_status(200);
    api.get(&format!("{}/health", place(attic))).await.assert_status(404);
    ada.get("/profile/api-keys").await.shows("ada/lab");
}

/// A person cannot limit a key to what is not theirs, and learns nothing by trying.
#[actix_rt::test]
async fn a_key_is_not_limited_to_a_foreign_workspace() {
    let app = spawn().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    ada.workspace("lab").await;
    let lab = workspaces(&app.api(&make_key(&ada, "a").await).get("/api/me/workspaces").await);
    for id in [lab[0]["workspace_id"].as_str().unwrap(), NOWHERE] {
        eve.submit("/profile/api-keys/new", &[("name", "spy"), ("limit", id)])
            .await
            .assert_status(422)
            .shows("You can’t access this workspace any more")
            .lacks("lab");
    }
}

/// A7, W2, AZ-03, D-25: 401 without a good key, 404 with the same bytes for all that is out of reach.
#[actix_rt::test]
async fn what_is_out_of_reach_looks_like_nothing() {
    let app = spawn().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    ada.workspace("lab").await;
    eve.workspace("lab").await;
    let (key, eves) = (make_key(&ada, "laptop").await, make_key(&eve, "laptop").await);
    let api = app.api(&key);
    let own = workspaces(&api.get("/api/me/workspaces").await).remove(0);
    let foreign = workspaces(&app.api(&eves).get("/api/me/workspaces").await).remove(0);
    let id = |one: &serde_json::Value, name: &str| one[name].as_str().unwrap().to_owned();
    let mixed = [
        place(&foreign),
        format!(
            "/api/accounts/{}/workspaces/{}",
            id(&own, "account_id"),
            id(&foreign, "workspace_id")
        ),
        format!(
            "/api/accounts/{}/workspaces/{}",
            id(&foreign, "account_id"),
            id(&own, "workspace_id")
        ),
        format!("/api/accounts/{NOWHERE}/workspaces/{NOWHERE}"),
        "/api/accounts/ada/workspaces/lab".to_owned(),
        place(&own).replace('-', ""),
    ];
    for address in &mixed {
        for rest in ["", "/health", "/hello", "/admin/version", "/nothing/here"] {
            let answer = api.get(&format!("{address}{rest}")).await;
            assert_eq!((answer.status, answer.text.as_str()), (404, r#"{"detail":"Not Found"}"#));
            assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
            app.api("").get(&format!("{address}{rest}")).await.assert_status(401);
        }
    }
    // What this version lacks is told in the same words wherever it is looked for; what names no workspace, too.
    let lacks = |words: &str| {
        let version = env!("CARGO_PKG_VERSION");
        format!(
            "{{\"detail\":\"{words} are not part of this version of Bulkhead ({version}) yet.\"}}"
        )
    };
    for (path, words) in [
        ("/work_pools/", "Work pools"),
        ("/work_pools/pool/queues/filter", "Work pools"),
        ("/block_types/slug/secret", "Blocks"),
        ("/block_documents/filter", "Blocks"),
        ("/variables/name/x", "Variables"),
        ("/artifacts/", "Artifacts"),
        ("/automations/filter", "Automations"),
    ] {
        for address in [place(&own), place(&foreign)] {
            let answer = api.get(&format!("{address}{path}")).await;
            assert_eq!((answer.status, &*answer.text), (404, &*lacks(words)), "{path}");
        }
        app.api("").get(&format!("{}{path}", place(&own))).await.assert_status(401);
        api.get(&format!("/api{path}")).await.assert_status(404).shows("names no workspace");
    }
    api.get("/api/flow_runs/filter").await.assert_status(404).shows("names no workspace");
    for path in ["/api", "/api/", "/api/x", "/api/me", "/api/me/accounts"] {
        assert_eq!(api.get(path).await.text, r#"{"detail":"Not Found"}"#, "{path}");
    }
    let settings = format!("/api/accounts/{}/settings", id(&own, "account_id"));
    let settings = api.get(&settings).await;
    // Without this field the client says that the server has no list of allowed addresses (api.md §3).
    assert_eq!(settings.assert_status(200).json().get("enforce_ip_allowlist"), None);
}

/// api.md §3 row 14: the probes, at the root and inside a workspace.
#[actix_rt::test]
async fn probes_answer_as_the_client_expects() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    let api = app.api(&make_key(&ada, "laptop").await);
    let lab = place(&workspaces(&api.get("/api/me/workspaces").await)[0]);
    for start in ["/api", &lab] {
        assert_eq!(api.get(&format!("{start}/health")).await.assert_status(200).text, "true");
        assert_eq!(api.get(&format!("{start}/hello")).await.text, "\"👋\"");
        assert_eq!(api.get(&format!("{start}/admin/version")).await.text, "\"3.8.8\"");
    }
}

/// AK-01, AU-09, api.md §3: what is no key of ours is 401 in JSON, and says how to send one.
#[actix_rt::test]
async fn a_wrong_key_is_401() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let key = make_key(&ada, "laptop").await;
    let mut changed = key.clone();
    changed.replace_range(10..11, if &key[10..11] == "x" { "y" } else { "x" });
    let unknown =
        bulkhead::base::secret::ApiKey::generate(bulkhead::base::secret::KeyKind::User).reveal();
    for wrong in ["", "x", "pnu_", &changed, &unknown, &key[..39], &key.to_uppercase()] {
        let answer = app.api(wrong).get("/api/me/workspaces").await;
        answer.assert_status(401);
        assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
        assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer"));
        assert!(answer.text.starts_with(r#"{"detail":"A valid API key is needed"#));
    }
    let visitor = app.visitor();
    for scheme in ["bearer", "BEARER"] {
        let header = format!("{scheme} {key}");
        visitor
            .send("GET", "/api/health", &[("authorization", &header)], "")
            .await
            .assert_status(200);
    }
    let basic = format!("Basic {key}");
    visitor.send("GET", "/api/health", &[("authorization", &basic)], "").await.assert_status(401);
}

/// BR-03, D-15: cookies open no API, keys open no page.
#[actix_rt::test]
async fn pages_and_api_do_not_take_each_others_proof() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let key = make_key(&ada, "laptop").await;
    let answer = ada.get("/api/me/workspaces").await;
    answer.assert_status(401);
    assert_eq!(answer.header("set-cookie"), None);
    let header = format!("Bearer {key}");
    for page in ["/workspaces", "/profile", "/profile/api-keys", "/profile/api-keys/new"] {
        let answer =
            app.visitor().send("GET", page, &[("authorization", header.as_str())], "").await;
        answer.assert_status(303);
        assert!(answer.location().starts_with("/sign-in"), "{page}");
    }
}

/// SP-6: the first visit of a day by a key and by a person is recorded, once each.
#[actix_rt::test]
async fn a_key_at_work_is_recorded_once_a_day() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    let keys = [make_key(&ada, "one").await, make_key(&ada, "two").await];
    let lab = place(&workspaces(&app.api(&keys[0]).get("/api/me/workspaces").await)[0]);
    for day in 1..=2 {
        for key in keys.iter().cycle().take(6) {
            app.api(key).get(&format!("{lab}/health")).await.assert_status(200);
        }
        app.api(&keys[0]).get(&format!("{lab}/nothing")).await.assert_status(404);
        for _ in 0..100 {
            if app.audited("workspace.accessed-by-key").await >= day * 2 {
                break;
            }
            actix_rt::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(app.audited("workspace.accessed-by-key").await, day * 2);
        app.advance(86_400);
    }
    app.assert_audit_is_whole().await;
    let page = app.sign_in("ada").await.get("/profile/activity").await;
    page.shows("Used a key in a workspace").shows("with the key “one”").shows("ada/lab");
}

/// api.md §3.2, A6, SP-20: the button makes a key of 30 days, shown once, and the page may
/// talk to the waiting client.
#[actix_rt::test]
async fn a_client_is_authorized_in_the_browser() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = client_page("http://localhost:4300");
    let asked = ada.get(&page).await;
    asked.assert_status(200).shows("Authorize the Prefect client?").shows("ada@example.org");
    asked.shows("http://localhost:4300").lacks("pnu_");
    let done = authorize(&ada, &page).await;
    let key = key_in(&done);
    done.shows("Prefect CLI, 2026-11-23 09:24").shows(&format!("prefect cloud login --key {key}"));
    assert_eq!(done.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(done.select("#key"), [key.as_str()]);
    assert_eq!(done.attributes("[data-callback]", "data-callback"), ["http://localhost:4300"]);
    for answer in [&asked, &done] {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("connect-src 'self' http://localhost:4300;"), "{policy}");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    }
    app.api(&key).get("/api/me/workspaces").await.assert_status(200);

    authorize(&ada, &page).await.assert_status(200).shows("Prefect CLI, 2026-11-23 09:24 (2)");
    let list = ada.get("/profile/api-keys").await;
    list.shows("2 keys").shows("23 Dec 2026");
    app.advance(30 * 86_400);
    app.api(&key).get("/api/me/workspaces").await.assert_status(401);
}

/// BR-01, SP-17: looking makes no key, and the same form makes one.
#[actix_rt::test]
async fn only_the_button_makes_a_key_and_only_once() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = client_page("http://127.0.0.1:4300/");
    for _ in 0..3 {
        ada.get(&page).await.assert_status(200).lacks("pnu_");
    }
    ada.get("/profile/api-keys").await.shows("No API keys yet");
    let mut form = ada.get(&page).await.form(&page, "Authorize");
    form.action = page.clone();
    ada.fill(form.clone(), &[]).await.assert_status(200);
    ada.fill(form.clone(), &[]).await.assert_status(409).lacks("pnu_");
    form.fields.retain(|(name, _)| name != "csrf");
    ada.fill(form, &[]).await.assert_status(403).lacks("pnu_");
    assert_eq!(app.audited("api-key.created").await, 1);
}

/// api.md §3.2: any other callback would let a site harvest keys.
#[actix_rt::test]
async fn a_callback_elsewhere_is_refused() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let good = client_page("http://localhost:4300");
    let form = ada.get(&good).await.form(&good, "Authorize");
    for callback in [
        "",
        "https://evil.example",
        "https://localhost:4300",
        "http://evil.example:4300",
        "http://localhost",
        "http://localhost:",
        "http://localhost:0",
        "http://localhost:65536",
        "http://localhost:4300/x",
        "http://localhost:4300?x=1",
        "http://localhost:4300#x",
        "http://localhost.evil.example:4300",
        "http://localhost@evil.example:4300",
        "http://user:pass@localhost:4300",
        "http://localhost:4300@evil.example",
        "http://localhost:4300\\@evil.example",
        "http://evil.example:4300/#http://localhost:4300",
        "http://127.0.0.1.evil.example:4300",
        "http://127.1:4300",
        "http://0.0.0.0:4300",
        "http://[::1]:4300",
        "http://localhost:4300\r\nx-evil: 1",
        "http://localhost:4300; script-src *",
        "http://localhost:4300 https://evil.example",
        "//evil.example:4300",
        "/workspaces",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
    ] {
        let page = client_page(callback);
        let mut forged = form.clone();
        forged.action.clone_from(&page);
        for answer in [ada.get(&page).await, ada.fill(forged, &[]).await] {
            answer.assert_status(400).shows("This can’t be authorized").lacks("pnu_");
            assert!(answer.select("main button").is_empty(), "{callback}");
            let policy = answer.header("content-security-policy").unwrap();
            assert!(
                policy.contains("connect-src 'self';") && !policy.contains("evil"),
                "{callback}"
            );
        }
    }
    let twice = format!("{good}&callback=http://localhost:1");
    ada.get(&twice).await.assert_status(400);
    assert_eq!(app.audited("api-key.created").await, 0);
}

/// W2, BR-10, AU-17: after signing in or giving the password again, the question is still the same.
#[actix_rt::test]
async fn the_question_survives_signing_in() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = client_page("http://localhost:4300");
    let encoded: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
    app.visitor().get(&page).await.assert_redirect_to(&format!("/sign-in?next={encoded}"));
    let mut form = ada.get(&page).await.form(&page, "Authorize");
    form.action.clone_from(&page);
    app.advance(11 * 60);
    let confirm = ada.fill(form, &[]).await;
    confirm.assert_redirect_to(&format!("/confirm-access?next={encoded}"));
    ada.submit(&confirm.location(), &[("password", crate::support::PASSWORD)])
        .await
        .assert_redirect_to(&page);
    key_in(&authorize(&ada, &page).await);
}

/// AK-08: one key is asked to wait after so many requests, and no other one with it.
#[actix_rt::test]
async fn a_key_has_its_own_limit() {
    let app = spawn_with(|flags| flags.requests_per_minute_of_key = 20).await;
    let ada = app.user("ada").await;
    let (first, second) = (app.api(&key_of(&ada).await), app.api(&key_of(&ada).await));
    let mut refused = None;
    for _ in 0..40 {
        let answer = first.get("/api/me/workspaces").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a limit");
    assert!(refused.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok()));
    // Whoever asks on waits for its refusals (F-28).
    let began = std::time::Instant::now();
    first.get("/api/me/workspaces").await.assert_status(429);
    assert!(began.elapsed() >= std::time::Duration::from_millis(250));
    second.get("/api/me/workspaces").await.assert_status(200);
}

/// A7, AK-05, H5: what is remembered of a key counts no more as soon as a role, the key, or the workspace is
/// gone, or an end is reached.
#[actix_rt::test]
async fn nothing_that_ended_is_remembered() {
    let app = spawn().await;
    let (_, place) = data(&app).await;
    let dev = member(&app, "dev").await;
    let path = format!("{place}/flows/");
    let flow = serde_json::json!({"name": "etl"});
    let key = app.api(&key_of(&dev).await);
    key.post(&path, flow.clone()).await.assert_status(404);
    app.give_role(("acme", "data"), "dev", Role::Developer).await;
    for status in [201, 200, 200] {
        key.post(&path, flow.clone()).await.assert_status(status);
    }
    app.take_role(("acme", "data"), "dev").await;
    key.post(&path, flow.clone()).await.assert_status(404);
    app.give_role(("acme", "data"), "dev", Role::Viewer).await;
    key.post(&path, flow.clone()).await.assert_status(403);
    let read = format!("{place}/flows/filter");
    key.post(&read, serde_json::json!({})).await.assert_status(200);
    let page = dev.get("/profile/api-keys").await;
    let delete = page.attributes("a", "href").into_iter().find(|href| href.ends_with("/delete"));
    dev.submit(&delete.unwrap(), &[]).await.assert_status(303);
    key.post(&read, serde_json::json!({})).await.assert_status(401);

    // A key ends by itself.
    let short = dev.submit("/profile/api-keys/new", &[("name", "short"), ("expires", "7")]).await;
    let short = short.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
    let short = app.api(&short);
    short.post(&read, serde_json::json!({})).await.assert_status(200);
    app.advance(8 * 86_400);
    short.post(&read, serde_json::json!({})).await.assert_status(401);
}
