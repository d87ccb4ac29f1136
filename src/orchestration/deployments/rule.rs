//! The rules of schedules, as clients send and read them: an interval, a cron expression, or a recurrence rule. They are
//! kept as they were sent (SP-38); what is left out is filled in as the client's own server does (semantics.md 3, 5, 6).

use serde_json::Value;

use crate::base::db::Instant;
use crate::base::http::json::moment;
use crate::base::json::{Raw, RawObject};
use crate::base::zone::Zone;
use crate::orchestration::schedules::Schedule;

/// The longest recurrence rule, in characters (contents.md 0.3).
const LONGEST_RULE: usize = 6500;

/// The longest cron expression, in characters.
const LONGEST_CRON: usize = 500;

/// A rule as it is kept.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn parsed(rule: RawObject, now: Instant) -> Result<RawObject, String> {
    let fields: Vec<(String, Raw)> = rule.into_iter().collect();
    let has = |name: &str| fields.iter().any(|(own, _)| own == name);
    let known: &[&str] = match (has("interval"), has("cron"), has("rrule")) {
        (true, false, false) => &["interval", "anchor_date", "timezone"],
        (false, true, false) => &["cron", "timezone", "day_or"],
        (false, false, true) => &["rrule", "timezone"],
        _ => return Err("schedule: give one of interval, cron and rrule.".to_owned()),
    };
    if let Some((name, _)) = fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(format!("schedule: there is no field {name} beside {}.", known.join(", ")));
    }
    let mut kept = Vec::new();
    for name in known {
        let value = fields.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        kept.push(((*name).to_owned(), field(name, value, known, now)?));
    }
    let kept: RawObject = kept.into_iter().collect();
    // Whether it names times at all is asked of what computes them.
    let known = Schedule::read(kept.text(), jiff::Timestamp::UNIX_EPOCH);
    known.map_err(|error| error.to_string())?;
    Ok(kept)
}

fn field(name: &str, value: Option<&Raw>, known: &[&str], now: Instant) -> Result<Raw, String> {
    let given = value.filter(|value| value.text() != "null");
    let is_cron = known.contains(&"cron");
    match (name, given) {
        ("interval", Some(value)) => interval(value),
        ("anchor_date", Some(value)) => anchor(value),
        ("anchor_date", None) => Ok(Raw::of(&moment(now))),
        ("cron", Some(value)) => {
            text(name, value, LONGEST_CRON).and_then(|text| cron(value, &text))
        }
        ("rrule", Some(value)) => text(name, value, LONGEST_RULE).map(|_| value.clone()),
        ("day_or", Some(value)) if matches!(value.text(), "true" | "false") => Ok(value.clone()),
        ("day_or", Some(_)) => Err("day_or: use true or false.".to_owned()),
        ("day_or", None) => Ok(Raw::of(&true)),
        ("timezone", Some(value)) => zone(value),
        ("timezone", None) if is_cron || value.is_some() => Ok(Raw::of(&Value::Null)),
        ("timezone", None) => Ok(Raw::of(&"UTC")),
        _ => Err(format!("{name}: give a value.")),
    }
}

fn text(name: &str, value: &Raw, longest: usize) -> Result<String, String> {
    let text: String =
        serde_json::from_str(value.text()).map_err(|_| format!("{name}: a text is expected."))?;
    let length = text.chars().count();
    if text.trim().is_empty() || length > longest {
        return Err(format!("{name}: use 1 to {longest} characters, not {length}."));
    }
    Ok(text)
}

/// Five fields, and at most one for seconds and one for years; or one of the names.
fn cron(value: &Raw, text: &str) -> Result<Raw, String> {
    const NAMES: [&str; 7] =
        ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];
    let fields = text.split_whitespace().count();
    if NAMES.contains(&text.trim()) || (5..=7).contains(&fields) {
        return Ok(value.clone());
    }
    Err(format!("Invalid cron string: \"{text}\""))
}

/// More than nothing: seconds as a number, `HH:MM:SS`, or a duration of ISO 8601. A time of day becomes seconds.
fn interval(value: &Raw) -> Result<Raw, String> {
    let is_positive = |is: bool, kept: Raw| {
        if is { Ok(kept) } else { Err("interval must be positive".to_owned()) }
    };
    if let Ok(seconds) = serde_json::from_str::<f64>(value.text()) {
        return is_positive(seconds >= 0.000_001, value.clone());
    }
    let wrong = || "interval: give seconds, or a duration such as PT1H.".to_owned();
    let text: String = serde_json::from_str(value.text()).map_err(|_| wrong())?;
    if let Ok(span) = text.parse::<jiff::Span>()
        && text.trim_start().starts_with('P')
    {
        return is_positive(span.is_positive(), value.clone());
    }
    let parts: Option<Vec<f64>> = text.split(':').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([hours, minutes, seconds]) => {
            let seconds = hours * 3600.0 + minutes * 60.0 + seconds;
            is_positive(seconds >= 0.000_001, Raw::of(&seconds))
        }
        _ => Err(wrong()),
    }
}

fn anchor(value: &Raw) -> Result<Raw, String> {
    let wrong = || "anchor_date: give a time such as 2026-11-23T09:24:11Z.".to_owned();
    let text: String = serde_json::from_str(value.text()).map_err(|_| wrong())?;
    let at: Instant = serde_json::from_str(value.text()).map_err(|_| wrong())?;
    // A moment in UTC stays as it was written.
    Ok(if text.ends_with('Z') { value.clone() } else { Raw::of(&moment(at)) })
}

