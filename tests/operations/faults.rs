//! What breaks around the program, and what must hold then.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bulkhead::base::db::{AnyConnection, Db, Location, Locks};
use bulkhead::base::error::Error;
use bulkhead::server;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::invariants::{self, number, texts};
use crate::support::{
    Answer, ApiClient, Client, Home, PASSWORD, Server, Socket, is_postgres, spawn, variable,
};
use crate::tenancy::service_accounts::key_of;

/// What was acknowledged, as queries that must find exactly one row.
type Acknowledged = Arc<Mutex<Vec<String>>>;

/// Signs people up until the server dies.
async fn signs_people_up(server_at: Client, round: u32, done: Acknowledged) {
    for n in 0..1000 {
        let handle = format!("new-{round}-{n}");
        let email = format!("{handle}@example.org");
        let fields =
            [("name", "New"), ("handle", &handle), ("email", &email), ("password", PASSWORD)];
        match server_at.try_submit("/sign-up", &fields).await {
            Some(answer) if answer.status == 303 => done.lock().unwrap().push(format!(
                "SELECT count(*) AS number FROM users u JOIN accounts a \
                 ON a.id = u.personal_account_id JOIN mails m ON m.subject_id = u.id \
                 JOIN audit_entries e ON e.account_id = a.id AND e.event = 'user.created' \
                 WHERE u.email_key = '{email}' AND a.handle = '{handle}'"
            )),
            // Killed, or too many sign-ups from one address: the rest belongs to the others.
            _ => return,
        }
    }
}

/// Makes workspaces, and invites somebody into each, until the server dies.
async fn makes_workspaces(ada: Client, round: u32, done: Acknowledged) {
    for n in 0..1000 {
        let handle = format!("lab-{round}-{n}");
        match ada.try_submit("/workspaces/new", &[("handle", &handle)]).await {
            Some(answer) if answer.status == 303 => done.lock().unwrap().push(format!(
                "SELECT count(*) AS number FROM workspaces w JOIN audit_entries e \
                 ON e.workspace_id = w.id AND e.event = 'workspace.created' \
                 WHERE w.handle = '{handle}'"
            )),
            Some(answer) => panic!("{} {}", answer.status, answer.visible()),
            None => return,
        }
        let email = format!("guest-{round}-{n}@example.org");
        let page = format!("/workspaces/ada/{handle}/collaborators/invite");
        match ada.try_submit(&page, &[("email", &email)]).await {
            Some(answer) if answer.status == 303 => done.lock().unwrap().push(format!(
                "SELECT count(*) AS number FROM invitations i JOIN workspaces w \
                 ON w.id = i.workspace_id JOIN mails m ON m.subject_id = i.id \
                 WHERE w.handle = '{handle}' AND i.email_key = '{email}'"
            )),
            Some(answer) => panic!("{} {}", answer.status, answer.visible()),
            None => return,
        }
    }
}

/// Makes keys until the server dies.
async fn makes_keys(ada: Client, round: u32, done: Acknowledged) {
    for n in 0..4 {
        let name = format!("key-{round}-{n}");
        match ada.try_submit("/profile/api-keys/new", &[("name", &name)]).await {
            Some(answer) if answer.status == 200 => done
                .lock()
                .unwrap()
                .push(format!("SELECT count(*) AS number FROM api_keys WHERE name = '{name}'")),
            Some(answer) => panic!("{} {}", answer.status, answer.visible()),
            None => return,
        }
    }
}

/// Changes its own name until the server dies; returns the last acknowledged number.
async fn renames_itself(bob: Client, from: u32) -> u32 {
    let mut acknowledged = from;
    loop {
        let name = format!("Bob {}", acknowledged + 1);
        match bob.try_submit("/profile", &[("name", &name)]).await {
            Some(answer) if answer.status == 303 => acknowledged += 1,
            Some(answer) => panic!("{} {}", answer.status, answer.visible()),
            None => return acknowledged,
        }
    }
}

