//! The operator's commands, beside a running server.

use bulkhead::base::clock::Clock;
use bulkhead::base::db::schema::mails;
use bulkhead::base::db::{AnyConnection, Db};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::{Client, Home, PASSWORD, Server};
use crate::tenancy::two_factor::{code_at, secret_on};

/// Every command of the operator on one server: it goes on meanwhile.
struct Running {
    home: Home,
    server: Server,
    ada: Client,
}

async fn running() -> Running {
    let mut home = Home::empty();
    let server = home.start().await;
    let ada = server.set_up("ada").await;
    Running { home, server, ada }
}

/// The path of the link in what a command printed.
fn link_in(out: &str) -> String {
    let line = out.lines().find(|line| line.starts_with("http")).unwrap();
    url::Url::parse(line).unwrap().path().to_owned()
}

fn change(db: &mut Db, sql: &str) {
    db.batch_execute(sql).unwrap();
}

/// SP-3, AU-18: the operator makes people and resets passwords by links, and never types or
/// sees a password.
#[actix_rt::test]
async fn the_operator_makes_a_person_who_chooses_the_password() {
    let Running { home, server, .. } = running().await;
    let who = ["--name", "Bob", "--handle", "bob", "--email", "bob@example.org"];
    let ran = home.run(&[&["admin", "create-user"], &who[..]].concat());
    let page = link_in(&ran.assert_ok().out);
    let bob = server.visitor();
    bob.submit(&page, &[("new_password", PASSWORD)]).await.assert_status(303);
    server.sign_in("bob").await.get("/profile").await.shows("bob@example.org");

    let again = home.run(&[&["admin", "create-user"], &who[..]].concat());
    again.assert_refused("Somebody has that address already.");
    home.run(&[
        "admin",
        "create-user",
        "--name",
        "X",
        "--handle",
        "ada",
        "--email",
        "x@example.org",
    ])
    .assert_refused("Somebody has that handle already.");
    home.run(&[
        "admin",
        "create-user",
        "--name",
        "X",
        "--handle",
        "New",
        "--email",
        "x@example.org",
    ])
    .assert_refused("");
    home.run(&["audit", "verify"]).assert_ok();
}

/// AU-18, SE-06: a reset by the operator, and the end of sessions.
#[actix_rt::test]
async fn the_operator_resets_and_signs_out() {
    let Running { home, server, ada } = running().await;
    let ran = home.run(&["admin", "reset-password", "ada@example.org"]);
    let page = link_in(&ran.assert_ok().out);
    let changed = "another-orchid-tractor-99";
    server.visitor().submit(&page, &[("new_password", changed)]).await.assert_status(303);
    ada.get("/profile").await.assert_status(303);
    server.visitor().get(&page).await.assert_status(410);

    let visitor = server.visitor();
    let fields = [("email", "ada"), ("password", changed)];
    visitor.submit("/sign-in", &fields).await.assert_redirect_to("/workspaces");
    visitor.get("/profile").await.assert_status(200);
    let ran = home.run(&["admin", "sign-out", "ada"]);
    assert!(ran.assert_ok().out.contains("1 sessions of ada ended."), "{ran:?}");
    visitor.get("/profile").await.assert_status(303);
    visitor.submit("/sign-in", &fields).await.assert_redirect_to("/workspaces");
    home.run(&["admin", "sign-out", "--all"]).assert_ok();
    visitor.get("/profile").await.assert_status(303);

    for command in ["reset-password", "sign-out"] {
        home.run(&["admin", command, "nobody"]).assert_refused("There is no user nobody.");
    }
    home.run(&["audit", "verify"]).assert_ok();
}

/// AU-16, AU-18: who lost app and recovery codes is let in by the operator, and told.
#[actix_rt::test]
async fn the_operator_turns_two_factor_off() {
    let Running { home, server, ada } = running().await;
    let page = "/profile/security/two-factor";
    let setup = ada.get(page).await;
    let code = code_at(&secret_on(&setup), Clock::system().now());
    ada.fill(setup.form(page, "Turn on"), &[("code", &code)]).await.assert_status(200);
    let fields = [("email", "ada"), ("password", PASSWORD)];
    server.visitor().submit("/sign-in", &fields).await.assert_redirect_to("/sign-in/two-factor");

    let ran = home.run(&["admin", "two-factor-off", "ada@example.org"]);
    assert!(ran.assert_ok().out.contains("signs in with the password alone now"), "{ran:?}");
    server.visitor().submit("/sign-in", &fields).await.assert_redirect_to("/workspaces");
    let mails: Vec<String> =
        mails::table.select(mails::template).load(&mut home.connect()).unwrap();
    assert!(mails.iter().any(|template| template == "two-factor-off"), "{mails:?}");
    ada.get("/profile/activity").await.shows("Turned two-factor authentication off");
    home.run(&["admin", "two-factor-off", "ada"])
        .assert_refused("ada has no two-factor authentication.");
    home.run(&["admin", "two-factor-off", "nobody"]).assert_refused("There is no user nobody.");
    home.run(&["audit", "verify"]).assert_ok();
}

