//! Invitations: every way from the link to the workspace, and every way that it does not lead there.

use std::sync::Arc;

use bulkhead::access::identify::Verified;
use bulkhead::base::db::schema::{invitations, mails, users, workspaces};
use bulkhead::base::db::{Id, Locks};
use bulkhead::base::settings::SignUp;
use bulkhead::tenancy::invitations::actions;
use bulkhead::tenancy::invitations::model::State;
use diesel::prelude::*;
use futures_util::future::join_all;

use super::invited::{
    change, copied_link, end_at, invite, let_in, limit_members, mailed_link, make_organization,
    members, sign_up, states, step, user_id, verified, with_mail_server, workspace, workspace_id,
};
use crate::support::{Answer, PASSWORD, TestApp, spawn, spawn_with};

const DAY: i64 = 86_400;

/// Ada with her workspace, and the mailed link of an invitation.
async fn invited(app: &TestApp, address: &str) -> (crate::support::Client, String) {
    let ada = app.user("ada").await;
    let lab = workspace(app, "ada", "lab").await;
    invite(&ada, &lab, address).await.assert_redirect_to(&format!("{lab}/collaborators"));
    (ada, mailed_link(app, address).await)
}

fn is_nothing(answer: &Answer) {
    answer.assert_status(404).shows("This invitation is not valid any more");
}

/// B4, B5, EM-01, EM-05, IN-02: from the form over the mail to member, without an account before.
#[actix_rt::test]
async fn a_stranger_signs_up_from_the_mail_and_is_in() {
    let app = spawn().await;
    let (ada, link) = invited(&app, "Bob@example.org").await;
    let mail = app.inbox("Bob@example.org").await.pop().unwrap();
    assert_eq!(mail.subject, "“Ada” invited you to lab");
    let full = format!("{}{link}", app.base);
    assert!(mail.text.contains(&full) && mail.html.contains(&full), "{}", mail.text);

    let bob = app.visitor();
    let page = bob.get(&link).await;
    page.assert_status(200).shows("Ada").shows("lab").shows("Collaborator").shows("30 Nov 2026");
    assert_eq!(page.attributes("input[name=email]", "value"), ["Bob@example.org"]);
    assert_eq!(page.attributes("input[name=email][readonly]", "name").len(), 1);
    sign_up(&bob, &link, "bob").await.assert_redirect_to("/workspaces/ada/lab");

    bob.get("/workspaces/ada/lab/collaborators").await.assert_status(200).shows("You joined lab");
    assert_eq!(verified(&app, "bob").await, "mailed");
    assert_eq!(states(&app).await, [State::Accepted]);
    ada.get("/workspaces/ada/lab/collaborators")
        .await
        .shows("Bob")
        .shows("1 collaborator · 1 active");
    let told = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "“Bob” joined lab");
    for event in [
        "workspace-invitation.created",
        "workspace-invitation.accepted",
        "workspace-access.created",
    ] {
        assert_eq!(app.audited(event).await, 1, "{event}");
    }
    app.assert_audit_is_whole().await;
}

/// B5: who has an account signs in on the way.
#[actix_rt::test]
async fn who_has_an_account_signs_in_and_accepts() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    app.make_user("bob", Verified::Mailed).await;
    let bob = app.visitor();
    let sign_in = bob.get(&link).await.link("Sign in");
    assert_eq!(sign_in, format!("{link}/sign-in"));
    let wrong = bob.submit(&sign_in, &[("password", "not the password at all")]).await;
    wrong.assert_status(422).shows("Email or password is wrong");
    bob.submit(&sign_in, &[("password", PASSWORD)]).await.assert_redirect_to(&link);
    bob.get(&link).await.shows("Accept invitation").shows("Decline").lacks("Create account");
    bob.submit_form(&link, "accept", &[]).await.assert_redirect_to("/workspaces/ada/lab");
    assert_eq!(members(&app).await, 1);
}

/// IN-03, BR-01: looking changes nothing, however often and by whomever.
#[actix_rt::test]
async fn opening_the_link_changes_nothing() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let before = app.audited("workspace-invitation.accepted").await;
    for _ in 0..10 {
        app.visitor().get(&link).await.assert_status(200);
        app.visitor().send("HEAD", &link, &[], "").await.assert_status(200);
        bob.get(&link).await.assert_status(200);
        for step in ["accept", "decline", "renew", "switch", "sign-up"] {
            bob.get(&format!("{link}/{step}")).await.assert_redirect_to(&link);
        }
    }
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 0));
    assert_eq!(app.audited("workspace-invitation.accepted").await, before);
    bob.submit_form(&link, "accept", &[]).await.assert_redirect_to("/workspaces/ada/lab");
}

/// SP-14: nothing keeps or finds the pages of a link.
#[actix_rt::test]
async fn the_pages_are_kept_out_of_caches_and_search_engines() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    for path in [link.clone(), format!("{link}/sign-in"), "/invitations/x".to_owned()] {
        let answer = app.visitor().get(&path).await;
        assert_eq!(answer.header("cache-control").unwrap(), "no-store", "{path}");
        assert!(answer.header("x-robots-tag").unwrap().contains("noindex"), "{path}");
    }
}

