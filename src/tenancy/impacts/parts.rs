//! How parts of a review are made, and those that a transfer and a deletion have in common: what it means for people, keys, service
//! accounts, invitations and runs is said once.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::model::{BotAccess, Code, Impact, KeyAccess, PersonAccess, Severity, Side, Subject};
use crate::base::db::Instant;
use crate::base::text::{counted, relative};

/// One part without anybody named.
pub fn part(code: Code, (severity, side): (Severity, Side), count: i64, title: String) -> Impact {
    Impact {
        code,
        severity,
        side,
        count,
        title,
        sentence: String::new(),
        subjects: Vec::new(),
        lines: Vec::new(),
        history: Vec::new(),
    }
}

impl Impact {
    /// With what else there is to know.
    #[must_use]
    pub fn saying(mut self, sentence: impl Into<String>) -> Self {
        self.sentence = sentence.into();
        self
    }

    /// With those whom it concerns.
    #[must_use]
    pub fn naming(mut self, subjects: impl IntoIterator<Item = Subject>) -> Self {
        self.subjects = subjects.into_iter().collect();
        self
    }

    /// With commands and addresses.
    #[must_use]
    pub fn with_lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.lines = lines.into_iter().collect();
        self
    }
}

/// Somebody or something by name, with a word about it.
pub fn subject(name: impl Into<String>, detail: impl Into<String>) -> Subject {
    Subject { name: name.into(), detail: detail.into(), since: None }
}

/// How many there are in a list.
pub fn count_of<T>(list: &[T]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

/// `1 person loses access`, `3 people lose access`
pub fn verb<'a>(count: i64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// When a key was last used, in words.
fn used(at: Option<Instant>, now: Instant) -> String {
    at.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", relative(at, now)))
}

/// People who lose access, with where it comes from today.
pub fn people_lose(losers: &[&PersonAccess], sentence: String) -> Option<Impact> {
    let count = count_of(losers);
    let title =
        format!("{} {} access", counted(count, "person", "people"), verb(count, "loses", "lose"));
    let named = |one: &&PersonAccess| Subject {
        name: one.name.clone(),
        detail: format!("{} · {}", one.email, one.before.join(" + ")),
        since: one.since,
    };
    let impact = part(Code::PeopleLose, (Severity::Action, Side::Source), count, title);
    (count > 0).then(|| impact.saying(sentence).naming(losers.iter().map(named)))
}

/// Their keys, with whose they are and when they were last used.
pub fn keys_lose(keys: &[KeyAccess], people: &[PersonAccess], now: Instant) -> Option<Impact> {
    let count = count_of(keys);
    let title = format!(
        "{} {} access",
        counted(count, "API key", "API keys"),
        verb(count, "loses", "lose")
    );
    let names: BTreeMap<Uuid, &str> =
        people.iter().map(|person| (person.user.uuid(), &*person.name)).collect();
    let named = |key: &KeyAccess| Subject {
        name: key.name.clone(),
        detail: format!(
            "{} · {}{}",
            names.get(&key.user.uuid()).copied().unwrap_or_default(),
            used(key.last_used, now),
            if key.is_only_here { " · reaches nothing else" } else { "" }
        ),
        since: Some(key.created_at),
    };
    let impact = part(Code::KeysLose, (Severity::Action, Side::Source), count, title);
    let sentence = "They go on working elsewhere.";
    (count > 0).then(|| impact.saying(sentence).naming(keys.iter().map(named)))
}

/// Service accounts of an account that lose access.
pub fn service_accounts_lose(bots: &[BotAccess], account: &str, now: Instant) -> Option<Impact> {
    let count = count_of(bots);
    let title = format!(
        "{} {} access",
        counted(count, "service account", "service accounts"),
        verb(count, "loses", "lose")
    );
    let sentence = format!("They stay in {account}, and keep what else is shared with them.");
    let named = |bot: &BotAccess| Subject {
        name: bot.name.clone(),
        detail: format!("{} · {}", bot.role, used(bot.last_used, now)),
        since: Some(bot.since),
    };
    let impact = part(Code::ServiceAccountsLose, (Severity::Action, Side::Source), count, title);
    (count > 0).then(|| impact.saying(sentence).naming(bots.iter().map(named)))
}

/// Invitations that were sent and can't be accepted any more: the address, and when each was sent.
pub fn invitations_end(open: &[(String, Instant)], now: Instant) -> Option<Impact> {
    let count = count_of(open);
    let title = format!(
        "{} {}",
        counted(count, "invitation", "invitations"),
        verb(count, "is revoked", "are revoked")
    );
    let named = |(email, since): &(String, Instant)| Subject {
        name: email.clone(),
        detail: format!("sent {}", relative(*since, now)),
        since: Some(*since),
    };
    let impact = part(Code::InvitationsEnd, (Severity::Info, Side::Source), count, title);
    (count > 0).then(|| impact.naming(open.iter().map(named)))
}

/// Runs that are going on: how many, and some names.
pub fn runs_active(count: i64, names: &[String], sentence: &str) -> Option<Impact> {
    let title = format!(
        "{} {} going on",
        counted(count, "flow run", "flow runs"),
        verb(count, "is", "are")
    );
    let impact = part(Code::RunsActive, (Severity::Action, Side::Source), count, title);
    let named = names.iter().map(|name| subject(name.clone(), ""));
    (count > 0).then(|| impact.saying(sentence).naming(named))
}

/// Runs that are due within the hour.
pub fn runs_due(count: i64) -> Option<Impact> {
    let title = format!(
        "{} {} due within the hour",
        counted(count, "flow run", "flow runs"),
        verb(count, "is", "are")
    );
    (count > 0).then(|| part(Code::RunsDue, (Severity::Info, Side::Source), count, title))
}
