//! The one function that says what a transfer does (product.md 1.12, 1.14): its page, its mails, its receipt and
//! its execution all read what this writes.

use super::model::{Carried, CarriedAs, Facts, Party, Sees};
use super::rules;
use crate::access::contents::Fate;
use crate::access::membership::AccountKind;
use crate::base::db::paging::{COUNT_LIMIT, count_text};
use crate::base::text::{counted, thousands};
use crate::tenancy::impacts::model::{Code, Impact, PersonAccess, Review, Severity, Side};
use crate::tenancy::impacts::parts::{
    count_of, invitations_end, keys_lose, part, people_lose, runs_active, runs_due,
    service_accounts_lose, subject, verb,
};
use crate::tenancy::workspaces::contents::Counted;

/// What a transfer does, as somebody of one side or of both may see it (SP-24).
pub fn review(facts: &Facts, sees: Sees) -> Review {
    let mut impacts = Vec::new();
    let mut add = |parts: Vec<Impact>| impacts.extend(parts);
    add(blocks(facts, sees));
    if sees.source {
        add(people_of_source(facts, sees));
        add(what_ends(facts));
    }
    add(runs(facts, sees));
    add(addresses(facts));
    add(gains(facts, sees));
    add(carried(facts, sees));
    add(accounts(facts, sees));
    add(vec![way_back(facts)]);
    add(unchanged(facts));
    Review::of_parts(facts.at, impacts, rules::hash(facts))
}

fn days(days: Option<i32>) -> String {
    days.map_or_else(|| "for ever".to_owned(), |days| counted(i64::from(days), "day", "days"))
}

fn blocks(facts: &Facts, sees: Sees) -> Vec<Impact> {
    let mut parts = Vec::new();
    let target = &facts.target.account.name;
    let slots = facts.target.slots;
    if slots.is_full() {
        let title = if sees.target {
            let room = slots.text().unwrap_or_default();
            format!("{target} has no room: it uses {room} workspaces")
        } else {
            format!("Not possible now: {target} can’t take a workspace")
        };
        let how = if sees.target {
            "Delete a workspace there, or ask whoever runs this server for a higher limit."
        } else {
            "Its admins see why. You can ask them now, and they approve once it is possible."
        };
        let impact = part(Code::TargetFull, (Severity::Blocks, Side::Target), 1, title);
        parts.push(impact.saying(how));
    }
    if let Some(taken) = &facts.taken {
        let handle = &facts.handle;
        let (title, how) = if sees.target {
            (format!("“{handle}” is taken in {target}"), taken.problem())
        } else {
            let how = "Choose another handle.".to_owned();
            (format!("Not possible now: “{handle}” can’t be had in {target}"), how)
        };
        let impact = part(Code::HandleTaken, (Severity::Blocks, Side::Target), 1, title);
        parts.push(impact.saying(how));
    }
    parts
}

fn runs(facts: &Facts, sees: Sees) -> Vec<Impact> {
    let mut parts = Vec::new();
    let removal = &facts.removal;
    let (source, target) = (&facts.source.account.name, &facts.target.account.name);
    if removal.runs > 0 {
        let what = counted(removal.runs, "flow run", "flow runs");
        let is_are = verb(removal.runs, "is", "are");
        let title = format!("{what} {is_are} removed");
        let kept = days(facts.target.retention_days);
        let span = removal.span.map_or_else(String::new, |(first, last)| {
            format!(" They ended between {} and {}.", first.minute_text(), last.minute_text())
        });
        let sentence = format!(
            "{target} keeps ended runs for {kept}, {source} {}. Older ones go for good once the transfer \
             can’t be undone any more, with their task runs and logs.{span}",
            match facts.source.retention_days {
                None => "for ever".to_owned(),
                Some(_) => format!("for {}", days(facts.source.retention_days)),
            }
        );
        let impact = part(Code::RunsRemoved, (Severity::Loses, Side::Target), removal.runs, title);
        let flows = removal.flows.iter().filter(|_| sees.source);
        let history = if sees.source { removal.history.clone() } else { Vec::new() };
        parts.push(Impact {
            history,
            ..impact
                .saying(sentence)
                .naming(flows.map(|(flow, count)| subject(flow.clone(), thousands(*count))))
        });
    }
    if facts.hidden > 0 && sees.source {
        let title = format!(
            "{} {} that an earlier transfer removed {} back",
            count_text(facts.hidden),
            verb(facts.hidden, "flow run", "flow runs"),
            verb(facts.hidden, "doesn’t come", "don’t come")
        );
        let sentence = "That transfer can’t be undone any more once this one moved the workspace. Undo it instead \
                        to have them back.";
        let impact =
            part(Code::RunsStayRemoved, (Severity::Info, Side::Source), facts.hidden, title);
        parts.push(impact.saying(sentence));
    }
    // What runs there is called is the source’s to know.
    let names: &[String] = if sees.source { &facts.active.1 } else { &[] };
    let sentence = "They stay as they are. What runs them can’t tell of their end once its key has no access: \
                    it needs the new place and a key that reaches it.";
    parts.extend(runs_active(facts.active.0, names, sentence));
    parts.extend(runs_due(facts.due));
    parts
}

