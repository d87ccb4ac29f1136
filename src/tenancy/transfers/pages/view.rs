//! A review as pages show it.

use crate::base::db::Instant;
use crate::base::text::When;
use crate::tenancy::transfers::model::{Code, Impact, Party, Review, Severity, Side, Subject};

/// Subjects in sight; the others open.
const IN_SIGHT: usize = 4;

/// Subjects on the page, at most; a receipt has all of them.
const SHOWN: usize = 500;

/// One part.
pub struct Part {
    pub tone: &'static str,
    pub icon: &'static str,
    pub word: &'static str,
    pub title: String,
    pub sentence: String,
    pub first: Vec<Subject>,
    pub rest: Vec<Subject>,
    /// `and 8 more`
    pub more: String,
    /// How many are not on the page.
    pub left_out: usize,
}

fn words(severity: Severity) -> (&'static str, &'static str, &'static str) {
    match severity {
        Severity::Blocks => ("danger", "alert", "Blocks"),
        Severity::Loses => ("loses", "lose", "Loses data"),
        Severity::Action => ("warn", "wrench", "Needs action"),
        Severity::Info => ("info", "info", "For information"),
        Severity::Unchanged => ("ok", "check", "Stays"),
    }
}

impl Part {
    fn of(impact: &Impact) -> Self {
        let (tone, icon, word) = words(impact.severity);
        let all = impact.subjects.len();
        let mut shown = impact.subjects.iter().take(SHOWN).cloned();
        let first: Vec<Subject> = shown.by_ref().take(IN_SIGHT).collect();
        let rest: Vec<Subject> = shown.collect();
        Self {
            tone,
            icon,
            word,
            title: impact.title.clone(),
            sentence: impact.sentence.clone(),
            more: format!("and {} more", all.saturating_sub(IN_SIGHT)),
            left_out: all.saturating_sub(SHOWN),
            first,
            rest,
        }
    }
}

/// A review, in the parts of the page.
pub struct View {
    pub blocks: Vec<Part>,
    pub source: Vec<Part>,
    pub target: Vec<Part>,
    pub unchanged: Vec<Part>,
    /// A tone, an icon and a text for each gravity.
    pub tally: Vec<(&'static str, &'static str, String)>,
    pub verdict: &'static str,
    pub computed: When,
    pub hash: String,
    /// Commands that point a client to the new place.
    pub commands: Vec<String>,
}

impl View {
    /// A review as it is shown.
    pub fn of(review: &Review, now: Instant) -> Self {
        let on = |side: Side| {
            let told = review.impacts.iter().filter(move |impact| {
                impact.side == side
                    && !matches!(impact.severity, Severity::Blocks | Severity::Unchanged)
            });
            told.map(Part::of).collect()
        };
        let of = |severity| review.of(severity).map(Part::of).collect();
        let tally = [
            (Severity::Blocks, "blocking"),
            (Severity::Loses, "loses data"),
            (Severity::Action, "need action"),
            (Severity::Info, "for information"),
        ];
        let tally = tally.map(|(severity, text)| {
            let (tone, icon, _) = words(severity);
            (tone, icon, format!("{} {text}", review.count(severity)))
        });
        let is_lossy = review.count(Severity::Loses) > 0
            || [Code::PeopleLose, Code::KeysLose, Code::ServiceAccountsLose]
                .into_iter()
                .any(|code| review.part(code).is_some());
        let verdict = if review.count(Severity::Blocks) > 0 {
            "Not possible as things are"
        } else if is_lossy {
            "Ready, once you confirm what is lost"
        } else {
            "Ready"
        };
        Self {
            blocks: of(Severity::Blocks),
            source: on(Side::Source),
            target: on(Side::Target),
            unchanged: of(Severity::Unchanged),
            tally: tally.to_vec(),
            verdict,
            computed: When::exact(review.at, now),
            hash: review.hash.clone(),
            commands: review
                .part(Code::ProfilesChange)
                .map_or_else(Vec::new, |part| part.lines.clone()),
        }
    }
}

impl View {
    /// The same as what is over.
    pub fn of_receipt(self) -> Self {
        Self { verdict: "What it changed, as it was when the workspace moved", ..self }
    }
}

/// One of the two accounts, on top of the page.
pub struct Account {
    pub name: String,
    pub handle: String,
    /// How many workspaces it has, and has afterwards, where whoever looks may know.
    pub slots: Option<(String, String)>,
}

impl Account {
    /// An account as one side sees it; `change` is what the transfer does to the number of its workspaces.
    pub fn of(party: &Party, is_seen: bool, change: i64) -> Self {
        let slots = is_seen.then(|| {
            let limit = party.slots.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
            (party.slots.used.to_string(), format!("{}{limit}", party.slots.used + change))
        });
        Self { name: party.account.name.clone(), handle: party.account.handle.clone(), slots }
    }
}
