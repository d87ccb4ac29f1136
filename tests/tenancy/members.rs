//! The members of an organization: inviting, changing, removing, the rules for them.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole::{Admin, Member};
use bulkhead::access::role::Role;
use bulkhead::base::db::schema::{invitations, memberships, organization_members};
use bulkhead::tenancy::invitations::model::State;
use diesel::prelude::*;

use crate::support::{Answer, Client, PASSWORD, TestApp, invariants, spawn, spawn_with};
use crate::tenancy::invited::sign_up;
use crate::tenancy::two_factor;

pub const MEMBERS: &str = "/organizations/acme/members";
const INVITE: &str = "/organizations/acme/members/invite";

/// Ada, admin of `acme`, which owns `data`.
pub async fn acme(app: &TestApp) -> Client {
    let ada = app.user("ada").await;
    ada.submit("/organizations/new", &[("name", "Acme"), ("handle", "acme")])
        .await
        .assert_status(303);
    ada.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", "data")])
        .await
        .assert_status(303);
    ada
}

async fn invite(admin: &Client, addresses: &str, role: &str) -> Answer {
    admin.submit(INVITE, &[("email", addresses), ("role", role)]).await
}

async fn states(app: &TestApp) -> Vec<State> {
    app.read(|db| {
        Ok(invitations::table.order(invitations::id).select(invitations::state).load(db)?)
    })
    .await
}

/// The address of a step of a member's or an invitation's menu.
pub async fn step(client: &Client, list: &str, name: &str, step: &str) -> String {
    let page = client.get(list).await;
    let rows = page.select("main tbody tr");
    let at = rows.iter().position(|row| row.contains(name)).unwrap_or_else(|| panic!("{rows:?}"));
    let links = page.attributes(&format!("main tbody tr:nth-of-type({}) a", at + 1), "href");
    let found = links.into_iter().find(|href| href.split('?').next().unwrap().ends_with(step));
    found.unwrap_or_else(|| panic!("no {step} for {name}"))
}

/// O4: when somebody signed in last is known of everybody, whichever way they came in first.
#[actix_rt::test]
async fn the_last_sign_in_is_known_of_everybody() {
    let app = spawn().await;
    let ada = acme(&app).await;
    invite(&ada, "new@example.org", "member").await.assert_status(303);
    let link = app.inbox("new@example.org").await.pop().unwrap().link();
    sign_up(&app.visitor(), &link, "newcomer").await.assert_status(303);
    ada.get(MEMBERS).await.shows("Newcomer").lacks("Never");
}

/// O4, O5: several addresses at once, an answer for each, and one with an account or none joins.
#[actix_rt::test]
async fn several_people_are_invited_at_once() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let bob = app.user("bob").await;
    let answer =
        invite(&ada, "bob@example.org\nnew@example.org, ada@example.org; nonsense", "member").await;
    answer.assert_status(200).shows("2 people are invited, 2 lines were left out.");
    answer.shows("This is your own address.");
    let list = ada.get(MEMBERS).await;
    list.shows("1 member, 2 open invitations").shows("Pending");
    assert_eq!(app.inbox("bob@example.org").await.len(), 1);
    let mail = app.inbox("bob@example.org").await.pop().unwrap();
    assert!(
        mail.text.contains("the organization acme") && mail.text.contains("Member"),
        "{}",
        mail.text
    );
    bob.get("/workspaces").await.shows("acme").shows("from Ada");
    bob.submit_form(&mail.link(), "accept", &[])
        .await
        .assert_redirect_to("/organizations/acme/workspaces");
    bob.get("/organizations/acme").await.assert_status(200).shows("You joined Acme as Member");
    let link = app.inbox("new@example.org").await.pop().unwrap().link();
    let new = app.visitor();
    new.get(&link).await.shows("Join Acme").shows("an organization");
    new.submit_form(
        &link,
        "sign-up",
        &[("name", "New"), ("handle", "nela"), ("password", PASSWORD)],
    )
    .await
    .assert_redirect_to("/organizations/acme/workspaces");
    assert_eq!(states(&app).await, [State::Accepted; 2]);
    assert_eq!(app.audited("account-invitation.created").await, 2);
    assert_eq!(app.audited("account-invitation.accepted").await, 2);
    assert_eq!(app.audited("account-membership.created").await, 2);
    invariants::assert_hold(&app.database.location);
}

