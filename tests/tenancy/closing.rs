//! The end of an account.

use crate::support::{PASSWORD, spawn};

/// AU-17, LG-07: deleting the own account takes the typed handle and a fresh password; sessions,
/// keys and the address are gone, the log stays whole.
#[actix_rt::test]
async fn an_account_without_workspaces_is_deleted() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let phone = app.sign_in("ada").await;
    ada.submit("/profile/delete", &[("confirm", "wrong")])
        .await
        .assert_status(422)
        .shows("Type ada to confirm.");
    phone.get("/profile").await.assert_status(200);
    ada.submit("/profile/delete", &[("confirm", "ada")])
        .await
        .assert_redirect_to("/sign-in?done=deleted");
    phone.get("/profile").await.assert_status(303);
    app.visitor()
        .submit("/sign-in", &[("email", "ada"), ("password", PASSWORD)])
        .await
        .assert_status(422);
    assert_eq!(
        app.inbox("ada@example.org").await.pop().unwrap().subject,
        "Your account was deleted"
    );
    assert_eq!(app.audited("user.deleted").await, 1);
    app.assert_audit_is_whole().await;
    app.user("ada").await.get("/profile").await.assert_status(200);
}

/// AU-17: after ten minutes the password is asked again, before the page and before the act.
#[actix_rt::test]
async fn deleting_an_account_needs_a_fresh_password() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let form = ada.get("/profile/delete").await.form("/profile/delete", "Delete account");
    app.advance(601);
    ada.get("/profile/delete").await.assert_redirect_to("/confirm-access?next=%2Fprofile%2Fdelete");
    ada.fill(form, &[("confirm", "ada")])
        .await
        .assert_redirect_to("/confirm-access?next=%2Fprofile%2Fdelete");
    ada.get("/profile").await.assert_status(200);
}

/// G5: an account that owns workspaces stays, and says which.
#[actix_rt::test]
async fn an_account_with_workspaces_stays() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let form = ada.get("/profile/delete").await.form("/profile/delete", "Delete account");
    ada.workspace("lab").await;
    ada.get("/profile/delete").await.shows("ada/lab").lacks("Type ada to confirm");
    ada.fill(form, &[("confirm", "ada")]).await.assert_status(422).shows("ada/lab");
    ada.get("/profile").await.assert_status(200);
}
