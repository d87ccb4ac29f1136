//! The audit log: what is kept, and for how long.

use bulkhead::base::db::schema::{accounts, audit_entries};
use diesel::prelude::*;

use crate::support::{TestApp, spawn_with};

async fn entries(app: &TestApp, handle: &str) -> i64 {
    let handle = handle.to_owned();
    app.read(move |db| {
        Ok(audit_entries::table
            .inner_join(accounts::table.on(accounts::id.eq(audit_entries::account_id)))
            .filter(accounts::handle.eq(handle))
            .count()
            .get_result(db)?)
    })
    .await
}

/// U4, SP-6: entries go after the days they are kept, from the old end; the chain of what is
/// left verifies, and grows on.
#[actix_rt::test]
async fn old_entries_go_and_the_chain_stays_whole() {
    let app = spawn_with(|flags| flags.audit_retention_days = Some(30)).await;
    let (ada, _) = (app.user("ada").await, app.user("eve").await);
    for n in 0..3 {
        ada.workspace(&format!("old-{n}")).await;
    }
    app.advance(31 * 86_400);
    let ada = app.sign_in("ada").await;
    ada.workspace("fresh").await;
    app.run_jobs().await;
    assert_eq!(entries(&app, "ada").await, 2, "the sign-in and the workspace of today");
    assert_eq!(entries(&app, "eve").await, 0);
    app.assert_audit_is_whole().await;
    ada.workspace("fresher").await;
    app.assert_audit_is_whole().await;
    let _ = app.sign_in("eve").await;
    app.assert_audit_is_whole().await;
}

/// N1: days of an account's own stand over those of the server.
#[actix_rt::test]
async fn an_account_keeps_its_log_for_its_own_days() {
    let app = spawn_with(|flags| flags.audit_retention_days = Some(30)).await;
    let (_, _) = (app.user("ada").await, app.user("eve").await);
    app.app
        .db
        .ingest(|db| {
            let keep = accounts::audit_retention_days;
            diesel::update(accounts::table.filter(accounts::handle.eq("ada")))
                .set(keep.eq(Some(90)))
                .execute(db)?;
            diesel::update(accounts::table.filter(accounts::handle.eq("eve")))
                .set(keep.eq(Some(10)))
                .execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
    let before = entries(&app, "ada").await;
    app.advance(11 * 86_400);
    app.run_jobs().await;
    assert_eq!((entries(&app, "ada").await, entries(&app, "eve").await), (before, 0));
    app.advance(60 * 86_400);
    app.run_jobs().await;
    assert_eq!(entries(&app, "ada").await, before);
    app.assert_audit_is_whole().await;
}
