//! From an empty database to two people in a workspace.

use bulkhead::tenancy::accounts::actions::setup_token;

use crate::support::{Browser, PASSWORD, Script, TestApp, spawn};

/// L1, L2, L6, C1, G1, B3 … B5: the printed link, the first workspace, an invitation, a second person.
#[actix_rt::test]
async fn two_people_start_from_nothing() {
    from_nothing(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn two_people_start_from_nothing_without_scripts() {
    from_nothing(Script::Off).await;
}

async fn from_nothing(script: Script) {
    let app = spawn().await;
    let ada = app.browser(script).await;
    set_up(&app, &ada).await;
    make_the_first_workspace(&ada).await;
    let link = invite(&ada).await;

    let bob = app.browser(script).await;
    bob.open(&link)
        .await
        .shows("Join lab")
        .await
        .shows("Ada")
        .await
        .is_sound("invitation-visitor")
        .await;
    assert_eq!(bob.value("Email").await, "bob@example.org");
    bob.fill("Name", "Bob").await;
    bob.fill("Handle", "bob").await;
    bob.fill("Password", PASSWORD).await;
    bob.click_button("Create account").await.is_at("/workspaces/ada/lab").await;
    bob.shows("You joined lab").await.is_sound("dashboard-collaborator").await;
    bob.open("/workspaces").await.shows("lab").await.lacks("Create your first workspace").await;
    bob.is_sound("workspaces-collaborator").await;

    ada.open("/workspaces/ada/lab/collaborators")
        .await
        .shows("1 collaborator")
        .await
        .shows("Active")
        .await;
    ada.shows("Bob").await;
}

async fn set_up(app: &TestApp, ada: &Browser) {
    ada.open(&format!("/setup?token={}", setup_token(&app.app.context)))
        .await
        .is_sound("setup")
        .await;
    ada.fill("Name", "Ada").await;
    ada.fill("Handle", "ada").await;
    ada.fill("Email", "ada@example.org").await;
    ada.fill("Password", PASSWORD).await;
    ada.click_button("Create account").await.is_at("/workspaces").await;
    ada.shows("Create your first workspace").await.is_sound("workspaces-first").await;
}

async fn make_the_first_workspace(ada: &Browser) {
    ada.click_link("Create workspace")
        .await
        .is_at("/workspaces/new")
        .await
        .is_sound("create-workspace")
        .await;
    ada.fill("Handle", "new").await;
    ada.click_button("Create")
        .await
        .shows("The workspace wasn’t created.")
        .await
        .is_sound("create-workspace-problem")
        .await;
    ada.fill("Handle", "lab").await;
    ada.fill("Description", "Where things are tried.").await;
    ada.click_button("Create").await.is_at("/workspaces/ada/lab/settings").await;
    ada.shows("ada/lab is ready.").await.shows("prefect cloud workspace set --workspace").await;
    ada.is_sound("settings-new").await;
}

/// Invites Bob and finds the link in the kept mail.
async fn invite(ada: &Browser) -> String {
    ada.click_link("Workspace collaborators")
        .await
        .shows("No collaborators yet")
        .await
        .is_sound("collaborators-none")
        .await;
    ada.click_link("Invite").await.is_sound("invite").await;
    ada.fill("Email", "bob@example.org").await;
    ada.click_button("Send").await.is_at("/workspaces/ada/lab/collaborators").await;
    ada.shows("bob@example.org is invited.")
        .await
        .shows("Pending")
        .await
        .is_sound("collaborators-invited")
        .await;

    ada.open("/dev/outbox").await.shows("bob@example.org").await.is_sound("outbox").await;
    let subjects = ada.things("link").await;
    let subject =
        subjects.iter().find(|link| link.name.contains("invited you")).expect("a mail invites Bob");
    ada.click_link(&subject.name)
        .await
        .shows("To bob@example.org")
        .await
        .is_sound("outbox-mail")
        .await;
    let links = ada.things("link").await;
    let link = links
        .iter()
        .find_map(|link| link.name.find("/invitations/").map(|at| link.name[at..].to_owned()));
    link.expect("the mail has a link")
}
