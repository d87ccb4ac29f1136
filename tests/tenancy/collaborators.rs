//! The people of a personal workspace: the list, the form that invites, and the row menu.

use bulkhead::base::db::schema::{invitations, mails, memberships};
use bulkhead::tenancy::invitations::model::State;
use diesel::prelude::*;

use super::api_keys::make_key;
use super::invited::{
    change, copied_link, invite, let_in, mailed_link, make_organization, members, sign_up, states,
    step, user_id, with_mail_server, workspace, workspace_id,
};
use crate::support::{Client, PASSWORD, TestApp, spawn, spawn_with};

const DAY: i64 = 86_400;

async fn ada_and_lab(app: &TestApp) -> (Client, String) {
    (app.user("ada").await, workspace(app, "ada", "lab").await)
}

/// B3: nobody yet: one sentence and one button.
#[actix_rt::test]
async fn an_empty_list_offers_to_invite() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let page = ada.get(&format!("{lab}/collaborators")).await;
    page.assert_status(200).shows("Workspace collaborators").shows("No collaborators yet");
    assert_eq!(page.link("Invite"), format!("{lab}/collaborators/invite"));
    assert!(page.select("table").is_empty());
}

/// B2, B4: people and invitations, their status, who sent what when, how the mail fares.
#[actix_rt::test]
async fn the_list_shows_people_and_invitations() {
    let app = spawn_with(with_mail_server).await;
    let (ada, lab) = ada_and_lab(&app).await;
    app.make_user("zoe", bulkhead::access::identify::Verified::Mailed).await;
    app.make_user("bob", bulkhead::access::identify::Verified::Mailed).await;
    let id = workspace_id(&app, "lab").await;
    let_in(&app, "zoe", id).await;
    let_in(&app, "bob", id).await;
    invite(&ada, &lab, "old@x.org").await.assert_status(303);
    app.advance(8 * DAY);
    let ada = app.sign_in("ada").await;
    invite(&ada, &lab, "new@x.org").await.assert_status(303);
    let (bob, now) = (user_id(&app, "bob").await, app.app.now());
    change(&app, move |db| {
        diesel::update(memberships::table.filter(memberships::user_id.eq(bob)))
            .set(memberships::last_seen_at.eq(Some(now)))
            .execute(db)?;
        Ok(())
    })
    .await;
    app.advance(2 * DAY);
    let ada = app.sign_in("ada").await;

    let page = ada.get(&format!("{lab}/collaborators")).await;
    page.assert_status(200).shows("4 collaborators · 2 active").shows("Mail queued");
    page.shows("Sent 2 days ago by Ada, expires in 5 days").shows("2 days ago").shows("never");
    let names = page.select("tbody .person b");
    assert_eq!(names, ["new@x.org", "old@x.org", "Bob", "Zoe"]);
    assert_eq!(page.select("tbody .chip"), ["Pending", "Expired", "Active", "Active"]);
    assert_eq!(page.links_containing("/link").len(), 1, "no link of an expired invitation");
    assert_eq!(page.links_containing("/resend").len(), 2);
    assert_eq!(page.links_containing("/revoke").len(), 2);
    assert_eq!(page.links_containing("/remove").len(), 2);
}

/// B2: search and filter, on the server, with characters that mean something to LIKE.
#[actix_rt::test]
async fn the_list_can_be_searched_and_filtered() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    app.make_user("bob", bulkhead::access::identify::Verified::Mailed).await;
    let_in(&app, "bob", workspace_id(&app, "lab").await).await;
    invite(&ada, &lab, "per%cent@x.org, under_score@x.org").await.assert_status(303);
    for (query, names) in [
        ("q=BOB", vec!["Bob"]),
        ("q=example.org", vec!["Bob"]),
        ("q=%25", vec!["per%cent@x.org"]),
        ("q=_", vec!["under_score@x.org"]),
        ("q=x.org", vec!["under_score@x.org", "per%cent@x.org"]),
        ("status=active", vec!["Bob"]),
        ("status=pending", vec!["under_score@x.org", "per%cent@x.org"]),
        ("status=pending&q=under", vec!["under_score@x.org"]),
        ("status=unheard-of&q=bob", vec!["Bob"]),
    ] {
        let page = ada.get(&format!("{lab}/collaborators?{query}")).await;
        assert_eq!(page.assert_status(200).select("tbody .person b"), names, "{query}");
    }
    for query in ["q=nobody", "status=expired", "q=%27%20OR%201%3D1", "q=%5C"] {
        let page = ada.get(&format!("{lab}/collaborators?{query}")).await;
        page.assert_status(200).shows("No collaborator matches.");
        assert_eq!(page.link("Clear"), format!("{lab}/collaborators"));
    }
}