/// F-01 (and F-06, F-21): killed at any moment while several people write, and started again without
/// a hand: what was acknowledged is there, what is there is whole (I1 … I10).
#[actix_rt::test]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let rounds = variable("BULKHEAD_KILL_ROUNDS").map_or(10, |rounds| rounds.parse().unwrap());
    let mut home = Home::empty();
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    let bob = ["admin", "create-user", "--name", "Bob 0", "--handle", "bob", "--email", "b@x.org"];
    let ran = home.run_async(&bob).await;
    let link = ran.assert_ok().out.lines().find(|line| line.starts_with("http")).unwrap();
    let link = url::Url::parse(link).unwrap().path().to_owned();
    server.visitor().submit(&link, &[("new_password", PASSWORD)]).await.assert_status(303);
    let bob = server.sign_in("bob").await;
    let (ada_at, bob_at) = (ada.cookies(), bob.cookies());
    let done = Acknowledged::default();
    let mut renamed = 0;
    for round in 0..rounds {
        let again = |cookies: &_| {
            let client = server.visitor();
            client.take_cookies(cookies);
            client
        };
        let writers = [
            actix_rt::spawn(signs_people_up(server.visitor(), round, done.clone())),
            actix_rt::spawn(makes_workspaces(again(&ada_at), round, done.clone())),
            actix_rt::spawn(makes_workspaces(again(&ada_at), 1000 + round, done.clone())),
            actix_rt::spawn(makes_keys(again(&ada_at), round, done.clone())),
        ];
        let renames = actix_rt::spawn(renames_itself(again(&bob_at), renamed));
        let random = u64::from(Instant::now().elapsed().subsec_nanos()) % 100;
        let time = 150 + u64::from(round) * 97 % 500 + random;
        actix_rt::time::sleep(Duration::from_millis(time)).await;
        server.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        let least = renames.await.unwrap();
        server = home.start().await;
        invariants::assert_hold(&home.database.location);
        let mut db = home.connect();
        for query in done.lock().unwrap().iter() {
            assert_eq!(number(&mut db, query), 1, "{query}");
        }
        let name = "SELECT name AS text FROM accounts WHERE handle = 'bob'";
        let name = texts(&mut db, name).remove(0);
        renamed = name.trim_start_matches("Bob ").parse().unwrap();
        // The answer to the last change may have been lost, never the change to an answer.
        assert!(renamed == least || renamed == least + 1, "{renamed} after {least}");
        let changes = "SELECT count(*) AS number FROM audit_entries \
                       WHERE event = 'user.updated'";
        assert_eq!(number(&mut db, changes), i64::from(renamed));
    }
    let count = done.lock().unwrap().len();
    assert!(count >= rounds as usize * 2, "only {count} changes were acknowledged");
    println!("{count} changes and {renamed} names acknowledged over {rounds} kills, none lost");
}

