//! Mails on their way: what a mail server is sent, and what happens when it fails.

use std::time::Duration;

use bulkhead::app::App;
use bulkhead::base::db::ids::MailId;
use bulkhead::base::db::schema::mails;
use bulkhead::base::db::{Id, Instant};
use bulkhead::base::mail::{self, MailState, Mailer, delivery};
use bulkhead::base::settings::{Smtp, SmtpTls};
use diesel::prelude::*;
use lettre::transport::smtp::extension::ClientId;
use mail_parser::MessageParser;

use crate::support::smtp::{Fault, Protection, SmtpServer, Step, Taken, certificate};
use crate::support::{Home, PASSWORD, Server, TestApp, is_postgres, spawn};

/// A mailer of `app` to a server on this machine, with little patience.
fn mailer_to(app: &TestApp, port: u16) -> Mailer {
    mailer_with(app, port, None)
}

fn mailer_with(app: &TestApp, port: u16, credentials: Option<(&str, &str)>) -> Mailer {
    let mut settings = app.app.settings().clone();
    let credentials =
        credentials.map(|(user, password)| (user.to_owned(), password.to_owned().into()));
    let host = "127.0.0.1".to_owned();
    let hello = ClientId::Domain("bulkhead.example.org".to_owned());
    settings.smtp = Some(Smtp { host, port, tls: SmtpTls::None, hello, credentials });
    let (step, whole) = (Duration::from_millis(700), Duration::from_secs(3));
    Mailer::with_deadlines(&settings, step, whole).unwrap().unwrap()
}

async fn sign_up(app: &TestApp, handle: &str) {
    let email = format!("{handle}@example.org");
    let fields = [("name", handle), ("handle", handle), ("email", &email), ("password", PASSWORD)];
    app.visitor().submit("/sign-up", &fields).await.assert_redirect_to("/verify-email");
}

async fn deliver(app: &TestApp, mailer: &Mailer) -> usize {
    delivery::deliver_due(&app.app, mailer).await.unwrap()
}

#[derive(Debug, Queryable)]
struct Row {
    id: MailId,
    state: MailState,
    attempts: i32,
    last_error: Option<String>,
    next_at: Instant,
}

async fn rows(app: &TestApp) -> Vec<Row> {
    app.read(|db| {
        Ok(mails::table
            .order(mails::id)
            .select((mails::id, mails::state, mails::attempts, mails::last_error, mails::next_at))
            .load(db)?)
    })
    .await
}

async fn only(app: &TestApp) -> Row {
    let mut rows = rows(app).await;
    assert_eq!(rows.len(), 1);
    rows.pop().unwrap()
}

fn message_ids(taken: &[Taken]) -> Vec<String> {
    let parser = MessageParser::default();
    taken
        .iter()
        .map(|mail| parser.parse(&mail.data).unwrap().message_id().unwrap().to_owned())
        .collect()
}

/// The first address of a site in a mail's text.
fn link(mail: &Taken) -> String {
    let parsed = MessageParser::default().parse(&mail.data).unwrap();
    let text = parsed.body_text(0).unwrap();
    let at = text.find("http").unwrap();
    text[at..].split_whitespace().next().unwrap().to_owned()
}

