//! The ChromeDriver of this process, and the sessions it opens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;
use thirtyfour::{Capabilities, WebDriver};

use super::Script;

/// In a process group of its own. It ends with the tests, however they end: then the pipe to the shell closes, and
/// Chromium ends with its driver because they talk through a pipe too.
const START: &str = "command -v chromedriver chromium >/dev/null || exit 1
chromedriver --port=0 2>/dev/null &
read -r _
kill 0";

const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--remote-debugging-pipe",
    "--hide-scrollbars",
];

/// Where ChromeDriver listens; it starts with the first call.
fn address() -> &'static str {
    static DRIVER: OnceLock<(String, Child)> = OnceLock::new();
    &DRIVER.get_or_init(start).0
}

fn start() -> (String, Child) {
    let mut shell = Command::new("sh")
        .args(["-c", START])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        Some(port.trim_end_matches('.').to_owned())
    });
    let port = port.expect(
        "the browser tests need chromium and chromedriver on the path \
         (Debian: apt-get install chromium chromium-driver; or run tests/run browser)",
    );
    std::thread::spawn(move || lines.for_each(drop));
    (format!("http://127.0.0.1:{port}"), shell)
}

/// Closes a browser. By hand: thirtyfour's own way of closing on drop waits for a reply that doesn't come while the
/// test's runtime stands still.
pub fn close(driver: WebDriver) {
    let session = driver.session_id().to_string();
    drop(driver.leak());
    std::thread::spawn(move || {
        let host = address().trim_start_matches("http://");
        let mut driver = TcpStream::connect(host)?;
        write!(
            driver,
            "DELETE /session/{session} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )?;
        driver.read_to_end(&mut Vec::new())
    });
}

/// Opens a browser with a profile of its own. `hosts` maps names: "MAP app.test 127.0.0.1".
pub async fn open(script: Script, hosts: Option<&str>) -> WebDriver {
    let mut flags = FLAGS.map(str::to_owned).to_vec();
    flags.extend(hosts.map(|hosts| format!("--host-resolver-rules={hosts}")));
    let scripts = match script {
        Script::On => 1,
        Script::Off => 2,
    };
    let mut capabilities = Capabilities::new();
    capabilities
        .set(
            "goog:chromeOptions",
            json!({
                "args": flags,
                "prefs": {
                    "profile.managed_default_content_settings.javascript": scripts,
                    "credentials_enable_service": false,
                },
            }),
        )
        .unwrap();
    capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" })).unwrap();
    WebDriver::new(address(), capabilities).await.expect("ChromeDriver opens Chromium")
}
