//! Several processes on one database: they decide as one.

use bulkhead::base::clock::Clock;
use bulkhead::base::db::Id;
use bulkhead::base::db::schema::{invitations, users, workspaces};
use diesel::prelude::*;
use serde_json::json;

use super::clients::lab;
use crate::support::{Client, Home, PASSWORD, Server, Socket, invariants, is_postgres};
use crate::tenancy::members::{MEMBERS, step_form};
use crate::tenancy::service_accounts::key_of;

/// A person of the operator's making, signed in at `server`.
async fn person(home: &Home, server: &Server, handle: &str) -> Client {
    let email = format!("{handle}@example.org");
    let who = ["admin", "create-user", "--name", handle, "--handle", handle, "--email", &email];
    let ran = home.run_async(&who).await;
    let link = ran.assert_ok().out.lines().find(|line| line.starts_with("http")).unwrap();
    let link = url::Url::parse(link).unwrap().path().to_owned();
    server.visitor().submit(&link, &[("new_password", PASSWORD)]).await.assert_status(303);
    server.sign_in(handle).await
}

/// F-15, O7: two admins who demote each other at once leave one, a hundred times; on PostgreSQL each at
/// a process of their own.
#[actix_rt::test]
async fn two_admins_cannot_demote_each_other() {
    let mut home = Home::empty();
    let server = home.start().await;
    let another = if is_postgres() { Some(home.start().await) } else { None };
    let ada = server.set_up("ada").await;
    let acme = [("name", "Acme"), ("handle", "acme")];
    ada.submit("/organizations/new", &acme).await.assert_status(303);
    let bob = person(&home, another.as_ref().unwrap_or(&server), "bob").await;
    let invite = [("email", "bob@example.org"), ("role", "admin")];
    ada.submit(&format!("{MEMBERS}/invite"), &invite).await.assert_status(303);
    bob.submit_form("/workspaces", "accept", &[]).await.assert_status(303);

    let mut by_ada = 0;
    for round in 0..100 {
        let (first, second) = (step_form(&ada, "bob").await, step_form(&bob, "ada").await);
        let member = [("role", "member")];
        let (one, two) = tokio::join!(ada.fill(first, &member), bob.fill(second, &member));
        assert!(one.status < 500 && two.status < 500, "{round}: {one:?} {two:?}");
        let admins = invariants::texts(
            &mut home.connect(),
            "SELECT sort_name AS text FROM organization_members WHERE role = 'admin'",
        );
        assert_eq!(admins.len(), 1, "round {round}: {admins:?}");
        by_ada += u32::from(admins[0] == "ada");
        let (admin, other) = if admins[0] == "ada" { (&ada, "bob") } else { (&bob, "ada") };
        let again = step_form(admin, other).await;
        admin.fill(again, &[("role", "admin")]).await.assert_status(303);
    }
    println!("ada was first in {by_ada} of 100 rounds");
    invariants::assert_hold(&home.database.location);
}

/// api.md §6: what one process takes in, whoever listens at another one hears; on PostgreSQL.
#[actix_rt::test]
async fn news_cross_processes() {
    let mut home = Home::empty();
    let server = home.start().await;
    let another = if is_postgres() { Some(home.start().await) } else { None };
    let ada = server.set_up("ada").await;
    let (api, place, key) = lab(&ada, another.as_ref().unwrap_or(&server)).await;
    let head = [("sec-websocket-protocol", "prefect".to_owned())];
    let out = format!("{place}/events/out");
    let mut socket = Socket::open(&server.base, &out, &head).await.unwrap();
    socket.send(&json!({"type": "auth", "token": key})).await;
    assert_eq!(socket.receive().await["type"], "auth_success");
    socket.send(&json!({"type": "filter", "filter": {}})).await;
    socket.checkpoint().await;
    for round in 0..3 {
        let event = json!([{"id": uuid::Uuid::from_u128(round + 1), "event": "here",
            "occurred": "2026-11-23T08:00:00Z", "resource": {"prefect.resource.id": "thing"}}]);
        api.post(&format!("{place}/events"), event).await.assert_status(204);
        let told = socket.receive().await;
        assert_eq!(told["event"]["id"], json!(uuid::Uuid::from_u128(round + 1)));
    }
}