/// lifecycles §1, IN-01, IN-06: unknown, altered, revoked, superseded, declined, void, somebody
/// else's accepted one: one answer, so that a guesser learns nothing.
#[actix_rt::test]
async fn every_dead_link_looks_the_same() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    let people = "r@x.org, s@x.org, d@x.org, a@x.org, v@x.org";
    invite(&ada, &lab, people).await.assert_status(303);
    let mut dead = vec!["/invitations/x".to_owned(), format!("/invitations/{}", "A".repeat(64))];
    let links = join_all(["r", "s", "d", "a", "v"].map(|who| {
        let app = &app;
        async move { mailed_link(app, &format!("{who}@x.org")).await }
    }))
    .await;
    let mut altered = links[0].clone();
    let last = if altered.ends_with('A') { 'B' } else { 'A' };
    altered.pop();
    altered.push(last);
    dead.push(altered);
    // The id of one with the code of another.
    dead.push(format!("{}{}", &links[0][..34], &links[1][34..]));

    let page = step(&ada, &lab, "r@x.org", "revoke").await;
    ada.submit(&page, &[]).await.assert_status(303);
    let page = step(&ada, &lab, "s@x.org", "resend").await;
    ada.submit(&page, &[]).await.assert_status(303);
    app.visitor().submit_form(&links[2], "decline", &[]).await.assert_status(200);
    sign_up(&app.visitor(), &links[3], "anna").await.assert_status(303);
    let id = workspace_id(&app, "lab").await;
    let now = app.app.now();
    change(&app, move |db| Ok(actions::void_of_workspace(db, id, "deleted", now)?)).await;
    dead.extend(links);

    let eve = app.user("eve").await;
    let first = app.visitor().get(&dead[0]).await.visible();
    for link in &dead {
        let visitor = app.visitor().get(link).await;
        is_nothing(&visitor);
        assert_eq!(visitor.visible(), first, "{link}");
        is_nothing(&eve.get(link).await);
        is_nothing(&app.visitor().get(&format!("{link}/sign-in")).await);
    }
    // What is posted there fares no better; the form comes from a page that is alive.
    let form = eve.get("/profile").await.form("/profile", "");
    let tokens: Vec<(String, String)> =
        form.fields.into_iter().filter(|(name, _)| name == "csrf" || name == "once").collect();
    for link in &dead {
        for step in ["accept", "decline"] {
            is_nothing(&eve.post(&format!("{link}/{step}"), &tokens).await);
        }
    }
    assert_eq!(members(&app).await, 1);
}

/// IN-01, lifecycles: expired is 410 and tells when and by whom; a new one can be asked for, once a
/// day; the owner's resend revives it with a new link.
#[actix_rt::test]
async fn an_expired_invitation_can_be_asked_for_again() {
    let app = spawn().await;
    let (ada, link) = invited(&app, "bob@example.org").await;
    app.advance(7 * DAY - 1);
    app.visitor().get(&link).await.assert_status(200);
    app.advance(1);
    let bob = app.visitor();
    let page = bob.get(&link).await;
    page.assert_status(410)
        .shows("This invitation has expired")
        .shows("Ada")
        .lacks("bob@example.org");
    let renew = page.form_anyway(&link, "renew");
    for _ in 0..3 {
        bob.fill(renew.clone(), &[]).await.assert_redirect_to(&link);
    }
    bob.get(&link).await.assert_status(410).shows("was asked for a new one");
    let asked: Vec<_> = app.inbox("ada@example.org").await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].subject, "bob@example.org asks for a new invitation to lab");
    // The link in it leads to the page that sends it again; her session ended meanwhile.
    let ada = {
        drop(ada);
        app.sign_in("ada").await
    };
    ada.submit(&asked[0].link(), &[]).await.assert_redirect_to("/workspaces/ada/lab/collaborators");
    is_nothing(&bob.get(&link).await);
    let fresh = mailed_link(&app, "bob@example.org").await;
    assert_ne!(fresh, link);
    sign_up(&bob, &fresh, "bob").await.assert_redirect_to("/workspaces/ada/lab");
    app.advance(2 * DAY);
    let asks = app.inbox("ada@example.org").await;
    assert!(asks.iter().all(|mail| !mail.subject.contains("asks")), "the request is answered");
}

/// lifecycles: a day later the owner can be asked once more; nothing is accepted or declined.
#[actix_rt::test]
async fn an_expired_invitation_takes_no_answer() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let page = bob.get(&link).await;
    let (accept, decline) = (page.form(&link, "accept"), page.form(&link, "decline"));
    let visitor = app.visitor();
    let joining = visitor.get(&link).await.form(&link, "sign-up");
    app.advance(7 * DAY);
    // Sessions end meanwhile: a new one.
    let bob = app.sign_in("bob").await;
    let page = bob.get(&link).await;
    page.assert_status(410);
    for form in [accept, decline] {
        let mut renew = page.form_anyway(&link, "renew");
        renew.action = form.action;
        let answer = bob.fill(renew, &[]).await;
        assert!(answer.status == 410 || answer.location() == link, "{}", answer.status);
    }
    visitor
        .fill(joining, &[("name", "B"), ("handle", "b"), ("password", PASSWORD)])
        .await
        .assert_status(410);
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 0));
    let renew = page.form_anyway(&link, "renew");
    bob.fill(renew.clone(), &[]).await.assert_status(303);
    app.advance(DAY);
    let bob = app.sign_in("bob").await;
    let renew = bob.get(&link).await.form_anyway(&link, "renew");
    bob.fill(renew, &[]).await.assert_status(303);
    assert_eq!(
        app.inbox("ada@example.org").await.iter().filter(|m| m.subject.contains("asks")).count(),
        2
    );
}

/// lifecycles: another account can look and change accounts, and nothing else.
#[actix_rt::test]
async fn another_account_is_told_so_and_can_switch() {
    let app = spawn().await;
    let (_, link) = invited(&app, "mara@kelp.example").await;
    let bob = app.user("bob").await;
    let page = bob.get(&link).await;
    page.assert_status(200)
        .shows("m•••a@kelp.example")
        .shows("bob@example.org")
        .lacks("mara@kelp.example");
    page.lacks("Accept invitation");
    for step in ["accept", "decline"] {
        let mut form = page.form(&link, "switch");
        form.action = format!("{link}/{step}");
        bob.fill(form, &[]).await.assert_status(403).shows("another address");
    }
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 0));
    bob.submit_form(&link, "Switch account", &[]).await.assert_redirect_to(&link);
    bob.get(&link).await.assert_status(200).shows("Create account").lacks("bob@example.org");
    bob.get("/profile").await.assert_redirect_to("/sign-in?next=%2Fprofile");
    sign_up(&bob, &link, "mara").await.assert_redirect_to("/workspaces/ada/lab");
}

