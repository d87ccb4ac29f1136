//! Words that a text is searched by, as the client's own server reads them: of several words one is enough,
//! `"quotes"` make one of several, `-word` and `!word` must not occur, `+word` must.

use std::iter::Peekable;
use std::str::Chars;

use crate::base::error::{Error, Result};

/// Characters of a search, at most.
const LONGEST: usize = 200;

/// What a text is searched by, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// One of these occurs.
    pub any: Vec<String>,
    /// None of these occurs.
    pub none: Vec<String>,
    /// All of these occur.
    pub all: Vec<String>,
}

impl Words {
    /// The words of a search.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a search that is too long.
    pub fn of(query: &str) -> Result<Self> {
        if query.chars().count() > LONGEST {
            return Err(Error::Invalid(format!("text.query: use {LONGEST} characters at most.")));
        }
        let query = query.to_lowercase();
        let (mut words, mut rest) = (Self::default(), query.chars().peekable());
        while let Some(c) = rest.peek().copied() {
            if c.is_whitespace() {
                rest.next();
                continue;
            }
            let sign = rest.next_if(|c| matches!(c, '-' | '!' | '+'));
            let word =
                if rest.next_if_eq(&'"').is_some() { quoted(&mut rest) } else { plain(&mut rest) };
            let list = match sign {
                Some('+') => &mut words.all,
                Some(_) => &mut words.none,
                None => &mut words.any,
            };
            list.extend(Some(word).filter(|word| !word.trim().is_empty()));
        }
        Ok(words)
    }

    /// Whether a text in lower case is found by them.
    pub fn find(&self, text: &str) -> bool {
        let occurs = |word: &String| text.contains(word.as_str());
        (self.any.is_empty() || self.any.iter().any(occurs))
            && !self.none.iter().any(occurs)
            && self.all.iter().all(occurs)
    }
}

/// Up to a space or a quote.
fn plain(rest: &mut Peekable<Chars<'_>>) -> String {
    std::iter::from_fn(|| rest.next_if(|c| !c.is_whitespace() && *c != '"')).collect()
}

/// Up to the closing quote; a backslash stands before a quote or a backslash that is meant.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => word.push(rest.next_if(|c| matches!(c, '"' | '\\')).unwrap_or('\\')),
            c => word.push(c),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn a_search_is_read_like_the_clients_server_does() {
        let parts = |query: &str| {
            let words = Words::of(query).unwrap();
            [words.any, words.none, words.all].map(|list| list.join("|"))
        };
        for (query, any, none, all) in [
            ("", "", "", ""),
            ("Error  timeout", "error|timeout", "", ""),
            ("error -debug !trace +must", "error", "debug|trace", "must"),
            ("\"connection timeout\" x", "connection timeout|x", "", ""),
            ("-\"a b\" +\"c d\"", "", "a b", "c d"),
            ("- x", "x", "", ""),
            ("say \"a \\\"b\\\\ \\c", "say|a \"b\\ \\c", "", ""),
            ("ab\"c d\"", "ab|c d", "", ""),
        ] {
            assert_eq!(parts(query), [any, none, all], "{query}");
        }
        assert!(Words::of(&"x".repeat(201)).is_err());
    }

    #[test]
    fn one_word_of_several_is_enough() {
        let found = |query: &str| Words::of(query).unwrap().find("connection timeout in worker");
        assert!(found("nothing timeout"));
        assert!(!found("nothing at_all"));
        assert!(!found("timeout -worker"));
        assert!(found("\"timeout in\" +worker"));
        assert!(!found("timeout +moon"));
        assert!(found("-moon"));
    }
}
