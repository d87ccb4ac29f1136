//! Settings: each is a flag and a `BULKHEAD_…` variable, secrets the variable or a file only.
//!
//! [`Flags`] is what the command line says; [`Settings`] is what it means, checked as a whole.

mod check;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use lettre::transport::smtp::extension::ClientId;
use secrecy::SecretString;
use url::Url;

use crate::base::db::Location;

pub use check::{SettingsError, check_private};

/// Every setting, as typed. A secret has no flag: it comes from `BULKHEAD_X` or from the file that
/// `BULKHEAD_X_FILE` names.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// Address and port to listen on
    #[arg(long, env = "BULKHEAD_BIND", default_value = "127.0.0.1:4280", global = true)]
    pub bind: SocketAddr,
    /// Address under which people reach the server, as in <https://bulkhead.example.org>
    /// [default: `http://localhost:` and the port]
    #[arg(long, env = "BULKHEAD_BASE_URL", global = true)]
    pub base_url: Option<String>,
    /// Allow a base URL with plain http on a host that is not this machine
    #[arg(long, env = "BULKHEAD_ALLOW_HTTP", default_value_t = false, num_args = 0..=1,
          default_missing_value = "true", action = clap::ArgAction::Set, global = true)]
    pub allow_http: bool,
    /// Networks or addresses of the proxies whose X-Forwarded-For is believed, separated by commas
    #[arg(long, env = "BULKHEAD_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network,
          global = true)]
    pub trusted_proxies: Vec<IpNet>,
    /// Threads that answer requests [default: one for each core, at most 8]
    #[arg(long, env = "BULKHEAD_THREADS", value_parser = clap::value_parser!(u16).range(1..=256), global = true)]
    pub threads: Option<u16>,
    /// Folder of the embedded database and the generated secret key
    #[arg(long, env = "BULKHEAD_DATA_DIR", default_value = "data", global = true)]
    pub data_dir: PathBuf,
    /// Database connections of this process
    #[arg(long, env = "BULKHEAD_DATABASE_CONNECTIONS", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(2..=500), global = true)]
    pub database_connections: u32,
    /// Own address for Prometheus metrics, as in 127.0.0.1:9280 [default: none]
    #[arg(long, env = "BULKHEAD_METRICS_BIND", global = true)]
    pub metrics_bind: Option<SocketAddr>,
    /// Who may create an account without an invitation
    #[arg(long, env = "BULKHEAD_SIGN_UP", value_enum, default_value_t = SignUp::Open, global = true)]
    pub sign_up: SignUp,
    /// Mail domains that may sign up, separated by commas
    #[arg(long, env = "BULKHEAD_SIGN_UP_DOMAINS", value_delimiter = ',', global = true)]
    pub sign_up_domains: Vec<String>,
    /// Name of a mail server; without one, mails are kept
    #[arg(long, env = "BULKHEAD_SMTP_HOST", global = true)]
    pub smtp_host: Option<String>,
    /// Port of the mail server [default: 587, with tls 465, with none 25]
    #[arg(long, env = "BULKHEAD_SMTP_PORT", global = true)]
    pub smtp_port: Option<u16>,
    /// How the connection to the mail server is protected
    #[arg(long, env = "BULKHEAD_SMTP_TLS", value_enum, default_value_t = SmtpTls::Starttls, global = true)]
    pub smtp_tls: SmtpTls,
    /// User name at the mail server
    #[arg(long, env = "BULKHEAD_SMTP_USER", global = true)]
    pub smtp_user: Option<String>,
    /// Name by which this server greets the mail server [default: the host of the base URL]
    #[arg(long, env = "BULKHEAD_SMTP_HELLO", global = true)]
    pub smtp_hello: Option<String>,
    /// Sender of all mails, as in "Bulkhead <bulkhead@example.org>"
    #[arg(long, env = "BULKHEAD_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Send reminders and notices of what is about to end
    #[arg(long, env = "BULKHEAD_REMINDERS", default_value_t = true, num_args = 0..=1,
          default_missing_value = "true", action = clap::ArgAction::Set, global = true)]
    pub reminders: bool,
    /// Who runs this server, shown at the foot of the sign-in page
    #[arg(long, env = "BULKHEAD_OPERATOR", global = true)]
    pub operator: Option<String>,
    /// Where people ask for help or a higher limit: a mail address or a URL
    #[arg(long, env = "BULKHEAD_SUPPORT", global = true)]
    pub support: Option<String>,
    /// Hours without a request after which a session ends
    #[arg(long, env = "BULKHEAD_SESSION_IDLE_HOURS", default_value_t = 24,
          value_parser = clap::value_parser!(i64).range(1..=24), global = true)]
    pub session_idle_hours: i64,
    /// Days after which a session ends in any case
    #[arg(long, env = "BULKHEAD_SESSION_DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(i64).range(1..=30), global = true)]
    pub session_days: i64,
    /// Days that an invitation is valid
    #[arg(long, env = "BULKHEAD_INVITATION_DAYS", default_value_t = 7,
          value_parser = clap::value_parser!(i64).range(1..=90), global = true)]
    pub invitation_days: i64,
    /// Days in which a deleted workspace can be restored
    #[arg(long, env = "BULKHEAD_DELETION_GRACE_DAYS", default_value_t = 14,
          value_parser = clap::value_parser!(i64).range(0..=365), global = true)]
    pub deletion_grace_days: i64,
    /// Days in which a request to transfer a workspace waits for an answer
    #[arg(long, env = "BULKHEAD_TRANSFER_DAYS", default_value_t = 7,
          value_parser = clap::value_parser!(i64).range(1..=90), global = true)]
    pub transfer_days: i64,
    /// Hours in which the transfer of a workspace can be undone
    #[arg(long, env = "BULKHEAD_UNDO_HOURS", default_value_t = 72,
          value_parser = clap::value_parser!(i64).range(0..=720), global = true)]
    pub undo_hours: i64,
    /// What a transferred workspace costs, in a sentence; shown before it moves [default: nothing]
    #[arg(long, env = "BULKHEAD_PRICE_NOTE", global = true)]
    pub price_note: Option<String>,
    /// Workspaces of an account that has no limit of its own [default: unlimited]
    #[arg(long, env = "BULKHEAD_WORKSPACE_LIMIT", value_parser = clap::value_parser!(i32).range(0..), global = true)]
    pub workspace_limit: Option<i32>,
    /// People in one personal workspace, or in an organization, open invitations included [default:
    /// unlimited]
    #[arg(long, env = "BULKHEAD_MEMBER_LIMIT", value_parser = clap::value_parser!(i32).range(0..), global = true)]
    pub member_limit: Option<i32>,
    /// Service accounts of an organization that has no limit of its own [default: unlimited]
    #[arg(long, env = "BULKHEAD_SERVICE_ACCOUNT_LIMIT", value_parser = clap::value_parser!(i32).range(0..), global = true)]
    pub service_account_limit: Option<i32>,
    /// API keys of one person
    #[arg(long, env = "BULKHEAD_KEY_LIMIT", default_value_t = 50,
          value_parser = clap::value_parser!(i64).range(1..=1000), global = true)]
    pub key_limit: i64,
    /// Invitations that one person may send in a day
    #[arg(long, env = "BULKHEAD_INVITATIONS_PER_DAY", default_value_t = 200,
          value_parser = clap::value_parser!(i64).range(1..), global = true)]
    pub invitations_per_day: i64,
    /// Days that flow runs are kept after they ended [default: for ever]
    #[arg(long, env = "BULKHEAD_RUN_RETENTION_DAYS", value_parser = clap::value_parser!(i32).range(1..), global = true)]
    pub run_retention_days: Option<i32>,
    /// Days that audit entries are kept [default: for ever]
    #[arg(long, env = "BULKHEAD_AUDIT_RETENTION_DAYS", value_parser = clap::value_parser!(i32).range(1..), global = true)]
    pub audit_retention_days: Option<i32>,
    /// Requests a minute from one address before it is asked to wait
    #[arg(long, env = "BULKHEAD_REQUESTS_PER_MINUTE", default_value_t = 6000,
          value_parser = clap::value_parser!(u32).range(10..), global = true)]
    pub requests_per_minute: u32,
    /// Requests a minute by one API key before it is asked to wait
    #[arg(long, env = "BULKHEAD_REQUESTS_PER_MINUTE_OF_KEY", default_value_t = 12_000,
          value_parser = clap::value_parser!(u32).range(10..), global = true)]
    pub requests_per_minute_of_key: u32,
    /// Open connections from one address, which is never more than half of what the process can bear; those of
    /// trusted proxies are not counted
    #[arg(long, env = "BULKHEAD_CONNECTIONS_PER_ADDRESS", default_value_t = 2000,
          value_parser = clap::value_parser!(u32).range(8..), global = true)]
    pub connections_per_address: u32,
    /// Form of the log
    #[arg(long, env = "BULKHEAD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Auto, global = true)]
    pub log_format: LogFormat,
    /// What is logged, as in `info` or `bulkhead=debug,warn`
    #[arg(long, env = "BULKHEAD_LOG", default_value = "info", global = true)]
    pub log: String,
}

