//! Transfers: who is told, who is carried over, and what one tenant's transfers are to another's.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole;
use bulkhead::access::role::{Role, RoleId};
use bulkhead::access::{AccountId, WorkspaceId};
use bulkhead::base::db::schema::{accounts, flow_runs, memberships, workspace_roles, workspaces};
use bulkhead::base::db::{AnyConnection, Instant, Locks};
use bulkhead::tenancy::transfers::model::{Transfer, TransferId};
use bulkhead::tenancy::transfers::queries;
use diesel::prelude::*;
use serde_json::json;

use super::members::acme;
use super::roles::role;
use super::sharing::member;
use super::transfers::{DATA, LAB, approve, carrying, elsewhere, invitations_of, lab, transfer};
use crate::support::{PASSWORD, TestApp, spawn, spawn_with};

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
    assert_eq!(subjects.last().unwrap(), "You have no access to acme/data any more");
    olga.get("/workspaces/elsewhere/data").await.assert_status(404);
}

/// SP-29: whoever may take a transfer back finds the way from where they look, and reads before and meanwhile until
/// when and by whom; afterwards its page says who did, and leads nobody to a place that is gone.
#[actix_rt::test]
async fn the_way_back_is_found() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let eve = elsewhere(&app).await;
    let query = "other=elsewhere&handle=tides";
    let review = ada.get(&format!("{DATA}?{query}")).await;
    review.shows("It can be undone for 72 hours");
    review.shows("By an admin of Elsewhere; also by an admin of Acme, as long as nothing is made");
    let page = transfer(&ada, DATA, query, "acme/data").await;
    eve.get(&page).await.shows("It can be undone for 72 hours");
    eve.get("/workspaces").await.lacks("Transferred, can be undone");
    approve(&eve, &page, "acme/data").await.assert_status(303);
    app.make_user("mo", Verified::Mailed).await;
    app.make_member("elsewhere", "mo", OrganizationRole::Member).await;
    app.give_role(("elsewhere", "tides"), "mo", Role::Owner).await;
    let mo = app.sign_in("mo").await;

    let until = (app.app.now().plus_days(3)).minute_text();
    let entries = ["Handed a workspace over", "Took over a workspace"];
    for (client, log, words) in [(&ada, "acme", entries[0]), (&eve, "elsewhere", entries[1])] {
        let list = client.get("/workspaces").await;
        list.shows("Transferred, can be undone").shows(&format!("until {until}"));
        list.shows("Moved to elsewhere/tides");
        assert_eq!(list.links_containing(&page).len(), 1);
        let log = client.get(&format!("/organizations/{log}/audit-log")).await;
        let entry = client.get(&log.link(words)).await;
        entry.shows(&format!("can be undone until {until}"));
        assert!(!entry.links_containing(&page).is_empty());
    }
    for place in ["/workspaces/elsewhere/tides", "/workspaces/elsewhere/tides/settings"] {
        let seen = eve.get(place).await;
        seen.shows("This workspace came from Acme").shows("Ada asked for the transfer.");
        seen.shows(&format!("You can undo it until {until}"));
        assert_eq!(seen.links_containing(&page).len(), 1, "{place}");
        // Who works in it reads who can, and the page is not theirs to see.
        let seen = mo.get(place).await;
        seen.shows(&format!("An admin of Elsewhere can undo it until {until}"));
        assert!(seen.links_containing(&page).is_empty());
    }
    mo.get("/workspaces").await.lacks("Transferred, can be undone");
    eve.get("/workspaces/elsewhere/tides/flow-runs").await.lacks("This workspace came from");

    // While it is deleted there, nothing can take it back, and nothing says so.
    let gone = async |at: Option<Instant>| {
        app.app
            .db
            .write(Locks::Instance, move |db| {
                let place = workspaces::table.filter(workspaces::handle.eq("tides"));
                Ok(diesel::update(place)
                    .set((workspaces::deleted_at.eq(at), workspaces::purge_after.eq(at)))
                    .execute(db)?)
            })
            .await
            .unwrap();
    };
    gone(Some(app.app.now())).await;
    for (client, log, words) in [(&ada, "acme", entries[0]), (&eve, "elsewhere", entries[1])] {
        client.get("/workspaces").await.lacks("Transferred, can be undone");
        let log = client.get(&format!("/organizations/{log}/audit-log")).await;
        client.get(&log.link(words)).await.lacks("can be undone until");
    }
    gone(None).await;

    let command = "prefect cloud workspace set --workspace";
    eve.get(&page).await.shows(&format!("{command} \"elsewhere/tides\""));
    ada.get(&page).await.lacks(command);
    eve.submit_form(&page, "Undo", &[("confirm", "elsewhere/tides")]).await.assert_status(303);
    for client in [&ada, &eve] {
        let over = client.get(&page).await;
        over.shows("Undone").shows(&format!("Eve, {}", app.app.now().minute_text()));
        over.lacks(&format!("{command} \"elsewhere/tides\""));
        client.get("/workspaces").await.lacks("Transferred, can be undone");
    }
    ada.get(&page).await.shows(&format!("{command} \"acme/data\""));
    eve.get(&page).await.lacks(command);
    ada.get("/workspaces/acme/data").await.lacks("This workspace came from");
}

