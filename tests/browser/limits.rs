//! Concurrency limits on the pages: made, watched, released, turned off, deleted.

use serde_json::json;

use super::runs::lab;
use crate::orchestration::flow_runs::{flow, run};
use crate::support::{Script, spawn};

/// contents.md 8, ALL-08, ALL-10: with and without scripts; an open page shows what is taken where scripts run.
#[actix_rt::test]
async fn a_limit_is_made_watched_and_deleted() {
    for script in [Script::On, Script::Off] {
        let app = spawn().await;
        let (api, place) = lab(&app).await;
        let ada = app.browser(script).await;
        ada.sign_in("ada").await;
        ada.open("/workspaces/ada/lab").await.click_link("Concurrency").await;
        ada.shows("No limits yet").await.is_sound("concurrency-empty").await;
        ada.click_link("Create limit")
            .await
            .fill("Slots", "2")
            .await
            .click_button("Task tag")
            .await;
        ada.shows("Every task with the tag takes a slot.").await.is_sound("concurrency-form").await;
        assert_eq!(ada.value("Slots").await, "2");
        ada.click_button("Global").await.fill("Name", "reports-db").await;
        ada.click_button("Create limit").await;
        ada.shows("“reports-db” is created.").await.shows("Nobody holds a slot.").await;

        let etl = flow(&api, &place, "etl").await;
        let heron = run(&api, &place, &etl, json!({"name": "amber-heron"})).await;
        let ask = json!({"names": ["reports-db"], "slots": 1, "lease_duration": 60,
            "holder": {"type": "flow_run", "id": heron["id"]}});
        let take = format!("{place}/v2/concurrency_limits/increment-with-lease");
        for status in [200, 200, 423] {
            api.post(&take, ask.clone()).await.assert_status(status);
        }
        if script == Script::Off {
            ada.open("/workspaces/ada/lab/concurrency").await.click_link("reports-db").await;
        }
        ada.shows("amber-heron").await.shows("2 of 2").await.is_sound("concurrency-limit").await;
        ada.click_button("Release the slots of amber-heron").await;
        ada.shows("goes on, without its slot. Another may start.").await.shows("1 of 2").await;
        ada.click_link("Concurrency").await.shows("1 of 2").await.is_sound("concurrency").await;
        ada.open_menu("Options for reports-db").await.click_button("Turn off").await;
        ada.shows("“reports-db” is off.").await;
        ada.open_menu("Options for reports-db").await.click_link("Delete").await;
        ada.shows("is no longer limited").await.is_sound("concurrency-delete").await;
        ada.click_button("Delete limit").await.shows("“reports-db” is deleted.").await;
    }
}
