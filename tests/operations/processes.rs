//! Several processes on one database: they decide as one.

use serde_json::json;

use super::clients::lab;
use crate::support::{Client, Home, PASSWORD, Server, Socket, invariants, is_postgres};
use crate::tenancy::members::{MEMBERS, step_form};

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