/// SP-29: the same in personal accounts, whose activity is their log; after the time there is no way back, and none
/// is promised where the server allows none.
#[actix_rt::test]
async fn the_way_back_ends() {
    let app = spawn().await;
    let (ada, _, _) = lab(&app).await;
    let page = transfer(&ada, LAB, "target=acme&handle=lab", "ada/lab").await;
    let activity = ada.get("/profile/activity").await;
    activity.shows("can be undone until");
    assert_eq!(activity.links_containing(&page).len(), 1);
    app.advance(72 * 3600 + 1);
    let ada = app.sign_in("ada").await;
    let activity = ada.get("/profile/activity").await;
    activity.shows("See the transfer").lacks("can be undone until");
    ada.get("/workspaces").await.lacks("Transferred, can be undone");
    ada.get("/workspaces/acme/lab").await.lacks("This workspace came from");
    let never = spawn_with(|flags| flags.undo_hours = 0).await;
    let (ada, _, _) = lab(&never).await;
    let review = ada.get(&format!("{LAB}?target=acme&handle=lab")).await;
    review.shows("It can’t be undone once it happened").lacks("It can be undone");
}

/// AU-17, AZ-13: the review is read without the password, which is asked for at the deed; then the way leads back to it.
#[actix_rt::test]
async fn a_review_is_read_without_the_password() {
    let app = spawn_with(|flags| flags.support = Some("help@example.org".to_owned())).await;
    let (ada, bob, _) = lab(&app).await;
    // Who runs flows here finds how to connect a client, also while something runs already.
    bob.get("/workspaces/ada/lab/settings").await.shows("Connect a Prefect client");
    ada.get("/workspaces").await.shows("Last run is pending, since just now");
    let page = format!("{LAB}?target=acme&handle=lab");
    let asked = ada.get(&page).await.form(LAB, "confirm");
    app.advance(11 * 60);
    let review = ada.get(&page).await;
    review
        .assert_status(200)
        .shows("1 person loses access")
        .shows("Your password is asked for first.");
    review.shows("To another person’s account only whoever runs this server can transfer it: ask help@example.org");
    // What there is none of is not counted.
    review.lacks("0 blocking").lacks("0 loses data").lacks("Type ada/lab to confirm");
    let there = review.links_containing("/confirm-access?next=").remove(0);
    ada.get(&format!("{LAB}/review?target=acme&handle=lab&format=md")).await.assert_status(200);
    let answer = ada.fill(asked, &[("confirm", "ada/lab")]).await;
    assert!(answer.assert_status(303).location().starts_with("/confirm-access"));
    let back = ada.submit(&there, &[("password", PASSWORD)]).await;
    back.assert_redirect_to(&page);
    ada.get(&page).await.shows("Type ada/lab to confirm");
}

/// T11: a handle that is taken is told at its field, and a button fills in one that is free.
#[actix_rt::test]
async fn a_taken_handle_is_replaced_by_a_button() {
    let app = spawn().await;
    let (ada, _, _) = lab(&app).await;
    let blocked = ada.get(&format!("{LAB}?target=acme&handle=data")).await;
    blocked.assert_status(200).shows("“data” is taken. “data-2” is free.").shows("1 blocking");
    assert_eq!(blocked.attributes("#handle", "aria-invalid"), ["true"]);
    let free = ada.get(&blocked.link("Use data-2")).await;
    free.assert_status(200).lacks("blocking").shows("acme/data-2");
    assert_eq!(free.attributes("#handle", "value"), ["data-2"]);
    // To whom it is not to be known what is there, none is offered.
    elsewhere(&app)
        .await
        .submit("/workspaces/new?owner=elsewhere", &[("owner", "elsewhere"), ("handle", "lab")])
        .await;
    let far = ada.get(&format!("{LAB}?other=elsewhere&handle=lab")).await;
    far.shows("This handle can’t be had there.");
    far.lacks("Use lab-2");
}

