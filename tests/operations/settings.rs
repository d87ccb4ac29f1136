//! Settings: where they come from, which are refused, and that secrets stay secret.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Home, SECRET_KEY};

/// The names in a text that begin like a setting, without those of secrets' files.
fn names_in(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    text.match_indices("BULKHEAD_")
        .map(|(at, _)| text[at..].chars().take_while(|c| is_name(*c)).collect::<String>())
        .filter(|name| !name.ends_with("_FILE") && !name.ends_with('_'))
        .collect()
}

/// What `bulkhead config` prints, as pairs.
fn config(home: &Home) -> Vec<(String, String)> {
    let ran = home.run(&["config"]);
    let pairs = ran.assert_ok().out.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn value(home: &Home, name: &str) -> String {
    config(home).into_iter().find(|(known, _)| known == name).unwrap().1
}

/// CF-11: help, `config` and the README's table know the same settings.
#[test]
fn every_setting_is_in_the_help_and_in_the_readme() {
    let home = Home::empty();
    let known: BTreeSet<String> = config(&home).into_iter().map(|(name, _)| name).collect();
    let help = home.run(&["--help"]);
    assert_eq!(names_in(&help.assert_ok().out), known);
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let rows: String = readme.lines().filter(|line| line.starts_with("| `BULKHEAD_")).collect();
    assert_eq!(names_in(&rows), known, "the README's table of settings");
}

/// CF-10, AU-07, D-24, EM-04: what contradicts itself or would be unsafe is refused before
/// anything is touched, with one sentence.
#[test]
fn contradictions_are_refused_with_one_sentence() {
    let postgres = ("BULKHEAD_DATABASE_URL", "postgres://bulkhead@localhost/bulkhead");
    let key = ("BULKHEAD_SECRET_KEY", SECRET_KEY);
    let mail = ("BULKHEAD_SMTP_HOST", "mail.example.org");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("BULKHEAD_DATABASE_URL", "mysql://localhost/x")], "starts with \"mysql\""),
        (&[("BULKHEAD_DATABASE_URL", "postgress://localhost/x")], "use postgres://"),
        (&[("BULKHEAD_DATABASE_URL", "bulkhead.db")], "use postgres://"),
        (&[("BULKHEAD_DATABASE_URL", "sqlite::memory:")], "must name a file"),
        (&[("BULKHEAD_DATABASE_URL", "sqlite:")], "must name a file"),
        (&[postgres], "Set BULKHEAD_SECRET_KEY"),
        (&[(postgres.0, "postgres://u@h/x?sslmode=verify-full"), key], "postgres-tls"),
        (&[("BULKHEAD_SECRET_KEY", "changeme")], "placeholder or too short"),
        (&[("BULKHEAD_SECRET_KEY", "0123456789abcdefghijklmnopqrstu")], "too short"),
        (&[("BULKHEAD_SECRET_KEY", "change-me-change-me-change-me-please")], "placeholder"),
        (&[("BULKHEAD_SECRET_KEY", "abababababababababababababababababab")], "placeholder"),
        (&[("BULKHEAD_SECRET_KEY_PREVIOUS", "secret")], "placeholder"),
        (&[key, ("BULKHEAD_SECRET_KEY_FILE", "/dev/null")], "not both"),
        (&[("BULKHEAD_SECRET_KEY_FILE", "/nowhere/key")], "cannot be read"),
        (&[("BULKHEAD_BASE_URL", "http://bulkhead.example.org")], "passwords would travel"),
        (&[("BULKHEAD_BASE_URL", "http://192.0.2.7:4280")], "passwords would travel"),
        (&[("BULKHEAD_BASE_URL", "http://localhost.example.org")], "passwords would travel"),
        (&[("BULKHEAD_BASE_URL", "https://example.org/bulkhead")], "without a path"),
        (&[("BULKHEAD_BASE_URL", "https://me:pw@example.org")], "must not hold a user name"),
        (&[("BULKHEAD_BASE_URL", "ftp://example.org")], "http:// or https://"),
        (&[("BULKHEAD_BASE_URL", "example.org")], "not a URL"),
        (&[mail, ("BULKHEAD_SMTP_TLS", "none")], "is for a mail server on this machine"),
        (&[mail, ("BULKHEAD_SMTP_USER", "me")], "without BULKHEAD_SMTP_PASSWORD"),
        (&[mail, ("BULKHEAD_SMTP_PASSWORD", "pw")], "without BULKHEAD_SMTP_USER"),
        (&[("BULKHEAD_SMTP_PORT", "25")], "BULKHEAD_SMTP_HOST is missing"),
        (&[("BULKHEAD_MAIL_FROM", "Bulkhead")], "not a mail address"),
        (&[("BULKHEAD_SIGN_UP", "domains")], "needs BULKHEAD_SIGN_UP_DOMAINS"),
        (&[("BULKHEAD_SIGN_UP_DOMAINS", "example.org")], "set BULKHEAD_SIGN_UP=domains"),
    ];
    for (settings, says) in cases {
        let mut home = Home::empty();
        home.settings.remove("BULKHEAD_DATABASE_URL");
        home.settings.remove("BULKHEAD_SECRET_KEY");
        for (name, value) in *settings {
            home.settings.insert((*name).to_owned(), (*value).to_owned());
        }
        let ran = home.run(&["serve"]);
        ran.assert_refused(says);
        assert_eq!(ran.out, "", "{settings:?}");
        assert!(!home.file().exists(), "{settings:?} made a database");
    }
}

