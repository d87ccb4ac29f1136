//! The mails that are kept while there is no mail server.

use crate::support::{TestApp, spawn, spawn_with};

use super::api_keys::make_key;

const OUTBOX: &str = "/dev/outbox";

/// The path of the newest kept mail.
async fn newest(app: &TestApp) -> String {
    app.visitor().get(OUTBOX).await.links_containing("/dev/outbox/").remove(0)
}

/// SP-13: signed in or out, the mails are listed and their links lead on.
#[actix_rt::test]
async fn kept_mails_can_be_read_and_their_links_followed() {
    let app = spawn().await;
    let bob = app.visitor();
    bob.get(OUTBOX).await.assert_status(200).shows("No mail was written yet");
    let typed = [
        ("name", "Bob"),
        ("handle", "bob"),
        ("email", "bob@example.org"),
        ("password", crate::support::PASSWORD),
    ];
    bob.submit("/sign-up", &typed).await.assert_status(303);
    bob.get(OUTBOX).await.shows("Confirm your email address").shows("To bob@example.org");
    let mail = bob.get(&newest(&app).await).await;
    mail.assert_status(200).shows("Confirm your email address").shows(&app.base);
    let links = mail.links_containing("/verify-email/");
    assert!(links.iter().all(|link| link.starts_with('/')), "{links:?}");
    bob.get(&links[0]).await.assert_status(200).shows("Confirm address");
    app.user("ada").await.get(OUTBOX).await.assert_status(200);
}

/// SP-13: the HTML part stands alone and can do nothing.
#[actix_rt::test]
async fn the_html_part_is_shut_in() {
    let app = spawn().await;
    make_key(&app.user("ada").await, "<script>alert(1)</script>").await;
    let path = newest(&app).await;
    let page = app.visitor().get(&format!("{path}/html")).await;
    page.assert_status(200).shows("A new API key was created");
    assert_eq!(
        page.header("content-security-policy").as_deref(),
        Some("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    );
    assert_eq!(page.header("content-type").as_deref(), Some("text/html; charset=utf-8"));
    assert!(!page.text.contains("<script"));
    let text = app.visitor().get(&path).await;
    assert!(!text.text.contains("<script>alert"));
    assert!(!text.header("content-security-policy").unwrap().contains("unsafe"));
}

/// A mail whose matter has ended says so, and has no text.
#[actix_rt::test]
async fn a_mail_that_is_over_says_so() {
    let app = spawn().await;
    make_key(&app.user("ada").await, "laptop").await;
    app.advance(24 * 86_400);
    app.run_jobs().await;
    app.visitor().get(OUTBOX).await.shows("Your API key “laptop” expires");
    app.advance(7 * 86_400);
    let path = newest(&app).await;
    app.visitor().get(OUTBOX).await.shows("what this mail was about has ended");
    app.visitor().get(&path).await.assert_status(200).shows("it would not be sent");
    app.visitor().get(&format!("{path}/html")).await.assert_status(404);
}

/// SP-13, AZ-17: past a proxy, under another name, or with a mail server there is no page.
#[actix_rt::test]
async fn nobody_else_reads_kept_mails() {
    let app = spawn().await;
    make_key(&app.user("ada").await, "laptop").await;
    let path = newest(&app).await;
    let visitor = app.visitor();
    let pages = [OUTBOX.to_owned(), path.clone(), format!("{path}/html")];
    for header in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
    ] {
        for page in &pages {
            visitor.send("GET", page, &[header], "").await.assert_status(404);
        }
    }
    visitor.send("GET", OUTBOX, &[("host", "evil.example")], "").await.assert_status(421);
    for unknown in ["x", "01a207b8-2b80-7000-8017-d0bb318e5353"] {
        visitor.get(&format!("{OUTBOX}/{unknown}")).await.assert_status(404);
    }
}

/// SP-13: a mail server, a trusted proxy or a public name close the pages.
#[actix_rt::test]
async fn other_settings_close_the_outbox() {
    let with_proxy =
        spawn_with(|flags| flags.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]).await;
    with_proxy.visitor().get(OUTBOX).await.assert_status(404);
    let with_server = spawn_with(|flags| {
        flags.smtp_host = Some("localhost".to_owned());
        flags.mail_from = Some("bulkhead@example.org".to_owned());
        flags.smtp_tls = bulkhead::base::settings::SmtpTls::None;
    })
    .await;
    with_server.visitor().get(OUTBOX).await.assert_status(404);
}
