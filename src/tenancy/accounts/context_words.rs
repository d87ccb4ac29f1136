//! Words that everybody knows of a person and this server: a password that is made of them is none (AU-03).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What the product is called, and deals with.
const PRODUCT: [&str; 5] = ["bulkhead", "prefect", "workspace", "workflow", "password"];

/// A text as people may spell it otherwise: in lower case, without accents.
fn plain(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The letters and digits of a text, without what stands between them.
pub fn squeezed(text: &str) -> String {
    plain(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Digits and signs read as the letters that they look like.
fn as_letters(text: &str, one: char) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// The words of some texts about a person and a place: names, handles, addresses. The parts of each, and all of
/// it in one, from three letters on.
pub fn words(texts: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = PRODUCT.iter().map(|word| (*word).to_owned()).collect();
    for text in texts {
        let plain = plain(text);
        let parts = plain.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
        let local = plain.split_once('@').map(|(local, _)| squeezed(local));
        words.extend(parts.chain(local).chain([squeezed(text)]));
    }
    words.retain(|word| word.chars().count() >= 3 && word.chars().any(char::is_alphabetic));
    words.sort_unstable();
    words.dedup();
    words
}

/// Letters of a word that is looked for inside others: a shorter one is in too many.
const LETTERS: usize = 4;

/// What is left of a text without some words, wherever they are; `None` where it holds none.
fn without(text: &str, words: &[String]) -> Option<String> {
    let mut left = text.to_owned();
    let mut longest: Vec<&String> = words.iter().collect();
    longest.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in longest {
        left = left.replace(word.as_str(), "");
    }
    (left != text).then_some(left)
}

/// What is left of a password without some words, for each way to spell them: in letters of any case, with accents, with
/// digits for letters, with something between the letters, backwards. Nothing where it holds none.
pub fn leavings(typed: &str, words: &[String]) -> Vec<String> {
    let words: Vec<String> =
        words.iter().filter(|word| word.chars().count() >= LETTERS).cloned().collect();
    let backwards: Vec<String> = words.iter().map(|word| word.chars().rev().collect()).collect();
    let [one, other] = ['i', 'l'].map(|one| squeezed(&as_letters(&plain(typed), one)));
    [squeezed(typed), one, other]
        .iter()
        .flat_map(|text| [without(text, &words), without(text, &backwards)])
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_parts_of_names_and_addresses() {
        let found = words(&[
            "Zoë O’Hara",
            "zoe-ohara",
            "zoe.ohara@acme-corp.example",
            "flows.acme.io:8443",
        ]);
        for word in ["bulkhead", "zoe", "hara", "ohara", "zoeohara", "acme", "corp", "flows"] {
            assert!(found.iter().any(|known| known == word), "{word}: {found:?}");
        }
        assert!(!found.iter().any(|known| known == "io" || known == "8443"), "{found:?}");
    }

    #[test]
    fn a_word_is_found_in_any_spelling() {
        let known = words(&["Ada Lovelace"]);
        for typed in ["B.U.L.K.H.E.A.D", "8u1kh34d", "ecalevol", "L0v€lãce", "Ｂulkhead"] {
            assert_eq!(leavings(typed, &known).last().map(String::as_str), Some(""), "{typed}");
        }
        assert!(leavings("orchid-velvet-tractor-88", &known).is_empty());
        assert_eq!(leavings("Bulkhead-orchid-9", &known)[0], "orchid9");
    }
}
