//! From what was typed to what it means; contradictions are refused with one sentence.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Flags, SECRETS, Settings, SignUp, Smtp, SmtpTls, is_loopback_host};
use crate::base::db::Location;

/// A setting that cannot be, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

fn refuse<T>(sentence: impl Into<String>) -> Result<T, SettingsError> {
    Err(SettingsError(sentence.into()))
}

/// Values that people leave in example files.
const PLACEHOLDERS: [&str; 6] =
    ["changeme", "change-me", "secret", "password", "example", "placeholder"];

impl Settings {
    /// Checks the flags together with the secrets of the environment.
    ///
    /// # Errors
    /// A sentence on the first contradiction.
    pub fn load(flags: Flags) -> Result<Self, SettingsError> {
        Self::check(flags, &secret)
    }

    /// Checks the flags; `secret` gives the value of a secret's variable.
    ///
    /// # Errors
    /// A sentence on the first contradiction.
    pub fn check(
        flags: Flags,
        secret: &dyn Fn(&'static str) -> Result<Option<SecretString>, SettingsError>,
    ) -> Result<Self, SettingsError> {
        let base_url = base_url(&flags)?;
        let database = database(&flags, secret("BULKHEAD_DATABASE_URL")?)?;
        let secret_key = secret("BULKHEAD_SECRET_KEY")?;
        let previous_secret_key = secret("BULKHEAD_SECRET_KEY_PREVIOUS")?;
        for key in [&secret_key, &previous_secret_key].into_iter().flatten() {
            check_secret_key(key.expose_secret())?;
        }
        if secret_key.is_none() && matches!(database, Location::Postgres(_)) {
            return refuse(
                "Set BULKHEAD_SECRET_KEY or BULKHEAD_SECRET_KEY_FILE: with PostgreSQL all instances \
                 share it, so it cannot be generated.",
            );
        }
        let smtp = smtp(&flags, &base_url, secret("BULKHEAD_SMTP_PASSWORD")?)?;
        let mail_from = mail_from(&flags, &base_url)?;
        let sign_up_domains = sign_up_domains(&flags)?;
        let metrics_token = secret("BULKHEAD_METRICS_TOKEN")?;
        Ok(Self {
            flags,
            base_url,
            database,
            secret_key,
            previous_secret_key,
            smtp,
            mail_from,
            sign_up_domains,
            metrics_token,
        })
    }

    /// All settings as `NAME=value` lines, secrets masked.
    pub fn describe(&self) -> Vec<(String, String)> {
        let masked = |is_set: bool| if is_set { "(set)" } else { "(not set)" }.to_owned();
        let database = match &self.database {
            Location::Sqlite(path) => format!("sqlite:{}", path.display()),
            Location::Postgres(url) => without_password(url),
        };
        let flags = &self.flags;
        let joined = |list: Vec<String>| list.join(",");
        let or_none = |text: Option<String>| text.unwrap_or_default();
        let mut lines = vec![
            ("BULKHEAD_BIND", flags.bind.to_string()),
            ("BULKHEAD_BASE_URL", self.site().to_owned()),
            ("BULKHEAD_ALLOW_HTTP", flags.allow_http.to_string()),
            (
                "BULKHEAD_TRUSTED_PROXIES",
                joined(flags.trusted_proxies.iter().map(ToString::to_string).collect()),
            ),
            ("BULKHEAD_THREADS", or_none(flags.threads.map(|n| n.to_string()))),
            ("BULKHEAD_DATA_DIR", flags.data_dir.display().to_string()),
            ("BULKHEAD_DATABASE_CONNECTIONS", flags.database_connections.to_string()),
            ("BULKHEAD_METRICS_BIND", or_none(flags.metrics_bind.map(|addr| addr.to_string()))),
            ("BULKHEAD_SIGN_UP", format!("{:?}", flags.sign_up).to_lowercase()),
            ("BULKHEAD_SIGN_UP_DOMAINS", joined(self.sign_up_domains.clone())),
            ("BULKHEAD_SMTP_HOST", or_none(flags.smtp_host.clone())),
            ("BULKHEAD_SMTP_PORT", or_none(self.smtp.as_ref().map(|smtp| smtp.port.to_string()))),
            ("BULKHEAD_SMTP_TLS", format!("{:?}", flags.smtp_tls).to_lowercase()),
            ("BULKHEAD_SMTP_USER", or_none(flags.smtp_user.clone())),
            ("BULKHEAD_SMTP_HELLO", or_none(self.smtp.as_ref().map(|smtp| smtp.hello.to_string()))),
            ("BULKHEAD_MAIL_FROM", self.mail_from.clone()),
            ("BULKHEAD_REMINDERS", flags.reminders.to_string()),
            ("BULKHEAD_OPERATOR", or_none(flags.operator.clone())),
            ("BULKHEAD_SUPPORT", or_none(flags.support.clone())),
            ("BULKHEAD_SESSION_IDLE_HOURS", flags.session_idle_hours.to_string()),
            ("BULKHEAD_SESSION_DAYS", flags.session_days.to_string()),
            ("BULKHEAD_INVITATION_DAYS", flags.invitation_days.to_string()),
            ("BULKHEAD_DELETION_GRACE_DAYS", flags.deletion_grace_days.to_string()),
            ("BULKHEAD_TRANSFER_DAYS", flags.transfer_days.to_string()),
            ("BULKHEAD_UNDO_HOURS", flags.undo_hours.to_string()),
            ("BULKHEAD_PRICE_NOTE", or_none(flags.price_note.clone())),
            ("BULKHEAD_WORKSPACE_LIMIT", or_none(flags.workspace_limit.map(|n| n.to_string()))),
            ("BULKHEAD_MEMBER_LIMIT", or_none(flags.member_limit.map(|n| n.to_string()))),
            (
                "BULKHEAD_SERVICE_ACCOUNT_LIMIT",
                or_none(flags.service_account_limit.map(|n| n.to_string())),
            ),
            ("BULKHEAD_KEY_LIMIT", flags.key_limit.to_string()),
            ("BULKHEAD_INVITATIONS_PER_DAY", flags.invitations_per_day.to_string()),
            (
                "BULKHEAD_RUN_RETENTION_DAYS",
                or_none(flags.run_retention_days.map(|n| n.to_string())),
            ),
            (
                "BULKHEAD_AUDIT_RETENTION_DAYS",
                or_none(flags.audit_retention_days.map(|n| n.to_string())),
            ),
            ("BULKHEAD_REQUESTS_PER_MINUTE", flags.requests_per_minute.to_string()),
            ("BULKHEAD_REQUESTS_PER_MINUTE_OF_KEY", flags.requests_per_minute_of_key.to_string()),
            ("BULKHEAD_CONNECTIONS_PER_ADDRESS", flags.connections_per_address.to_string()),
            ("BULKHEAD_LOG_FORMAT", format!("{:?}", flags.log_format).to_lowercase()),
            ("BULKHEAD_LOG", flags.log.clone()),
            ("BULKHEAD_DATABASE_URL", database),
            ("BULKHEAD_SECRET_KEY", masked(self.secret_key.is_some())),
            ("BULKHEAD_SECRET_KEY_PREVIOUS", masked(self.previous_secret_key.is_some())),
            (
                "BULKHEAD_SMTP_PASSWORD",
                masked(self.smtp.as_ref().is_some_and(|smtp| smtp.credentials.is_some())),
            ),
            ("BULKHEAD_METRICS_TOKEN", masked(self.metrics_token.is_some())),
        ];
        lines.sort_unstable();
        lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// A database's address as it may be shown: libpq takes a password in two places.
fn without_password(url: &str) -> String {
    let hidden = || "postgres://(set)".to_owned();
    let Ok(mut url) = Url::parse(url) else { return hidden() };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return hidden();
    }
    if url.query().is_some() {
        let shown: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !name.to_lowercase().contains("password"))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(shown);
    }
    url.to_string()
}

/// A secret from its variable, or from the file that `…_FILE` names.
#[expect(clippy::disallowed_methods, reason = "the one place that reads secrets")]
fn secret(name: &'static str) -> Result<Option<SecretString>, SettingsError> {
    debug_assert!(SECRETS.iter().any(|(known, _)| *known == name));
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    let file = std::env::var(format!("{name}_FILE")).ok().filter(|value| !value.is_empty());
    match (value, file) {
        (Some(_), Some(_)) => refuse(format!("Set {name} or {name}_FILE, not both.")),
        (Some(value), None) => Ok(Some(value.into())),
        (None, Some(path)) => {
            let path = PathBuf::from(path);
            check_private(&path, &format!("The file that {name}_FILE names"))?;
            let text = std::fs::read_to_string(&path)
                .map_err(|e| SettingsError(format!("{name}_FILE cannot be read: {e}.")))?;
            let text = text.trim_end_matches(['\r', '\n']);
            if text.is_empty() {
                return refuse(format!("The file that {name}_FILE names is empty."));
            }
            Ok(Some(text.to_owned().into()))
        }
        (None, None) => Ok(None),
    }
}

/// A secret that others can read is warned of: mounts of Docker, Compose and Kubernetes are like that, and cannot
/// be changed. One that everybody can change is none.
///
/// # Errors
/// A sentence that begins with `what`, which names the file.
pub fn check_private(path: &Path, what: &str) -> Result<(), SettingsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o002 != 0 {
            return refuse(format!("{what} can be changed by everybody: run chmod o-w on it."));
        }
        if mode & 0o044 != 0 {
            tracing::warn!(
                "{what} can be read by others on this machine (mode {:o})",
                mode & 0o777
            );
        }
    }
    Ok(())
}

