//! What decides without asking anybody: standing, lists of addresses, names in mails.

use jiff::SignedDuration;

use super::model::{Invitation, State, Way};
use crate::access::identify::Verified;
use crate::base::db::Instant;

/// Lines that one form takes.
pub const LINES: usize = 50;

/// Invitation mails that one address gets in a day from one person, and from everybody together (IN-08). These
/// are limits of mails: an invitation beyond them stands, and its link can be handed on.
pub const MAILS_FROM_ONE: i64 = 3;
/// See [`MAILS_FROM_ONE`].
pub const MAILS_FROM_ALL: i64 = 20;

/// Invitations of one workspace that can be open at the same time (IN-08).
pub const OPEN_PER_WORKSPACE: i64 = 500;

/// For this long after a refusal the same workspace cannot invite the address again (IN-08).
pub const REST_AFTER_DECLINE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The day of the limits.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// An invitation as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be accepted.
    Open,
    /// It can be sent again.
    Expired,
    /// It was answered, taken back, or is void.
    Over,
}

/// When an invitation that is sent now ends: after its days, and not after the access that it gives.
pub fn end(now: Instant, days: i64, access_until: Option<Instant>) -> Instant {
    let end = now.plus_days(days);
    access_until.map_or(end, |until| until.min(end))
}

/// How an invitation stands at `now`.
pub fn standing(invitation: &Invitation, now: Instant) -> Standing {
    match invitation.state {
        State::Pending if invitation.expires_at > now => Standing::Open,
        State::Pending => Standing::Expired,
        _ => Standing::Over,
    }
}

/// What an opened link says about the address (SP-12): a mailed one confirms it; a copied one
/// lets whoever invited vouch for it, but only while no mail server could do better.
pub fn proof(way: Way, keeps_mails: bool) -> Option<Verified> {
    match way {
        Way::Mailed => Some(Verified::Mailed),
        Way::Copied if keeps_mails => Some(Verified::Vouched),
        Way::Copied => None,
    }
}

/// Whether one more person fits under a limit.
pub fn has_place(taken: i64, limit: Option<i32>) -> bool {
    limit.is_none_or(|limit| taken < i64::from(limit))
}

/// The addresses in a text: one a line, or separated by commas, semicolons or, where every word is
/// an address, by spaces; blanks left out. Of `"Lovelace, Ada" <ada@example.org>`, as mail programs
/// write it, the address.
pub fn lines(text: &str) -> Vec<String> {
    let mut is_quoted = false;
    let separates = move |letter: char| {
        is_quoted = match letter {
            '"' => !is_quoted,
            '\n' | '\r' => false,
            _ => is_quoted,
        };
        matches!(letter, '\n' | '\r') || (matches!(letter, ',' | ';') && !is_quoted)
    };
    let lines = text.split(separates).map(str::trim).filter(|line| !line.is_empty());
    let addresses = lines.flat_map(|line| {
        let named = line.strip_suffix('>').and_then(|rest| rest.split_once('<'));
        let named = named.filter(|(_, address)| !address.contains(['<', '>']));
        if let Some((name, address)) = named {
            // A name that is another address is no name: refused, as a whole.
            let is_name = !name.contains('@') || name.trim().trim_matches('"') == address.trim();
            return vec![if is_name { address.trim() } else { line }];
        }
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        if words.iter().all(|word| word.contains('@')) { words } else { vec![line] }
    });
    addresses.map(str::to_owned).collect()
}

