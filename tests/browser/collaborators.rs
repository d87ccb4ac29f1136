//! Who works in a workspace: invited, removed, gone.

use std::time::Duration;

use bulkhead::access::identify::Verified;

use crate::support::{Browser, PASSWORD, Script, TestApp, spawn};

const PEOPLE: &str = "/workspaces/ada/lab/collaborators";

/// The link of the newest mail; the browser may still be sending the form that causes it.
async fn last_link(app: &TestApp, address: &str) -> String {
    for _ in 0..200 {
        if let Some(mail) = app.inbox(address).await.pop() {
            return mail.link();
        }
        actix_rt::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no mail to {address}")
}

async fn invite(ada: &Browser, addresses: &str) {
    ada.open(&format!("{PEOPLE}/invite")).await.fill("Email", addresses).await;
    ada.click_button("Send").await.shows("invited").await;
}

/// The row's menu leads to a page with a button of the same name.
async fn from_menu(ada: &Browser, row: &str, item: &str) {
    ada.open(PEOPLE).await.open_menu(&format!("Options for {row}")).await.click_link(item).await;
}

/// B2, B4, B6: several at once; resend, copy the link, revoke, remove, leave.
#[actix_rt::test]
async fn an_owner_manages_who_works_here() {
    manage(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn an_owner_manages_who_works_here_without_scripts() {
    manage(Script::Off).await;
}

async fn manage(script: Script) {
    let app = spawn().await;
    app.user("ada").await.workspace("lab").await;
    for handle in ["bob", "cy"] {
        app.make_user(handle, Verified::Mailed).await;
    }
    let ada = app.browser(script).await;
    ada.sign_in("ada").await;
    invite(&ada, "bob@example.org\ncy@example.org, dot@example.org\nada@example.org\nnobody").await;
    ada.shows("3 people are invited, 2 lines were left out.")
        .await
        .is_sound("invite-several")
        .await;

    let first = last_link(&app, "dot@example.org").await;
    from_menu(&ada, "dot@example.org", "Resend").await;
    ada.is_sound("resend").await.click_button("Resend").await.is_at(PEOPLE).await;
    let second = last_link(&app, "dot@example.org").await;
    assert_ne!(first, second);
    from_menu(&ada, "dot@example.org", "Copy link").await;
    ada.is_sound("copy-link")
        .await
        .click_button("Show link")
        .await
        .shows("/invitations/")
        .await
        .is_sound("link")
        .await;
    from_menu(&ada, "dot@example.org", "Revoke").await;
    ada.is_sound("revoke").await.click_button("Revoke").await.is_at(PEOPLE).await;
    let dot = app.browser(script).await;
    dot.open(&second).await.shows("not valid any more").await.is_sound("invitation-over").await;
    drop(dot);

    let bob = app.browser(script).await;
    accept(&app, &bob, "bob").await;
    ada.open(PEOPLE)
        .await
        .shows("Active")
        .await
        .shows("Pending")
        .await
        .is_sound("collaborators")
        .await;
    from_menu(&ada, "Bob", "Remove").await;
    ada.is_sound("remove")
        .await
        .click_button("Remove")
        .await
        .is_at(PEOPLE)
        .await
        .shows("Bob was removed")
        .await;
    bob.open("/workspaces/ada/lab").await.shows("404").await;
    bob.open("/workspaces").await.click_button("Sign out").await;

    accept(&app, &bob, "cy").await;
    bob.open("/workspaces")
        .await
        .open_menu("Options for lab")
        .await
        .click_link("Leave")
        .await
        .is_sound("leave")
        .await;
    bob.click_button("Leave workspace")
        .await
        .is_at("/workspaces")
        .await
        .shows("You left ada/lab.")
        .await;
    bob.is_sound("workspaces-left").await;
}

async fn accept(app: &TestApp, browser: &Browser, handle: &str) {
    let link = last_link(app, &format!("{handle}@example.org")).await;
    browser.sign_in(handle).await.shows("lab").await;
    browser.open(&link).await.is_sound("invitation").await;
    browser.click_button("Accept invitation").await.is_at("/workspaces/ada/lab").await;
}

/// B5, L6, lifecycles 1: an invitation in the list, opened by another account, declined, expired.
#[actix_rt::test]
async fn an_invitation_is_answered_by_whom_it_is_for() {
    answer(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn an_invitation_is_answered_by_whom_it_is_for_without_scripts() {
    answer(Script::Off).await;
}

async fn answer(script: Script) {
    let app = spawn().await;
    app.user("ada").await.workspace("lab").await;
    for handle in ["bob", "cy"] {
        app.make_user(handle, Verified::Mailed).await;
    }
    let ada = app.browser(script).await;
    ada.sign_in("ada").await;
    invite(&ada, "bob@example.org\ndot@example.org").await;
    let for_bob = last_link(&app, "bob@example.org").await;

    let shared = app.browser(script).await;
    shared
        .sign_in("cy")
        .await
        .open(&for_bob)
        .await
        .shows("This invitation is for another address")
        .await;
    shared.lacks("bob@example.org").await.is_sound("invitation-wrong-account").await;
    shared.click_button("Switch account").await.is_at(&for_bob).await;
    shared.click_link("Sign in").await.is_sound("invitation-sign-in").await;
    shared.fill("Password", PASSWORD).await.click_button("Sign in").await.is_at(&for_bob).await;
    shared
        .open("/workspaces")
        .await
        .shows("Invitations")
        .await
        .is_sound("workspaces-invited")
        .await;
    shared
        .open(&for_bob)
        .await
        .click_button("Decline")
        .await
        .shows("You declined the invitation")
        .await;

    let for_dot = last_link(&app, "dot@example.org").await;
    app.advance(8 * 24 * 3600);
    let dot = app.browser(script).await;
    dot.open(&for_dot)
        .await
        .shows("This invitation has expired")
        .await
        .is_sound("invitation-expired")
        .await;
    dot.click_button("Ask for a new one")
        .await
        .shows("was asked for a new one")
        .await
        .is_sound("invitation-asked")
        .await;
    ada.sign_in("ada")
        .await
        .open(PEOPLE)
        .await
        .shows("Expired")
        .await
        .is_sound("collaborators-expired")
        .await;
}
