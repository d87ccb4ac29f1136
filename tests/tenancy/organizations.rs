//! Organizations: making, profile, workspaces, members, leaving, deleting.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole::{Admin, Member};
use bulkhead::base::db::schema::{accounts, organization_members, organizations, workspaces};
use diesel::prelude::*;

use crate::support::{Client, TestApp, invariants, spawn, spawn_with};

/// Ada, admin of `acme`.
async fn acme(app: &TestApp) -> Client {
    let ada = app.user("ada").await;
    ada.submit("/organizations/new", &[("name", "Acme Data"), ("handle", "Acme")])
        .await
        .assert_redirect_to("/organizations/acme");
    ada
}

async fn workspace(admin: &Client, handle: &str) {
    admin
        .submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", handle)])
        .await
        .assert_redirect_to(&format!("/workspaces/acme/{handle}/settings"));
}

async fn count(app: &TestApp, handle: &'static str) -> i64 {
    app.read(move |db| {
        let named = accounts::table.filter(accounts::handle.eq(handle));
        Ok(named.count().get_result(db)?)
    })
    .await
}

/// O1, O2, O6: whoever makes an organization is its admin and sees its pages.
#[actix_rt::test]
async fn an_organization_starts_with_its_first_admin() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.get("/organizations").await.assert_status(200).shows("No organizations yet");
    let page = ada.get("/organizations/new").await;
    assert_eq!(page.select("main label"), ["Name", "Handle"]);
    let ada = {
        drop(page);
        ada.submit("/organizations/new", &[("name", "Acme Data"), ("handle", "Acme")])
            .await
            .assert_redirect_to("/organizations/acme");
        ada
    };
    let profile = ada.get("/organizations/acme").await;
    profile.assert_status(200).shows("Acme Data is ready.").shows("Admin").shows("For ever");
    ada.get("/organizations").await.shows("Acme Data").shows("acme");
    let members = ada.get("/organizations/acme/members").await;
    members.assert_status(200).shows("1 member").shows("ada@example.org").shows("Admin");
    ada.get("/organizations/acme/workspaces").await.shows("No workspaces yet");
    assert_eq!(app.audited("account.created").await, 1);
    app.assert_audit_is_whole().await;
}

/// C4, IV-09: what is typed wrong stays in the form; a handle is one over people and organizations.
#[actix_rt::test]
async fn a_bad_organization_is_refused_beside_its_fields() {
    let app = spawn().await;
    let ada = acme(&app).await;
    for (name, handle, problem) in [
        ("", "beta", "Enter a name."),
        ("Beta", "", "Enter a handle."),
        ("Beta", "new", "“new” is reserved"),
        ("Beta", "be ta", "put a dash"),
        ("Beta", "acme", "“acme” is taken. “acme-2” is free."),
        ("Beta", "ada", "“ada” is taken. “ada-2” is free."),
        ("Be\u{202e}ta", "beta", "invisible"),
    ] {
        let answer = ada.submit("/organizations/new", &[("name", name), ("handle", handle)]).await;
        answer.assert_status(422).shows(problem).shows("The organization wasn’t created.");
        assert_eq!(answer.attributes("input[name=handle]", "value"), [handle]);
    }
    assert_eq!(app.audited("account.created").await, 1);
    // The other way round: a person cannot take an organization's handle.
    let fields = [("name", "Ada"), ("handle", "acme"), ("theme", "system")];
    ada.submit("/profile", &fields).await.assert_status(422).shows("acme-2");
}

/// F-19: the same form sent twice makes one organization.
#[actix_rt::test]
async fn a_double_click_makes_one_organization() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let form = ada.get("/organizations/new").await.form("/organizations/new", "Create");
    let fields = [("name", "Acme"), ("handle", "acme")];
    let again = form.clone();
    ada.fill(form, &fields).await.assert_redirect_to("/organizations/acme");
    ada.fill(again, &fields).await.assert_redirect_to("/organizations/acme");
    assert_eq!(count(&app, "acme").await, 1);
}

