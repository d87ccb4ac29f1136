//! The JSON API of accounts, members, roles, service accounts and sharing: what programs do with it,
//! and what it refuses (BR-03, A7, B3, B4).

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole::Member;
use serde_json::{Value, json};

use crate::support::{Answer, ApiClient, TestApp, spawn};
use crate::tenancy::members::acme;
use crate::tenancy::service_accounts::key_of;

/// The admin's key, and the ids of `acme` and of its workspace `data`.
async fn admin(app: &TestApp) -> (ApiClient, String, String) {
    let ada = acme(app).await;
    let api = app.api(&key_of(&ada).await);
    let (account, place) = place(&api, "acme").await;
    (api, account, place)
}

async fn place(api: &ApiClient, handle: &str) -> (String, String) {
    let list = api.get("/api/me/workspaces").await.assert_status(200).json();
    let found = list.as_array().unwrap().iter().find(|one| one["account_handle"] == handle);
    let text = |field: &str| found.unwrap()[field].as_str().unwrap().to_owned();
    (text("account_id"), text("workspace_id"))
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

async fn patch(api: &ApiClient, path: &str, body: Value) -> Answer {
    api.send("PATCH", path, Some(body)).await
}

async fn delete(api: &ApiClient, path: &str) -> Answer {
    api.send("DELETE", path, None).await
}

/// The id of a built-in role by its name.
pub async fn role_named(api: &ApiClient, account: &str, name: &str) -> String {
    let filter = json!({"workspace_roles": {"name": {"any_": [name]}}});
    let path = format!("/api/accounts/{account}/workspace_roles/filter");
    let list = api.post(&path, filter).await.assert_status(200).json();
    assert_eq!(list.as_array().unwrap().len(), 1, "{name}: {list}");
    id(&list[0])
}

/// A program shares a workspace from nothing: the workspace, a role, a service account and its key,
/// the grant; and takes it all back.
#[actix_rt::test]
async fn a_program_shares_a_workspace() {
    let app = spawn().await;
    let (api, account, _) = admin(&app).await;
    let of = |rest: &str| format!("/api/accounts/{account}{rest}");
    let account_body = api.get(&of("/")).await.assert_status(200).json();
    assert_eq!(account_body["handle"], "acme");
    let new = json!({"name": "etl", "handle": "etl", "description": null});
    let made = api.post(&of("/workspaces/"), new.clone()).await.assert_status(201).json();
    assert_eq!(made["description"], "");
    api.post(&of("/workspaces/"), new).await.assert_status(409);
    let workspace = id(&made);
    let inside = |rest: &str| format!("/api/accounts/{account}/workspaces/{workspace}{rest}");
    let filter = json!({"workspaces": {"handle": {"any_": null}}});
    let list = api.post(&of("/workspaces/filter"), filter).await.assert_status(200).json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    let filter = json!({"workspaces": {"handle": {"any_": ["etl"]}}});
    let list = api.post(&of("/workspaces/filter"), filter).await.json();
    assert_eq!(list[0]["id"], made["id"]);
    let change = json!({"description": "Loads", "default_workspace_role_id": null});
    patch(&api, &inside(""), change).await.assert_status(204);
    assert_eq!(api.get(&inside("")).await.json()["description"], "Loads");

    let viewer = role_named(&api, &account, "Viewer").await;
    let role = json!({"name": "Release", "description": "", "scopes": ["manage_blocks"],
        "inherited_role_id": viewer});
    let role = api.post(&of("/workspace_roles/"), role).await.assert_status(201).json();
    let scopes = role["scopes"].to_string();
    assert!(
        scopes.contains("\"see_blocks\"") && scopes.contains("\"see_secret_blocks\""),
        "{scopes}"
    );
    let bot = json!({"name": "ci", "api_key_expiration": null});
    let bot = api.post(&of("/bots/"), bot).await.assert_status(201).json();
    assert_eq!(bot["account_role_name"], "Member");
    let key = bot["api_key"]["key"].as_str().unwrap().to_owned();
    let again = api.get(&of(&format!("/bots/{}", id(&bot)))).await.assert_status(200).json();
    assert_eq!(again["api_key"].get("key"), None, "shown once");
    let filter = json!({"service_accounts": {"name": {"any_": ["ci"]}}});
    let list = api.post(&of("/bots/filter"), filter).await.json();
    assert_eq!(id(&list[0]), id(&bot));

    let grant = json!([{"bot_id": bot["id"], "workspace_role_id": role["id"]}]);
    let granted = api.post(&inside("/bot_access/"), grant).await.assert_status(200).json();
    assert_eq!(granted[0]["bot_id"], bot["id"]);
    let reached = app.api(&key).get("/api/me/workspaces").await.assert_status(200).json();
    assert_eq!(reached[0]["workspace_handle"], "etl");
    app.api(&key).get(&inside("/hello")).await.assert_status(200);
    // In use: the role stays.
    let release = of(&format!("/workspace_roles/{}", id(&role)));
    delete(&api, &release).await.assert_status(409);

    let rotate = of(&format!("/bots/{}/rotate_api_key", id(&bot)));
    let rotation = json!({"old_key_expires_in_seconds": 0});
    let rotated = api.post(&rotate, rotation).await.assert_status(201).json();
    app.api(&key).get("/api/me/workspaces").await.assert_status(401);
    let key = rotated["api_key"]["key"].as_str().unwrap().to_owned();
    app.api(&key).get(&inside("/hello")).await.assert_status(200);
    api.post(&rotate, json!({"old_key_expires_in_seconds": 172_801})).await.assert_status(422);

    let access = inside(&format!("/bot_access/{}", id(&granted[0])));
    api.get(&access).await.assert_status(200);
    delete(&api, &access).await.assert_status(204);
    app.api(&key).get(&inside("/hello")).await.assert_status(404);
    delete(&api, &release).await.assert_status(204);
    delete(&api, &of(&format!("/bots/{}", id(&bot)))).await.assert_status(204);
    app.api(&key).get("/api/me/workspaces").await.assert_status(401);
    delete(&api, &inside("")).await.assert_status(204);
    api.get(&inside("")).await.assert_status(404);
    for event in ["workspace.created", "workspace.deleted", "service-account.rotated"] {
        assert!(app.audited(event).await > 0, "{event}");
    }
    app.assert_audit_is_whole().await;
}

/// People: invited by address without any link in the answer, found by address, let into a workspace
/// at once, made an admin, removed.
#[actix_rt::test]
async fn a_program_manages_people() {
    let app = spawn().await;
    let (api, account, workspace) = admin(&app).await;
    let of = |rest: &str| format!("/api/accounts/{account}{rest}");
    let inside = |rest: &str| format!("/api/accounts/{account}/workspaces/{workspace}{rest}");
    let asked = json!({"emails": ["pam@example.org", "nonsense", "ada@example.org"]});
    let sent = api.post(&of("/invitations/"), asked).await;
    sent.assert_status(201);
    let link = app.inbox("pam@example.org").await[0].link();
    assert!(!sent.text.contains(link.rsplit('/').next().unwrap()));
    let statuses: Vec<_> =
        sent.json().as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["sent", "invalid", "yourself"]);
    let list = api.post(&of("/invitations/filter"), json!({})).await.assert_status(200).json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    let invitation = of(&format!("/invitations/{}", id(&list[0])));
    api.post(&format!("{invitation}/resend"), json!({})).await;
    delete(&api, &invitation).await.assert_status(204);
    delete(&api, &invitation).await;
    assert_eq!(app.audited("account-invitation.deleted").await, 1);

    let bob = app.user("bob").await;
    app.make_member("acme", "bob", Member).await;
    let filter = json!({"account_memberships": {"email": {"any_": ["bob@example.org"]}}});
    let list = api.post(&of("/account_memberships/filter"), filter).await.json();
    let (row, user) = (id(&list[0]), list[0]["user_id"].clone());
    let viewer = role_named(&api, &account, "Viewer").await;
    let grant = json!([{"user_id": user, "workspace_role_id": viewer}]);
    let granted = api.post(&inside("/user_access/"), grant).await.assert_status(200).json();
    bob.get("/workspaces/acme/data").await.assert_status(200);
    let developer = role_named(&api, &account, "Developer").await;
    let grant = json!([{"user_id": user, "workspace_role_id": developer}]);
    let changed = api.post(&inside("/user_access/"), grant).await.assert_status(200).json();
    assert_eq!(changed[0]["id"], granted[0]["id"], "the same row, with another role");
    let grant = json!([{"user_id": user, "workspace_role_id": developer}]);
    let again = api.post(&inside("/user_access/"), grant).await.assert_status(200).json();
    assert_eq!(again, changed);
    assert_eq!(app.audited("workspace-access.updated").await, 1, "the same again is no change");
    let list = api.post(&inside("/user_access/filter"), json!({})).await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    delete(&api, &inside(&format!("/user_access/{}", id(&granted[0])))).await.assert_status(204);
    bob.get("/workspaces/acme/data").await.assert_status(404);
    let everyone = json!({"workspace_role_id": viewer});
    api.send("PUT", &inside("/default_role"), Some(everyone)).await.assert_status(204);
    bob.get("/workspaces/acme/data").await.assert_status(200);

    let roles = api.post(&of("/account_roles/filter"), json!({})).await.json();
    let admin = roles.as_array().unwrap().iter().find(|role| role["name"] == "Admin").unwrap();
    let member = of(&format!("/account_memberships/{row}"));
    patch(&api, &member, json!({"account_role_id": admin["id"]})).await.assert_status(204);
    bob.get("/organizations/acme/members/invite").await.assert_status(200);
    delete(&api, &member).await.assert_status(204);
    bob.get("/organizations/acme").await.assert_status(404);
    let domains = json!({"domain_names": ["example.org"]});
    patch(&api, &of("/domains"), domains).await.assert_status(204);
    assert_eq!(api.get(&of("/domains")).await.json()[0]["name"], "example.org");
    // The last admin stays.
    let filter = json!({"account_memberships": {"email": {"any_": ["ada@example.org"]}}});
    let list = api.post(&of("/account_memberships/filter"), filter).await.json();
    let own = of(&format!("/account_memberships/{}", id(&list[0])));
    assert_ne!(delete(&api, &own).await.status, 204);
    app.assert_audit_is_whole().await;
}