/// SP-22: pages of 25, there and back, across the border of invitations and people.
#[actix_rt::test]
async fn the_list_is_paged_both_ways() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let id = workspace_id(&app, "lab").await;
    for n in 0..45 {
        let handle: &'static str = Box::leak(format!("p{n:02}").into_boxed_str());
        app.make_user(handle, bulkhead::access::identify::Verified::Mailed).await;
        let_in(&app, handle, id).await;
    }
    let lines: Vec<String> = (0..30).map(|n| format!("i{n:02}@x.org")).collect();
    invite(&ada, &lab, &lines.join("\n")).await.assert_status(303);
    let mut expected: Vec<String> = lines.into_iter().rev().collect();
    expected.extend((0..45).map(|n| format!("P{n:02}")));

    let mut path = format!("{lab}/collaborators");
    let (mut seen, mut pages) = (Vec::new(), Vec::new());
    loop {
        let page = ada.get(&path).await;
        let names = page.assert_status(200).select("tbody .person b");
        assert!(names.len() <= 25);
        seen.extend(names.clone());
        pages.push(names);
        match page.attributes("a[rel=next]", "href").pop() {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!((seen, pages.len()), (expected, 3));
    for expected in pages.iter().rev().skip(1) {
        path = ada.get(&path).await.attributes("a[rel=prev]", "href").pop().unwrap();
        assert_eq!(&ada.get(&path).await.select("tbody .person b"), expected);
    }
    assert!(ada.get(&path).await.attributes("a[rel=prev]", "href").is_empty());
    // Keys that no page makes.
    for bad in ["after=x", "before=i.x", "after=c.1.x", "after=%27"] {
        ada.get(&format!("{lab}/collaborators?{bad}")).await.assert_status(200);
    }
}

/// B1, AZ: collaborators look, strangers see nothing, nobody but the owner acts.
#[actix_rt::test]
async fn collaborators_look_and_strangers_see_nothing() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let bob = app.user("bob").await;
    let eve = app.user("eve").await;
    let_in(&app, "bob", workspace_id(&app, "lab").await).await;
    invite(&ada, &lab, "new@x.org").await.assert_status(303);
    let list = format!("{lab}/collaborators");
    let page = bob.get(&list).await;
    page.assert_status(200).shows("new@x.org").shows("Pending").lacks("Mail kept").lacks("Revoke");
    assert!(
        page.links_containing("/collaborators/").is_empty(),
        "{:?}",
        page.links_containing("/c")
    );
    let steps = [
        format!("{list}/invite"),
        step(&ada, &lab, "new@x.org", "resend").await,
        step(&ada, &lab, "new@x.org", "revoke").await,
        step(&ada, &lab, "new@x.org", "link").await,
        step(&ada, &lab, "bob", "remove").await,
    ];
    let form = |page: crate::support::Answer| page.form("/profile", "").fields;
    let (bobs, eves) = (form(bob.get("/profile").await), form(eve.get("/profile").await));
    let tokens = |fields: &[(String, String)]| -> Vec<(String, String)> {
        fields.iter().filter(|(name, _)| name == "csrf" || name == "once").cloned().collect()
    };
    for path in &steps {
        bob.get(path).await.assert_status(403).shows("Your role here is Collaborator");
        bob.post(path, &tokens(&bobs)).await.assert_status(403);
        eve.get(path).await.assert_status(404);
        eve.post(path, &tokens(&eves)).await.assert_status(404);
        app.visitor().get(path).await.assert_status(303);
    }
    eve.get(&list).await.assert_status(404);
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 1));
}