/// EM-01 … EM-03, EM-05: both parts, one recipient, our own links, nothing fetched from elsewhere.
#[actix_rt::test]
async fn a_mail_has_two_parts_and_the_headers_of_a_machine() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    sign_up(&app, "bob").await;
    assert_eq!(smtp.taken().len(), 0, "nothing is sent by the request itself");
    assert_eq!(deliver(&app, &mailer_to(&app, smtp.port)).await, 1);
    let taken = smtp.taken();
    let [mail] = taken.as_slice() else { panic!("{taken:?}") };
    assert_eq!(mail.to, ["RCPT TO:<bob@example.org>"]);
    assert!(mail.from.contains("<bulkhead@localhost>"), "{}", mail.from);

    let parsed = MessageParser::default().parse(&mail.data).unwrap();
    assert_eq!(parsed.subject(), Some("Confirm your email address"));
    let row = only(&app).await;
    assert_eq!(row.state, MailState::Sent);
    assert_eq!(parsed.message_id().unwrap(), format!("{}@localhost", row.id));
    let automatic = parsed.header("Auto-Submitted").and_then(|value| value.as_text());
    assert_eq!(automatic, Some("auto-generated"));
    assert!(parsed.date().is_some());
    let to = parsed.to().unwrap().clone().into_list();
    assert_eq!(to.len(), 1);
    assert_eq!(to[0].address.as_deref(), Some("bob@example.org"));
    assert!(parsed.cc().is_none() && parsed.bcc().is_none());

    assert_eq!((parsed.text_body_count(), parsed.html_body_count()), (1, 1));
    let (text, html) = (parsed.body_text(0).unwrap(), parsed.body_html(0).unwrap());
    let site = app.app.settings().site();
    assert!(link(mail).starts_with(&format!("{site}/verify-email/")), "{text}");
    assert!(html.contains(&link(mail)));
    for foreign in ["<img", "<script", "<link", "src=", "url("] {
        assert!(!html.contains(foreign), "{foreign} in {html}");
    }
    let line = mail.data.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
    assert!(line <= 998, "a line of {line} bytes");
}

/// EM-02: a line break cannot get into a header, wherever it came from.
#[actix_rt::test]
async fn a_recipient_with_a_line_break_is_never_sent_to() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    for bad in [
        "bob@example.org\r\nBcc: eve@example.org",
        "bob@example.org>\r\nRCPT TO:<eve@example.org",
        "bob@example.org, eve@example.org",
        "\"bob\r\n\"@example.org",
    ] {
        let now = app.app.now();
        let mail = mail::Outgoing {
            template: "known-address",
            recipient: bad.to_owned(),
            data: serde_json::json!({}),
            subject: None,
        };
        app.app.db.ingest(move |db| mail::queue(db, mail, now).map(drop)).await.unwrap();
    }
    deliver(&app, &mailer_to(&app, smtp.port)).await;
    assert_eq!(smtp.taken().len(), 0);
    assert!(!smtp.commands().contains(&"RCPT".to_owned()));
    assert!(rows(&app).await.iter().all(|row| row.state == MailState::Dead));
}

/// LIBRARIES 5: both usual ways to log in.
#[actix_rt::test]
async fn a_mail_server_may_ask_for_a_login() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let app = spawn().await;
        let smtp = SmtpServer::start_as(0, Protection::Plain, mechanisms).await;
        sign_up(&app, "bob").await;
        deliver(&app, &mailer_with(&app, smtp.port, Some(("bulk", "he:ad pass")))).await;
        assert_eq!(smtp.logins(), [("bulk".to_owned(), "he:ad pass".to_owned())]);
        assert_eq!(smtp.taken().len(), 1, "{mechanisms}");
    }
}

/// F-05: a wrong password of ours is no fault of the mails: they wait until the operator mended it.
#[actix_rt::test]
async fn a_refused_login_leaves_mails_waiting() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    sign_up(&app, "bob").await;
    let mailer = mailer_with(&app, smtp.port, Some(("bulk", "wrong")));
    for answer in ["535 5.7.8 bad credentials", "530 5.7.0 log in first", "454 4.7.0 later"] {
        smtp.fail(Fault::Answer(Step::Login, answer));
        app.advance(1000);
        deliver(&app, &mailer).await;
        let row = only(&app).await;
        assert_eq!(row.state, MailState::Failed, "{answer}");
        let said = row.last_error.unwrap();
        assert!(said.contains(&answer[..3]) && !said.contains("wrong"), "{said}");
    }
    smtp.mend();
    app.advance(1000);
    deliver(&app, &mailer).await;
    assert_eq!(only(&app).await.state, MailState::Sent);
}