/// O5: a further invitation with another role takes the place of the first; with the same one it is
/// offered to be sent again.
#[actix_rt::test]
async fn another_role_replaces_the_invitation() {
    let app = spawn().await;
    let ada = acme(&app).await;
    invite(&ada, "bob@example.org", "member").await.assert_status(303);
    let first = app.inbox("bob@example.org").await.pop().unwrap().link();
    invite(&ada, "bob@example.org", "member").await.assert_status(422).shows("Already invited.");
    invite(&ada, "bob@example.org", "admin").await.assert_status(303);
    assert_eq!(states(&app).await, [State::Superseded, State::Pending]);
    let bob = app.user("bob").await;
    bob.get(&first).await.assert_status(404);
    let second = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.submit_form(&second, "accept", &[]).await.assert_status(303);
    bob.get("/organizations/acme/audit-log").await.assert_status(200);
}

/// O4, N3, AZ-12: pending invitations keep places, and acceptance checks the limit again.
#[actix_rt::test]
async fn the_limit_counts_open_invitations() {
    let app = spawn_with(|flags| flags.member_limit = Some(3)).await;
    let ada = acme(&app).await;
    let answer = invite(&ada, "a@example.org b@example.org c@example.org", "member").await;
    answer
        .assert_status(200)
        .shows("2 people are invited")
        .shows("an organization can have 3 members");
    ada.get(MEMBERS).await.shows("3 of 3 slots used");
    ada.get("/organizations/acme").await.shows("3 of 3 used");
    let revoke = step(&ada, MEMBERS, "a@example.org", "revoke").await;
    ada.submit(&revoke, &[]).await.assert_redirect_to(MEMBERS);
    ada.get(MEMBERS).await.shows("2 of 3 slots used");
    invite(&ada, "c@example.org", "member").await.assert_status(303);
    invariants::assert_hold(&app.database.location);
}

/// O5, IN-10: several open invitations are sent again or taken back with one form.
#[actix_rt::test]
async fn several_invitations_are_managed_at_once() {
    let app = spawn().await;
    let ada = acme(&app).await;
    invite(&ada, "a@example.org b@example.org c@example.org", "member").await.assert_status(303);
    let page = ada.get("/organizations/acme/members/invitations").await;
    let ids = page.attributes("input[name=id]", "value");
    assert_eq!(ids.len(), 3);
    let mut form = page.form("/organizations/acme/members/invitations", "");
    form.fields.retain(|(name, _)| name != "id" && name != "step");
    let empty = form.clone();
    ada.fill(empty, &[("step", "revoke")]).await.assert_status(422).shows("Tick at least one");
    let mut some = ada
        .get("/organizations/acme/members/invitations")
        .await
        .form("/organizations/acme/members/invitations", "");
    some.fields.retain(|(name, _)| name != "id" && name != "step");
    some.fields.extend(ids.iter().take(2).map(|id| ("id".to_owned(), id.clone())));
    ada.fill(some, &[("step", "revoke")]).await.assert_redirect_to(MEMBERS);
    ada.get(MEMBERS).await.shows("2 invitations were revoked.");
    let mut rest = ada
        .get("/organizations/acme/members/invitations")
        .await
        .form("/organizations/acme/members/invitations", "");
    rest.fields.retain(|(name, _)| name != "id" && name != "step");
    rest.fields.push(("id".to_owned(), ids[2].clone()));
    ada.fill(rest, &[("step", "resend")]).await.assert_redirect_to(MEMBERS);
    let pending = states(&app).await.into_iter().filter(|state| *state == State::Pending).count();
    assert_eq!(pending, 1);
}

