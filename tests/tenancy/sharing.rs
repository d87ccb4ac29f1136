//! Sharing an organization's workspace: members, the default role, service accounts.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole::Member;
use bulkhead::access::role::Role;
use bulkhead::base::db::schema::memberships;
use diesel::prelude::*;
use serde_json::json;

use crate::support::{Answer, Client, TestApp, invariants, spawn};
use crate::tenancy::api::role_named;
use crate::tenancy::members::{acme, step};
use crate::tenancy::roles::role;
use crate::tenancy::service_accounts::{bot, key_of};

const SHARING: &str = "/workspaces/acme/data/sharing";
const HOME: &str = "/workspaces/acme/data";

/// Somebody who is a member of `acme`, signed in.
pub async fn member(app: &TestApp, handle: &str) -> Client {
    app.make_user(handle, Verified::Mailed).await;
    app.make_member("acme", handle, Member).await;
    app.sign_in(handle).await
}

/// The value of the option with these words.
fn option(page: &Answer, select: &str, words: &str) -> String {
    let values = page.attributes(&format!("select[name={select}] option"), "value");
    let texts = page.select(&format!("select[name={select}] option"));
    let at = texts.iter().position(|text| text.contains(words));
    values[at.unwrap_or_else(|| panic!("{words} is not in {texts:?}"))].clone()
}

/// Invites a member with a role, through the form.
pub async fn add_member(manager: &Client, name: &str, role: &str) -> Answer {
    let page = format!("{SHARING}/members/new");
    let opened = manager.get(&page).await;
    let who = option(&opened, "who", name);
    manager.fill(opened.form(&page, "Send"), &[("who", &who), ("role", role)]).await
}

/// Accepts the first invitation of the list of workspaces.
pub async fn accept(client: &Client) {
    client.submit_form("/workspaces", "accept", &[]).await.assert_status(303);
}

pub async fn set_default(manager: &Client, role: &str) {
    let page = format!("{SHARING}/default");
    let first = manager.submit(&page, &[("role", role)]).await;
    if first.status == 422 {
        let form = first.form_anyway(&page, "");
        manager.fill(form, &[]).await.assert_redirect_to(SHARING);
    } else {
        first.assert_redirect_to(SHARING);
    }
}

/// H2, H4, H10: a member is invited, sees it in the app and by mail, and has nothing until the yes.
#[actix_rt::test]
async fn a_member_is_invited_and_accepts_in_the_app() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    ada.get(SHARING).await.shows("Anyone at Acme").shows("Admins of the organization (1)");
    add_member(&ada, "Bob", "developer").await.assert_redirect_to(SHARING);
    ada.get(SHARING).await.shows("bob@example.org").shows("Pending").shows("Developer");
    bob.get(HOME).await.assert_status(404);
    let mail = app.inbox("bob@example.org").await.pop().unwrap();
    assert!(mail.text.contains("the workspace acme/data"), "{}", mail.text);
    assert!(
        mail.text.contains("Developer") && !mail.text.contains("No account yet"),
        "{}",
        mail.text
    );
    add_member(&ada, "Bob", "developer").await.assert_status(422).shows("is invited already");
    bob.get("/workspaces").await.shows("acme/data").shows("from Ada");
    accept(&bob).await;
    bob.get(HOME).await.assert_status(200).shows("You joined data as Developer");
    ada.get(SHARING).await.shows("Invited by Ada").shows("Bob");
    assert_eq!(app.audited("workspace-invitation.created").await, 1);
    assert_eq!(app.audited("workspace-access.created").await, 1);
    assert_eq!(app.inbox("ada@example.org").await.len(), 1);
    invariants::assert_hold(&app.database.location);
}

/// B7, H1, G4: who sees the page, who may change it, and a personal workspace has none.
#[actix_rt::test]
async fn who_sees_the_page_and_who_changes_it() {
    let app = spawn().await;
    let ada = acme(&app).await;
    ada.workspace("lab").await;
    ada.get("/workspaces/ada/lab/sharing")
        .await
        .assert_redirect_to("/workspaces/ada/lab/collaborators");
    ada.get("/workspaces/ada/lab/sharing/members/new").await.assert_status(404);
    ada.get("/workspaces/acme/data/collaborators")
        .await
        .assert_redirect_to("/workspaces/acme/data/sharing");
    for (handle, role, list, add) in [
        ("vera", Role::Viewer, 403, 403),
        ("rudi", Role::Runner, 403, 403),
        ("wes", Role::Worker, 403, 403),
        ("dora", Role::Developer, 200, 403),
        ("olga", Role::Owner, 200, 200),
    ] {
        let client = member(&app, handle).await;
        client.get(SHARING).await.assert_status(404);
        app.give_role(("acme", "data"), handle, role).await;
        client.get(SHARING).await.assert_status(list);
        client.get(&format!("{SHARING}/members/new")).await.assert_status(add);
        client.get(&format!("{SHARING}/service-accounts/new")).await.assert_status(add);
        client.get(&format!("{SHARING}/default")).await.assert_status(add);
    }
    // A workspace's owner who is no admin of the organization manages its people all the same.
    let olga = app.sign_in("olga").await;
    member(&app, "bob").await;
    add_member(&olga, "Bob", "owner").await.assert_redirect_to(SHARING);
    accept(&app.sign_in("bob").await).await;
}