/// IN-02: tags, look-alikes and other domains are other people; letter case is not.
#[actix_rt::test]
async fn only_the_same_address_may_accept() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    let bob = app.user("bob").await;
    let others =
        ["bob+x@example.org", "b.ob@example.org", "b\u{43e}b@example.org", "bob@example.com"];
    invite(&ada, &lab, &others.join("\n")).await.assert_status(303);
    for other in others {
        let link = mailed_link(&app, other).await;
        bob.get(&link).await.shows("This invitation is for another address");
    }
    invite(&ada, &lab, "BOB@EXAMPLE.ORG").await.assert_status(303);
    let link = mailed_link(&app, "BOB@example.org").await;
    bob.submit_form(&link, "accept", &[]).await.assert_redirect_to(&lab);
    assert_eq!(members(&app).await, 1);
}

/// IN-04: the body names neither another address nor another invitation.
#[actix_rt::test]
async fn the_body_cannot_name_somebody_else() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let eve = app.visitor();
    for (name, value) in
        [("email", "eve@example.org"), ("invitation", "x"), ("token", "x"), ("role", "owner")]
    {
        let fields = [("name", "Eve"), ("handle", "eve"), ("password", PASSWORD), (name, value)];
        eve.submit_form(&link, "sign-up", &fields).await.assert_status(422);
        let page = format!("{link}/sign-in");
        eve.submit(&page, &[("password", PASSWORD), (name, value)]).await.assert_status(422);
    }
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 0));
    assert_eq!(app.audited("user.created").await, 1);
}

/// lifecycles: the mailed link confirms the address of an account that had not done so.
#[actix_rt::test]
async fn the_mailed_link_confirms_an_unverified_account() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    app.make_user("bob", Verified::No).await;
    let bob = app.visitor();
    bob.submit(&format!("{link}/sign-in"), &[("password", PASSWORD)])
        .await
        .assert_redirect_to(&link);
    bob.submit_form(&link, "accept", &[]).await.assert_redirect_to("/workspaces/ada/lab");
    bob.get("/workspaces/ada/lab/collaborators").await.assert_status(200);
    assert_eq!(verified(&app, "bob").await, "mailed");
    assert_eq!(app.audited("user.verified").await, 1);
    app.assert_audit_is_whole().await;
}

/// SP-12, lifecycles: with a mail server a copied link proves nothing. Account, mail, then in.
#[actix_rt::test]
async fn a_copied_link_needs_a_confirmed_address() {
    let app = spawn_with(with_mail_server).await;
    let (ada, mailed) = invited(&app, "bob@example.org").await;
    let link = copied_link(&ada, "/workspaces/ada/lab", "bob@example.org").await;
    assert_ne!(link, mailed);
    let bob = app.visitor();
    bob.get(&link).await.assert_status(200).shows("confirm the address");
    sign_up(&bob, &link, "bob").await.assert_redirect_to("/verify-email");
    assert_eq!((verified(&app, "bob").await.as_str(), members(&app).await), ("no", 0));
    // The invited address has an account now: whoever inviteds cannot tell by trying again.
    sign_up(&app.visitor(), &link, "bobby").await.assert_redirect_to("/verify-email");

    bob.submit(&format!("{link}/sign-in"), &[("password", PASSWORD)])
        .await
        .assert_redirect_to(&link);
    let page = bob.get(&link).await;
    page.assert_status(200).shows("Confirm your address first").lacks("Accept invitation");
    let mut accept = page.form(&link, "decline");
    accept.action = format!("{link}/accept");
    bob.fill(accept, &[]).await.assert_status(403);
    assert_eq!(members(&app).await, 0);

    let mails = app.inbox("bob@example.org").await;
    let confirm = mails.iter().find(|mail| mail.text.contains("/verify-email/")).unwrap().link();
    bob.submit(&confirm, &[]).await.assert_status(303);
    let bob = app.sign_in("bob").await;
    bob.submit_form(&link, "accept", &[]).await.assert_redirect_to("/workspaces/ada/lab");
    assert_eq!((verified(&app, "bob").await.as_str(), members(&app).await), ("mailed", 1));
}

/// SP-12: without a mail server a copied link vouches, until a mail server is set.
#[actix_rt::test]
async fn without_a_mail_server_a_copied_link_vouches() {
    let app = spawn().await;
    let (ada, _) = invited(&app, "bob@example.org").await;
    let lab = "/workspaces/ada/lab";
    let link = copied_link(&ada, lab, "bob@example.org").await;
    let bob = app.visitor();
    sign_up(&bob, &link, "bob").await.assert_redirect_to(lab);
    assert_eq!(verified(&app, "bob").await, "vouched");
    bob.get(&format!("{lab}/collaborators")).await.assert_status(200);
    // An account that was there before is vouched for as well.
    invite(&ada, lab, "cyd@example.org").await.assert_status(303);
    app.make_user("cyd", Verified::No).await;
    let link = copied_link(&ada, lab, "cyd@example.org").await;
    let cyd = app.visitor();
    cyd.submit(&format!("{link}/sign-in"), &[("password", PASSWORD)])
        .await
        .assert_redirect_to(&link);
    cyd.submit_form(&link, "accept", &[]).await.assert_redirect_to(lab);
    assert_eq!(verified(&app, "cyd").await, "vouched");

    let app = app.restart_with(with_mail_server);
    let bob = app.visitor();
    bob.submit("/sign-in", &[("email", "bob"), ("password", PASSWORD)]).await;
    bob.get(&format!("{lab}/collaborators")).await.assert_redirect_to("/verify-email");
}

/// lifecycles: whoever is in by another way only consumes the invitation.
#[actix_rt::test]
async fn a_member_consumes_the_invitation() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let_in(&app, "bob", workspace_id(&app, "lab").await).await;
    bob.submit_form(&link, "accept", &[]).await.assert_redirect_to("/workspaces/ada/lab");
    bob.get("/workspaces/ada/lab/collaborators").await.shows("You already joined lab");
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Accepted], 1));
    assert_eq!(app.audited("workspace-access.created").await, 0);
}

/// lifecycles: accepted by me leads to the workspace; after a removal it is a dead link.
#[actix_rt::test]
async fn an_accepted_invitation_leads_to_the_workspace() {
    let app = spawn().await;
    let (ada, link) = invited(&app, "bob@example.org").await;
    let bob = app.visitor();
    sign_up(&bob, &link, "bob").await.assert_status(303);
    bob.get(&link).await.assert_redirect_to("/workspaces/ada/lab");
    bob.get("/workspaces/ada/lab/collaborators").await.shows("You already joined");
    is_nothing(&app.visitor().get(&link).await);
    is_nothing(&ada.get(&link).await);
    let page = step(&ada, "/workspaces/ada/lab", "bob", "remove").await;
    ada.submit(&page, &[]).await.assert_status(303);
    is_nothing(&bob.get(&link).await);
}