/// SP-3: limits of an account; what the database would refuse is refused with a sentence.
#[actix_rt::test]
async fn the_operator_sets_limits() {
    let Running { home, .. } = running().await;
    let shown = |arguments: &[&str]| {
        let ran = home.run(&[&["admin", "limits", "ada"], arguments].concat());
        ran.assert_ok().out.trim().to_owned()
    };
    let defaults = "workspaces default, members default, service accounts default, run retention days default, \
                    audit retention days default";
    assert_eq!(shown(&[]), format!("ada: {defaults}"));
    let set = ["--workspaces", "0", "--members", "12", "--keep-runs", "30"];
    let after = "ada: workspaces 0, members 12, service accounts default, run retention days 30, audit retention days default";
    assert_eq!(shown(&set), after);
    assert_eq!(shown(&[]), after);
    assert_eq!(
        shown(&["--workspaces", "default", "--members", "default", "--keep-runs", "default"]),
        format!("ada: {defaults}")
    );
    for flag in ["--keep-runs", "--keep-audit"] {
        let ran = home.run(&["admin", "limits", "ada", flag, "0"]);
        assert!(!ran.status.success(), "{ran:?}");
        assert!(ran.err.contains("at least 1"), "{ran:?}");
    }
    for bad in ["-1", "many", "99999999999"] {
        let ran = home.run(&["admin", "limits", "ada", &format!("--members={bad}")]);
        assert!(ran.err.contains("use a number"), "{ran:?}");
    }
    home.run(&["admin", "limits", "nobody"]).assert_refused("There is no account nobody.");
    home.run(&["audit", "verify"]).assert_ok();
}

/// T4, lifecycles.md 2: only the operator moves a workspace between two people: the same review, the path typed, a
/// reason that both read and both logs keep; and they can undo it.
#[actix_rt::test]
async fn the_operator_moves_a_workspace_between_people() {
    let Running { home, server, ada } = running().await;
    ada.workspace("lab").await;
    let who = ["--name", "Bob", "--handle", "bob", "--email", "bob@example.org"];
    let ran = home.run(&[&["admin", "create-user"], &who[..]].concat());
    let page = link_in(&ran.assert_ok().out);
    server.visitor().submit(&page, &[("new_password", PASSWORD)]).await.assert_status(303);
    let order =
        |more: &[&str]| home.run(&[&["admin", "transfer", "ada/lab", "bob"], more].concat());
    let looked = order(&["--handle", "bench"]);
    let text = &looked.assert_ok().out;
    for told in [
        "# Transfer of ada/lab to bob/bench",
        "- **1 person loses access** (source)",
        "  - ada: ada@example.org · Owner of the account",
        "prefect cloud workspace set --workspace \"bob/bench\"",
        "Nothing moved. To carry it out: the same with --confirm ada/lab",
    ] {
        assert!(text.contains(told), "{text}");
    }
    ada.get("/workspaces/ada/lab").await.assert_status(200);
    let reason = ["--reason", "Both wrote so on Monday."];
    for (more, words) in [
        (["--confirm", "ada/other"], "type ada/lab to confirm"),
        (["--confirm", "bob/bench"], "type ada/lab to confirm"),
    ] {
        order(&[&more[..], &reason].concat()).assert_refused(words);
    }
    order(&["--confirm", "ada/lab", "--reason", " "]).assert_refused("say why");
    order(&["--handle", "No!"]).assert_refused("--handle: ");
    for (path, account, words) in [
        ("ada/gone", "bob", "There is no workspace ada/gone."),
        ("ada/lab", "nobody", "There is no account nobody."),
        ("ada/lab", "ada", "ada/lab belongs to ada already."),
    ] {
        home.run(&["admin", "transfer", path, account]).assert_refused(words);
    }
    home.run(&["admin", "limits", "bob", "--workspaces", "0"]).assert_ok();
    order(&[&["--confirm", "ada/lab"], &reason[..]].concat()).assert_refused("Bob has no room");
    home.run(&["admin", "limits", "bob", "--workspaces", "default"]).assert_ok();
    let moved = order(&[&["--handle", "bench", "--confirm", "ada/lab"], &reason[..]].concat());
    let receipt = moved.assert_ok().out.lines().find_map(|line| line.split_once("/transfers/"));
    let receipt = format!("/transfers/{}", receipt.unwrap().1.trim());
    let bob = server.sign_in("bob").await;
    bob.get("/workspaces/bob/bench").await.assert_status(200);
    ada.get("/workspaces/ada/lab").await.assert_status(404);
    bob.get(&receipt).await.shows("Both wrote so on Monday.").shows("Whoever runs this server");
    bob.submit_form(&receipt, "Undo", &[("confirm", "bob/bench")]).await.assert_status(303);
    ada.get("/workspaces/ada/lab").await.assert_status(200);
    bob.get("/workspaces/ada/lab").await.assert_status(404);
    home.run(&["audit", "verify"]).assert_ok();
}