/// O2: admins edit; old addresses of the organization and of its workspaces lead to the new ones.
#[actix_rt::test]
async fn a_renamed_organization_is_found_under_its_old_handle() {
    let app = spawn().await;
    let ada = acme(&app).await;
    workspace(&ada, "lab").await;
    let fields = [
        ("name", "Acme Two"),
        ("handle", "acme-two"),
        ("location", "Berlin"),
        ("link", "acme.example"),
    ];
    ada.submit("/organizations/acme/edit", &fields)
        .await
        .assert_redirect_to("/organizations/acme-two");
    let profile = ada.get("/organizations/acme-two").await;
    profile.shows("Acme Two").shows("Berlin").shows("https://acme.example/");
    ada.get("/organizations/acme/members?q=a")
        .await
        .assert_redirect_to("/organizations/acme-two/members?q=a");
    ada.get("/workspaces/acme/lab").await.assert_redirect_to("/workspaces/acme-two/lab");
    app.user("eve").await.get("/organizations/acme").await.assert_status(404);
    let answer = ada.submit("/organizations/acme-two/edit", &[("link", "javascript:alert(1)")]);
    answer.await.assert_status(422).shows("Enter a web address");
    assert_eq!(app.audited("account.updated").await, 1);
    app.assert_audit_is_whole().await;
}

/// O6, H8, AZ-03: an organization is there for its members only; admins own its workspaces, members
/// do not see them.
#[actix_rt::test]
async fn admins_own_all_workspaces_and_members_none() {
    let app = spawn().await;
    let ada = acme(&app).await;
    workspace(&ada, "lab").await;
    for handle in ["bob", "cyd", "eve"] {
        app.make_user(handle, Verified::Mailed).await;
    }
    app.make_member("acme", "bob", Member).await;
    app.make_member("acme", "cyd", Admin).await;
    let (bob, cyd, eve) =
        (app.sign_in("bob").await, app.sign_in("cyd").await, app.sign_in("eve").await);
    for page in ["", "/members", "/workspaces", "/leave"] {
        let path = format!("/organizations/acme{page}");
        eve.get(&path).await.assert_status(404);
        bob.get(&path).await.assert_status(200);
        cyd.get(&path).await.assert_status(200);
    }
    for page in ["/edit", "/delete"] {
        let path = format!("/organizations/acme{page}");
        eve.get(&path).await.assert_status(404);
        bob.get(&path).await.assert_status(403).shows("one of its admins");
        cyd.get(&path).await.assert_status(200);
    }
    cyd.get("/workspaces/acme/lab/settings").await.assert_status(200).shows("Delete workspace");
    cyd.get("/workspaces").await.shows("acme").shows("lab");
    cyd.get("/workspaces/acme/lab/leave").await.shows("leave the organization instead");
    cyd.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", "cyds")])
        .await
        .assert_status(303);
    for outside in [&bob, &eve] {
        outside.get("/workspaces/acme/lab").await.assert_status(404);
        outside.get("/workspaces").await.lacks("lab");
        outside.get("/workspaces/new?owner=acme").await.assert_status(404);
        let page = outside.get("/workspaces/new").await;
        assert_eq!(page.select("select[name=owner] option").len(), 1);
        let form = page.form("/workspaces/new", "Create");
        let fields = [("owner", "acme"), ("handle", "theirs")];
        outside.fill(form, &fields).await.assert_status(404);
    }
    bob.get("/organizations/acme/workspaces").await.shows("No workspaces to see").lacks("lab");
    let made: Vec<String> = app
        .read(|db| {
            Ok(workspaces::table.order(workspaces::handle).select(workspaces::handle).load(db)?)
        })
        .await;
    assert_eq!(made, ["cyds", "lab"]);
    app.assert_audit_is_whole().await;
}

