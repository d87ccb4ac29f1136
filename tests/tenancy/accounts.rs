//! People: sign-up, sign-in, passwords, addresses, devices.

use crate::support::{PASSWORD, spawn, spawn_with};
use bulkhead::access::identify::Verified;

/// SP-3, AU-07: the printed link makes the first user, once.
#[actix_rt::test]
async fn the_setup_link_makes_the_first_user_once() {
    let app = spawn().await;
    let token = bulkhead::tenancy::accounts::actions::setup_token(&app.app.context);
    let page = format!("/setup?token={token}");
    let ada = app.visitor();
    let answer = ada
        .submit(
            &page,
            &[
                ("name", "Ada"),
                ("handle", "ada"),
                ("email", "ada@example.org"),
                ("password", PASSWORD),
            ],
        )
        .await;
    answer.assert_redirect_to("/workspaces");
    ada.get("/profile").await.assert_status(200).shows("ada@example.org");
    app.visitor().get(&page).await.assert_status(404);
    assert_eq!(app.audited("user.created").await, 1);
    app.assert_audit_is_whole().await;
}

/// AU-07: without the token there is nothing to set up.
#[actix_rt::test]
async fn a_wrong_setup_token_looks_like_no_page() {
    let app = spawn().await;
    for token in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        app.visitor().get(&format!("/setup?token={token}")).await.assert_status(404);
    }
}

/// SP-11, AU-12, AU-15: sign-up, the mailed link, sign-in.
#[actix_rt::test]
async fn a_person_signs_up_confirms_and_signs_in() {
    let app = spawn().await;
    let bob = app.visitor();
    let fields =
        [("name", "Bob"), ("handle", "bob"), ("email", "Bob@Example.org"), ("password", PASSWORD)];
    bob.submit("/sign-up", &fields).await.assert_redirect_to("/verify-email");
    bob.get("/verify-email").await.assert_status(200).shows("Check your mail");
    bob.get("/workspaces").await.assert_redirect_to("/sign-in");

    let mail = app.inbox("Bob@example.org").await.pop().unwrap();
    assert_eq!(mail.subject, "Confirm your email address");
    bob.get(&mail.link()).await.assert_status(200).shows("Confirm address");
    // Whoever has the mailbox alone does not confirm an account that somebody else made with it.
    bob.submit(&mail.link(), &[("password", "not the password")])
        .await
        .assert_status(422)
        .shows("This is not its password.");
    bob.submit(&mail.link(), &[("password", PASSWORD)]).await.assert_redirect_to("/workspaces");
    bob.get("/workspaces").await.assert_status(200).shows("Your address is confirmed.");
    bob.get(&mail.link()).await.assert_status(410);
    app.visitor()
        .submit("/sign-in", &[("email", "bob@example.org"), ("password", PASSWORD)])
        .await
        .assert_redirect_to("/workspaces");
}

/// AU-10: a known and an unknown address end alike, and the known one is told by mail.
#[actix_rt::test]
async fn signing_up_with_a_known_address_looks_the_same() {
    let app = spawn().await;
    app.user("ada").await;
    let visitor = app.visitor();
    let fields =
        [("name", "Eve"), ("handle", "eve"), ("email", "ADA@example.org"), ("password", PASSWORD)];
    visitor.submit("/sign-up", &fields).await.assert_redirect_to("/verify-email");
    let mail = app.inbox("ADA@example.org").await.pop().unwrap();
    assert_eq!(mail.subject, "You already have an account");
    assert_eq!(app.audited("user.created").await, 1);
}