/// O4, O6, O7: roles change, the last admin stays, and what a former admin sent is void.
#[actix_rt::test]
async fn a_role_changes_and_the_last_admin_stays() {
    let app = spawn().await;
    let ada = acme(&app).await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    let change = step_form(&ada, "Bob").await;
    ada.fill(change, &[("role", "admin")]).await.assert_redirect_to(MEMBERS);
    ada.get(MEMBERS).await.shows("Bob is Admin now.");
    assert_eq!(app.inbox("bob@example.org").await.len(), 1);
    let bob = app.sign_in("bob").await;
    invite(&bob, "eve@example.org", "member").await.assert_status(303);
    let link = app.inbox("eve@example.org").await.pop().unwrap().link();
    let back = step_form(&ada, "Bob").await;
    ada.fill(back, &[("role", "member")]).await.assert_redirect_to(MEMBERS);
    bob.get("/organizations/acme/audit-log").await.assert_status(403);
    app.visitor().get(&link).await.assert_status(404);
    let own = step_form(&ada, "Ada").await;
    ada.fill(own, &[("role", "member")]).await.assert_redirect_to(MEMBERS);
    ada.get(MEMBERS).await.shows("Ada is the last admin");
    ada.get("/organizations/acme/audit-log").await.assert_status(200);
    assert_eq!(app.audited("account-membership.updated").await, 2);
    invariants::assert_hold(&app.database.location);
}

pub async fn step_form(client: &Client, name: &str) -> crate::support::PageForm {
    let page = client.get(MEMBERS).await;
    page.form(MEMBERS, &format!("the role of {name}"))
}

/// O7, H9: who is removed loses every role in its workspaces and is told; the page says what.
#[actix_rt::test]
async fn a_removed_member_loses_everything_at_once() {
    let app = spawn().await;
    let ada = acme(&app).await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    app.give_role(("acme", "data"), "bob", Role::Developer).await;
    let bob = app.sign_in("bob").await;
    let key = bob.submit("/profile/api-keys/new", &[("name", "laptop")]).await;
    let key = key.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
    bob.get("/workspaces/acme/data").await.assert_status(200).shows("Developer");
    assert!(app.api(&key).get("/api/me/workspaces").await.text.contains("data"));
    let page = step(&ada, MEMBERS, "Bob", "remove").await;
    ada.get(&page).await.shows("the own role in data").shows("told by email");
    ada.submit(&page, &[]).await.assert_redirect_to(MEMBERS);
    bob.get("/workspaces/acme/data").await.assert_status(404);
    bob.get("/organizations/acme").await.assert_status(404);
    assert_eq!(app.api(&key).get("/api/me/workspaces").await.text, "[]");
    let left = app
        .read(|db| {
            let grants: i64 = memberships::table.count().get_result(db)?;
            let members: i64 = organization_members::table.count().get_result(db)?;
            Ok((grants, members))
        })
        .await;
    assert_eq!(left, (0, 1));
    assert!(
        app.inbox("bob@example.org").await.iter().any(|mail| mail.text.contains("removed you"))
    );
    let own = step(&ada, MEMBERS, "Ada", "remove").await;
    ada.get(&own).await.shows("is the last admin");
    invariants::assert_hold(&app.database.location);
}

