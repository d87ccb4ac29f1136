//! Text that people typed, and numbers and times as people read them.

use jiff::SignedDuration;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::db::Instant;
use super::zone::Zone;

/// Code points that are invisible, stand for what is not there, or turn the direction of text: control, zero-width,
/// bidi, tag characters, variation of layout, replacements (IV-09, EM-03).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
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

/// A moment as pages show it: by the viewer's clock, with UTC in the title.
#[derive(Clone, Copy, Debug)]
pub struct When {
    at: Instant,
    now: Instant,
    form: Form,
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Relative up to seven days, then the date.
    Distance,
    /// To the second.
    Exact,
    /// The time of day, to the minute.
    Minute,
    /// The time of day, to the second.
    Clock,
    /// The time of day, to the millisecond.
    Millisecond,
}

impl When {
    /// `at` as seen at `now`: how long ago, or in how long.
    pub fn new(at: Instant, now: Instant) -> Self {
        Self { at, now, form: Form::Distance }
    }

    /// To the second, for lists whose order is that of time; how long ago stands behind it.
    pub fn exact(at: Instant, now: Instant) -> Self {
        Self { at, now, form: Form::Exact }
    }

    /// The time of day, to the minute.
    pub fn minute(at: Instant) -> Self {
        Self { at, now: at, form: Form::Minute }
    }

    /// The time of day, to the second.
    pub fn clock(at: Instant) -> Self {
        Self { at, now: at, form: Form::Clock }
    }

    /// The time of day, to the millisecond.
    pub fn millisecond(at: Instant) -> Self {
        Self { at, now: at, form: Form::Millisecond }
    }

    /// For `<time datetime>`.
    pub fn iso(&self) -> String {
        self.at.to_string()
    }

    /// What is seen.
    pub fn text(&self, zone: &Zone) -> String {
        match self.form {
            Form::Distance => relative_in(zone, self.at, self.now),
            Form::Exact => zone.second_text(self.at),
            Form::Minute => zone.clock_text(self.at),
            Form::Clock => zone.exact_clock_text(self.at),
            Form::Millisecond => zone.finest_clock_text(self.at),
        }
    }

    /// The moment itself, for where a distance is too little: `2026-11-23 10:24 CET`.
    pub fn full(&self, zone: &Zone) -> String {
        zone.minute_text(self.at)
    }

    /// The exact moment in UTC, and what else the text does not say.
    pub fn title(&self, zone: &Zone) -> String {
        match self.form {
            Form::Distance if zone.is_utc() => self.at.minute_text(),
            Form::Distance => format!("{} · {}", self.full(zone), self.at.minute_text()),
            Form::Exact => {
                format!("{} · {}", self.at.second_text(), relative_in(zone, self.at, self.now))
            }
            Form::Minute | Form::Clock | Form::Millisecond => self.at.second_text(),
        }
    }
}

/// `3 min ago`, `in 5 days`, `14 Sep 2026`.
pub fn relative(at: Instant, now: Instant) -> String {
    relative_in(&Zone::default(), at, now)
}

/// The same with the date as the calendar of a zone has it.
pub fn relative_in(zone: &Zone, at: Instant, now: Instant) -> String {
    let distance = now.since(at);
    let length = distance.abs();
    if length >= SignedDuration::from_hours(7 * 24) {
        return zone.day_text(at);
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

    /// SP-44: what is seen goes by the viewer's clock, the title has UTC.
    #[test]
    fn a_moment_is_seen_by_the_clock_of_whoever_looks() {
        let at = Instant::from_microseconds(1_795_473_851_000_000);
        let (utc, auckland) = (Zone::default(), Zone::parse("Pacific/Auckland").unwrap());
        let now = at + SignedDuration::from_hours(1);
        assert_eq!(When::new(at, now).text(&auckland), "1 h ago");
        assert_eq!(When::new(at, now).title(&utc), "2026-11-23 22:44 UTC");
        assert_eq!(
            When::new(at, now).title(&auckland),
            "2026-11-24 11:44 NZDT · 2026-11-23 22:44 UTC"
        );
        assert_eq!(When::exact(at, now).text(&auckland), "2026-11-24 11:44:11 NZDT");
        assert_eq!(When::exact(at, now).title(&auckland), "2026-11-23 22:44:11 UTC · 1 h ago");
        assert_eq!(When::clock(at).text(&auckland), "11:44:11");
        assert_eq!(When::millisecond(at).title(&auckland), "2026-11-23 22:44:11 UTC");
        let later = at + SignedDuration::from_hours(24 * 30);
        assert_eq!(When::new(at, later).text(&auckland), "24 Nov 2026");
        assert_eq!(When::new(at, later).text(&utc), "23 Nov 2026");
    }
}