/// C4, AU-01 … AU-03, IV-09: what is wrong stands beside the field, and what was typed stays.
#[actix_rt::test]
async fn a_bad_sign_up_keeps_what_was_typed() {
    let app = spawn().await;
    app.user("ada").await;
    let visitor = app.visitor();
    let good =
        [("name", "Bob"), ("handle", "bob"), ("email", "bob@example.org"), ("password", PASSWORD)];
    for (field, value, says) in [
        ("name", "", "Enter a name."),
        ("name", "a\u{202e}b", "invisible"),
        ("handle", "", "handle"),
        ("handle", "ada", "taken"),
        ("handle", "new", "reserved"),
        ("handle", "-bob", "dash"),
        ("handle", "b\u{43e}b", "be in a handle"),
        ("email", "bob", "address like"),
        ("email", "bob@example.org, eve@example.org", "one"),
        ("password", "short", "12 characters"),
        ("password", "aaaaaaaaaaaaaaaa", "easy to guess"),
        ("password", "password1234567", "easy to guess"),
        ("password", "bob@example.org", "easy to guess"),
        ("password", "B.u.l.k.h.e.a.d-2026", "easy to guess"),
        ("password", "bulkhead localhost prefect", "easy to guess"),
        ("password", "8u1kh34d_Pr3f3ct!", "easy to guess"),
        ("password", "Bob Example Bulkhead", "easy to guess"),
        ("password", "elpmaxe-bob-daehklub", "easy to guess"),
    ] {
        let mut fields = good.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = visitor.submit("/sign-up", &fields).await;
        answer.assert_status(422);
        let problems = answer.select(".error").join(" ").to_lowercase();
        assert!(problems.contains(&says.to_lowercase()), "{field}={value:?}: {problems}");
        if field != "email" {
            assert_eq!(answer.attributes("#email", "value"), ["bob@example.org"]);
        }
        assert_eq!(answer.attributes("#password", "value").concat(), "");
    }
    assert_eq!(app.audited("user.created").await, 1);
}

/// AU-15: whoever has not confirmed reaches the verify page, and nothing else.
#[actix_rt::test]
async fn an_unverified_person_reaches_only_the_verify_page() {
    let app = spawn().await;
    app.make_user("bob", Verified::No).await;
    let bob = app.sign_in("bob").await;
    for path in ["/workspaces", "/workspaces/new", "/profile", "/profile/security"] {
        bob.get(path).await.assert_redirect_to("/verify-email");
    }
    bob.submit("/verify-email", &[]).await.assert_redirect_to("/verify-email");
    let mail = app.inbox("bob@example.org").await.pop().unwrap();
    bob.submit(&mail.link(), &[]).await.assert_redirect_to("/workspaces");
    bob.get("/profile").await.assert_status(200);
}

/// AU-12: the newest link only, and only for a day.
#[actix_rt::test]
async fn an_old_confirmation_link_is_dead() {
    let app = spawn().await;
    app.make_user("bob", Verified::No).await;
    let bob = app.sign_in("bob").await;
    bob.submit("/verify-email", &[]).await;
    let first = app.inbox("bob@example.org").await.pop().unwrap().link();
    app.advance(120);
    bob.submit("/verify-email", &[]).await;
    bob.get(&first).await.assert_status(410);
    let second = app.inbox("bob@example.org").await.pop().unwrap().link();
    app.advance(23 * 3600);
    bob.get(&second).await.assert_status(200);
    app.advance(2 * 3600);
    app.visitor().get(&second).await.assert_status(410);
}

/// AU-02: exactly the password, to the last space.
#[actix_rt::test]
async fn a_password_is_verified_exactly() {
    let app = spawn().await;
    app.user("ada").await;
    let upper = PASSWORD.to_uppercase();
    let spaced = format!("{PASSWORD} ");
    for wrong in ["", &PASSWORD[..12], &upper, &spaced] {
        let answer = app
            .visitor()
            .submit("/sign-in", &[("email", "ada@example.org"), ("password", wrong)])
            .await;
        answer.assert_status(422).shows("Email, handle or password is wrong.");
    }
}