/// A network, or one address alone.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse().ok().or_else(|| text.parse().ok().map(|ip: IpAddr| IpNet::from(ip)));
    network.ok_or_else(|| "neither a network nor an address, as in 10.0.0.0/8,127.0.0.1".to_owned())
}

/// The secrets, with the variables they come from; each also has a `…_FILE`.
pub const SECRETS: [(&str, &str); 5] = [
    (
        "BULKHEAD_DATABASE_URL",
        "Database: postgres://… or sqlite:PATH [default: bulkhead.db in the data folder]",
    ),
    (
        "BULKHEAD_SECRET_KEY",
        "Key behind mailed links and form tokens, at least 32 characters; required with PostgreSQL \
         [default with SQLite: generated into the data folder]",
    ),
    ("BULKHEAD_SECRET_KEY_PREVIOUS", "The key before, while links made with it may be in use"),
    ("BULKHEAD_SMTP_PASSWORD", "Password at the mail server"),
    (
        "BULKHEAD_METRICS_TOKEN",
        "Bearer token for /metrics on the main address [default: not there]",
    ),
];

/// Who may create an account without an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Addresses of certain domains.
    Domains,
    /// Only invited people.
    Invitation,
    /// Nobody; invited people still can unless domains are listed and theirs is not.
    Closed,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SmtpTls {
    /// Starts in plain text and must change to TLS.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Plain text; only for a mail server on this machine.
    None,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection of the connection.
    pub tls: SmtpTls,
    /// Who we say that we are.
    pub hello: ClientId,
    /// User name and password.
    pub credentials: Option<(String, SecretString)>,
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As typed.
    pub flags: Flags,
    /// Under which people reach the server; no path, no slash at the end.
    pub base_url: Url,
    /// Where the data lives.
    pub database: Location,
    /// From the environment; with SQLite it may be generated later.
    pub secret_key: Option<SecretString>,
    /// Accepted beside the present key.
    pub previous_secret_key: Option<SecretString>,
    /// Mail server, if there is one.
    pub smtp: Option<Smtp>,
    /// Sender of all mails.
    pub mail_from: String,
    /// Lower-case mail domains that may sign up.
    pub sign_up_domains: Vec<String>,
    /// For `/metrics` on the main address.
    pub metrics_token: Option<SecretString>,
}