/// AU-17: admins are made, unmade, removed and invited only soon after the password was given, and a
/// second factor is asked of people no more only then too; what was typed comes back.
#[actix_rt::test]
async fn an_admin_is_made_only_soon_after_the_password() {
    let app = spawn().await;
    let ada = acme(&app).await;
    for (handle, role) in [("bob", Member), ("cyd", Admin)] {
        app.make_user(handle, Verified::Mailed).await;
        app.make_member("acme", handle, role).await;
    }
    two_factor::turn_on(&app, &ada).await;
    let policy = "/organizations/acme/policy";
    ada.submit(policy, &[("second_factor", "on")]).await.assert_status(303);
    let (bob, cyd) = (step_form(&ada, "Bob").await, step_form(&ada, "Cyd").await);
    let remove = step(&ada, MEMBERS, "Cyd", "remove").await;
    app.advance(11 * 60);
    let confirm = |next: &str| {
        let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        format!("/confirm-access?next={query}")
    };
    ada.fill(bob, &[("role", "admin")]).await.assert_redirect_to(&confirm(MEMBERS));
    ada.get(&confirm(MEMBERS)).await.shows("then choose the role once more");
    ada.fill(cyd, &[("role", "member")]).await.assert_redirect_to(&confirm(MEMBERS));
    ada.submit(&remove, &[]).await.assert_redirect_to(&confirm(&remove));
    ada.submit("/organizations/acme/leave", &[])
        .await
        .assert_redirect_to(&confirm("/organizations/acme/leave"));
    // What was typed stays, and the password is asked for beside it.
    let asked = invite(&ada, "pam@example.org\nwho@example.org", "admin").await;
    asked.assert_status(422).shows("who@example.org").shows("Your password");
    let form = asked.form_anyway(INVITE, "Send");
    let wrong = ada.fill(form, &[("password", "not this one at all")]).await;
    wrong.assert_status(422).shows("This is not your password.");
    let rules = [("second_factor", ""), ("email_domains", "example.org")];
    let rules = ada.submit(policy, &rules).await;
    rules.assert_status(422).shows("Your password");
    for event in ["account-membership.updated", "account-membership.deleted"] {
        assert_eq!(app.audited(event).await, 0, "{event}");
    }
    assert_eq!(app.audited("account-settings.updated").await, 1);
    assert_eq!(app.audited("account-invitation.created").await, 0);
    // What asks for no password.
    invite(&ada, "max@example.org", "member").await.assert_redirect_to(MEMBERS);
    let password = [("password", crate::support::PASSWORD)];
    let form = wrong.form_anyway(INVITE, "Send");
    ada.fill(form, &password).await.assert_redirect_to(MEMBERS);
    ada.get(MEMBERS).await.shows("pam@example.org").shows("who@example.org");
    // An admin's invitation is offered again, and handed on, only so too; taken back always.
    for step_name in ["resend", "link"] {
        let page = step(&ada, MEMBERS, "pam@example.org", step_name).await;
        ada.submit(&page, &[]).await.assert_redirect_to(&confirm(&page));
        let page = step(&ada, MEMBERS, "max@example.org", step_name).await;
        assert!(ada.submit(&page, &[]).await.status < 400);
    }
    let page = step(&ada, MEMBERS, "pam@example.org", "revoke").await;
    ada.submit(&page, &[]).await.assert_redirect_to(MEMBERS);
    let form = rules.form_anyway(policy, "Save");
    ada.fill(form, &password).await.assert_redirect_to("/organizations/acme");
    assert_eq!(app.audited("account-settings.updated").await, 2);
    ada.get("/organizations/acme").await.shows("example.org");
}

/// O4: the list is searched, narrowed and paged, and an action comes back to the same page of it.
#[actix_rt::test]
async fn the_list_is_narrowed() {
    let app = spawn().await;
    let ada = acme(&app).await;
    for handle in ["bob", "carl"] {
        app.make_user(handle, Verified::Mailed).await;
        app.make_member("acme", handle, Member).await;
    }
    invite(&ada, "new@example.org", "member").await.assert_status(303);
    ada.get(&format!("{MEMBERS}?q=bob")).await.shows("bob@example.org").lacks("carl@example.org");
    ada.get(&format!("{MEMBERS}?role=admin"))
        .await
        .lacks("bob@example.org")
        .lacks("new@example.org");
    ada.get(&format!("{MEMBERS}?status=pending")).await.shows("new@example.org").lacks("bob@");
    ada.get(&format!("{MEMBERS}?q=nobody")).await.shows("No member matches.");
    let form = ada.get(&format!("{MEMBERS}?q=bob")).await.form(MEMBERS, "the role of Bob");
    let answer = ada.fill(form, &[("role", "admin")]).await;
    answer.assert_redirect_to(&format!("{MEMBERS}?q=bob"));
}