/// AU-10: an unknown person, a wrong password: the same bytes but for the tokens.
#[actix_rt::test]
async fn an_unknown_person_looks_like_a_wrong_password() {
    let app = spawn().await;
    app.user("ada").await;
    let mut pages = Vec::new();
    for email in ["ada@example.org", "eve@example.org"] {
        let answer = app
            .visitor()
            .submit("/sign-in", &[("email", email), ("password", "not it at all")])
            .await;
        answer.assert_status(422);
        pages.push(answer.visible().replace(email, "…"));
    }
    assert_eq!(pages[0], pages[1]);
}

/// AU-08, AU-10: guesses from one network pause a login there, known or not, and only there: the
/// owner gets in from elsewhere, and is told.
#[actix_rt::test]
async fn guessing_pauses_a_login_but_never_locks_its_owner_out() {
    let app = spawn().await;
    app.user("ada").await;
    for email in ["ada@example.org", "nobody@example.org"] {
        let guesser = app.visitor();
        let mut evaluated = 0;
        for _ in 0..20 {
            let fields = [("email", email), ("password", "wrong wrong")];
            let answer = guesser.submit("/sign-in", &fields).await;
            match answer.status {
                422 => evaluated += 1,
                429 => assert!(answer.header("retry-after").is_some()),
                other => panic!("{other}"),
            }
        }
        assert_eq!(evaluated, 5, "{email}");
        let right = [("email", email), ("password", PASSWORD)];
        guesser.submit("/sign-in", &right).await.assert_status(429);
    }
    app.sign_in("ada").await;
}

/// AU-08: guesses from everywhere at once are too many for one login as well.
#[actix_rt::test]
async fn guessing_from_many_networks_pauses_a_login_too() {
    let app = spawn().await;
    app.user("ada").await;
    let mut evaluated = 0;
    for _ in 0..60 {
        let fields = [("email", "ada@example.org"), ("password", "wrong wrong")];
        if app.visitor().submit("/sign-in", &fields).await.status == 422 {
            evaluated += 1;
        }
    }
    assert_eq!(evaluated, 50);
    app.advance(31);
    app.sign_in("ada").await;
}

/// AU-18: a sign-in after five wrong passwords is told by mail.
#[actix_rt::test]
async fn a_sign_in_after_wrong_passwords_is_told() {
    let app = spawn().await;
    app.user("ada").await;
    let ada = app.visitor();
    for _ in 0..5 {
        ada.submit("/sign-in", &[("email", "ada"), ("password", "wrong wrong")]).await;
    }
    app.advance(31);
    ada.submit("/sign-in", &[("email", "ada"), ("password", PASSWORD)]).await.assert_status(303);
    let subjects: Vec<_> =
        app.inbox("ada@example.org").await.into_iter().map(|mail| mail.subject).collect();
    assert!(subjects.contains(&"New sign-in to your account".to_owned()), "{subjects:?}");
}

/// AU-12, AU-14: a link confirms only the address that it was mailed to, and a later change, taken
/// or free, ends it alike.
#[actix_rt::test]
async fn a_confirmation_link_dies_with_the_next_change() {
    let app = spawn().await;
    app.user("ada").await;
    let eve = app.user("eve").await;
    for probe in ["ada@example.org", "nobody@example.org"] {
        app.advance(120);
        eve.submit("/confirm-access", &[("password", PASSWORD)]).await;
        eve.submit("/profile/email", &[("email", "second@example.org")]).await.assert_status(303);
        let link = app.inbox("second@example.org").await.pop().unwrap().link();
        eve.get(&link).await.assert_status(200);
        eve.submit("/profile/email", &[("email", probe)]).await.assert_status(303);
        eve.get(&link).await.assert_status(410);
    }
}

/// AU-14: another password takes back a change of the address that somebody else may have begun,
/// and ends reset links.
#[actix_rt::test]
async fn another_password_ends_every_link() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.submit("/profile/email", &[("email", "evil@example.net")]).await.assert_status(303);
    app.visitor().submit("/forgot-password", &[("email", "ada@example.org")]).await;
    let confirm = app.inbox("evil@example.net").await.pop().unwrap().link();
    let reset = app.inbox("ada@example.org").await.pop().unwrap().link();
    let new = "lantern-gravel-orchid-31";
    let fields = [("current_password", PASSWORD), ("new_password", new)];
    ada.submit_form("/profile/security", "Change password", &fields).await.assert_status(303);
    app.visitor().get(&confirm).await.assert_status(410);
    app.visitor().get(&reset).await.assert_status(410);
    ada.get("/profile").await.lacks("evil@example.net");
}