/// A7, AK-02: an admin's key reaches the organization's workspaces as long as its person is an admin.
#[actix_rt::test]
async fn an_admins_key_ends_with_the_role() {
    let app = spawn().await;
    let ada = acme(&app).await;
    workspace(&ada, "lab").await;
    app.make_user("cyd", Verified::Mailed).await;
    app.make_member("acme", "cyd", Admin).await;
    let cyd = app.sign_in("cyd").await;
    let page = cyd.submit("/profile/api-keys/new", &[("name", "laptop")]).await;
    let key = page.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
    app.api(&key).get("/api/me/workspaces").await.assert_status(200).shows("lab").shows("acme");
    cyd.submit("/organizations/acme/leave", &[]).await.assert_redirect_to("/organizations");
    app.api(&key).get("/api/me/workspaces").await.assert_status(200).lacks("lab");
    cyd.get("/workspaces/acme/lab").await.assert_status(404);
    assert_eq!(app.audited("account-membership.deleted").await, 1);
}

/// O7: the last admin neither leaves nor deletes the own account, by page or by a form kept open.
#[actix_rt::test]
async fn the_last_admin_stays() {
    let app = spawn().await;
    let ada = acme(&app).await;
    app.make_user("cyd", Verified::Mailed).await;
    app.make_member("acme", "cyd", Admin).await;
    let cyd = app.sign_in("cyd").await;
    let page = cyd.get("/organizations/acme/leave").await;
    let leave = page.form("/organizations/acme/leave", "Leave organization");
    let close = cyd.get("/profile/delete").await.form("/profile/delete", "Delete account");
    ada.submit("/organizations/acme/leave", &[]).await.assert_status(303);
    cyd.fill(leave, &[]).await.assert_status(409).shows("You are its last admin");
    cyd.get("/organizations/acme/leave").await.shows("You are its last admin");
    cyd.get("/profile/delete").await.shows("You are the last admin").shows("acme");
    let answer = cyd.fill(close, &[("confirm", "cyd")]).await;
    answer.assert_status(422).shows("You are the last admin");
    cyd.get("/organizations/acme").await.assert_status(200);
    // Ada is in no organization any more, so nothing keeps her.
    ada.submit("/profile/delete", &[("confirm", "ada")]).await.assert_status(303);
    app.assert_audit_is_whole().await;
}

/// O7, I2: two admins leave at once, many times: one of them always stays.
#[actix_rt::test]
async fn two_admins_who_leave_at_once_leave_one() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let cyd = app.user("cyd").await;
    for round in 0..20 {
        let handle = format!("acme-{round}");
        ada.submit("/organizations/new", &[("name", "Acme"), ("handle", &handle)])
            .await
            .assert_status(303);
        app.make_member(&handle, "cyd", Admin).await;
        let leave = format!("/organizations/{handle}/leave");
        let forms = futures_util::future::join(ada.get(&leave), cyd.get(&leave)).await;
        let (first, second) = (
            forms.0.form(&leave, "Leave organization"),
            forms.1.form(&leave, "Leave organization"),
        );
        let both = futures_util::future::join(ada.fill(first, &[]), cyd.fill(second, &[])).await;
        let mut answers = [both.0.status, both.1.status];
        answers.sort_unstable();
        assert_eq!(answers, [303, 409], "round {round}");
    }
    let admins: i64 = app
        .read(|db| {
            let admins = organization_members::role.eq(Admin);
            Ok(organization_members::table.filter(admins).count().get_result(db)?)
        })
        .await;
    assert_eq!(admins, 20);
}

/// lifecycles §3: an organization goes once all its workspaces are deleted; those in their days of
/// grace go with it, its members are told, and its handle is free afterwards.
#[actix_rt::test]
async fn an_organization_goes_after_its_workspaces() {
    let app = spawn().await;
    let ada = acme(&app).await;
    workspace(&ada, "lab").await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    let page = ada.get("/organizations/acme/delete").await;
    page.assert_status(200).shows("acme/lab").lacks("Type acme to confirm");
    let old = ada.get("/workspaces/acme/lab/settings/delete").await;
    let form = old.form("/workspaces/acme/lab/settings/delete", "Delete workspace");
    ada.fill(form, &[("confirm", "acme/lab")]).await.assert_status(303);
    let told = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "Your workspace acme/lab was deleted");
    ada.get("/organizations/acme/workspaces").await.shows("restorable until");
    ada.submit("/organizations/acme/delete", &[("confirm", "acm")])
        .await
        .assert_status(422)
        .shows("Type acme to confirm.")
        .shows("1 deleted workspace");
    ada.submit("/organizations/acme/delete", &[("confirm", "acme")])
        .await
        .assert_redirect_to("/organizations");
    ada.get("/organizations/acme").await.assert_status(404);
    let told = app.inbox("bob@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "The organization acme was deleted");
    assert_eq!(count(&app, "acme").await, 1, "the handle stays until the workspace is removed");
    app.run_jobs().await;
    assert_eq!(count(&app, "acme").await, 0);
    let rows: i64 = app.read(|db| Ok(organizations::table.count().get_result(db)?)).await;
    assert_eq!(rows, 0);
    ada.submit("/organizations/new", &[("name", "Acme"), ("handle", "acme")])
        .await
        .assert_redirect_to("/organizations/acme");
    app.assert_audit_is_whole().await;
}