/// B3: a change says what changes: what is absent stays, and nothing is cleared by a forgotten body.
#[actix_rt::test]
async fn what_a_change_does_not_name_stays() {
    let app = spawn().await;
    let (api, account, workspace) = admin(&app).await;
    let of = |rest: &str| format!("/api/accounts/{account}{rest}");
    let rules = json!({"domain_names": ["example.org"], "run_retention_days": 7,
        "audit_log_retention_days": 30});
    patch(&api, &of("/policy"), rules).await.assert_status(204);
    for nothing in [json!({}), json!({"run_retention_days": 7})] {
        patch(&api, &of("/policy"), nothing).await.assert_status(204);
        let now = api.get(&of("/policy")).await.json();
        assert_eq!(now["domain_names"][0], "example.org");
        assert_eq!(
            (&now["run_retention_days"], &now["audit_log_retention_days"]),
            (&json!(7), &json!(30))
        );
    }
    patch(&api, &of("/policy"), json!({"run_retention_days": null})).await.assert_status(204);
    let now = api.get(&of("/policy")).await.json();
    assert_eq!(
        (&now["run_retention_days"], &now["audit_log_retention_days"]),
        (&json!(null), &json!(30))
    );

    let viewer = role_named(&api, &account, "Viewer").await;
    let role = json!({"name": "Release", "scopes": ["manage_blocks"], "inherited_role_id": viewer});
    let made = api.post(&of("/workspace_roles/"), role).await.assert_status(201).json();
    let path = of(&format!("/workspace_roles/{}", id(&made)));
    patch(&api, &path, json!({"name": "Releases"})).await.assert_status(204);
    let now = api.get(&path).await.json();
    assert_eq!((&now["name"], &now["scopes"]), (&json!("Releases"), &made["scopes"]));
    assert_eq!(now["inherited_role_id"], viewer);
    patch(&api, &path, json!({"inherited_role_id": null})).await.assert_status(204);
    let now = api.get(&path).await.json();
    assert_eq!(now["inherited_role_id"], json!(null));
    assert!(now["scopes"].to_string().contains("manage_blocks"));

    let everyone = of(&format!("/workspaces/{workspace}/default_role"));
    let send = async |body: Option<Value>| api.send("PUT", &everyone, body).await.status;
    assert_eq!(send(Some(json!({"workspace_role_id": viewer}))).await, 204);
    assert_eq!(send(Some(json!({}))).await, 422);
    assert_eq!(send(None).await, 422);
    let here = of(&format!("/workspaces/{workspace}"));
    assert_eq!(api.get(&here).await.json()["default_workspace_role_id"], viewer);
    assert_eq!(send(Some(json!({"workspace_role_id": null}))).await, 204);
    assert_eq!(api.get(&here).await.json()["default_workspace_role_id"], json!(null));
}