/// AU-14: a person keeps the present address after all.
#[actix_rt::test]
async fn a_change_of_the_address_can_be_taken_back() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.submit("/profile/email", &[("email", "other@example.net")]).await.assert_status(303);
    let link = app.inbox("other@example.net").await.pop().unwrap().link();
    ada.submit_form("/profile", "Keep this address", &[]).await.assert_redirect_to("/profile");
    ada.get("/profile").await.lacks("other@example.net");
    ada.get(&link).await.assert_status(410);
}

/// D-22: strangers cannot make us flood a mailbox.
#[actix_rt::test]
async fn a_mailbox_is_not_flooded() {
    let app = spawn().await;
    app.user("ada").await;
    for n in 0..6 {
        let handle = format!("x{n}");
        let fields = [
            ("name", "X"),
            ("handle", &handle),
            ("email", "ada@example.org"),
            ("password", PASSWORD),
        ];
        app.visitor().submit("/sign-up", &fields).await.assert_status(303);
    }
    assert_eq!(app.inbox("ada@example.org").await.len(), 1);
    for _ in 0..30 {
        app.advance(61);
        app.visitor().submit("/forgot-password", &[("email", "ada@example.org")]).await;
    }
    let mails = app.inbox("ada@example.org").await;
    assert!(mails.len() <= 11, "{}", mails.len());
}

/// AU-09: re-authentication and the change of the password use the same budget.
#[actix_rt::test]
async fn all_checks_of_a_password_share_one_budget() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    for _ in 0..3 {
        ada.submit("/confirm-access", &[("password", "wrong")]).await.assert_status(422);
    }
    let change = [("current_password", "wrong"), ("new_password", "entirely different words 7")];
    for _ in 0..2 {
        ada.submit_form("/profile/security", "Change password", &change).await.assert_status(422);
    }
    ada.submit("/confirm-access", &[("password", PASSWORD)]).await.assert_status(429);
}

/// AU-08, AU-09: an account has one budget, by whichever name it is called.
#[actix_rt::test]
async fn every_name_of_an_account_shares_one_budget() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    app.user("bob").await;
    let visitor = app.visitor();
    let wrong = async |login: &str| {
        let fields = [("email", login), ("password", "not the password")];
        visitor.submit("/sign-in", &fields).await.status
    };
    for login in ["ada", "ada@example.org", "ADA@Example.org", " Ada ", "ada@example.org"] {
        assert_eq!(wrong(login).await, 422, "{login}");
    }
    for login in ["ada", "ada@example.org"] {
        let right = [("email", login), ("password", PASSWORD)];
        visitor.submit("/sign-in", &right).await.assert_status(429);
    }
    // Others, known or not, have their own; so has the owner elsewhere.
    assert_eq!((wrong("bob").await, wrong("nobody").await), (422, 422));
    ada.submit("/confirm-access", &[("password", PASSWORD)]).await.assert_status(303);
    app.sign_in("ada").await;
}

