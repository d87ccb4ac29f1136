//! People: sign-up, sign-in, profile, forgotten password.

use bulkhead::access::identify::Verified;

use crate::support::{Browser, PASSWORD, Script, spawn, spawn_with};
use crate::tenancy::two_factor::code_at;

/// L1, L2, AU-12, AU-15, SE-03, SE-06: from sign-up to sign-out.
#[actix_rt::test]
async fn a_person_signs_up_and_looks_around() {
    sign_up(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_person_signs_up_and_looks_around_without_scripts() {
    sign_up(Script::Off).await;
}

async fn sign_up(script: Script) {
    let app = spawn().await;
    let bob = app.browser(script).await;
    bob.open("/").await.is_at("/sign-in").await.is_sound("sign-in").await;
    bob.click_link("Create an account").await.is_at("/sign-up").await.is_sound("sign-up").await;
    bob.fill("Name", "Bob Baker").await;
    bob.fill("Handle", "bob--baker").await;
    bob.fill("Email", "bob@example.org").await;
    bob.fill("Password", PASSWORD).await;
    bob.click_button("Create account")
        .await
        .shows("The account wasn’t created.")
        .await
        .is_sound("sign-up-problem")
        .await;
    assert_eq!(bob.focused().await.name, "Handle");
    assert_eq!(bob.value("Name").await, "Bob Baker");
    bob.fill("Handle", "bob").await;
    bob.fill("Password", PASSWORD).await;
    bob.click_button("Create account")
        .await
        .shows("Check your mail")
        .await
        .is_sound("check-your-mail")
        .await;

    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.open(&link).await.shows("Confirm your address").await.is_sound("confirm-address").await;
    bob.fill("Password", PASSWORD).await;
    bob.click_button("Confirm address").await.is_at("/workspaces").await;
    bob.click_button("Sign out").await.is_at("/sign-in?done=signed-out").await;
    bob.fill("Email", "bob@example.org").await;
    bob.fill("Password", "not the password").await;
    bob.click_button("Sign in").await.shows("wrong").await.is_sound("sign-in-problem").await;
    bob.fill("Password", PASSWORD).await;
    bob.click_button("Sign in").await.is_at("/workspaces").await;

    bob.open("/profile").await.is_sound("profile").await;
    bob.pick("Dark")
        .await
        .click_button("Save")
        .await
        .shows("Saved.")
        .await
        .is_sound("profile-dark")
        .await;
    bob.click_link("Security").await.is_at("/profile/security").await.shows("this browser").await;
    bob.click_button("Sign out").await.is_at("/sign-in?done=signed-out").await;
    bob.open("/profile").await.is_at("/sign-in?next=%2Fprofile").await;
}

/// SE-06: another browser shows among the devices, and is signed out from here.
#[actix_rt::test]
async fn a_person_signs_another_browser_out() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let here = app.browser(Script::On).await;
    let there = app.browser(Script::Off).await;
    there.sign_in("ada").await;
    here.sign_in("ada").await;
    here.open("/profile/security").await.shows("this browser").await.is_sound("security").await;
    here.click_button("Sign out all others").await.lacks("Sign out all others").await;
    there.open("/profile").await.is_at("/sign-in?next=%2Fprofile").await;
}

/// AU-11 … AU-13: a forgotten password is replaced by a mailed link.
#[actix_rt::test]
async fn a_person_forgot_the_password() {
    forgot_password(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_person_forgot_the_password_without_scripts() {
    forgot_password(Script::Off).await;
}

async fn forgot_password(script: Script) {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(script).await;
    ada.open("/sign-in").await.click_link("Forgot password?").await;
    ada.is_at("/forgot-password").await.is_sound("forgot-password").await;
    ada.fill("Email", "ada@example.org").await;
    ada.click_button("Send link").await.shows("mail").await.is_sound("forgot-password-sent").await;

    let link = app.inbox("ada@example.org").await.pop().unwrap().link();
    ada.open(&link).await.is_sound("reset-password").await;
    ada.fill("New password", "short").await;
    ada.click_button("Save password").await.shows("12").await;
    ada.fill("New password", "seven purple submarines 41").await;
    ada.click_button("Save password").await.is_at("/sign-in?done=reset").await;
    ada.fill("Email", "ada").await;
    ada.fill("Password", "seven purple submarines 41").await;
    ada.click_button("Sign in").await.is_at("/workspaces").await;
}

/// AU-16: an authenticator app and recovery codes, from turning it on to turning it off.
#[actix_rt::test]
async fn a_person_uses_two_factor() {
    two_factor(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_person_uses_two_factor_without_scripts() {
    two_factor(Script::Off).await;
}

/// The lines of the one block of code on a page.
fn lines(page: &str, from: &str, to: &str) -> Vec<String> {
    let after = page.split_once(from).unwrap().1;
    let block = after.split_once(to).unwrap().0;
    block.split_whitespace().map(str::to_owned).collect()
}

async fn two_factor(script: Script) {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(script).await;
    ada.sign_in("ada").await.open("/profile/security").await.click_link("Turn on").await;
    ada.is_at("/profile/security/two-factor").await.is_sound("two-factor").await;
    ada.fill("Code", "000000").await.click_button("Turn on").await;
    ada.shows("wasn’t turned on").await.is_sound("two-factor-problem").await;
    let secret = lines(&ada.text().await, "Secret", "Code").remove(0);
    ada.fill("Code", &code_at(&secret, app.app.now())).await;
    ada.click_button("Turn on").await.shows("Keep these recovery codes now.").await;
    ada.is_sound("recovery-codes").await;
    let text = ada.text().await;
    let code = text.split_whitespace().find(|word| word.len() == 14 && word.contains('-')).unwrap();
    ada.click_link("I have kept them").await.shows("10 recovery codes left").await;
    ada.is_sound("security-two-factor").await;

    for typed in [code.to_owned(), {
        app.advance(60);
        code_at(&secret, app.app.now())
    }] {
        ada.click_button("Sign out").await;
        ada.fill("Email", "ada").await.fill("Password", PASSWORD).await;
        ada.click_button("Sign in").await.is_at("/sign-in/two-factor").await;
        ada.is_sound("second-step").await;
        assert_eq!(ada.focused().await.name, "Code");
        ada.fill("Code", "000000").await.click_button("Sign in").await.shows("counts once").await;
        ada.fill("Code", &typed).await.click_button("Sign in").await.is_at("/workspaces").await;
    }
    ada.open("/profile/security").await.shows("9 recovery codes left").await;
    ada.click_link("New recovery codes").await.is_sound("recovery-codes-new").await;
    ada.click_button("New recovery codes").await.shows("Keep these recovery codes now.").await;
    ada.click_link("I have kept them").await.shows("10 recovery codes left").await;
    ada.click_link("Turn off").await.is_sound("two-factor-off").await;
    ada.click_button("Turn off").await.shows("Two-factor authentication is off.").await;
}

/// SP-19: under a plain-http name that is not this computer's, everything works too.
#[actix_rt::test]
async fn signing_in_works_over_plain_http() {
    let mut base = String::new();
    let app = spawn_with(|flags| {
        base = format!("http://app.test:{}", flags.bind.port());
        flags.base_url = Some(base.clone());
        flags.allow_http = true;
    })
    .await;
    app.make_user("ada", Verified::Mailed).await;
    for script in [Script::On, Script::Off] {
        let ada = Browser::open_at(&base, script, Some("MAP app.test 127.0.0.1")).await;
        ada.sign_in("ada").await.open("/profile").await.shows("ada@example.org").await;
        ada.fill("Name", "Ada L.").await.click_button("Save").await.shows("Saved.").await;
        ada.click_button("Sign out").await.is_at("/sign-in?done=signed-out").await;
    }
}

/// AU-14: a change of the address waits for its confirmation, and is taken back.
#[actix_rt::test]
async fn a_change_of_the_address_is_taken_back() {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open("/profile/email").await;
    ada.fill("New email", "ada@elsewhere.example").await;
    ada.click_button("Send confirmation").await.is_at("/profile").await;
    ada.shows("ada@elsewhere.example").await.is_sound("profile-address-waits").await;
    ada.click_button("Keep this address").await.shows("Your address stays").await;
    ada.lacks("ada@elsewhere.example").await;
}