fn zone(value: &Raw) -> Result<Raw, String> {
    let name: String = serde_json::from_str(value.text())
        .map_err(|_| "timezone: a text is expected.".to_owned())?;
    let is_known = name.is_empty() || Zone::parse(&name).is_ok_and(|zone| zone.name() == name);
    if is_known {
        return Ok(value.clone());
    }
    Err(format!(
        "Invalid timezone: \"{name}\" (specify in IANA tzdata format, for example, America/New_York)"
    ))
}

/// What a rule says, as a list shows it: its kind, its text, and its time zone.
pub fn told(rule: &RawObject) -> (&'static str, String, String) {
    let raw = rule.raw();
    let zone = raw.string("timezone").filter(|zone| !zone.is_empty());
    let zone = zone.unwrap_or_else(|| "UTC".to_owned());
    if let Some(cron) = raw.string("cron") {
        return ("Cron", cron, zone);
    }
    if let Some(rule) = raw.string("rrule") {
        return ("Recurrence rule", rule, zone);
    }
    let interval = raw.field("interval");
    let interval = interval.map(|value| value.text().trim_matches('"').to_owned());
    let interval = interval.unwrap_or_default();
    let words = match interval.parse::<f64>() {
        Ok(seconds) => format!("every {}", every(seconds, &interval)),
        Err(_) => format!("every {interval}"),
    };
    ("Interval", words, zone)
}

/// `15 minutes`, in the largest unit that says it exactly.
fn every(seconds: f64, text: &str) -> String {
    for (unit, one, many) in
        [(86_400.0, "day", "days"), (3600.0, "hour", "hours"), (60.0, "minute", "minutes")]
    {
        let count = seconds / unit;
        if count >= 1.0 && (count - count.round()).abs() < 1e-9 {
            let count = format!("{count:.0}");
            return if count == "1" { one.to_owned() } else { format!("{count} {many}") };
        }
    }
    let number = text.strip_suffix(".0").unwrap_or(text);
    if number == "1" { "second".to_owned() } else { format!("{number} seconds") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<String, String> {
        let now = Instant::from_microseconds(1_795_425_851_000_000);
        parsed(serde_json::from_str(text).unwrap(), now).map(|rule| rule.text().to_owned())
    }

    /// SCH-02, semantics.md 3, 5, 6: a rule reads back as it was sent, with what was left out filled in.
    #[test]
    fn rules_are_kept_as_they_were_sent() {
        for (sent, kept) in [
            (r#"{"cron":"0 6 * * 1-5","timezone":"Europe/Berlin","day_or":false}"#, ""),
            (r#"{"cron":"@daily"}"#, r#"{"cron":"@daily","timezone":null,"day_or":true}"#),
            (
                r#"{"interval":3600.0,"anchor_date":"2026-11-23T08:15:34.638560Z","timezone":"UTC"}"#,
                "",
            ),
            (r#"{"interval":"PT1H","anchor_date":"2026-11-23T08:15:34Z","timezone":null}"#, ""),
            (
                r#"{"timezone":"UTC","anchor_date":"2026-11-23T09:15:34+01:00","interval":"01:30:00"}"#,
                r#"{"interval":5400.0,"anchor_date":"2026-11-23T08:15:34Z","timezone":"UTC"}"#,
            ),
            (r#"{"rrule":"FREQ=DAILY"}"#, r#"{"rrule":"FREQ=DAILY","timezone":"UTC"}"#),
        ] {
            let expected = if kept.is_empty() { sent } else { kept };
            assert_eq!(rule(sent).as_deref(), Ok(expected));
        }
        for wrong in [
            "{}",
            r#"{"cron":"0 6 * * *","interval":5}"#,
            r#"{"cron":"0 6 * *"}"#,
            r#"{"cron":""}"#,
            r#"{"cron":"0 6 * * *","more":1}"#,
            r#"{"cron":"0 6 * * *","timezone":"Mars/Base"}"#,
            r#"{"cron":"0 6 * * *","timezone":"europe/berlin"}"#,
            r#"{"cron":"0 6 * * *","day_or":1}"#,
            r#"{"interval":0}"#,
            r#"{"interval":-5}"#,
            r#"{"interval":"3600"}"#,
            r#"{"interval":null}"#,
            r#"{"interval":5,"anchor_date":"soon"}"#,
            r#"{"rrule":""}"#,
            r#"{"rrule":"FREQ=SOMETIMES"}"#,
            r#"{"cron":"0 25 * * *"}"#,
        ] {
            assert!(rule(wrong).is_err(), "{wrong}");
        }
        let long = |length| format!("{{\"rrule\":\"{}\"}}", "x".repeat(length));
        let is_too_long = |length| rule(&long(length)).is_err_and(|text| text.contains("not 6501"));
        assert!(!is_too_long(LONGEST_RULE) && is_too_long(LONGEST_RULE + 1));
    }

    /// SCH-07: an interval is told exactly.
    #[test]
    fn an_interval_is_told_exactly() {
        for (seconds, words) in [
            ("60", "minute"),
            ("5400.0", "90 minutes"),
            ("2.5", "2.5 seconds"),
            ("86400", "day"),
            ("1.0", "second"),
            ("45.0", "45 seconds"),
            ("7200", "2 hours"),
        ] {
            assert_eq!(every(seconds.parse().unwrap(), seconds), words);
        }
    }
}