/// B7: an organization's workspace has no such page.
#[actix_rt::test]
async fn an_organization_has_no_collaborators() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    invite(&ada, &lab, "new@x.org").await.assert_status(303);
    let steps = [
        format!("{lab}/collaborators/invite"),
        step(&ada, &lab, "new@x.org", "resend").await,
        step(&ada, &lab, "new@x.org", "link").await,
    ];
    let form = ada.get(&steps[0]).await.form(&steps[0], "");
    make_organization(&app, "ada").await;
    for path in &steps {
        ada.get(path).await.assert_status(404);
    }
    // Links to the list lead on, as after a transfer.
    let list = format!("{lab}/collaborators");
    ada.get(&list).await.assert_redirect_to(&format!("{lab}/sharing"));
    ada.fill(form, &[("email", "b@x.org")]).await.assert_status(404);
}

/// IN-10: what is named in an address belongs to the workspace of that address.
#[actix_rt::test]
async fn ids_of_another_workspace_do_not_exist_here() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let eve = app.user("eve").await;
    let den = workspace(&app, "eve", "den").await;
    let own = workspace(&app, "ada", "other").await;
    app.make_user("bob", bulkhead::access::identify::Verified::Mailed).await;
    let_in(&app, "bob", workspace_id(&app, "lab").await).await;
    invite(&ada, &lab, "new@x.org").await.assert_status(303);
    let eves = eve.get("/profile").await.form("/profile", "").fields;
    let adas = ada.get("/profile").await.form("/profile", "").fields;
    let tokens = |fields: &[(String, String)]| -> Vec<(String, String)> {
        fields.iter().filter(|(name, _)| name == "csrf" || name == "once").cloned().collect()
    };
    for (row, name) in
        [("new@x.org", "resend"), ("new@x.org", "revoke"), ("new@x.org", "link"), ("bob", "remove")]
    {
        let path = step(&ada, &lab, row, name).await;
        for (client, place, fields) in [(&eve, &den, &eves), (&ada, &own, &adas)] {
            let foreign = path.replace(&lab, place);
            client.get(&foreign).await.assert_status(404);
            client.post(&foreign, &tokens(fields)).await.assert_status(404);
        }
        for bad in ["x", "00000000-0000-0000-0000-000000000000", "%20", "1%27"] {
            let bad = format!("{lab}/collaborators/{bad}/{name}");
            ada.get(&bad).await.assert_status(404);
        }
    }
    assert_eq!((states(&app).await, members(&app).await), (vec![State::Pending], 1));
}

/// B6, EM-06: the page names the person; access ends at once; the person is told.
#[actix_rt::test]
async fn a_removed_collaborator_has_no_access_at_once() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let bob = app.user("bob").await;
    let_in(&app, "bob", workspace_id(&app, "lab").await).await;
    let list = format!("{lab}/collaborators");
    bob.get(&list).await.assert_status(200);
    let key = make_key(&bob, "laptop").await;
    let with_key = async || app.api(&key).get("/api/me/workspaces").await.text;
    assert!(with_key().await.contains("\"lab\""));
    let page = step(&ada, &lab, "bob", "remove").await;
    let asked = ada.get(&page).await;
    asked
        .assert_status(200)
        .shows("Remove Bob?")
        .shows("loses access to lab at once")
        .shows("API keys");
    let form = asked.form(&page, "");
    ada.fill(form.clone(), &[]).await.assert_redirect_to(&list);
    bob.get(&list).await.assert_status(404);
    assert!(!with_key().await.contains("\"lab\""));
    ada.get(&list).await.shows("Bob was removed").shows("No collaborators yet");
    ada.fill(form, &[]).await.assert_status(409);
    ada.get(&page).await.assert_status(404);
    let told = app.inbox("bob@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "Your access to lab has ended");
    assert!(told.text.contains("“Ada”") && told.text.contains("ada/lab"), "{}", told.text);
    assert_eq!(app.audited("workspace-access.deleted").await, 1);
    app.assert_audit_is_whole().await;
}