/// H3, H6, H7, H8: the union of default and own role; no access takes it away; admins keep theirs.
#[actix_rt::test]
async fn the_default_role_and_the_own_one_add_up() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    let made = role(&ada, "Pools", "", &["manage_work_pools"]).await.location();
    let pools = made.rsplit('/').next().unwrap().to_owned();
    bob.get("/workspaces").await.lacks("data");
    let page = format!("{SHARING}/default");
    let shown = ada.submit(&page, &[("role", "viewer")]).await;
    shown.assert_status(422).shows("Nothing is saved yet.").shows("1 person in data (Bob)");
    ada.fill(shown.form_anyway(&page, ""), &[]).await.assert_redirect_to(SHARING);
    bob.get("/workspaces").await.shows("data");
    bob.get(HOME).await.assert_status(200).shows("Viewer");
    add_member(&ada, "Bob", &pools).await.assert_status(303);
    accept(&bob).await;
    bob.get(HOME).await.shows("Viewer by default + Pools");
    let explained = ada.get(&format!("{SHARING}/access/bob")).await;
    explained
        .shows("Default role: what anyone at Acme may do here")
        .shows("Own role here, given by Ada");
    explained.shows("Delete work pools and queues").shows("View flows");
    ada.get(&format!("{SHARING}/access/ada")).await.shows("Admin of Acme");
    app.make_user("eve", Verified::Mailed).await;
    ada.get(&format!("{SHARING}/access/eve")).await.assert_status(404);
    let (name, key) = bot(&app, &ada, "ingest").await;
    assert_eq!(app.api(&key).get("/api/me/workspaces").await.text, "[]", "H7 {name}");
    set_default(&ada, "none").await;
    bob.get(HOME).await.shows("Pools").lacks("by default");
    ada.get(HOME).await.assert_status(200);
    assert_eq!(app.audited("workspace-settings.updated").await, 2);
}

/// H5, H9, EM-06: another role, an end and a removal count from the next request on.
#[actix_rt::test]
async fn a_role_changes_and_ends_at_once() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    app.give_role(("acme", "data"), "bob", Role::Owner).await;
    let key = key_of(&bob).await;
    bob.get(&format!("{HOME}/settings/edit")).await.assert_status(200);
    let form = ada.get(SHARING).await.form(SHARING, "the role of Bob");
    ada.fill(form, &[("role", "viewer")]).await.assert_redirect_to(SHARING);
    bob.get(&format!("{HOME}/settings/edit")).await.assert_status(403);
    let change = step(&ada, SHARING, "Bob", "role").await;
    ada.submit(&change, &[("role", "viewer"), ("days", "3")]).await.assert_redirect_to(SHARING);
    ada.get(SHARING).await.shows("in 3 days");
    ada.submit(&change, &[("role", "nonsense")]).await.assert_status(422);
    let remove = step(&ada, SHARING, "Bob", "remove").await;
    ada.get(&remove).await.shows("loses the role Viewer in data at once");
    ada.submit(&remove, &[]).await.assert_redirect_to(SHARING);
    bob.get(HOME).await.assert_status(404);
    assert_eq!(app.api(&key).get("/api/me/workspaces").await.text, "[]");
    let mails = app.inbox("bob@example.org").await;
    assert!(
        mails.iter().any(|mail| mail.text.contains("removed you from the workspace acme/data"))
    );
    assert_eq!(app.audited("workspace-access.updated").await, 2);
    assert_eq!(app.audited("workspace-access.deleted").await, 1);
}