fn check_secret_key(key: &str) -> Result<(), SettingsError> {
    let lower = key.to_lowercase();
    let distinct = key.chars().collect::<std::collections::BTreeSet<_>>().len();
    if PLACEHOLDERS.iter().any(|word| lower.contains(word)) || key.len() < 32 || distinct < 8 {
        return refuse(
            "BULKHEAD_SECRET_KEY is a placeholder or too short: use at least 32 random characters, \
             as from `openssl rand -base64 32`.",
        );
    }
    Ok(())
}

fn base_url(flags: &Flags) -> Result<Url, SettingsError> {
    let text =
        flags.base_url.clone().unwrap_or_else(|| format!("http://localhost:{}", flags.bind.port()));
    let url = Url::parse(&text)
        .map_err(|e| SettingsError(format!("BULKHEAD_BASE_URL is not a URL ({e}): {text}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return refuse("BULKHEAD_BASE_URL must start with http:// or https:// and name a host.");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return refuse(
            "BULKHEAD_BASE_URL must be a host without a path: Bulkhead needs its own name.",
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("BULKHEAD_BASE_URL must not hold a user name or password.");
    }
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "http" && !is_loopback_host(host) && !flags.allow_http {
        return refuse(format!(
            "BULKHEAD_BASE_URL is plain http on {host}: passwords would travel in the clear. Use \
             https, or set BULKHEAD_ALLOW_HTTP=true on a network that you trust."
        ));
    }
    Ok(url)
}

fn database(flags: &Flags, url: Option<SecretString>) -> Result<Location, SettingsError> {
    let Some(url) = url else { return Ok(Location::Sqlite(flags.data_dir.join("bulkhead.db"))) };
    let url = url.expose_secret();
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        check_postgres_tls(url)?;
        return Ok(Location::Postgres(url.to_owned()));
    }
    if let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
        if path.is_empty() || path.contains('?') || path.starts_with(":memory:") {
            return refuse(
                "BULKHEAD_DATABASE_URL must name a file, as in sqlite:/srv/bulkhead.db.",
            );
        }
        return Ok(Location::Sqlite(PathBuf::from(path)));
    }
    let scheme = url.split(':').next().unwrap_or_default();
    refuse(format!(
        "BULKHEAD_DATABASE_URL starts with {scheme:?}: use postgres://… or sqlite:PATH."
    ))
}

