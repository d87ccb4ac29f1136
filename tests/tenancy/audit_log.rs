//! The audit log of an organization: page, filters, one entry, export.

use bulkhead::access::AccountId;
use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole::{Admin, Member};
use bulkhead::base::db::Locks;
use bulkhead::base::db::schema::{accounts, audit_entries};
use bulkhead::tenancy::audit::{By, Entry, Event, record};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, spawn};

const LOG: &str = "/organizations/acme/audit-log";

/// Ada and Cyd, admins of `acme` with the workspaces `lab` and `=lab`-like details; Bob, a member.
async fn acme(app: &TestApp) -> (Client, Client) {
    let ada = app.user("ada").await;
    ada.submit("/organizations/new", &[("name", "Acme"), ("handle", "acme")])
        .await
        .assert_status(303);
    for handle in ["bob", "cyd"] {
        app.make_user(handle, Verified::Mailed).await;
    }
    app.make_member("acme", "bob", Member).await;
    app.make_member("acme", "cyd", Admin).await;
    let cyd = app.sign_in("cyd").await;
    for (who, handle) in [(&ada, "lab"), (&cyd, "mill")] {
        who.submit("/workspaces/new?owner=acme", &[("owner", "acme"), ("handle", handle)])
            .await
            .assert_status(303);
    }
    (ada, cyd)
}

/// The events of the rows, from the newest to the oldest.
fn events(page: &Answer) -> Vec<String> {
    page.attributes("main tbody td:nth-child(2) a[title]", "title")
}

/// U1, U3: the newest entry first, with who, where and what; each leads to its details.
#[actix_rt::test]
async fn admins_read_the_log_of_their_organization() {
    let app = spawn().await;
    let (ada, _) = acme(&app).await;
    let fields = [("name", "Acme Two"), ("handle", "acme"), ("location", ""), ("link", "")];
    ada.submit("/organizations/acme/edit", &fields).await.assert_status(303);
    let page = ada.get(LOG).await;
    page.assert_status(200).shows("Kept for ever.").shows("name: Acme → Acme Two");
    assert_eq!(
        events(&page),
        ["account.updated", "workspace.created", "workspace.created", "account.created"]
    );
    let entry = ada.get(&page.attributes("main tbody a", "href")[0]).await;
    entry.assert_status(200).shows("What changed").shows("ada@example.org").shows("Acme Two");
    entry.shows("127.").shows("account.updated");
    // Details in words, with links to the person and the workspace.
    assert_eq!(entry.link("Ada"), format!("{LOG}?user=ada%40example.org"));
    let made = ada.get(&page.attributes("main tbody a", "href")[1]).await;
    let place = made.select("dt").iter().position(|label| label == "Workspace").unwrap();
    assert_eq!(
        made.link(&made.select("dd")[place]),
        format!("/workspaces/{}", made.select("dd")[place])
    );
    made.shows("Handle").shows("As recorded");
    for bad in ["0", "99", "-1", "x", "9999999999999999999999"] {
        ada.get(&format!("{LOG}/{bad}")).await.assert_status(404);
    }
}

/// U1, AZ-03, LG-04: nobody else reads it, by no address.
#[actix_rt::test]
async fn nobody_else_reads_it() {
    let app = spawn().await;
    let (_, cyd) = acme(&app).await;
    app.make_user("eve", Verified::Mailed).await;
    let (bob, eve) = (app.sign_in("bob").await, app.sign_in("eve").await);
    // Eve has an organization of her own, so she knows what addresses look like.
    eve.submit("/organizations/new", &[("name", "Evil"), ("handle", "evil")])
        .await
        .assert_status(303);
    for path in ["", "/1", "/export?format=csv", "/export?format=jsonl"] {
        let path = format!("{LOG}{path}");
        app.visitor().get(&path).await.assert_status(303);
        bob.get(&path).await.assert_status(403);
        eve.get(&path).await.assert_status(404);
        cyd.get(&path).await.assert_status(200);
    }
    // A person of another account is told of by nothing, known or not.
    let page = eve.get("/organizations/evil/audit-log?user=cyd").await;
    page.shows("Nothing was recorded of “cyd”.");
    eve.get("/organizations/evil/audit-log?user=nobody").await.shows("Nothing was recorded of");
    let page = eve.get("/organizations/evil/audit-log?workspace=lab").await;
    page.shows("There is no workspace “lab” here.");
}