/// Expiring access: told three days before, over at the very moment, cleared away after it.
#[actix_rt::test]
async fn access_with_an_end_ends_at_the_moment() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    let page = format!("{SHARING}/members/new");
    let opened = ada.get(&page).await;
    let who = option(&opened, "who", "Bob");
    let fields = [("who", who.as_str()), ("role", "viewer"), ("days", "7")];
    ada.fill(opened.form(&page, "Send"), &fields).await.assert_redirect_to(SHARING);
    accept(&bob).await;
    let (_, bot_key) = bot(&app, &ada, "ingest").await;
    share(&ada, "ingest", "worker", "7").await.assert_redirect_to(SHARING);
    assert!(app.api(&bot_key).get("/api/me/workspaces").await.text.contains("data"));
    app.advance(5 * 86_400);
    app.run_jobs().await;
    app.run_jobs().await;
    let told = app.inbox("bob@example.org").await;
    assert_eq!(told.iter().filter(|mail| mail.text.contains("ends on")).count(), 1);
    let bob = app.sign_in("bob").await;
    bob.get(HOME).await.assert_status(200);
    app.advance(2 * 86_400);
    let bob = app.sign_in("bob").await;
    bob.get(HOME).await.assert_status(404);
    bob.get("/workspaces").await.lacks("acme");
    assert_eq!(app.api(&bot_key).get("/api/me/workspaces").await.text, "[]");
    app.run_jobs().await;
    let left: i64 = app.read(|db| Ok(memberships::table.count().get_result(db)?)).await;
    assert_eq!(left, 0);
    assert_eq!(app.audited("workspace-access.deleted").await, 2);
    let told = app.inbox("bob@example.org").await;
    assert!(told.iter().any(|mail| mail.text.contains("came to its end")));
    app.assert_audit_is_whole().await;
}

/// Shares the workspace with a service account, through the form.
pub async fn share(manager: &Client, name: &str, role: &str, days: &str) -> Answer {
    let page = format!("{SHARING}/service-accounts/new");
    let opened = manager.get(&page).await;
    let who = option(&opened, "who", name);
    let fields = [("who", who.as_str()), ("role", role), ("days", days)];
    manager.fill(opened.form(&page, "Share"), &fields).await
}

/// H4, A1, AK-03, AK-07: a service account reaches what is shared with it, and at once not any more.
#[actix_rt::test]
async fn a_service_account_reaches_what_is_shared() {
    let app = spawn().await;
    let ada = acme(&app).await;
    ada.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", "other")]).await;
    let (_, key) = bot(&app, &ada, "ingest").await;
    let api = app.api(&key);
    assert_eq!(api.get("/api/me/workspaces").await.assert_status(200).text, "[]");
    share(&ada, "ingest", "worker", "").await.assert_redirect_to(SHARING);
    let found = api.get("/api/me/workspaces").await.json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["workspace_handle"], "data");
    let path = format!(
        "/api/accounts/{}/workspaces/{}/health",
        found[0]["account_id"].as_str().unwrap(),
        found[0]["workspace_id"].as_str().unwrap()
    );
    api.get(&path).await.assert_status(200);
    ada.get(SHARING).await.shows("ingest").shows("Shared by Ada").shows("Active");
    let form = ada.get(SHARING).await.form(SHARING, "the role of ingest");
    ada.fill(form, &[("role", "viewer")]).await.assert_redirect_to(SHARING);
    let page = ada.get(SHARING).await;
    let remove = page.links_containing("/sharing/service-accounts/");
    let remove = remove.into_iter().find(|href| href.ends_with("/remove")).unwrap();
    ada.submit(&remove, &[]).await.assert_redirect_to(SHARING);
    api.get(&path).await.assert_status(404);
    assert_eq!(api.get("/api/me/workspaces").await.text, "[]");
    invariants::assert_hold(&app.database.location);
}

