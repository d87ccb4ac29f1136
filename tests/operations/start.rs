//! Starting and stopping: what is refused, what is resumed, what is finished first.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use diesel::connection::SimpleConnection;

use crate::support::{Home, Server, TestDatabase, is_postgres, variable};

/// F-22: the sentence comes within a second.
const QUICKLY: Duration = Duration::from_secs(1);

/// A machine that is busy with other tests is not quick.
const PATIENTLY: Duration = Duration::from_secs(5);

/// LIBRARIES 6: what the first start prints, and that it makes files for the owner only.
#[actix_rt::test]
async fn the_first_start_says_where_to_begin() {
    use std::os::unix::fs::PermissionsExt;
    let mut home = Home::empty();
    let server = home.start().await;
    let said = server.log();
    for words in ["Bulkhead ", "migrations applied", "Open", "First user", "not configured: see"] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    // It was not started by cargo, so its own name is what is typed again.
    assert!(said.contains("bulkhead seed --demo") && !said.contains("cargo run"), "{said}");
    let visitor = server.visitor();
    visitor.get("/sign-in").await.shows("Nobody has an account here yet.").shows("“First user”");
    visitor.get("/health").await.assert_status(200);
    let ada = server.set_up("ada").await;
    ada.submit("/organizations/new", &[("name", "Acme"), ("handle", "acme")])
        .await
        .assert_status(303);
    ada.get("/organizations/acme/members").await.shows("1 member").lacks("Never");
    server.visitor().get("/sign-in").await.lacks("Nobody has an account here yet.");
    if !is_postgres() {
        for name in ["bulkhead.db", "secret.key"] {
            let path = home.database.folder.path().join(name);
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}");
        }
    }
}

/// F-22, SP-7: one server a file; the second one is refused at once, and the first goes on.
#[actix_rt::test]
async fn a_second_server_on_one_file_is_refused() {
    if is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let server = home.start().await;
    for command in [&["serve", "--bind", "127.0.0.1:0"][..], &["migrate"]] {
        let ran = home.run(command);
        ran.assert_refused("Another Bulkhead serves");
        assert!(ran.took < PATIENTLY, "{:?}", ran.took);
    }
    server.visitor().get("/ready").await.assert_status(200);
}

/// SP-7: on PostgreSQL several stand side by side.
#[actix_rt::test]
async fn two_servers_share_one_postgres() {
    if !is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let first = home.start().await;
    first.set_up("ada").await;
    let mut beside = Home::empty();
    let url = home.settings["BULKHEAD_DATABASE_URL"].clone();
    beside = beside.set("BULKHEAD_DATABASE_URL", &url);
    let second = beside.start().await;
    second.sign_in("ada").await.get("/profile").await.assert_status(200);
}

/// F-22, CF-10: an empty, damaged or foreign file is refused with one clear line, and left alone.
#[test]
fn a_damaged_file_is_refused_and_left_alone() {
    if is_postgres() {
        return;
    }
    let whole = std::fs::read(Home::new().file()).unwrap();
    let mut torn = whole.clone();
    torn[100..4096].fill(0x5a);
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("empty", Vec::new(), "is an empty file: restore a backup"),
        ("no database", b"hello, I am a text file and no database".repeat(200), "restore a backup"),
        ("first page torn", torn, "restore a backup"),
        ("cut off", whole[..6000].to_vec(), "restore a backup"),
    ];
    for (name, content, says) in cases {
        let home = Home::new();
        std::fs::write(home.file(), &content).unwrap();
        for command in [&["serve"][..], &["audit", "verify"], &["migrate"]] {
            let ran = home.run(command);
            eprintln!("{name}: {command:?}: {:?}", ran.err);
            ran.assert_refused(says);
            assert!(ran.took < PATIENTLY, "{name}: {:?}", ran.took);
        }
        assert_eq!(std::fs::read(home.file()).unwrap(), content, "{name} was changed");
    }
    let ran = Home::empty().run(&["audit", "verify"]);
    ran.assert_refused("There is no database");
    assert!(ran.took < QUICKLY * 5);
}