/// Runs requests while something holds the writer's lock.
/// Moves `lab` from Acme to Other and back until the server dies, and counts how many of both were acknowledged.
async fn moves_back_and_forth(api: ApiClient, place: String, acknowledged: Arc<AtomicI64>) {
    let call = async |path: &str, body: Value| {
        let answer = api.try_send("POST", path, Some(body)).await?;
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text);
        Some(answer)
    };
    loop {
        let filter = json!({"transfers": {"state": {"any_": ["completed"]}}});
        let Some(open) = call("/api/transfers/filter", filter).await else { return };
        let step = if let Some(id) = open.json()[0]["id"].as_str() {
            call(&format!("/api/transfers/{id}/undo"), json!({"confirm": "other/lab"})).await
        } else {
            let to = json!({"account_handle": "other"});
            let Some(seen) = call(&format!("{place}/transfer/review"), to).await else { return };
            let seen = seen.json();
            let yes = json!({"account_handle": "other", "confirm": "acme/lab",
                "review_hash": seen["review"]["hash"], "acknowledge": seen["acknowledge"]});
            call(&format!("{place}/transfer"), yes).await
        };
        if step.is_none() {
            return;
        }
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// T13, F-17: killed at any moment of a transfer and of its undo, the workspace is in one place, with everything that
/// belongs to it there, both logs tell the same, and what was acknowledged is so.
#[actix_rt::test]
async fn a_transfer_is_whole_or_not_at_all_under_kill_9() {
    let rounds = variable("BULKHEAD_KILL_ROUNDS").map_or(12, |rounds| rounds.parse().unwrap());
    let mut home = Home::empty().set("BULKHEAD_REQUESTS_PER_MINUTE_OF_KEY", "1000000");
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    for handle in ["acme", "other"] {
        let fields = [("name", handle), ("handle", handle)];
        ada.submit("/organizations/new", &fields).await.assert_status(303);
    }
    let lab = [("owner", "acme"), ("handle", "lab")];
    ada.submit("/workspaces/new?owner=acme", &lab).await.assert_status(303);
    let bot = [("name", "ingest")];
    ada.submit("/organizations/acme/service-accounts/new", &bot).await.assert_status(200);
    let share = "/workspaces/acme/lab/sharing/service-accounts/new";
    let opened = ada.get(share).await;
    let who = opened.attributes("select[name=who] option:not([value=''])", "value").remove(0);
    let fields = [("who", &*who), ("role", "worker"), ("days", "")];
    ada.fill(opened.form(share, "Share"), &fields).await.assert_status(303);
    let key = key_of(&ada).await;
    let connect = |server: &Server| server.api(&key);
    let list = connect(&server).get("/api/me/workspaces").await.json();
    let id = |name: &str| list[0][name].as_str().unwrap().to_owned();
    let place = format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"));
    let count =
        |db: &mut Db, sql: &str| number(db, &format!("SELECT count(*) AS number FROM {sql}"));
    let (mut least, mut told) = (0, 0);
    for round in 0..rounds {
        let moves = Arc::new(AtomicI64::new(0));
        let mover = moves_back_and_forth(connect(&server), place.clone(), Arc::clone(&moves));
        let mover = actix_rt::spawn(mover);
        let random = u64::from(Instant::now().elapsed().subsec_nanos()) % 50;
        // Some moves first, however long they take on a busy machine.
        let began = Instant::now();
        while moves.load(Ordering::SeqCst) < 2 && began.elapsed() < Duration::from_secs(20) {
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        }
        actix_rt::time::sleep(Duration::from_millis(round * 37 % 150 + random)).await;
        server.kill();
        mover.await.unwrap();
        least += moves.load(Ordering::SeqCst);
        server = home.start().await;
        invariants::assert_hold(&home.database.location);
        let mut db = home.connect();
        let away = count(&mut db, "transfers WHERE state = 'completed'");
        let owner =
            "SELECT a.handle AS text FROM workspaces w JOIN accounts a ON a.id = w.account_id";
        let owners = texts(&mut db, owner);
        assert_eq!(owners, [if away == 1 { "other" } else { "acme" }]);
        assert_eq!(count(&mut db, "service_account_grants"), 1 - away);
        assert_eq!(count(&mut db, "transfers WHERE state = 'pending'"), 0);
        let out = count(&mut db, "audit_entries WHERE event = 'workspace.transferred-out'");
        assert_eq!(out, count(&mut db, "audit_entries WHERE event = 'workspace.transferred-in'"));
        let undone = count(&mut db, "transfers WHERE state = 'undone'");
        assert_eq!(out, away + 2 * undone);
        // The answer to the last one may have been lost, never the move to an answer.
        assert!(out == least || out == least + 1, "{out} after {least}");
        (least, told) = (out, told + 1);
    }
    assert!(least > told, "only {least} moves over {told} kills");
    home.run(&["audit", "verify"]).assert_ok();
}

async fn sign_out(person: &Client) {
    let page = person.get("/profile").await;
    let field = |name: &str| {
        let value =
            page.attributes(&format!("form[action='/sign-out'] input[name={name}]"), "value");
        (name.to_owned(), value[0].clone())
    };
    person.post("/sign-out", &[field("csrf"), field("once")]).await.assert_status(303);
}

async fn save_profile(ada: &Client, name: &str) -> Answer {
    ada.submit("/profile", &[("name", name)]).await
}

/// F-07: another process holds the file's write lock: for a short time changes wait, for a long one
/// they are refused with a hint when to come again; pages are read all the while.
#[actix_rt::test]
async fn a_locked_file_delays_changes_and_no_page() {
    let mut home = Home::empty();
    let server = home.start().await;
    let ada = server.set_up("ada").await;
    let AnyConnection::Sqlite(mut other) = home.connect().connection else { return };
    let elsewhere = server.sign_in("ada").await;
    let cookies = elsewhere.cookies();
    for (held, status) in [(3, 303), (9, 503)] {
        other.batch_execute("BEGIN EXCLUSIVE").unwrap();
        let began = Instant::now();
        let held = Duration::from_secs(held);
        let reads = async {
            let mut slowest = Duration::ZERO;
            if status == 503 {
                // Signing out waits for nobody.
                sign_out(&elsewhere).await;
                assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
                elsewhere.take_cookies(&cookies);
                elsewhere.get("/profile").await.assert_redirect_to("/sign-in?next=%2Fprofile");
            }
            while began.elapsed() < held {
                let asked = Instant::now();
                ada.get("/profile").await.assert_status(200);
                slowest = slowest.max(asked.elapsed());
                actix_rt::time::sleep(Duration::from_millis(100)).await;
            }
            other.batch_execute("ROLLBACK").unwrap();
            slowest
        };
        let name = format!("Ada {}", held.as_secs());
        let (answer, slowest) = futures_util::future::join(save_profile(&ada, &name), reads).await;
        answer.assert_status(status);
        if status == 503 {
            assert!(answer.header("retry-after").is_some());
        }
        assert!(slowest < Duration::from_secs(3), "a page took {slowest:?}");
    }
    save_profile(&ada, "Ada Again").await.assert_status(303);
    elsewhere.get("/profile").await.assert_redirect_to("/sign-in?next=%2Fprofile");
    invariants::assert_hold(&home.database.location);
}

/// A folder with little room: a file system of its own where that is allowed, else a limit on the
/// size of files.
pub enum Tight {
    FileSystem,
    FileSize,
}

impl Tight {
    pub fn of(home: &mut Home) -> Self {
        let may_mount = std::process::Command::new("unshare")
            .args(["-m", "true"])
            .status()
            .is_ok_and(|status| status.success());
        let (words, tight): (&[&str], _) = if may_mount {
            let mount =
                "mount -t tmpfs -o size=6m,mode=700 tmpfs \"$BULKHEAD_DATA_DIR\" && exec \"$@\"";
            (&["unshare", "-m", "sh", "-c", mount, "sh"], Self::FileSystem)
        } else {
            (&["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"], Self::FileSize)
        };
        home.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
        tight
    }

    /// Leaves no room for the server to write.
    pub fn fill(&self, server: &Server, folder: &std::path::Path) {
        match self {
            Self::FileSystem => {
                let inside = format!("/proc/{}/root{}/ballast", server.pid(), folder.display());
                let mut ballast = File::create(inside).unwrap();
                while ballast.write_all(&[1; 4096]).is_ok() {}
            }
            Self::FileSize => limit_files(server, "1"),
        }
    }

    pub fn free(&self, server: &Server, folder: &std::path::Path) {
        match self {
            Self::FileSystem => {
                let inside = format!("/proc/{}/root{}/ballast", server.pid(), folder.display());
                std::fs::remove_file(inside).unwrap();
            }
            Self::FileSize => limit_files(server, "unlimited"),
        }
    }
}

fn limit_files(server: &Server, size: &str) {
    let set = std::process::Command::new("prlimit")
        .args([format!("--pid={}", server.pid()), format!("--fsize={size}:unlimited")])
        .status()
        .unwrap();
    assert!(set.success());
}

/// F-11: no room on the disk: changes are refused as a whole, pages and sign-out go on, and with
/// room again everything works without a restart.
#[actix_rt::test]
async fn a_full_disk_refuses_changes_and_loses_nothing() {
    if is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let tight = Tight::of(&mut home);
    let folder = home.database.folder.path().to_owned();
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    let elsewhere = server.sign_in("ada").await;
    save_profile(&ada, "Ada Before").await.assert_status(303);
    tight.fill(&server, &folder);
    let mut refused = 0;
    for n in 0..40 {
        let page = ada.get("/profile").await;
        assert_eq!(page.status, 200, "{} {}", page.visible(), server.log());
        let answer = save_profile(&ada, &format!("Ada Full {n}")).await;
        if answer.status == 503 {
            assert!(answer.header("retry-after").is_some());
            refused += 1;
        } else {
            // There may be room left in a file that is there already.
            answer.assert_status(303);
        }
        ada.get("/profile").await.assert_status(200);
    }
    assert!(refused > 0, "the disk was never full");
    let cookies = elsewhere.cookies();
    sign_out(&elsewhere).await;
    elsewhere.take_cookies(&cookies);
    elsewhere.get("/profile").await.assert_redirect_to("/sign-in?next=%2Fprofile");
    let shown = ada.get("/profile").await.attributes("#name", "value");
    server.visitor().get("/health").await.assert_status(200);
    tight.free(&server, &folder);
    assert_eq!(ada.get("/profile").await.attributes("#name", "value"), shown);
    save_profile(&ada, "Ada After").await.assert_status(303);
    ada.get("/profile").await.assert_status(200);

    let copy = home.database.folder.path().join("copy.db");
    let inside = format!("/proc/{}/root{}/bulkhead.db", server.pid(), folder.display());
    std::fs::copy(&inside, &copy).unwrap();
    std::fs::copy(format!("{inside}-wal"), copy.with_file_name("copy.db-wal")).unwrap();
    invariants::assert_hold(&Location::Sqlite(copy));
    server.stop();
}

/// F-08: all connections to PostgreSQL break: for a moment requests are refused, none ends as a fault
/// of ours, and the pools recover by themselves.
#[actix_rt::test]
async fn broken_connections_to_postgres_are_replaced() {
    if !is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    let mut db = home.connect();
    for round in 0..5 {
        let killed = "SELECT count(pg_terminate_backend(pid)) AS number FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        number(&mut db, killed);
        let began = Instant::now();
        loop {
            let read = ada.get("/profile").await;
            assert!(matches!(read.status, 200 | 503), "{}", read.status);
            if read.status == 200 {
                let saved = save_profile(&ada, &format!("Ada {round}")).await;
                assert!(matches!(saved.status, 303 | 503), "{}", saved.status);
                if saved.status == 303 {
                    break;
                }
            }
            assert!(began.elapsed() < Duration::from_secs(5), "it does not recover");
        }
        server.visitor().get("/health").await.assert_status(200);
    }
    assert!(!server.has_ended());
    invariants::assert_hold(&home.database.location);
}

/// F-09: no connection is free: a request is refused after a second, and what needs none answers.
#[actix_rt::test]
async fn exhausted_connections_are_refused_soon() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let readers = app.hold_connections().await;
    let began = Instant::now();
    let answer = ada.get("/profile").await;
    answer.assert_status(503);
    assert!(answer.header("retry-after").is_some());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    app.visitor().get("/health").await.assert_status(200);
    app.visitor().get("/ready").await.assert_status(503);
    readers.await;
    ada.get("/profile").await.assert_status(200);
    app.visitor().get("/ready").await.assert_status(200);
}