impl Settings {
    /// The base URL without a slash at its end.
    pub fn site(&self) -> &str {
        self.base_url.as_str().trim_end_matches('/')
    }

    /// Host and, where it is not the usual one, port of the base URL.
    pub fn host(&self) -> String {
        let host = self.base_url.host_str().unwrap_or_default();
        self.base_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether the base URL is https.
    pub fn is_https(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// Whether the base URL's host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(self.base_url.host_str().unwrap_or_default())
    }

    /// Whether mails are kept instead of sent.
    pub fn keeps_mails(&self) -> bool {
        self.smtp.is_none()
    }

    /// Whether `/dev/outbox` can answer at all (SP-13).
    pub fn has_outbox_page(&self) -> bool {
        self.keeps_mails() && self.is_loopback() && self.flags.trusted_proxies.is_empty()
    }

    /// Whether people may sign up without an invitation right now. Without a mail server a new
    /// address can be confirmed only where the kept mails can be opened.
    pub fn takes_sign_ups(&self) -> bool {
        matches!(self.flags.sign_up, SignUp::Open | SignUp::Domains)
            && (!self.keeps_mails() || self.has_outbox_page())
    }

    /// Whether an address of this domain may have an account.
    pub fn allows_domain(&self, domain: &str) -> bool {
        self.sign_up_domains.is_empty() || self.sign_up_domains.iter().any(|known| known == domain)
    }
}

/// Whether a host name or address means this machine.
pub fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