/// F-22, D-24: a file that cannot be written, or that everybody can read, is refused.
#[test]
fn a_file_with_the_wrong_permissions_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    if is_postgres() {
        return;
    }
    let home = Home::new();
    let allow = |mode| {
        std::fs::set_permissions(home.file(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(0o644);
    home.run(&["serve"]).assert_refused("can be read by everybody");
    allow(0o400);
    // For root there is no file that cannot be written, except on a file system that says so.
    let mut home = home;
    if std::fs::File::options().write(true).open(home.file()).is_ok() {
        let mount = "mount --bind \"$BULKHEAD_DATA_DIR\" \"$BULKHEAD_DATA_DIR\" && \
                     mount -o remount,bind,ro \"$BULKHEAD_DATA_DIR\" && exec \"$@\"";
        home.wrapper = ["unshare", "-m", "sh", "-c", mount, "sh"].map(str::to_owned).to_vec();
    }
    home.run(&["serve"]).assert_refused("cannot be ");
}

/// CF-07, D-24: a key that cannot be had is never replaced beside data that was made with it: second factors and
/// mailed links would be lost in silence.
#[actix_rt::test]
async fn a_lost_key_is_not_replaced_in_silence() {
    use std::os::unix::fs::PermissionsExt;
    if is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let mut server = home.start().await;
    let key = home.database.folder.path().join("secret.key");
    server.stop();
    let first = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    std::fs::remove_file(&server.log).unwrap();
    // Nobody has an account yet: nothing was made with it.
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    server.stop();
    let second = std::fs::read(&key).unwrap();
    assert_ne!(first, second);
    let damaged: [(&str, &[u8], &str); 4] = [
        ("empty", b"", "is damaged: restore it from a backup"),
        ("torn", &second[..20], "is damaged: restore it from a backup"),
        ("binary", &[0xff; 44], "is damaged: restore it from a backup"),
        ("zeros", &[0; 44], "is damaged: restore it from a backup"),
    ];
    for (what, bytes, says) in damaged {
        std::fs::write(&key, bytes).unwrap();
        home.run(&["serve"]).assert_refused(says);
        home.run(&["admin", "mails"]).assert_refused(says);
        assert_eq!(std::fs::read(&key).unwrap(), bytes, "{what}");
    }
    std::fs::remove_file(&key).unwrap();
    home.run(&["serve"]).assert_refused("is missing, and the database has data");
    assert!(!key.exists());
    std::fs::create_dir(&key).unwrap();
    home.run(&["serve"]).assert_refused("cannot be read");
    std::fs::remove_dir(&key).unwrap();
    std::fs::write(&key, &second).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o666)).unwrap();
    home.run(&["serve"]).assert_refused("can be changed by everybody");
    // One that others can read is put right.
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = home.start().await;
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(server.log().contains("for its owner only now"), "{}", server.log());
    ada.get("/profile").await.assert_status(200);
}

/// F-22: a folder that cannot be made is named.
#[test]
fn a_folder_that_cannot_be_made_is_named() {
    if is_postgres() {
        return;
    }
    let home = Home::empty().set("BULKHEAD_DATA_DIR", "/dev/null/data");
    home.run(&["serve"]).assert_refused("/dev/null/data");
}

/// F-08, CF-08: without PostgreSQL the server says so and ends.
#[test]
fn an_absent_postgres_is_named() {
    let home = Home::empty()
        .set("BULKHEAD_DATABASE_URL", "postgres://bulkhead:pw@127.0.0.1:1/x")
        .set("BULKHEAD_SECRET_KEY", crate::support::SECRET_KEY);
    home.run(&["serve"]).assert_refused("PostgreSQL cannot be reached");
    home.run(&["migrate", "--check"]).assert_refused("PostgreSQL cannot be reached");
}

/// F-22: an address in use is named, with what to do.
#[actix_rt::test]
async fn an_address_in_use_is_named() {
    let mut home = Home::empty();
    let _server = home.start().await;
    let mut other = Home::empty();
    other.settings.insert("BULKHEAD_BIND".to_owned(), home.settings["BULKHEAD_BIND"].clone());
    other.run(&["serve"]).assert_refused("Choose another address with --bind");
}

/// F-23: a database of a newer program is refused by every command that would use it.
#[test]
fn a_newer_database_is_refused() {
    let home = Home::new();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')";
    home.connect().batch_execute(newer).unwrap();
    for command in [
        &["serve"][..],
        &["migrate"],
        &["migrate", "--check"],
        &["audit", "verify"],
        &["admin", "mails"],
    ] {
        home.run(command).assert_refused("which this program does not know");
    }
}

/// LIBRARIES 5: `migrate --check` only looks.
#[test]
fn migrate_check_only_looks() {
    let home = Home::empty();
    let ran = home.run(&["migrate", "--check"]);
    assert!(!ran.status.success(), "{ran:?}");
    assert!(is_postgres() || !home.file().exists());
    home.run(&["audit", "verify"]).assert_refused("");
    home.run(&["migrate"]).assert_ok();
    let ran = home.run(&["migrate", "--check"]);
    assert_eq!(ran.assert_ok().out, "The database is up to date.\n");
    home.run(&["migrate"]).assert_ok();
}

/// F-23: killed at any moment of the very first start, the next start goes on from there.
#[actix_rt::test]
async fn a_first_start_that_is_killed_is_resumed() {
    let mut home = Home::empty();
    for round in 0..12_u64 {
        let mut server = home.spawn();
        std::thread::sleep(Duration::from_millis(4 + 5 * round));
        server.kill();
    }
    let server = home.start().await;
    home.run(&["migrate", "--check"]).assert_ok();
    server.visitor().get("/sign-in").await.assert_status(200);
}