/// F-17, I1 … I10: transfer, delete, accept, rename, a key for the workspace, a run in it, and undo at once, three hundred
/// times in another order; on PostgreSQL at two processes. Whatever comes first, each workspace is whole and in one place.
#[actix_rt::test]
async fn a_transfer_races_with_everything_else() {
    let mut home = Home::empty().set("BULKHEAD_REQUESTS_PER_MINUTE", "1000000");
    let server = home.start().await;
    let another = if is_postgres() { Some(home.start().await) } else { None };
    let ada = server.set_up("ada").await;
    let acme = [("name", "Acme"), ("handle", "acme")];
    ada.submit("/organizations/new", &acme).await.assert_status(303);
    let elsewhere = another.as_ref().unwrap_or(&server);
    let bob = person(&home, elsewhere, "bob").await;
    let again = elsewhere.sign_in("ada").await;
    let api = elsewhere.api(&key_of(&again).await);
    let (mut moved, mut undone, mut deleted, mut ran) = (0, 0, 0, 0);
    for round in 0..300_u64 {
        let name = format!("w{round}");
        let (own, path) = (format!("/workspaces/ada/{name}"), format!("ada/{name}"));
        ada.workspace(&name).await;
        invite_bob(&home, &name);
        let page = format!("{own}/settings/transfer?target=acme&handle={name}");
        let transfer = ada.get(&page).await.form(&page, "confirm");
        let page = format!("{own}/settings/delete");
        let delete = again.get(&page).await.form(&page, "");
        let page = format!("{own}/settings/edit");
        let rename = again.get(&page).await.form(&page, "");
        let page = "/profile/api-keys/new";
        let opened = again.get(page).await;
        let limits = opened.attributes("select[name=limit] option", "value");
        let texts = opened.select("select[name=limit] option");
        let at_lab = texts.iter().position(|text| *text == path).unwrap();
        let (key, limit) = (opened.form(page, "Create"), limits[at_lab].clone());
        let flow = json!({ "name": "etl" });
        let place = format!("/api/accounts/{}/workspaces/{limit}", account_of(&home, &limit));
        let flow = api.post(&format!("{place}/flows/"), flow).await.json()["id"].clone();
        let accept = bob.get("/workspaces").await.form("/workspaces", "accept");
        let new_name = format!("{name}-new");
        // Each of them first, last and in between; the deletion only sometimes, since it wins.
        let wait = |n: u64| tokio::time::sleep(std::time::Duration::from_millis((round * n) % 11));
        let at = async |n, client: &Client, form, fields: &[(&str, &str)]| {
            wait(n).await;
            client.fill(form, fields).await.status
        };
        let (confirm, to) = ([("confirm", &*path)], [("handle", &*new_name)]);
        let narrow = [("name", &*name), ("limit", &*limit)];
        // In every fourth round it comes first, so that some move on a machine of any speed.
        let comes_first = round % 4 == 1;
        let wins = if comes_first { at(0, &ada, transfer.clone(), &confirm).await } else { 303 };
        assert_eq!(wins, 303, "round {round}");
        let told = tokio::join!(
            async { if comes_first { 303 } else { at(3, &ada, transfer, &confirm).await } },
            at(5, &bob, accept, &[]),
            at(7, &again, rename, &to),
            async { if round % 3 == 0 { at(2, &again, delete, &confirm).await } else { 303 } },
            at(6, &ada, key, &narrow),
            async {
                wait(4).await;
                let run = json!({ "flow_id": flow });
                api.post(&format!("{place}/flow_runs/"), run).await.status
            },
        );
        assert!(
            [told.0, told.1, told.2, told.3, told.4, told.5].iter().all(|status| *status < 500),
            "{round}: {told:?}"
        );
        ran += u32::from(told.5 == 201);
        // What moved goes back, while somebody renames it there.
        let there = invariants::texts(
            &mut home.connect(),
            &format!(
                "SELECT w.handle AS text FROM workspaces w JOIN accounts a ON a.id = w.account_id \
                 WHERE a.handle = 'acme' AND w.deleted_at IS NULL AND w.handle LIKE '{name}%'"
            ),
        );
        if let [handle] = there.as_slice() {
            moved += 1;
            let settings = format!("/workspaces/acme/{handle}/settings/edit");
            let rename = again.get(&settings).await.form(&settings, "");
            let receipt = ada.get(&format!("{own}/settings/transfer")).await;
            assert_eq!(receipt.status, 303, "{round}: {}", receipt.visible());
            let place = newest_transfer(&home);
            let undo = ada.get(&place).await.form(&place, "Undo");
            let confirm = format!("acme/{handle}");
            let (confirm, to) = ([("confirm", &*confirm)], [("handle", "renamed")]);
            let told = tokio::join!(at(3, &ada, undo, &confirm), at(4, &again, rename, &to),);
            assert!(told.0 < 500 && told.1 < 500, "{round}: {told:?}");
            undone += u32::from(told.0 == 303);
            let left = again.get("/workspaces/acme/renamed/settings/delete").await;
            if left.status == 200 {
                let form = left.form("/workspaces/acme/renamed/settings/delete", "");
                again.fill(form, &[("confirm", "acme/renamed")]).await;
            }
        }
        let gone = format!("{own}/settings");
        deleted += u32::from(ada.get(&gone).await.status == 404);
        // What went wrong stays wrong, so looking at everything now and then finds it.
        if round % 15 == 14 {
            assert_eq!(strays(&home), 0, "round {round}");
            invariants::assert_hold(&home.database.location);
        }
    }
    println!("{moved} moved, {undone} came back, {deleted} gone, {ran} ran");
    assert!(moved >= 75 && undone > 0 && ran > 0, "{moved} moved, {undone} came back, {ran} ran");
}