/// EM-04: a mail server hears the name under which people know this one, or the one that is set.
#[test]
fn the_greeting_is_the_base_urls_host_unless_it_is_set() {
    let home = || {
        Home::empty()
            .set("BULKHEAD_SMTP_HOST", "mail.example.org")
            .set("BULKHEAD_BASE_URL", "https://bulkhead.example.org:8443")
    };
    assert_eq!(value(&home(), "BULKHEAD_SMTP_HELLO"), "bulkhead.example.org");
    let set = |name: &str| home().set("BULKHEAD_SMTP_HELLO", name);
    assert_eq!(value(&set("out.example.org"), "BULKHEAD_SMTP_HELLO"), "out.example.org");
    assert_eq!(value(&set("192.0.2.7"), "BULKHEAD_SMTP_HELLO"), "[192.0.2.7]");
    set("a b").run(&["config"]).assert_refused("BULKHEAD_SMTP_HELLO is not the name");
}

/// SE-04, CF-06: what is out of range is refused by the command line itself.
#[test]
fn numbers_out_of_range_are_refused() {
    for (name, value) in [
        ("BULKHEAD_SESSION_DAYS", "31"),
        ("BULKHEAD_SESSION_IDLE_HOURS", "25"),
        ("BULKHEAD_INVITATION_DAYS", "0"),
        ("BULKHEAD_RUN_RETENTION_DAYS", "0"),
        ("BULKHEAD_AUDIT_RETENTION_DAYS", "0"),
        ("BULKHEAD_WORKSPACE_LIMIT", "-1"),
        ("BULKHEAD_THREADS", "0"),
        ("BULKHEAD_BIND", "localhost"),
        ("BULKHEAD_SMTP_TLS", "maybe"),
        ("BULKHEAD_TRUSTED_PROXIES", "10.0.0.0/33"),
    ] {
        let ran = Home::empty().set(name, value).run(&["config"]);
        assert!(!ran.status.success(), "{name}={value}");
        let flag = name.trim_start_matches("BULKHEAD_").to_lowercase().replace('_', "-");
        assert!(ran.err.contains(&flag), "{name}={value}: {}", ran.err);
    }
}