/// F-05: what the mail server has against us and not against a mail is the operator's to mend, whatever its code
/// says: the mail waits, and the operator sees why.
#[actix_rt::test]
async fn what_a_mail_server_has_against_us_leaves_mails_waiting() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    sign_up(&app, "bob").await;
    let mailer = mailer_to(&app, smtp.port);
    for (step, answer) in [
        (Step::Greeting, "554 5.7.1 you are on a list"),
        (Step::Hello, "550 5.7.1 no such name"),
        (Step::MailFrom, "550 5.7.1 not from you"),
        (Step::MailFrom, "553 5.1.8 no such domain"),
        (
            Step::RcptTo,
            "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
        ),
        (Step::RcptTo, "554 5.7.1 <bob@example.org>: Relay access denied"),
        (Step::RcptTo, "530 5.7.0 Authentication required"),
    ] {
        smtp.fail(Fault::Answer(step, answer));
        app.advance(1000);
        assert_eq!(deliver(&app, &mailer).await, 1, "{answer}");
        let row = only(&app).await;
        assert_eq!(row.state, MailState::Failed, "{answer}");
        assert!(row.last_error.unwrap().contains(&answer[4..]), "{answer}");
        assert_eq!(app.read(|db| Ok(mail::dead(db, 10)?)).await.len(), 1);
    }
    smtp.mend();
    app.advance(1000);
    deliver(&app, &mailer).await;
    assert_eq!(only(&app).await.state, MailState::Sent);
    assert_eq!(smtp.greeting(), "EHLO bulkhead.example.org");
}

/// F-05: "not now" is tried again, with the same Message-ID.
#[actix_rt::test]
async fn a_passing_refusal_is_tried_again() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    sign_up(&app, "bob").await;
    let mailer = mailer_to(&app, smtp.port);
    let faults = [
        Fault::Answer(Step::Greeting, "421 too busy"),
        Fault::Answer(Step::Hello, "421 too busy"),
        Fault::Answer(Step::MailFrom, "451 later"),
        Fault::Answer(Step::RcptTo, "451 greylisted"),
        Fault::Answer(Step::Data, "452 full"),
        Fault::Answer(Step::Content, "451 later"),
        Fault::HangUp(Step::Greeting),
        Fault::HangUp(Step::MailFrom),
        Fault::HangUpInContent,
    ];
    for (tries, fault) in (1..).zip(faults) {
        smtp.fail(fault);
        assert_eq!(deliver(&app, &mailer).await, 1, "{fault:?}");
        let row = only(&app).await;
        assert_eq!((row.state, row.attempts), (MailState::Failed, tries), "{fault:?}");
        assert!(row.last_error.is_some_and(|error| !error.is_empty()), "{fault:?}");
        assert_eq!(deliver(&app, &mailer).await, 0, "not before its time");
        app.advance(row.next_at.since(app.app.now()).as_secs() + 1);
    }
    assert_eq!(smtp.taken().len(), 0);
    smtp.mend();
    assert_eq!(deliver(&app, &mailer).await, 1);
    assert_eq!(only(&app).await.state, MailState::Sent);
    assert_eq!(smtp.taken().len(), 1);
    app.advance(100_000);
    assert_eq!(deliver(&app, &mailer).await, 0, "sent is sent");
}

/// F-05: what will never be taken is given up at once, and the operator sees it and can start it
/// again.
#[actix_rt::test]
async fn a_permanent_refusal_is_given_up_at_once() {
    for (step, answer) in [
        (Step::RcptTo, "550 5.1.1 no such user"),
        (Step::RcptTo, "552 5.2.2 mailbox full"),
        (Step::Content, "554 5.6.0 we do not like it"),
    ] {
        let (app, smtp) = (spawn().await, SmtpServer::start().await);
        sign_up(&app, "bob").await;
        let mailer = mailer_to(&app, smtp.port);
        smtp.fail(Fault::Answer(step, answer));
        deliver(&app, &mailer).await;
        let row = only(&app).await;
        assert_eq!((row.state, row.attempts), (MailState::Dead, 1), "{answer}");
        assert!(row.last_error.unwrap().contains(&answer[4..]), "{answer}");
        smtp.mend();
        app.advance(100_000);
        assert_eq!(deliver(&app, &mailer).await, 0);
        let now = app.app.now();
        let listed = app.read(|db| Ok(mail::dead(db, 10)?)).await;
        assert_eq!(listed.len(), 1);
        let again = app.app.db.ingest(move |db| Ok(mail::retry_dead(db, now)?)).await.unwrap();
        assert_eq!(again, 1);
        deliver(&app, &mailer).await;
        // The link in it lives for a day, so by now the mail is over.
        assert!(matches!(only(&app).await.state, MailState::Sent | MailState::Dropped));
    }
}

