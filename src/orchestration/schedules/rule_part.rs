//! One rule of a recurrence: `FREQ=WEEKLY;INTERVAL=2;BYDAY=FR`.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::periods::code;

/// How often a rule's period begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
    Minutely,
    Secondly,
}

impl Frequency {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Yearly, "YEARLY"),
        (Self::Monthly, "MONTHLY"),
        (Self::Weekly, "WEEKLY"),
        (Self::Daily, "DAILY"),
        (Self::Hourly, "HOURLY"),
        (Self::Minutely, "MINUTELY"),
        (Self::Secondly, "SECONDLY"),
    ];

    /// The length of its period, where that is always the same.
    pub fn length(self) -> Option<SignedDuration> {
        let hours = |hours| Some(SignedDuration::from_hours(hours));
        match self {
            Self::Yearly | Self::Monthly => None,
            Self::Weekly => hours(7 * 24),
            Self::Daily => hours(24),
            Self::Hourly => hours(1),
            Self::Minutely => Some(SignedDuration::from_mins(1)),
            Self::Secondly => Some(SignedDuration::from_secs(1)),
        }
    }
}

/// The days of the week, Monday first.
pub(super) const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// The parts that are lists of numbers, with their bounds; those that begin with 1 may also be
/// counted from the end.
const LISTS: [(&str, i32, i32); 8] = [
    ("BYSETPOS", 1, 366),
    ("BYMONTH", 1, 12),
    ("BYMONTHDAY", 1, 31),
    ("BYYEARDAY", 1, 366),
    ("BYWEEKNO", 1, 53),
    ("BYHOUR", 0, 23),
    ("BYMINUTE", 0, 59),
    ("BYSECOND", 0, 59),
];

/// The most periods that lie between two times.
const MOST_PERIODS: u32 = 1_000_000;

/// A day of the week and, where one is given, its place in the month or year.
pub(super) type PlacedDay = (i32, &'static str);

/// A rule, read but not yet bound to a start.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub frequency: Frequency,
    pub interval: u32,
    pub count: Option<i64>,
    pub until: Option<DateTime>,
    /// Whether the end was written in UTC.
    pub until_in_utc: bool,
    pub lists: BTreeMap<&'static str, Vec<i32>>,
    pub weekdays: Vec<PlacedDay>,
    pub week_start: &'static str,
}

