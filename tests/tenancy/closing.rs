//! The end of an account.

use bulkhead::access::AccountId;
use bulkhead::access::identify::Verified;
use bulkhead::base::db::Locks;
use bulkhead::base::db::schema::{accounts, workspaces};
use diesel::prelude::*;

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

/// AU-12, AU-15: an address that nobody confirms for a day keeps no account, and no handle.
#[actix_rt::test]
async fn an_account_that_nobody_confirms_goes_after_a_day() {
    let app = spawn().await;
    app.make_user("vouched", Verified::Vouched).await;
    let ada = app.user("ada").await;
    let eve = app.visitor();
    // An older one, to whom the operator gave a workspace meanwhile: it stays, and keeps no other from going.
    let given = [
        ("name", "Gil"),
        ("handle", "given"),
        ("email", "gil@example.org"),
        ("password", PASSWORD),
    ];
    app.visitor().submit("/sign-up", &given).await.assert_redirect_to("/verify-email");
    ada.workspace("lab").await;
    app.app
        .db
        .write(Locks::Instance, |db| {
            let given = accounts::table.filter(accounts::handle.eq("given"));
            let given: AccountId = given.select(accounts::id).first(db)?;
            Ok(diesel::update(workspaces::table)
                .set(workspaces::account_id.eq(given))
                .execute(db)?)
        })
        .await
        .unwrap();
    let sign_up = |email: &'static str| {
        [("name", "Eve"), ("handle", "lovelace"), ("email", email), ("password", PASSWORD)]
    };
    let first = sign_up("eve@example.org");
    eve.submit("/sign-up", &first).await.assert_redirect_to("/verify-email");
    let link = app.inbox("eve@example.org").await.pop().unwrap().link();
    app.advance(86_400 - 1);
    app.run_jobs().await;
    eve.get(&link).await.assert_status(200);
    let second = sign_up("ruth@example.org");
    app.visitor().submit("/sign-up", &second).await.assert_status(422);
    app.advance(3600);
    app.run_jobs().await;
    eve.get(&link).await.assert_status(410);
    let known = [("email", "eve@example.org"), ("password", PASSWORD)];
    eve.submit("/sign-in", &known).await.assert_status(422);
    assert_eq!(app.audited("user.deleted").await, 1);
    app.assert_audit_is_whole().await;

    app.visitor().submit("/sign-up", &second).await.assert_redirect_to("/verify-email");
    let ruth = app.visitor();
    let link = app.inbox("ruth@example.org").await.pop().unwrap().link();
    ruth.submit(&link, &[("password", PASSWORD)]).await.assert_redirect_to("/workspaces");
    app.advance(2 * 86_400);
    app.run_jobs().await;
    drop(ada);
    for who in ["ada", "vouched", "lovelace"] {
        app.sign_in(who).await;
    }
    assert_eq!(app.audited("user.deleted").await, 1);
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

/// O7, LG-07: an organization that is joined while the account is being deleted is not left without a
/// word, or the deletion waits for another try.
#[actix_rt::test]
async fn joining_while_closing_is_noticed() {
    use bulkhead::access::organization::OrganizationRole;
    use bulkhead::base::db::schema::{accounts, organization_members, users};
    use bulkhead::base::db::{Id, Locks, lock_accounts};
    use diesel::prelude::*;

    let app = spawn().await;
    crate::tenancy::members::acme(&app).await;
    let carol = app.user("carol").await;
    let form = carol.get("/profile/delete").await.form("/profile/delete", "Delete account");
    let now = app.app.now();
    let of = |handle: &'static str| {
        accounts::table.filter(accounts::handle.eq(handle)).select(accounts::id)
    };
    let own: bulkhead::access::AccountId = app.read(move |db| Ok(of("carol").first(db)?)).await;
    let joining = app.app.db.write(Locks::accounts([own]), move |db| {
        let account: bulkhead::access::AccountId = of("acme").first(db)?;
        lock_accounts(db, &[account])?;
        let user: bulkhead::access::UserId = users::table
            .filter(users::email_key.eq("carol@example.org"))
            .select(users::id)
            .first(db)?;
        std::thread::sleep(std::time::Duration::from_millis(700));
        diesel::insert_into(organization_members::table)
            .values((
                organization_members::id.eq(Id::<()>::new(now)),
                organization_members::account_id.eq(account),
                organization_members::user_id.eq(user),
                organization_members::role.eq(OrganizationRole::Admin),
                organization_members::sort_name.eq("carol"),
                organization_members::created_at.eq(now),
            ))
            .execute(db)?;
        Ok(())
    });
    let closing = async {
        actix_rt::time::sleep(std::time::Duration::from_millis(200)).await;
        carol.fill(form, &[("confirm", "carol")]).await
    };
    let (joined, closed) = futures_util::future::join(joining, closing).await;
    joined.unwrap();
    let told = app.audited("account-membership.deleted").await == 1;
    assert!(told || closed.status == 409, "{}: {}", closed.status, closed.visible());
    app.assert_audit_is_whole().await;
}