/// AU-12, AU-13: a reset changes nothing until it is done, ends all sessions, signs nobody in.
#[actix_rt::test]
async fn a_reset_ends_all_sessions() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let elsewhere = app.visitor();
    elsewhere.submit("/forgot-password", &[("email", "ada@example.org")]).await.assert_status(200);
    ada.get("/profile").await.assert_status(200);
    let link = app.inbox("ada@example.org").await.pop().unwrap().link();
    elsewhere.get(&link).await.assert_status(200);
    elsewhere.submit(&link, &[("new_password", "short")]).await.assert_status(422);
    let new = "lantern-gravel-orchid-31";
    elsewhere
        .submit(&link, &[("new_password", new)])
        .await
        .assert_redirect_to("/sign-in?done=reset");
    elsewhere.get("/profile").await.assert_status(303);
    ada.get("/profile").await.assert_redirect_to("/sign-in?next=%2Fprofile");
    elsewhere.get(&link).await.assert_status(410);
    app.visitor()
        .submit("/sign-in", &[("email", "ada"), ("password", PASSWORD)])
        .await
        .assert_status(422);
    app.visitor()
        .submit("/sign-in", &[("email", "ada"), ("password", new)])
        .await
        .assert_status(303);
    let last = app.inbox("ada@example.org").await.pop().unwrap();
    assert!(last.subject.contains("password was changed") || last.subject.contains("New sign-in"));
}

/// AU-10, AU-12: an unknown address gets the same page and no mail; an old link dies in 30 minutes.
#[actix_rt::test]
async fn a_reset_link_lives_for_half_an_hour() {
    let app = spawn().await;
    app.user("ada").await;
    let visitor = app.visitor();
    let known = visitor.submit("/forgot-password", &[("email", "ada@example.org")]).await;
    let unknown = visitor.submit("/forgot-password", &[("email", "eve@example.org")]).await;
    assert_eq!(known.visible().replace("ada@", ""), unknown.visible().replace("eve@", ""));
    assert!(app.inbox("eve@example.org").await.is_empty());
    let link = app.inbox("ada@example.org").await.pop().unwrap().link();
    app.advance(31 * 60);
    visitor.get(&link).await.assert_status(410);
}

/// AU-12: the newest link only, each for its own half hour, however often somebody asks.
#[actix_rt::test]
async fn a_new_reset_link_ends_the_older_one() {
    let app = spawn().await;
    app.user("ada").await;
    let visitor = app.visitor();
    let mut links = Vec::new();
    for _ in 0..3 {
        visitor.submit("/forgot-password", &[("email", "ada@example.org")]).await;
        links.push(app.inbox("ada@example.org").await.pop().unwrap().link());
        app.advance(14 * 60);
    }
    visitor.get(&links[0]).await.assert_status(410);
    visitor.get(&links[1]).await.assert_status(410);
    visitor.get(&links[2]).await.assert_status(200);
    // Within a minute of the last one there is no other mail, and the link stays.
    visitor.submit("/forgot-password", &[("email", "ada@example.org")]).await;
    let newest = app.inbox("ada@example.org").await.pop().unwrap().link();
    visitor.submit("/forgot-password", &[("email", "ada@example.org")]).await;
    assert_eq!(app.inbox("ada@example.org").await.pop().unwrap().link(), newest);
    visitor.get(&links[2]).await.assert_status(410);
    app.advance(30 * 60);
    visitor.get(&newest).await.assert_status(200);
    app.advance(1);
    visitor.get(&newest).await.assert_status(410);
}

/// AU-12: a token of one purpose is worthless for another.
#[actix_rt::test]
async fn a_confirmation_link_does_not_reset_a_password() {
    let app = spawn().await;
    app.make_user("bob", Verified::No).await;
    let bob = app.sign_in("bob").await;
    bob.submit("/verify-email", &[]).await;
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    let token = link.rsplit('/').next().unwrap();
    bob.get(&format!("/reset-password/{token}")).await.assert_status(410);
}

/// F-18, I9: of fifty uses of a reset link at once, one counts.
#[actix_rt::test]
async fn fifty_redemptions_of_a_reset_link_count_once() {
    let app = spawn().await;
    app.user("ada").await;
    let visitor = app.visitor();
    visitor.submit("/forgot-password", &[("email", "ada@example.org")]).await;
    let link = app.inbox("ada@example.org").await.pop().unwrap().link();
    let form = visitor.get(&link).await.form(&link, "");
    let tries = (0..50).map(|n| {
        let (visitor, form) = (&visitor, form.clone());
        async move {
            visitor
                .fill(form, &[("new_password", &format!("granite-meadow-{n}-lantern"))])
                .await
                .status
        }
    });
    let mut statuses = futures_util::future::join_all(tries).await;
    statuses.sort_unstable();
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert_eq!(app.audited("user.password-changed").await, 1);
}

