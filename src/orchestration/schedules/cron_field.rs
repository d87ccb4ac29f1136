//! One field of a cron expression: lists, ranges that may wrap, steps, names.
//!
//! What an odd text means is measured on Prefect's server: equal ends (`5-5`) and a step from the
//! last value on (`23/2`) are the whole field, and a step runs on over a wrap (`22-2/3`).

use super::words::shortened;

/// A field's place, bounds and names.
pub(super) struct Kind {
    pub place: usize,
    pub name: &'static str,
    pub least: u32,
    pub most: u32,
    names: &'static [&'static str],
    /// The value of the first name.
    first: u32,
}

const fn kind(place: usize, name: &'static str, least: u32, most: u32) -> Kind {
    Kind { place, name, least, most, names: &[], first: 0 }
}

pub(super) const MINUTE: Kind = kind(1, "minute", 0, 59);
pub(super) const HOUR: Kind = kind(2, "hour", 0, 23);
pub(super) const DAY: Kind = kind(3, "day of month", 1, 31);
pub(super) const MONTH: Kind = Kind {
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    first: 1,
    ..kind(4, "month", 1, 12)
};
pub(super) const WEEKDAY: Kind = Kind {
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    ..kind(5, "day of week", 0, 6)
};
pub(super) const SECOND: Kind = kind(6, "second", 0, 59);
pub(super) const YEAR: Kind = kind(7, "year", 1970, 2099);

/// Which of a weekday's days in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nth {
    /// The first to the fifth.
    Number(u32),
    /// The last.
    Last,
}

/// What a field allows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Allowed {
    /// The values, ascending. All of them where the field is a star.
    pub values: Vec<u32>,
    /// Whether a star (or a question mark) is among what was written.
    pub star: bool,
    /// Whether the last day of the month is allowed (`L`).
    pub last: bool,
    /// Weekdays by their place in the month (`5#2`, `L5`).
    pub nth: Vec<(u32, Nth)>,
}

impl Allowed {
    fn add(&mut self, value: u32, nth: Option<Nth>) {
        if !self.values.contains(&value) {
            self.values.push(value);
        }
        let placed = nth.map(|nth| (value, nth));
        self.nth.extend(placed.filter(|placed| !self.nth.contains(placed)));
    }
}

/// A field of an expression of so many fields, in small letters.
///
/// # Errors
/// A sentence that says what the field takes.
pub(super) fn parse(kind: &Kind, text: &str, fields: usize) -> Result<Allowed, String> {
    let mut allowed = Allowed::default();
    if text == "?" && (kind.place == DAY.place || kind.place == WEEKDAY.place) {
        allowed.star = true;
    } else {
        for item in text.split(',') {
            add(kind, item, fields, &mut allowed)?;
        }
    }
    let literal = |value: &u32| !allowed.nth.iter().any(|(day, _)| day == value);
    if !allowed.nth.is_empty() && allowed.values.iter().any(literal) {
        return Err("Field 5 (day of week) mixes days with # or L; use one form.".to_owned());
    }
    if allowed.star && allowed.nth.is_empty() {
        allowed.values = (kind.least..=kind.most).collect();
    }
    allowed.values.sort_unstable();
    Ok(allowed)
}