/// R4, AZ-07, IN-05: nobody gives, changes or takes away more than they have; and acceptance judges
/// the inviter again.
#[actix_rt::test]
async fn nobody_gives_more_than_they_have() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let made = role(
        &ada,
        "People manager",
        "viewer",
        &["manage_workspace_users", "manage_workspace_service_accounts"],
    )
    .await
    .location();
    let manager_role = made.rsplit('/').next().unwrap().to_owned();
    let mia = member(&app, "mia").await;
    add_member(&ada, "Mia", &manager_role).await.assert_status(303);
    accept(&mia).await;
    let (bob, carl) = (member(&app, "bob").await, member(&app, "carl").await);
    let (_, _) = bot(&app, &ada, "ingest").await;
    for above in ["owner", "developer", "worker"] {
        add_member(&mia, "Bob", above).await.assert_status(403).shows("allows more than yours");
        share(&mia, "ingest", above, "").await.assert_status(403);
        let default = format!("{SHARING}/default");
        mia.submit(&default, &[("role", above)]).await.assert_status(403);
    }
    add_member(&mia, "Bob", "viewer").await.assert_redirect_to(SHARING);
    accept(&bob).await;
    // An owner is out of reach for a manager: neither lowered nor removed.
    app.give_role(("acme", "data"), "carl", Role::Owner).await;
    mia.get(SHARING).await.shows("Carl");
    let remove = step(&ada, SHARING, "Carl", "remove").await;
    mia.submit(&remove, &[]).await.assert_status(403);
    let change = step(&ada, SHARING, "Carl", "role").await;
    mia.submit(&change, &[("role", "viewer")]).await.assert_status(403);
    carl.get(&format!("{HOME}/settings/edit")).await.assert_status(200);
    // What mia sent lets nobody in once her role does not allow it any more.
    let dan = member(&app, "dan").await;
    add_member(&mia, "Dan", "viewer").await.assert_redirect_to(SHARING);
    let mail = app.inbox("dan@example.org").await.pop().unwrap();
    let narrowed = app.app.db.ingest(|db| {
        use bulkhead::base::db::schema::workspace_roles;
        diesel::update(workspace_roles::table).set(workspace_roles::scopes.eq("")).execute(db)?;
        Ok(())
    });
    narrowed.await.unwrap();
    dan.submit_form(&mail.link(), "accept", &[]).await.assert_status(404);
    dan.get(HOME).await.assert_status(404);
}

/// AZ-04, IN-10: rows, members and service accounts of elsewhere do not exist here.
#[actix_rt::test]
async fn ids_of_elsewhere_change_nothing() {
    let app = spawn().await;
    let ada = acme(&app).await;
    member(&app, "bob").await;
    app.give_role(("acme", "data"), "bob", Role::Viewer).await;
    let (_, _) = bot(&app, &ada, "ingest").await;
    share(&ada, "ingest", "viewer", "").await.assert_status(303);
    let eve = app.user("eve").await;
    eve.submit("/organizations/new", &[("name", "Evil"), ("handle", "evil")]).await;
    eve.submit("/workspaces/new?owner=evil", &[("owner", "evil"), ("handle", "den")]).await;
    app.make_user("mallory", Verified::Mailed).await;
    app.make_member("evil", "mallory", Member).await;
    eve.submit("/organizations/evil/service-accounts/new", &[("name", "own")]).await;
    let page = ada.get(SHARING).await;
    for href in page.links_containing("/sharing/") {
        let stolen = href.replace("/acme/data/", "/evil/den/");
        if stolen.contains("/new") {
            continue;
        }
        eve.get(&stolen).await.assert_status(404);
        eve.get(&href).await.assert_status(404);
    }
    // Ids in the body: somebody else's member, service account and role.
    let opened = ada.get(&format!("{SHARING}/members/new")).await;
    opened.shows("Every member of Acme has access here");
    let add = "/workspaces/evil/den/sharing/members/new";
    let bob: String = app
        .read(|db| {
            use bulkhead::base::db::schema::memberships as table;
            let id: bulkhead::access::UserId = table::table.select(table::user_id).first(db)?;
            Ok(id.to_string())
        })
        .await;
    eve.submit_form(add, "Send", &[("who", &bob), ("role", "viewer")])
        .await
        .assert_status(422)
        .shows("Choose one of the list.");
    let made = role(&ada, "Secret role", "", &["see_flows"]).await.location();
    let theirs = made.rsplit('/').next().unwrap();
    eve.submit_form(add, "Send", &[("role", theirs)])
        .await
        .assert_status(422)
        .shows("This role does not exist here.");
    let add = "/workspaces/evil/den/sharing/service-accounts/new";
    let bot: String = app
        .read(|db| {
            use bulkhead::base::db::schema::service_account_grants as table;
            let id: bulkhead::access::ServiceAccountId =
                table::table.select(table::service_account_id).first(db)?;
            Ok(id.to_string())
        })
        .await;
    eve.submit_form(add, "Share", &[("who", &bot), ("role", "viewer")]).await.assert_status(422);
}

/// Somebody with access that ends.
async fn owner_for_a_week(app: &TestApp, ada: &Client) -> Client {
    let olga = member(app, "olga").await;
    let page = format!("{SHARING}/members/new");
    let opened = ada.get(&page).await;
    let who = option(&opened, "who", "Olga");
    ada.fill(opened.form(&page, "Send"), &[("who", &who), ("role", "owner"), ("days", "7")])
        .await
        .assert_status(303);
    accept(&olga).await;
    olga
}

