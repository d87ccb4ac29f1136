//! Transfers: who is told, who is carried over, and what one tenant's transfers are to another's.

use bulkhead::access::organization::OrganizationRole;
use bulkhead::access::role::Role;
use bulkhead::access::{AccountId, WorkspaceId};
use bulkhead::base::db::Locks;
use bulkhead::base::db::schema::{accounts, workspaces};
use bulkhead::tenancy::transfers::model::{Transfer, TransferId};
use bulkhead::tenancy::transfers::queries;
use diesel::prelude::*;

use super::members::acme;
use super::sharing::member;
use super::transfers::{DATA, LAB, approve, carrying, elsewhere, invitations_of, lab, transfer};
use crate::support::{TestApp, spawn};

async fn subjects(app: &TestApp, email: &str) -> Vec<String> {
    app.inbox(email).await.into_iter().map(|mail| mail.subject).collect()
}

/// T11, 1.14 (8): an owner of the workspace who decides over neither account asked, and is told how it ended: no, or yes.
#[actix_rt::test]
async fn whoever_asked_is_told() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let olga = member(&app, "olga").await;
    app.give_role(("acme", "data"), "olga", Role::Owner).await;
    let first = transfer(&olga, DATA, "other=elsewhere&handle=data", "acme/data").await;
    ada.submit_form(&first, "Decline", &[("reason", "Not now")]).await.assert_status(303);
    let told = app.inbox("olga@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "acme/data stays where it is");
    assert!(told.text.contains("Not now"), "{}", told.text);
    let second = transfer(&olga, DATA, "other=elsewhere&handle=data", "acme/data").await;
    approve(&ada, &second, "acme/data").await.assert_status(303);
    approve(&eve, &second, "acme/data").await.assert_status(303);
    let subjects = subjects(&app, "olga@example.org").await;
    assert_eq!(subjects.last().unwrap(), "acme/data is elsewhere/data now");
    olga.get("/workspaces/elsewhere/data").await.assert_status(404);
}

/// lifecycles.md 2: a transfer into an account that ends is void; the others are told, and nothing is held up.
#[actix_rt::test]
async fn an_account_that_ends_voids_what_was_to_come() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let page = transfer(&ada, DATA, "other=elsewhere&handle=data", "acme/data").await;
    eve.submit("/organizations/elsewhere/delete", &[("confirm", "elsewhere")])
        .await
        .assert_status(303);
    // Its transfers went with it.
    ada.get(&page).await.assert_status(404);
    let told = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "acme/data stays where it is");
    assert!(told.text.contains("The organization was deleted."), "{}", told.text);
    // Nobody sends anything to it any more.
    let gone = ada.get(&format!("{DATA}?other=elsewhere&handle=data")).await;
    gone.assert_status(422).shows("There is no account of that handle");

    let olga = member(&app, "olga").await;
    app.give_role(("acme", "data"), "olga", Role::Owner).await;
    transfer(&olga, DATA, "target=olga&handle=data", "acme/data").await;
    let held = app.app.db.write(Locks::Instance, |db| {
        let until = bulkhead::base::db::Instant::from_microseconds(i64::MAX / 2);
        let all = workspaces::table.filter(workspaces::handle.eq("data"));
        Ok(diesel::update(all).set(workspaces::starts_held_until.eq(until)).execute(db)?)
    });
    assert_eq!(held.await.unwrap(), 1);
    olga.submit("/profile/delete", &[("confirm", "olga")]).await.assert_status(303);
    let told = app.inbox("ada@example.org").await.pop().unwrap();
    assert!(told.text.contains("The account was deleted."), "{}", told.text);
    // The transfer went with the account, so the mail leads to the list.
    assert!(told.link().ends_with("/workspaces"), "{}", told.text);
    let still: i64 = app
        .read(|db| {
            let held = workspaces::table.filter(workspaces::starts_held_until.is_not_null());
            Ok(held.count().get_result(db)?)
        })
        .await;
    assert_eq!(still, 0);
    ada.get(DATA).await.assert_status(200);
}

/// IN-08, product.md 1.14, 6: carrying over asks nobody again who said no lately, or who got several invitations today.
#[actix_rt::test]
async fn nobody_is_asked_too_often() {
    let app = spawn().await;
    let (ada, bob, _) = lab(&app).await;
    let eve = elsewhere(&app).await;
    let invite = "/organizations/elsewhere/members/invite";
    let may = [("email", "bob@example.org"), ("role", "member")];
    eve.submit(invite, &may).await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.submit_form(&link, "decline", &[]).await.assert_status(303);
    let query = "other=elsewhere&handle=lab";
    let page = carrying(&ada, LAB, query, ("ada/lab", &["Bob"])).await;
    let seen = eve.get(&page).await;
    seen.shows("1 person can’t be invited").shows("declined an invitation lately");
    app.advance(7 * 86_400 - 3600);
    let ada = app.sign_in("ada").await;
    ada.submit_form(&page, "Cancel transfer", &[]).await.assert_status(303);
    app.advance(7200);
    let (ada, eve) = (app.sign_in("ada").await, app.sign_in("eve").await);
    // A week later it is possible again; three mails of one day are enough.
    let page = carrying(&ada, LAB, query, ("ada/lab", &["Bob"])).await;
    eve.get(&page).await.shows("1 person is invited to Elsewhere");
    for _ in 0..3 {
        eve.submit(invite, &may).await.assert_status(303);
        let open = eve.get("/organizations/elsewhere/members").await;
        let revoke = open.links_containing("/revoke");
        eve.submit(&revoke[0], &[]).await.assert_status(303);
    }
    let seen = eve.get(&page).await;
    seen.shows("1 person can’t be invited").shows("got several invitations today");
    approve(&eve, &page, "ada/lab").await.assert_status(303);
    assert!(invitations_of(&app, "bob@example.org").await.ends_with("revoked"));
}

