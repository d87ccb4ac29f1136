//! A workspace on its way to an organization, with the other side's yes, and back.

use bulkhead::access::organization::OrganizationRole;

use crate::support::{Script, spawn};

/// T5 … T14: choose, review, request; the other side approves; the receipt; undo.
#[actix_rt::test]
async fn a_workspace_is_transferred_and_comes_back() {
    a_way(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_workspace_is_transferred_and_comes_back_without_scripts() {
    a_way(Script::Off).await;
}

async fn a_way(script: Script) {
    let app = spawn().await;
    let owner = app.user("ada").await;
    owner.workspace("lab").await;
    let bob = app.user("bob").await;
    let invite = "/workspaces/ada/lab/collaborators/invite";
    owner.submit(invite, &[("email", "bob@example.org")]).await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    bob.submit_form(&link, "accept", &[]).await.assert_status(303);
    let eve = app.user("eve").await;
    eve.submit("/organizations/new", &[("name", "Northwind"), ("handle", "northwind")])
        .await
        .assert_status(303);
    app.user("max").await;
    app.make_member("northwind", "max", OrganizationRole::Admin).await;

    let ada = app.browser(script).await;
    ada.sign_in("ada").await.open("/workspaces/ada/lab/settings").await;
    ada.open_menu("Workspace options").await.click_link("Transfer").await;
    ada.is_at("/workspaces/ada/lab/settings/transfer").await.is_sound("transfer-choose").await;
    ada.fill("Another organization (by its handle; its admins must approve)", "nobody").await;
    ada.click_button("Review").await.shows("There is no account of that handle").await;
    ada.is_sound("transfer-wrong").await;
    ada.fill("Another organization (by its handle; its admins must approve)", "northwind").await;
    ada.click_button("Review").await.shows("2 people lose access").await.shows("Bob").await;
    ada.is_sound("transfer-review").await;
    ada.fill("A note to the others (optional)", "As we said").await;
    ada.check("I understand that at once 2 people lose access.").await;
    ada.fill("Type ada/lab to confirm", "ada/lab").await;
    ada.click_button("Request transfer").await.shows("Waits for Northwind").await;
    ada.is_sound("transfer-waits").await;
    ada.open("/workspaces/ada/lab").await.shows("This workspace is to move to Northwind.").await;

    let eve = app.browser(script).await;
    eve.sign_in("eve").await.shows("Transfers that wait for you").await;
    eve.is_sound("workspaces-with-transfer").await;
    eve.click_link("Review the transfer of ada/lab").await.shows("As we said").await;
    eve.lacks("Bob").await.is_sound("transfer-approve").await;
    eve.fill("Type ada/lab to confirm", "ada/lab").await;
    eve.click_button("Transfer").await.shows("Transferred").await;
    eve.is_sound("transfer-receipt").await;
    eve.click_link("Open the workspace").await.is_at("/workspaces/northwind/lab").await;

    ada.open("/workspaces/ada/lab").await.shows("404").await;
    ada.open("/workspaces").await;
    eve.open("/workspaces/ada/lab").await.is_at("/workspaces/northwind/lab").await;
}
