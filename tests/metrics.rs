//! Figures for the operator.

use actix_web::body::to_bytes;
use actix_web::web;
use bulkhead::base::http::metrics;

use crate::support::{TestApp, spawn};
use crate::tenancy::api_keys::make_key;

pub async fn figures(app: &TestApp) -> String {
    let response = metrics::serve_openly(web::Data::new(app.app.clone())).await.unwrap();
    let bytes = to_bytes(response.into_body()).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// AZ-17: on the main address there are no figures without a token.
#[actix_rt::test]
async fn without_a_token_there_are_no_figures() {
    let app = spawn().await;
    app.visitor().get("/metrics").await.assert_status(404);
    app.user("ada").await.get("/metrics").await.assert_status(404);
}

/// Requests count by route pattern, and made-up addresses share one; mails count by state.
#[actix_rt::test]
async fn figures_name_routes_and_never_addresses() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    make_key(&ada, "laptop").await;
    let page = ada.get("/profile/api-keys").await.links_containing("/delete").remove(0);
    ada.get(&page).await.assert_status(200);
    for n in 0..5 {
        ada.get(&format!("/made-up-{n}")).await.assert_status(404);
        ada.send("BREW", &format!("/api/made-up-{n}"), &[], "").await.assert_status(401);
    }
    let text = figures(&app).await;
    assert!(!text.contains("made-up") && !text.contains("BREW") && !text.contains(&page), "{text}");
    for line in [
        r#"bulkhead_http_requests_total{method="GET",route="/profile/api-keys/{id}/delete",status="2xx"} 1"#,
        r#"bulkhead_http_requests_total{method="GET",route="(none)",status="4xx"} 5"#,
        r#"bulkhead_http_requests_total{method="other",route="(none)",status="4xx"} 5"#,
        r#"bulkhead_mails{state="dead"} 0"#,
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(text.contains(r#"bulkhead_mails{state="queued"}"#));
    assert!(text.contains("process_resident_memory_bytes "));
}