/// AU-16: an organization that asks for a second factor lets nobody in without one, from the next
/// request on; the admin who asks has one.
#[actix_rt::test]
async fn a_second_factor_can_be_asked_of_everybody() {
    let app = spawn().await;
    let ada = acme(&app).await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    app.give_role(("acme", "data"), "bob", Role::Viewer).await;
    let bob = app.sign_in("bob").await;
    let key = bob.submit("/profile/api-keys/new", &[("name", "laptop")]).await;
    let key = key.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
    let policy = "/organizations/acme/policy";
    ada.get(policy).await.shows("2 members have no two-factor authentication: Ada, Bob.");
    ada.submit(policy, &[("second_factor", "on")])
        .await
        .assert_status(422)
        .shows("Turn two-factor authentication on for your own account first");
    two_factor::turn_on(&app, &ada).await;
    ada.submit(policy, &[("second_factor", "on")]).await.assert_redirect_to("/organizations/acme");
    for path in ["/workspaces/acme/data", "/organizations/acme", MEMBERS] {
        bob.get(path).await.assert_redirect_to("/profile/security/two-factor");
    }
    bob.get("/profile/security/two-factor").await.shows("Acme asks everybody in it for two-factor");
    bob.get("/organizations/acme/leave").await.assert_status(200);
    bob.get("/workspaces").await.assert_status(200);
    let workspace = app.api(&key).get("/api/me/workspaces").await.json();
    let path = format!(
        "/api/accounts/{}/workspaces/{}/health",
        workspace[0]["account_id"].as_str().unwrap(),
        workspace[0]["workspace_id"].as_str().unwrap()
    );
    app.api(&key).get(&path).await.assert_status(403);
    two_factor::turn_on(&app, &bob).await;
    bob.get("/workspaces/acme/data").await.assert_status(200);
    app.api(&key).get(&path).await.assert_status(200);
    assert_eq!(app.audited("account-settings.updated").await, 1);
}

/// 1.7, N1: mail domains count when inviting and again when accepting; days only get fewer.
#[actix_rt::test]
async fn an_organization_takes_some_domains_only() {
    let app = spawn_with(|flags| flags.audit_retention_days = Some(90)).await;
    let ada = acme(&app).await;
    invite(&ada, "bob@example.org", "member").await.assert_status(303);
    let policy = "/organizations/acme/policy";
    ada.submit(policy, &[("email_domains", "no domain at all")]).await.assert_status(422);
    ada.submit(policy, &[("run_retention_days", "0")]).await.assert_status(422);
    ada.submit(
        policy,
        &[("email_domains", "Acme.example, acme.test"), ("audit_retention_days", "30")],
    )
    .await
    .assert_redirect_to("/organizations/acme");
    ada.get("/organizations/acme").await.shows("acme.example, acme.test").shows("For 30 days");
    invite(&ada, "eve@example.org", "member")
        .await
        .assert_status(422)
        .shows("The organization takes addresses at acme.example, acme.test only.");
    invite(&ada, "eve@acme.test", "member").await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    let bob = app.user("bob").await;
    bob.submit_form(&link, "accept", &[]).await.assert_status(403).shows("does not take addresses");
    ada.submit(policy, &[("audit_retention_days", "365"), ("email_domains", "")])
        .await
        .assert_status(303);
    ada.get("/organizations/acme").await.shows("For 90 days");
}

/// AZ-03, IN-10: what belongs to another organization is not there.
#[actix_rt::test]
async fn members_of_another_organization_do_not_exist_here() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = app.user("eve").await;
    eve.submit("/organizations/new", &[("name", "Evil"), ("handle", "evil")]).await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", Member).await;
    invite(&ada, "new@example.org", "member").await.assert_status(303);
    let remove = step(&ada, MEMBERS, "Bob", "remove").await;
    let revoke = step(&ada, MEMBERS, "new@example.org", "revoke").await;
    let own = eve.get("/organizations/evil/members").await.form("", "the role of Eve");
    for path in [remove, revoke] {
        let stolen = path.replace("/acme/", "/evil/");
        eve.get(&stolen).await.assert_status(404);
        eve.get(&path).await.assert_status(404);
        let fields: Vec<(String, String)> = own
            .fields
            .iter()
            .filter(|(name, _)| name == "csrf" || name == "once")
            .cloned()
            .collect();
        eve.post(&stolen, &fields).await.assert_status(404);
        eve.post(&path, &fields).await.assert_status(404);
    }
    assert_eq!(states(&app).await, [State::Pending]);
    ada.get(MEMBERS).await.shows("bob@example.org");
}