fn people_of_source(facts: &Facts, sees: Sees) -> Vec<Impact> {
    let mut parts = Vec::new();
    let losers: Vec<&PersonAccess> = facts.people.iter().filter(|one| one.loses()).collect();
    let (source, target) = (&facts.source.account.name, &facts.target.account.name);
    let sentence = format!(
        "At once, with their API keys. Roles given in {source} don’t move: {target} gives its own."
    );
    parts.extend(people_lose(&losers, sentence));
    if losers.iter().any(|one| Some(one.user) == sees.person) {
        let title = "You lose access".to_owned();
        let sentence =
            format!("You don’t decide over {target}, so only its admins can let you in.");
        let impact = part(Code::YouLose, (Severity::Action, Side::Source), 1, title);
        parts.push(impact.saying(sentence));
    }
    parts.extend(keys_lose(&facts.keys, &facts.people, facts.at));
    let kept: Vec<&PersonAccess> =
        facts.people.iter().filter(|one| !one.before.is_empty() && one.after.is_some()).collect();
    if !kept.is_empty() && sees.target {
        let count = count_of(&kept);
        let title = format!(
            "{} {} access",
            counted(count, "person", "people"),
            verb(count, "keeps", "keep")
        );
        let detail = |one: &PersonAccess| {
            let after = one.after.clone().unwrap_or_default();
            format!("{} · {} → {after}", one.email, one.before.join(" + "))
        };
        let impact = part(Code::PeopleKeep, (Severity::Info, Side::Target), count, title);
        parts.push(
            impact
                .saying("Their API keys go on working, by the new place.")
                .naming(kept.iter().map(|one| subject(one.name.clone(), detail(one)))),
        );
    }
    parts
}

fn what_ends(facts: &Facts) -> Vec<Impact> {
    let mut parts = Vec::new();
    let source = &facts.source.account.name;
    parts.extend(service_accounts_lose(&facts.bots, source, facts.at));
    parts.extend(invitations_end(&facts.invitations, facts.at));
    if !facts.roles.is_empty() {
        let count = count_of(&facts.roles);
        let title = format!(
            "{} {} not exist in {}",
            counted(count, "role", "roles"),
            verb(count, "does", "do"),
            facts.target.account.name
        );
        let impact = part(Code::RolesLost, (Severity::Info, Side::Source), count, title);
        let roles = facts.roles.iter().map(|(_, name)| subject(name.clone(), ""));
        parts.push(impact.saying("What they allowed here ends with them.").naming(roles));
    }
    if let Some(role) = &facts.default_role {
        let title = format!("“Anyone at {source}” is reset to no access");
        let sentence = format!("It is {} today.", role.title);
        let impact = part(Code::DefaultRoleReset, (Severity::Info, Side::Source), 1, title);
        parts.push(impact.saying(sentence));
    }
    if facts.source.is_organization() {
        let title = "The audit log stops tracking it".to_owned();
        let entries = format!(
            "{} {}",
            count_text(facts.audit_entries),
            verb(facts.audit_entries, "entry", "entries")
        );
        let sentence =
            format!("{entries} about {} stay in {source}’s log.", facts.workspace.handle);
        let impact =
            part(Code::AuditStops, (Severity::Info, Side::Source), facts.audit_entries, title);
        parts.push(impact.saying(sentence));
    }
    parts
}

fn addresses(facts: &Facts) -> Vec<Impact> {
    let (workspace, target, site) = (&facts.workspace, &facts.target.account, &facts.site);
    let id = workspace.id;
    let old_api = format!("{site}/api/accounts/{}/workspaces/{id}", workspace.account);
    let new_api = format!("{site}/api/accounts/{}/workspaces/{id}", target.id);
    let new_path = format!("{}/{}", target.handle, facts.handle);
    let old_path = format!("{}/{}", workspace.account_handle, workspace.handle);
    let links = part(
        Code::LinksChange,
        (Severity::Action, Side::Source),
        1,
        "Saved links change".to_owned(),
    )
    .saying("The account’s id in them is another one; the workspace’s stays.")
    .naming([subject(old_path.clone(), old_api), subject(new_path.clone(), new_api.clone())]);
    let profiles = part(
        Code::ProfilesChange,
        (Severity::Action, Side::Source),
        1,
        "Profiles of the command line and environments need the new place".to_owned(),
    )
    .saying(
        "Wherever flows are run or workers poll: choose the workspace again, or set its address where that is \
         what is set.",
    )
    .with_lines(commands(&new_path, &new_api));
    let redirects = part(
        Code::Redirects,
        (Severity::Info, Side::Target),
        1,
        "Old addresses lead to the new place".to_owned(),
    )
    .saying(format!(
        "For those with access: pages of {old_path}, and requests of the client to its old address."
    ));
    vec![links, profiles, redirects]
}