/// AU-04, SE-02, SE-05: a new password needs the present one, and ends the other sessions.
#[actix_rt::test]
async fn a_new_password_ends_the_other_sessions() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada").await;
    let before = ada.cookie("bulkhead").unwrap();
    let new = "lantern-gravel-orchid-31";
    ada.submit_form(
        "/profile/security",
        "Change password",
        &[("current_password", "wrong"), ("new_password", new)],
    )
    .await
    .assert_status(422)
    .shows("This is not your password.");
    ada.submit_form(
        "/profile/security",
        "Change password",
        &[("current_password", PASSWORD), ("new_password", new)],
    )
    .await
    .assert_redirect_to("/profile/security");
    ada.get("/profile/security").await.shows("1 other browser signed out");
    phone.get("/profile").await.assert_status(303);
    assert_ne!(ada.cookie("bulkhead").unwrap(), before);
    let thief = app.visitor();
    thief.set_cookie("bulkhead", &before);
    thief.get("/profile").await.assert_status(303);
}

/// SE-03, SE-09: sign-out is on every page, is a POST, and ends the session on the server.
#[actix_rt::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let stolen = ada.cookie("bulkhead").unwrap();
    let page = ada.get("/profile").await;
    assert_eq!(page.attributes("form[action='/sign-out']", "method"), ["post"]);
    ada.send("GET", "/sign-out", &[], "").await.assert_status(405);
    let csrf = page.attributes("form[action='/sign-out'] input[name=csrf]", "value").remove(0);
    let once = page.attributes("form[action='/sign-out'] input[name=once]", "value").remove(0);
    let fields = [("csrf".to_owned(), csrf), ("once".to_owned(), once)];
    ada.post("/sign-out", &fields).await.assert_redirect_to("/sign-in?done=signed-out");
    let thief = app.visitor();
    thief.set_cookie("bulkhead", &stolen);
    thief.get("/profile").await.assert_status(303);
    assert_eq!(app.audited("user.logged-out").await, 1);
}

/// SE-06: a person sees their browsers and ends one, or all others.
#[actix_rt::test]
async fn a_person_ends_other_sessions() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let (phone, tablet) = (app.sign_in("ada").await, app.sign_in("ada").await);
    let page = ada.get("/profile/security").await;
    page.shows("this browser");
    let form = page.form("/profile/security", "/devices/");
    ada.fill(form, &[]).await.assert_redirect_to("/profile/security");
    let statuses = [phone.get("/profile").await.status, tablet.get("/profile").await.status];
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1);
    ada.submit_form("/profile/security", "Sign out all others", &[]).await.assert_status(303);
    assert_eq!(phone.get("/profile").await.status, 303);
    assert_eq!(tablet.get("/profile").await.status, 303);
    ada.get("/profile").await.assert_status(200);
}

/// SE-06, AZ-03: nobody ends somebody else's session.
#[actix_rt::test]
async fn another_persons_session_is_not_found() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let second = app.sign_in("ada").await;
    let eve = app.user("eve").await;
    let device = ada.get("/profile/security").await.form("/profile/security", "/devices/").action;
    let mut form = eve.get("/profile/security").await.form("/profile/security", "Change password");
    form.fields.retain(|(name, _)| name == "csrf" || name == "once");
    eve.post(&device, &form.fields).await.assert_status(404);
    second.get("/profile").await.assert_status(200);
}

