//! Every route × every actor: the answers, as one table. A route that is not in the table fails the
//! test, so a new one cannot be forgotten (AZ-01, AZ-02, AZ-03, AZ-09, W2, AU-15).

use std::collections::BTreeSet;
use std::fmt::Write;

use actix_web::{App, HttpRequest, test, web};
use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole;
use bulkhead::access::role::Role;
use bulkhead::base::db::schema::{
    api_keys, invitations, memberships, transfers, users, workspaces,
};
use bulkhead::base::db::{Db, Locks};
use bulkhead::base::error::Result;
use bulkhead::base::http::routes;
use bulkhead::base::secret::Purpose;
use bulkhead::server;
use diesel::prelude::*;

use crate::orchestration::{deployments, flow_runs};
use crate::support::{Client, TestApp, spawn};
use crate::tenancy::{members, roles, service_accounts, sharing};

type AnyId = bulkhead::base::db::Id<()>;

/// The patterns that the server really has.
async fn patterns(app: &TestApp) -> BTreeSet<String> {
    async fn dump(req: HttpRequest) -> String {
        format!("{:?}", req.resource_map())
    }
    let service = test::init_service(
        App::new()
            .route("/the-routes", web::get().to(dump))
            .configure(server::routes(app.app.clone())),
    )
    .await;
    let request = test::TestRequest::get().uri("/the-routes").to_request();
    let body = test::call_and_read_body(&service, request).await;
    let text = String::from_utf8(body.to_vec()).unwrap();
    let single = text.split("Single(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let lists = text.split("List([").skip(1).flat_map(|rest| {
        let list = rest.split("])").next().unwrap_or_default();
        list.split(", ").map(|part| part.trim_matches('"'))
    });
    single
        .chain(lists)
        .filter(|pattern| !pattern.is_empty() && *pattern != "/the-routes")
        .map(routes::plain)
        .collect()
}

/// What the paths of the table name.
struct Things {
    workspace: String,
    account: String,
    deleted: String,
    membership: String,
    invitation: String,
    token: String,
    key: String,
    flow: String,
    run: String,
    task: String,
    search: String,
    deployment: String,
    schedule: String,
    limit: String,
    transfer: String,
    organization: Ids,
}

/// What belongs to `acme`: rows of members, invitations, service accounts, roles.
#[derive(Default)]
struct Ids {
    member: String,
    invitation: String,
    workspace_invitation: String,
    bot: String,
    bot_grant: String,
    membership: String,
    role: String,
    workspace: String,
    account: String,
    flow: String,
    run: String,
    task: String,
    search: String,
    deployment: String,
    schedule: String,
    limit: String,
}

/// Ada owns `lab`, with Bob in it and Pam invited, and `old`, which is deleted; Rex was in `lab`.
/// Ada is admin of the organization `acme` too, and Bob a member; it owns `data`, in which people with
/// a name like a role have that role.
async fn furnish(app: &TestApp) -> Things {
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    ada.workspace("old").await;
    ada.submit("/workspaces/ada/old/settings/delete", &[("confirm", "ada/old")])
        .await
        .assert_status(303);
    ada.submit("/profile/api-keys/new", &[("name", "laptop")]).await.assert_status(200);
    for handle in ["bob", "rex", "pam", "eve"] {
        app.make_user(handle, Verified::Mailed).await;
    }
    app.make_user("una", Verified::No).await;
    for handle in ["bob", "rex"] {
        let address = format!("{handle}@example.org");
        ada.submit("/workspaces/ada/lab/collaborators/invite", &[("email", &address)])
            .await
            .assert_status(303);
        let link = app.inbox(&address).await.pop().unwrap().link();
        app.sign_in(handle).await.submit_form(&link, "accept", &[]).await.assert_status(303);
    }
    let rex = app
        .read(|db| {
            Ok(memberships::table
                .order(memberships::id.desc())
                .select(memberships::id)
                .first::<AnyId>(db)?)
        })
        .await;
    let page = format!("/workspaces/ada/lab/collaborators/{rex}/remove");
    ada.submit(&page, &[]).await.assert_status(303);
    ada.submit("/workspaces/ada/lab/collaborators/invite", &[("email", "pam@example.org")])
        .await
        .assert_status(303);
    ada.submit("/organizations/new", &[("name", "Acme"), ("handle", "acme")])
        .await
        .assert_status(303);
    app.make_member("acme", "bob", OrganizationRole::Member).await;
    furnish_organization(app, &ada).await;
    let api = app.api(&service_accounts::key_of(&ada).await);
    for place in api.get("/api/me/workspaces").await.json().as_array().unwrap() {
        let id = |name: &str| place[name].as_str().unwrap().to_owned();
        let place = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
        let flow = flow_runs::flow(&api, &place, "etl").await;
        let run = flow_runs::run(&api, &place, &flow, serde_json::json!({})).await;
        let task =
            serde_json::json!({"flow_run_id": run["id"], "task_key": "sum", "dynamic_key": "0"});
        api.post(&format!("{place}/task_runs/"), task).await.assert_status(201);
        let search = Some(serde_json::json!({"name": "all"}));
        api.send("PUT", &format!("{place}/saved_searches/"), search).await.assert_status(201);
        let often = serde_json::json!({"schedules": [{"schedule": {"interval": 60}}]});
        deployments::deploy(&api, &place, &flow, ("often", often)).await;
        let limit = serde_json::json!({"tag": "prod", "concurrency_limit": 1});
        api.post(&format!("{place}/concurrency_limits/"), limit).await.assert_status(201);
    }
    things(app).await
}

/// A flow of a workspace, a run of it, a run of a task in that, a saved search, a deployment and its schedule, and a
/// limit.
fn what_ran(db: &mut Db, workspace: AnyId) -> Result<[String; 7]> {
    use bulkhead::base::db::schema::{
        concurrency_limits, deployment_schedules as schedules, flow_runs, saved_searches, task_runs,
    };
    let (flow, run): (AnyId, AnyId) = flow_runs::table
        .filter(flow_runs::workspace_id.eq(workspace))
        .select((flow_runs::flow_id, flow_runs::id))
        .first(db)?;
    let task: AnyId = task_runs::table
        .filter(task_runs::workspace_id.eq(workspace))
        .select(task_runs::id)
        .first(db)?;
    let search: AnyId = saved_searches::table
        .filter(saved_searches::workspace_id.eq(workspace))
        .select(saved_searches::id)
        .first(db)?;
    let (deployment, schedule): (AnyId, AnyId) = schedules::table
        .filter(schedules::workspace_id.eq(workspace))
        .select((schedules::deployment_id, schedules::id))
        .first(db)?;
    let limit: AnyId = concurrency_limits::table
        .filter(concurrency_limits::workspace_id.eq(workspace))
        .select(concurrency_limits::id)
        .first(db)?;
    Ok([flow, run, task, search, deployment, schedule, limit].map(|id| id.to_string()))
}

async fn furnish_organization(app: &TestApp, ada: &Client) {
    ada.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", "data")])
        .await
        .assert_status(303);
    for role in Role::GRANTED {
        app.make_user(role.as_str(), Verified::Mailed).await;
        app.make_member("acme", role.as_str(), OrganizationRole::Member).await;
        app.give_role(("acme", "data"), role.as_str(), role).await;
    }
    for handle in ["former", "asked"] {
        app.make_user(handle, Verified::Mailed).await;
        app.make_member("acme", handle, OrganizationRole::Member).await;
    }
    sharing::add_member(ada, "Asked", "owner").await.assert_status(303);
    app.give_role(("acme", "data"), "former", Role::Owner).await;
    let remove = members::step(ada, "/organizations/acme/members", "Former", "remove").await;
    ada.submit(&remove, &[]).await.assert_status(303);
    let invite = [("email", "new@example.org"), ("role", "member")];
    ada.submit("/organizations/acme/members/invite", &invite).await.assert_status(303);
    service_accounts::bot(app, ada, "ingest").await;
    sharing::share(ada, "ingest", "worker", "").await.assert_status(303);
    roles::role(ada, "Release", "", &["see_flows"]).await.assert_status(303);
    let foreign = app.user("foreign").await;
    foreign
        .submit("/organizations/new", &[("name", "Foreign"), ("handle", "elsewhere")])
        .await
        .assert_status(303);
    // Out of `acme` into `elsewhere`, if that says yes.
    ada.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", "out")])
        .await
        .assert_status(303);
    let page = "/workspaces/acme/out/settings/transfer?other=elsewhere";
    let fields = [("confirm", "acme/out"), ("ack", "access")];
    ada.submit_form(page, "Request", &fields).await.assert_status(303);
}

async fn organization_ids(app: &TestApp) -> Ids {
    use bulkhead::base::db::schema::{
        organization_members, service_account_grants as grants, workspace_roles,
    };
    app.read(|db| {
        let member: AnyId = organization_members::table
            .filter(organization_members::sort_name.eq("bob"))
            .select(organization_members::id)
            .first(db)?;
        let invited = |kind: &'static str| invitations::table.filter(invitations::kind.eq(kind));
        let invitation: AnyId = invited("organization").select(invitations::id).first(db)?;
        let workspace_invitation: AnyId = invited("workspace").select(invitations::id).first(db)?;
        let (bot, bot_grant): (AnyId, AnyId) =
            grants::table.select((grants::service_account_id, grants::id)).first(db)?;
        let membership: AnyId = memberships::table
            .filter(memberships::sort_name.eq("viewer"))
            .select(memberships::id)
            .first(db)?;
        let role: AnyId = workspace_roles::table.select(workspace_roles::id).first(db)?;
        let (workspace, account): (AnyId, AnyId) = workspaces::table
            .filter(workspaces::handle.eq("data"))
            .select((workspaces::id, workspaces::account_id))
            .first(db)?;
        let [flow, run, task, search, deployment, schedule, limit] = what_ran(db, workspace)?;
        Ok(Ids {
            flow,
            run,
            task,
            search,
            deployment,
            schedule,
            limit,
            member: member.to_string(),
            invitation: invitation.to_string(),
            workspace_invitation: workspace_invitation.to_string(),
            bot: bot.to_string(),
            bot_grant: bot_grant.to_string(),
            membership: membership.to_string(),
            role: role.to_string(),
            workspace: workspace.to_string(),
            account: account.to_string(),
        })
    })
    .await
}

async fn things(app: &TestApp) -> Things {
    let keys = app.app.context.keys.clone();
    let organization = organization_ids(app).await;
    app.read(move |db| {
        let (workspace, account): (AnyId, AnyId) = workspaces::table
            .filter(workspaces::handle.eq("lab"))
            .select((workspaces::id, workspaces::account_id))
            .first(db)?;
        let deleted: AnyId = workspaces::table
            .filter(workspaces::handle.eq("old"))
            .select(workspaces::id)
            .first(db)?;
        let membership: AnyId = memberships::table
            .filter(memberships::sort_name.eq("bob"))
            .select(memberships::id)
            .first(db)?;
        let (invitation, generation): (AnyId, i32) = invitations::table
            .filter(invitations::email_key.eq("pam@example.org"))
            .select((invitations::id, invitations::generation))
            .first(db)?;
        let key: AnyId = api_keys::table.order(api_keys::id).select(api_keys::id).first(db)?;
        let [flow, run, task, search, deployment, schedule, limit] = what_ran(db, workspace)?;
        let transfer: AnyId = transfers::table.select(transfers::id).first(db)?;
        Ok(Things {
            transfer: transfer.to_string(),
            workspace: workspace.to_string(),
            account: account.to_string(),
            deleted: deleted.to_string(),
            membership: membership.to_string(),
            invitation: invitation.to_string(),
            token: keys.link_token(Purpose::InvitationMailed, invitation.uuid(), generation),
            key: key.to_string(),
            flow,
            run,
            task,
            search,
            deployment,
            schedule,
            limit,
            organization,
        })
    })
    .await
}

/// A path of a pattern.
fn path(pattern: &str, things: &Things) -> String {
    let own = &things.organization;
    let id = if pattern.contains("/flow-runs/") {
        if pattern.contains("/acme/") { &own.run } else { &things.run }
    } else if pattern.contains("/task-runs/") {
        if pattern.contains("/acme/") { &own.task } else { &things.task }
    } else if pattern.contains("/saved-searches/") {
        if pattern.contains("/acme/") { &own.search } else { &things.search }
    } else if pattern.contains("/deployments/") {
        if pattern.contains("/acme/") { &own.deployment } else { &things.deployment }
    } else if pattern.contains("/concurrency/") {
        if pattern.contains("/acme/") { &own.limit } else { &things.limit }
    } else if pattern.contains("/flows/") {
        if pattern.contains("/acme/") { &own.flow } else { &things.flow }
    } else if pattern.contains("/members/invitations/") {
        &own.invitation
    } else if pattern.contains("/sharing/invitations/") {
        &own.workspace_invitation
    } else if pattern.contains("/sharing/members/") {
        &own.membership
    } else if pattern.contains("/sharing/service-accounts/") {
        &own.bot_grant
    } else if pattern.contains("/members/{id}") {
        &own.member
    } else if pattern.contains("/service-accounts/") {
        &own.bot
    } else if pattern.contains("/collaborators/{id}/remove") {
        &things.membership
    } else if pattern.contains("/collaborators/{id}/") {
        &things.invitation
    } else if pattern.starts_with("/transfers/") {
        &things.transfer
    } else if pattern.contains("/deleted/") {
        &things.deleted
    } else {
        &things.key
    };
    let schedule = if pattern.contains("/acme/") { &own.schedule } else { &things.schedule };
    pattern
        .replace("{schedule}", schedule)
        .replace("{organization}", "acme")
        .replace("{sequence}", "1")
        .replace("{role}", &own.role)
        .replace("{person}", "bob")
        .replace("{account}", "ada")
        .replace("{workspace}", "lab")
        .replace("{account_id}", &things.account)
        .replace("{workspace_id}", &things.workspace)
        .replace("{token}", if pattern.starts_with("/invitations") { &things.token } else { "x" })
        .replace("{id}", id)
        .replace("{version}", "0")
        .replace("{name:.*}", "app.css")
        .replace("{tail:.*}", "dashboard")
}

/// The tokens of a form, from a page that every actor of a kind can open.
async fn tokens(client: &Client) -> Vec<(String, String)> {
    for page in ["/sign-in", "/profile", "/verify-email"] {
        let answer = client.get(page).await;
        let token = |name: &str| answer.attributes(&format!("input[name={name}]"), "value").pop();
        if let (200, Some(csrf), Some(once)) = (answer.status, token("csrf"), token("once")) {
            return vec![("csrf".to_owned(), csrf), ("once".to_owned(), once)];
        }
    }
    panic!("no form to take tokens from");
}

/// The same for an organization's workspace.
fn path_in_organization(pattern: &str, things: &Things) -> String {
    let own = &things.organization;
    let pattern = pattern
        .replace("/workspaces/{account}/{workspace}", "/workspaces/acme/data")
        .replace("{account_id}", &own.account)
        .replace("{workspace_id}", &own.workspace);
    path(&pattern, things)
}

/// Who looks at an organization's workspace.
const IN_ORGANIZATION: [&str; 11] = [
    "anonymous",
    "outsider",
    "foreign",
    "former",
    "asked",
    "viewer",
    "runner",
    "developer",
    "worker",
    "owner",
    "admin",
];

async fn in_organization(app: &TestApp, actor: &str) -> Client {
    match actor {
        "anonymous" => app.visitor(),
        "outsider" => app.sign_in("eve").await,
        "admin" => app.sign_in("ada").await,
        handle => app.sign_in(handle).await,
    }
}

const ACTORS: [&str; 7] =
    ["anonymous", "outsider", "pending", "removed", "unverified", "collaborator", "owner"];

async fn client(app: &TestApp, actor: &str) -> Client {
    let handle = match actor {
        "anonymous" => return app.visitor(),
        "outsider" => "eve",
        "pending" => "pam",
        "removed" => "rex",
        "unverified" => "una",
        "collaborator" => "bob",
        _ => "ada",
    };
    app.sign_in(handle).await
}

/// Where a refusal leads, in a word: a bare 303 would hide what it means.
fn word(answer: &crate::support::Answer) -> String {
    match answer.header("location") {
        Some(to) if to.starts_with("/sign-in") => "sign-in".to_owned(),
        Some(to) if to.starts_with("/verify-email") => "verify".to_owned(),
        Some(to) if to.starts_with("/confirm-access") => "confirm".to_owned(),
        _ => answer.status.to_string(),
    }
}

/// A fresh copy of everything for each route would take minutes, so the requests that change something
/// come after those that only look; and whoever was let through signs in again for the next.
async fn answers(
    method: &str,
    patterns: &BTreeSet<String>,
    is_organization: bool,
) -> Vec<(String, Vec<String>)> {
    let actors: &[&str] = if is_organization { &IN_ORGANIZATION } else { &ACTORS };
    let mut rows: Vec<(String, Vec<String>)> =
        patterns.iter().map(|pattern| (pattern.clone(), Vec::new())).collect();
    for actor in actors {
        let app = spawn().await;
        let things = furnish(&app).await;
        rows.sort_by_key(|(pattern, _)| ends(pattern));
        let mut signed_in = None;
        for (pattern, cells) in &mut rows {
            let client = match signed_in.take() {
                Some(client) => client,
                None if is_organization => in_organization(&app, actor).await,
                None => client(&app, actor).await,
            };
            let path = if is_organization {
                path_in_organization(pattern, &things)
            } else {
                path(pattern, &things)
            };
            let answer = if method == "GET" {
                client.get(&path).await
            } else {
                let fields = tokens(&client).await;
                client.post(&path, &fields).await
            };
            assert_ne!(answer.status, 500, "{method} {path} as {actor}");
            cells.push(word(&answer));
            if method == "GET" || answer.status >= 400 {
                signed_in = Some(client);
            }
        }
    }
    rows.sort();
    rows
}

/// How much a step takes away from the steps after it: those that end something come last.
fn ends(pattern: &str) -> u8 {
    // With a deployment go its schedules.
    if pattern.contains("/deployments/") && pattern.ends_with("/delete") {
        return if pattern.contains("/schedules/") { 1 } else { 2 };
    }
    match pattern.rsplit('/').next().unwrap_or_default() {
        "remove" | "revoke" | "resend" | "sign-up" | "sign-in" | "disable" => 1,
        "delete" if pattern.contains("/concurrency/") => 1,
        "accept" => 3,
        "decline" | "leave" => 4,
        _ => 0,
    }
}

fn table(actors: &[&str], rows: &[(String, Vec<String>)]) -> String {
    let width = rows.iter().map(|(pattern, _)| pattern.len()).max().unwrap_or(0);
    let mut text = format!("{:width$}", "");
    for actor in actors {
        write!(text, "  {actor:12}").unwrap();
    }
    for (pattern, cells) in rows {
        write!(text, "\n{pattern:width$}").unwrap();
        for cell in cells {
            write!(text, "  {cell:12}").unwrap();
        }
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// What stands below a workspace's address on the API only.
const INSIDE: [&str; 11] = [
    "/automations/related-to",
    "/concurrency_limits",
    "/deployments",
    "/flows",
    "/saved_searches",
    "/flow_run",
    "/task_run",
    "/logs",
    "/events",
    "/v2/concurrency_limits",
    "/admin/storage",
];

/// The patterns below `/api`; the same ones again below `/api/accounts/…/workspaces/…`.
const ENDPOINTS: [&str; 9] = [
    "/transfers/filter",
    "/transfers/{id}/approve",
    "/transfers/{id}/cancel",
    "/transfers/{id}/decline",
    "/transfers/{id}/undo",
    "/admin/version",
    "/hello",
    "/me/workspaces",
    "/accounts/{account_id}/workspaces/{workspace_id}",
];

async fn pages() -> BTreeSet<String> {
    let app = spawn().await;
    patterns(&app)
        .await
        .into_iter()
        .filter(|pattern| !pattern.starts_with("/api") && !is_endpoint(pattern))
        .collect()
}

/// What each kind of key gets (A7, AK-02, AK-05, AK-07, BR-03).
#[actix_rt::test]
async fn every_endpoint_for_every_key() {
    let app = spawn().await;
    let things = furnish(&app).await;
    let inside = format!("/api/accounts/{}/workspaces/{}", things.account, things.workspace);
    let mut keys = vec![("none", String::new()), ("made up", format!("pnu_{}", "x".repeat(36)))];
    for (name, handle, only) in [
        ("owner", "ada", ""),
        ("owner elsewhere", "ada", "annex"),
        ("collaborator", "bob", ""),
        ("outsider", "eve", ""),
        ("removed", "rex", ""),
    ] {
        let client = app.sign_in(handle).await;
        let mut fields = vec![("name", name)];
        let limit;
        if !only.is_empty() {
            client.workspace(only).await;
            limit = option(&client, only).await;
            fields.push(("limit", limit.as_str()));
        }
        let page = client.submit("/profile/api-keys/new", &fields).await;
        page.assert_status(200);
        let key = page.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
        keys.push((name, key));
    }
    let mut text = String::new();
    for (name, key) in &keys {
        write!(text, "{name:16}").unwrap();
        for path in [
            "/api/me/workspaces".to_owned(),
            "/api/health".to_owned(),
            "/api/hello".to_owned(),
            "/api/admin/version".to_owned(),
            format!("{inside}/health"),
            format!("{inside}/hello"),
            format!("{inside}/admin/version"),
            format!("{inside}/admin/storage"),
            "/api/nope".to_owned(),
        ] {
            write!(text, " {}", app.api(key).get(&path).await.status).unwrap();
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

/// The value of the option that limits a key to a workspace.
async fn option(client: &Client, workspace: &str) -> String {
    let page = client.get("/profile/api-keys/new").await;
    let values = page.attributes("select[name=limit] option", "value");
    let words = page.select("select[name=limit] option");
    let at = words.iter().position(|words| words.contains(workspace)).unwrap();
    values[at].clone()
}

/// What everybody sees when they only look.
#[actix_rt::test]
async fn every_page_for_every_actor() {
    let rows = answers("GET", &pages().await, false).await;
    insta::assert_snapshot!(table(&ACTORS, &rows));
}

/// What everybody gets when they send an empty form. Nothing here is confirmed, so nothing that
/// asks for a confirmation happens.
#[actix_rt::test]
async fn every_form_for_every_actor() {
    let rows = answers("POST", &pages().await, false).await;
    insta::assert_snapshot!(table(&ACTORS, &rows));
}

/// The patterns of a workspace and of organizations.
async fn shared_pages() -> BTreeSet<String> {
    let about = |pattern: &String| {
        pattern.starts_with("/workspaces/{account}") || pattern.starts_with("/organizations/{")
    };
    pages().await.into_iter().filter(about).collect()
}

/// What each role of an organization's workspace sees, and who is not in it (AZ-01, H1, H8).
#[actix_rt::test]
async fn every_page_for_every_role_of_an_organization() {
    let rows = answers("GET", &shared_pages().await, true).await;
    insta::assert_snapshot!(table(&IN_ORGANIZATION, &rows));
}

/// What each of them gets for an empty form.
#[actix_rt::test]
async fn every_form_for_every_role_of_an_organization() {
    let rows = answers("POST", &shared_pages().await, true).await;
    insta::assert_snapshot!(table(&IN_ORGANIZATION, &rows));
}

/// The operations of the API's document.
async fn operations(app: &TestApp, key: &str) -> Vec<(String, String)> {
    let document = app.api(key).get("/api/openapi.json").await.assert_status(200).json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            found.push((path.clone(), method.to_uppercase()));
        }
    }
    found
}

/// AK-08: every operation can be asked for too often, and the document says so.
#[actix_rt::test]
async fn the_document_tells_of_limits() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let key = service_accounts::key_of(&ada).await;
    let document = app.api(&key).get("/api/openapi.json").await.assert_status(200).json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let told = &operation["responses"]["429"];
            let schema = &told["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Refusal", "{method} {path}");
            assert!(told["headers"]["Retry-After"].is_object(), "{method} {path}");
        }
    }
}

/// BR-03: the document names what there is, and nothing else.
#[actix_rt::test]
async fn the_document_is_the_api() {
    const INSIDE: &str = "/accounts/{account_id}/workspaces/{workspace_id}";
    let app = spawn().await;
    let ada = app.user("ada").await;
    let key = service_accounts::key_of(&ada).await;
    let same = |path: &str| path.trim_end_matches('/').to_owned();
    let told: BTreeSet<String> =
        operations(&app, &key).await.iter().map(|(path, _)| same(&path[4..])).collect();
    let routes: BTreeSet<String> = patterns(&app).await.iter().map(|path| same(path)).collect();
    for path in &told {
        let relative = path.strip_prefix(INSIDE).unwrap_or_default();
        assert!(routes.contains(path) || routes.contains(relative), "{path} has no route");
    }
    // A WebSocket is none of OpenAPI's operations.
    for path in routes.iter().filter(|path| is_endpoint(path) && *path != "/events/in") {
        let is_told = told.contains(path) || told.contains(&format!("{INSIDE}{path}"));
        assert!(is_told, "{path} is not in the document");
    }
}

fn is_endpoint(pattern: &str) -> bool {
    pattern.starts_with("/accounts/")
        || pattern.starts_with("/users/")
        || INSIDE.iter().any(|kind| pattern.starts_with(kind))
        || pattern == "/openapi.json"
        || ENDPOINTS.contains(&pattern)
}

/// Everything that an operation on `acme` may change, counted.
async fn counted(app: &TestApp) -> Vec<i64> {
    app.read(|db| {
        let tables = [
            "memberships",
            "organization_members",
            "service_accounts",
            "service_account_keys",
            "service_account_grants",
            "workspace_roles",
            "invitations",
            "workspaces",
            "api_keys",
            "mails",
        ];
        let count = |table: &&str| {
            crate::support::invariants::number(
                db,
                &format!("SELECT COUNT(*) AS number FROM {table}"),
            )
        };
        Ok(tables.iter().map(count).collect())
    })
    .await
}

/// Each operation of the API on an organization's things, for whoever must not decide there: the
/// answers as one table, and nothing changes (A7, AZ-01, AZ-02, AZ-03, AK-05, AK-07, B3).
#[actix_rt::test]
async fn every_operation_for_every_key() {
    let app = spawn().await;
    let things = furnish(&app).await;
    let ids = &things.organization;
    let ada = app.sign_in("ada").await;
    let limit = option(&ada, "lab").await;
    let made = |page: crate::support::Answer| {
        page.assert_status(200);
        let mut shown = page.select("code").into_iter();
        shown.find(|text| text.starts_with("pnu_") || text.starts_with("pnb_")).unwrap()
    };
    let new = "/profile/api-keys/new";
    let reads = [("name", "reads"), ("read_only", "on")];
    let narrow = [("name", "narrow"), ("limit", limit.as_str())];
    let reading = made(ada.submit(new, &reads).await);
    let narrow = made(ada.submit(new, &narrow).await);
    let rotate = format!("/organizations/acme/service-accounts/{}/rotate", ids.bot);
    let bot = made(ada.submit(&rotate, &[]).await);
    let mut keys = vec![
        ("nobody", String::new()),
        ("ada, narrowed", narrow),
        ("ada, reading", reading),
        ("service account", bot),
    ];
    for handle in ["bob", "viewer", "eve", "foreign", "former", "asked"] {
        keys.push((handle, service_accounts::key_of(&app.sign_in(handle).await).await));
    }
    let owner = app.sign_in("owner").await;
    keys.push(("owner, unverified", service_accounts::key_of(&owner).await));
    keys.push(("ada, expired", made(ada.submit(new, &[("name", "expired")]).await)));
    let now = app.app.now();
    let spoilt = app.app.db.write(Locks::Instance, move |db| {
        diesel::update(api_keys::table.filter(api_keys::name.eq("expired")))
            .set(api_keys::expires_at.eq(now))
            .execute(db)?;
        diesel::update(users::table.filter(users::email_key.eq("owner@example.org")))
            .set(users::verified.eq(Verified::No))
            .execute(db)?;
        Ok(())
    });
    spoilt.await.unwrap();
    let user = app
        .read(|db| {
            Ok(users::table
                .filter(users::email_key.eq("ada@example.org"))
                .select(users::id)
                .first::<bulkhead::access::UserId>(db)?)
        })
        .await;
    let before = counted(&app).await;
    let mut text = String::new();
    for (name, _) in &keys {
        write!(text, "{name}; ").unwrap();
    }
    text.push('\n');
    for (pattern, method) in operations(&app, &keys[2].1).await {
        let id = match pattern.as_str() {
            path if path.contains("/workspace_roles/") => &ids.role,
            path if path.contains("/bots/") => &ids.bot,
            path if path.contains("/user_access/") => &ids.membership,
            path if path.contains("/bot_access/") => &ids.bot_grant,
            path if path.contains("{workspace_id}/invitations/") => &ids.workspace_invitation,
            path if path.contains("/invitations/") => &ids.invitation,
            path if path.contains("/api_keys/") => &things.key,
            path if path.contains("/saved_searches/") && method == "GET" => &ids.search,
            path if path.contains("/deployments/") && method == "GET" => &ids.deployment,
            path if path.contains("}/concurrency_limits/") && method == "GET" => &ids.limit,
            _ => &ids.member,
        };
        let path = pattern
            .replace("{account_id}", &ids.account)
            .replace("{workspace_id}", &ids.workspace)
            .replace("{user_id}", &user.to_string())
            .replace("{schedule_id}", &ids.schedule)
            .replace("{id_or_name}", "tag:prod")
            .replace("{tag}", "prod")
            .replace("{id}", id);
        for (_, key) in &keys {
            let body = (method != "GET").then(|| serde_json::json!({}));
            let status = app.api(key).send(&method, &path, body).await.status;
            write!(text, "{status} ").unwrap();
        }
        writeln!(text, "{method:6} {pattern}").unwrap();
    }
    assert_eq!(counted(&app).await, before);
    insta::assert_snapshot!(text);
}
