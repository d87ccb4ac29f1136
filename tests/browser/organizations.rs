//! An organization from its first form to its end.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole;

use crate::support::{Script, spawn};

/// O1 … O4: make one, give it a workspace, rename it, delete both.
#[actix_rt::test]
async fn an_organization_is_made_used_and_deleted() {
    a_life(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn an_organization_is_made_used_and_deleted_without_scripts() {
    a_life(Script::Off).await;
}

async fn a_life(script: Script) {
    let app = spawn().await;
    app.make_user("ada", Verified::Mailed).await;
    app.make_user("bob", Verified::Mailed).await;
    let ada = app.browser(script).await;
    ada.sign_in("ada").await;
    ada.click_link("Organizations").await.is_at("/organizations").await;
    ada.is_sound("organizations-none").await;
    ada.click_link("Create organization").await.is_at("/organizations/new").await;
    ada.is_sound("create-organization").await;
    ada.fill("Name", "Acme Data").await;
    ada.fill("Handle", "acme--").await;
    ada.click_button("Create").await.shows("The organization wasn’t created.").await;
    ada.is_sound("create-organization-problem").await;
    ada.fill("Handle", "acme").await;
    ada.click_button("Create").await.is_at("/organizations/acme").await;
    ada.shows("Acme Data is ready.").await.is_sound("organization").await;
    app.make_member("acme", "bob", OrganizationRole::Member).await;
    ada.click_link("Members").await.is_at("/organizations/acme/members").await;
    ada.shows("bob@example.org").await.is_sound("organization-members").await;
    ada.open("/organizations").await.shows("Acme Data").await.is_sound("organizations").await;

    ada.open("/organizations/acme/workspaces").await.is_sound("organization-workspaces-none").await;
    ada.click_link("Create workspace").await.is_at("/workspaces/new?owner=acme").await;
    ada.fill("Handle", "lab").await;
    ada.click_button("Create").await.is_at("/workspaces/acme/lab/settings").await;
    ada.open("/organizations/acme/workspaces").await.is_sound("organization-workspaces").await;

    ada.open("/organizations/acme").await.click_link("Edit").await;
    ada.is_at("/organizations/acme/edit").await.is_sound("edit-organization").await;
    ada.fill("Handle", "acme-data").await;
    ada.fill("External link", "acme.example").await;
    ada.click_button("Save").await.is_at("/organizations/acme-data").await;
    ada.shows("https://acme.example/").await;

    ada.click_link("Audit log").await.is_at("/organizations/acme-data/audit-log").await;
    ada.shows("link: none → https://acme.example/").await.is_sound("audit-log").await;
    ada.open("/organizations/acme-data/audit-log?user=nobody").await;
    ada.shows("Nothing was recorded of “nobody”.").await.is_sound("audit-log-nothing").await;
    ada.open("/organizations/acme-data/audit-log?event=account.updated").await;
    ada.click_link("Changed an organization").await.shows("What changed").await;
    ada.is_sound("audit-entry").await;

    ada.open("/organizations/acme/leave").await.is_at("/organizations/acme-data/leave").await;
    ada.shows("You are its last admin").await.is_sound("leave-organization-last").await;
    ada.click_link("Delete organization").await.is_at("/organizations/acme-data/delete").await;
    ada.shows("acme-data/lab").await.is_sound("delete-organization-not-yet").await;
    ada.open("/workspaces/acme-data/lab/settings/delete").await;
    ada.fill("Type acme-data/lab to confirm", "acme-data/lab").await;
    ada.click_button("Delete workspace").await.is_at("/workspaces").await;
    ada.open("/organizations/acme-data/delete").await.is_sound("delete-organization").await;
    ada.fill("Type acme-data to confirm", "acme-data").await;
    ada.click_button("Delete organization").await.is_at("/organizations").await;
    ada.shows("Acme Data was deleted.").await;
}