/// The address of the server, for a connection by hand.
fn connect(server: &Server) -> TcpStream {
    let port = server.base.rsplit(':').next().unwrap();
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// F-14: a request that is under way is answered; then the server ends with code 0.
#[actix_rt::test]
async fn sigterm_lets_requests_finish() {
    let mut home = Home::empty();
    let mut server = home.start().await;
    let mut stream = connect(&server);
    let head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n\r\nemail";
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    assert!(!server.has_ended(), "it waits for the request");
    let port = server.base.rsplit(':').next().unwrap().to_owned();
    stream.write_all(b"=ada").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "the form token is missing: {answer}");
    let status = server.wait(Duration::from_secs(25));
    assert!(status.success(), "{status}");
    assert!(TcpStream::connect(format!("127.0.0.1:{port}")).is_err());
}

/// F-14: a second signal ends it at once.
#[actix_rt::test]
async fn a_second_signal_ends_it_at_once() {
    let mut home = Home::empty();
    let mut server = home.start().await;
    let mut stream = connect(&server);
    let head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    server.signal("TERM");
    let status = server.wait(Duration::from_secs(3));
    assert_eq!(status.code(), Some(1));
}

/// F-21: sessions outlive a restart.
#[actix_rt::test]
async fn sessions_outlive_a_restart() {
    let mut home = Home::empty();
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    server.stop();
    let server = home.start().await;
    assert_eq!(server.base, home.base());
    ada.get("/profile").await.assert_status(200).shows("ada@example.org");
}

/// CF-10: a database that cannot hold all names is refused before anything is written into it.
#[test]
fn a_database_that_is_not_utf8_is_refused() {
    if !is_postgres() {
        return;
    }
    let words = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    let home = Home::with(TestDatabase::postgres_with(words));
    home.run(&["serve"]).assert_refused("is not encoded as UTF8");
    home.run(&["migrate"]).assert_refused("is not encoded as UTF8");
}

/// IV-03: a search finds names in other scripts in either case, also where the database's locale knows none.
#[actix_rt::test]
async fn a_search_folds_case_under_any_locale() {
    let mut home = if is_postgres() {
        let words = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'";
        Home::with(TestDatabase::postgres_with(words))
    } else {
        Home::empty()
    };
    let server = home.start().await;
    let ada = server.set_up("ada").await;
    for name in ["ÄPFEL und Жук", "Birnen"] {
        ada.submit("/profile/api-keys/new", &[("name", name)]).await.assert_status(200);
    }
    for search in ["äpfel", "ÄPFEL", "жУК"] {
        let page = ada.get(&format!("/profile/api-keys?q={}", urlencoding(search))).await;
        page.assert_status(200).shows("ÄPFEL").lacks("Birnen");
    }
}

fn urlencoding(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// CF-10, F-08: behind a pooler that hands connections on after each transaction the start says what is needed;
/// behind one that keeps them for whole sessions everything works.
#[actix_rt::test]
async fn a_pooler_of_transactions_is_named() {
    if !is_postgres() {
        return;
    }
    let mut home = Home::new();
    let direct = url::Url::parse(&home.settings["BULKHEAD_DATABASE_URL"]).unwrap();
    for (mode, is_refused) in [("transaction", true), ("statement", true), ("session", false)] {
        let pooler = Pooler::start(&direct, mode);
        home.settings.insert("BULKHEAD_DATABASE_URL".to_owned(), pooler.url.clone());
        if is_refused {
            home.run(&["serve"]).assert_refused("hands connections on after each transaction");
            home.run(&["migrate"]).assert_refused("pool_mode = session");
        } else {
            let server = home.start().await;
            let ada = server.set_up("ada").await;
            ada.workspace("lab").await;
            ada.get("/workspaces").await.assert_status(200).shows("lab");
        }
    }
}

/// A pgbouncer before the tests' PostgreSQL; it goes when this does.
struct Pooler {
    process: std::process::Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Pooler {
    fn start(direct: &url::Url, mode: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (user, password) = (direct.username(), direct.password().unwrap());
        let users = folder.path().join("users");
        std::fs::write(&users, format!("\"{user}\" \"{password}\"\n")).unwrap();
        let settings = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = plain\nauth_file = {}\npool_mode = {mode}\n\
             default_pool_size = 30\nunix_socket_dir =\n",
            direct.port().unwrap(),
            users.display(),
        );
        std::fs::write(&settings, text).unwrap();
        // It refuses to run as root.
        let is_root = std::fs::metadata("/proc/self").unwrap();
        let is_root = std::os::unix::fs::MetadataExt::uid(&is_root) == 0;
        let mut command = std::process::Command::new(if is_root { "runuser" } else { "pgbouncer" });
        if is_root {
            command.args(["-u", "nobody", "--", "pgbouncer"]);
        }
        let path = format!("{}:/usr/sbin", variable("PATH").unwrap());
        let process = command.env("PATH", path).arg("-q").arg(&settings).spawn().unwrap();
        let began = std::time::Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut url = direct.clone();
        url.set_port(Some(port)).unwrap();
        Self { process, url: url.to_string(), _folder: folder }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