/// IN-09: declining is final, tells the inviter and nobody else, and rests for a week (IN-08).
#[actix_rt::test]
async fn declining_is_final_and_told_to_the_inviter_alone() {
    let app = spawn().await;
    let (ada, link) = invited(&app, "bob@example.org").await;
    let visitor = app.visitor();
    visitor
        .submit_form(&link, "decline", &[])
        .await
        .assert_status(200)
        .shows("You declined the invitation");
    assert_eq!(states(&app).await, [State::Declined]);
    assert_eq!(app.inbox("ada@example.org").await.len(), 1);
    assert_eq!(
        app.inbox("ada@example.org").await[0].subject,
        "bob@example.org declined your invitation to lab"
    );
    assert!(app.inbox("bob@example.org").await.is_empty());
    assert_eq!(app.audited("workspace-invitation.rejected").await, 1);
    is_nothing(&visitor.get(&link).await);

    let lab = "/workspaces/ada/lab";
    invite(&ada, lab, "bob@example.org").await.assert_status(422).shows("Declined lately");
    app.advance(7 * DAY + 1);
    let ada = app.sign_in("ada").await;
    invite(&ada, lab, "bob@example.org").await.assert_status(303);
    let fresh = mailed_link(&app, "bob@example.org").await;
    assert_ne!(fresh, link);
    let bob = app.user("bob").await;
    bob.submit_form(&fresh, "decline", &[]).await.assert_redirect_to("/workspaces");
    assert_eq!(states(&app).await, [State::Declined, State::Declined]);
}

/// IN-05, IN-06, lifecycles: whoever invited does not own the workspace any more.
#[actix_rt::test]
async fn an_inviter_without_the_right_voids_the_invitation() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let eve = app.make_user("eve", Verified::Mailed).await;
    change(&app, move |db| {
        diesel::update(invitations::table)
            .set(invitations::invited_by.eq(Some(eve)))
            .execute(db)?;
        Ok(())
    })
    .await;
    let accept = bob.get(&link).await.form(&link, "accept");
    is_nothing(&bob.fill(accept, &[]).await);
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Void], 0));
    app.assert_audit_is_whole().await;
}

/// lifecycles: the end of an inviter's account voids what they sent.
#[actix_rt::test]
async fn invitations_end_with_their_inviter() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let (ada, now) = (user_id(&app, "ada").await, app.app.now());
    let voided = change(&app, move |db| Ok(actions::void_of_inviter(db, ada, "left", now)?)).await;
    assert_eq!(voided, 1);
    is_nothing(&app.visitor().get(&link).await);
    assert!(
        app.inbox("bob@example.org").await.is_empty(),
        "a mail that was not sent yet is not sent"
    );
}

/// IN-05, IN-06: a deleted workspace takes nobody in, whether the invitation was voided or not; a
/// restored one leaves it void.
#[actix_rt::test]
async fn a_deleted_workspace_takes_nobody_in() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let accept = bob.get(&link).await.form(&link, "accept");
    let (lab, now) = (workspace_id(&app, "lab").await, app.app.now());
    let set_deleted = move |at: Option<bulkhead::base::db::Instant>| {
        move |db: &mut bulkhead::base::db::Db| {
            diesel::update(workspaces::table.find(lab))
                .set((workspaces::deleted_at.eq(at), workspaces::purge_after.eq(at)))
                .execute(db)?;
            Ok(())
        }
    };
    change(&app, set_deleted(Some(now))).await;
    is_nothing(&bob.get(&link).await);
    is_nothing(&bob.fill(accept, &[]).await);
    assert!(app.inbox("bob@example.org").await.is_empty());
    change(&app, move |db| Ok(actions::void_of_workspace(db, lab, "deleted", now)?)).await;
    change(&app, set_deleted(None)).await;
    is_nothing(&bob.get(&link).await);
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Void], 0));
    assert_eq!(change(&app, move |db| Ok(actions::forget_of_workspace(db, lab, 10)?)).await, 1);
}

/// lifecycles: after a transfer the invitation belongs to nobody, even if it was not voided.
#[actix_rt::test]
async fn a_workspace_of_another_account_takes_nobody_in() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let accept = bob.get(&link).await.form(&link, "accept");
    let eve = app.make_user("eve", Verified::Mailed).await;
    change(&app, move |db| {
        let account: bulkhead::access::AccountId =
            users::table.find(eve).select(users::personal_account_id).first(db)?;
        diesel::update(workspaces::table).set(workspaces::account_id.eq(account)).execute(db)?;
        Ok(())
    })
    .await;
    is_nothing(&bob.fill(accept, &[]).await);
    assert_eq!(members(&app).await, 0);
}

/// B7: an organization has members, not collaborators.
#[actix_rt::test]
async fn an_organization_takes_no_collaborators() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    make_organization(&app, "ada").await;
    is_nothing(&app.visitor().get(&link).await);
}

/// lifecycles, A-31: a limit that was lowered holds; the owner is told once; the place comes back.
#[actix_rt::test]
async fn no_place_left_keeps_the_invitation_open() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    limit_members(&app, "ada", Some(0)).await;
    let bob = app.user("bob").await;
    for _ in 0..3 {
        bob.submit_form(&link, "accept", &[])
            .await
            .assert_status(409)
            .shows("No place left")
            .shows("Ada was told");
    }
    let stranger = app.visitor();
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 0));
    let told = app.inbox("ada@example.org").await;
    assert_eq!(told.iter().filter(|mail| mail.subject.contains("no place left")).count(), 1);
    stranger.get(&link).await.assert_status(200);
    limit_members(&app, "ada", Some(1)).await;
    bob.submit_form(&link, "accept", &[]).await.assert_redirect_to("/workspaces/ada/lab");
}

