//! Decisions about workspaces that need nothing but their input.

use jiff::SignedDuration;

use super::model::Slots;
use crate::access::handle::Handle;
use crate::access::membership::{AccountKind, Workspace};
use crate::base::db::Instant;

/// The first of `ingest-2`, `ingest-3` … that nobody has.
pub fn free_handle(wanted: &Handle, taken: &[String]) -> Handle {
    let stem = wanted.stem();
    let has_number = stem != *wanted;
    let start = if has_number { number_of(wanted, &stem).saturating_add(1) } else { 2 };
    let end = start.saturating_add(taken.len());
    (start..=end)
        .map(|number| stem.numbered(number))
        .find(|candidate| !taken.iter().any(|taken| taken == candidate.as_str()))
        .unwrap_or_else(|| stem.numbered(end))
}

fn number_of(handle: &Handle, stem: &Handle) -> usize {
    let rest = handle.as_str().get(stem.as_str().len() + 1..).unwrap_or_default();
    rest.parse().unwrap_or(1)
}

/// When a workspace that is deleted now is removed for good.
pub fn purge_after(now: Instant, grace_days: i64) -> Instant {
    now + SignedDuration::from_hours(grace_days.saturating_mul(24))
}

/// The limit that counts: the account's own, else everybody's.
pub fn slots(used: i64, own_limit: Option<i32>, usual_limit: Option<i32>) -> Slots {
    Slots { used, limit: own_limit.or(usual_limit).map(i64::from) }
}

/// Why whoever decides over a workspace cannot leave it.
pub fn leave_reason(workspace: &Workspace) -> String {
    if workspace.account_kind == AccountKind::Organization {
        return format!(
            "You are an admin of {}, and its admins are owners of all its workspaces. You can leave \
             the organization instead.",
            workspace.account_name
        );
    }
    format!(
        "{}/{} belongs to your own account, so you can’t leave it. You can delete it instead.",
        workspace.account_handle, workspace.handle
    )
}

/// Whether the typed words confirm what happens to `account/workspace`.
pub fn confirms(typed: &str, path: &str) -> Result<(), String> {
    match typed.trim() {
        "" => Err(format!("Type {path} to confirm.")),
        typed if typed == path => Ok(()),
        _ => Err(format!("That is not {path}. Type it exactly like that.")),
    }
}

/// What the way to a transfer is called: whoever does not decide over the account can only ask for one.
pub fn transfer_verb(has_authority: bool) -> &'static str {
    if has_authority { "Transfer" } else { "Request transfer" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proposed_handle_is_the_next_free_one() {
        for (wanted, taken, proposal) in [
            ("ingest", vec!["ingest"], "ingest-2"),
            ("ingest", vec!["ingest", "ingest-2", "ingest-4"], "ingest-3"),
            ("ingest-2", vec!["ingest", "ingest-2"], "ingest-3"),
            ("ingest-7", vec!["ingest-7", "ingest-8"], "ingest-9"),
            ("a-99999999999999999999", vec!["a-99999999999999999999"], "a-2"),
        ] {
            let taken: Vec<String> = taken.into_iter().map(str::to_owned).collect();
            let handle = Handle::parse(wanted).unwrap();
            assert_eq!(free_handle(&handle, &taken).as_str(), proposal, "{wanted}");
        }
    }

    #[test]
    fn the_accounts_own_limit_counts_before_the_usual_one() {
        assert_eq!(slots(1, Some(9), Some(3)).limit, Some(9));
        assert_eq!(slots(1, None, Some(3)).limit, Some(3));
        assert_eq!(slots(1, None, None).limit, None);
    }

    #[test]
    fn only_the_whole_path_confirms() {
        assert!(confirms(" ada/lab ", "ada/lab").is_ok());
        for wrong in ["", "lab", "Ada/Lab", "ada/lab/", "ada/lаb"] {
            assert!(confirms(wrong, "ada/lab").is_err(), "{wrong}");
        }
    }
}
