//! Addresses of people: one way to write each, so that two spellings are never two people and two
//! people never one.
//!
//! Invariant: what a mail is sent to (`typed`) and what is compared (`key`) differ only in the
//! letter case of the part before the `@`. Both went through NFKC, so that a look-alike that folds
//! to somebody else's address is also sent there, and proves nothing to whoever typed it.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::base::text::single_line;

/// The longest address that SMTP carries (RFC 5321, 4.5.3.1.3, less the brackets).
const LONGEST: usize = 254;

/// The longest part before the `@` (RFC 5321, 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;

const SHAPE: &str = "Type an email address like mara@example.org.";

/// One address, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress {
    typed: String,
    key: String,
    at: usize,
}

impl EmailAddress {
    /// Reads an address as typed.
    ///
    /// Neither dots nor `+tags` are folded: elsewhere they are other mailboxes.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let text: String = single_line(raw, "The address", LONGEST)?.nfkc().collect();
        if text.is_empty() {
            return Err("Type an email address.".to_owned());
        }
        refuse_other_forms(&text)?;
        let (local, domain) = text.split_once('@').ok_or(SHAPE)?;
        let domain = ascii_domain(domain)?;
        let lower: String = local.to_lowercase().nfkc().collect();
        let (typed, key) = (format!("{local}@{domain}"), format!("{lower}@{domain}"));
        if typed.len() > LONGEST || key.len() > LONGEST || local.len() > LONGEST_LOCAL {
            return Err("This address is longer than mail servers take.".to_owned());
        }
        // The same check that the mail will have to pass.
        lettre::Address::new(local, &domain).map_err(|_| SHAPE)?;
        lettre::Address::new(&lower, &domain).map_err(|_| SHAPE)?;
        Ok(Self { at: local.len(), typed, key })
    }

    /// What mails are sent to and pages show: the letter case as typed, the domain in ASCII.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// What is compared and unique.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The domain, in lower-case ASCII.
    pub fn domain(&self) -> &str {
        self.typed.get(self.at + 1..).unwrap_or_default()
    }

    /// `m•••a@example.org`: enough to recognise the own address, too little to learn another's.
    pub fn masked(&self) -> String {
        let local = self.typed.get(..self.at).unwrap_or_default();
        let mut letters = local.graphemes(true);
        let first = letters.next().unwrap_or_default();
        // Of two letters the second would leave nothing to hide.
        let last = letters.next_back().filter(|_| letters.next().is_some()).unwrap_or_default();
        format!("{first}•••{last}@{}", self.domain())
    }
}

/// Says what is wrong where more than one bare address was typed.
fn refuse_other_forms(text: &str) -> Result<(), String> {
    let problem = if text.contains(['<', '>']) {
        "Type the address alone, without a name or brackets."
    } else if text.contains('"') {
        "Addresses with quotation marks are not taken."
    } else if text.contains([',', ';']) || text.matches('@').count() > 1 {
        "Type one address here."
    } else if text.contains(char::is_whitespace) {
        "An address has no spaces."
    } else {
        return Ok(());
    };
    Err(problem.to_owned())
}

