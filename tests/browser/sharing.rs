//! The people, roles and service accounts of an organization, and a workspace shared with them.

use bulkhead::access::identify::Verified;
use bulkhead::access::organization::OrganizationRole;

use crate::support::{Script, spawn};

/// B1 … B6, R1 … R4, A1 … A4: from an invitation to a workspace that is shared.
#[actix_rt::test]
async fn a_workspace_is_shared() {
    a_life(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_workspace_is_shared_without_scripts() {
    a_life(Script::Off).await;
}

async fn a_life(script: Script) {
    let app = spawn().await;
    let admin = crate::tenancy::members::acme(&app).await;
    app.make_user("bob", Verified::Mailed).await;
    app.make_member("acme", "bob", OrganizationRole::Member).await;
    let ada = app.browser(script).await;
    ada.sign_in("ada").await.open("/organizations/acme/members/invite").await;
    ada.is_sound("invite-members").await.fill("Email", "pam@example.org, nonsense").await;
    ada.click_button("Send").await.shows("nonsense").await.is_sound("invited-members").await;
    ada.open("/organizations/acme/members").await.shows("pam@example.org").await;
    ada.is_sound("members").await;
    ada.open("/organizations/acme/members/invitations").await.is_sound("open-invitations").await;
    ada.open("/organizations/acme/policy").await.is_sound("policy").await;

    ada.open("/organizations/acme/roles").await.is_sound("roles").await;
    ada.open("/organizations/acme/roles/compare").await.is_sound("compare-roles").await;
    ada.open("/organizations/acme/roles/new").await.is_sound("create-role").await;
    ada.fill("Name", "Release").await.choose("Inherit from", "Viewer").await;
    if script == Script::Off {
        ada.click_button("Update the boxes, without saving").await;
    }
    ada.shows("9 inherited")
        .await
        .shows("0 added")
        .await
        .check("Create and edit deployments")
        .await;
    if script == Script::On {
        // What it stands on is ticked with it.
        ada.shows("2 added").await;
    }
    ada.is_sound("create-role-inherits").await;
    ada.click_button("Create").await.shows("Release").await.is_sound("role").await;

    ada.open("/organizations/acme/service-accounts").await.is_sound("service-accounts-none").await;
    ada.open("/organizations/acme/service-accounts/new").await.is_sound("create-bot").await;
    ada.fill("Name", "ingest").await.click_button("Create").await.shows("Copy the key now.").await;
    ada.is_sound("bot-made").await.click_link("I stored it").await.shows("Shared with it").await;
    ada.is_sound("bot").await.click_link("Rotate API key").await.is_sound("rotate-key").await;

    ada.open("/workspaces/acme/data/sharing").await.is_sound("sharing-nobody").await;
    ada.click_link("Add service account").await.is_sound("share-with-bot").await;
    ada.click_button("Share").await.is_at("/workspaces/acme/data/sharing").await;
    ada.shows("ingest").await;
    ada.click_link("Add member").await.is_sound("share-with-member").await;
    ada.click_button("Send").await.is_at("/workspaces/acme/data/sharing").await;
    ada.is_sound("sharing").await.open("/workspaces/acme/data/sharing/default").await;
    ada.choose("Default role", "Viewer").await.click_button("Save").await;
    ada.shows("Nothing is saved yet.").await.is_sound("default-role-preview").await;
    ada.click_button("Save").await.is_at("/workspaces/acme/data/sharing").await;
    admin.get("/workspaces/acme/data/sharing").await.shows("Viewer");

    let bob = app.browser(script).await;
    bob.sign_in("bob").await.open("/workspaces/acme/data").await.shows("data").await;
    bob.open("/organizations/acme/members").await.shows("ada@example.org").await;
    bob.is_sound("members-as-member").await;
}
