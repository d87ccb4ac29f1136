//! Without a mouse.

use bulkhead::access::identify::Verified;
use thirtyfour::Key;

use crate::support::{Browser, PASSWORD, Script, spawn};

async fn tab_to(browser: &Browser, name: &str) {
    let mut passed = Vec::new();
    for _ in 0..40 {
        browser.press(Key::Tab).await;
        let focused = browser.focused().await;
        if focused.name == name {
            return;
        }
        passed.push(focused.name);
    }
    panic!("Tab never comes to {name:?}, only to {passed:?}");
}

/// WCAG 2.1.1, 2.4.3: typing can begin at once, Tab follows the reading order, Enter sends.
#[actix_rt::test]
async fn signing_in_needs_no_mouse() {
    sign_in(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn signing_in_needs_no_mouse_and_no_scripts() {
    sign_in(Script::Off).await;
}

async fn sign_in(script: Script) {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(script).await;
    ada.open("/sign-in").await;
    assert_eq!(ada.focused().await.name, "Email");
    ada.press("ada").await;
    for next in ["Password", "Forgot password?", "Sign in"] {
        ada.press(Key::Tab).await;
        assert_eq!(ada.focused().await.name, next);
        if next == "Password" {
            ada.press(PASSWORD).await;
        }
    }
    ada.press(Key::Enter).await.is_at("/workspaces").await;
}

/// WCAG 2.4.1: the first stop skips the navigation; the next is the first field of the page.
#[actix_rt::test]
async fn the_skip_link_leads_to_the_form() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    for script in [Script::On, Script::Off] {
        let ada = app.browser(script).await;
        ada.sign_in("ada").await.open("/profile").await;
        ada.press(Key::Tab).await;
        assert_eq!(ada.focused().await.name, "Skip to content");
        ada.looks("skip-link").await;
        ada.press(Key::Enter).await.press(Key::Tab).await;
        assert_eq!(ada.focused().await.name, "Name");
    }
}

/// WCAG 2.1.2: a menu opens with Enter; Esc closes it and the focus is where it was.
#[actix_rt::test]
async fn escape_closes_a_menu() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open("/profile").await;
    let menu = "Ada ada@example.org account menu";
    tab_to(&ada, menu).await;
    ada.press(Key::Enter).await;
    assert!(ada.has("link", "Kept mails").await);
    ada.looks("account-menu").await.has_no_accessibility_violations().await;
    ada.press(Key::Tab).await;
    assert_eq!(ada.focused().await.name, "Profile");
    ada.press(Key::Escape).await;
    assert!(!ada.has("link", "Kept mails").await);
    assert_eq!(ada.focused().await.name, menu);
}

/// WCAG 2.1.4: `/` goes to the search, and is a letter like any other where somebody types.
#[actix_rt::test]
async fn a_slash_goes_to_the_search() {
    let app = spawn().await;
    app.user("ada").await.workspace("lab").await;
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.shows("lab").await.press("/").await;
    assert_eq!(ada.focused().await.name, "Search workspaces");
    ada.press("a/b").await;
    assert_eq!(ada.value("Search workspaces").await, "a/b");
}