/// A domain name in lower-case ASCII; no bare IP address, which is nobody's mail domain.
fn ascii_domain(domain: &str) -> Result<String, String> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| SHAPE)?;
    let ends_in_number =
        ascii.rsplit('.').next().is_none_or(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if ends_in_number { Err(SHAPE.to_owned()) } else { Ok(ascii) }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(raw: &str) -> EmailAddress {
        EmailAddress::parse(raw).unwrap_or_else(|problem| panic!("{raw:?}: {problem}"))
    }

    #[test]
    fn an_address_keeps_its_case_for_sending_and_loses_it_for_comparing() {
        let address = parsed("  Mara.Lind+Work@Example.ORG\t");
        assert_eq!(address.typed(), "Mara.Lind+Work@example.org");
        assert_eq!(address.key(), "mara.lind+work@example.org");
        assert_eq!(address.domain(), "example.org");
    }

    #[test]
    fn tags_dots_and_look_alikes_are_other_people() {
        let others = [
            "bob+x@example.org",
            "b.ob@example.org",
            "b\u{43e}b@example.org",
            "bob@exampl\u{435}.org",
        ];
        for other in others {
            assert_ne!(parsed(other).key(), parsed("bob@example.org").key(), "{other}");
        }
    }

    #[test]
    fn what_folds_to_an_address_is_sent_to_that_address() {
        let wide = parsed("ｂｏｂ＠ｅｘａｍｐｌｅ．ｏｒｇ");
        assert_eq!(wide, parsed("bob@example.org"));
        assert_eq!(parsed("\u{212a}ai@example.org").typed(), "Kai@example.org");
        assert_eq!(parsed("bob@BÜCHER.example").domain(), "xn--bcher-kva.example");
        assert_eq!(parsed("bob@bu\u{308}cher.example"), parsed("bob@xn--bcher-kva.example"));
    }

    #[test]
    fn other_forms_are_refused_with_a_sentence() {
        let bad = [
            "",
            " ",
            "bob",
            "@",
            "bob@",
            "@example.org",
            "bob@@example.org",
            "a@b@example.org",
            "bob@example.org, eve@example.org",
            "bob@example.org;eve@example.org",
            "bob@example.org eve@example.org",
            "Bob <bob@example.org>",
            "<bob@example.org>",
            "\"bob\"@example.org",
            "\"b b\"@example.org",
            "bob@[127.0.0.1]",
            "bob@127.0.0.1",
            "bob@2130706433",
            "bob@-example.org",
            "bob@exa_mple.org",
            "bob@example..org",
            "bob@.org",
            "bob@example.org.",
            ".bob@example.org",
            "bob.@example.org",
            "b..ob@example.org",
            "bob(x)@example.org",
            "bob@example.org\nBcc: eve@example.org",
            "bob\r@example.org",
            "bo\u{0}b@example.org",
            "bo\u{200b}b@example.org",
            "bob\u{202e}@example.org",
            "bob@xn--a.example",
            "bob:x@example.org",
        ];
        for raw in bad {
            let problem = EmailAddress::parse(raw).expect_err(raw);
            assert!(problem.ends_with('.'), "{raw:?}: {problem}");
        }
    }

    #[test]
    fn an_address_has_at_most_254_bytes_and_64_before_the_at() {
        let domain = |length: usize| {
            let mut domain = "d".repeat(60);
            while domain.len() + 61 <= length {
                domain = format!("{}.{domain}", "d".repeat(60));
            }
            let rest = length - domain.len();
            if rest == 0 { domain } else { format!("{}.{domain}", "d".repeat(rest - 1)) }
        };
        let local = "l".repeat(64);
        assert_eq!(parsed(&format!("{local}@{}", domain(189))).typed().len(), 254);
        assert!(EmailAddress::parse(&format!("{local}@{}", domain(190))).is_err());
        assert!(EmailAddress::parse(&format!("{local}l@example.org")).is_err());
        assert!(EmailAddress::parse(&format!("{}@example.org", "ä".repeat(33))).is_err());
    }

    #[test]
    fn a_mask_shows_first_and_last_letter_at_most() {
        assert_eq!(parsed("mara@example.org").masked(), "m•••a@example.org");
        assert_eq!(parsed("bob@x.org").masked(), "b•••b@x.org");
        assert_eq!(parsed("al@x.org").masked(), "a•••@x.org");
        assert_eq!(parsed("a@x.org").masked(), "a•••@x.org");
        assert!(!format!("{:?}", parsed("mara@example.org")).contains("mara"));
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_one_clean_address(raw in "\\PC{0,20}@?\\PC{0,20}|[a-zA-ZÄİẞΣﬁＡ.+-]{1,8}@[a-zA-ZüẞıＡ.-]{1,12}") {
            if let Ok(address) = EmailAddress::parse(&raw) {
                prop_assert!(address.typed().len() <= LONGEST && address.key().len() <= LONGEST);
                prop_assert_eq!(address.typed().matches('@').count(), 1);
                prop_assert!(!address.typed().contains(|c: char| c.is_control() || c.is_whitespace()));
                prop_assert!(address.domain().is_ascii());
                prop_assert_eq!(address.typed().to_lowercase().nfkc().collect::<String>(), address.key());
                let again = EmailAddress::parse(address.typed());
                prop_assert_eq!(again.as_ref(), Ok(&address));
                let key = EmailAddress::parse(address.key()).map(|key| key.key().to_owned());
                prop_assert_eq!(key.as_deref(), Ok(address.key()));
            }
        }

        #[test]
        fn any_text_gets_an_answer(raw in any::<String>()) {
            let _ = EmailAddress::parse(&raw);
        }
    }
}