/// Decisions 29, 24: why it can't go back is told, and not how many workspaces the other side has.
#[actix_rt::test]
async fn the_way_back_tells_no_numbers_of_the_other_side() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let page = transfer(&ada, DATA, "other=elsewhere&handle=data", "acme/data").await;
    approve(&eve, &page, "acme/data").await.assert_status(303);
    let full = app.app.db.write(Locks::Instance, |db| {
        let account = accounts::table.filter(accounts::handle.eq("acme"));
        Ok(diesel::update(account).set(accounts::workspace_limit.eq(Some(0))).execute(db)?)
    });
    assert_eq!(full.await.unwrap(), 1);
    ada.get(&page).await.shows("Acme has no room for it any more: it uses 0 of 0 workspaces");
    eve.get(&page)
        .await
        .shows("Acme has no room for it any more; its admins see why")
        .lacks("0 of 0");
}

/// lifecycles.md 2: who was let in since is named before the way back is taken, to the side whose people they are.
#[actix_rt::test]
async fn the_way_back_names_who_loses_access() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let vic = member(&app, "vic").await;
    app.give_role(("acme", "data"), "vic", Role::Viewer).await;
    let page = transfer(&ada, DATA, "other=elsewhere&handle=data", "acme/data").await;
    approve(&eve, &page, "acme/data").await.assert_status(303);
    for handle in ["zoe", "vic"] {
        if handle == "zoe" {
            app.user(handle).await;
        }
        app.make_member("elsewhere", handle, OrganizationRole::Member).await;
        app.give_role(("elsewhere", "data"), handle, Role::Viewer).await;
    }
    // Vic's role in Acme's workspace comes back.
    let seen = eve.get(&page).await;
    seen.shows("2 people lose access").shows("zoe@example.org · Viewer").shows("eve@example.org");
    assert!(!seen.select("form ol").join(" ").contains("vic@example.org"));
    let others = ada.get(&page).await;
    assert!(!others.text.contains("zoe@example.org"));
    eve.submit_form(&page, "Undo", &[("confirm", "elsewhere/data")]).await.assert_status(303);
    vic.get("/workspaces/acme/data").await.assert_status(200);
}

/// lifecycles.md 2: many that can't move for now hold up nobody else's, which comes after them.
#[actix_rt::test]
async fn those_that_wait_hold_up_no_others() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    eve.workspace("tides").await;
    let opened = "/workspaces/eve/tides/settings/transfer";
    let scheduled = eve.get(&format!("{opened}?target=elsewhere&handle=tides")).await;
    let form = scheduled.form(opened, "confirm");
    let ahead = [("confirm", "eve/tides"), ("time", "2026-11-25T02:00")];
    let page = eve.fill(form, &ahead).await.assert_status(303).location();
    // More than are read at a time, all of them into a handle that is taken.
    for number in 0..101 {
        ada.workspace(&format!("w{number}")).await;
    }
    let id: TransferId = page.trim_start_matches("/transfers/").parse().unwrap();
    let before = app.app.now();
    let inserted = app.app.db.write(Locks::Instance, move |db| {
        let model = queries::one(db, id)?.unwrap();
        let account = |handle: &'static str| accounts::table.filter(accounts::handle.eq(handle));
        let source: AccountId = account("ada").select(accounts::id).first(db)?;
        let target: AccountId = account("acme").select(accounts::id).first(db)?;
        let own: Vec<(WorkspaceId, String)> = workspaces::table
            .filter(workspaces::account_id.eq(source))
            .select((workspaces::id, workspaces::handle))
            .load(db)?;
        for (number, (workspace, handle)) in (0..).zip(own) {
            let waiting = Transfer {
                id: TransferId::new(before.plus_days(number)),
                workspace_id: workspace,
                source_account_id: source,
                target_account_id: target,
                source_handle: handle,
                target_handle: "data".to_owned(),
                execute_at: Some(before),
                expires_at: before.plus_days(90),
                ..model.clone()
            };
            queries::insert(db, &waiting)?;
        }
        Ok(())
    });
    inserted.await.unwrap();
    app.advance(3 * 86_400);
    app.run_jobs().await;
    let eve = app.sign_in("eve").await;
    eve.get(&page).await.shows("Transferred");
    eve.get("/workspaces/elsewhere/tides").await.assert_status(200);
}
