//! What holds for pages as a whole: width, weight, paper.

use bulkhead::access::identify::Verified;

use crate::support::{PASSWORD, Script, spawn, spawn_with};

/// The navigation of a narrow window folds out, also without scripts.
#[actix_rt::test]
async fn a_narrow_window_has_the_navigation_behind_a_button() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    for script in [Script::On, Script::Off] {
        let ada = app.browser(script).await;
        ada.sign_in("ada").await.width(390).await.open("/profile").await;
        assert!(!ada.has("link", "Security").await);
        ada.click_button("Open navigation").await.shows("Security").await;
        ada.has_no_accessibility_violations()
            .await
            .has_no_sideways_scroll()
            .await
            .looks("navigation-390")
            .await;
        ada.click_link("Security").await.is_at("/profile/security").await;
    }
}

/// The first visit loads at most 60 KB, whatever the page.
#[actix_rt::test]
async fn the_first_visit_is_light() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(Script::On).await;
    let loaded = ada.open("/sign-in").await.transferred().await;
    let bytes: u64 = loaded.iter().map(|(_, bytes)| bytes).sum();
    assert!((10_000..=60_000).contains(&bytes), "{bytes} bytes: {loaded:#?}");
}

/// On paper there is the page and not what leads around it.
#[actix_rt::test]
async fn paper_has_no_navigation() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open("/profile/security").await;
    assert_eq!(ada.things("complementary").await.len(), 1);
    ada.on_paper().await.shows("Security").await.looks("paper").await;
    assert!(ada.things("complementary").await.is_empty());
    assert!(ada.things("button").await.is_empty());
}

/// The pages that no journey passes by.
#[actix_rt::test]
async fn the_other_pages_are_sound() {
    let app = spawn_with(|flags| flags.sign_up = bulkhead::base::settings::SignUp::Closed).await;
    app.user("ada").await.workspace("lab").await;
    let ada = app.browser(Script::On).await;
    ada.open("/sign-up").await.shows("By invitation").await.is_sound("sign-up-closed").await;
    ada.open("/reset-password/nothing").await.is_sound("reset-password-over").await;
    ada.sign_in("ada").await.open("/profile/email").await.is_sound("change-email").await;
    ada.open("/profile/delete")
        .await
        .shows("Your workspaces have to go first")
        .await
        .is_sound("delete-account-not-yet")
        .await;
    ada.open("/workspaces/ada/lab").await.is_sound("dashboard-owner").await;
    ada.open_menu("Switch workspace from ada lab")
        .await
        .shows("All workspaces")
        .await
        .looks("switcher")
        .await;
    ada.open("/account/x").await.shows("404").await;
    app.advance(11 * 60);
    ada.open("/profile/api-keys/new")
        .await
        .is_at("/confirm-access?next=%2Fprofile%2Fapi-keys%2Fnew")
        .await;
    ada.is_sound("confirm-access").await.fill("Password", PASSWORD).await;
    ada.click_button("Continue").await.is_at("/profile/api-keys/new").await;

    app.make_user("eve", Verified::Mailed).await;
    let eve = app.browser(Script::On).await;
    eve.sign_in("eve").await.open("/profile/delete").await.is_sound("delete-account").await;
    eve.fill("Type eve to confirm", "eve")
        .await
        .click_button("Delete account")
        .await
        .shows("Sign in")
        .await;
}