/// F-05: silence and slowness end at a deadline, whichever step they come at.
#[actix_rt::test]
async fn silence_ends_at_a_deadline() {
    let faults = [
        Fault::Stall(Step::Greeting),
        Fault::Stall(Step::Hello),
        Fault::Stall(Step::RcptTo),
        Fault::Stall(Step::Data),
        Fault::Stall(Step::Content),
        Fault::Slow(Duration::from_millis(650)),
    ];
    for fault in faults {
        let (app, smtp) = (spawn().await, SmtpServer::start().await);
        sign_up(&app, "bob").await;
        smtp.fail(fault);
        let mailer = mailer_to(&app, smtp.port);
        let delivered = actix_rt::time::timeout(Duration::from_secs(8), deliver(&app, &mailer));
        assert_eq!(delivered.await.expect("a deadline"), 1);
        assert_eq!(only(&app).await.state, MailState::Failed, "{fault:?}");
    }
}

/// F-06: the server took the mail and could not say so: it is sent again, as the same mail with the
/// same link, and the link works.
#[actix_rt::test]
async fn a_lost_answer_makes_a_copy_with_the_same_message_id() {
    for fault in [Fault::TakeAndHangUp, Fault::TakeAndStall] {
        let (app, smtp) = (spawn().await, SmtpServer::start().await);
        sign_up(&app, "bob").await;
        smtp.fail(fault);
        let mailer = mailer_to(&app, smtp.port);
        deliver(&app, &mailer).await;
        smtp.mend();
        app.advance(10);
        deliver(&app, &mailer).await;
        let taken = smtp.taken();
        assert_eq!(taken.len(), 2, "{fault:?}: {:?}", only(&app).await);
        let ids = message_ids(&taken);
        assert_eq!(ids[0], ids[1]);
        assert_eq!(link(&taken[0]), link(&taken[1]));
        let page = url::Url::parse(&link(&taken[1])).unwrap();
        app.visitor().submit(page.path(), &[("password", PASSWORD)]).await.assert_status(303);
    }
}

/// F-02, F-06: a process that died after the server took the mail, before it was marked as sent:
/// somebody else sends it again when the lease is over, and not before.
#[actix_rt::test]
async fn a_mail_of_a_dead_process_is_sent_after_its_lease() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    sign_up(&app, "bob").await;
    for round in 1..=5 {
        smtp.fail(Fault::TakeAndStall);
        let sending = {
            let (app, mailer) = (app.app.clone(), mailer_to(&app, smtp.port));
            actix_rt::spawn(async move { drop(delivery::deliver_due(&app, &mailer).await) })
        };
        while smtp.taken().len() < round {
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        }
        sending.abort();
        assert_eq!(only(&app).await.state, MailState::Sending);
        smtp.mend();
        app.advance(100);
        assert_eq!(deliver(&app, &mailer_to(&app, smtp.port)).await, 0, "it is leased");
        app.advance(21);
    }
    assert_eq!(deliver(&app, &mailer_to(&app, smtp.port)).await, 1);
    let mut ids = message_ids(&smtp.taken());
    assert_eq!(ids.len(), 6);
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(only(&app).await.state, MailState::Sent);
}

/// SP-7: the one server of a file does not wait for the leases of its dead predecessor.
#[actix_rt::test]
async fn a_restart_frees_what_was_being_sent() {
    if is_postgres() {
        return;
    }
    let smtp = SmtpServer::start().await;
    let (mut home, mut server) = sending_home(&smtp, "none", "127.0.0.1").await;
    smtp.fail(Fault::TakeAndStall);
    sign_up_at(&server, "bob").await;
    wait_until(|| smtp.taken().len() == 1).await;
    server.kill();
    smtp.mend();
    let _server = home.start().await;
    wait_until(|| smtp.taken().len() == 2).await;
    let ids = message_ids(&smtp.taken());
    assert_eq!(ids[0], ids[1]);
}