/// SE-04: a session ends after a day of silence, and after thirty days in any case.
#[actix_rt::test]
async fn a_session_ends_by_idleness_and_by_age() {
    let app = spawn().await;
    let idle = app.user("ada").await;
    app.advance(24 * 3600 + 1);
    idle.get("/profile").await.assert_status(303);
    let busy = app.sign_in("ada").await;
    for _ in 0..30 {
        busy.get("/profile").await.assert_status(200);
        app.until_seen(1).await;
        app.advance(23 * 3600 + 3000);
    }
    app.advance(20 * 3600);
    busy.get("/profile").await.assert_status(303);
}

/// AU-14, AU-17: another address needs the password again, a click in its mail, and tells the old one.
#[actix_rt::test]
async fn an_address_changes_only_when_the_new_one_is_confirmed() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    app.advance(11 * 60);
    ada.get("/profile/email").await.assert_redirect_to("/confirm-access?next=%2Fprofile%2Femail");
    ada.submit("/confirm-access?next=%2Fprofile%2Femail", &[("password", PASSWORD)])
        .await
        .assert_redirect_to("/profile/email");
    ada.submit("/profile/email", &[("email", "lovelace@example.org")])
        .await
        .assert_redirect_to("/profile");
    ada.get("/profile")
        .await
        .shows("lovelace@example.org waits to be confirmed")
        .shows("ada@example.org");
    let told = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "Your address is about to change");
    let link = app.inbox("lovelace@example.org").await.pop().unwrap().link();
    ada.submit(&link, &[]).await.assert_redirect_to("/workspaces");
    ada.get("/profile").await.lacks("ada@example.org");
    let told = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(told.subject, "Your address was changed");
    app.visitor()
        .submit("/sign-in", &[("email", "lovelace@example.org"), ("password", PASSWORD)])
        .await
        .assert_status(303);
    app.assert_audit_is_whole().await;
}

/// BR-10: `next` leads nowhere else.
#[actix_rt::test]
async fn next_never_leaves_this_site() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    for bad in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    {
        let client = app.visitor();
        let fields = [("email", "ada"), ("password", PASSWORD), ("next", bad)];
        client.submit("/sign-in", &fields).await.assert_redirect_to("/workspaces");
    }
    let client = app.visitor();
    client
        .submit("/sign-in?next=%2Fprofile%3Fx%3D1", &[("email", "ada"), ("password", PASSWORD)])
        .await
        .assert_redirect_to("/profile?x=1");
}

/// BR-02: a form without its token, with somebody else's, or from elsewhere is refused.
#[actix_rt::test]
async fn a_forged_form_is_refused() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let eve = app.user("eve").await;
    let page = "/profile";
    let form = ada.get(page).await.form(page, "Save");
    let foreign = eve.get(page).await.form(page, "Save");
    let csrf = |form: &crate::support::Answer| form.status;
    let mut without = form.clone();
    without.fields.retain(|(name, _)| name != "csrf");
    assert_eq!(csrf(&ada.post(page, &without.fields).await), 403);
    assert_eq!(csrf(&ada.post(page, &foreign.fields).await), 403);
    // It says what to do, and leads back to where the form stands.
    let body =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&foreign.fields).finish();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let origin = ("origin", app.base.as_str());
    for (stands_on, leads_to) in [
        (format!("{}/profile?from=here", app.base), vec!["/profile?from=here".to_owned()]),
        ("https://evil.example/profile".to_owned(), Vec::new()),
    ] {
        let headers = [kind, origin, ("referer", stands_on.as_str())];
        let refused = ada.send("POST", page, &headers, body.clone()).await;
        refused.assert_status(403).shows("This form is too old").shows("send it from there");
        let link = refused.attributes("main a.primary", "href");
        assert_eq!(
            link.iter().filter(|href| *href != "/workspaces").cloned().collect::<Vec<_>>(),
            leads_to
        );
    }
    let body =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = ada.send("POST", page, &[kind, header], body.clone()).await;
        answer.assert_status(403);
    }
    ada.send("POST", page, &[kind, ("sec-fetch-site", "same-origin")], body)
        .await
        .assert_status(303);
}

