//! A schedule in words for a person (SCH-04). What cannot be said shortly and truly is shown as
//! it is written.

use jiff::Timestamp;

use super::rule_part::WEEKDAYS;
use super::{Interval, Schedule, words_cron, words_rule};

/// The most times of a day, or days of a month, that are listed.
pub(super) const MOST_LISTED: usize = 4;

/// The longest rule that is shown as it is written.
const LONGEST: usize = 60;

impl Schedule {
    /// `Every weekday at 06:00`; what cannot be said is told as it is written, as in
    /// `Cron “5 4 1-7 * 1”`. The zone is left out. By `now` is known whether a start still lies
    /// ahead, and which year goes without saying.
    pub fn words(&self, now: Timestamp) -> String {
        match self {
            Self::Interval(interval) => interval_words(interval),
            Self::Cron(cron) => words_cron::words(cron)
                .unwrap_or_else(|| format!("Cron “{}”", shortened(cron.text()))),
            Self::RRule(rule) => words_rule::words(rule, now)
                .unwrap_or_else(|| format!("Rule “{}”", shortened(rule.text()))),
        }
    }

    /// `Every day at 12:00, Europe/Berlin`: with the zone when it is not UTC.
    pub fn words_with_zone(&self, now: Timestamp) -> String {
        match self.zone().shown() {
            Some(zone) => format!("{}, {zone}", self.words(now)),
            None => self.words(now),
        }
    }
}

/// `Every 90 minutes`, `Every 2.5 seconds`, `Every day` (SCH-07). Days are told apart from hours,
/// as they follow the clocks.
fn interval_words(interval: &Interval) -> String {
    const SECOND: i64 = 1_000_000;
    let micros = interval.every.as_microseconds();
    let days = interval.every.days();
    let rest = micros - days * 86_400 * SECOND;
    let length = |micros: i64| {
        let units = [(3600, "hour"), (60, "minute"), (1, "second")];
        let unit = units.iter().find(|(seconds, _)| micros % (seconds * SECOND) == 0);
        if let Some((seconds, unit)) = unit {
            return counted(micros / (seconds * SECOND), unit);
        }
        let fraction = format!("{:06}", micros % SECOND);
        format!("{}.{} seconds", micros / SECOND, fraction.trim_end_matches('0'))
    };
    let date = match days {
        days if days % 7 == 0 && rest == 0 => counted(days / 7, "week"),
        days => counted(days, "day"),
    };
    match (days, rest) {
        (0, rest) => format!("Every {}", without_one(&length(rest))),
        (_, 0) => format!("Every {}", without_one(&date)),
        (_, rest) => format!("Every {date} and {}", length(rest)),
    }
}