/// R4, H9: whose own access ends gives nothing that lasts longer, to nobody and not to themselves.
#[actix_rt::test]
async fn access_that_ends_gives_none_that_lasts_longer() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let olga = owner_for_a_week(&app, &ada).await;
    member(&app, "bob").await;
    bot(&app, &ada, "ingest").await;
    let ends = async || {
        let ends = memberships::table.select(memberships::expires_at);
        app.read(move |db| Ok(ends.load::<Option<bulkhead::base::db::Instant>>(db)?)).await
    };
    let before = ends().await;
    let own = step(&olga, SHARING, "Olga", "role").await;
    for days in ["", "8", "30"] {
        let answer = olga.submit(&own, &[("role", "owner"), ("days", days)]).await;
        answer.assert_status(403).shows("Your own access ends");
    }
    assert_eq!(ends().await, before);
    add_member(&olga, "Bob", "viewer").await.assert_status(403).shows("Your own access ends");
    share(&olga, "ingest", "viewer", "").await.assert_status(403);
    let first = olga.submit(&format!("{SHARING}/default"), &[("role", "viewer")]).await;
    first.assert_status(403);
    assert_eq!(app.audited("workspace-access.updated").await, 0);
    // Within the own time everything works, and what others have for good can be taken away.
    share(&olga, "ingest", "viewer", "1").await.assert_status(303);
    app.give_role(("acme", "data"), "bob", Role::Viewer).await;
    let remove = step(&olga, SHARING, "Bob", "remove").await;
    olga.submit(&remove, &[]).await.assert_status(303);
    add_member(&ada, "Bob", "viewer").await.assert_status(303);
    // What everybody has for good can be given for good.
    set_default(&ada, "viewer").await;
    member(&app, "carl").await;
    add_member(&olga, "Carl", "viewer").await.assert_status(303);
    let again = olga.submit(&own, &[("role", "owner"), ("days", "")]).await;
    again.assert_status(403);
    invariants::assert_hold(&app.database.location);
}

/// H9, R4: access that has ended counts as none, also as long as its row is there: it is listed nowhere, binds nobody who
/// gives access anew, and what is given then is new.
#[actix_rt::test]
async fn access_that_has_ended_counts_as_none() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let scopes = ["manage_workspace_users", "manage_workspace_service_accounts"];
    let made = role(&ada, "People manager", "viewer", &scopes).await.location();
    let mia = member(&app, "mia").await;
    add_member(&ada, "Mia", made.rsplit('/').next().unwrap()).await.assert_status(303);
    accept(&mia).await;
    member(&app, "bob").await;
    let (admin, manager) = (app.api(&key_of(&ada).await), app.api(&key_of(&mia).await));
    let found = manager.get("/api/me/workspaces").await.assert_status(200).json();
    let account = found[0]["account_id"].as_str().unwrap();
    let of = |rest: &str| format!("/api/accounts/{account}{rest}");
    let inside = of(&format!("/workspaces/{}", found[0]["workspace_id"].as_str().unwrap()));
    let filter = json!({"account_memberships": {"email": {"any_": ["bob@example.org"]}}});
    let bob = admin.post(&of("/account_memberships/filter"), filter).await.json();
    let ingest = admin.post(&of("/bots/"), json!({"name": "ingest"})).await.json();
    let owner = role_named(&admin, account, "Owner").await;
    let viewer = role_named(&admin, account, "Viewer").await;
    let grantees =
        [("user_access", "user_id", &bob[0]["user_id"]), ("bot_access", "bot_id", &ingest["id"])];
    let end = app.app.now().plus_days(1);
    let mut before = Vec::new();
    for (list, who, id) in grantees {
        let grant = json!([{who: id, "workspace_role_id": owner, "expiration": end}]);
        let given = admin.post(&format!("{inside}/{list}/"), grant).await;
        before.push(given.assert_status(200).json()[0]["id"].as_str().unwrap().to_owned());
        // As long as it counts, it is out of a manager's reach.
        let grant = json!([{who: id, "workspace_role_id": viewer}]);
        manager.post(&format!("{inside}/{list}/"), grant).await.assert_status(403);
    }
    app.advance(86_400);
    let mia = app.sign_in("mia").await;
    option(&mia.get(&format!("{SHARING}/members/new")).await, "who", "Bob");
    option(&mia.get(&format!("{SHARING}/service-accounts/new")).await, "who", "ingest");
    for ((list, who, id), before) in grantees.iter().zip(&before) {
        let path = format!("{inside}/{list}/{before}");
        manager.get(&path).await.assert_status(404);
        manager.send("DELETE", &path, None).await.assert_status(404);
        let listed = manager.post(&format!("{inside}/{list}/filter"), json!({})).await;
        assert!(!listed.assert_status(200).text.contains(before.as_str()), "{}", listed.text);
        let grant = json!([{*who: id, "workspace_role_id": viewer}]);
        let given = manager.post(&format!("{inside}/{list}/"), grant).await;
        assert_ne!(given.assert_status(200).json()[0]["id"], before.as_str(), "{list}");
    }
    // Mia's own access, and four that were given.
    assert_eq!(app.audited("workspace-access.created").await, 5);
    assert_eq!(app.audited("workspace-access.updated").await, 0);
    let told = app.inbox("bob@example.org").await;
    assert_eq!(told.iter().filter(|mail| mail.text.contains("gave you the role")).count(), 2);
    app.assert_audit_is_whole().await;
}

