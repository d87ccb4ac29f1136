//! A workspace from its settings to its end, and back.

use bulkhead::access::identify::Verified;

use crate::support::{Script, spawn};

/// G1 … G3, G5, G6: edit, the old address, delete by typing its path, restore.
#[actix_rt::test]
async fn a_workspace_is_renamed_deleted_and_restored() {
    a_life(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_workspace_is_renamed_deleted_and_restored_without_scripts() {
    a_life(Script::Off).await;
}

async fn a_life(script: Script) {
    let app = spawn().await;
    app.user("ada").await.workspace("lab").await;
    let ada = app.browser(script).await;
    ada.sign_in("ada").await.is_sound("workspaces").await;
    ada.open_menu("Options for lab")
        .await
        .click_link("Settings")
        .await
        .is_at("/workspaces/ada/lab/settings")
        .await;
    ada.click_link("Edit")
        .await
        .is_at("/workspaces/ada/lab/settings/edit")
        .await
        .is_sound("edit-workspace")
        .await;
    ada.fill("Handle", "studio").await;
    ada.fill("Description", "Renamed.").await;
    ada.click_button("Save")
        .await
        .is_at("/workspaces/ada/studio/settings")
        .await
        .shows("Renamed.")
        .await;
    ada.open("/workspaces/ada/lab/settings").await.is_at("/workspaces/ada/studio/settings").await;

    ada.open_menu("Workspace options").await.has_no_accessibility_violations().await;
    assert_eq!(ada.has("button", "Copy ID").await, script == Script::On);
    ada.click_link("Delete").await.is_at("/workspaces/ada/studio/settings/delete").await;
    ada.is_sound("delete-workspace").await;
    ada.fill("Type ada/studio to confirm", "ada/studio").await;
    ada.click_button("Delete workspace")
        .await
        .is_at("/workspaces")
        .await
        .shows("ada/studio was deleted.")
        .await;
    ada.shows("Deleted, restorable").await.is_sound("workspaces-deleted").await;
    ada.open("/workspaces/ada/studio").await.shows("404").await.is_sound("not-found").await;

    ada.open("/workspaces")
        .await
        .click_link("Restore or delete now studio")
        .await
        .is_sound("deleted-workspace")
        .await;
    ada.click_button("Restore").await.shows("studio").await;
    ada.open("/workspaces/ada/studio").await.shows("Dashboard").await.is_sound("dashboard").await;
}

/// G5: what is typed has to be the path; without scripts the server says so.
#[actix_rt::test]
async fn a_workspace_stays_while_its_path_is_not_typed() {
    let app = spawn().await;
    app.user("ada").await.workspace("lab").await;
    let page = "/workspaces/ada/lab/settings/delete";
    let ada = app.browser(Script::Off).await;
    ada.sign_in("ada").await.open(page).await.fill("Type ada/lab to confirm", "lab").await;
    ada.click_button("Delete workspace")
        .await
        .shows("The workspace wasn’t deleted.")
        .await
        .is_sound("delete-problem")
        .await;

    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open(page).await.fill("Type ada/lab to confirm", "lab").await;
    assert!(!ada.is_enabled("Delete workspace").await);
    ada.fill("Type ada/lab to confirm", "ada/lab").await;
    assert!(ada.is_enabled("Delete workspace").await);
}

/// L5: the list is searched and sorted.
#[actix_rt::test]
async fn the_list_is_searched() {
    let app = spawn().await;
    let owner = app.user("ada").await;
    for handle in
        ["lab", "studio", "a-workspace-with-a-handle-that-is-as-long-as-handles-can-be-here"]
    {
        owner.workspace(&handle[..handle.len().min(63)]).await;
    }
    app.make_user("bob", Verified::Mailed).await;
    for script in [Script::On, Script::Off] {
        let ada = app.browser(script).await;
        ada.sign_in("ada").await.is_sound("workspaces-many").await;
        ada.fill("Search workspaces", "stud")
            .await
            .click_button("Apply")
            .await
            .is_at("/workspaces?sort=name&q=stud")
            .await;
        assert!(!ada.has("link", "lab").await);
        ada.fill("Search workspaces", "nothing").await;
        ada.click_button("Apply")
            .await
            .shows("No workspace matches your search.")
            .await
            .is_sound("workspaces-no-match")
            .await;
        ada.click_link("Clear").await.is_at("/workspaces").await;
    }
}