/// F-24, LG-06: an entry that cannot be written, or a mail that cannot be queued, undoes its change.
#[actix_rt::test]
async fn a_change_without_its_entry_or_mail_does_not_happen() {
    for table in ["audit_entries", "mails"] {
        let app = spawn().await;
        let ada = app.user("ada").await;
        refuse_inserts(&app.database.location, table);
        let bob = app.visitor();
        let fields =
            [("name", "Bob"), ("handle", "bob"), ("email", "bob@x.org"), ("password", PASSWORD)];
        bob.submit("/sign-up", &fields).await.assert_status(500);
        if table == "audit_entries" {
            save_profile(&ada, "Somebody Else").await.assert_status(500);
        }
        let mut db = app.database.connect();
        assert_eq!(number(&mut db, "SELECT count(*) AS number FROM users"), 1, "{table}");
        let names = texts(&mut db, "SELECT name AS text FROM accounts");
        assert_eq!(names, ["Ada"], "{table}");
        app.assert_audit_is_whole().await;
    }
}

fn refuse_inserts(location: &Location, table: &str) {
    let sql = match location {
        Location::Sqlite(_) => format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table} \
             BEGIN SELECT RAISE(ABORT, 'broken for the test'); END"
        ),
        Location::Postgres(_) => format!(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'broken for the test'; END $$; \
             CREATE TRIGGER broken BEFORE INSERT ON {table} EXECUTE FUNCTION broken()"
        ),
    };
    let mut db = bulkhead::base::db::connect(location, bulkhead::base::db::Role::Writer).unwrap();
    db.batch_execute(&sql).unwrap();
}

