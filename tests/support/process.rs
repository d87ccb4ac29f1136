//! The real executable, run as an operator runs it: settings from the environment, signals, exits.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bulkhead::base::db::{Db, Location, Role, connect};

use super::app::next_address;
use super::client::{ApiClient, Client};
use super::database::{TestDatabase, variable};

/// What PostgreSQL needs to be told, since several servers share it.
pub const SECRET_KEY: &str = "5tYwPq0vXhJ8mZr2LkAe7uNbG4sDcF1o";

/// A place with settings and a database where the executable runs.
pub struct Home {
    pub database: TestDatabase,
    pub settings: BTreeMap<String, String>,
    /// Words before the executable, as in `sh -c '…; exec "$@"' sh`.
    pub wrapper: Vec<String>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Ran {
    #[track_caller]
    pub fn assert_ok(&self) -> &Self {
        assert!(self.status.success(), "{self:?}");
        self
    }

    /// It was refused, with one line of the program's own that contains `words`.
    #[track_caller]
    pub fn assert_refused(&self, words: &str) -> &Self {
        assert!(!self.status.success(), "{self:?}");
        let lines: Vec<&str> = self.err.lines().filter(|line| !is_log(line)).collect();
        assert_eq!(lines.len(), 1, "one sentence: {self:?}");
        assert!(lines[0].starts_with("bulkhead: "), "{self:?}");
        assert!(lines[0].contains(words), "{words:?} is not in {self:?}");
        self
    }
}

fn is_log(line: &str) -> bool {
    line.starts_with('{')
}

impl Home {
    /// With a database that was migrated already.
    pub fn new() -> Self {
        Self::with(TestDatabase::new())
    }

    /// Before the very first start.
    pub fn empty() -> Self {
        Self::with(TestDatabase::empty())
    }

    /// On a database of one's choice.
    pub fn with(database: TestDatabase) -> Self {
        let mut settings = BTreeMap::new();
        let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
        set("BULKHEAD_DATA_DIR", database.folder.path().display().to_string());
        set("BULKHEAD_REQUESTS_PER_MINUTE", "1000000".to_owned());
        set("BULKHEAD_INVITATIONS_PER_DAY", "1000000".to_owned());
        match &database.location {
            Location::Postgres(url) => {
                set("BULKHEAD_DATABASE_URL", url.clone());
                set("BULKHEAD_SECRET_KEY", SECRET_KEY.to_owned());
            }
            Location::Sqlite(path) => {
                if path.exists() {
                    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
                }
            }
        }
        let mut home = Self { database, settings, wrapper: Vec::new() };
        home.take_a_port();
        home
    }

    /// Sets a variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    fn take_a_port(&mut self) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.settings.insert("BULKHEAD_BIND".to_owned(), format!("127.0.0.1:{port}"));
    }

    pub fn base(&self) -> String {
        format!("http://localhost:{}", self.settings["BULKHEAD_BIND"].rsplit(':').next().unwrap())
    }

    /// The file of the embedded database.
    pub fn file(&self) -> PathBuf {
        self.database.folder.path().join("bulkhead.db")
    }

    /// A connection of this test to the database.
    pub fn connect(&self) -> Db {
        connect(&self.database.location, Role::Writer).unwrap()
    }

    /// The executable with these settings and nothing else from this process.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let executable = env!("CARGO_BIN_EXE_bulkhead");
        let mut command = match self.wrapper.split_first() {
            None => Command::new(executable),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(executable);
                command
            }
        };
        command
            .args(arguments)
            .env_clear()
            .env("PATH", variable("PATH").unwrap())
            .envs(&self.settings)
            .current_dir(self.database.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let folder = tempfile::TempDir::new().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        let began = Instant::now();
        let mut child =
            self.command(arguments).stdout(file("out")).stderr(file("err")).spawn().unwrap();
        let status = wait(&mut child, Duration::from_secs(60));
        let took = began.elapsed();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let (out, err) = (read("out"), read("err"));
        let status = status.unwrap_or_else(|| panic!("{arguments:?} does not end: {out}{err}"));
        Ran { status, out, err, took }
    }

    /// As [`Home::run`], while other things of this test go on.
    pub async fn run_async(&self, arguments: &[&str]) -> Ran {
        let folder = tempfile::TempDir::new().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        let began = Instant::now();
        let mut child =
            self.command(arguments).stdout(file("out")).stderr(file("err")).spawn().unwrap();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{arguments:?} does not end");
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        };
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        Ran { status, out: read("out"), err: read("err"), took: began.elapsed() }
    }

    /// Starts the server without waiting for it.
    pub fn spawn(&self) -> Server {
        let log = self.database.folder.path().join("server.log");
        let out = File::options().create(true).append(true).open(&log).unwrap();
        let err = out.try_clone().unwrap();
        let child = self.command(&["serve"]).stdout(out).stderr(err).spawn().unwrap();
        Server { child: Some(child), base: self.base(), log }
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&mut self) -> Server {
        for _ in 0..5 {
            let mut server = self.spawn();
            match server.until_ready().await {
                Ok(()) => return server,
                // Somebody else took the port in between.
                Err(log) if log.contains("cannot be used") => self.take_a_port(),
                Err(log) => panic!("the server does not start: {log}"),
            }
        }
        panic!("no port is free");
    }
}

/// Waits for a process; `None` when it goes on after `patience`, and then it is killed.
fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if began.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A running server; killed when this goes.
pub struct Server {
    child: Option<Child>,
    pub base: String,
    pub log: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// All that it said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    async fn until_ready(&mut self) -> Result<(), String> {
        let visitor = self.visitor();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return Err(self.log());
            }
            if visitor.try_get("/ready").await.is_some_and(|answer| answer.status == 200) {
                return Ok(());
            }
            actix_rt::time::sleep(Duration::from_millis(10)).await;
        }
        Err(format!("not ready after 30 s: {}", self.log()))
    }

    /// Somebody who is not signed in.
    pub fn visitor(&self) -> Client {
        Client::new(self.base.clone(), next_address())
    }

    /// A program with a key.
    pub fn api(&self, key: &str) -> ApiClient {
        ApiClient::new(self.base.clone(), next_address(), key)
    }

    /// The first user, made by the link that the server printed, and signed in.
    pub async fn set_up(&self, handle: &str) -> Client {
        let log = self.log();
        let at = log.find("/setup?token=").unwrap_or_else(|| panic!("no setup link in {log}"));
        let page = log[at..].split_whitespace().next().unwrap();
        let client = self.visitor();
        let email = format!("{handle}@example.org");
        let fields = [
            ("name", handle),
            ("handle", handle),
            ("email", &email),
            ("password", super::PASSWORD),
        ];
        client.submit(page, &fields).await.assert_redirect_to("/workspaces");
        client
    }

    /// Signs somebody in, in a browser of their own.
    pub async fn sign_in(&self, handle: &str) -> Client {
        let client = self.visitor();
        let fields = [("email", handle), ("password", super::PASSWORD)];
        client.submit("/sign-in", &fields).await.assert_redirect_to("/workspaces");
        client
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.pid())])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits until it ended.
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let status = wait(&mut child, patience);
        status.unwrap_or_else(|| panic!("the server does not end: {}", self.log()))
    }

    /// Asks it to stop, and waits until it did.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let status = self.wait(Duration::from_secs(30));
        assert!(status.success(), "{status}: {}", self.log());
    }
}
