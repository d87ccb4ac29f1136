//! Dashboard, settings, old handles, leaving, and the addresses that the client prints.

use bulkhead::base::db::schema::audit_entries;
use diesel::prelude::*;

use super::{id_of, ids_of, invite, let_in};
use crate::support::spawn;

/// W2: to those without access a workspace is not there, whatever they ask for.
#[actix_rt::test]
async fn a_stranger_cannot_tell_a_workspace_from_nothing() {
    let app = spawn().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    ada.workspace("lab").await;
    let id = id_of(&app, "ada", "lab").await;
    let form = eve.get("/workspaces/new").await.form("/workspaces/new", "");
    let tokens: Vec<_> =
        form.fields.into_iter().filter(|(name, _)| name == "csrf" || name == "once").collect();
    for rest in ["", "/settings", "/settings/edit", "/settings/delete", "/leave"] {
        let (there, nothing) =
            (format!("/workspaces/ada/lab{rest}"), format!("/workspaces/ada/nothing{rest}"));
        let (one, other) = (eve.get(&there).await, eve.get(&nothing).await);
        one.assert_status(404);
        assert_eq!(one.select("main"), other.select("main"), "{rest}");
        if !matches!(rest, "" | "/settings") {
            eve.post(&there, &tokens).await.assert_status(404);
        }
    }
    eve.get(&format!("/workspaces/deleted/{id}")).await.assert_status(404);
    let hostile = [
        "/workspaces/ada/%00",
        "/workspaces/%F0%9F%9A%80/lab",
        "/workspaces/Ada/lab",
        "/workspaces/ada/..%2Flab",
        "/workspaces/ada/%27%20OR%201=1",
        "/workspaces/ada/%E2%80%AElab",
        "/workspaces/deleted/1",
        "/workspaces/deleted/%00",
    ];
    for path in hostile {
        ada.get(path).await.assert_status(404);
    }
    let long = format!("/workspaces/ada/{}", "x".repeat(3000));
    ada.get(&long).await.assert_status(404);
}

/// W4, G1: the dashboard tells how to connect and what is there, from the counts of the registry.
#[actix_rt::test]
async fn the_dashboard_counts_what_is_there() {
    let app = spawn().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    ada.workspace("lab").await;
    let id = id_of(&app, "ada", "lab").await;
    let_in(&app, id, "bob").await;
    invite(&app, "ada", id, "eve@example.org").await;
    let page = ada.get("/workspaces/ada/lab").await;
    page.shows("Your role Owner").shows("Collaborators 1").shows("Pending invitations 1");
    page.shows("PREFECT_CLOUD_UI_URL").shows("prefect cloud login --key");
    let theirs = bob.get("/workspaces/ada/lab").await;
    theirs.shows("Your role Collaborator").shows("Collaborators 1").lacks("API keys for this");
}

/// G1, G2, G4, G7: a collaborator sees handle and description, and is told which role may more.
#[actix_rt::test]
async fn a_collaborator_sees_handle_and_description_only() {
    let app = spawn().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    ada.submit("/workspaces/new", &[("handle", "lab"), ("description", "Forecasts")]).await;
    let id = id_of(&app, "ada", "lab").await;
    let_in(&app, id, "bob").await;

    let own = ada.get("/workspaces/ada/lab/settings").await;
    own.shows("Owner Ada ada Personal").shows("Handle lab").shows(&format!("ID {id}"));
    own.shows("Description Forecasts").shows("Copy ID").shows("by Ada");
    assert_eq!(own.link("Delete"), "/workspaces/ada/lab/settings/delete");

    let page = bob.get("/workspaces/ada/lab/settings").await;
    page.assert_status(200).shows("Handle lab").shows("Forecasts");
    page.lacks("Copy ID").lacks("Edit").lacks("Delete").shows("Connect a Prefect client");
    assert_eq!(page.link("Leave"), "/workspaces/ada/lab/leave");
    for path in ["/workspaces/ada/lab/settings/edit", "/workspaces/ada/lab/settings/delete"] {
        let refused = bob.get(path).await;
        refused.assert_status(403).shows("Your role here is Collaborator").shows("Ada");
    }
}