/// F-25, CF-14: a panic ends its request and its transaction, and nothing else.
#[actix_rt::test]
async fn a_panic_ends_one_request() {
    use actix_web::{App as ActixApp, HttpResponse, HttpServer, web};
    let app = spawn().await;
    let ada = app.user("ada").await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = app.app.clone();
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                async fn panics() -> HttpResponse {
                    panic!("a panic of the test")
                }
                ActixApp::new()
                    .route("/panic", web::get().to(panics))
                    .configure(server::routes(serving.clone()))
            })
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let handle = receive.recv().unwrap();
    let visitor = Client::new(format!("http://localhost:{port}"), [127, 0, 0, 1].into());
    for _ in 0..30 {
        assert!(visitor.try_get("/panic").await.is_none_or(|answer| answer.status == 500));
        visitor.get("/health").await.assert_status(200);
    }
    drop(handle.stop(false));

    let panicked = app.app.db.write(Locks::Instance, |db| -> Result<(), Error> {
        db.batch_execute("UPDATE accounts SET name = 'half done'").unwrap();
        panic!("a panic of the test")
    });
    assert!(panicked.await.is_err());
    ada.get("/profile").await.assert_status(200).lacks("half done");
    save_profile(&ada, "Ada After").await.assert_status(303);
}

/// One connection by hand: sends some bytes, then a byte a second, and tells when it was cut.
fn drip(port: u16, beginning: &[u8], drop_by_drop: bool, reads: bool) -> Duration {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let tick = Duration::from_millis(500);
    stream.set_write_timeout(Some(tick)).unwrap();
    drop(stream.write_all(beginning));
    stream.set_read_timeout(Some(tick)).unwrap();
    let began = Instant::now();
    let mut buffer = [0; 4096];
    while began.elapsed() < Duration::from_secs(40) {
        if reads {
            match stream.read(&mut buffer) {
                Ok(0) => return began.elapsed(),
                Ok(_) => continue,
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(_) => return began.elapsed(),
            }
        } else {
            std::thread::sleep(tick);
        }
        if drop_by_drop && stream.write_all(b"x").is_err() {
            return began.elapsed();
        }
    }
    began.elapsed()
}