/// `1 day`, `2 days`
fn counted(number: i64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

fn without_one(text: &str) -> &str {
    text.strip_prefix("1 ").unwrap_or(text)
}

/// `Every day` or `Every 3 days`
pub(super) fn every(number: i64, unit: &str) -> String {
    format!("Every {}", without_one(&counted(number, unit)))
}

/// `a`, `a and b`, `a, b and c`
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `06:00 and 18:00`; none if there are too many to list.
pub(super) fn clock_times<H, M>(hours: &[H], minutes: &[M]) -> Option<String>
where
    H: std::fmt::Display,
    M: std::fmt::Display,
{
    if hours.len() * minutes.len() > MOST_LISTED {
        return None;
    }
    let times = hours
        .iter()
        .flat_map(|hour| minutes.iter().map(move |minute| format!("{hour:0>2}:{minute:0>2}")));
    Some(listed(&times.collect::<Vec<_>>()))
}

/// `Monday and Thursday`, in the week's order from Monday on; days as `MO`.
pub(super) fn weekday_names(days: &[&str]) -> Vec<String> {
    const NAMES: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let wanted = WEEKDAYS.iter().zip(NAMES).filter(|(day, _)| days.contains(day));
    wanted.map(|(_, name)| name.to_owned()).collect()
}

/// Whether days are Monday to Friday.
pub(super) fn is_working_week(names: &[String]) -> bool {
    names.len() == 5 && !names.iter().any(|name| name.starts_with('S'))
}

/// `Every day`, `Every weekday`, `Every Monday and Thursday`
pub(super) fn every_weekday(days: &[&str]) -> String {
    let names = weekday_names(days);
    match names.len() {
        7 => "Every day".to_owned(),
        _ if is_working_week(&names) => "Every weekday".to_owned(),
        _ => format!("Every {}", listed(&names)),
    }
}

/// `1st`, `22nd`, `13th`
fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `On the 1st and 15th of each month`, `… of every 3 months`; months that lack a day are said.
pub(super) fn month_days(days: &[u32], last: bool, months: i64) -> Option<String> {
    let mut names: Vec<String> = days.iter().copied().map(ordinal).collect();
    if last {
        names.push("last day".to_owned());
    }
    if names.is_empty() || names.len() > MOST_LISTED {
        return None;
    }
    let lacking = if days.iter().any(|day| *day > 28) { " that has it" } else { "" };
    match months {
        1 => Some(format!("On the {} of each month{lacking}", listed(&names))),
        _ if lacking.is_empty() => {
            Some(format!("{} on the {}", every(months, "month"), listed(&names)))
        }
        _ => None,
    }
}

/// `On the second Friday of each month`; the fifth is not in each.
pub(super) fn placed_weekday(place: i32, day: &str) -> Option<String> {
    let place = match place {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        -1 => "last",
        _ => return None,
    };
    Some(format!("On the {place} {} of each month", weekday_names(&[day]).first()?))
}

/// `Every year on 1 January`; none for a day that not every year has.
pub(super) fn year_day(month: u32, day: u32) -> Option<String> {
    const MONTHS: [(&str, u32); 12] = [
        ("January", 31),
        ("February", 28),
        ("March", 31),
        ("April", 30),
        ("May", 31),
        ("June", 30),
        ("July", 31),
        ("August", 31),
        ("September", 30),
        ("October", 31),
        ("November", 30),
        ("December", 31),
    ];
    let (name, length) = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    (day <= *length).then(|| format!("Every year on {day} {name}"))
}

/// A text for a sentence: in one line, not too long.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let mut short: String = line.chars().take(LONGEST - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> String {
        let now = "2026-11-30T08:00:00Z".parse().unwrap();
        Schedule::read(json, now).unwrap().words_with_zone(now)
    }

    /// SCH-07: lengths are said exactly.
    #[test]
    fn intervals_in_words() {
        for (seconds, words) in [
            ("1", "Every second"),
            ("2.5", "Every 2.5 seconds"),
            ("0.000001", "Every 0.000001 seconds"),
            ("900", "Every 15 minutes"),
            ("5400", "Every 90 minutes"),
            ("3600", "Every hour"),
            ("86400", "Every day"),
            ("172800", "Every 2 days"),
            ("1209600", "Every 2 weeks"),
            ("129600", "Every 1 day and 12 hours"),
            ("90000", "Every 1 day and 1 hour"),
        ] {
            assert_eq!(said(&format!("{{\"interval\":{seconds}}}")), words);
        }
    }

    /// SCH-04
    #[test]
    fn cron_in_words() {
        for (cron, words) in [
            ("* * * * *", "Every minute"),
            ("*/15 * * * *", "Every 15 minutes"),
            ("0,30 * * * mon-fri", "Every 30 minutes on weekdays"),
            ("0 * * * *", "Every hour"),
            ("5 * * * *", "Every hour at minute 5"),
            ("0 */6 * * *", "Every day at 00:00, 06:00, 12:00 and 18:00"),
            ("0 */2 * * *", "Every 2 hours from 00:00"),
            ("0 6 * * *", "Every day at 06:00"),
            ("0 6 * * 1-5", "Every weekday at 06:00"),
            ("30 7 * * mon,thu", "Every Monday and Thursday at 07:30"),
            ("0 2 1 * *", "On the 1st of each month at 02:00"),
            ("0 2 1,15,L * *", "On the 1st, 15th and last day of each month at 02:00"),
            ("0 2 31 * *", "On the 31st of each month that has it at 02:00"),
            ("0 9 * * 5#2", "On the second Friday of each month at 09:00"),
            ("0 9 * * L5", "On the last Friday of each month at 09:00"),
            ("@yearly", "Every year on 1 January at 00:00"),
            ("0 0 29 2 *", "Cron “0 0 29 2 *”"),
            ("5 4 1-7 * 1", "Cron “5 4 1-7 * 1”"),
            ("* * * * * *", "Cron “* * * * * *”"),
            ("*/7 * * * *", "Cron “*/7 * * * *”"),
            ("0 9 * * *,1#2", "Cron “0 9 * * *,1#2”"),
        ] {
            assert_eq!(said(&format!("{{\"cron\":\"{cron}\"}}")), words, "{cron}");
        }
        assert_eq!(
            said(r#"{"cron":"0 12 * * *","timezone":"Europe/Berlin"}"#),
            "Every day at 12:00, Europe/Berlin"
        );
    }

    /// SCH-04
    #[test]
    fn rules_in_words() {
        let start = "DTSTART:20261002T170000\\n";
        for (rule, words) in [
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;UNTIL=20261231T000000",
                "Every 2 weeks on Friday at 17:00, until 31 Dec",
            ),
            ("FREQ=DAILY;COUNT=5", "Every day at 17:00, 5 times"),
            ("FREQ=DAILY;INTERVAL=3;BYHOUR=6", "Every 3 days at 06:00"),
            ("FREQ=WEEKLY;BYDAY=TU,MO,WE,TH,FR", "Every weekday at 17:00"),
            ("FREQ=WEEKLY;UNTIL=20280105", "Every Friday at 17:00, until 5 Jan 2028"),
            ("FREQ=MONTHLY", "On the 2nd of each month at 17:00"),
            ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", "Every 3 months on the 1st at 17:00"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1", "On the last day of each month at 17:00"),
            ("FREQ=MONTHLY;BYDAY=2FR", "On the second Friday of each month at 17:00"),
            ("FREQ=YEARLY", "Every year on 2 October at 17:00"),
            ("FREQ=HOURLY;INTERVAL=4", "Every 4 hours"),
            (
                "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO",
                "Rule “DTSTART:20261002T170000 FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO”",
            ),
        ] {
            assert_eq!(said(&format!("{{\"rrule\":\"{start}{rule}\"}}")), words, "{rule}");
        }
        assert_eq!(
            said(r#"{"rrule":"DTSTART:20270101T060000\nFREQ=DAILY"}"#),
            "Every day at 06:00, from 1 Jan 2027"
        );
        let long = format!("{{\"rrule\":\"RDATE:{}20260101\"}}", "20260101,".repeat(20));
        assert!(said(&long).ends_with("…”") && said(&long).chars().count() == LONGEST + 7);
    }
}