/// A name as a mail shows it (EM-03): nothing that a mail program makes a link of, nothing that ends
/// the quotation marks around it, and not longer than a line.
pub fn plain_name(name: &str) -> String {
    const LONGEST: usize = 60;
    let mut plain = String::with_capacity(name.len());
    let mut letters = name.chars().filter(|c| !c.is_control()).peekable();
    while let Some(letter) = letters.next() {
        let at_end = letters.peek().is_none_or(|next| next.is_whitespace());
        match letter {
            // A dot or a colon before a letter makes a domain or an address; before a space, none.
            '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}' if !at_end => {
                plain.push_str(". ");
            }
            ':' | '\u{ff1a}' if !at_end => plain.push_str(": "),
            '@' | '\u{ff20}' | '\u{fe6b}' => plain.push_str(" at "),
            '/' | '\\' => plain.push(' '),
            '“' | '”' | '„' | '"' | '<' | '>' => plain.push('’'),
            _ => plain.push(letter),
        }
    }
    let plain: Vec<&str> = plain.split_whitespace().collect();
    let plain = plain.join(" ");
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", plain.get(..end).unwrap_or_default().trim_end()),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::model::Kind;
    use super::*;
    use crate::access::role::Role;
    use crate::access::{AccountId, WorkspaceId};
    use crate::base::db::Id;

    fn invitation(state: State, expires_at: Instant) -> Invitation {
        let now = Instant::from_microseconds(0);
        Invitation {
            id: Id::new(now),
            account: AccountId::new(now),
            kind: Kind::Collaborator,
            workspace: Some(WorkspaceId::new(now)),
            email: "bob@example.org".to_owned(),
            email_key: "bob@example.org".to_owned(),
            user: None,
            role: Some(Role::Collaborator),
            custom_role: None,
            organization_role: None,
            access_until: None,
            state,
            generation: 0,
            expires_at,
            invited_by: None,
            invited_by_name: "Ada".to_owned(),
            renewal_asked_at: None,
            sent_at: now,
            accepted_by: None,
            mail_id: None,
        }
    }

    #[test]
    fn addresses_are_told_apart_however_they_are_listed() {
        let found = lines("a@x.org b@x.org\r\nc@x.org, d@x.org;\n\nAda <e@x.org>");
        assert_eq!(found, ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"]);
    }

    #[test]
    fn a_line_with_a_name_is_understood_or_refused_and_never_cut() {
        for typed in [
            "\"Lovelace, Ada; Countess\" <ada@x.org>",
            "Ada Lovelace < ada@x.org >",
            "ada@x.org <ada@x.org>",
            "<ada@x.org>",
        ] {
            assert_eq!(lines(typed), ["ada@x.org"], "{typed}");
        }
        for whole in ["Ada <ada@x.org> Bob <bob@x.org>", "Ada ada@x.org", "Ada <ada@x.org"] {
            assert_eq!(lines(whole), [whole]);
        }
        let two = "\"Ada\nBob <bob@x.org>, \"Eve, E.\" <eve@x.org>";
        assert_eq!(lines(two), ["\"Ada", "bob@x.org", "eve@x.org"]);
    }

    #[test]
    fn only_a_pending_invitation_expires_and_it_does_so_at_the_very_moment() {
        let at = Instant::from_microseconds(1_000_000);
        let before = Instant::from_microseconds(999_999);
        assert_eq!(standing(&invitation(State::Pending, at), before), Standing::Open);
        assert_eq!(standing(&invitation(State::Pending, at), at), Standing::Expired);
        for state in State::ALL.iter().filter(|state| **state != State::Pending) {
            assert_eq!(standing(&invitation(*state, at), before), Standing::Over, "{state:?}");
            assert_eq!(standing(&invitation(*state, at), at), Standing::Over, "{state:?}");
        }
    }

    #[test]
    fn only_a_mailed_link_confirms_and_a_copied_one_vouches_without_a_mail_server() {
        assert_eq!(proof(Way::Mailed, false), Some(Verified::Mailed));
        assert_eq!(proof(Way::Mailed, true), Some(Verified::Mailed));
        assert_eq!(proof(Way::Copied, true), Some(Verified::Vouched));
        assert_eq!(proof(Way::Copied, false), None);
    }

    #[test]
    fn a_limit_counts_up_to_itself() {
        assert!(has_place(1_000_000, None));
        assert!(has_place(4, Some(5)));
        assert!(!has_place(5, Some(5)));
        assert!(!has_place(0, Some(0)));
    }

    #[test]
    fn addresses_stand_one_a_line_or_between_commas() {
        let typed = " a@x.org \r\n\r\nb@x.org, c@x.org;\td@x.org,,\n";
        assert_eq!(lines(typed), ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]);
        assert_eq!(lines(" \r\n , ;").len(), 0);
    }

    #[test]
    fn names_in_mails_hold_no_links() {
        for (name, plain) in [
            ("Mara Lindqvist", "Mara Lindqvist"),
            ("J.R.R. Tolkien jr.", "J. R. R. Tolkien jr."),
            ("https://evil.example/login", "https: evil. example login"),
            ("www.evil.example", "www. evil. example"),
            ("evil。example", "evil. example"),
            ("eve@evil.example", "eve at evil. example"),
            ("mailto:eve", "mailto: eve"),
            ("Ada” said “click", "Ada’ said ’click"),
            ("<b>Ada</b>", "’b’Ada’ b’"),
            ("  Ada \t Lovelace ", "Ada Lovelace"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
        assert_eq!(plain_name(&"ä".repeat(100)), format!("{}…", "ä".repeat(60)));
    }

    proptest! {
        #[test]
        fn no_name_makes_a_link(name in "(https?://|www\\.|[a-z./:@。]|\\PC){0,40}") {
            let plain = plain_name(&name);
            prop_assert!(!plain.contains("://") && !plain.contains('@') && !plain.contains('/'));
            prop_assert!(!plain.contains(['“', '”', '<', '>']));
            let joined = plain.as_bytes().windows(2).any(|two| {
                two[0] == b'.' && two[1] != b' ' && two[1].is_ascii()
            });
            prop_assert!(!joined, "{plain}");
        }
    }
}