/// D-24: a secret that others can read starts with a warning, as mounts that cannot be changed need it; one that
/// everybody can change is none.
#[test]
fn a_secret_file_that_others_can_read_is_warned_of() {
    let home = Home::empty();
    let path = home.database.folder.path().join("key");
    std::fs::write(&path, format!("{SECRET_KEY}\n")).unwrap();
    let mut home = home.set("BULKHEAD_SECRET_KEY_FILE", path.to_str().unwrap());
    home.settings.remove("BULKHEAD_SECRET_KEY");
    for (mode, warned) in [(0o600, false), (0o400, false), (0o440, true), (0o444, true)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = home.run(&["config"]);
        assert!(ran.assert_ok().out.contains("BULKHEAD_SECRET_KEY=(set)"), "{ran:?}");
        assert_eq!(ran.err.contains("can be read by others"), warned, "{mode:o} {ran:?}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o646)).unwrap();
    home.run(&["config"]).assert_refused("can be changed by everybody");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, "\n").unwrap();
    home.run(&["config"]).assert_refused("is empty");
}

/// CF-11: an empty variable is as good as none, for every setting: so `VAR=` stands in files of Compose.
#[test]
fn an_empty_variable_is_not_set() {
    let mut home = Home::empty();
    let usual = config(&home);
    for (name, _) in &usual {
        if !["BULKHEAD_DATA_DIR", "BULKHEAD_DATABASE_URL", "BULKHEAD_SECRET_KEY"].contains(&&**name)
        {
            home.settings.insert(name.clone(), String::new());
        }
    }
    let empty = config(&home);
    let known = |name: &str| empty.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(known("BULKHEAD_BIND"), "127.0.0.1:4280");
    assert_eq!(known("BULKHEAD_REQUESTS_PER_MINUTE"), "6000");
    assert_eq!(known("BULKHEAD_TRUSTED_PROXIES"), "");
    assert_eq!(usual.len(), empty.len());
    home.settings.insert("BULKHEAD_DATA_DIR".to_owned(), String::new());
    home.settings.insert("BULKHEAD_SECRET_KEY_FILE".to_owned(), String::new());
    assert_eq!(value(&home, "BULKHEAD_DATA_DIR"), "data");
}

/// CF-02: an address alone is a network of one.
#[test]
fn an_address_alone_is_a_network_of_one() {
    let home = Home::empty().set("BULKHEAD_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,::1");
    assert_eq!(value(&home, "BULKHEAD_TRUSTED_PROXIES"), "127.0.0.1/32,10.0.0.0/8,::1/128");
    let ran = Home::empty().set("BULKHEAD_TRUSTED_PROXIES", "nginx").run(&["config"]);
    assert!(
        !ran.status.success() && ran.err.contains("neither a network nor an address"),
        "{ran:?}"
    );
}

/// CF-07, LG-02: no flag takes a secret, and neither help nor `config` nor an error shows one.
#[test]
fn secrets_are_shown_nowhere() {
    let canary = "canary-Xq7";
    let url = format!("postgres://bulkhead:{canary}1@127.0.0.1:1/x?password={canary}2&a=1");
    let home = Home::empty()
        .set("BULKHEAD_DATABASE_URL", &url)
        .set("BULKHEAD_SECRET_KEY", &format!("{canary}3{SECRET_KEY}"))
        .set("BULKHEAD_SECRET_KEY_PREVIOUS", &format!("{canary}4{SECRET_KEY}"))
        .set("BULKHEAD_SMTP_HOST", "localhost")
        .set("BULKHEAD_SMTP_USER", "bulkhead")
        .set("BULKHEAD_SMTP_PASSWORD", &format!("{canary}5"))
        .set("BULKHEAD_METRICS_TOKEN", &format!("{canary}6"))
        .set("BULKHEAD_LOG", "trace");
    for arguments in [&["--help"][..], &["config"], &["serve", "--help"], &["serve"], &["migrate"]]
    {
        let ran = home.run(arguments);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains(canary), "{arguments:?}: {said}");
    }
    let shown = value(&home, "BULKHEAD_DATABASE_URL");
    assert!(shown.contains("127.0.0.1:1/x") && shown.contains("a=1"), "{shown}");
    for secret in ["database-url", "secret-key", "smtp-password", "metrics-token"] {
        let ran = home.run(&[&format!("--{secret}=x"), "config"]);
        assert!(ran.err.contains("unexpected argument"), "{ran:?}");
    }
}

/// A flag stands over its variable, and a variable over the default.
#[test]
fn flags_stand_over_variables() {
    let mut home = Home::empty();
    assert_eq!(value(&home, "BULKHEAD_INVITATION_DAYS"), "7");
    home = home.set("BULKHEAD_INVITATION_DAYS", "3");
    assert_eq!(value(&home, "BULKHEAD_INVITATION_DAYS"), "3");
    let ran = home.run(&["config", "--invitation-days", "5"]);
    assert!(ran.assert_ok().out.contains("BULKHEAD_INVITATION_DAYS=5\n"));
}