/// AU-17: deleting an organization asks for the password again after ten minutes.
#[actix_rt::test]
async fn deleting_an_organization_needs_a_fresh_password() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let page = ada.get("/organizations/acme/delete").await;
    let form = page.form("/organizations/acme/delete", "Delete organization");
    app.advance(601);
    let to = "/confirm-access?next=%2Forganizations%2Facme%2Fdelete";
    ada.get("/organizations/acme/delete").await.assert_redirect_to(to);
    ada.fill(form, &[("confirm", "acme")]).await.assert_redirect_to(to);
    ada.get("/organizations/acme").await.assert_status(200);
}

/// G6: an organization's admin restores a deleted workspace, or deletes it now; a member cannot.
#[actix_rt::test]
async fn an_admin_restores_an_organizations_workspace() {
    let app = spawn().await;
    let ada = acme(&app).await;
    workspace(&ada, "lab").await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    ada.submit("/workspaces/acme/lab/settings/delete", &[("confirm", "acme/lab")])
        .await
        .assert_status(303);
    let list = ada.get("/organizations/acme/workspaces").await;
    let hrefs = list.attributes("section .list a", "href");
    let href = hrefs.first().unwrap();
    app.sign_in("bob").await.get(href).await.assert_status(404);
    let form = ada.get(href).await.form(href, "Restore");
    ada.fill(form, &[("act", "restore")]).await.assert_redirect_to("/workspaces/acme/lab");
    ada.get("/workspaces/acme/lab").await.assert_status(200);
    assert_eq!(app.audited("workspace.restored").await, 1);
}

/// N1, N3: an organization's workspaces count against its own limit, shown where one is made.
#[actix_rt::test]
async fn an_organization_has_slots_of_its_own() {
    let app = spawn_with(|flags| flags.workspace_limit = Some(2)).await;
    let ada = acme(&app).await;
    ada.workspace("mine").await;
    workspace(&ada, "one").await;
    workspace(&ada, "two").await;
    let page = ada.get("/workspaces/new?owner=acme").await;
    page.assert_status(200).shows("acme uses 2 of 2 workspaces");
    assert_eq!(page.attributes("select[name=owner] option[selected]", "value"), ["acme"]);
    let form = page.form("/workspaces/new", "Create");
    let fields = [("owner", "acme"), ("handle", "three")];
    ada.fill(form, &fields).await.assert_status(409).shows("acme uses 2 of 2");
    ada.get("/organizations/acme").await.shows("2 of 2 used");
    ada.workspace("also-mine").await;
}

/// AZ-12: nobody fills the lists with organizations without end.
#[actix_rt::test]
async fn a_person_makes_a_hundred_organizations_at_most() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let made = |n: i64| format!("acme-{n}");
    for n in 0..100 {
        let (name, handle) = ("Acme", made(n));
        let fields = [("name", name), ("handle", handle.as_str())];
        ada.submit("/organizations/new", &fields).await.assert_status(303);
    }
    let fields = [("name", "One more"), ("handle", "one-more")];
    ada.submit("/organizations/new", &fields)
        .await
        .assert_status(422)
        .shows("You are an admin of 100 organizations");
    assert_eq!(count(&app, "one-more").await, 0);
    ada.get("/organizations").await.shows("acme-99");
    invariants::assert_hold(&app.database.location);
}