/// IV-11, IV-10: an object is no array, and lists have an end.
#[actix_rt::test]
async fn a_body_is_what_the_document_says() {
    let app = spawn().await;
    let (api, account, _) = admin(&app).await;
    let path = format!("/api/accounts/{account}/bots/filter");
    for body in [
        json!([null, null]),
        json!({"limit": 201}),
        json!({"offset": 2_147_483_648_u32}),
        json!({"service_accounts": {"name": {"any_": vec!["x"; 201]}}}),
    ] {
        api.post(&path, body.clone()).await.assert_status(422);
    }
    api.post(&path, json!({"limit": 200, "offset": 2_147_483_647})).await.assert_status(200);
}

/// IN-08: a program that gives and takes a role again and again does not fill a mailbox.
#[actix_rt::test]
async fn a_program_mails_a_person_only_so_often() {
    let app = spawn().await;
    let (api, account, workspace) = admin(&app).await;
    let inside = |rest: &str| format!("/api/accounts/{account}/workspaces/{workspace}{rest}");
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    let viewer = role_named(&api, &account, "Viewer").await;
    let filter = json!({"account_memberships": {"email": {"any_": ["bob@example.org"]}}});
    let members = format!("/api/accounts/{account}/account_memberships/filter");
    let user = api.post(&members, filter).await.json()[0]["user_id"].clone();
    for _ in 0..15 {
        let grant = json!([{"user_id": user, "workspace_role_id": viewer}]);
        let row = api.post(&inside("/user_access/"), grant).await.assert_status(200).json();
        let row = inside(&format!("/user_access/{}", id(&row[0])));
        delete(&api, &row).await.assert_status(204);
    }
    assert_eq!(app.inbox("bob@example.org").await.len(), 20);
    assert_eq!(app.audited("workspace-access.created").await, 15);
}

