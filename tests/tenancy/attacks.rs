//! What attackers tried: each a story of its own.

use bulkhead::access::identify::Verified;
use bulkhead::base::db::schema::{audit_entries, invitations, mails, users, workspaces};
use diesel::prelude::*;
use serde_json::json;

use super::service_accounts::key_of;
use crate::support::{PASSWORD, spawn};

/// AU-13, D-19: a session is bound to the password that opened it, whenever it was written.
#[actix_rt::test]
async fn a_session_of_another_password_counts_for_nothing() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.get("/profile").await.assert_status(200);
    app.app
        .db
        .ingest(|db| {
            diesel::update(users::table)
                .set(users::password_hash.eq(Some("another".to_owned())))
                .execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
    ada.get("/profile").await.assert_redirect_to("/sign-in?next=%2Fprofile");
}

/// IN-02, IN-05: an address that somebody vouched for opens no other people's invitations.
#[actix_rt::test]
async fn a_vouched_address_sees_no_other_invitations() {
    let app = spawn().await;
    let (olga, eve) = (app.user("olga").await, app.user("eve").await);
    olga.workspace("board").await;
    eve.workspace("trap").await;
    for (inviter, path) in [(&olga, "olga/board"), (&eve, "eve/trap")] {
        let page = format!("/workspaces/{path}/collaborators/invite");
        inviter.submit(&page, &[("email", "cfo@example.org")]).await.assert_status(303);
    }
    app.make_user("cfo", Verified::Vouched).await;
    let cfo = app.sign_in("cfo").await;
    cfo.get("/workspaces").await.lacks("olga").lacks("board");
    app.app
        .db
        .ingest(|db| {
            diesel::update(users::table.filter(users::email_key.eq("cfo@example.org")))
                .set(users::verified.eq(Verified::Mailed))
                .execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
    cfo.get("/workspaces").await.shows("olga/board");
}

/// IN-08: what limits mails to one address outlives the workspaces that they were about.
#[actix_rt::test]
async fn purging_a_workspace_gives_no_new_mails() {
    let app = spawn().await;
    let eve = app.user("eve").await;
    for n in 0..3 {
        eve.workspace(&format!("w{n}")).await;
        let page = format!("/workspaces/eve/w{n}/collaborators/invite");
        eve.submit(&page, &[("email", "poor@example.org")]).await.assert_status(303);
    }
    app.app
        .db
        .ingest(|db| {
            diesel::delete(invitations::table).execute(db)?;
            diesel::delete(workspaces::table).execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
    eve.workspace("again").await;
    let page = "/workspaces/eve/again/collaborators/invite";
    eve.submit(page, &[("email", "poor@example.org")]).await.assert_status(303);
    eve.get("/workspaces/eve/again/collaborators").await.shows("Not mailed");
    let sent = mails::table.filter(mails::template.eq("invitation"));
    let sent: i64 = app.read(move |db| Ok(sent.count().get_result(db)?)).await;
    assert_eq!(sent, 3);
}

/// IV-10, IV-14: a NUL in an address is refused before anything reads it, on both databases.
#[actix_rt::test]
async fn a_nul_in_a_query_is_refused() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    for path in [
        "/workspaces?q=%00",
        "/workspaces/ada/lab/collaborators?q=a%00b",
        "/workspaces/ada/lab/collaborators?after=c.x.%00",
        "/profile/api-keys?q=%00",
    ] {
        ada.get(path).await.assert_status(400);
    }
}

/// LG-01, SP-6: what a role does not allow is in the log of the account, once a minute.
#[actix_rt::test]
async fn a_refusal_is_in_the_audit_log() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    ada.submit("/workspaces/ada/lab/collaborators/invite", &[("email", "bob@example.org")])
        .await
        .assert_status(303);
    let bob = app.user("bob").await;
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.submit_form(&link, "accept", &[]).await.assert_status(303);
    for _ in 0..3 {
        bob.get("/workspaces/ada/lab/settings/edit").await.assert_status(403);
    }
    for _ in 0..300 {
        if app.audited("workspace.denied").await > 0 {
            break;
        }
        actix_rt::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(app.audited("workspace.denied").await, 1);
    let text: String = app
        .read(|db| {
            let found = audit_entries::table.filter(audit_entries::event.eq("workspace.denied"));
            Ok(found.select(audit_entries::entry).first(db)?)
        })
        .await;
    assert!(text.contains("settings/edit") && text.contains("bob@example.org"), "{text}");
    app.assert_audit_is_whole().await;
}

/// F-28, F-28: whoever is refused over and over, on pages and by a key, causes no write: what is remembered of
/// the account stays worth what it was, and a refusal asks the database no more than an answer does.
#[actix_rt::test]
async fn a_refusal_writes_nothing() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    ada.submit("/workspaces/ada/lab/collaborators/invite", &[("email", "bob@example.org")])
        .await
        .assert_status(303);
    let bob = app.user("bob").await;
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.submit_form(&link, "accept", &[]).await.assert_status(303);
    let api = app.api(&key_of(&bob).await);
    let place = api.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| place[name].as_str().unwrap().to_owned();
    let place = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    let refused = async || {
        bob.get("/workspaces/ada/lab/settings/edit").await.assert_status(403);
        api.send("DELETE", &place, None).await.assert_status(403);
    };
    let allowed = async || {
        bob.get("/workspaces/ada/lab/collaborators").await.assert_status(200);
        api.post(&format!("{place}/flows/filter"), json!({})).await.assert_status(200);
    };
    // What is noted once, is noted: the visits of a session and of a key, and the first refusal.
    allowed().await;
    refused().await;
    for _ in 0..300 {
        let noted = app.audited("workspace.denied").await
            + app.audited("workspace.accessed").await
            + app.audited("workspace.accessed-by-key").await;
        if noted >= 4 {
            break;
        }
        actix_rt::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let version = async || {
        app.read(|db| {
            use bulkhead::base::db::schema::accounts;
            let ada = accounts::table.filter(accounts::handle.eq("ada"));
            Ok(ada.select(accounts::version).first::<i64>(db)?)
        })
        .await
    };
    let before = version().await;
    let mut calls = Vec::new();
    for round in 0..20 {
        let began = app.app.db.calls();
        if round % 2 == 0 {
            allowed().await;
        } else {
            refused().await;
        }
        actix_rt::time::sleep(std::time::Duration::from_millis(20)).await;
        calls.push(app.app.db.calls() - began);
    }
    assert!(calls.chunks(2).all(|pair| pair[1] <= pair[0]), "{calls:?}");
    assert_eq!(version().await, before);
    assert_eq!(app.audited("workspace.denied").await, 1);
    // A minute later it is told again, and the account is still what it was.
    app.advance(61);
    refused().await;
    for _ in 0..300 {
        if app.audited("workspace.denied").await > 1 {
            break;
        }
        actix_rt::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(app.audited("workspace.denied").await, 2);
    assert_eq!(version().await, before);
    app.assert_audit_is_whole().await;
}

/// SP-13: kept mails are not shown through anything that stands in between.
#[actix_rt::test]
async fn kept_mails_are_not_shown_through_a_forwarder() {
    let app = spawn().await;
    let visitor = app.visitor();
    visitor.get("/dev/outbox").await.assert_status(200);
    for header in ["cf-connecting-ip", "true-client-ip", "x-client-ip", "x-original-forwarded-for"]
    {
        visitor.send("GET", "/dev/outbox", &[(header, "192.0.2.1")], "").await.assert_status(404);
    }
}

/// AU-12, AU-13: whoever asks for reset links for another person ends older ones, but the owner's newest mail holds one
/// that works, and after ten of a day that one stays.
#[actix_rt::test]
async fn strangers_leave_the_newest_reset_link() {
    let app = spawn().await;
    app.user("ada").await;
    let ask = [("email", "ada@example.org")];
    app.visitor().submit("/forgot-password", &ask).await;
    let first = app.inbox("ada@example.org").await.pop().unwrap().link();
    for _ in 0..20 {
        app.advance(61);
        app.visitor().submit("/forgot-password", &ask).await;
    }
    let link = app.inbox("ada@example.org").await.pop().unwrap().link();
    app.visitor().get(&first).await.assert_status(410);
    let new = [("new_password", "lantern-gravel-orchid-31")];
    app.visitor().submit(&link, &new).await.assert_redirect_to("/sign-in?done=reset");
    let old = [("email", "ada"), ("password", PASSWORD)];
    app.visitor().submit("/sign-in", &old).await.assert_status(422);
}
