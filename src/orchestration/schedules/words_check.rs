//! Words never claim more or less than the rule: each phrase is read again and held against the
//! next hundred times (SCH-04).

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{Schedule, times};

/// Whether a phrase claims a day.
fn claims(words: &str, date: Date) -> bool {
    let days = words.split(" at ").next().unwrap();
    let name = date.strftime("%A").to_string();
    let weekend = name.starts_with('S');
    if let Some(rest) = days.strip_prefix("On the ") {
        let (which, _) = rest.split_once(" of each month").unwrap();
        if let Some((place, weekday)) = which.split_once(' ').filter(|(_, day)| *day != "day") {
            let nth = usize::try_from((date.day() - 1) / 7).unwrap();
            let last = date.day() + 7 > date.days_in_month();
            if weekday.ends_with("day") && !which.contains("and") {
                let named = ["first", "second", "third", "fourth"].get(nth) == Some(&place);
                return weekday == name && (named || place == "last" && last);
            }
        }
        let last = which.contains("last day") && date.day() == date.days_in_month();
        let numbers = which.split(|c: char| !c.is_ascii_digit());
        return last || numbers.filter_map(|n| n.parse().ok()).any(|n: i8| n == date.day());
    }
    match days {
        "Every day" => true,
        "Every weekday" => !weekend,
        _ if days.starts_with("Every year on ") => {
            days.ends_with(&date.strftime("on %-d %B").to_string())
        }
        _ => days.contains(&name),
    }
}

/// Whether a phrase claims a time of day.
fn claims_time(words: &str, at: DateTime) -> bool {
    let clock = at.strftime("%H:%M").to_string();
    let minutes = i32::from(at.hour()) * 60 + i32::from(at.minute());
    let number = words.split(' ').find_map(|word| word.parse().ok()).unwrap_or(1);
    if words.contains("minute ") {
        return i32::from(at.minute()) == number;
    }
    if words.contains("minute") {
        return minutes % number == 0;
    }
    if words.contains("hour") {
        return minutes % (60 * number) == 0;
    }
    words.contains(&clock)
}

#[test]
fn phrases_are_true() {
    let start: DateTime = "2026-11-30T00:00:00".parse().unwrap();
    let moment = |at: DateTime| TimeZone::UTC.to_timestamp(at).unwrap();
    let cron = |text: &str| format!("{{\"cron\":\"{text}\"}}");
    let rule =
        |text: &str| format!("{{\"rrule\":\"DTSTART:20260105T063000\\nRRULE:FREQ={text}\"}}");
    let mut bodies: Vec<String> = [
        "* * * * *",
        "*/15 * * * *",
        "0,30 * * * mon-fri",
        "0 * * * *",
        "5 * * * *",
        "0 */2 * * *",
        "0 6 * * *",
        "0 6,18 * * *",
        "0 6 * * 1-5",
        "30 7 * * mon,thu",
        "0 2 1 * *",
        "0 2 31 * *",
        "0 2 1,15,L * *",
        "0 2 L * *",
        "0 9 * * 5#2",
        "0 9 * * L5",
        "@yearly",
        "0 0 28 2 *",
        "0 9 * * 0-6",
        "0 9 * * sun",
        "0,30 9 1,2 * *",
        "0 6 1-31 * *",
        "0 6 * * 5-5",
    ]
    .map(cron)
    .to_vec();
    bodies.extend(
        [
            "DAILY",
            "DAILY;BYHOUR=6,9",
            "WEEKLY",
            "WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            "MONTHLY",
            "MONTHLY;BYMONTHDAY=-1,1",
            "MONTHLY;BYDAY=-1FR",
            "MONTHLY;BYDAY=2TU",
            "YEARLY",
            "DAILY;BYDAY=SA,SU",
            "MONTHLY;BYMONTHDAY=31",
        ]
        .map(rule),
    );
    for body in bodies {
        let schedule = Schedule::read(&body, moment(start)).unwrap();
        let words = schedule.words(moment(start));
        assert!(words.starts_with("Every") || words.starts_with("On"), "{body}: {words}");
        let found: Vec<Timestamp> = times(&schedule, moment(start), None, 100).unwrap();
        let end = found.last().copied().unwrap();
        let by_clock = words.contains(" at ") && !words.contains("minute");
        let mut claimed = Vec::new();
        let mut at = start;
        while moment(at) <= end {
            if by_clock && !claims(&words, at.date()) {
                at = at.date().tomorrow().unwrap().to_datetime(jiff::civil::Time::midnight());
                continue;
            }
            let weekend = at.date().strftime("%A").to_string().starts_with('S');
            if claims_time(&words, at) && !(words.ends_with("on weekdays") && weekend) {
                claimed.push(moment(at));
            }
            at += if by_clock { 15.minutes() } else { 1.minute() };
        }
        assert_eq!(found, claimed, "{body}: {words}");
    }
}