/// A build without TLS cannot keep what such a URL promises.
fn check_postgres_tls(url: &str) -> Result<(), SettingsError> {
    let demands_tls = ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"]
        .iter()
        .any(|mode| url.contains(mode));
    if demands_tls && !cfg!(feature = "postgres-tls") {
        return refuse(
            "BULKHEAD_DATABASE_URL demands TLS, which this build of Bulkhead does not have: build \
             it with `--features postgres-tls`.",
        );
    }
    Ok(())
}

/// Who we say that we are to the mail server; many take no mail from a name without a dot.
fn hello(flags: &Flags, base_url: &Url) -> Result<ClientId, SettingsError> {
    let name = flags.smtp_hello.as_deref().or(base_url.host_str()).unwrap_or("localhost");
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(IpAddr::V4(ip)) => return Ok(ClientId::Ipv4(ip)),
        Ok(IpAddr::V6(ip)) => return Ok(ClientId::Ipv6(ip)),
        Err(_) => {}
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
        return Ok(ClientId::Domain(name.to_owned()));
    }
    refuse(format!("BULKHEAD_SMTP_HELLO is not the name or address of a host: {name}"))
}

fn smtp(
    flags: &Flags,
    base_url: &Url,
    password: Option<SecretString>,
) -> Result<Option<Smtp>, SettingsError> {
    let Some(host) = flags.smtp_host.clone().filter(|host| !host.is_empty()) else {
        if flags.smtp_user.is_some() || flags.smtp_port.is_some() || password.is_some() {
            return refuse(
                "BULKHEAD_SMTP_HOST is missing, though other settings of a mail server are there.",
            );
        }
        return Ok(None);
    };
    if flags.smtp_tls == SmtpTls::None && !is_loopback_host(&host) {
        return refuse(format!(
            "BULKHEAD_SMTP_TLS=none is for a mail server on this machine, and {host} is not: \
             mails hold links that give access. Use starttls or tls."
        ));
    }
    let credentials = match (flags.smtp_user.clone(), password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) => {
            return refuse("BULKHEAD_SMTP_USER is set without BULKHEAD_SMTP_PASSWORD.");
        }
        (None, Some(_)) => {
            return refuse("BULKHEAD_SMTP_PASSWORD is set without BULKHEAD_SMTP_USER.");
        }
    };
    let port = flags.smtp_port.unwrap_or(match flags.smtp_tls {
        SmtpTls::Starttls => 587,
        SmtpTls::Tls => 465,
        SmtpTls::None => 25,
    });
    let hello = hello(flags, base_url)?;
    Ok(Some(Smtp { host, port, tls: flags.smtp_tls, hello, credentials }))
}