/// Behaviour of the form: every line gets its answer, and what was not sent stays.
#[actix_rt::test]
async fn every_line_of_the_form_gets_its_answer() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    app.make_user("bob", bulkhead::access::identify::Verified::Mailed).await;
    let_in(&app, "bob", workspace_id(&app, "lab").await).await;
    invite(&ada, &lab, "old@x.org").await.assert_status(303);
    let lines = "new@x.org\r\nBOB@example.org\r\nOld@x.org, ADA@Example.org\r\nnot an address\r\n\
                 \"Lind, Mara\" <mara@x.org>\r\nMax <max@x.org> Mia <mia@x.org>\r\nNEW@x.org\r\n\r\n";
    let answer = invite(&ada, &lab, lines).await;
    answer.assert_status(200).shows("2 people are invited, 5 lines were left out");
    answer
        .shows("new@x.org : Invited, mail kept.")
        .shows("BOB@example.org : Already a collaborator");
    answer.shows("Old@x.org : Already invited").shows("This is your own address");
    answer.shows("An address has no spaces").shows("without a name or brackets");
    answer.shows("mara@x.org : Invited, mail kept.");
    assert!(answer.link("Resend").ends_with("/resend"));
    let kept =
        "BOB@example.org Old@x.org ADA@Example.org not an address Max <max@x.org> Mia <mia@x.org>";
    assert_eq!(answer.select("textarea"), [kept]);
    assert_eq!(answer.header("cache-control").unwrap(), "no-store");
    assert_eq!(states(&app).await.len(), 3);
}

/// A form takes fifty lines; the rest stays in it.
#[actix_rt::test]
async fn a_form_takes_fifty_lines() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let lines: Vec<String> = (0..60).map(|n| format!("n{n}@x.org")).collect();
    let answer = invite(&ada, &lab, &lines.join("\n")).await;
    answer.assert_status(200).shows("50 people are invited, 10 lines were left out");
    answer.shows("one form takes 50 addresses");
    assert!(answer.select("textarea")[0].starts_with("n50@x.org"));
    assert_eq!(states(&app).await.len(), 50);
}

/// Bad input: refused with a sentence, and nothing is sent.
#[actix_rt::test]
async fn bad_input_sends_nothing() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let page = format!("{lab}/collaborators/invite");
    for (value, says) in [
        ("", "Type at least one address."),
        (" \r\n , ;\r\n", "Type at least one address."),
        ("bob", "Type an email address like"),
        ("bob@", "Type an email address like"),
        ("bob@[127.0.0.1]", "Type an email address like"),
        ("\"b b\"@x.org", "quotation marks"),
        ("a@b@x.org", "one address"),
        ("bob\u{200b}@x.org", "invisible"),
        ("bob@x.org\tBcc:eve@x.org", "invisible"),
        ("ada@example.org", "your own address"),
        ("ａｄａ@example.org", "your own address"),
    ] {
        let answer = invite(&ada, &lab, value).await;
        answer.assert_status(422).shows(says);
        assert_eq!(
            answer.attributes("textarea[aria-invalid=true]", "name"),
            ["email"],
            "{value:?}"
        );
    }
    let long = format!("{}@x.org", "l".repeat(300));
    invite(&ada, &lab, &long).await.assert_status(422);
    let form = ada.get(&page).await.form(&page, "");
    ada.fill(form.clone(), &[("email", "b@x.org\0")]).await.assert_status(422);
    ada.fill(form.clone(), &[("role", "owner"), ("email", "b@x.org")]).await.assert_status(422);
    let mut twice = form.clone();
    twice.fields.push(("email".to_owned(), "b@x.org".to_owned()));
    ada.post(&twice.action, &twice.fields).await.assert_status(422);
    let huge = "x".repeat(70_000);
    ada.fill(form, &[("email", &huge)]).await.assert_status(413);
    ada.send("PUT", &page, &[], "").await.assert_status(405);
    assert_eq!(
        (states(&app).await.len(), app.audited("workspace-invitation.created").await),
        (0, 0)
    );
}

