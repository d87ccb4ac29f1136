//! Making a workspace.

use bulkhead::base::db::schema::{accounts, audit_entries, workspaces};
use diesel::prelude::*;

use super::ids_of;
use crate::support::{TestApp, spawn, spawn_with};

async fn count(app: &TestApp) -> i64 {
    app.read(|db| Ok(workspaces::table.count().get_result(db)?)).await
}

/// L2, C1, C5: three fields, two buttons; then the settings with the commands to connect.
#[actix_rt::test]
async fn a_new_workspace_is_ready_to_connect() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = ada.get("/workspaces/new").await;
    assert_eq!(page.select("main label"), ["Owner", "Handle", "Description (optional)"]);
    assert_eq!(page.select("main select[name=owner] option"), ["ada (you)"]);
    page.shows("a–z, 0–9 and dashes").shows("Cancel").shows("Create").shows("ada/");

    let fields = [("handle", "Ingest-Prod"), ("description", "Feeds")];
    let answer = ada.submit("/workspaces/new", &fields).await;
    answer.assert_redirect_to("/workspaces/ada/ingest-prod/settings");
    let settings = ada.get("/workspaces/ada/ingest-prod/settings").await;
    settings.assert_status(200).shows("ada/ingest-prod is ready").shows("Feeds");
    settings.shows("prefect config set PREFECT_CLOUD_API_URL=\"http://localhost:");
    settings.shows("prefect cloud workspace set --workspace \"ada/ingest-prod\"");
    let names: Vec<(String, String)> = app
        .read(|db| Ok(workspaces::table.select((workspaces::handle, workspaces::name)).load(db)?))
        .await;
    assert_eq!(names, [("ingest-prod".to_owned(), "ingest-prod".to_owned())]);
    assert_eq!(app.audited("workspace.created").await, 1);
    app.assert_audit_is_whole().await;
}

/// C3, C4: what is typed wrong stays in the form, with a reason beside it.
#[actix_rt::test]
async fn a_bad_handle_is_refused_beside_its_field() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let long = "a".repeat(64);
    let cases = [
        ("", "Enter a handle."),
        ("   ", "Enter a handle."),
        ("my lab", "put a dash in place of the space"),
        ("lab_1", "in place of “_”"),
        ("labö", "“ö” can’t be in a handle"),
        ("lаb", "can’t be in a handle"),
        ("مختبر", "can’t be in a handle"),
        ("🚀", "another character"),
        ("a\u{202e}b", "another character"),
        ("<script>alert(1)</script>", "“<” can’t be in a handle"),
        ("../../etc", "“.” can’t be in a handle"),
        ("-lab", "none at either end"),
        ("lab--1", "single dashes"),
        ("new", "“new” is reserved"),
        ("DELETED", "“deleted” is reserved"),
        (&long, "at most 63"),
    ];
    for (handle, problem) in cases {
        let fields = [("handle", handle), ("description", "kept <b>text</b>")];
        let answer = ada.submit("/workspaces/new", &fields).await;
        answer.assert_status(422).shows(problem).shows("The workspace wasn’t created.");
        assert_eq!(answer.attributes("input[name=handle]", "value"), [handle]);
        assert_eq!(answer.attributes("input[name=handle]", "aria-invalid"), ["true"]);
        answer.shows("kept <b>text</b>");
    }
    assert_eq!(count(&app).await, 0);
}

/// C4: a description is plain text of at most 500 characters.
#[actix_rt::test]
async fn a_description_is_plain_text_up_to_a_length() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    for (description, problem) in
        [("é".repeat(501), "at most 500 characters"), ("a\u{200b}b".to_owned(), "invisible")]
    {
        let fields = [("handle", "lab"), ("description", &*description)];
        ada.submit("/workspaces/new", &fields).await.assert_status(422).shows(problem);
    }
    let text = "<img src=x onerror=alert(1)> 🚀 ندى {{7*7}} ${x} '); DROP TABLE workspaces; --";
    let fields = [("handle", "lab"), ("description", text)];
    ada.submit("/workspaces/new", &fields).await.assert_status(303);
    for page in ["/workspaces", "/workspaces/ada/lab", "/workspaces/ada/lab/settings"] {
        let answer = ada.get(page).await;
        answer.assert_status(200).shows(text);
        assert_eq!(answer.select("main img").len(), 0);
    }
}

/// C3: unique within the account; the same handle elsewhere is fine; a free one is proposed.
#[actix_rt::test]
async fn a_taken_handle_comes_with_a_free_one() {
    let app = spawn().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    for handle in ["ingest", "ingest-2"] {
        ada.workspace(handle).await;
    }
    let fields = [("handle", "ingest"), ("description", "second")];
    let answer = ada.submit("/workspaces/new", &fields).await;
    answer.assert_status(422).shows("“ingest” is taken. “ingest-3” is free.").shows("second");
    bob.workspace("ingest").await;
    assert_eq!(count(&app).await, 3);

    // A refused form may be corrected and sent again as it is.
    let form = ada.get("/workspaces/new").await.form("/workspaces/new", "");
    ada.fill(form.clone(), &[("handle", "ingest")]).await.assert_status(422);
    ada.fill(form, &[("handle", "ingest-3")]).await.assert_status(303);
}

