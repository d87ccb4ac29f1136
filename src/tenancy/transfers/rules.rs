//! Decisions about transfers that need nothing but their input.

use serde_json::json;

use super::model::{Facts, Losses, Party, State, Transfer};
use crate::access::membership::{AccountKind, OwningAccount, Workspace};
use crate::base::db::Instant;
use crate::base::secret::sha256;
use crate::base::text::{hex, several_lines};
use crate::base::zone::Zone;
use crate::tenancy::impacts::model::Side;

/// Whether a workspace may move between accounts of these kinds in the web application (T4).
pub fn may_move(source: AccountKind, target: AccountKind) -> bool {
    source == AccountKind::Organization || target == AccountKind::Organization
}

/// Why a workspace cannot be sent to an account; the account is none where there is none of a handle that takes it.
pub fn refusal(
    workspace: &Workspace,
    target: Option<&OwningAccount>,
    support: Option<&str>,
) -> Option<String> {
    let text = match target {
        None => "There is no account of that handle that takes workspaces.".to_owned(),
        Some(target) if target.id == workspace.account => {
            "It belongs to this account already. Choose another one; to rename it, use Edit."
                .to_owned()
        }
        Some(target) if !may_move(workspace.account_kind, target.kind) => {
            let whom = support.map_or_else(String::new, |support| format!(" Ask {support}."));
            format!(
                "Between two personal accounts only whoever runs this server can transfer it.{whom}"
            )
        }
        Some(_) => return None,
    };
    Some(text)
}

/// What a transfer takes away, as things are.
pub fn losses(facts: &Facts) -> Losses {
    let mut people: Vec<_> = facts
        .people
        .iter()
        .filter(|person| person.loses())
        .map(|person| person.user.uuid())
        .collect();
    people.sort_unstable();
    let mut service_accounts: Vec<_> = facts.bots.iter().map(|bot| bot.id).collect();
    service_accounts.sort_unstable();
    let mut roles: Vec<_> = facts.roles.iter().map(|(id, _)| id.uuid()).collect();
    roles.sort_unstable();
    Losses {
        people,
        service_accounts,
        roles,
        retention_days: facts.target.retention_days,
        second_factor: facts.target.second_factor,
    }
}

/// From when on ended runs are to be seen in the target; `None` where it keeps them for ever (SP-27).
pub fn visible_from(target: &Party, now: Instant) -> Option<Instant> {
    target.retention_days.map(|days| now.plus_days(-i64::from(days)))
}

/// Steps of the history in a review, about.
const STEPS: i64 = 30;

/// The time from the end of the first run until now in steps of one length, so that one of them begins where what is kept
/// begins: the ends of each step, and whether it is kept.
pub fn steps(first: Instant, kept_from: Instant, now: Instant) -> Vec<(Instant, Instant, bool)> {
    let [first, cut, last] = [first, kept_from, now].map(Instant::as_microseconds);
    let length = ((last - first) / STEPS).max(1);
    let steps_in = |time: i64| ((time + length - 1) / length).max(1);
    let (gone, kept) = (steps_in(cut - first), steps_in(last - cut));
    let end = |step: i64| Instant::from_microseconds((cut + step * length).clamp(first, last));
    (-gone..kept).map(|step| (end(step), end(step + 1), step >= 0)).collect()
}

/// Stands for what a review takes away, and for what blocks it (SP-26): counts and times are not in it.
pub fn hash(facts: &Facts) -> String {
    let losses = losses(facts);
    let text = json!({
        "source": facts.source.account.id,
        "target": facts.target.account.id,
        "handle": facts.handle.as_str(),
        "losses": losses,
        "blocks": [facts.target.slots.is_full(), facts.taken.is_some()],
    });
    hex(&sha256(text.to_string().as_bytes()))
}

/// Whether more is taken away than was seen: somebody else loses access, another role goes, runs are kept for
/// fewer days, or a second factor is asked for.
pub fn takes_more(seen: &Losses, now: &Losses) -> bool {
    let grew = |old: &[uuid::Uuid], new: &[uuid::Uuid]| new.iter().any(|id| !old.contains(id));
    let shrank = match (seen.retention_days, now.retention_days) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => new < old,
    };
    grew(&seen.people, &now.people)
        || grew(&seen.service_accounts, &now.service_accounts)
        || grew(&seen.roles, &now.roles)
        || shrank
        || (now.second_factor && !seen.second_factor)
}

/// What a transfer waits for, in words; `None` when it waits for nothing.
pub fn awaits(transfer: &Transfer) -> Option<Side> {
    if transfer.state != State::Pending {
        return None;
    }
    [Side::Source, Side::Target].into_iter().find(|side| transfer.consent(*side).is_none())
}

/// Whether a transfer waits for nothing but its time.
pub fn is_scheduled(transfer: &Transfer, now: Instant) -> bool {
    transfer.state == State::Pending
        && awaits(transfer).is_none()
        && transfer.execute_at.is_some_and(|at| at > now)
}

/// Hours for which a transfer waits for flow runs to end, and lets none start, at most (SP-28).
pub const IDLE_HOURS: i64 = 24;