/// IV-11, AZ-15: an element of a list is one thing, whatever it holds; an array is no object, also in a list.
#[actix_rt::test]
async fn an_element_of_a_list_is_one_thing() {
    let app = spawn().await;
    let (api, account, workspace) = admin(&app).await;
    let of = |rest: &str| format!("/api/accounts/{account}{rest}");
    let inside = |rest: &str| of(&format!("/workspaces/{workspace}{rest}"));
    let two = "bob@example.org,eve@example.org\ncyd@example.org";
    let sent =
        api.post(&of("/invitations/"), json!({"emails": [two, "dan@example.org", ""]})).await;
    let sent = sent.assert_status(201).json();
    let told: Vec<_> = sent.as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(told, ["invalid", "sent", "invalid"], "{sent}");
    assert_eq!(sent[0]["email"], two);
    for domains in ["a.example, b.example", "a.example b.example", "a.example\nb.example", ""] {
        let body = json!({"domain_names": [domains]});
        patch(&api, &of("/domains"), body.clone()).await.assert_status(422);
        patch(&api, &of("/policy"), body).await.assert_status(422);
    }
    assert_eq!(api.get(&of("/domains")).await.json(), json!([]));

    let id = uuid::Uuid::nil();
    for (path, body) in [
        (inside("/user_access/"), json!([[id, id, null]])),
        (inside("/bot_access/"), json!([[id, id, null]])),
        (inside("/events/filter"), json!({"filter": {"related": [[["x"], ["y"], null, null]]}})),
        (inside("/events/filter"), json!({"filter": {"any_resource": [["x"], ["y"]]}})),
    ] {
        api.post(&path, body.clone()).await.assert_status(422);
    }
}