/// The account of a workspace.
fn account_of(home: &Home, workspace: &str) -> Id<()> {
    let id: Id<()> = workspace.parse().unwrap();
    let row = workspaces::table.filter(workspaces::id.eq(id)).select(workspaces::account_id);
    row.first(&mut home.connect()).unwrap()
}

/// Invites Bob into a workspace of Ada's, behind the pages' back: they let nobody be invited that often.
fn invite_bob(home: &Home, workspace: &str) {
    let mut db = home.connect();
    let now = Clock::system().now();
    let (place, account): (Id<()>, Id<()>) = workspaces::table
        .filter(workspaces::handle.eq(workspace))
        .select((workspaces::id, workspaces::account_id))
        .first(&mut db)
        .unwrap();
    let ada: Id<()> = users::table
        .filter(users::email_key.eq("ada@example.org"))
        .select(users::id)
        .first(&mut db)
        .unwrap();
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(Id::<()>::new(now)),
            invitations::kind.eq("collaborator"),
            invitations::account_id.eq(account),
            invitations::workspace_id.eq(place),
            invitations::email.eq("bob@example.org"),
            invitations::email_key.eq("bob@example.org"),
            invitations::role.eq("collaborator"),
            invitations::state.eq("pending"),
            invitations::generation.eq(1),
            invitations::expires_at.eq(now.plus_days(7)),
            invitations::invited_by.eq(Some(ada)),
            invitations::invited_by_name.eq("Ada"),
            invitations::created_at.eq(now),
            invitations::sent_at.eq(now),
        ))
        .execute(&mut db)
        .unwrap();
}

/// Roles of somebody in a workspace of an organization that the person does not belong to, and transfers that
/// wait for what is deleted.
fn strays(home: &Home) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM memberships m JOIN workspaces w ON w.id = m.workspace_id \
               JOIN accounts a ON a.id = w.account_id WHERE a.kind = 'organization') \
               + (SELECT count(*) FROM transfers t JOIN workspaces w ON w.id = t.workspace_id \
                  WHERE t.state = 'pending') \
               + (SELECT count(*) FROM invitations i JOIN workspaces w ON w.id = i.workspace_id \
                  WHERE i.state = 'pending' AND w.account_id <> i.account_id) AS number";
    invariants::number(&mut home.connect(), sql)
}

/// The page of the transfer that was asked for last.
fn newest_transfer(home: &Home) -> String {
    let hex = if is_postgres() { "replace(CAST(id AS text), '-', '')" } else { "lower(hex(id))" };
    let sql = format!("SELECT {hex} AS text FROM transfers ORDER BY id DESC LIMIT 1");
    let id = invariants::texts(&mut home.connect(), &sql).remove(0);
    format!("/transfers/{}", uuid::Uuid::try_parse(&id).unwrap())
}
