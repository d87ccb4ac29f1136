//! Recurrence rules in words (SCH-04).

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::RRule;
use super::periods::code;
use super::rule_part::{Frequency, Part};
use super::words::{
    clock_times, every, every_weekday, listed, month_days, placed_weekday, weekday_names, year_day,
};

/// The words, if there are short and true ones.
pub(super) fn words(rule: &RRule, now: Timestamp) -> Option<String> {
    let start = rule.rule.start();
    let [part] = rule.rule.rules.as_slice() else { return None };
    if rule.rule.is_set() || start.second() != 0 {
        return None;
    }
    let now = rule.zone.zone().to_datetime(now);
    let mut words = if part.frequency > Frequency::Daily {
        often(part)?
    } else {
        format!("{} at {}", days(part, start)?, times(part, start)?)
    };
    let day = |at: DateTime| {
        let format = if at.year() == now.year() { "%-d %b" } else { "%-d %b %Y" };
        at.strftime(format).to_string()
    };
    if start > now {
        words.push_str(", from ");
        words.push_str(&day(start));
    }
    match part.count {
        Some(1) => words.push_str(", once"),
        Some(count) => words = format!("{words}, {count} times"),
        None => {}
    }
    if let Some(until) = part.until {
        words.push_str(", until ");
        words.push_str(&day(until));
    }
    Some(words)
}

fn often(part: &Part) -> Option<String> {
    let unit = match part.frequency {
        Frequency::Hourly => "hour",
        Frequency::Minutely => "minute",
        Frequency::Secondly => "second",
        _ => return None,
    };
    part.is_plain().then(|| every(i64::from(part.interval), unit))
}

/// The times of a day; of lists that are not said here, none may be there.
fn times(part: &Part, start: DateTime) -> Option<String> {
    let said = ["BYHOUR", "BYMINUTE", "BYMONTHDAY"];
    if part.lists.keys().any(|name| !said.contains(name)) {
        return None;
    }
    let numbers = |name: &str, usual: i8| match part.lists.get(name) {
        Some(values) => {
            let mut values = values.clone();
            values.sort_unstable();
            values.dedup();
            values
        }
        None => vec![i32::from(usual)],
    };
    clock_times(&numbers("BYHOUR", start.hour()), &numbers("BYMINUTE", start.minute()))
}

fn days(part: &Part, start: DateTime) -> Option<String> {
    let interval = i64::from(part.interval);
    let month_days_given = part.lists.get("BYMONTHDAY");
    let codes: Vec<&str> = part.weekdays.iter().map(|(_, day)| *day).collect();
    match (part.frequency, month_days_given, part.weekdays.as_slice()) {
        (Frequency::Daily, None, []) => Some(every(interval, "day")),
        (Frequency::Daily, None, _) if interval == 1 => Some(every_weekday(&codes)),
        (Frequency::Weekly, None, given) => {
            let codes = if given.is_empty() { vec![code(start.weekday())] } else { codes };
            if interval == 1 {
                return Some(every_weekday(&codes));
            }
            let names = weekday_names(&codes);
            Some(format!("{} on {}", every(interval, "week"), listed(&names)))
        }
        (Frequency::Monthly, given, []) => {
            let own = [i32::from(start.day())];
            let mut days = given.map_or(own.as_slice(), Vec::as_slice).to_vec();
            days.sort_unstable();
            days.dedup();
            let last = days.contains(&-1);
            days.retain(|day| *day != -1);
            let days: Option<Vec<u32>> = days.iter().map(|day| u32::try_from(*day).ok()).collect();
            month_days(&days?, last, interval)
        }
        (Frequency::Monthly, None, [(place, day)]) if interval == 1 => placed_weekday(*place, day),
        (Frequency::Yearly, None, []) if interval == 1 => {
            year_day(u32::try_from(start.month()).ok()?, u32::try_from(start.day()).ok()?)
        }
        _ => None,
    }
}