/// F-12, CF-06: whoever is slow on purpose is cut, at whatever point; everybody else is served.
#[actix_rt::test]
async fn slow_clients_are_cut() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let port = app.base.rsplit(':').next().unwrap().parse().unwrap();
    let first = "GET /health HTTP/1.1\r\nHost: localhost\r\n";
    let asset =
        app.visitor().get("/sign-in").await.attributes("link[rel=stylesheet]", "href").remove(0);
    let big = format!("GET {asset} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let post = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\n";
    let cases: Vec<(&str, Vec<u8>, bool, bool)> = vec![
        ("idle from the start", Vec::new(), false, true),
        ("a slow first head", first.into(), true, true),
        ("idle after an answer", format!("{first}\r\n").into(), false, true),
        ("a slow second head", format!("{first}\r\n{first}X-A: ").into(), true, true),
        ("a slow body", format!("{post}a").into(), true, true),
        ("a stalled body", format!("{post}a").into(), false, true),
        ("a slow body that nobody reads", post.replace("/sign-in", "/nowhere").into(), true, true),
        (
            "a slow body in chunks",
            post.replace(
                "Content-Length: 5000\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\nfff\r\n",
            )
            .into(),
            true,
            true,
        ),
        (
            "a slow body without a key",
            post.replace("/sign-in", "/api/me/workspaces").into(),
            true,
            true,
        ),
        ("answers that are never read", big.repeat(3000).into(), true, false),
    ];
    let slow: Vec<_> = cases
        .into_iter()
        .map(|(what, bytes, drops, reads)| {
            (what, std::thread::spawn(move || drip(port, &bytes, drops, reads)))
        })
        .collect();
    while slow.iter().any(|(_, thread)| !thread.is_finished()) {
        let began = Instant::now();
        ada.get("/profile").await.assert_status(200);
        assert!(began.elapsed() < Duration::from_secs(3));
        actix_rt::time::sleep(Duration::from_millis(250)).await;
    }
    for (what, thread) in slow {
        let took = thread.join().unwrap();
        println!("{what}: cut after {took:?}");
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
    }
}