fn gains(facts: &Facts, sees: Sees) -> Vec<Impact> {
    let mut parts = Vec::new();
    let target = &facts.target.account.name;
    let gained: Vec<&PersonAccess> = facts.people.iter().filter(|one| one.gains()).collect();
    if facts.target.is_organization() {
        if sees.target {
            if !gained.is_empty() {
                let count = count_of(&gained);
                let title = format!(
                    "{} of {target} {} owner access",
                    counted(count, "admin", "admins"),
                    verb(count, "gets", "get")
                );
                let names = gained.iter().map(|one| subject(one.name.clone(), one.email.clone()));
                let impact = part(Code::PeopleGain, (Severity::Info, Side::Target), count, title);
                parts.push(
                    impact
                        .saying("At once. Other members have none until it is shared with them.")
                        .naming(names),
                );
            }
        } else {
            let title = format!("All admins of {target} get owner access");
            let impact = part(Code::PeopleGain, (Severity::Info, Side::Target), 1, title);
            parts.push(
                impact.saying("At once. Its other members have none until it is shared with them."),
            );
        }
    }
    if facts.target.second_factor {
        let title = format!("{target} asks for two-factor authentication");
        let lacking: Vec<&PersonAccess> = facts
            .people
            .iter()
            .filter(|one| one.after.is_some() && one.lacks_second_factor && sees.target)
            .collect();
        let sentence = "Who has none turns it on before anything opens, also for their API keys.";
        let impact =
            part(Code::SecondFactor, (Severity::Action, Side::Target), count_of(&lacking), title);
        let names = lacking.iter().map(|one| subject(one.name.clone(), "has none"));
        parts.push(impact.saying(sentence).naming(names));
    }
    parts
}

/// Whom the source wants to have invited is what both sides agree to, so both read it by name. As what, and why not, is
/// the target's to know.
fn carried(facts: &Facts, sees: Sees) -> Vec<Impact> {
    let mut parts = Vec::new();
    let target = &facts.target.account.name;
    let (can, cannot): (Vec<&Carried>, Vec<&Carried>) =
        facts.carried.iter().partition(|one| one.problem.is_none());
    if !can.is_empty() {
        let count = count_of(&can);
        let title = format!(
            "{} {} invited to {target}",
            counted(count, "person", "people"),
            verb(count, "is", "are")
        );
        let detail = |one: &Carried| {
            let what = match one.invited_as {
                CarriedAs::Collaborator => "as a collaborator of the workspace",
                CarriedAs::Member => "as a member",
                CarriedAs::Viewer => "as a viewer of the workspace",
            };
            if sees.target { format!("{} · {what}", one.email) } else { one.email.clone() }
        };
        let sentence = if facts.target.is_organization() {
            "Of those who lose access. Its admins give members a role in the workspace."
        } else {
            "Of those who lose access."
        };
        let impact = part(Code::PeopleInvited, (Severity::Info, Side::Target), count, title);
        parts.push(
            impact
                .saying(sentence)
                .naming(can.iter().map(|one| subject(one.name.clone(), detail(one)))),
        );
    }
    if !cannot.is_empty() {
        let count = count_of(&cannot);
        let title = format!("{} can’t be invited to {target}", counted(count, "person", "people"));
        let why = |one: &Carried| one.problem.filter(|_| sees.target).unwrap_or("not possible now");
        let impact = part(Code::PeopleNotInvited, (Severity::Info, Side::Target), count, title);
        parts.push(impact.naming(cannot.iter().map(|one| subject(one.name.clone(), why(one)))));
    }
    parts
}