/// L4: when somebody was last in a workspace is known again when its transfer is undone.
#[actix_rt::test]
async fn what_was_seen_comes_back() {
    let app = spawn().await;
    let (ada, bob, _) = lab(&app).await;
    bob.get("/workspaces/ada/lab").await.assert_status(200);
    let seen = async || {
        app.read(|db| {
            let all = memberships::table.select(memberships::last_seen_at);
            Ok(all.load::<Option<Instant>>(db)?)
        })
        .await
    };
    let at = app.app.now();
    let set = app.app.db.write(Locks::Instance, move |db| {
        Ok(diesel::update(memberships::table).set(memberships::last_seen_at.eq(at)).execute(db)?)
    });
    assert_eq!(set.await.unwrap(), 1);
    let page = transfer(&ada, LAB, "target=acme&handle=lab", "ada/lab").await;
    assert!(seen().await.is_empty());
    ada.submit_form(&page, "Undo", &[("confirm", "acme/lab")]).await.assert_status(303);
    assert_eq!(seen().await, [Some(at)]);
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
    assert_eq!(told.subject, "The transfer of acme/data is void");
    assert!(told.text.contains("The organization was deleted."), "{}", told.text);
    // Nobody sends anything to it any more.
    let gone = ada.get(&format!("{DATA}?other=elsewhere&handle=data")).await;
    gone.assert_status(422).shows("There is no account of that handle");

    let olga = member(&app, "olga").await;
    app.give_role(("acme", "data"), "olga", Role::Owner).await;
    transfer(&olga, DATA, "target=olga&handle=data", "acme/data").await;
    let until = app.app.now().plus_days(1);
    let held = app.app.db.write(Locks::Instance, move |db| {
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

async fn invitation_mails(app: &TestApp, address: &str) -> usize {
    let mails = app.inbox(address).await;
    mails.iter().filter(|mail| mail.text.contains("/invitations/")).count()
}

/// IN-08, product.md 1.14, 6: carrying over asks nobody again who said no lately; who got several mails today is invited
/// without another one.
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
    // A week later it is possible again; three mails of one day are enough, the invitation stands.
    let page = carrying(&ada, LAB, query, ("ada/lab", &["Bob"])).await;
    eve.get(&page).await.shows("1 person is invited to Elsewhere");
    for _ in 0..3 {
        eve.submit(invite, &may).await.assert_status(303);
        let open = eve.get("/organizations/elsewhere/members").await;
        let revoke = open.links_containing("/revoke");
        eve.submit(&revoke[0], &[]).await.assert_status(303);
    }
    eve.get(&page).await.shows("1 person is invited to Elsewhere");
    let told = invitation_mails(&app, "bob@example.org").await;
    approve(&eve, &page, "ada/lab").await.assert_status(303);
    assert!(invitations_of(&app, "bob@example.org").await.ends_with("pending"));
    assert_eq!(invitation_mails(&app, "bob@example.org").await, told);
}

/// SP-29, SP-24: why it can't go back is told, and not how many workspaces the other side has.
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

/// lifecycles.md 2: what is due and can't be, since the handle is taken meanwhile, is told once, and moves by itself later.
#[actix_rt::test]
async fn what_is_in_the_way_is_told() {
    let app = spawn().await;
    let ada = acme(&app).await;
    ada.workspace("lab").await;
    let opened = ada.get(&format!("{LAB}?target=acme&handle=lab")).await;
    let ahead = [("confirm", "ada/lab"), ("time", "2026-11-25T02:00")];
    let page = ada.fill(opened.form(LAB, "confirm"), &ahead).await.assert_status(303).location();
    ada.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", "lab")])
        .await
        .assert_status(303);
    app.advance(3 * 86_400);
    for _ in 0..2 {
        app.run_jobs().await;
        app.advance(60);
    }
    let told = subjects(&app, "ada@example.org").await;
    let told = told.iter().filter(|subject| *subject == "ada/lab can’t move to acme yet");
    assert_eq!(told.count(), 1);
    let ada = app.sign_in("ada").await;
    ada.get(&page).await.shows("“lab” is taken in Acme");
    let edit = [("handle", "other"), ("description", "")];
    ada.submit("/workspaces/acme/lab/settings/edit", &edit).await.assert_status(303);
    app.advance(60);
    app.run_jobs().await;
    ada.get(&page).await.shows("Transferred");
}

/// AZ-01, SP-24: who may change a workspace's settings and not see its people, runs and service accounts reads how many
/// there are, and no names.
#[actix_rt::test]
async fn names_are_for_those_who_may_see_them() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let vic = member(&app, "vic").await;
    role(&ada, "Janitor", "", &["manage_workspace_settings"]).await.assert_status(303);
    let given = app.app.db.write(Locks::Instance, |db| {
        let janitor: RoleId = workspace_roles::table.select(workspace_roles::id).first(db)?;
        Ok(janitor)
    });
    let janitor = given.await.unwrap();
    app.give_role(("acme", "data"), "vic", Role::Viewer).await;
    let given = app.app.db.write(Locks::Instance, move |db| {
        let none = None::<Role>;
        let given = (memberships::custom_role_id.eq(Some(janitor)), memberships::role.eq(none));
        Ok(diesel::update(memberships::table).set(given).execute(db)?)
    });
    assert_eq!(given.await.unwrap(), 1);
    super::service_accounts::key_of(&ada).await;
    let delete = vic.get("/workspaces/acme/data/settings/delete").await;
    delete.shows("2 people lose access").shows("1 API key loses access");
    delete.lacks("ada@example.org").lacks("laptop");
    let review = vic.get(&format!("{DATA}?target=vic&handle=data")).await;
    review.shows("1 person loses access").lacks("ada@example.org");
    vic.get(&format!("{DATA}/runs?target=vic")).await.assert_status(403);
    let page = transfer(&vic, DATA, "target=vic&handle=data", "acme/data").await;
    vic.get(&page).await.shows("1 person loses access").lacks("ada@example.org");
    ada.get(&page).await.shows("ada@example.org · Admin");
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

/// 1.14, 4: what goes and what stays of a long history is exact, beyond what lists count.
#[actix_rt::test]
async fn a_long_history_is_counted_to_its_last_run() {
    const COLUMNS: &str = "workspace_id, flow_id, name, tags, body, policy, state, state_type, \
                           state_name, state_at, run_count, expected_start_at, started_at, \
                           ended_at, total_run_micros, created_at, updated_at";
    let app = spawn_with(|flags| flags.run_retention_days = Some(30)).await;
    let (ada, _, place) = lab(&app).await;
    let api = app.api(&super::service_accounts::key_of(&ada).await);
    let flows = api.post(&format!("{place}/flows/filter"), json!({})).await.json();
    for name in ["old", "young"] {
        let run = json!({"flow_id": flows[0]["id"], "name": name, "state": {"type": "COMPLETED"}});
        api.post(&format!("{place}/flow_runs/"), run).await.assert_status(201);
    }
    let before = app.app.now().plus_days(-40);
    let many = app.app.db.write(Locks::Instance, move |db| {
        let keep = accounts::table.filter(accounts::handle.eq("ada"));
        diesel::update(keep).set(accounts::run_retention_days.eq(365)).execute(db)?;
        let old = flow_runs::table.filter(flow_runs::name.eq("old"));
        diesel::update(old).set(flow_runs::ended_at.eq(before)).execute(db)?;
        let id = match &mut db.connection {
            AnyConnection::Sqlite(_) => "randomblob(16)",
            AnyConnection::Postgres(_) => "gen_random_uuid()",
        };
        for _ in 0..13 {
            let twice = format!(
                "INSERT INTO flow_runs (id, {COLUMNS}) SELECT {id}, {COLUMNS} FROM flow_runs \
                 WHERE name IN ('old', 'young')"
            );
            match &mut db.connection {
                AnyConnection::Sqlite(conn) => diesel::sql_query(twice).execute(conn)?,
                AnyConnection::Postgres(conn) => diesel::sql_query(twice).execute(conn)?,
            };
        }
        Ok(flow_runs::table.filter(flow_runs::name.eq("old")).count().get_result::<i64>(db)?)
    });
    assert_eq!(many.await.unwrap(), 8192);
    let review = ada.get(&format!("{LAB}?target=acme&handle=lab")).await;
    review.shows("8,192 flow runs are removed").shows("8,192 kept");
    review.shows("8,192 ended flow runs with their task runs and logs");
}