/// LIBRARIES 5: `healthcheck` tells by its exit code.
#[actix_rt::test]
async fn the_healthcheck_follows_the_server() {
    let mut home = Home::empty();
    home.run(&["healthcheck"]).assert_refused("No answer");
    let mut server = home.start().await;
    assert_eq!(home.run(&["healthcheck"]).assert_ok().out, "ready\n");
    server.stop();
    home.run(&["healthcheck"]).assert_refused("No answer");
}

/// LG-03: an edited entry or column, a removed entry, and a cut end are found and named.
#[actix_rt::test]
async fn audit_verify_names_what_was_tampered_with() {
    let Running { home, server, ada } = running().await;
    for name in ["Ada One", "Ada Two", "Ada Three"] {
        ada.submit("/profile", &[("name", name)]).await.assert_status(303);
    }
    drop(server);
    assert!(home.run(&["audit", "verify"]).assert_ok().out.contains("in 1 chains are whole."));
    let mut db = home.connect();
    assert!(db.batch_execute("UPDATE audit_entries SET event = 'x'").is_err(), "append-only");
    assert!(db.batch_execute("DELETE FROM audit_entries").is_err(), "append-only");
    let (off, on) = match &mut db.connection {
        AnyConnection::Sqlite(_) => {
            ("DROP TRIGGER audit_entries_no_update; DROP TRIGGER audit_entries_no_delete;", "")
        }
        AnyConnection::Postgres(_) => (
            "ALTER TABLE audit_entries DISABLE TRIGGER USER;",
            "ALTER TABLE audit_entries ENABLE TRIGGER USER;",
        ),
    };
    change(&mut db, off);
    change(&mut db, "CREATE TABLE kept AS SELECT * FROM audit_entries");
    let last: i64 = {
        use bulkhead::base::db::schema::audit_entries;
        use diesel::prelude::*;
        audit_entries::table.count().get_result(&mut db).unwrap()
    };
    let columns = "its columns say something else than its text";
    let column = |set: &str| {
        let tamper = format!("UPDATE audit_entries SET {set} WHERE sequence = 4");
        (tamper, format!("entry 4: {columns}"))
    };
    let id = match &mut db.connection {
        AnyConnection::Sqlite(_) => "x'01a207b82b807000801700d0bb318e53'",
        AnyConnection::Postgres(_) => "'01a207b8-2b80-7000-8017-00d0bb318e53'",
    };
    let later = match &mut db.connection {
        AnyConnection::Sqlite(_) => "occurred_at = occurred_at + 1",
        AnyConnection::Postgres(_) => "occurred_at = occurred_at + interval '1 microsecond'",
    };
    for (tamper, says) in [
        column("event = 'user.logged-in'"),
        column(later),
        column("actor_id = NULL"),
        column(&format!("actor_id = {id}")),
        column(&format!("workspace_id = {id}")),
        (
            "UPDATE audit_entries SET entry = replace(entry, 'Ada Two', 'Eve Two') \
             WHERE sequence = 4"
                .to_owned(),
            "entry 4: the entry was changed".to_owned(),
        ),
        (
            "DELETE FROM audit_entries WHERE sequence = 3".to_owned(),
            "entry 3: an entry is missing".to_owned(),
        ),
        (
            format!("DELETE FROM audit_entries WHERE sequence = {last}"),
            format!("entry {last}: the end of the chain is missing"),
        ),
        ("DELETE FROM audit_heads".to_owned(), "entries without an end of the chain".to_owned()),
    ] {
        let heads = "CREATE TABLE kept_heads AS SELECT * FROM audit_heads";
        change(&mut db, heads);
        change(&mut db, &tamper);
        let ran = home.run(&["audit", "verify"]);
        assert!(!ran.status.success(), "{tamper}: {ran:?}");
        assert!(ran.out.contains(&says), "{tamper}: {ran:?}");
        change(
            &mut db,
            "DELETE FROM audit_entries; INSERT INTO audit_entries SELECT * FROM kept; \
             DELETE FROM audit_heads; INSERT INTO audit_heads SELECT * FROM kept_heads; \
             DROP TABLE kept_heads;",
        );
        home.run(&["audit", "verify"]).assert_ok();
    }
    change(&mut db, on);
}

/// LIBRARIES 5, 6: the demonstration fills an empty database once, and everybody in it can work.
#[actix_rt::test]
async fn the_demonstration_fills_an_empty_database_once() {
    let mut home = Home::empty();
    home.run(&["seed"]).assert_refused("seed --demo");
    let ran = home.run(&["seed", "--demo"]);
    let password = ran.assert_ok().out.trim_end().rsplit(' ').next().unwrap().to_owned();
    home.run(&["seed", "--demo"]).assert_refused("seed only an empty one");
    home.run(&["audit", "verify"]).assert_ok();

    let server = home.start().await;
    let mara = server.visitor();
    let fields = [("email", "mara"), ("password", password.as_str())];
    mara.submit("/sign-in", &fields).await.assert_redirect_to("/workspaces");
    mara.get("/workspaces").await.shows("weather-bot").shows("price-scraper");
    mara.get("/workspaces/mara/weather-bot/collaborators").await.shows("Idris Okafor");
}
