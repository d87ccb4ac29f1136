//! What follows from a key's dates, and the names that the program gives.

use std::collections::HashSet;

use super::model::{Key, KeyId};
use crate::base::db::Instant;

/// A key's owner is warned this many days before it stops.
pub const WARNING_DAYS: i64 = 7;

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Until it is deleted.
    Unlimited,
    /// Until then, which is far away.
    Long(Instant),
    /// Until then, which is less than a week away.
    Short(Instant),
    /// It stopped then.
    Over(Instant),
}

impl Life {
    /// The life of a key that stops at `end`.
    pub fn of(end: Option<Instant>, now: Instant) -> Self {
        match end {
            None => Self::Unlimited,
            Some(end) if end <= now => Self::Over(end),
            Some(end) if end < now.plus_days(WARNING_DAYS) => Self::Short(end),
            Some(end) => Self::Long(end),
        }
    }
}

/// Whether a key of this life is so short that a warning a week before its end tells nothing new.
pub fn needs_no_warning(created: Instant, end: Option<Instant>) -> bool {
    end.is_none_or(|end| end <= created.plus_days(WARNING_DAYS))
}

/// Those of a person's keys that end with one: made with it, or with one that was.
pub fn made_with(keys: &[Key], id: KeyId) -> Vec<&Key> {
    let mut ending = HashSet::from([id]);
    loop {
        let known = ending.len();
        for key in keys {
            if key.made_with_key_id.is_some_and(|by| ending.contains(&by)) {
                ending.insert(key.id);
            }
        }
        if ending.len() == known {
            return keys.iter().filter(|key| key.id != id && ending.contains(&key.id)).collect();
        }
    }
}

/// The name of the `count`-th key that the client's login made in one minute.
pub fn client_key_name(now: Instant, count: u32) -> String {
    let minute = now.minute_text();
    let minute = minute.trim_end_matches(" UTC");
    match count {
        0 | 1 => format!("Prefect CLI, {minute}"),
        count => format!("Prefect CLI, {minute} ({count})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_425_840_000_000;

    #[test]
    fn a_key_warns_in_its_last_week_and_is_over_at_its_end() {
        let now = Instant::from_microseconds(NOW);
        assert_eq!(Life::of(None, now), Life::Unlimited);
        assert_eq!(Life::of(Some(now), now), Life::Over(now));
        assert_eq!(Life::of(Some(now.plus_days(6)), now), Life::Short(now.plus_days(6)));
        assert_eq!(Life::of(Some(now.plus_days(7)), now), Life::Long(now.plus_days(7)));
    }

    #[test]
    fn keys_of_a_week_or_less_need_no_warning() {
        let now = Instant::from_microseconds(NOW);
        assert!(needs_no_warning(now, Some(now.plus_days(7))));
        assert!(needs_no_warning(now, None));
        assert!(!needs_no_warning(now, Some(now.plus_days(30))));
    }

    #[test]
    fn a_key_ends_with_the_one_at_the_root_of_it() {
        let now = Instant::from_microseconds(NOW);
        let key = |id: u128, by: Option<u128>| Key {
            id: uuid::Uuid::from_u128(id).into(),
            user_id: uuid::Uuid::nil().into(),
            name: id.to_string(),
            last_four: "abcd".to_owned(),
            only_workspace_id: None,
            read_only: false,
            created_at: now,
            expires_at: None,
            last_used_at: None,
            last_used_ip: None,
            made_with_key_id: by.map(|by| uuid::Uuid::from_u128(by).into()),
        };
        // The newest first, as they are listed.
        let keys = [
            key(6, Some(4)),
            key(5, Some(3)),
            key(4, None),
            key(3, Some(1)),
            key(2, Some(1)),
            key(1, None),
        ];
        let names = |id: u128| -> Vec<String> {
            let found = made_with(&keys, uuid::Uuid::from_u128(id).into());
            found.into_iter().map(|key| key.name.clone()).collect()
        };
        assert_eq!(names(1), ["5", "3", "2"]);
        assert_eq!(names(3), ["5"]);
        assert_eq!(names(4), ["6"]);
        assert_eq!(names(5), [] as [&str; 0]);
    }

    #[test]
    fn keys_of_one_minute_have_different_names() {
        let now = Instant::from_microseconds(NOW);
        assert_eq!(client_key_name(now, 1), "Prefect CLI, 2026-11-23 09:24");
        assert_eq!(client_key_name(now, 2), "Prefect CLI, 2026-11-23 09:24 (2)");
    }
}