/// lifecycles: the place that an invitation keeps is no place for the next one.
#[actix_rt::test]
async fn open_invitations_keep_places_and_ended_ones_give_them_back() {
    let app = spawn_with(|flags| flags.member_limit = Some(2)).await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    let answer = invite(&ada, &lab, "a@x.org\nb@x.org\nc@x.org").await;
    answer
        .assert_status(200)
        .shows("2 people are invited")
        .shows("No place left: a workspace can have 2");
    assert_eq!(answer.select("textarea"), ["c@x.org"]);
    invite(&ada, &lab, "c@x.org").await.assert_status(422);
    sign_up(&app.visitor(), &mailed_link(&app, "a@x.org").await, "anna").await.assert_status(303);
    invite(&ada, &lab, "c@x.org").await.assert_status(422);
    let page = step(&ada, &lab, "b@x.org", "revoke").await;
    ada.submit(&page, &[]).await.assert_status(303);
    invite(&ada, &lab, "c@x.org").await.assert_status(303);
    // An expired one keeps no place, and needs one to be sent again.
    end_at(&app, app.app.now()).await;
    invite(&ada, &lab, "d@x.org").await.assert_status(303);
    let page = step(&ada, &lab, "c@x.org", "resend").await;
    ada.submit(&page, &[]).await.assert_status(422).shows("no place left");
}

/// lifecycles: closed sign-ups let invited people in, unless the list of domains forbids.
#[actix_rt::test]
async fn an_invitation_opens_a_closed_server_within_its_domains() {
    let app = spawn_with(|flags| {
        flags.sign_up = SignUp::Domains;
        flags.sign_up_domains = vec!["example.org".to_owned()];
    })
    .await;
    let (ada, link) = invited(&app, "bob@example.org").await;
    sign_up(&app.visitor(), &link, "bob").await.assert_redirect_to("/workspaces/ada/lab");
    invite(&ada, "/workspaces/ada/lab", "eve@evil.example")
        .await
        .assert_status(422)
        .shows("Addresses at evil.example can’t have an account here.");
    // The list became shorter after the invitation.
    invite(&ada, "/workspaces/ada/lab", "cyd@example.org").await.assert_status(303);
    let app = app.restart_with(|flags| {
        flags.sign_up = SignUp::Domains;
        flags.sign_up_domains = vec!["other.example".to_owned()];
    });
    let link = mailed_link(&app, "cyd@example.org").await;
    sign_up(&app.visitor(), &link, "cyd")
        .await
        .assert_status(403)
        .shows("does not take addresses at example.org");
    let cyd = app.user("cyd").await;
    cyd.submit_form(&link, "accept", &[]).await.assert_status(403);
    assert_eq!(members(&app).await, 1);
}

/// A bad sign-up keeps what was typed, and the invitation.
#[actix_rt::test]
async fn a_bad_sign_up_keeps_the_invitation() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.visitor();
    let good = [("name", "Bob"), ("handle", "bob"), ("password", PASSWORD)];
    for (field, value, says) in [
        ("name", "", "Enter a name."),
        ("name", "a\u{202e}b", "invisible"),
        ("handle", "", "Enter a handle."),
        ("handle", "ada", "This handle is taken."),
        ("handle", "new", "reserved"),
        ("password", "short", "at least 12"),
        ("password", "bob@example.org", "easy to guess"),
    ] {
        let mut fields = good.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = bob.submit_form(&link, "sign-up", &fields).await;
        answer.assert_status(422).shows(says).shows("The account wasn’t created");
        assert!(answer.attributes("input[name=password]", "value").is_empty());
        if field != "name" {
            assert_eq!(answer.attributes("input[name=name]", "value"), ["Bob"]);
        }
    }
    app.make_user("bobby", Verified::Mailed).await;
    change(&app, |db| {
        diesel::update(users::table.filter(users::email_key.eq("bobby@example.org")))
            .set((users::email.eq("bob@example.org"), users::email_key.eq("bob@example.org")))
            .execute(db)?;
        Ok(())
    })
    .await;
    bob.submit_form(&link, "sign-up", &good)
        .await
        .assert_status(422)
        .shows("There is an account with this address");
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 0));
}

/// F-19: a sign-up that is sent twice makes one person.
#[actix_rt::test]
async fn a_sign_up_sent_twice_makes_one_person() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.visitor();
    let form = bob.get(&link).await.form(&link, "sign-up");
    let other = app.visitor();
    other.set_cookie("bulkhead-form", &bob.cookie("bulkhead-form").unwrap());
    let fields = [("name", "Bob"), ("handle", "bob"), ("password", PASSWORD)];
    bob.fill(form.clone(), &fields).await.assert_redirect_to("/workspaces/ada/lab");
    let again = other.fill(form, &fields).await;
    assert!(again.status == 404 || again.status == 303, "{}", again.status);
    assert_eq!(app.audited("user.created").await, 2);
    assert_eq!(members(&app).await, 1);
}

/// F-18, D-11: fifty accepts at once let one person in once, and all see the same.
#[actix_rt::test]
async fn fifty_accepts_are_one() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let form = bob.get(&link).await.form(&link, "accept");
    let answers = join_all((0..50).map(|_| bob.fill(form.clone(), &[]))).await;
    for answer in answers {
        answer.assert_redirect_to("/workspaces/ada/lab");
    }
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Accepted], 1));
    assert_eq!(app.audited("workspace-invitation.accepted").await, 1);
    assert_eq!(app.audited("workspace-access.created").await, 1);
    let joined = app.inbox("ada@example.org").await;
    assert_eq!(joined.iter().filter(|mail| mail.subject.contains("joined")).count(), 1);
    app.assert_audit_is_whole().await;
}

