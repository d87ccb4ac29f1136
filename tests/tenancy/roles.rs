//! Custom roles: made, changed with a preview, replaced, compared.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole::Member;
use bulkhead::access::role::Role;
use bulkhead::base::db::schema::{memberships, workspace_roles};
use diesel::prelude::*;

use crate::support::{Answer, Client, TestApp, invariants, spawn};
use crate::tenancy::members::acme;
use crate::tenancy::sharing::{accept, add_member};

const ROLES: &str = "/organizations/acme/roles";

/// Makes a role through the form; returns its address.
pub async fn role(admin: &Client, name: &str, inherits: &str, scopes: &[&str]) -> Answer {
    let new = format!("{ROLES}/new");
    let mut form = admin.get(&new).await.form(&new, "");
    form.fields.retain(|(name, _)| name != "scope");
    form.fields.extend(scopes.iter().map(|scope| ("scope".to_owned(), (*scope).to_owned())));
    admin.fill(form, &[("name", name), ("inherits", inherits)]).await
}

/// R1, R2, R5: the server closes the set; what is inherited is there whatever is posted.
#[actix_rt::test]
async fn a_role_is_closed_over_what_it_implies() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let made = role(&ada, "Release manager", "runner", &["manage_deployments"]).await;
    made.assert_status(303);
    let page = ada.get(&made.location()).await;
    page.assert_status(200).shows("Release manager").shows("Runner · and follows it");
    let ticked = page.attributes("input[name=scope][checked]", "value");
    for scope in ["see_flows", "run_deployments", "write_deployments", "manage_deployments"] {
        assert!(ticked.iter().any(|known| known == scope), "{scope}");
    }
    assert!(!ticked.iter().any(|known| known == "manage_flows"));
    let stored: String =
        app.read(|db| Ok(workspace_roles::table.select(workspace_roles::scopes).first(db)?)).await;
    assert_eq!(stored, "see_deployments run_deployments write_deployments manage_deployments");
    for (name, inherits, scopes, problem) in [
        ("", "", &["see_flows"][..], "Enter a name."),
        ("Owner", "", &["see_flows"][..], "is a built-in role"),
        ("release MANAGER", "", &["see_flows"][..], "There is a role of this name."),
        ("Nothing", "", &[][..], "Tick at least one permission"),
        ("Forged", "", &["drop_tables"][..], "does not exist"),
        ("Forged", "collaborator", &["see_flows"][..], "Choose one of the list."),
    ] {
        role(&ada, name, inherits, scopes).await.assert_status(422).shows(problem);
    }
    let list = ada.get(ROLES).await;
    list.shows("Release manager").shows("Custom").shows("6 roles").lacks("1 person");
    ada.get(&format!("{ROLES}/compare")).await.shows("Release manager").shows("manage_deployments");
    assert_eq!(app.audited("workspace-role.created").await, 1);
}

/// R1, R2: **Update** ticks and locks what a base brings, and ticks what a box stands on, before anything is saved.
#[actix_rt::test]
async fn a_form_shows_what_a_base_brings_before_it_is_saved() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let made = role(&ada, "Release manager", "", &["see_flows"]).await.location();
    for page in [format!("{ROLES}/new"), format!("{made}/edit")] {
        let opened = ada.get(&page).await;
        let mut form = opened.form(&page, "");
        form.fields.retain(|(name, _)| name != "scope");
        form.fields.push(("scope".to_owned(), "manage_deployments".to_owned()));
        let shown = ada.fill(form, &[("inherits", "runner"), ("update", "on")]).await;
        shown.assert_status(200).lacks("Enter a name.");
        let inherited = Role::Runner.scopes().iter().count();
        shown.shows(&format!("{inherited} inherited")).shows("2 added");
        let locked = shown.attributes("input[name=scope][checked][disabled]", "value");
        assert_eq!(locked.join(" "), Role::Runner.scopes().names());
        let free = shown.attributes("input[name=scope][checked]:not([disabled])", "value");
        assert_eq!(free, ["write_deployments", "manage_deployments"]);
    }
    assert_eq!(app.audited("workspace-role.created").await, 1);
    assert_eq!(app.audited("workspace-role.updated").await, 0);
}