/// SP-5: changes that are made together are answered each for itself, and a failing one takes
/// nothing of the others along.
#[actix_rt::test]
async fn changes_made_together_fail_alone() {
    use bulkhead::base::db::Id;
    use bulkhead::base::db::schema::form_tokens;

    let app = spawn().await;
    let now = app.app.now();
    let changes = (0..100).map(|n| {
        app.app.db.ingest(move |db| {
            diesel::insert_into(form_tokens::table)
                .values((form_tokens::id.eq(Id::<()>::new(now)), form_tokens::used_at.eq(now)))
                .execute(db)?;
            match n % 10 {
                3 => Err(Error::Conflict(format!("{n}"))),
                _ => Ok(n),
            }
        })
    });
    let outcomes = futures_util::future::join_all(changes).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(told) => assert_eq!(*told, n),
            Err(Error::Conflict(told)) => assert_eq!(*told, n.to_string()),
            Err(other) => panic!("{n}: {other:?}"),
        }
    }
    let kept = app.read(|db| Ok(form_tokens::table.count().get_result::<i64>(db)?)).await;
    assert_eq!(kept, 90);
}

/// F-07: a change that cannot be begun, since another process holds the file, is refused as busy.
#[actix_rt::test]
async fn a_change_that_cannot_begin_is_refused_as_busy() {
    if is_postgres() {
        return;
    }
    let app = spawn().await;
    let mut holder = app.database.connect();
    holder.batch_execute("BEGIN IMMEDIATE").unwrap();
    let outcome = app.app.db.ingest(|_| Ok(())).await;
    assert!(matches!(outcome, Err(Error::Unavailable)), "{outcome:?}");
    holder.batch_execute("ROLLBACK").unwrap();
    app.app.db.ingest(|_| Ok(())).await.unwrap();
}

