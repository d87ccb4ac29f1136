//! JSON of people and clients, kept as it was sent: digit for digit, keys in their order (SP-38).
//! It is read only where a rule needs to know what is in it.

use std::borrow::Cow;
use std::fmt::Write;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// How deep lists and objects may be nested: several times what a client of Python can read again.
pub const DEEPEST: usize = 500;

/// The text of a body as this server keeps it, in one pass over it: characters stand for themselves, as people
/// read and search them, and a NUL character and half of a surrogate pair, which no text of a database holds,
/// become U+FFFD (SP-34). What is no JSON is left to the parser.
///
/// # Errors
/// A sentence for a text that is nested deeper than [`DEEPEST`].
pub fn clean(text: &str) -> Result<Cow<'_, str>, String> {
    let (text, depth) = mended(text);
    if depth > DEEPEST {
        return Err(format!(
            "The body is nested too deep: {DEEPEST} lists and objects in each other at most."
        ));
    }
    Ok(text)
}

/// The same for a text that may be nested in any depth, and how deep it is.
pub fn mended(text: &str) -> (Cow<'_, str>, usize) {
    let bytes = text.as_bytes();
    let mut cleaned = String::new();
    let (mut at, mut kept, mut is_string) = (0, 0, false);
    let (mut depth, mut deepest) = (0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        let mut length = 1;
        match byte {
            b'"' => is_string = !is_string,
            b'\\' if is_string => {
                let character;
                (length, character) = escape(bytes.get(at..).unwrap_or_default());
                if let Some(character) = character {
                    cleaned.push_str(text.get(kept..at).unwrap_or_default());
                    cleaned.push(character);
                    kept = at + length;
                }
            }
            b'[' | b'{' if !is_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += length;
    }
    if kept == 0 {
        return (Cow::Borrowed(text), deepest);
    }
    cleaned.push_str(text.get(kept..).unwrap_or_default());
    (Cow::Owned(cleaned), deepest)
}

/// The length of an escape at the beginning of `bytes`, and the character to put in its place, if any: those of
/// ASCII are written as they came.
fn escape(bytes: &[u8]) -> (usize, Option<char>) {
    let unit = |from: usize| {
        let escape = bytes.get(from..from + 6)?.strip_prefix(b"\\u")?;
        let digits = escape.iter().all(u8::is_ascii_hexdigit).then_some(escape)?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let character = |units: &[u16]| char::decode_utf16(units.iter().copied()).next()?.ok();
    match unit(0) {
        None => (2, None),
        Some(1..0x80) => (6, None),
        Some(0) => (6, Some(char::REPLACEMENT_CHARACTER)),
        Some(high @ 0xd800..0xdc00) => match unit(6).and_then(|low| character(&[high, low])) {
            Some(pair) => (12, Some(pair)),
            None => (6, Some(char::REPLACEMENT_CHARACTER)),
        },
        Some(other) => (6, Some(character(&[other]).unwrap_or(char::REPLACEMENT_CHARACTER))),
    }
}

/// Levels that are indented by [`pretty`]; what lies deeper stays on the line of its parent. So does what would
/// make the text more than so many times as long, and longer than so many bytes.
const INDENTED: usize = 32;
const GROWTH: usize = 4;
const SMALL: usize = 64 * 1024;

/// A JSON text for people to read: indented, with its keys, digits and strings as they are.
pub fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut is_string, mut is_escaped, mut is_empty) = (0_usize, false, false, false);
    let line = |out: &mut String, depth: usize| {
        if depth <= INDENTED && out.len() <= SMALL.max(GROWTH * text.len()) {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    for c in text.chars() {
        if is_string {
            out.push(c);
            is_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, ']' | '}');
        if closes {
            depth = depth.saturating_sub(1);
        }
        // Before what follows an opening, and before a closing; `[]` stays together.
        if is_empty != closes {
            line(&mut out, depth);
        }
        is_empty = matches!(c, '[' | '{');
        out.push(c);
        match c {
            '[' | '{' => depth += 1,
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            '"' => is_string = true,
            _ => {}
        }
    }
    out
}

/// A JSON value as it was sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// A value of this server's own making; `null` for one that JSON has no form of.
    pub fn of(value: &impl Serialize) -> Self {
        let value = serde_json::value::to_raw_value(value);
        Self(value.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The value of a field; `None` for what is no object, and for a field that is not there or null.
    pub fn field(&self, name: &str) -> Option<Self> {
        if !self.is_object() {
            return None;
        }
        let fields: IndexMap<Cow<'_, str>, &RawValue> = serde_json::from_str(self.text()).ok()?;
        let value = fields.get(name).filter(|value| value.get() != "null")?;
        Some(Self((*value).to_owned()))
    }

    /// The text of a field that is a string.
    pub fn string(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.field(name)?.text()).ok()
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

/// A JSON object as it was sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RawObject(Raw);

impl RawObject {
    /// The value.
    pub fn raw(&self) -> &Raw {
        &self.0
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// Whether it has no fields.
    pub fn is_empty(&self) -> bool {
        self.text().trim_matches(['{', '}']).trim_ascii().is_empty()
    }

    fn fields(&self) -> IndexMap<String, Raw> {
        serde_json::from_str(self.text()).unwrap_or_default()
    }

    /// Puts fields in the place of those of their names, and others behind them.
    pub fn extend(&mut self, others: impl IntoIterator<Item = (String, Raw)>) {
        let mut others = others.into_iter().peekable();
        if others.peek().is_some() {
            let mut fields = self.fields();
            fields.extend(others);
            self.0 = Raw::of(&fields);
        }
    }

    /// Puts a field in the place of that of its name, or behind the others.
    pub fn insert(&mut self, name: &str, value: &impl Serialize) {
        self.extend([(name.to_owned(), Raw::of(value))]);
    }

    /// Its fields as trees, for what looks into them; null for what a tree cannot hold.
    pub fn trees(&self) -> impl Iterator<Item = (String, Value)> {
        let tree = |value: &Raw| serde_json::from_str(value.text()).unwrap_or_default();
        self.fields().into_iter().map(move |(name, value)| (name, tree(&value)))
    }

    /// As a tree, for rules that look into it.
    ///
    /// # Errors
    /// A value that a tree cannot hold: nested deeper than 128, or a number beyond all numbers.
    pub fn tree(&self) -> serde_json::Result<Value> {
        serde_json::from_str(self.text())
    }
}

impl Default for RawObject {
    fn default() -> Self {
        Self(Raw::of(&IndexMap::<String, Raw>::new()))
    }
}

impl FromIterator<(String, Raw)> for RawObject {
    fn from_iter<T: IntoIterator<Item = (String, Raw)>>(fields: T) -> Self {
        Self(Raw::of(&fields.into_iter().collect::<IndexMap<_, _>>()))
    }
}

impl IntoIterator for RawObject {
    type Item = (String, Raw);
    type IntoIter = indexmap::map::IntoIter<String, Raw>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields().into_iter()
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Raw::deserialize(deserializer)?;
        if value.is_object() {
            return Ok(Self(value));
        }
        Err(serde::de::Error::custom("an object is expected"))
    }
}

/// A text that is cut to so many characters: its beginning and its end, and between them how much was left out.
pub fn cut(text: String, longest: usize) -> String {
    if text.len() <= longest {
        return text;
    }
    let length = text.chars().count();
    if length <= longest {
        return text;
    }
    let half = longest / 2;
    let byte = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let (head, tail) = (text.get(..byte(half)), text.get(byte(length - half)..));
    let mut cut = head.unwrap_or_default().to_owned();
    let left_out = super::text::thousands(i64::try_from(length - 2 * half).unwrap_or(i64::MAX));
    // Writing to a string does not fail.
    let _ = write!(cut, "\n… {left_out} characters left out …\n");
    cut.push_str(tail.unwrap_or_default());
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_text_holds_is_replaced_and_nothing_else() {
        let kept = [
            r#"{"a": "\\u0000", "b": "C:\\users\\u0000x", "\u0041": "é \n \" \u001f"}"#,
            r#"["\\\\u0000", 12345678901234567890123, 1.10, 1e5]"#,
            "no JSON \\u0000 outside",
        ];
        for text in kept {
            assert_eq!(clean(text).unwrap(), text);
        }
        let replaced = [
            (r#""a\u0000b""#, "\"a\u{fffd}b\""),
            (r#"{"\u0000": "\\\u0000"}"#, "{\"\u{fffd}\": \"\\\\\u{fffd}\"}"),
            (r#""\ud800""#, "\"\u{fffd}\""),
            (r#""\ud800x\udc00\ud83d\ude00\u00E9""#, "\"\u{fffd}x\u{fffd}😀é\""),
            (r#""\ud800\ud83d\ude00""#, "\"\u{fffd}😀\""),
            (r#""\uDBFF""#, "\"\u{fffd}\""),
        ];
        for (text, expected) in replaced {
            assert_eq!(clean(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn depth_has_an_end_that_says_so() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(clean(&nested(DEEPEST)).is_ok());
        assert!(clean(&nested(DEEPEST + 1)).unwrap_err().contains("500"));
        let brackets = format!("\"{}\"", "[".repeat(2 * DEEPEST));
        assert!(clean(&brackets).is_ok(), "brackets in a text nest nothing");
    }

    #[test]
    fn a_value_comes_back_as_it_was_sent() {
        let text = r#"{"z":202402144809161001040,"a":1.10,"deep":{"y":1e5,"b":[1E400]},"e":{}}"#;
        let object: RawObject = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
        assert_eq!(object.raw().field("z").unwrap().text(), "202402144809161001040");
        assert!(serde_json::from_str::<RawObject>("[1]").is_err());
        assert!(serde_json::from_str::<RawObject>(" { } ").unwrap().is_empty());
    }

    #[test]
    fn fields_are_merged_in_their_order() {
        let mut object: RawObject = serde_json::from_str(r#"{"z":1,"a":"x"}"#).unwrap();
        object.insert("m", &"new");
        object.extend([("z".to_owned(), Raw::of(&123))]);
        assert_eq!(object.text(), r#"{"z":123,"a":"x","m":"new"}"#);
        assert_eq!(object.raw().string("a").as_deref(), Some("x"));
    }

    #[test]
    fn pretty_changes_nothing_but_white_space() {
        let text =
            r#"{"z":20240214480916100104,"a":[],"o":{ },"list":[1.10,{"k":"a: [b], \"c\\"}]}"#;
        let expected = "{\n  \"z\": 20240214480916100104,\n  \"a\": [],\n  \"o\": {},\n  \"list\": [\n    1.10,\n    {\n      \"k\": \"a: [b], \\\"c\\\\\"\n    }\n  ]\n}";
        assert_eq!(pretty(text), expected);
        let deep = format!("{}1{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        assert!(pretty(&deep).len() < 10_000);
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        assert_eq!(cut("é".repeat(10), 10), "é".repeat(10));
        assert_eq!(cut("abcdefghijkl".to_owned(), 4), "ab\n… 8 characters left out …\nkl");
    }
}