/// F-04: half an hour without a mail server: pages work, tries become rarer but never rarer than
/// every ten minutes, and ten minutes after its return everything is delivered.
#[actix_rt::test]
async fn mails_outlast_half_an_hour_without_a_server() {
    let app = spawn().await;
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let mailer = mailer_to(&app, port);
    let began = app.app.now();
    let mut gaps = Vec::new();
    for number in 0..6 {
        sign_up(&app, &format!("bob-{number}")).await;
    }
    while app.app.now().since(began).as_secs() < 1800 {
        deliver(&app, &mailer).await;
        let first = rows(&app).await.remove(0);
        assert_eq!(first.state, MailState::Failed);
        let gap = first.next_at.since(app.app.now());
        assert!(gap.as_secs() <= 600, "{gap}");
        gaps.push((first.attempts, gap.as_secs()));
        let next = rows(&app).await.iter().map(|row| row.next_at).min().unwrap();
        app.advance(next.since(app.app.now()).as_secs().max(0) + 1);
    }
    let tries = rows(&app).await[0].attempts;
    assert!((8..=14).contains(&tries), "{tries} tries: {gaps:?}");
    assert!(gaps.iter().any(|(_, gap)| *gap <= 2) && gaps.iter().any(|(_, gap)| *gap >= 240));

    let smtp = SmtpServer::start_as(port, Protection::Plain, "PLAIN").await;
    for _ in 0..11 {
        deliver(&app, &mailer).await;
        app.advance(60);
    }
    assert!(rows(&app).await.iter().all(|row| row.state == MailState::Sent));
    assert_eq!(smtp.taken().len(), 6);
}

/// F-04: after a day without success a mail is given up.
#[actix_rt::test]
async fn a_mail_is_given_up_after_a_day() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    // A notice: it does not end by itself.
    app.make_user("ada", bulkhead::access::identify::Verified::Mailed).await;
    queue_notice(&app).await;
    smtp.fail(Fault::Answer(Step::RcptTo, "451 later"));
    let mailer = mailer_to(&app, smtp.port);
    deliver(&app, &mailer).await;
    app.advance(23 * 3600);
    deliver(&app, &mailer).await;
    assert_eq!(only(&app).await.state, MailState::Failed);
    app.advance(3700);
    deliver(&app, &mailer).await;
    let row = only(&app).await;
    assert_eq!((row.state, row.attempts), (MailState::Dead, 3));
    app.advance(100_000);
    assert_eq!(deliver(&app, &mailer).await, 0);
}

async fn queue_notice(app: &TestApp) {
    let now = app.app.now();
    let mail = mail::Outgoing {
        template: "known-address",
        recipient: "ada@example.org".to_owned(),
        data: serde_json::json!({}),
        subject: None,
    };
    app.app.db.ingest(move |db| mail::queue(db, mail, now).map(drop)).await.unwrap();
}

/// SP-10: what a mail is about was over before it was sent: it is not sent.
#[actix_rt::test]
async fn a_mail_about_what_is_over_is_dropped() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    sign_up(&app, "bob").await;
    let page = app.inbox("bob@example.org").await.pop().unwrap().link();
    app.visitor().submit(&page, &[("password", PASSWORD)]).await.assert_status(303);
    deliver(&app, &mailer_to(&app, smtp.port)).await;
    assert_eq!(only(&app).await.state, MailState::Dropped);
    assert_eq!(smtp.conversations(), 0);
}

/// SP-7, F-06: two processes on one outbox send each mail once.
#[actix_rt::test]
async fn two_processes_send_each_mail_once() {
    let (app, smtp) = (spawn().await, SmtpServer::start().await);
    for _ in 0..45 {
        queue_notice(&app).await;
    }
    let mailer = mailer_to(&app, smtp.port);
    let mut beside = app.app.clone();
    beside.instance = Id::new(app.app.now());
    let all = |app: App, mailer: Mailer| async move {
        let mut count = 0;
        loop {
            match delivery::deliver_due(&app, &mailer).await.unwrap() {
                0 => return count,
                more => count += more,
            }
        }
    };
    let (one, other) = futures_util::future::join(
        all(app.app.clone(), mailer.clone()),
        all(beside, mailer.clone()),
    )
    .await;
    assert_eq!(one + other, 45);
    let mut ids = message_ids(&smtp.taken());
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), smtp.taken().len()), (45, 45));
}