/// What one connection is answered to some bytes.
fn ask(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Whoever says too much may be cut while it still talks.
    drop(stream.write_all(request));
    let mut answer = [0; 512];
    let read = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// CF-06: a head up to 16 KiB is taken, a longer one answered 431, however long it is.
#[actix_rt::test]
async fn a_long_head_is_refused_as_one() {
    let app = spawn().await;
    let port = app.base.rsplit(':').next().unwrap().parse().unwrap();
    for (bytes, status) in [(15_000, "200"), (17_000, "431"), (100_000, "431"), (300_000, "431")] {
        let words = "x".repeat(5000);
        let lines: Vec<String> = (0..bytes / 5000).map(|n| format!("X-{n}: {words}\r\n")).collect();
        let lines = lines.concat();
        let rest = "y".repeat(bytes % 5000);
        let head = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{lines}Y: {rest}\r\n\r\n");
        let answer = ask(port, head.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{bytes}: {answer}");
    }
}

/// The descriptors that a process has open.
fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}

/// F-12: where a process may open 1,024 files, a thousand idle connections from one address take half of what there
/// is, each one descriptor, and leave everybody else their pages.
#[actix_rt::test]
async fn idle_connections_of_one_address_leave_the_others_their_pages() {
    // This test itself holds a thousand.
    let raised = std::process::Command::new("prlimit")
        .args([format!("--pid={}", std::process::id()), "--nofile=8192:".to_owned()])
        .status();
    assert!(raised.unwrap().success());
    let mut home = Home::empty();
    let limit = "ulimit -n 1024; exec \"$@\"";
    home.wrapper = ["sh", "-c", limit, "sh"].map(str::to_owned).to_vec();
    let server = home.start().await;
    let ada = server.set_up("ada").await;
    let port: u16 = server.base.rsplit(':').next().unwrap().parse().unwrap();
    let before = descriptors(&server);
    let mut idle = Vec::new();
    let mut slowest = Duration::ZERO;
    for n in 0..1000 {
        idle.push(TcpStream::connect(("127.0.0.1", port)).unwrap());
        if n % 100 == 99 {
            let asked = Instant::now();
            ada.get("/profile").await.assert_status(200);
            server.visitor().get("/sign-in").await.assert_status(200);
            slowest = slowest.max(asked.elapsed());
        }
    }
    let taken = descriptors(&server) - before;
    assert!((400..=450).contains(&taken), "{taken} descriptors, {before} before");
    assert!(slowest < Duration::from_secs(2), "two pages took {slowest:?}");
    // The one too many hears why.
    let mut last = idle.pop().unwrap();
    last.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: "), "{answer}");
    drop((last, idle));
    let began = Instant::now();
    while descriptors(&server) > before + 20 {
        assert!(began.elapsed() < Duration::from_secs(30), "{} stay", descriptors(&server));
        actix_rt::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        ask(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 200 ")
    );
}

/// F-12: a server that is started with a soft limit of open files, as by systemd or a shell, raises it.
#[actix_rt::test]
async fn the_soft_limit_of_open_files_is_raised() {
    let mut home = Home::empty();
    let limit = "ulimit -Sn 256; exec \"$@\"";
    home.wrapper = ["sh", "-c", limit, "sh"].map(str::to_owned).to_vec();
    let server = home.start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[3], words[4], "{line}");
}

/// WS-05: sockets that have shown no key yet are bounded; the next one is refused before it is opened.
#[actix_rt::test]
async fn sockets_without_a_key_are_bounded() {
    let app = spawn().await;
    let place = "/api/accounts/00000000-0000-0000-0000-000000000001/workspaces/\
                 00000000-0000-0000-0000-000000000002/events/out";
    let mut waiting = Vec::new();
    for n in 0..100 {
        let socket = Socket::open(&app.base, place, &[]).await;
        waiting.push(socket.unwrap_or_else(|status| panic!("{n}: {status}")));
    }
    assert_eq!(Socket::open(&app.base, place, &[]).await.err(), Some(503));
    // After five seconds without a key they are gone.
    assert_eq!(waiting.pop().unwrap().end().await, 1008);
    assert!(Socket::open(&app.base, place, &[]).await.is_ok());
}