/// IN-02: an invitation of a member makes no account for whoever reads the member's former mailbox.
#[actix_rt::test]
async fn the_invitation_of_a_member_is_for_no_new_account() {
    use bulkhead::base::db::schema::users;
    let app = spawn().await;
    let ada = acme(&app).await;
    member(&app, "bob").await;
    add_member(&ada, "Bob", "owner").await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    let stranger = app.visitor();
    let opened = stranger.get(&link).await;
    let accounts = async || app.read(|db| Ok(users::table.count().get_result::<i64>(db)?)).await;
    let before = accounts().await;
    app.app
        .db
        .write(bulkhead::base::db::Locks::Instance, |db| {
            diesel::update(users::table.filter(users::email_key.eq("bob@example.org")))
                .set((users::email.eq("bob@new.example"), users::email_key.eq("bob@new.example")))
                .execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
    opened.assert_status(200);
    let page = stranger.get(&link).await;
    assert!(page.select("input[type=password]").is_empty(), "{}", page.visible());
    let fields: Vec<(String, String)> = [
        ("name", "Mallory"),
        ("handle", "mallory"),
        ("password", crate::support::PASSWORD),
        ("once", &page.attributes("input[name=once]", "value").pop().unwrap_or_default()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    stranger.post(&format!("{link}/sign-up"), &fields).await;
    assert_eq!(accounts().await, before);
    let given = memberships::table.count();
    assert_eq!(app.read(move |db| Ok(given.get_result::<i64>(db)?)).await, 0);
}

/// R4, AZ-07: an invitation above the own role is not replaced either.
#[actix_rt::test]
async fn an_invitation_above_the_own_role_is_not_replaced() {
    let app = spawn().await;
    let ada = acme(&app).await;
    member(&app, "dan").await;
    let made = role(&ada, "People", "", &["manage_workspace_users"]).await.location();
    let people = made.rsplit('/').next().unwrap().to_owned();
    let eve = member(&app, "eve").await;
    add_member(&ada, "Eve", &people).await.assert_status(303);
    accept(&eve).await;
    add_member(&ada, "Dan", "owner").await.assert_status(303);
    add_member(&eve, "Dan", &people).await.assert_status(403);
    ada.get(SHARING).await.shows("dan@example.org").shows("Owner");
    // Whoever may replaces it, and the log says so.
    add_member(&ada, "Dan", "viewer").await.assert_status(303);
    let log = ada.get("/organizations/acme/audit-log?event=workspace-invitation.created").await;
    let entry = log.links_containing("/audit-log/").into_iter().next().unwrap();
    ada.get(&entry).await.assert_status(200).shows("replaces");
}

/// O6: a role's page names workspaces to admins only.
#[actix_rt::test]
async fn where_a_role_is_used_is_for_admins() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let home = role(&ada, "Pools", "", &["manage_work_pools"]).await.location();
    let pools = home.rsplit('/').next().unwrap().to_owned();
    member(&app, "dan").await;
    add_member(&ada, "Dan", &pools).await.assert_status(303);
    accept(&app.sign_in("dan").await).await;
    let bob = member(&app, "bob").await;
    ada.get(&home).await.shows("data");
    let seen = bob.get(&home).await;
    seen.assert_status(200).shows("Pools");
    assert!(seen.links_containing("/workspaces/acme/data").is_empty(), "{}", seen.visible());
}

/// Access that ends before anybody says yes is over with its invitation; sending it again needs a new
/// end.
#[actix_rt::test]
async fn an_invitation_ends_with_the_access_it_gives() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    let page = format!("{SHARING}/members/new");
    let opened = ada.get(&page).await;
    let who = option(&opened, "who", "Bob");
    ada.fill(opened.form(&page, "Send"), &[("who", &who), ("role", "viewer"), ("days", "1")])
        .await
        .assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    app.advance(86_400);
    bob.get(&link).await.assert_status(410);
    assert_eq!(app.audited("workspace-access.created").await, 0);
    let ada = app.sign_in("ada").await;
    let resend = step(&ada, SHARING, "bob@example.org", "resend").await;
    let answer = ada.submit(&resend, &[]).await;
    let shown = if answer.status == 303 { ada.get(SHARING).await } else { answer };
    shown.shows("The access that it gives is over");
    assert_eq!(app.audited("workspace-invitation.updated").await, 0);
}

/// An open invitation's line, as its inviter's organization sees it.
async fn pending(admin: &Client) -> Vec<String> {
    let rows = admin.get(&format!("{SHARING}?status=pending")).await.select("main tbody tr");
    rows.into_iter().filter(|row| row.contains('@')).collect()
}

/// IN-06, lifecycles §1: whoever may not let people in any more has let nobody in; the log says how many.
#[actix_rt::test]
async fn lost_rights_end_what_was_sent_with_them() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    for handle in ["carl", "dan", "finn"] {
        member(&app, handle).await;
    }
    app.give_role(("acme", "data"), "bob", Role::Owner).await;
    let log = async |event: &str| {
        let path = format!("/organizations/acme/audit-log?event={event}");
        let links = ada.get(&path).await.links_containing("/audit-log/");
        let is_entry = |link: &&String| link.ends_with(|last: char| last.is_ascii_digit());
        ada.get(links.iter().find(is_entry).unwrap()).await.visible()
    };
    // A lower role.
    add_member(&bob, "Carl", "viewer").await.assert_status(303);
    add_member(&ada, "Dan", "viewer").await.assert_status(303);
    let link = app.inbox("carl@example.org").await.pop().unwrap().link();
    let change = step(&ada, SHARING, "bob@example.org", "role").await;
    ada.submit(&change, &[("role", "viewer"), ("days", "")]).await.assert_status(303);
    let rows = pending(&ada).await;
    assert!(rows.len() == 1 && rows[0].contains("dan@example.org"), "{rows:?}");
    app.sign_in("carl").await.get(&link).await.assert_status(404);
    let told = log("workspace-access.updated").await;
    assert!(told.contains("\"invitations_ended\": 1"), "{told}");
    // Removed, and gone by oneself.
    for way in ["remove", "leave"] {
        if way == "remove" {
            ada.submit(&change, &[("role", "owner"), ("days", "")]).await.assert_status(303);
        } else {
            app.give_role(("acme", "data"), "bob", Role::Owner).await;
        }
        add_member(&bob, "Carl", "viewer").await.assert_status(303);
        assert_eq!(pending(&ada).await.len(), 2);
        if way == "remove" {
            let remove = step(&ada, SHARING, "bob@example.org", "remove").await;
            ada.submit(&remove, &[]).await.assert_status(303);
        } else {
            bob.submit(&format!("{HOME}/leave"), &[]).await.assert_status(303);
        }
        assert_eq!(pending(&ada).await.len(), 1, "{way}");
        assert!(log("workspace-access.deleted").await.contains("\"invitations_ended\": 1"));
    }
    // What everybody may do, and what an admin may.
    set_default(&ada, "owner").await;
    add_member(&bob, "Finn", "viewer").await.assert_status(303);
    set_default(&ada, "viewer").await;
    assert_eq!(pending(&ada).await.len(), 1);
    assert!(log("workspace-settings.updated").await.contains("\"invitations_ended\": 1"));
    let become_one = async |role: &str| {
        let form = ada.get("/organizations/acme/members").await.form("", "the role of Bob");
        ada.fill(form, &[("role", role)]).await.assert_status(303);
    };
    become_one("admin").await;
    add_member(&bob, "Finn", "owner").await.assert_status(303);
    become_one("member").await;
    assert_eq!(pending(&ada).await.len(), 1);
    assert!(log("account-membership.updated").await.contains("\"invitations_ended\": 1"));
    invariants::assert_hold(&app.database.location);
}

/// IN-06: so do a role that was narrowed, and one that came to its end.
#[actix_rt::test]
async fn a_narrower_role_ends_what_was_sent_with_it() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let made = role(&ada, "People", "", &["manage_workspace_users"]).await.location();
    let people = made.rsplit('/').next().unwrap().to_owned();
    let mia = member(&app, "mia").await;
    add_member(&ada, "Mia", &people).await.assert_status(303);
    accept(&mia).await;
    member(&app, "dan").await;
    add_member(&mia, "Dan", &people).await.assert_status(303);
    assert_eq!(pending(&ada).await.len(), 1);
    let edit = format!("{made}/edit");
    let mut form = ada.get(&edit).await.form(&edit, "");
    form.fields.retain(|(name, _)| name != "scope");
    form.fields.push(("scope".to_owned(), "see_flows".to_owned()));
    let shown = ada.fill(form, &[]).await;
    ada.fill(shown.form_anyway(&edit, ""), &[]).await.assert_redirect_to(&made);
    assert!(pending(&ada).await.is_empty());

    // Owner for a week, and what is given for longer stands on what everybody may do.
    set_default(&ada, "viewer").await;
    let olga = owner_for_a_week(&app, &ada).await;
    member(&app, "finn").await;
    add_member(&olga, "Finn", "viewer").await.assert_status(303);
    app.advance(7 * 86_400 + 60);
    app.run_jobs().await;
    let state = "SELECT state AS text FROM invitations WHERE email_key = 'finn@example.org'";
    assert_eq!(invariants::texts(&mut app.database.connect(), state), ["void"]);
    invariants::assert_hold(&app.database.location);
}