/// G3: another handle changes the path and says so; the old one leads on until it is taken.
#[actix_rt::test]
async fn an_old_handle_leads_to_the_new_one_until_it_is_taken() {
    let app = spawn().await;
    let (ada, bob, eve) = (app.user("ada").await, app.user("bob").await, app.user("eve").await);
    ada.workspace("lab").await;
    let_in(&app, id_of(&app, "ada", "lab").await, "bob").await;
    let page = "/workspaces/ada/lab/settings/edit";
    ada.get(page).await.shows("changes the path for the command line");
    let saved = ada.submit(page, &[("handle", "Bench"), ("description", "New")]).await;
    saved.assert_redirect_to("/workspaces/ada/bench/settings");
    let settings = ada.get("/workspaces/ada/bench/settings").await;
    settings.shows("prefect cloud workspace set --workspace \"ada/bench\"").shows("New");

    for who in [&ada, &bob] {
        let moved = who.get("/workspaces/ada/lab/settings?x=1").await;
        moved.assert_redirect_to("/workspaces/ada/bench/settings?x=1");
        who.follow("/workspaces/ada/lab").await.assert_status(200);
    }
    eve.get("/workspaces/ada/lab").await.assert_status(404);

    // And back again: a redirect never hides a workspace, nor points to itself.
    ada.submit("/workspaces/ada/bench/settings/edit", &[("handle", "lab")])
        .await
        .assert_redirect_to("/workspaces/ada/lab/settings");
    ada.get("/workspaces/ada/lab").await.assert_status(200);
    ada.get("/workspaces/ada/bench").await.assert_redirect_to("/workspaces/ada/lab");
    ada.workspace("bench").await;
    ada.get("/workspaces/ada/bench").await.assert_status(200).shows("bench");
    bob.get("/workspaces/ada/bench").await.assert_status(404);
    assert_eq!(app.audited("workspace.updated").await, 2);
}

/// G3, C3: a taken or bad handle is refused beside its field; nothing changed leaves no entry.
#[actix_rt::test]
async fn edits_are_checked_and_audited() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    ada.workspace("dev").await;
    let page = "/workspaces/ada/lab/settings/edit";
    let taken = ada.submit(page, &[("handle", "dev"), ("description", "typed")]).await;
    taken.assert_status(422).shows("“dev” is taken. “dev-2” is free.").shows("typed");
    ada.submit(page, &[("handle", "a b")]).await.assert_status(422).shows("weren’t saved");
    ada.submit(page, &[("description", &"x".repeat(501))]).await.assert_status(422);
    ada.submit(page, &[]).await.assert_status(303);
    assert_eq!(app.audited("workspace.updated").await, 0);
    ada.submit(page, &[("description", "Now\r\ntwo lines")]).await.assert_status(303);
    let entry: String = app
        .read(|db| {
            Ok(audit_entries::table
                .filter(audit_entries::event.eq("workspace.updated"))
                .select(audit_entries::entry)
                .first(db)?)
        })
        .await;
    for part in [r#""description":""#, r#""description":"Now\ntwo lines""#, r#""path":"ada/lab""#] {
        assert!(entry.contains(part), "{entry}");
    }
    app.assert_audit_is_whole().await;
}

/// L3, B1: a collaborator leaves; the owner cannot, and is told why.
#[actix_rt::test]
async fn collaborators_leave_and_owners_stay() {
    let app = spawn().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    ada.workspace("lab").await;
    let_in(&app, id_of(&app, "ada", "lab").await, "bob").await;
    let page = "/workspaces/ada/lab/leave";
    ada.get(page).await.assert_status(200).shows("belongs to your own account");
    let form = bob.get(page).await.form(page, "");
    let mut own = ada.get("/workspaces/new").await.form("/workspaces/new", "");
    own.fields.retain(|(name, _)| name == "csrf" || name == "once");
    ada.post(page, &own.fields).await.assert_status(403).shows("can’t leave it");
    bob.fill(form.clone(), &[]).await.assert_redirect_to("/workspaces");
    bob.get("/workspaces").await.shows("You left ada/lab.");
    bob.fill(form, &[]).await.assert_status(404);
    bob.get("/workspaces/ada/lab").await.assert_status(404);
    assert_eq!(app.audited("workspace-access.deleted").await, 1);
}

/// The addresses that the Prefect client prints lead to the workspace, for those with access.
#[actix_rt::test]
async fn the_clients_links_lead_to_the_workspace() {
    let app = spawn().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    ada.workspace("lab").await;
    let id = id_of(&app, "ada", "lab").await;
    let (account, _) = ids_of(&app, "ada").await;
    let link = format!("/account/{account}/workspace/{id}");
    let run = "/flow-runs/0199a0c5-7d2e-7abc-8def-0123456789ab";
    for (tail, to) in [
        ("", ""),
        ("/", ""),
        ("/dashboard", ""),
        ("/flow-runs/flow-run/0199a0c5-7d2e-7abc-8def-0123456789ab", run),
        ("/runs/flow-run/0199a0c5-7d2e-7abc-8def-0123456789ab", run),
        ("/runs", "/flow-runs"),
    ] {
        let path = format!("{link}{tail}");
        ada.get(&path).await.assert_redirect_to(&format!("/workspaces/ada/lab{to}"));
        eve.get(&path).await.assert_status(404);
        app.visitor().get(&path).await.assert_status(303);
    }
    ada.submit("/workspaces/ada/lab/settings/edit", &[("handle", "bench")]).await;
    ada.get(&link).await.assert_redirect_to("/workspaces/ada/bench");
    ada.get(&format!("/account/x/workspace/{id}")).await.assert_status(404);
    ada.get(&format!("/account/{account}/workspace/%00")).await.assert_status(404);
}