/// U1: by day, event, workspace and person; the filter stays in the address of the next page.
#[actix_rt::test]
async fn filters_narrow_the_log() {
    let app = spawn().await;
    let (ada, _) = acme(&app).await;
    app.advance(86_400);
    let ada_again = app.sign_in("ada").await;
    ada_again
        .submit("/workspaces/acme/lab/settings/edit", &[("handle", "lab"), ("description", "New")])
        .await
        .assert_status(303);
    drop(ada);
    let today = app.app.now().to_string()[..10].to_owned();
    let yesterday = (app.app.now().plus_days(-1)).to_string()[..10].to_owned();
    let of = async |query: &str| events(&ada_again.get(&format!("{LOG}?{query}")).await);
    assert_eq!(of(&format!("from={today}")).await.first().unwrap(), "workspace.updated");
    assert!(!of(&format!("from={today}")).await.contains(&"account.created".to_owned()));
    let old = of(&format!("from={yesterday}&to={yesterday}")).await;
    assert_eq!(old, ["workspace.created", "workspace.created", "account.created"]);
    assert_eq!(of("event=account.created").await, ["account.created"]);
    assert_eq!(of("user=cyd").await, ["workspace.created"]);
    assert_eq!(of("user=CYD@example.org").await, ["workspace.created"]);
    assert_eq!(of("workspace=mill").await, ["workspace.created"]);
    assert_eq!(of("workspace=mill&user=ada").await, Vec::<String>::new());
    assert_eq!(of("to=1999-01-01").await, Vec::<String>::new());
    assert_eq!(of("from=2999-01-01").await, Vec::<String>::new());
    assert!(of("from=nonsense&event=").await.len() > 3);
    let page = ada_again.get(&format!("{LOG}?user=ada&event=workspace.created")).await;
    assert_eq!(page.attributes("input[name=user]", "value"), ["ada"]);
    let chosen = page.attributes("select[name=event] option[selected]", "value");
    assert_eq!(chosen, ["workspace.created"]);
    let export = &page.attributes("main .actions a", "href")[0];
    assert!(export.contains("event=workspace.created") && export.contains("user=ada"), "{export}");
}

/// Many entries, written as everything else writes them.
async fn many(app: &TestApp, count: u32) {
    app.app
        .db
        .write(Locks::Instance, move |db| {
            let acme = accounts::table.filter(accounts::handle.eq("acme")).select(accounts::id);
            let account: AccountId = acme.first(db)?;
            for n in 0..count {
                let details = json!({ "name": format!("=1+{n}") });
                let entry = Entry::of_account(Event::AccountUpdated, account, details);
                let now = bulkhead::base::db::Instant::from_microseconds(
                    1_795_425_840_000_000 + i64::from(n),
                );
                record(db, &By::System, entry, now)?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// U1, U5, LG-04: pages run through the whole log without a gap, and an export holds all of it, safe
/// for spreadsheets, with the very texts that the hashes cover.
#[actix_rt::test]
async fn a_long_log_is_paged_and_exported_whole() {
    let app = spawn().await;
    let (ada, _) = acme(&app).await;
    many(&app, 1300).await;
    let total: i64 = app
        .read(|db| {
            Ok(audit_entries::table
                .inner_join(accounts::table.on(accounts::id.eq(audit_entries::account_id)))
                .filter(accounts::handle.eq("acme"))
                .count()
                .get_result(db)?)
        })
        .await;
    let first = ada.get(&format!("{LOG}?event=account.updated")).await;
    let older = first.link("Next");
    assert!(older.contains("event=account.updated"), "{older}");
    let second = ada.get(&older).await;
    assert_eq!((events(&first).len(), events(&second).len()), (25, 25));
    let seen = |page: &Answer| page.attributes("main tbody a", "href");
    assert!(seen(&second).iter().all(|href| !seen(&first).contains(href)));
    assert_eq!(seen(&ada.get(&second.link("Previous")).await), seen(&first));

    let csv = ada.get(&format!("{LOG}/export?format=csv")).await;
    csv.assert_status(200);
    assert!(csv.header("content-disposition").unwrap().contains("acme-audit-log.csv"));
    assert_eq!(csv.text.lines().filter(|line| line.contains("account.updated")).count(), 1300);
    assert!(csv.text.contains(",'=1+7,"), "formulas get a quote");
    let jsonl = ada.get(&format!("{LOG}/export?format=jsonl")).await;
    let rows: Vec<Value> =
        jsonl.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(i64::try_from(rows.len()).unwrap(), total);
    let sequences: Vec<i64> = rows.iter().map(|row| row["sequence"].as_i64().unwrap()).collect();
    assert_eq!(sequences, (1..=total).rev().collect::<Vec<_>>());
    assert!(rows[0]["entry"].as_str().unwrap().contains("\"event\":\"account.updated\""));
    let narrowed = ada.get(&format!("{LOG}/export?format=jsonl&event=account.created")).await;
    assert_eq!(narrowed.text.lines().count(), 1);
    let nothing = ada.get(&format!("{LOG}/export?format=csv&user=nobody")).await;
    assert_eq!(nothing.text.lines().count(), 1, "only the head");
    ada.get(&format!("{LOG}/export?format=xls")).await.assert_status(422);
    app.assert_audit_is_whole().await;
}