/// F-04, EM-05: a mail server that says nothing holds up no page.
#[actix_rt::test]
async fn no_request_waits_for_the_mail_server() {
    let smtp = SmtpServer::start().await;
    smtp.fail(Fault::Stall(Step::Greeting));
    let (home, server) = sending_home(&smtp, "none", "127.0.0.1").await;
    for number in 0..5 {
        let began = std::time::Instant::now();
        sign_up_at(&server, &format!("bob-{number}")).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    assert!(smtp.conversations() > 0, "it was tried");
    drop((home, server));
}

/// A home whose server sends through `smtp`.
async fn sending_home(smtp: &SmtpServer, tls: &str, host: &str) -> (Home, Server) {
    let mut home = Home::empty()
        .set("BULKHEAD_SMTP_HOST", host)
        .set("BULKHEAD_SMTP_PORT", &smtp.port.to_string())
        .set("BULKHEAD_SMTP_TLS", tls);
    let server = home.start().await;
    (home, server)
}

async fn sign_up_at(server: &Server, handle: &str) {
    let email = format!("{handle}@example.org");
    let fields = [("name", handle), ("handle", handle), ("email", &email), ("password", PASSWORD)];
    server.visitor().submit("/sign-up", &fields).await.assert_redirect_to("/verify-email");
}

async fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        actix_rt::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen within half a minute");
}

/// EM-04: a certificate that nobody vouches for ends the conversation before anything is said; the
/// mail waits, the operator reads why, and with the certificate trusted it goes out.
#[actix_rt::test]
async fn a_mail_server_must_prove_who_it_is() {
    let (config, pem) = certificate(&["localhost"]);
    for (tls, protection) in
        [("starttls", Protection::Starttls(config.clone())), ("tls", Protection::Tls(config))]
    {
        let smtp = SmtpServer::protected(protection).await;
        let (mut home, mut server) = sending_home(&smtp, tls, "localhost").await;
        sign_up_at(&server, "bob").await;
        wait_until(|| smtp.conversations() >= 2).await;
        let ran = home.run_async(&["admin", "mails"]).await;
        let said = ran.assert_ok().out.to_lowercase();
        assert!(said.contains("failed") && said.contains("certificate"), "{tls}: {said}");
        assert!(said.contains("bob@example.org"), "{tls}: {said}");
        assert!(!smtp.commands().contains(&"MAIL".to_owned()), "{tls}");
        assert_eq!(smtp.taken().len(), 0, "{tls}");
        server.stop();

        let trusted = home.database.folder.path().join("trusted.pem");
        std::fs::write(&trusted, &pem).unwrap();
        home.settings.insert("SSL_CERT_FILE".to_owned(), trusted.display().to_string());
        let mut server = home.start().await;
        wait_until(|| !smtp.taken().is_empty()).await;
        assert!(smtp.taken()[0].was_encrypted, "{tls}");
        server.stop();
    }
}

/// EM-04: a certificate of another name, and a server that does not offer TLS, are no better.
#[actix_rt::test]
async fn a_mail_never_goes_out_in_the_clear_or_to_another_name() {
    let (config, pem) = certificate(&["mail.example.org"]);
    for protection in [Protection::Starttls(config), Protection::Plain] {
        let smtp = SmtpServer::protected(protection).await;
        let folder = tempfile::TempDir::new().unwrap();
        let trusted = folder.path().join("trusted.pem");
        std::fs::write(&trusted, &pem).unwrap();
        let mut home = Home::empty()
            .set("BULKHEAD_SMTP_HOST", "localhost")
            .set("BULKHEAD_SMTP_PORT", &smtp.port.to_string())
            .set("SSL_CERT_FILE", trusted.to_str().unwrap());
        let server = home.start().await;
        sign_up_at(&server, "bob").await;
        wait_until(|| smtp.conversations() >= 2).await;
        assert!(!smtp.commands().contains(&"MAIL".to_owned()));
        assert_eq!(smtp.taken().len(), 0);
        let ran = home.run_async(&["admin", "mails"]).await;
        assert!(ran.assert_ok().out.contains("failed"), "{ran:?}");
    }
}