fn accounts(facts: &Facts, sees: Sees) -> Vec<Impact> {
    let mut parts = Vec::new();
    let (source, target) = (&facts.source.account.name, &facts.target.account.name);
    let use_of = |used: i64, limit: Option<i64>| match limit {
        Some(limit) => format!("{} of {} in use afterwards", thousands(used), thousands(limit)),
        None => format!("{} in use afterwards", thousands(used)),
    };
    if sees.source {
        let slots = facts.source.slots;
        let impact = part(
            Code::SlotFreed,
            (Severity::Info, Side::Source),
            slots.used - 1,
            format!("A workspace slot of {source} is free again"),
        );
        parts.push(impact.saying(format!("{}.", use_of(slots.used - 1, slots.limit))));
    }
    if sees.target {
        let slots = facts.target.slots;
        let is_last = slots.limit.is_some_and(|limit| slots.used + 1 == limit);
        let title = if is_last {
            format!("The last workspace slot of {target} is used")
        } else {
            format!("A workspace slot of {target} is used")
        };
        let impact = part(Code::SlotUsed, (Severity::Info, Side::Target), slots.used + 1, title);
        parts.push(impact.saying(format!("{}.", use_of(slots.used + 1, slots.limit))));
    }
    if facts.target.is_organization() {
        let title = format!("{target}’s audit log begins to track it");
        let impact = part(Code::AuditStarts, (Severity::Info, Side::Target), 1, title);
        parts.push(impact.saying("From the transfer on. What happened before stays where it is."));
    }
    if facts.source.retention_days != facts.target.retention_days {
        let title = format!(
            "Ended flow runs are kept {}",
            match facts.target.retention_days {
                None => "for ever".to_owned(),
                Some(_) => format!("for {}", days(facts.target.retention_days)),
            }
        );
        let sentence = match facts.source.retention_days {
            None => "For ever today.".to_owned(),
            Some(_) => format!("For {} today.", days(facts.source.retention_days)),
        };
        let count = facts.target.retention_days.map_or(0, i64::from);
        let impact = part(Code::RetentionChanges, (Severity::Info, Side::Target), count, title);
        parts.push(impact.saying(sentence));
    }
    let charges = match &facts.price_note {
        Some(note) => part(
            Code::Charges,
            (Severity::Info, Side::Target),
            1,
            "Use and charges may change for both accounts".to_owned(),
        )
        .saying(note.clone()),
        None => part(
            Code::Charges,
            (Severity::Info, Side::Target),
            0,
            "No charges on this server".to_owned(),
        )
        .saying("Use counts for the new account from then on."),
    };
    parts.push(charges);
    parts
}

/// Commands that point a client to a workspace, of which one is enough: by its path, or by its address in the API.
pub fn commands(path: &str, api: &str) -> [String; 2] {
    [
        format!("prefect cloud workspace set --workspace \"{path}\""),
        format!("prefect config set PREFECT_API_URL=\"{api}\""),
    ]
}

/// SP-29: both sides read before who may take it back, and until when.
fn way_back(facts: &Facts) -> Impact {
    let place = (Severity::Info, Side::Target);
    let hours = facts.undo_hours;
    if hours == 0 {
        return part(Code::WayBack, place, 0, "It can’t be undone once it happened".to_owned());
    }
    let who = |party: &Party| match party.account.kind {
        AccountKind::Organization => format!("an admin of {}", party.account.name),
        AccountKind::Personal => party.account.name.clone(),
    };
    let title = format!("It can be undone for {}", counted(hours, "hour", "hours"));
    let bots = if facts.source.is_organization() { ", service accounts" } else { "" };
    let sentence = format!(
        "By {}; also by {}, as long as nothing is made or changed in it. People{bots}, open invitations and \
         removed flow runs come back with it.",
        who(&facts.target),
        who(&facts.source)
    );
    part(Code::WayBack, place, hours, title).saying(sentence)
}

fn unchanged(facts: &Facts) -> Vec<Impact> {
    let mut parts = vec![
        part(
            Code::Id,
            (Severity::Unchanged, Side::Target),
            1,
            "The workspace’s id stays the same".to_owned(),
        )
        .saying(facts.workspace.id.to_string()),
    ];
    // What ends or is renewed is said above.
    for one in &facts.contents {
        let (title, kept) = match one.kind.fate {
            Fate::Ends => continue,
            // A long history is counted by its end alone.
            Fate::Retained(with) if facts.removal.runs > 0 && one.number > COUNT_LIMIT => {
                let kept = facts.removal.history.iter().filter(|step| step.is_kept);
                let kept = kept.map(|step| step.runs).sum();
                let what = verb(kept, one.kind.one, one.kind.many);
                (format!("{} ended {what}{with}", thousands(kept)), kept)
            }
            Fate::Retained(with) => {
                let kept = Counted { number: one.number - facts.removal.runs, ..*one };
                (format!("{}{with}", kept.text()), kept.number)
            }
            Fate::Moves => (one.text(), one.number),
        };
        if kept > 0 {
            parts.push(part(Code::Contents, (Severity::Unchanged, Side::Target), kept, title));
        }
    }
    parts
}
