//! Text that people typed, and numbers and times as people read them.

use jiff::SignedDuration;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::db::Instant;

/// Code points that are invisible or turn the direction of text: control, zero-width, bidi,
/// tag characters, variation of layout (IV-09, EM-03).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// One line of text as typed: NFC, without white space at its ends, and within a length.
///
/// # Errors
/// A sentence for the person who typed it.
pub fn single_line(raw: &str, what: &str, longest: usize) -> Result<String, String> {
    let text: String = raw.trim().nfc().collect();
    // A joiner inside an emoji is the one invisible character with a use; it is taken in no name.
    if text.chars().any(is_deceptive) {
        return Err(format!("{what} has invisible characters. Type it without them."));
    }
    if text.graphemes(true).count() > longest || text.len() > longest * 8 {
        return Err(format!("Use at most {longest} characters."));
    }
    Ok(text)
}

/// Several lines of text as typed; line ends become `\n`.
///
/// # Errors
/// A sentence for the person who typed it.
pub fn several_lines(raw: &str, what: &str, longest: usize) -> Result<String, String> {
    let text: String = raw.replace("\r\n", "\n").trim().nfc().collect();
    if text.chars().any(|c| c != '\n' && c != '\t' && is_deceptive(c)) {
        return Err(format!("{what} has invisible characters. Type it without them."));
    }
    if text.graphemes(true).count() > longest || text.len() > longest * 8 {
        return Err(format!("Use at most {longest} characters."));
    }
    Ok(text)
}

/// `12345` as `12,345`.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    if number < 0 {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as people compare them: two digits each.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `1 workspace`, `2 workspaces`.
pub fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// The first letters of up to two words, for a picture of a person.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.graphemes(true).next());
    let first = words.next().unwrap_or("?");
    let last = words.next_back().unwrap_or("");
    format!("{first}{last}").to_uppercase()
}

/// A tone of the design for a name, always the same for the same name.
pub fn tone_of(name: &str) -> &'static str {
    const TONES: [&str; 6] = ["running", "late", "scheduled", "paused", "ok", "neutral"];
    let sum =
        name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    TONES.get(sum % TONES.len()).copied().unwrap_or("neutral")
}

/// A moment as pages show it.
#[derive(Clone, Debug)]
pub struct When {
    /// For `<time datetime>`.
    pub iso: String,
    /// The exact moment, in UTC.
    pub title: String,
    /// Relative up to seven days, then the date.
    pub text: String,
}

impl When {
    /// `at` as seen at `now`.
    pub fn new(at: Instant, now: Instant) -> Self {
        Self { iso: at.to_string(), title: at.minute_text(), text: relative(at, now) }
    }
}

impl When {
    /// To the second, for lists whose order is that of time; how long ago stands behind it.
    pub fn exact(at: Instant, now: Instant) -> Self {
        Self { iso: at.to_string(), title: relative(at, now), text: at.second_text() }
    }
}

/// `3 min ago`, `in 5 days`, `14 Sep 2026`.
pub fn relative(at: Instant, now: Instant) -> String {
    let distance = now.since(at);
    let length = distance.abs();
    if length >= SignedDuration::from_hours(7 * 24) {
        return at.day_text();
    }
    let minutes = length.as_mins();
    // What just got seven days has not six.
    let slack = i64::from(distance.is_negative());
    let (hours, days) = ((minutes + slack) / 60, (minutes + slack) / 1440);
    let amount = match (minutes, hours) {
        (0, _) => return "just now".to_owned(),
        (1..=59, _) => format!("{minutes} min"),
        (_, 1..=23) => format!("{hours} h"),
        _ => counted(days.max(1), "day", "days"),
    };
    if distance.is_negative() { format!("in {amount}") } else { format!("{amount} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_in_words() {
        let now = Instant::from_microseconds(1_800_000_000_000_000);
        let at = |seconds: i64| relative(now + SignedDuration::from_secs(seconds), now);
        let (hour, day) = (3600, 86_400);
        assert_eq!([at(0), at(59), at(-61)], ["just now", "just now", "1 min ago"]);
        assert_eq!([at(-2 * hour + 1), at(-day + 60)], ["1 h ago", "23 h ago"]);
        // What was set to a time ahead says that time, not one less.
        assert_eq!(
            [at(2 * hour - 1), at(day - 1), at(7 * day - 1)],
            ["in 2 h", "in 1 day", "in 7 days"]
        );
        assert_eq!([at(-2 * day + 60), at(3 * day)], ["1 day ago", "in 3 days"]);
        assert_eq!(at(7 * day), (now + SignedDuration::from_hours(168)).day_text());
    }
}