/// lifecycles: accept against revoke: the first one counts, and the other one is told.
#[actix_rt::test]
async fn accept_and_revoke_never_both_win() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    for round in 0..8 {
        let address = format!("p{round}@example.org");
        invite(&ada, &lab, &address).await.assert_status(303);
        let link = mailed_link(&app, &address).await;
        let person = app.user(&format!("p{round}")).await;
        let accept = person.get(&link).await.form(&link, "accept");
        let page = step(&ada, &lab, &address, "revoke").await;
        let revoke = ada.get(&page).await.form(&page, "");
        let before = members(&app).await;
        let (accepted, revoked) =
            futures_util::join!(person.fill(accept, &[]), ada.fill(revoke, &[]));
        revoked.assert_redirect_to(&format!("{lab}/collaborators"));
        let state = *states(&app).await.last().unwrap();
        let joined = members(&app).await - before;
        match accepted.status {
            303 => assert_eq!((state, joined), (State::Accepted, 1)),
            404 => assert_eq!((state, joined), (State::Revoked, 0)),
            other => panic!("{other}: {}", accepted.visible()),
        }
    }
    app.assert_audit_is_whole().await;
}

/// F-16: forty invitations at once with two places left take two.
#[actix_rt::test]
async fn forty_invitations_do_not_exceed_the_limit() {
    let app = spawn_with(|flags| flags.member_limit = Some(5)).await;
    let ada = Arc::new(app.user("ada").await);
    let lab = workspace(&app, "ada", "lab").await;
    invite(&ada, &lab, "a@x.org\nb@x.org\nc@x.org").await.assert_status(303);
    let page = format!("{lab}/collaborators/invite");
    let forms = join_all((0..40).map(|_| ada.get(&page))).await;
    let answers = join_all(forms.iter().enumerate().map(|(n, answer)| {
        let (ada, form) = (Arc::clone(&ada), answer.form(&page, ""));
        async move { ada.fill(form, &[("email", &format!("n{n}@x.org"))]).await }
    }))
    .await;
    let sent = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(sent, 2);
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 422)));
    assert_eq!(states(&app).await.len(), 5);
}

