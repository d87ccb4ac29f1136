//! Cron expressions in words (SCH-04).

use super::Cron;
use super::cron::Fields;
use super::cron_field::Nth;
use super::words::{
    clock_times, every, every_weekday, is_working_week, listed, month_days, placed_weekday,
    weekday_names, year_day,
};

/// The weekdays as an expression counts them, Sunday first.
const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/// The words, if there are short and true ones.
pub(super) fn words(cron: &Cron) -> Option<String> {
    let fields = &cron.fields;
    let odd_days = fields.any_weekday && !fields.weekday.nth.is_empty();
    let with_seconds = fields.second.values != [0] || fields.year.is_some();
    if odd_days || with_seconds || !fields.any_day && !fields.any_weekday {
        return None;
    }
    if let Some(times) = clock_times(&fields.hour.values, &fields.minute.values) {
        return Some(format!("{} at {times}", days(fields)?));
    }
    let often = often(fields)?;
    let every_month = fields.month.values.len() == 12;
    let plain_days = fields.any_day && fields.weekday.nth.is_empty();
    if !every_month || !plain_days {
        return None;
    }
    let names = weekday_names(&codes(fields));
    match names.len() {
        7 => Some(often),
        _ if is_working_week(&names) => Some(format!("{often} on weekdays")),
        _ => Some(format!("{often} on {}", listed(&names))),
    }
}

/// `Every 15 minutes`, `Every hour at minute 5`, `Every 2 hours from 00:00`
fn often(fields: &Fields) -> Option<String> {
    let minutes = fields.minute.values.as_slice();
    let hours = fields.hour.values.as_slice();
    let minute_step = step(minutes, 60);
    match (minutes, minute_step, step(hours, 24)) {
        ([0], _, Some(1)) => Some(every(1, "hour")),
        ([minute], _, Some(1)) => Some(format!("Every hour at minute {minute}")),
        (_, Some(minutes), Some(1)) => Some(every(minutes, "minute")),
        ([0], _, Some(hours)) => Some(format!("{} from 00:00", every(hours, "hour"))),
        _ => None,
    }
}

/// The distance of values that divide the whole from 0 on.
fn step(values: &[u32], whole: u32) -> Option<i64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    let step = whole / count;
    let even =
        whole.is_multiple_of(count) && values.iter().zip(0..).all(|(value, i)| *value == i * step);
    even.then(|| i64::from(step))
}

fn codes(fields: &Fields) -> Vec<&'static str> {
    let allowed = |day: &u32| fields.any_weekday || fields.weekday.values.contains(day);
    let days = (0..).zip(DAYS).filter(|(day, _)| allowed(day));
    days.map(|(_, code)| code).collect()
}

fn days(fields: &Fields) -> Option<String> {
    let every_month = fields.month.values.len() == 12;
    if let (false, true, [month], [day], false) = (
        every_month,
        fields.any_weekday,
        fields.month.values.as_slice(),
        fields.day.values.as_slice(),
        fields.day.last,
    ) {
        return year_day(*month, *day);
    }
    if !every_month {
        return None;
    }
    if !fields.any_day {
        return month_days(&fields.day.values, fields.day.last, 1);
    }
    match fields.weekday.nth.as_slice() {
        [] => Some(every_weekday(&codes(fields))),
        [(day, nth)] => {
            let place = match nth {
                Nth::Number(number) => i32::try_from(*number).ok()?,
                Nth::Last => -1,
            };
            placed_weekday(place, DAYS.get(usize::try_from(*day).ok()?)?)
        }
        _ => None,
    }
}