fn mail_from(flags: &Flags, base_url: &Url) -> Result<String, SettingsError> {
    let host = base_url.host_str().unwrap_or("localhost");
    let text = flags.mail_from.clone().unwrap_or_else(|| {
        let domain = if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
            "localhost"
        } else {
            host
        };
        format!("Bulkhead <bulkhead@{domain}>")
    });
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text),
        Err(e) => refuse(format!("BULKHEAD_MAIL_FROM is not a mail address ({e}): {text}")),
    }
}

fn sign_up_domains(flags: &Flags) -> Result<Vec<String>, SettingsError> {
    let domains: Vec<String> = flags
        .sign_up_domains
        .iter()
        .map(|domain| domain.trim().trim_start_matches('@').to_lowercase())
        .filter(|domain| !domain.is_empty())
        .collect();
    if flags.sign_up == SignUp::Domains && domains.is_empty() {
        return refuse(
            "BULKHEAD_SIGN_UP=domains needs BULKHEAD_SIGN_UP_DOMAINS, as in example.org.",
        );
    }
    if flags.sign_up == SignUp::Open && !domains.is_empty() {
        return refuse("BULKHEAD_SIGN_UP_DOMAINS is set: set BULKHEAD_SIGN_UP=domains too.");
    }
    Ok(domains)
}