fn add(kind: &Kind, item: &str, fields: usize, allowed: &mut Allowed) -> Result<(), String> {
    let not_read = || unread(kind, item);
    if item == "*" {
        allowed.star = true;
        return Ok(());
    }
    if kind.place == DAY.place && item == "l" {
        allowed.last = true;
        return Ok(());
    }
    let (range, nth) =
        if kind.place == WEEKDAY.place { placed(item).ok_or_else(not_read)? } else { (item, None) };
    let (range, step) = match range.split_once('/') {
        Some((range, step)) => (range, Some(number(step).ok_or_else(not_read)?)),
        None => (range, None),
    };
    if step == Some(0) {
        let Kind { place, name, .. } = kind;
        return Err(format!("Field {place} ({name}) has a step of 0; use 1 or more."));
    }
    let value = |token: &str| named(kind, token, fields).ok_or_else(not_read);
    let (low, high) = match (range, range.split_once('-'), step) {
        ("*", _, Some(_)) => (kind.least, kind.most),
        (_, Some((low, "l")), _) if kind.place == DAY.place => (value(low)?, 31),
        (_, Some((low, high)), _) => (value(low)?, value(high)?),
        (_, None, Some(_)) => (value(range)?, kind.most),
        (_, None, None) => {
            let one = value(range)?;
            within(kind, one)?;
            allowed.add(one, nth);
            return Ok(());
        }
    };
    within_top(kind, low.max(high))?;
    for value in spread(kind, low, high, step.unwrap_or(1)) {
        let value = alias(kind, value, fields);
        within(kind, value)?;
        allowed.add(value, nth);
    }
    Ok(())
}

/// Splits `5#2`, `mon-fri#1` and `l5` into the days and the place; what has none is left as it is.
fn placed(item: &str) -> Option<(&str, Option<Nth>)> {
    if let Some((days, place)) = item.split_once('#') {
        let place = number(place).filter(|place| (1..=5).contains(place))?;
        let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic());
        let plain = match days.split_once('-') {
            Some((low, high)) => word(low) && word(high),
            None => !days.contains('/'),
        };
        return plain.then_some((days, Some(Nth::Number(place))));
    }
    match item.strip_prefix('l') {
        Some(day) if number(day).is_some() => Some((day, Some(Nth::Last))),
        _ => Some((item, None)),
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// A number or name as the value that it stands for.
fn named(kind: &Kind, token: &str, fields: usize) -> Option<u32> {
    let name = || {
        let index = kind.names.iter().position(|name| *name == token)?;
        Some(kind.first + u32::try_from(index).ok()?)
    };
    Some(alias(kind, number(token).or_else(name)?, fields))
}

/// Sunday is also 7 where there are five fields, and day 0 is the first where there are six.
fn alias(kind: &Kind, value: u32, fields: usize) -> u32 {
    match (kind.place, value, fields) {
        (5, 7, 5) => 0,
        (3, 0, 6) => 1,
        _ => value,
    }
}

/// The values of a range, in the order in which they are counted.
fn spread(kind: &Kind, low: u32, high: u32, step: u32) -> Vec<u32> {
    let stride = usize::try_from(step).unwrap_or(usize::MAX);
    if low < high {
        return (low..=high).step_by(stride).collect();
    }
    if low == high {
        return (kind.least..=kind.most).step_by(stride).collect();
    }
    let mut values: Vec<u32> = (low..=kind.most).step_by(stride).collect();
    let last = values.last().copied().unwrap_or(kind.most);
    let left = kind.most - last;
    let over = (last - kind.least).saturating_add(step) > kind.most - kind.least + 1;
    let skipped = if over && left < step { step - left } else { 0 };
    values.extend((kind.least.saturating_add(skipped)..=high).step_by(stride));
    values
}

fn within(kind: &Kind, value: u32) -> Result<(), String> {
    if value < kind.least { Err(outside(kind, value)) } else { within_top(kind, value) }
}

fn within_top(kind: &Kind, value: u32) -> Result<(), String> {
    if value > kind.most { Err(outside(kind, value)) } else { Ok(()) }
}

fn outside(kind: &Kind, value: u32) -> String {
    let Kind { place, name, least, most, .. } = kind;
    format!("Field {place} ({name}) is {value}; it goes from {least} to {most}.")
}

fn unread(kind: &Kind, item: &str) -> String {
    let Kind { place, name, least, most, .. } = kind;
    let item = shortened(item);
    let names = match kind.names.first().zip(kind.names.last()) {
        Some((first, last)) => format!(" or {first} to {last}"),
        None => String::new(),
    };
    format!(
        "Field {place} ({name}) has “{item}”, which is not understood. It takes {least} to \
         {most}{names}, ranges (a-b), steps (*/n) and lists of them (a,b)."
    )
}