/// Whether a transfer waits for nothing but the end of flow runs.
pub fn is_waiting_for_runs(transfer: &Transfer, now: Instant) -> bool {
    transfer.state == State::Pending
        && transfer.when_idle
        && awaits(transfer).is_none()
        && !is_scheduled(transfer, now)
}

/// Days ahead for which a transfer can be scheduled, at most.
const AHEAD: i64 = 90;

/// A time in a zone as a field of a form has it, `2026-12-06T02:00`; nothing is as soon as both sides consent.
///
/// # Errors
/// A sentence for whoever typed it.
pub fn time(raw: &str, zone: &Zone, now: Instant) -> Result<Option<Instant>, String> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Ok(None);
    }
    let civil: jiff::civil::DateTime =
        raw.parse().map_err(|_| "Use a date and a time, as in 2026-12-06T02:00.".to_owned())?;
    let at = zone.moment(civil).ok_or("Choose another year.")?;
    in_time(at, now)?;
    Ok(Some(at))
}

/// Whether a transfer can be scheduled for a time.
///
/// # Errors
/// A sentence for whoever chose it.
pub fn in_time(at: Instant, now: Instant) -> Result<(), String> {
    if at <= now || at > now.plus_days(AHEAD) {
        return Err(format!("Choose a time within the next {AHEAD} days."));
    }
    Ok(())
}

/// Whether a transfer that moved its workspace can still be undone.
pub fn can_be_undone(transfer: &Transfer, now: Instant) -> bool {
    transfer.state == State::Completed && transfer.undo_until.is_some_and(|until| until > now)
}

/// Longest note to the other side, and longest reason, in characters.
pub const NOTE: usize = 500;

/// A note, or a reason.
///
/// # Errors
/// A sentence for whoever typed it.
pub fn note(raw: &str, what: &str) -> Result<String, String> {
    several_lines(raw, what, NOTE)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// T4: never between two personal accounts.
    #[test]
    fn personal_accounts_do_not_send_each_other_workspaces() {
        use AccountKind::{Organization, Personal};
        assert!(may_move(Personal, Organization));
        assert!(may_move(Organization, Personal));
        assert!(may_move(Organization, Organization));
        assert!(!may_move(Personal, Personal));
    }

    /// 1.14, 7, ALL-19: a time is in the zone of whoever types it, ahead, and not too far.
    #[test]
    fn a_time_is_ahead() {
        let now = Instant::from_microseconds(1_795_425_840_000_000);
        let there = |zone: &str, raw: &str| {
            let zone = Zone::parse(zone).unwrap();
            time(raw, &zone, now).map(|at| at.map(Instant::minute_text))
        };
        let text = |raw: &str| there("UTC", raw);
        let berlin = there("Europe/Berlin", "2026-12-06T02:00");
        assert_eq!(berlin, Ok(Some("2026-12-06 01:00 UTC".to_owned())));
        assert_eq!(text(" "), Ok(None));
        assert_eq!(text("2026-12-06T02:00"), Ok(Some("2026-12-06 02:00 UTC".to_owned())));
        for wrong in
            ["soon", "2026-11-23T09:24", "2025-12-06T02:00", "2027-12-06T02:00", "2026-13-01T00:00"]
        {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }

    /// 1.14, 4: the history is told in steps of one length, and what goes ends with one of them.
    #[test]
    fn steps_meet_where_runs_are_kept_from() {
        let at = |hours: i64| Instant::from_microseconds(hours * 3_600_000_000);
        let long = steps(at(0), at(60), at(90));
        assert_eq!(long.len(), 30);
        assert_eq!((long[0].0, long[19].1, long[29].1), (at(0), at(60), at(90)));
        assert!(
            long.iter().all(|(from, until, is_kept)| until > from && *is_kept == (*from >= at(60)))
        );
        assert!(long.windows(2).all(|pair| pair[0].1 == pair[1].0));
        // What is kept is shorter than a step.
        let uneven = steps(at(0), at(999), at(1000));
        assert_eq!((uneven.len(), uneven[0].0), (31, at(0)));
        assert_eq!(uneven[30], (at(999), at(1000), true));
        // All ended in one moment.
        let one = steps(at(59), at(60), at(90));
        assert_eq!((one[0].0, one[0].1, one[0].2), (at(59), at(60), false));
    }

    /// SP-26: more loss asks again, less does not.
    #[test]
    fn only_more_loss_asks_again() {
        let id = Uuid::from_u128;
        let seen = Losses {
            people: vec![id(1), id(2)],
            service_accounts: vec![id(3)],
            roles: vec![id(4)],
            retention_days: Some(30),
            second_factor: false,
        };
        assert!(!takes_more(&seen, &seen));
        let less = Losses { people: vec![id(2)], retention_days: None, ..Losses::default() };
        assert!(!takes_more(&seen, &less));
        for more in [
            Losses { people: vec![id(1), id(5)], ..seen.clone() },
            Losses { service_accounts: vec![id(5)], ..seen.clone() },
            Losses { roles: vec![id(4), id(5)], ..seen.clone() },
            Losses { retention_days: Some(29), ..seen.clone() },
            Losses { second_factor: true, ..seen.clone() },
        ] {
            assert!(takes_more(&seen, &more), "{more:?}");
        }
        let for_ever = Losses { retention_days: None, ..seen.clone() };
        assert!(takes_more(&for_ever, &seen));
    }
}
