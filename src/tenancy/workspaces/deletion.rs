//! What deleting a workspace does, and to whom: its page, its mails, its audit entry and its receipt all read what this writes
//! (G5, G6; lifecycles.md 3).

use super::contents::Counted;
use super::model::Slots;
use crate::access::contents::Fate;
use crate::access::membership::Workspace;
use crate::base::db::Instant;
use crate::base::text::thousands;
use crate::tenancy::impacts::model::{
    BotAccess, Code, Impact, KeyAccess, PersonAccess, Review, Severity, Side,
};
use crate::tenancy::impacts::parts::{
    invitations_end, keys_lose, part, people_lose, runs_active, runs_due, service_accounts_lose,
    verb,
};

/// All that the review is computed from.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When they were read.
    pub at: Instant,
    /// The workspace.
    pub workspace: Workspace,
    /// Until when it can be restored; `None` where it can't be.
    pub until: Option<Instant>,
    /// Everybody who has access, by name.
    pub people: Vec<PersonAccess>,
    /// Their keys that reach it.
    pub keys: Vec<KeyAccess>,
    /// Service accounts with which it is shared.
    pub bots: Vec<BotAccess>,
    /// Open invitations: the address, and when they were sent.
    pub invitations: Vec<(String, Instant)>,
    /// Runs that are going on, and some of their names.
    pub active: (i64, Vec<String>),
    /// Runs that are due within the hour.
    pub due: i64,
    /// The account to which it is to move, by name.
    pub moving_to: Option<String>,
    /// What is in it.
    pub contents: Vec<Counted>,
    /// The room of its account.
    pub slots: Slots,
}

/// What deleting it does.
pub fn review(facts: &Facts) -> Review {
    let mut impacts = content(facts);
    let account = &facts.workspace.account_name;
    let everybody: Vec<&PersonAccess> = facts.people.iter().collect();
    let sentence = match facts.until {
        Some(_) => "At once, with their API keys. They have it again when it is restored.",
        None => "At once, with their API keys.",
    };
    impacts.extend(people_lose(&everybody, sentence.to_owned()));
    impacts.extend(keys_lose(&facts.keys, &facts.people, facts.at));
    impacts.extend(service_accounts_lose(&facts.bots, account, facts.at));
    let sentence = "What runs them can’t tell of their end: the workspace isn’t there any more.";
    impacts.extend(runs_active(facts.active.0, &facts.active.1, sentence));
    impacts.extend(runs_due(facts.due));
    impacts.extend(invitations_end(&facts.invitations, facts.at));
    if let Some(target) = &facts.moving_to {
        let title = format!("The transfer to {target} is void");
        let impact = part(Code::TransferEnds, (Severity::Info, Side::Source), 1, title);
        impacts.push(impact.saying("Whoever was asked is told. A restore doesn’t bring it back."));
    }
    impacts.extend(account_side(facts));
    Review::of_parts(facts.at, impacts, String::new())
}

/// What is in it, as far as it is more than access.
fn content(facts: &Facts) -> Vec<Impact> {
    let sentence = facts.until.map_or_else(
        || "At once, and for good.".to_owned(),
        |until| format!("For good on {}, if it isn’t restored before.", until.long_text()),
    );
    let mut parts = Vec::new();
    for counted in facts.contents.iter().filter(|counted| counted.number > 0) {
        let with = match counted.kind.fate {
            Fate::Ends => continue,
            Fate::Moves => "",
            Fate::Retained(with) => with,
        };
        let is_are = verb(counted.number, "is", "are");
        let title = format!("{}{with} {is_are} removed", counted.text());
        let severity = (Severity::Loses, Side::Source);
        parts.push(part(Code::ContentsRemoved, severity, counted.number, title).saying(&*sentence));
    }
    parts
}

fn account_side(facts: &Facts) -> Vec<Impact> {
    let (workspace, slots) = (&facts.workspace, facts.slots);
    let used = slots.used - 1;
    let room = match slots.limit {
        Some(limit) => format!("{} of {} in use afterwards.", thousands(used), thousands(limit)),
        None => format!("{} in use afterwards.", thousands(used)),
    };
    let side = (Severity::Info, Side::Source);
    let title = format!("A workspace slot of {} is free again", workspace.account_name);
    let mut impacts = vec![part(Code::SlotFreed, side, used, title).saying(room)];
    if facts.until.is_some() {
        let title = format!("“{}” stays reserved until it is gone", workspace.handle);
        impacts.push(part(Code::HandleReserved, side, 1, title));
    }
    impacts
}

/// Addresses of those who lose access, but for those who are told anyway.
pub fn losers(facts: &Facts, told: &[String]) -> Vec<String> {
    let losing = facts.people.iter().map(|person| &person.email);
    losing.filter(|email| !told.contains(email)).cloned().collect()
}