/// H10, lifecycles §1: an invitation of a member is the member's, whatever the address: it is found
/// after a change of it, and by whoever was vouched for.
#[actix_rt::test]
async fn the_invitation_of_a_member_follows_the_member() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    add_member(&ada, "Bob", "viewer").await.assert_status(303);
    bob.submit("/profile/email", &[("email", "bob@new.example")]).await.assert_status(303);
    let link = app.inbox("bob@new.example").await.pop().unwrap().link();
    bob.submit(&link, &[]).await.assert_status(303);
    let bob = app.sign_in("bob@new.example").await;
    // The first look has the notice of the invitation too.
    ada.get(SHARING).await;
    ada.get(SHARING).await.shows("bob@new.example").lacks("bob@example.org");
    add_member(&ada, "Bob", "viewer").await.assert_status(422).shows("is invited already");
    let resend = step(&ada, SHARING, "bob@new.example", "resend").await;
    ada.submit(&resend, &[]).await.assert_status(303);
    let mails = app.inbox("bob@new.example").await;
    assert!(mails.last().unwrap().text.contains("acme/data"));
    accept(&bob).await;
    bob.get(HOME).await.assert_status(200);

    app.make_user("vic", Verified::Vouched).await;
    app.make_member("acme", "vic", Member).await;
    add_member(&ada, "Vic", "viewer").await.assert_status(303);
    let vic = app.sign_in("vic").await;
    vic.get("/workspaces").await.shows("acme/data").shows("from Ada");
    accept(&vic).await;
    vic.get(HOME).await.assert_status(200);
    invariants::assert_hold(&app.database.location);
}