/// G3 for accounts: another handle moves the paths, and the old one leads on.
#[actix_rt::test]
async fn a_profile_is_saved_and_a_taken_handle_refused() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    app.user("eve").await;
    ada.submit_form("/profile", "Save", &[("handle", "eve")])
        .await
        .assert_status(422)
        .shows("eve-2 is free");
    ada.submit_form(
        "/profile",
        "Save",
        &[("name", "Ada L."), ("handle", "lovelace"), ("theme", "dark")],
    )
    .await
    .assert_redirect_to("/profile");
    let page = ada.get("/profile").await;
    page.shows("Ada L.").shows("lovelace/");
    assert_eq!(page.attributes("html", "data-theme"), ["dark"]);
}

/// Sign-up by domain and by invitation only.
#[actix_rt::test]
async fn sign_up_can_be_limited_or_closed() {
    use bulkhead::base::settings::SignUp;
    let app = spawn_with(|flags| {
        flags.sign_up = SignUp::Domains;
        flags.sign_up_domains = vec!["example.org".to_owned()];
    })
    .await;
    let fields = [
        ("name", "Bob"),
        ("handle", "bob"),
        ("email", "bob@elsewhere.example"),
        ("password", PASSWORD),
    ];
    app.visitor()
        .submit("/sign-up", &fields)
        .await
        .assert_status(422)
        .shows("Only addresses at example.org");
    let app = spawn_with(|flags| flags.sign_up = SignUp::Closed).await;
    app.visitor().get("/sign-up").await.assert_status(200).shows("By invitation");
    app.visitor().get("/sign-in").await.lacks("Create an account");
}

/// CF-06, AZ-15, IV-14: requests that cannot be are refused with a sentence, never a 500.
#[actix_rt::test]
async fn hostile_requests_are_refused() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = "/profile";
    let form = ada.get(page).await.form(page, "Save");
    let mut doubled = form.fields.clone();
    doubled.push(("name".to_owned(), "Twice".to_owned()));
    ada.post(page, &doubled).await.assert_status(422);
    let mut unknown = form.fields.clone();
    unknown.push(("verified".to_owned(), "mailed".to_owned()));
    ada.post(page, &unknown).await.assert_status(422);
    let mut nul = form.clone();
    nul.set("name", "a\0b");
    ada.post(page, &nul.fields).await.assert_status(422);
    let mut huge = form.clone();
    huge.set("name", &"x".repeat(70_000));
    ada.post(page, &huge.fields).await.assert_status(413);
    let kind = [("content-type", "text/plain"), ("origin", app.base.as_str())];
    ada.send("POST", page, &kind, "x").await.assert_status(415);
    ada.send("PUT", page, &[("origin", app.base.as_str())], "").await.assert_status(405);
    for path in [
        "/a%2fb",
        "/a%5cb",
        "/a%00b",
        "/profile/..%2f",
        "/workspaces/%ff/x",
        "/.git/config",
        "/static/x/../y",
    ] {
        let status = ada.get(path).await.status;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    ada.get(&format!("/workspaces?q={}", "x".repeat(5000))).await.assert_status(414);
    let answer = ada.send("GET", page, &[("host", "evil.example")], "").await;
    answer.assert_status(421);
}

/// BR-04 … BR-06, BR-11: the headers are on every response, whatever it is.
#[actix_rt::test]
async fn strict_headers_are_on_every_response() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let css = ada.get("/profile").await.attributes("link[rel=stylesheet]", "href").remove(0);
    for path in [
        "/",
        "/profile",
        "/nope",
        "/api/x",
        "/health",
        "/ready",
        &css,
        "/static/0/none.css",
        "/sign-in",
    ] {
        let answer = ada.get(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name).as_deref(), Some(value), "{path} {name}");
        }
        assert!(answer.header("access-control-allow-origin").is_none());
        assert!(answer.header("server").is_none());
        let caching = answer.header("cache-control").unwrap();
        assert_eq!(caching.contains("immutable"), path == css, "{path}: {caching}");
    }
}