impl Part {
    /// A rule in capital letters.
    ///
    /// # Errors
    /// The end of a sentence that begins with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut frequency = None;
        let mut part = Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            until_in_utc: false,
            lists: BTreeMap::new(),
            weekdays: Vec::new(),
            week_start: "MO",
        };
        for pair in text.split(';') {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("“{pair}” is no part of a rule; write NAME=VALUE."))?;
            let wrong = || format!("{name} cannot be “{value}”.");
            match name {
                "FREQ" => {
                    let known = Frequency::ALL.iter().find(|(_, name)| *name == value);
                    let (one, _) = known.ok_or_else(|| {
                        format!("{} Use DAILY, WEEKLY, MONTHLY, YEARLY or HOURLY.", wrong())
                    })?;
                    frequency = Some(*one);
                }
                "INTERVAL" => {
                    let range = "INTERVAL goes from 1 to 1,000,000.";
                    part.interval = whole(value)
                        .and_then(|value| u32::try_from(value).ok())
                        .filter(|interval| (1..=MOST_PERIODS).contains(interval))
                        .ok_or(range)?;
                }
                "COUNT" => part.count = Some(whole(value).ok_or_else(wrong)?),
                "UNTIL" => {
                    part.until = Some(moment(value).ok_or_else(wrong)?);
                    part.until_in_utc = value.ends_with('Z');
                }
                "WKST" => part.week_start = weekday(value).ok_or_else(wrong)?,
                "BYDAY" | "BYWEEKDAY" => {
                    part.weekdays =
                        value.split(',').map(placed).collect::<Option<_>>().ok_or_else(wrong)?;
                }
                "BYEASTER" => return Err("BYEASTER is not supported.".to_owned()),
                other => {
                    let list = LISTS.iter().find(|(list, ..)| *list == other);
                    let (list, least, most) =
                        list.ok_or_else(|| format!("{name} is not known."))?;
                    let values = value.split(',').map(|value| i32::try_from(whole(value)?).ok());
                    let values: Vec<i32> = values.collect::<Option<_>>().ok_or_else(wrong)?;
                    let signed = *least == 1 && *list != "BYMONTH";
                    let size = |value: &i32| if signed { value.saturating_abs() } else { *value };
                    if values.iter().any(|value| !(*least..=*most).contains(&size(value))) {
                        return Err(format!("{} It goes from {least} to {most}.", wrong()));
                    }
                    part.lists.insert(list, values);
                }
            }
        }
        part.frequency = frequency.ok_or("FREQ is missing.")?;
        if part.frequency > Frequency::Monthly {
            // A place in the week has no meaning: the day counts (as in Prefect).
            part.weekdays.iter_mut().for_each(|day| day.0 = 0);
        }
        Ok(part)
    }

    /// Whether nothing but frequency, interval, count and end is said.
    pub fn is_plain(&self) -> bool {
        self.lists.is_empty() && self.weekdays.is_empty()
    }

    /// Whether a list allows a number, or is not there.
    pub fn allows(&self, list: &str, number: i8) -> bool {
        self.lists.get(list).is_none_or(|values| values.contains(&i32::from(number)))
    }

    /// The seconds from one period to the next, where they are always as many.
    pub fn period(&self) -> Option<i64> {
        Some(self.frequency.length()?.as_secs() * i64::from(self.interval))
    }

    /// With the day that the start gives, where the rule names none.
    pub fn with_days_of(&self, start: DateTime) -> Self {
        let mut part = self.clone();
        if part.says_its_days() {
            return part;
        }
        let number = |number: i8| vec![i32::from(number)];
        match part.frequency {
            Frequency::Yearly => {
                part.lists.entry("BYMONTH").or_insert_with(|| number(start.month()));
                part.lists.insert("BYMONTHDAY", number(start.day()));
            }
            Frequency::Monthly => {
                part.lists.insert("BYMONTHDAY", number(start.day()));
            }
            Frequency::Weekly => part.weekdays.push((0, code(start.weekday()))),
            _ => {}
        }
        part
    }

    /// Whether the start's day of the month decides nothing.
    fn says_its_days(&self) -> bool {
        let named = ["BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"];
        !self.weekdays.is_empty() || named.iter().any(|name| self.lists.contains_key(name))
    }

    /// Whether some hour, minute or second that it names can be reached from its start; without
    /// one it would be searched for in vain.
    pub fn can_be_reached(&self, start: DateTime) -> bool {
        let (list, base, begins) = match self.frequency {
            Frequency::Hourly => ("BYHOUR", 24, start.hour()),
            Frequency::Minutely => ("BYMINUTE", 60, start.minute()),
            Frequency::Secondly => ("BYSECOND", 60, start.second()),
            _ => return true,
        };
        let Some(values) = self.lists.get(list) else { return true };
        let step = common_divisor(i64::from(self.interval), base);
        values.iter().any(|value| i64::from(value - i32::from(begins)).rem_euclid(step) == 0)
    }

    /// The same rule with a start as near before a time as gives the same times from there on,
    /// and the count that is left then; what counts in another way keeps its start.
    pub fn near(&self, start: DateTime, time: DateTime) -> (DateTime, Option<i64>) {
        let same = (start, self.count);
        if self.count.is_some() && !self.is_plain() {
            return same;
        }
        let Some(period) = self.period() else {
            return (self.near_month(start, time).unwrap_or(start), self.count);
        };
        let steps = time.duration_since(start).as_secs() / period - 1;
        if steps <= 0 {
            return same;
        }
        let moved = start.checked_add(SignedDuration::from_secs(steps * period));
        match moved {
            Ok(moved) => (moved, self.count.map(|count| count.saturating_sub(steps))),
            Err(_) => same,
        }
    }

    fn near_month(&self, start: DateTime, time: DateTime) -> Option<DateTime> {
        if self.count.is_some() || !self.says_its_days() {
            return None;
        }
        let yearly = self.frequency == Frequency::Yearly;
        let months = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month()) - 1;
        let period = i64::from(self.interval) * if yearly { 12 } else { 1 };
        let steps = (months(time) - months(start)) / period - 2;
        if steps <= 0 {
            return None;
        }
        let month = months(start) + steps * period;
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let month = if yearly { 1 } else { i8::try_from(month.rem_euclid(12) + 1).ok()? };
        start.with().year(year).month(month).day(1).build().ok()
    }
}

fn common_divisor(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { common_divisor(other, one % other) }
}

fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn weekday(text: &str) -> Option<&'static str> {
    WEEKDAYS.iter().find(|day| **day == text).copied()
}

/// `FR`, `-1FR`, `+2MO`, `MO(+2)`
fn placed(text: &str) -> Option<PlacedDay> {
    let (place, day) = match text.strip_suffix(')') {
        Some(text) => {
            let (day, place) = text.split_once('(')?;
            (place, day)
        }
        None => text.split_at_checked(text.len().checked_sub(2)?)?,
    };
    let day = weekday(day)?;
    if place.is_empty() {
        return Some((0, day));
    }
    let place = i32::try_from(whole(place)?).ok().filter(|place| *place != 0)?;
    Some((place, day))
}

/// A date, or date and time, as clocks show it: a `Z` behind it is dropped, fractions too.
pub(super) fn moment(text: &str) -> Option<DateTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let moment: DateTime = text.parse().ok()?;
    moment.with().subsec_nanosecond(0).build().ok()
}