/// AZ-02, A7, B4: ids of another organization in a body or behind the own account name nothing.
#[actix_rt::test]
async fn a_body_names_nothing_of_another_organization() {
    let app = spawn().await;
    let (api, account, workspace) = admin(&app).await;
    let eve = app.user("eve").await;
    eve.submit("/organizations/new", &[("name", "Evil"), ("handle", "evil")])
        .await
        .assert_status(303);
    eve.submit("/workspaces/new?owner=evil", &[("owner", "evil"), ("handle", "lair")])
        .await
        .assert_status(303);
    let other = app.api(&key_of(&eve).await);
    let (their_account, their_place) = place(&other, "evil").await;
    let theirs = |rest: &str| format!("/api/accounts/{their_account}{rest}");
    let bot = other.post(&theirs("/bots/"), json!({"name": "spy"})).await.assert_status(201).json();
    let role = json!({"name": "Theirs", "scopes": ["see_flows"]});
    let role = other.post(&theirs("/workspace_roles/"), role).await.assert_status(201).json();
    let viewer = role_named(&api, &account, "Viewer").await;
    let outsider = app.make_user("pam", Verified::Mailed).await.to_string();
    let of = |rest: &str| format!("/api/accounts/{account}{rest}");
    let inside = |rest: &str| format!("/api/accounts/{account}/workspaces/{workspace}{rest}");
    let before = app.audited("workspace.shared").await;
    for (path, body) in [
        (inside("/bot_access/"), json!([{"bot_id": bot["id"], "workspace_role_id": viewer}])),
        (inside("/user_access/"), json!([{"user_id": outsider, "workspace_role_id": viewer}])),
        (of("/workspace_roles/"), json!({"name": "X", "inherited_role_id": role["id"]})),
    ] {
        let answer = api.post(&path, body).await;
        assert!(matches!(answer.status, 404 | 409 | 422), "{path}: {}", answer.status);
    }
    let own = api.post(&of("/bots/"), json!({"name": "ci"})).await.assert_status(201).json();
    let grant = json!([{"bot_id": own["id"], "workspace_role_id": role["id"]}]);
    let answer = api.post(&inside("/bot_access/"), grant).await;
    assert!(matches!(answer.status, 404 | 422), "{}", answer.status);
    // The other's things behind the own account, and the other's workspace behind it.
    for path in [
        of(&format!("/bots/{}", id(&bot))),
        of(&format!("/workspace_roles/{}", id(&role))),
        of(&format!("/workspaces/{their_place}")),
        format!("/api/accounts/{their_account}/workspaces/{workspace}"),
    ] {
        api.get(&path).await.assert_status(404);
        delete(&api, &path).await.assert_status(404);
    }
    other.get(&theirs(&format!("/bots/{}", id(&bot)))).await.assert_status(200);
    assert_eq!(app.audited("workspace.shared").await, before);
}

/// IV-10, IV-11, CF-06: what is no body, too large a window, or of another type says so.
#[actix_rt::test]
async fn bad_bodies_are_explained() {
    let app = spawn().await;
    let (api, account, _) = admin(&app).await;
    let of = |rest: &str| format!("/api/accounts/{account}{rest}");
    let too_many = api.post(&of("/bots/filter"), json!({"limit": 201})).await;
    assert!(too_many.assert_status(422).json()["detail"].as_str().unwrap().contains("200"));
    api.post(&of("/bots/"), json!({"name": 5})).await.assert_status(422);
    api.post(&of("/bots/"), json!({"name": ""})).await.assert_status(422);
    api.post(&of("/bots/"), json!({"name": "a\u{0}b"})).await.assert_status(422);
    let end = json!({"name": "late", "api_key_expiration": "yesterday"});
    api.post(&of("/bots/"), end).await.assert_status(422);
    api.post(&of("/workspace_roles/"), json!({"name": "x", "scopes": ["rule_all"]}))
        .await
        .assert_status(422);
    api.get("/api/accounts/nonsense/").await.assert_status(404);
}

/// When the only key of a list stops.
async fn list_end(api: &ApiClient, keys: &str) -> Value {
    api.get(keys).await.assert_status(200).json()[0]["expiration"].clone()
}

/// AK-02, AK-07: a person's keys by a key: never one that outlives it, and only the own.
#[actix_rt::test]
async fn keys_make_keys_of_the_same_person() {
    let app = spawn().await;
    let (api, account, _) = admin(&app).await;
    let filter = json!({});
    let path = format!("/api/accounts/{account}/account_memberships/filter");
    let list = api.post(&path, filter).await.json();
    let keys = format!("/api/users/{}/api_keys", list[0]["user_id"].as_str().unwrap());
    let end = list_end(&api, &keys).await;
    let longer = api.post(&keys, json!({"name": "second"})).await;
    assert!(longer.assert_status(403).json()["detail"].as_str().unwrap().contains("outlive"));
    let made = api.post(&keys, json!({"name": "second", "expiration": end})).await;
    let made = made.assert_status(201).json();
    let second = app.api(made["key"].as_str().unwrap());
    let list = second.get(&keys).await.assert_status(200).json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(list.as_array().unwrap().iter().all(|key| key.get("key").is_none()));
    api.post(&keys, json!({"name": "second", "expiration": end})).await.assert_status(409);
    let eve = app.user("eve").await;
    app.api(&key_of(&eve).await).get(&keys).await.assert_status(404);
    let own = format!("{keys}/{}", id(&made));
    second.get(&own).await.assert_status(200);
    delete(&api, &own).await.assert_status(204);
    second.get(&keys).await.assert_status(401);
}