/// Lists find people by the name, handle and address that they have now.
#[actix_rt::test]
async fn lists_follow_a_changed_name() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    app.give_role(("acme", "data"), "bob", Role::Viewer).await;
    bob.submit("/profile", &[("name", "Zoë Öz"), ("handle", "zoe")]).await.assert_status(303);
    bob.submit("/profile/email", &[("email", "new@mail.example")]).await.assert_status(303);
    let link = app.inbox("new@mail.example").await.pop().unwrap().link();
    bob.submit(&link, &[]).await.assert_status(303);
    for list in [SHARING, "/organizations/acme/members"] {
        for found in ["zoë ÖZ", "zoe", "NEW@mail"] {
            let q: String = url::form_urlencoded::byte_serialize(found.as_bytes()).collect();
            ada.get(&format!("{list}?q={q}")).await.shows("new@mail.example");
        }
        ada.get(&format!("{list}?q=bob")).await.lacks("new@mail.example");
        ada.get(&format!("{list}?q=%25")).await.lacks("new@mail.example");
    }
}

/// IN-08: a no is heard for a week, by everybody who shares the workspace.
#[actix_rt::test]
async fn whoever_declined_rests() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = member(&app, "bob").await;
    add_member(&ada, "Bob", "viewer").await.assert_status(303);
    bob.submit_form("/workspaces", "decline", &[]).await.assert_status(303);
    add_member(&ada, "Bob", "owner").await.assert_status(422).shows("Bob declined lately");
    app.advance(7 * 86_400 + 1);
    let ada = app.sign_in("ada").await;
    add_member(&ada, "Bob", "owner").await.assert_status(303);
}