/// F-19, SP-17: a form sent twice counts once.
#[actix_rt::test]
async fn a_form_sent_twice_invites_once() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let page = format!("{lab}/collaborators/invite");
    let form = ada.get(&page).await.form(&page, "");
    let list = format!("{lab}/collaborators");
    ada.fill(form.clone(), &[("email", "b@x.org")]).await.assert_redirect_to(&list);
    let page = ada.get(&list).await;
    page.shows("b@x.org is invited.").shows("No mail server is set");
    let link = page.links_containing("/link").remove(0);
    ada.submit(&link, &[]).await.assert_status(200).shows("/invitations/");
    ada.fill(form.clone(), &[("email", "c@x.org")]).await.assert_status(409);
    assert_eq!(states(&app).await.len(), 1);
}

/// IN-01: resending makes a new link with all its days; the old one is dead.
#[actix_rt::test]
async fn resending_makes_a_new_link() {
    let app = spawn_with(with_mail_server).await;
    let (ada, lab) = ada_and_lab(&app).await;
    invite(&ada, &lab, "bob@x.org").await.assert_status(303);
    let old = mailed_link(&app, "bob@x.org").await;
    let old_copy = copied_link(&ada, &lab, "bob@x.org").await;
    app.advance(5 * DAY);
    let ada = app.sign_in("ada").await;
    let page = step(&ada, &lab, "bob@x.org", "resend").await;
    ada.get(&page).await.assert_status(200).shows("valid for 7 days");
    ada.submit(&page, &[]).await.assert_redirect_to(&format!("{lab}/collaborators"));
    ada.get(&format!("{lab}/collaborators"))
        .await
        .shows("sent to bob@x.org again")
        .shows("Sent just now");
    app.visitor().get(&old).await.assert_status(404);
    app.visitor().get(&old_copy).await.assert_status(404);
    app.advance(6 * DAY);
    app.visitor().get(&mailed_link(&app, "bob@x.org").await).await.assert_status(200);
    assert_eq!(app.audited("workspace-invitation.updated").await, 2);
}

/// SP-17: the link is shown once, to the answer of a POST, and is of another purpose.
#[actix_rt::test]
async fn a_copied_link_is_shown_in_the_answer_alone() {
    let app = spawn_with(with_mail_server).await;
    let (ada, lab) = ada_and_lab(&app).await;
    invite(&ada, &lab, "bob@x.org").await.assert_status(303);
    let page = step(&ada, &lab, "bob@x.org", "link").await;
    ada.get(&page)
        .await
        .assert_status(200)
        .lacks("/invitations/")
        .shows("confirm the address by mail");
    let answer = ada.submit(&page, &[]).await;
    answer.assert_status(200).shows(&format!("{}/invitations/", app.base));
    assert_eq!(answer.header("cache-control").unwrap(), "no-store");
    let link = copied_link(&ada, &lab, "bob@x.org").await;
    assert_ne!(link, mailed_link(&app, "bob@x.org").await);
    app.visitor().get(&link).await.assert_status(200);
    app.advance(7 * DAY);
    let ada = app.sign_in("ada").await;
    let form = ada.get(&page).await;
    form.assert_status(200).shows("An expired link is of no use").lacks("Show link");
    let form = form.form(&page, "");
    ada.fill(form, &[]).await.assert_status(422).lacks("/invitations/");
}