/// F-16: forty accepts at once with two places left let two people in.
#[actix_rt::test]
async fn parallel_accepts_do_not_exceed_a_lowered_limit() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    let addresses: Vec<String> = (0..12).map(|n| format!("p{n}@example.org")).collect();
    invite(&ada, &lab, &addresses.join("\n")).await.assert_status(303);
    let mut ready = Vec::new();
    for (n, address) in addresses.iter().enumerate() {
        let person = app.user(&format!("p{n}")).await;
        let link = mailed_link(&app, address).await;
        let form = person.get(&link).await.form(&link, "accept");
        ready.push((person, form));
    }
    limit_members(&app, "ada", Some(2)).await;
    let answers = join_all(ready.iter().map(|(person, form)| person.fill(form.clone(), &[]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 2);
    assert_eq!(members(&app).await, 2);
}

/// IN-08: as many mails as the day allows, and not one more; also by resending.
#[actix_rt::test]
async fn one_person_sends_so_many_invitations_a_day() {
    let app = spawn_with(|flags| flags.invitations_per_day = 5).await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    let lines: Vec<String> = (0..8).map(|n| format!("n{n}@x.org")).collect();
    invite(&ada, &lab, &lines.join(", "))
        .await
        .assert_status(200)
        .shows("5 people are invited, 3 lines were left out");
    invite(&ada, &lab, "n9@x.org")
        .await
        .assert_status(429)
        .shows("as many invitations today as you can");
    let page = step(&ada, &lab, "n0@x.org", "resend").await;
    ada.submit(&page, &[]).await.assert_status(422).shows("as many invitations today");
    let count = |db: &mut bulkhead::base::db::Db| {
        Ok(mails::table.filter(mails::template.eq("invitation")).count().get_result::<i64>(db)?)
    };
    assert_eq!(app.read(count).await, 5);
    app.advance(DAY + 1);
    let ada = app.sign_in("ada").await;
    invite(&ada, &lab, "n9@x.org").await.assert_status(303);
}

/// Mails with invitations, as many as there were.
async fn sent(app: &TestApp) -> i64 {
    let sent = mails::table.filter(mails::template.eq("invitation"));
    app.read(move |db| Ok(sent.count().get_result(db)?)).await
}

/// IN-08: an address gets three mails a day from one person and twenty from all; what is not mailed stands, is in the
/// person's list, and can be copied. Strangers shut nobody out.
#[actix_rt::test]
async fn a_cap_on_mails_caps_no_invitations() {
    let app = spawn_with(with_mail_server).await;
    app.make_user("bob", Verified::Mailed).await;
    let eve = app.user("eve").await;
    for n in 0..5 {
        let path = workspace(&app, "eve", &format!("trap-{n}")).await;
        invite(&eve, &path, "bob@example.org")
            .await
            .assert_redirect_to(&format!("{path}/collaborators"));
        let list = eve.get(&format!("{path}/collaborators")).await;
        if n < 3 {
            list.shows("Mail queued");
        } else {
            list.shows("No mail was sent, since there were several today: copy the link")
                .shows("Not mailed: the address got several that day.");
        }
    }
    assert_eq!(sent(&app).await, 3);
    // A new link that nobody gets would end the one that works; one that is over gets its days.
    let page = step(&eve, "/workspaces/eve/trap-4", "bob@example.org", "resend").await;
    eve.submit(&page, &[]).await.assert_status(422).shows("several invitations today");
    // Others reach the same address, and so does its list.
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    invite(&ada, &lab, "bob@example.org").await.assert_status(303);
    assert_eq!(sent(&app).await, 4);
    app.sign_in("bob").await.get("/workspaces").await.shows("eve/trap-4").shows("ada/lab");
    copied_link(&eve, "/workspaces/eve/trap-4", "bob@example.org").await;

    for n in 0..6 {
        let owner = format!("owner-{n}");
        let client = app.user(&owner).await;
        for m in 0..3 {
            let path = workspace(&app, &owner, &format!("w-{m}")).await;
            invite(&client, &path, "bob@example.org").await.assert_status(303);
        }
    }
    assert_eq!(sent(&app).await, 20);
    // One that is over is sent again, but not by mail: the page says so and leads to the link.
    app.app
        .db
        .write(Locks::Instance, |db| {
            let over = invitations::table.filter(invitations::invited_by_name.eq("Ada"));
            Ok(diesel::update(over)
                .set(invitations::expires_at.eq(invitations::created_at))
                .execute(db)?)
        })
        .await
        .unwrap();
    let page = step(&ada, &lab, "bob@example.org", "resend").await;
    ada.submit(&page, &[]).await.assert_status(303);
    let list = ada.get(&format!("{lab}/collaborators")).await;
    list.shows("bob@example.org is invited again. It stands in their list; no mail was sent");
    assert!(!list.links_containing("/link").is_empty());
    assert_eq!(sent(&app).await, 20);
    app.advance(DAY + 1);
    let ada = app.sign_in("ada").await;
    let page = step(&ada, &lab, "bob@example.org", "resend").await;
    ada.submit(&page, &[]).await.assert_status(303);
    assert_eq!(sent(&app).await, 21);
    app.assert_audit_is_whole().await;
}

/// F-19: a button that is pressed twice sends one mail and leaves one entry.
#[actix_rt::test]
async fn a_button_that_is_pressed_twice_counts_once() {
    let app = spawn().await;
    let (ada, _) = invited(&app, "bob@example.org").await;
    let lab = "/workspaces/ada/lab";
    let resend = step(&ada, lab, "bob@example.org", "resend").await;
    let form = ada.get(&resend).await.form(&resend, "Resend");
    ada.fill(form.clone(), &[]).await.assert_status(303);
    ada.fill(form, &[]).await.assert_status(409).shows("the first time counted");
    assert_eq!(sent(&app).await, 2);
    assert_eq!(app.audited("workspace-invitation.updated").await, 1);
    let link = step(&ada, lab, "bob@example.org", "link").await;
    let form = ada.get(&link).await.form(&link, "Show link");
    let shown = ada.fill(form.clone(), &[]).await;
    let again = ada.fill(form, &[]).await;
    let code = shown.assert_status(200).select(".code code");
    assert_eq!(code, again.assert_status(200).select(".code code"));
    assert_eq!(app.audited("workspace-invitation.updated").await, 2);
    app.assert_audit_is_whole().await;
}

/// IN-07: inviting tells nothing about accounts.
#[actix_rt::test]
async fn known_and_unknown_addresses_are_invited_alike() {
    let app = spawn_with(with_mail_server).await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_user("ben", Verified::No).await;
    let mut pages = Vec::new();
    for who in ["bob", "ben", "bix"] {
        let address = format!("{who}@example.org");
        invite(&ada, &lab, &address).await.assert_status(303);
        let list = ada.get(&format!("{lab}/collaborators")).await.visible();
        let step = step(&ada, &lab, &address, "revoke").await;
        ada.submit(&step, &[]).await.assert_status(303);
        ada.get("/profile").await;
        pages.push(list.replace(who, ""));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

/// lifecycles: a server where nobody can sign up still takes invited people.
#[actix_rt::test]
async fn an_invitation_opens_a_closed_server() {
    for closed in [SignUp::Closed, SignUp::Invitation] {
        let app = spawn_with(|flags| flags.sign_up = closed).await;
        let (ada, link) = invited(&app, "bob@example.org").await;
        sign_up(&app.visitor(), &link, "bob").await.assert_redirect_to("/workspaces/ada/lab");
        let app = app.restart_with(|flags| {
            flags.sign_up = closed;
            with_mail_server(flags);
        });
        drop(ada);
        let ada = app.sign_in("ada").await;
        invite(&ada, "/workspaces/ada/lab", "cyd@example.org").await.assert_status(303);
        let link = copied_link(&ada, "/workspaces/ada/lab", "cyd@example.org").await;
        sign_up(&app.visitor(), &link, "cyd").await.assert_redirect_to("/verify-email");
        assert_eq!(verified(&app, "cyd").await, "no");
    }
}

/// EM-02, EM-03: names are quoted, short, and no links; the HTML part is escaped.
#[actix_rt::test]
async fn names_in_mails_are_harmless() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let lab = workspace(&app, "ada", "lab").await;
    change(&app, |db| {
        use bulkhead::base::db::schema::accounts;
        let name = "www.evil.example <script>alert(1)</script> https://evil.example/x @eve”";
        diesel::update(accounts::table.filter(accounts::handle.eq("ada")))
            .set(accounts::name.eq(name))
            .execute(db)?;
        Ok(())
    })
    .await;
    invite(&ada, &lab, "bob@example.org").await.assert_status(303);
    let mail = app.inbox("bob@example.org").await.pop().unwrap();
    for part in [&mail.subject, &mail.text, &mail.html] {
        assert!(!part.contains("evil.example") && !part.contains("<script"), "{part}");
        let links = |mark: &str| part.split(mark).skip(1).any(|rest| !rest.starts_with(' '));
        assert!(!links("www.") && !part.contains("@eve"), "{part}");
        assert!(part.contains('“'), "{part}");
    }
    assert!(mail.subject.chars().all(|c| !c.is_control()) && mail.subject.chars().count() < 120);
    for link in mail.text.split_whitespace().filter(|word| word.contains("://")) {
        assert!(link.starts_with(&app.base), "{link}");
    }
    assert!(!mail.html.contains("<img"), "no trackers");
}

/// A mail that is about something over is not sent (SP-10).
#[actix_rt::test]
async fn a_mail_of_an_answered_invitation_is_not_sent() {
    let app = spawn().await;
    let (ada, _) = invited(&app, "bob@example.org").await;
    let lab = "/workspaces/ada/lab";
    let page = step(&ada, lab, "bob@example.org", "resend").await;
    ada.submit(&page, &[]).await.assert_status(303);
    assert_eq!(app.inbox("bob@example.org").await.len(), 1, "the older link is dead");
    let page = step(&ada, lab, "bob@example.org", "revoke").await;
    ada.submit(&page, &[]).await.assert_status(303);
    assert!(app.inbox("bob@example.org").await.is_empty());
}

/// SP-15: one reminder, two days before the end; again only after a resend; switchable.
#[actix_rt::test]
async fn people_are_reminded_once() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let reminders = async || {
        let mails = app.inbox("bob@example.org").await;
        mails.iter().filter(|mail| mail.subject == "The invitation to lab ends soon").count()
    };
    app.run_jobs().await;
    app.advance(4 * DAY);
    app.run_jobs().await;
    assert_eq!(reminders().await, 0);
    app.advance(DAY);
    for _ in 0..3 {
        app.run_jobs().await;
        app.advance(2 * 3600);
    }
    assert_eq!(reminders().await, 1);
    let mails = app.inbox("bob@example.org").await;
    assert_eq!(mails.last().unwrap().link(), link, "the same link: the first mail stays good");
    let ada = app.sign_in("ada").await;
    let page = step(&ada, "/workspaces/ada/lab", "bob@example.org", "resend").await;
    ada.submit(&page, &[]).await.assert_status(303);
    app.run_jobs().await;
    assert_eq!(reminders().await, 0, "the reminder of the dead link is over");
    app.advance(6 * DAY);
    app.run_jobs().await;
    assert_eq!(reminders().await, 1);
}

/// SP-15.
#[actix_rt::test]
async fn reminders_can_be_switched_off() {
    let app = spawn_with(|flags| flags.reminders = false).await;
    invited(&app, "bob@example.org").await;
    app.advance(6 * DAY);
    app.run_jobs().await;
    assert_eq!(app.inbox("bob@example.org").await.len(), 1);
}

/// IN-09: the own list of workspaces shows invitations with both buttons; no mail is needed, also
/// with a mail server.
#[actix_rt::test]
async fn the_own_list_shows_invitations() {
    let app = spawn_with(with_mail_server).await;
    let (ada, _) = invited(&app, "Bob@example.org").await;
    invite(&ada, "/workspaces/ada/lab", "eve@example.org").await.assert_status(303);
    workspace(&app, "ada", "den").await;
    invite(&ada, "/workspaces/ada/den", "bob@example.org").await.assert_status(303);
    let bob = app.user("bob").await;
    let list = bob.get("/workspaces").await;
    list.assert_status(200)
        .shows("Invitations")
        .shows("ada/lab")
        .shows("ada/den")
        .shows("from Ada");
    let accept = list.form("/workspaces", "Accept the invitation to ada/lab");
    bob.fill(accept, &[]).await.assert_redirect_to("/workspaces/ada/lab");
    let decline =
        bob.get("/workspaces").await.form("/workspaces", "Decline the invitation to ada/den");
    bob.fill(decline, &[]).await.assert_redirect_to("/workspaces");
    bob.get("/workspaces").await.shows("You declined the invitation to den").lacks("from Ada");
    assert_eq!(members(&app).await, 1);
    app.user("eve").await.get("/workspaces").await.shows("ada/lab").lacks("ada/den");
    app.advance(7 * DAY);
    app.sign_in("eve").await.get("/workspaces").await.lacks("ada/lab");
}

/// lifecycles: who changed the address since is somebody else.
#[actix_rt::test]
async fn an_address_that_was_given_up_does_not_count() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let accept = bob.get(&link).await.form(&link, "accept");
    change(&app, |db| {
        diesel::update(users::table.filter(users::email_key.eq("bob@example.org")))
            .set((users::email.eq("new@example.org"), users::email_key.eq("new@example.org")))
            .execute(db)?;
        Ok(())
    })
    .await;
    bob.get(&link).await.shows("This invitation is for another address").shows("b•••b@example.org");
    bob.fill(accept, &[]).await.assert_status(403);
    assert_eq!(members(&app).await, 0);
}