/// C3: of simultaneous wishes for a handle exactly one is granted.
#[actix_rt::test]
async fn of_two_simultaneous_wishes_one_is_granted() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let mut forms = Vec::new();
    for _ in 0..4 {
        forms.push(ada.get("/workspaces/new").await.form("/workspaces/new", ""));
    }
    let fields = [("handle", "lab")];
    let answers =
        futures_util::future::join_all(forms.into_iter().map(|form| ada.fill(form, &fields))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 422, 422, 422]);
    assert_eq!(count(&app).await, 1);
    assert_eq!(app.audited("workspace.created").await, 1);
}

/// C3: a form that is sent twice makes one workspace and lands there twice.
#[actix_rt::test]
async fn a_double_submit_lands_on_the_first_one() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let form = ada.get("/workspaces/new").await.form("/workspaces/new", "");
    for handle in ["lab", "lab", "other"] {
        let answer = ada.fill(form.clone(), &[("handle", handle)]).await;
        answer.assert_redirect_to("/workspaces/ada/lab/settings");
    }
    assert_eq!(count(&app).await, 1);
}

/// C2: an owner that the page does not offer looks like one that is not there, and is noted.
#[actix_rt::test]
async fn a_forged_owner_is_refused_and_noted() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    app.user("bob").await;
    for owner in ["bob", "nobody", "' OR 1=1 --"] {
        let fields = [("owner", owner), ("handle", "lab")];
        ada.submit("/workspaces/new", &fields).await.assert_status(404);
    }
    assert_eq!(count(&app).await, 0);
    assert_eq!(app.audited("workspace.create-denied").await, 1);
    let fields = [("owner", ""), ("handle", "lab")];
    ada.submit("/workspaces/new", &fields).await.assert_status(422).shows("Choose an owner.");
    let (ada_id, _) = ids_of(&app, "ada").await;
    let denied = app
        .read(move |db| {
            Ok(audit_entries::table
                .filter(audit_entries::event.eq("workspace.create-denied"))
                .filter(audit_entries::account_id.eq(ada_id))
                .select(audit_entries::entry)
                .first::<String>(db)?)
        })
        .await;
    assert!(denied.contains(r#""owner":"bob""#), "{denied}");
}

/// C6, N1, N3: no more than the limit; a lowered limit takes nothing away, and blocks more.
#[actix_rt::test]
async fn a_full_account_says_so_and_takes_no_more() {
    let app = spawn_with(|flags| {
        flags.workspace_limit = Some(2);
        flags.support = Some("help@example.org".to_owned());
    })
    .await;
    let ada = app.user("ada").await;
    ada.get("/workspaces/new").await.shows("0 of 2 in use, 2 left");
    ada.workspace("one").await;
    let early = ada.get("/workspaces/new").await.form("/workspaces/new", "");
    ada.workspace("two").await;
    let full = ada.fill(early, &[("handle", "three")]).await;
    full.assert_status(409).shows("ada uses 2 of 2 workspaces").shows("help@example.org");
    assert_eq!(full.attributes("input[name=handle]", "value"), ["three"]);
    ada.get("/workspaces/new").await.assert_status(200).shows("There is no room");
    ada.get("/workspaces").await.shows("2 of 2 workspaces");

    let (account, _) = ids_of(&app, "ada").await;
    app.app
        .db
        .write(account, move |db| {
            diesel::update(accounts::table.find(account))
                .set(accounts::workspace_limit.eq(Some(1)))
                .execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
    ada.get("/workspaces").await.shows("2 of 1 workspaces").shows("one").shows("two");
    ada.get("/workspaces/ada/two").await.assert_status(200);
    let refused = ada.submit("/workspaces/new", &[("handle", "three")]).await;
    refused.assert_status(409).shows("ada uses 2 of 1 workspaces");
    assert_eq!(count(&app).await, 2);
}

/// C1: forms that no page sends are refused without a trace.
#[actix_rt::test]
async fn malformed_forms_change_nothing() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let whole = ada.get("/workspaces/new").await.form("/workspaces/new", "");
    let (mut doubled, mut foreign, mut big, mut nul) =
        (whole.clone(), whole.clone(), whole.clone(), whole.clone());
    doubled.fields.push(("handle".to_owned(), "a".to_owned()));
    foreign.fields.push(("account_id".to_owned(), "1".to_owned()));
    big.set("description", &"x".repeat(70_000));
    nul.set("handle", "a\0b");
    for (form, status) in [(doubled, 422), (foreign, 422), (big, 413), (nul, 422)] {
        ada.fill(form, &[]).await.assert_status(status);
    }
    let mut bare = whole.clone();
    bare.fields.retain(|(name, _)| name != "csrf");
    ada.fill(bare, &[("handle", "lab")]).await.assert_status(403);
    let mut missing = whole;
    missing.fields.retain(|(name, _)| name != "handle" && name != "description");
    ada.fill(missing, &[]).await.assert_status(422).shows("Enter a handle.");
    assert_eq!(count(&app).await, 0);
    for method in ["PUT", "DELETE", "PATCH"] {
        let headers = [("origin", app.base.as_str())];
        ada.send(method, "/workspaces/new", &headers, "").await.assert_status(405);
    }
}