/// lifecycles: what was answered meanwhile is told, not done.
#[actix_rt::test]
async fn steps_on_an_answered_invitation_lead_back() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    invite(&ada, &lab, "bob@x.org").await.assert_status(303);
    let mut forms = Vec::new();
    for name in ["resend", "revoke", "link"] {
        let page = step(&ada, &lab, "bob@x.org", name).await;
        forms.push((page.clone(), ada.get(&page).await.form(&page, "")));
    }
    sign_up(&app.visitor(), &mailed_link(&app, "bob@x.org").await, "bob").await.assert_status(303);
    let list = format!("{lab}/collaborators");
    for (page, form) in forms {
        ada.fill(form, &[]).await.assert_redirect_to(&list);
        ada.get(&list).await.shows("was answered or revoked meanwhile");
        ada.get(&page).await.assert_redirect_to(&list);
    }
    assert_eq!(states(&app).await, [State::Accepted]);
}

/// lifecycles: a mail that fails is told to the owner, and the invitation stays.
#[actix_rt::test]
async fn the_list_tells_how_the_mail_fares() {
    let app = spawn_with(with_mail_server).await;
    let (ada, lab) = ada_and_lab(&app).await;
    invite(&ada, &lab, "bob@x.org").await.assert_status(303);
    let list = format!("{lab}/collaborators");
    for (state, error, says) in [
        ("queued", None, "Mail queued"),
        ("sending", None, "Mail queued"),
        ("sent", None, "Mail sent"),
        ("failed", Some("451 try later"), "trying again: 451 try later"),
        ("dead", Some("550 no <b>such</b> user"), "Mail not delivered: 550 no <b>such</b> user"),
    ] {
        change(&app, move |db| {
            diesel::update(mails::table)
                .set((mails::state.eq(state), mails::last_error.eq(error)))
                .execute(db)?;
            Ok(())
        })
        .await;
        ada.get(&list).await.assert_status(200).shows(says).shows("Pending");
    }
    change(&app, |db| {
        diesel::update(invitations::table)
            .set(invitations::mail_id.eq(None::<bulkhead::base::db::Id<State>>))
            .execute(db)?;
        Ok(())
    })
    .await;
    ada.get(&list).await.assert_status(200).shows("Pending").lacks("Mail");
    let app = app.restart_with(|_| {});
    let ada = app.sign_in("ada").await;
    invite(&ada, &lab, "new@x.org").await.assert_status(303);
    ada.get(&list).await.shows("Mail kept: no mail server is set");
}

/// N+1: a page of the list asks the database as often for many rows as for few.
#[actix_rt::test]
async fn the_list_asks_the_database_the_same_number_of_times() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    let list = format!("{lab}/collaborators");
    let calls = async |ada: &Client| {
        let before = app.app.db.calls();
        ada.get(&list).await.assert_status(200);
        app.app.db.calls() - before
    };
    invite(&ada, &lab, "one@x.org").await.assert_status(303);
    ada.get(&list).await;
    let few = calls(&ada).await;
    let lines: Vec<String> = (0..24).map(|n| format!("n{n}@x.org")).collect();
    invite(&ada, &lab, &lines.join("\n")).await.assert_status(303);
    ada.get(&list).await;
    assert_eq!(calls(&ada).await, few);
}

/// The list is sorted by the name in lower case, which a membership keeps.
#[actix_rt::test]
async fn a_membership_keeps_the_name_in_lower_case() {
    let app = spawn().await;
    let (ada, lab) = ada_and_lab(&app).await;
    invite(&ada, &lab, "bob@x.org").await.assert_status(303);
    let link = mailed_link(&app, "bob@x.org").await;
    let fields = [("name", "ÉMILE Bob"), ("handle", "bob"), ("password", PASSWORD)];
    app.visitor().submit_form(&link, "sign-up", &fields).await.assert_status(303);
    let names: Vec<String> =
        app.read(|db| Ok(memberships::table.select(memberships::sort_name).load(db)?)).await;
    assert_eq!(names, ["émile bob"]);
    ada.get(&format!("{lab}/collaborators?q=%C3%A9MILE")).await.shows("ÉMILE Bob");
}