/// lifecycles: removed people can be invited again, with a link of its own.
#[actix_rt::test]
async fn who_was_removed_can_be_invited_again() {
    let app = spawn().await;
    let (ada, first) = invited(&app, "bob@example.org").await;
    let bob = app.visitor();
    sign_up(&bob, &first, "bob").await.assert_status(303);
    let lab = "/workspaces/ada/lab";
    invite(&ada, lab, "bob@example.org").await.assert_status(422).shows("Already a collaborator");
    let page = step(&ada, lab, "bob", "remove").await;
    ada.submit(&page, &[]).await.assert_status(303);
    invite(&ada, lab, "bob@example.org").await.assert_status(303);
    let second = mailed_link(&app, "bob@example.org").await;
    assert_ne!(first, second);
    bob.submit_form(&second, "accept", &[]).await.assert_redirect_to(lab);
}

/// lifecycles: a renamed workspace is shown, and reached, under its new name.
#[actix_rt::test]
async fn a_renamed_workspace_is_shown_under_its_new_name() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    change(&app, |db| {
        diesel::update(workspaces::table).set(workspaces::handle.eq("reactor")).execute(db)?;
        Ok(())
    })
    .await;
    let bob = app.visitor();
    bob.get(&link).await.shows("Join reactor");
    sign_up(&bob, &link, "bob").await.assert_redirect_to("/workspaces/ada/reactor");
}

/// BR-02, IV: what no page sends is refused.
#[actix_rt::test]
async fn forms_that_no_page_sends_are_refused() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let bob = app.user("bob").await;
    let form = bob.get(&link).await.form(&link, "accept");
    for drop in ["csrf", "once"] {
        let fields: Vec<_> = form.fields.iter().filter(|(name, _)| name != drop).cloned().collect();
        let answer = bob.post(&form.action, &fields).await;
        assert!(matches!(answer.status, 400 | 403), "{drop}: {}", answer.status);
    }
    let mut twice = form.fields.clone();
    twice.push(("csrf".to_owned(), "x".to_owned()));
    bob.post(&form.action, &twice).await.assert_status(403);
    bob.fill(form.clone(), &[("role", "owner")]).await.assert_status(422);
    bob.send("POST", &form.action, &[("origin", "https://evil.example")], "")
        .await
        .assert_status(403);
    let other = app.user("eve").await;
    other.fill(form, &[]).await.assert_status(403);
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 0));
}

/// IN-01: a token holds 256 bits that nobody stores.
#[actix_rt::test]
async fn the_database_holds_no_token() {
    let app = spawn().await;
    let (_, link) = invited(&app, "bob@example.org").await;
    let token = link.trim_start_matches("/invitations/").to_owned();
    assert_eq!(token.len(), 64);
    let data: Vec<String> = app.read(|db| Ok(mails::table.select(mails::data).load(db)?)).await;
    assert!(data.iter().all(|data| !data.contains(&token[24..])));
    let ids: Vec<Id<State>> =
        app.read(|db| Ok(invitations::table.select(invitations::id).load(db)?)).await;
    assert_eq!(ids.len(), 1);
}
