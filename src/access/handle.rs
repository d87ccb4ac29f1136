//! Handles: the names of accounts and workspaces in addresses and commands (C4).
//!
//! Invariant: a [`Handle`] is ASCII, so no two of them look alike.

use std::fmt;

/// The handle of an account or a workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(String);

/// Words that addresses use themselves.
const RESERVED: [&str; 2] = ["new", "deleted"];

impl Handle {
    /// The longest handle, in characters.
    pub const MAX: usize = 63;

    /// A handle as typed: without white space at its ends, in lower case.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let text = raw.trim().to_ascii_lowercase();
        if text.is_empty() {
            return Err("Enter a handle.".to_owned());
        }
        if let Some(c) = text.chars().find(|c| !is_allowed(*c)) {
            return Err(refusal(c));
        }
        if text.len() > Self::MAX {
            return Err(format!("Use at most {} characters; these are {}.", Self::MAX, text.len()));
        }
        if text.split('-').any(str::is_empty) {
            return Err(
                "Use single dashes between letters or digits, none at either end.".to_owned()
            );
        }
        if RESERVED.contains(&text.as_str()) {
            return Err(format!("“{text}” is reserved. Choose another handle."));
        }
        Ok(Self(text))
    }

    /// Whether a text is a handle just as it is stored. A part of an address that is not leads
    /// nowhere, and needs no look into the database.
    pub fn is_stored_form(text: &str) -> bool {
        Self::parse(text).is_ok_and(|handle| handle.0 == text)
    }

    /// The handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The handle with a number behind it, shortened where it would be too long.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        let suffix = format!("-{number}");
        let room = Self::MAX.saturating_sub(suffix.len());
        let stem: String = self.0.chars().take(room).collect();
        Self(format!("{}{suffix}", stem.trim_end_matches('-')))
    }

    /// The handle without a number at its end: `ingest` of `ingest-2`.
    #[must_use]
    pub fn stem(&self) -> Self {
        match self.0.rsplit_once('-') {
            Some((stem, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self(stem.to_owned())
            }
            _ => self.clone(),
        }
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

fn refusal(c: char) -> String {
    const RULE: &str = "Use the letters a–z, digits and dashes only";
    match c {
        ' ' => format!("{RULE}: put a dash in place of the space."),
        '_' => format!("{RULE}: put a dash in place of “_”."),
        c if c.is_alphanumeric() || c.is_ascii_punctuation() => {
            format!("{RULE}: “{c}” can’t be in a handle.")
        }
        _ => format!("{RULE}: there is another character in it."),
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Handle> for String {
    fn from(handle: Handle) -> Self {
        handle.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Handle;

    fn handle(text: &str) -> Handle {
        Handle::parse(text).unwrap()
    }

    #[test]
    fn good_handles_are_taken_in_lower_case() {
        for (typed, stored) in
            [("lab", "lab"), (" Ingest-Prod ", "ingest-prod"), ("7", "7"), ("a-1-b", "a-1-b")]
        {
            assert_eq!(handle(typed).as_str(), stored);
        }
        assert_eq!(handle(&"a".repeat(63)).as_str().len(), 63);
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        for (typed, reason) in [
            ("", "Enter a handle."),
            ("  ", "Enter a handle."),
            ("my lab", "in place of the space"),
            ("my_lab", "in place of “_”"),
            ("labö", "“ö” can’t be in a handle"),
            ("lаb", "“а” can’t be in a handle"),
            ("a/b", "“/” can’t be in a handle"),
            ("🚀", "another character"),
            ("a\u{202e}b", "another character"),
            ("a\0b", "another character"),
            ("-lab", "none at either end"),
            ("lab-", "none at either end"),
            ("a--b", "single dashes"),
            ("new", "reserved"),
            ("Deleted", "reserved"),
        ] {
            let problem = Handle::parse(typed).unwrap_err();
            assert!(problem.contains(reason), "{typed:?}: {problem}");
        }
        let problem = Handle::parse(&"a".repeat(64)).unwrap_err();
        assert!(problem.contains("at most 63") && problem.contains("64"), "{problem}");
    }

    #[test]
    fn a_number_is_put_behind_and_taken_off() {
        assert_eq!(handle("lab").numbered(2).as_str(), "lab-2");
        assert_eq!(handle("lab-2").stem().as_str(), "lab");
        assert_eq!(handle("lab-x").stem().as_str(), "lab-x");
        assert_eq!(handle("2024").stem().as_str(), "2024");
        assert_eq!(handle(&"a".repeat(63)).numbered(12).as_str().len(), 63);
        let long = format!("{}-bc", "a".repeat(60));
        assert_eq!(handle(&long).numbered(2).as_str(), format!("{}-2", "a".repeat(60)));
    }

    proptest! {
        #[test]
        fn what_is_taken_follows_the_rule(raw in "\\PC{0,80}|[A-Za-z0-9 -]{0,70}") {
            if let Ok(handle) = Handle::parse(&raw) {
                let text = handle.as_str();
                prop_assert!(!text.is_empty() && text.len() <= Handle::MAX);
                prop_assert!(text.split('-').all(|part| !part.is_empty()));
                prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
                prop_assert!(Handle::is_stored_form(text));
                prop_assert!(text.eq_ignore_ascii_case(raw.trim()));
            }
        }

        #[test]
        fn what_follows_the_rule_is_taken(raw in "[a-z0-9]{1,15}(-[a-z0-9]{1,15}){0,2}") {
            prop_assume!(raw != "new" && raw != "deleted");
            prop_assert_eq!(Handle::parse(&raw).map(String::from), Ok(raw.clone()));
        }

        #[test]
        fn numbered_handles_are_handles(raw in "[a-z0-9]{1,30}(-[a-z0-9]{1,32})?", n in 2_usize..100_000) {
            prop_assume!(raw != "new" && raw != "deleted");
            let numbered = Handle::parse(&raw).unwrap().numbered(n);
            prop_assert!(Handle::is_stored_form(numbered.as_str()));
        }
    }
}