/// O6: members look at roles, admins change them; others do not see them.
#[actix_rt::test]
async fn members_look_and_admins_change() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let made = role(&ada, "Release manager", "", &["see_flows"]).await.location();
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    let (bob, eve) = (app.sign_in("bob").await, app.user("eve").await);
    for path in
        [ROLES.to_owned(), format!("{ROLES}/compare"), format!("{ROLES}/viewer"), made.clone()]
    {
        bob.get(&path).await.assert_status(200);
        eve.get(&path).await.assert_status(404);
    }
    for path in [format!("{ROLES}/new"), format!("{made}/edit"), format!("{made}/delete")] {
        bob.get(&path).await.assert_status(403);
        eve.get(&path).await.assert_status(404);
    }
    // A role of elsewhere is not there.
    eve.submit("/organizations/new", &[("name", "Evil"), ("handle", "evil")]).await;
    eve.get(&made.replace("/acme/", "/evil/")).await.assert_status(404);
    eve.get(&format!("{}/edit", made.replace("/acme/", "/evil/"))).await.assert_status(404);
    ada.get(&format!("{ROLES}/viewer/edit")).await.assert_status(404);
    ada.get(&format!("{ROLES}/collaborator")).await.assert_status(404);
}

async fn grants(app: &TestApp) -> i64 {
    app.read(|db| {
        let custom = memberships::table.filter(memberships::custom_role_id.is_not_null());
        Ok(custom.count().get_result(db)?)
    })
    .await
}

/// 1.14 (9), H6: a change of a role that is used shows first who gains and who loses what.
#[actix_rt::test]
async fn a_change_shows_who_loses_what_before_it_is_saved() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let made = role(&ada, "Release manager", "viewer", &["manage_deployments"]).await.location();
    let id = made.rsplit('/').next().unwrap().to_owned();
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    add_member(&ada, "Bob", &id).await.assert_status(303);
    let bob = app.sign_in("bob").await;
    accept(&bob).await;
    bob.get("/workspaces/acme/data").await.shows("Release manager");
    ada.get(ROLES).await.shows("1 person");
    ada.get(&made).await.shows("data").shows("1 person");
    let edit = format!("{made}/edit");
    let mut form = ada.get(&edit).await.form(&edit, "");
    form.fields.retain(|(name, _)| name != "scope");
    form.fields.push(("scope".to_owned(), "see_workspace_users".to_owned()));
    let shown = ada.fill(form, &[]).await;
    shown.assert_status(422).shows("Nothing is saved yet.").shows("1 person in data");
    shown.shows("lose: run deployments; create and edit deployments; delete deployments");
    shown.shows("gain: view information about workspace users");
    bob.get("/workspaces/acme/data/sharing").await.assert_status(403);
    // Somebody else with the role meanwhile: what was shown is not what would be done.
    app.make_user("carl", Verified::Mailed).await;
    app.make_member("acme", "carl", Member).await;
    add_member(&ada, "Carl", &id).await.assert_status(303);
    accept(&app.sign_in("carl").await).await;
    let again = ada.fill(shown.form_anyway(&edit, ""), &[]).await;
    again.assert_status(422).shows("2 people in data");
    ada.fill(again.form_anyway(&edit, ""), &[]).await.assert_redirect_to(&made);
    bob.get("/workspaces/acme/data/sharing").await.assert_status(200);
    assert_eq!(app.audited("workspace-role.updated").await, 1);
}

/// R3: a role that is used is replaced, or stays.
#[actix_rt::test]
async fn a_used_role_is_replaced_or_stays() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let made = role(&ada, "Release manager", "", &["manage_deployments"]).await.location();
    let id = made.rsplit('/').next().unwrap().to_owned();
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    add_member(&ada, "Bob", &id).await.assert_status(303);
    let bob = app.sign_in("bob").await;
    accept(&bob).await;
    let page = format!("{made}/delete");
    ada.get(&page).await.shows("1 person").shows("in data");
    ada.submit(&page, &[("replacement", "")]).await.assert_status(422).shows("The role is used.");
    ada.submit(&page, &[("replacement", id.as_str())]).await.assert_status(422);
    ada.submit(&page, &[("replacement", "nonsense")]).await.assert_status(422);
    assert_eq!(grants(&app).await, 1);
    ada.submit(&page, &[("replacement", "runner")]).await.assert_redirect_to(ROLES);
    // Built-in roles are counted too.
    ada.get(ROLES).await.shows("1 person");
    bob.get("/workspaces/acme/data").await.shows("Runner");
    assert_eq!(grants(&app).await, 0);
    let unused = role(&ada, "Unused", "", &["see_flows"]).await.location();
    ada.submit(&format!("{unused}/delete"), &[]).await.assert_redirect_to(ROLES);
    assert_eq!(app.audited("workspace-role.deleted").await, 2);
    invariants::assert_hold(&app.database.location);
}
